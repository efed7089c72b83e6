/* readings.h - what hubs read from the log, all that wait in one statement (pg_batch.h): when a
 * thousand restaurants come back at once, or Redis is away, each of them would need one.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/pg_batch.h"
#include "common/util/slice.h"

enum gw_reading_kind { GW_READS_HEAD, GW_READS_EVENTS, GW_READING_KINDS };

/* Columns of a head: one row; of events: seq, event, whether the piece ends early; and then a
 * row with `oldest` alone: the log keeps events from this seq on. No rows, or an oldest of 0:
 * there is no such tenant. */
enum { GW_ROW_HEAD, GW_ROW_OLDEST };
enum { GW_ROW_SEQ, GW_ROW_EVENT, GW_ROW_IS_CUT, GW_ROW_KEPT_FROM };

/* Embedded in who asks, which lives until `done`. */
struct gw_reading {
    struct tw_pg_question question;
    struct tw_slice tenant; /* kept */
    uint64_t after;         /* events after this seq, */
    uint32_t most;          /* at most so many of them, and about 4 MB */
    void (*done)(struct gw_reading *r, const struct tw_pg_rows *rows); /* once, and later */
};

struct gw_readings {
    struct tw_pg_batch of_kind[GW_READING_KINDS];
};

void gw_readings_start(struct gw_readings *all, struct tw_pg_pool *pool);
void gw_readings_stop(struct gw_readings *all);
void gw_readings_done(struct gw_readings *all); /* when the pool is closed */

/* Read it soon. One that asks already must not ask again. */
static inline void gw_read_soon(struct gw_readings *all, enum gw_reading_kind kind,
                                struct gw_reading *r)
{
    tw_pg_ask(&all->of_kind[kind], &r->question);
}
