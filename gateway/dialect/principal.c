/* principal.c - writing a ctx.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/principal.h"

#include "common/util/json_write.h"

void gw_principal_copy(struct gw_principal *to, const struct gw_principal *from)
{
    to->has_key = from->has_key;
    to->is_keyless = from->is_keyless;
    memcpy(to->key_hash, from->key_hash, sizeof(to->key_hash));
    tw_buf_clear(&to->claim);
    to->claim.max = from->claim.len;
    tw_buf_append(&to->claim, tw_buf_view(&from->claim));
    tw_buf_clear(&to->only);
    to->only.max = from->only.len;
    tw_buf_append(&to->only, tw_buf_view(&from->only));
}

void gw_principal_context(const struct gw_principal *p, struct tw_slice tenant_id,
                          struct tw_slice device, struct tw_slice session,
                          struct tw_slice request_id, struct tw_buf *out)
{
    char attempt[36];

    tw_random_uuid(attempt);
    tw_buf_char(out, '{');
    if (p->claim.len > 0)
        tw_json_member_raw(out, "token", tw_buf_view(&p->claim));
    else if (p->has_key)
        tw_json_member(out, "keyHash", tw_slice_from(p->key_hash, TW_SHA256_HEX));
    else if (p->is_keyless)
        tw_json_member(out, "keyless", tenant_id);
    if (p->only.len > 0)
        tw_json_member_raw(out, "only", tw_buf_view(&p->only));
    tw_json_member(out, "kind", TW_LIT("socket"));
    if (device.len > 0)
        tw_json_member(out, "device", device);
    if (session.len > 0)
        tw_json_member(out, "session", session);
    tw_json_member(out, "attempt", tw_slice_from(attempt, sizeof(attempt)));
    tw_json_member(out, "requestId", request_id);
    tw_json_member_raw(out, "path", TW_LIT("{}"));
    tw_json_member_raw(out, "query", TW_LIT("{}"));
    tw_buf_char(out, '}');
}

void gw_principal_done(struct gw_principal *p)
{
    tw_buf_done(&p->claim);
    tw_buf_done(&p->only);
}
