/* sessions.c - the list of all sessions, and their numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/sessions.h"

#include "common/util/base.h"

void gw_sessions_start(struct gw_sessions *all, const struct gw_sessions_options *options,
                       struct tw_metrics *metrics)
{
    const struct gw_dialects *dialects = options->dialects;

    tw_list_init(&all->list);
    all->dialects = dialects;
    all->log = options->log;
    all->queue_bytes = options->queue_bytes;
    all->scratch.max = options->message_bytes;
    for (size_t i = 0; i < dialects->count; i++)
        tw_metric_add(metrics, &all->open[i], "ws_sessions", dialects->rows[i].dialect->labels,
                      "Open sessions.");
    tw_metric_add(metrics, &all->slow, "ws_slow_consumers_total", NULL,
                  "Sessions closed with 1013 because they did not read.");
    tw_metric_add(metrics, &all->messages_in, "ws_messages_total", "dir=\"in\"",
                  "Messages of clients, and frames to them.");
    tw_metric_add(metrics, &all->messages_out, "ws_messages_total", "dir=\"out\"",
                  "Messages of clients, and frames to them.");
    tw_metric_add(metrics, &all->malformed, "ws_nonsense_total", NULL,
                  "Messages that were no JSON.");
    tw_metric_add(metrics, &all->rendered, "frames_encoded_total", NULL,
                  "Frames encoded for events: once an event and dialect, not once a session.");
    tw_metric_add(metrics, &all->resumed, "resumes_total", "from=\"stream\"",
                  "Sessions that resumed, or had to fetch the state anew.");
    tw_metric_add(metrics, &all->resynced, "resumes_total", "from=\"resync\"",
                  "Sessions that resumed, or had to fetch the state anew.");
}

void gw_sessions_done(struct gw_sessions *all)
{
    tw_buf_done(&all->scratch);
}
