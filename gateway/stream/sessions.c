/* sessions.c - the list of all sessions, and their numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/sessions.h"

#include "common/util/base.h"
#include "gateway/websocket/close.h"

#define AT(field) TW_METRIC_AT(struct gw_sessions, field)

static const struct tw_metric_row metric_rows[] = {
    { "ws_slow_consumers_total", NULL,
      "Sessions closed with 1013 because they did not read what was sent to them.", AT(slow) },
    { "ws_messages_total", "dir=\"in\"",
      "Messages that clients sent, and messages that were sent to them.", AT(messages_in) },
    { "ws_messages_total", "dir=\"out\"", NULL, AT(messages_out) },
    { "ws_nonsense_total", NULL, "Messages of clients that were not JSON.", AT(malformed) },
    { "frames_encoded_total", NULL,
      "WebSocket frames that were encoded for events: one for each event and dialect, however "
      "many sessions get it.",
      AT(rendered) },
    { "resumes_total", "from=\"stream\"",
      "Sessions that resumed: from the stream of events, or by fetching the state again.",
      AT(resumed) },
    { "resumes_total", "from=\"resync\"", NULL, AT(resynced) },
};

const struct tw_metric_table gw_sessions_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

static const struct {
    unsigned code;
    const char *text;
} codes[] = {
    { GW_CLOSE_NONE, "none" },         { GW_CLOSE_NORMAL, "1000" },
    { GW_CLOSE_GOING_AWAY, "1001" },   { GW_CLOSE_PROTOCOL, "1002" },
    { GW_CLOSE_UNSUPPORTED, "1003" },  { GW_CLOSE_NO_CODE, "1005" },
    { GW_CLOSE_INVALID_TEXT, "1007" }, { GW_CLOSE_POLICY, "1008" },
    { GW_CLOSE_TOO_BIG, "1009" },      { GW_CLOSE_TRY_AGAIN, "1013" },
};
_Static_assert(TW_COUNT(codes) == GW_CLOSE_CODES - 1, "as many as are counted");

const char *gw_sessions_close_code(size_t i)
{
    return i < TW_COUNT(codes) ? codes[i].text : "other";
}

void gw_sessions_count_end(struct gw_sessions *all, size_t dialect_index, unsigned code)
{
    size_t i = 0;

    while (i < TW_COUNT(codes) && codes[i].code != code)
        i++;
    all->ends[dialect_index * GW_CLOSE_CODES + i].value++;
}

void gw_sessions_start(struct gw_sessions *all, const struct gw_sessions_options *options)
{
    tw_list_init(&all->list);
    gw_holders_start(&all->holders);
    all->dialects = options->dialects;
    all->log = options->log;
    all->deliveries = options->deliveries;
    all->faults = options->faults;
    all->queue_bytes = options->queue_bytes;
    all->heartbeat_ms = options->heartbeat_ms;
    all->scratch.max = options->message_bytes;
}

void gw_sessions_done(struct gw_sessions *all)
{
    tw_buf_done(&all->scratch);
    gw_holders_done(&all->holders);
}
