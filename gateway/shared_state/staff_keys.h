/* staff_keys.h - what is said of a restaurant's staff, as PostgreSQL keeps it: sealed.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/crypto.h"
#include "common/util/slice.h"

#define GW_STAFF_KEYS 2

/* Its first key seals, each opens. */
struct gw_staff_keys {
    uint8_t keys[GW_STAFF_KEYS][TW_SEAL_KEY_BYTES];
    size_t count; /* 0: no staff is kept */
};

/* `setting`: keys in hex, separated by a comma; null or empty: none. */
void gw_staff_keys_read(struct gw_staff_keys *out, const char *setting);

/* Append the base64 of `plain`, which opens only for this person of this tenant. */
void gw_staff_seal(const struct gw_staff_keys *keys, const char *tenant, struct tw_slice id,
                   struct tw_slice plain, struct tw_buf *out);

/* Append what was sealed; false when none of the keys opens it. */
bool gw_staff_open(const struct gw_staff_keys *keys, const char *tenant, struct tw_slice id,
                   struct tw_slice sealed, struct tw_buf *out);
