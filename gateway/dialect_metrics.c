/* dialect_metrics.c - their labels. They are in this folder, because a session does not know
 * which dialects there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect_metrics.h"

#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "gateway/dialects.h"
#include "gateway/stream/sessions.h"

static bool dialect_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    const struct gw_dialects all = gw_all_dialects(NULL, NULL, NULL);

    if (i < all.count)
        (void)snprintf(labels, TW_METRIC_LABELS, "%s", all.rows[i].dialect->labels);
    return i < all.count;
}

static bool end_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    size_t n;

    if (!dialect_labels(i / GW_CLOSE_CODES, labels))
        return false;
    n = strlen(labels);
    (void)snprintf(labels + n, TW_METRIC_LABELS - n, ",code=\"%s\"",
                   gw_sessions_close_code(i % GW_CLOSE_CODES));
    return true;
}

static const struct tw_metric_row session_rows[] = {
    { "ws_sessions", NULL, "Open sessions of clients, by the dialect that they speak.",
      TW_METRIC_AT(struct gw_sessions, open[0]) },
};

static const struct tw_metric_row end_rows[] = {
    { "ws_session_ends_total", NULL,
      "Sessions that ended, by dialect and by the close code that we gave them; `none`: the "
      "client "
      "has gone, or its connection.",
      TW_METRIC_AT(struct gw_sessions, ends[0]) },
};

const struct tw_metric_table gw_dialect_sessions_metrics = { .rows = session_rows,
                                                             .count = TW_COUNT(session_rows),
                                                             .labels_of = dialect_labels };
const struct tw_metric_table gw_dialect_ends_metrics = { .rows = end_rows,
                                                         .count = TW_COUNT(end_rows),
                                                         .labels_of = end_labels,
                                                         .label_names = "`dialect`, `code`" };
