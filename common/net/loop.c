/* loop.c - one turn of the loop: callbacks note, then what was noted runs, then sleep.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/loop.h"

#include "common/util/base.h"
#include "common/util/clock.h"

/* While the ticker runs, the clock is read far more often than that. So much of each pause
 * counts, so that limits expire also where every turn is slow. */
#define PAUSE_MS 500

void tw_loop_read_clock(struct tw_loop *loop)
{
    uint64_t read_ms = tw_now_ms(), gap_ms = read_ms - loop->read_ms;

    if (gap_ms > PAUSE_MS && loop->deadlines.count > 0)
        loop->paused_ms += gap_ms - PAUSE_MS;
    loop->read_ms = read_ms;
    loop->now_ms = read_ms - loop->paused_ms;
}

static void on_tick(uv_timer_t *timer);

static void start_ticker(struct tw_loop *loop, uint64_t after_ms)
{
    loop->tick_due_ms = loop->read_ms + after_ms;
    (void)uv_timer_start(&loop->ticker, on_tick, after_ms, TW_DEADLINE_TICK_MS);
}

/* How late this tick is, who asked for it at once apart. The loop's clock has whole
 * milliseconds, so it may be one too early. */
static void note_lag(struct tw_loop *loop)
{
    uint64_t now_ms = loop->read_ms, due_ms = loop->tick_due_ms;

    if (now_ms + TW_DEADLINE_TICK_MS / 2 >= due_ms)
        tw_histogram_add(&loop->lag, now_ms > due_ms ? (now_ms - due_ms) * 1000 : 0);
    loop->tick_due_ms = now_ms + TW_DEADLINE_TICK_MS;
}

static void on_tick(uv_timer_t *timer)
{
    struct tw_loop *loop = tw_container_of(timer, struct tw_loop, ticker);

    tw_loop_read_clock(loop);
    note_lag(loop);
    tw_deadlines_run(&loop->deadlines, loop->now_ms);
    if (loop->deadlines.count == 0)
        (void)uv_timer_stop(timer);
}

/* Notes made while this runs are run too, but a note that keeps coming back waits a turn. */
static void on_before_sleep(uv_prepare_t *prepare)
{
    struct tw_loop *loop = tw_container_of(prepare, struct tw_loop, before_sleep);
    struct tw_list *link;

    tw_loop_read_clock(loop);
    for (int pass = 0; pass < 4 && !tw_list_empty(&loop->later); pass++) {
        struct tw_list noted;

        tw_list_init(&noted);
        tw_list_move_all(&noted, &loop->later);
        while ((link = tw_list_shift(&noted)) != NULL) {
            struct tw_later *l = tw_container_of(link, struct tw_later, link);

            l->run(l);
        }
    }
    if (!tw_list_empty(&loop->later)) /* the next turn must not sleep */
        (void)uv_timer_start(&loop->ticker, on_tick, 0, TW_DEADLINE_TICK_MS);
}

static const struct tw_metric_row metric_rows[] = {
    { "loop_lag_seconds", NULL,
      "How late the process turned to what was due, looked at fifty times a second, to a "
      "millisecond.",
      TW_METRIC_AT(struct tw_loop, lag) },
};

const struct tw_metric_table tw_loop_metrics = { .rows = metric_rows,
                                                 .count = TW_COUNT(metric_rows) };

void tw_loop_init(struct tw_loop *loop)
{
    int r = uv_loop_init(&loop->uv);

    TW_ASSERT(r == 0); /* fails only when descriptors or memory are out: at a process's start */
    tw_list_init(&loop->later);
    tw_list_init(&loop->lookups);
    loop->now_ms = loop->read_ms = tw_now_ms();
    tw_deadlines_init(&loop->deadlines, loop->now_ms);
    (void)uv_prepare_init(&loop->uv, &loop->before_sleep); /* these cannot fail */
    (void)uv_prepare_start(&loop->before_sleep, on_before_sleep);
    uv_unref((uv_handle_t *)&loop->before_sleep);
    (void)uv_timer_init(&loop->uv, &loop->ticker);
}

void tw_loop_run(struct tw_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void tw_loop_stop(struct tw_loop *loop)
{
    uv_stop(&loop->uv);
}

void tw_loop_done(struct tw_loop *loop)
{
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->ticker, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
}

void tw_later(struct tw_loop *loop, struct tw_later *l, void (*run)(struct tw_later *l))
{
    l->run = run;
    if (!tw_list_linked(&l->link))
        tw_list_append(&loop->later, &l->link);
}

void tw_later_cancel(struct tw_later *l)
{
    tw_list_remove(&l->link);
}

void tw_after(struct tw_loop *loop, struct tw_deadline *d, uint64_t after_ms,
              tw_deadline_cb expired)
{
    if (loop->deadlines.count == 0) { /* the wheel stood still: start it from now */
        tw_loop_read_clock(loop);
        tw_deadlines_run(&loop->deadlines, loop->now_ms);
        start_ticker(loop, TW_DEADLINE_TICK_MS);
    }
    tw_deadline_set(&loop->deadlines, d, loop->now_ms + after_ms, expired);
}

void tw_after_cancel(struct tw_loop *loop, struct tw_deadline *d)
{
    tw_deadline_clear(&loop->deadlines, d);
}
