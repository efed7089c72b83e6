/* principal.h - who a client is, as far as the ctx of pos.call must know.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/util/buf.h"
#include "common/util/crypto.h"

/* A key, a token, or neither (is_keyless: the tenant lets such devices in). Zero is nobody. */
struct gw_principal {
    bool has_key, is_keyless;
    bool is_unshaped; /* what came as a key is not shaped like one */
    char key_hash[TW_SHA256_HEX];
    struct tw_buf claim; /* of a signed token: ctx.token; empty without */
    struct tw_buf only; /* the scopes of a ticket that has fewer than its key: JSON; or empty */
};

/* A copy, into a zeroed or released one. */
void gw_principal_copy(struct gw_principal *to, const struct gw_principal *from);

/* A ctx for an operation of this client: `device` is what it calls itself, `session` the
 * connection that must not hear of its own change (either may be empty). The ctx has an attempt
 * of its own. */
void gw_principal_context(const struct gw_principal *p, struct tw_slice tenant_id,
                          struct tw_slice device, struct tw_slice session,
                          struct tw_slice request_id, struct tw_buf *out);

/* Release the memory. Fine on a zeroed one. */
void gw_principal_done(struct gw_principal *p);
