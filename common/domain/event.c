/* event.c - reading canonical events and naming their channels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"

#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_view.h"

int tw_event_read(struct tw_slice raw, struct tw_event *out)
{
    struct tw_event e = { .raw = raw };
    struct tw_slice seq;

    if (!tw_json_get(raw, "seq", &seq) || !tw_json_u64(seq, &e.seq) || e.seq == 0 ||
        !tw_json_get_text(raw, "type", &e.type) || e.type.len == 0 ||
        !tw_json_get_text(raw, "at", &e.at) || !tw_json_get(raw, "origin", &e.origin) ||
        e.origin.at[0] != '{' || !tw_json_get(raw, "data", &e.data) || e.data.at[0] != '{')
        return TW_ESYNTAX;
    *out = e;
    return 0;
}

struct tw_slice tw_event_channel(struct tw_slice tenant, char out[TW_CHANNEL_BYTES])
{
    size_t n = tenant.len < 36 ? tenant.len : 36;

    memcpy(out, "tw:t:", 5);
    memcpy(out + 5, tenant.at, n);
    return tw_slice_from(out, 5 + n);
}

void tw_event_wrap(struct tw_buf *out, struct tw_slice tenant, struct tw_slice event)
{
    tw_buf_append(out, tenant);
    tw_buf_char(out, ' ');
    tw_buf_append(out, event);
}

size_t tw_event_unwrap(struct tw_slice message, struct tw_slice tenant)
{
    if (!tw_slice_starts(message, tenant) || message.len <= tenant.len + 1 ||
        message.at[tenant.len] != ' ')
        return 0;
    return tenant.len + 1;
}

bool tw_event_tenant(struct tw_slice channel, struct tw_slice *tenant)
{
    if (!tw_slice_starts(channel, TW_LIT("tw:t:")) || !tw_is_uuid(tw_slice_skip(channel, 5)))
        return false;
    *tenant = tw_slice_skip(channel, 5);
    return true;
}
