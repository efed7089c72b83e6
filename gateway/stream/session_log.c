/* session_log.c - the rows of a session's begin and end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session_log.h"

#include "gateway/websocket/close.h"

void gw_session_log_connect(struct gw_sync_log *log, struct gw_sync_log_row row,
                            const struct gw_holder *holder, const struct gw_origin *from)
{
    row.kind = "connect";
    row.address = from->address[0] == '\0' ? NULL : from->address;
    row.client = from->client[0] == '\0' ? NULL : from->client;
    if (holder->kind == GW_HOLDS_KEY)
        row.key = tw_slice_of(holder->id);
    gw_sync_log_add(log, &row);
}

/* In how long it is to be back, or it is missed: two heartbeats, of which a ping without its
 * pong is one. 0: it said goodbye, or may not come back. */
static uint64_t expected_ms(const struct gw_sync_log_row *row, uint64_t heartbeat_ms)
{
    if (row->code == GW_CLOSE_POLICY || row->reason == gw_closes.by_client.reason ||
        row->reason == gw_closes.left.reason || row->reason == gw_closes.moved.reason)
        return 0;
    return row->reason == gw_closes.silent.reason ? heartbeat_ms : 2 * heartbeat_ms;
}

void gw_session_log_disconnect(struct gw_sync_log *log, struct gw_sync_log_row row,
                               uint64_t heartbeat_ms)
{
    row.kind = "disconnect";
    row.has_ended = true;
    row.expected_ms = expected_ms(&row, heartbeat_ms);
    gw_sync_log_add(log, &row);
}
