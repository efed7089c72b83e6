/* reports.h - the sessions of restaurants that somebody looks at (the console), once a second.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define GW_WATCHED 200                         /* restaurants at once */
#define GW_WATCH_MS 15000                      /* for how long a look lasts */
#define GW_REPORTED_SESSIONS 500               /* of one of them; the others are counted */
#define GW_REPORT_BYTES ((size_t)64 * 1024)    /* of one of them */
#define GW_REPORTS_BYTES ((size_t)1024 * 1024) /* of all; the others have their turn next */

struct gw_hub;
struct gw_hubs;

struct gw_reports_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    const struct gw_hubs *hubs;
    const char *instance;   /* the name of this process */
    const char *process_id; /* as it is known to pos.process */
};

struct gw_watched {
    char tenant[37];
    uint64_t until_ms;
};

/* Embedded in the process's state. Nothing is written while nobody looks. */
struct gw_reports {
    struct gw_reports_options options;
    struct gw_watched watched[GW_WATCHED];
    size_t count, next; /* `next`: whose turn it is */
    struct tw_buf text;
    struct tw_pg_call call;
    struct tw_deadline tick;
    bool is_sending, is_stopped;
    struct tw_metric watching, written;
};

extern const struct tw_metric_table gw_reports_metrics;

void gw_reports_start(struct gw_reports *r, const struct gw_reports_options *options);
void gw_reports_stop(struct gw_reports *r);
void gw_reports_done(struct gw_reports *r);

/* Somebody looks at this restaurant for so long from now on. More of them than there is room
 * for are not reported. */
void gw_reports_watch(struct gw_reports *r, struct tw_slice tenant, uint64_t for_ms);

/* The same for all that stand in `list`: "<uuid> <milliseconds>", with blanks between. */
void gw_reports_watch_all(struct gw_reports *r, struct tw_slice list);

/* Append what is reported of a restaurant; `hub` is null when it has no session here. */
void gw_report_put(struct tw_buf *out, struct tw_slice tenant, const struct gw_hub *hub);
