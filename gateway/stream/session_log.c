/* session_log.c - the rows of a session's begin and end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session_log.h"

#include "gateway/stream/session.h"
#include "gateway/stream/stream.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/close.h"

static struct gw_sync_log_row row_of(const struct gw_session *s, const char *kind)
{
    return (struct gw_sync_log_row){ .kind = kind,
                                     .tenant = tw_slice_of(s->stream->tenant.id),
                                     .dialect = s->dialect->name,
                                     .device = gw_session_device(s),
                                     .seq = s->next_seq > 0 ? s->next_seq - 1 : 0 };
}

void gw_session_log_connect(const struct gw_session *s, const struct gw_origin *from)
{
    struct gw_sync_log_row row = row_of(s, "connect");

    row.address = from->address[0] == '\0' ? NULL : from->address;
    row.client = from->client[0] == '\0' ? NULL : from->client;
    if (s->holder->kind == GW_HOLDS_KEY)
        row.key = tw_slice_of(s->holder->id);
    gw_sync_log_add(gw_session_all(s)->log, &row);
}

/* In how long it is to be back, or it is missed: two heartbeats, of which a ping without its
 * pong is one. 0: it said goodbye, or may not come back. */
static uint64_t expected_ms(const struct gw_session *s, unsigned code, const char *reason)
{
    uint64_t heartbeat_ms = gw_session_all(s)->heartbeat_ms;

    if (code == GW_CLOSE_POLICY || reason == gw_closes.by_client.reason ||
        reason == gw_closes.left.reason || reason == gw_closes.moved.reason)
        return 0;
    return reason == gw_closes.silent.reason ? heartbeat_ms : 2 * heartbeat_ms;
}

void gw_session_log_disconnect(const struct gw_session *s, unsigned code, const char *reason)
{
    struct gw_sync_log_row row = row_of(s, "disconnect");

    row.code = code;
    row.reason = reason;
    row.has_ended = true;
    row.since = s->greeted_s;
    row.expected_ms = expected_ms(s, code, reason);
    gw_sync_log_add(gw_session_all(s)->log, &row);
}
