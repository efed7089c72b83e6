/* conns.c - settings and metrics of all connections.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/conns.h"

#include "common/util/base.h"

#define AT(field) TW_METRIC_AT(struct gw_conns, field)

static const struct tw_metric_row metric_rows[] = {
    { "ws_closes_total", "by=\"us\"",
      "WebSocket connections that ended, by who ended them; nobody: the connection was lost.",
      AT(closed_by_us) },
    { "ws_closes_total", "by=\"peer\"", NULL, AT(closed_by_peer) },
    { "ws_closes_total", "by=\"nobody\"", NULL, AT(lost) },
    { "ws_queue_bytes", NULL,
      "Bytes of messages that wait for sockets to take them, of all WebSockets.", AT(queued) },
    { "ws_silent_total", NULL,
      "WebSocket connections that were closed because a ping was not answered.", AT(silent) },
    { "ws_turns_full_total", NULL,
      "Times that a connection had sent more than is read of one in a turn; the rest came "
      "later.",
      AT(full_turns) },
    { "ws_rests_total", NULL,
      "Times that a connection was not read for a moment, because it had made us do too much.",
      AT(rests) },
    { "ws_contexts", NULL,
      "Connections that have received a part of a frame or message and hold memory for it.",
      AT(ws.lent) },
    { "ws_held_bytes", NULL,
      "Bytes of messages that have begun to arrive, and are not complete yet.", AT(ws.held) },
};

const struct tw_metric_table gw_conns_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

void gw_conns_start(struct gw_conns *all, const struct gw_conns_options *options)
{
    all->options = *options;
    all->ws.max_message = options->message_bytes;
    all->ws.max_held = options->held_bytes;
    all->ws.free_bytes =
        options->message_bytes; /* whatever large messages arrive, tills go on */
    all->ws.deflate = &all->deflate;
    tw_list_init(&all->all);
}

void gw_conns_done(struct gw_conns *all)
{
    gw_ws_pool_done(&all->ws);
    gw_deflate_done(&all->deflate);
}
