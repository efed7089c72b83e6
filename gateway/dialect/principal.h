/* principal.h - who a client is, as far as the ctx of pos.call must know.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/util/buf.h"
#include "common/util/crypto.h"

/* Zero is nobody. */
struct gw_principal {
    bool has_key, is_keyless;
    char key_hash[TW_SHA256_HEX];
    struct tw_buf claim; /* of a signed token: ctx.token; empty without */
};

/* A ctx for an operation of this client: `device` is what it calls itself, `session` the
 * connection that must not hear of its own change. The ctx has an attempt of its own. */
void gw_principal_context(const struct gw_principal *c, struct tw_slice tenant_id,
                          struct tw_slice device, struct tw_slice session,
                          struct tw_slice request_id, struct tw_buf *out);
void gw_principal_done(struct gw_principal *c);
