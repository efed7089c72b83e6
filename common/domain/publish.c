/* publish.c - naming channels, wrapping events, publishing them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/publish.h"

#include "common/net/redis.h"
#include "common/util/encode.h"
#include "common/util/err.h"

#define MESSAGE_BYTES ((size_t)2 * 1024 * 1024)

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

int tw_publish_event(struct tw_redis *l, struct tw_slice tenant, struct tw_slice event)
{
    struct tw_buf message = { .max = MESSAGE_BYTES };
    char channel[TW_CHANNEL_BYTES];
    int r = TW_EFULL;

    tw_event_wrap(&message, tenant, event);
    if (!message.failed)
        r = tw_redis_publish(l, tw_event_channel(tenant, channel), tw_buf_view(&message));
    tw_buf_done(&message);
    return r;
}
