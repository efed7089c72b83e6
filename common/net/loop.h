/* loop.h - a process's event loop: libuv's, with time limits and "do this before you sleep".
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "common/util/deadline.h"
#include "common/util/list.h"
#include "common/util/metrics.h"

#define TW_READ_CHUNK 65536
#define TW_PEER_TEXT 48

/* "Call me once, from the loop": what is noted here runs before the loop sleeps again, outside
 * of all other callbacks, so that it may close and free. Zero is "not asked for". */
struct tw_later {
    struct tw_list link;
    void (*run)(struct tw_later *l);
};

struct tw_loop {
    uv_loop_t uv;
    uv_prepare_t before_sleep;
    uv_timer_t ticker; /* turns the wheel, and stands still while no limit is set */
    struct tw_list later;
    struct tw_list lookups; /* of names, under way (lookup.h) */
    struct tw_deadlines deadlines;
    uint64_t now_ms;                /* of this turn: see tw_loop_read_clock */
    uint64_t read_ms;               /* the monotonic clock when it was last read */
    uint64_t paused_ms;             /* how long this process stood still, in all */
    uint64_t tick_due_ms;           /* when the ticker is to turn next, by the same clock */
    struct tw_histogram lag;        /* how much later than that it did */
    char peer[TW_PEER_TEXT];        /* see tw_stream_peer */
    char read_chunk[TW_READ_CHUNK]; /* every stream reads into it; lent during one callback */
};

extern const struct tw_metric_table tw_loop_metrics;

void tw_loop_init(struct tw_loop *loop);

/* Runs until nothing is left that could happen, or tw_loop_stop. */
void tw_loop_run(struct tw_loop *loop);
void tw_loop_stop(struct tw_loop *loop);

/* Closes what the loop itself holds; call after tw_loop_run, when all else is closed. */
void tw_loop_done(struct tw_loop *loop);

/* Bring now_ms up to date. The loop's clock goes on steadily and stands still while the process
 * does (SIGSTOP, a paused machine, a turn that took too long): whoever spoke or answered
 * meanwhile is heard before it is judged, and whoever did not has the time left that it had. */
void tw_loop_read_clock(struct tw_loop *loop);

/* The same with the pauses: for what may not be believed longer than its time. */
static inline uint64_t tw_loop_age_ms(const struct tw_loop *loop)
{
    return loop->now_ms + loop->paused_ms;
}

void tw_later(struct tw_loop *loop, struct tw_later *l, void (*run)(struct tw_later *l));
void tw_later_cancel(struct tw_later *l);

/* A limit `after_ms` from now; see deadline.h. */
void tw_after(struct tw_loop *loop, struct tw_deadline *d, uint64_t after_ms,
              tw_deadline_cb expired);
void tw_after_cancel(struct tw_loop *loop, struct tw_deadline *d);
