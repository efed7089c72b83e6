/* waiting.c - the list of waiting requests, and the statement that compares heads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/waiting.h"

#include "common/util/base.h"
#include "common/util/err.h"

#define TICK_MS 200
#define MAX_PARKED 10000

static void on_tick(struct tw_deadline *d);

#define AT(field) TW_METRIC_AT(struct api_waiting, field)

static const struct tw_metric_row metric_rows[] = {
    { "long_polls", NULL, "Requests that wait for an event (long polls).", AT(count) },
};

const struct tw_metric_table api_waiting_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

void api_waiting_start(struct api_waiting *w, const struct api_waiting_options *options)
{
    w->options = *options;
    w->tenants.max = (size_t)MAX_PARKED * 40;
    tw_list_init(&w->parked);
}

static void wake(struct api_waiting *w, struct api_parked *p, bool has_news)
{
    api_waiting_leave(w, p);
    p->wake(p, has_news);
}

void api_waiting_leave(struct api_waiting *w, struct api_parked *p)
{
    if (!tw_list_linked(&p->link))
        return;
    tw_list_remove(&p->link);
    w->count.value--;
}

bool api_waiting_park(struct api_waiting *w, struct api_parked *p)
{
    if (w->is_stopped || w->count.value >= MAX_PARKED)
        return false;
    tw_list_append(&w->parked, &p->link);
    w->count.value++;
    if (!tw_deadline_is_set(&w->tick) && !w->is_asking)
        tw_after(w->options.loop, &w->tick, TICK_MS, on_tick);
    return true;
}

/* Requests of the tenant that have not seen `head` yet. They are collected first, since waking
 * one changes the list. */
static void wake_due(struct api_waiting *w, struct tw_slice tenant, uint64_t head)
{
    struct tw_list due;

    tw_list_init(&due);
    tw_list_each(&w->parked, link)
    {
        struct api_parked *p = tw_container_of(link, struct api_parked, link);

        /* a smaller head is news too: the stream was set back */
        if (head != p->after && tw_slice_is(tenant, p->tenant)) {
            tw_list_remove(link);
            tw_list_append(&due, link);
        }
    }
    while (!tw_list_empty(&due))
        wake(w, tw_container_of(due.next, struct api_parked, link), true);
}

static void wake_late(struct api_waiting *w)
{
    struct tw_list late;

    tw_list_init(&late);
    tw_list_each(&w->parked, link)
    {
        if (tw_container_of(link, struct api_parked, link)->until_ms > w->options.loop->now_ms)
            continue;
        tw_list_remove(link);
        tw_list_append(&late, link);
    }
    while (!tw_list_empty(&late))
        wake(w, tw_container_of(late.next, struct api_parked, link), false);
}

static void on_heads(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct api_waiting *w = tw_container_of(call, struct api_waiting, call);

    w->is_asking = false;
    if (w->is_stopped)
        return;
    for (size_t i = 0; tw_pg_error(result) == 0 && i < tw_pg_rows(result); i++)
        wake_due(w, tw_pg_text(result, i, 0), (uint64_t)tw_pg_int(result, i, 1));
    wake_late(w);
    if (!tw_list_empty(&w->parked))
        tw_after(w->options.loop, &w->tick, TICK_MS, on_tick);
}

/* A tenant that several wait for is named several times: PostgreSQL answers once. */
static void on_tick(struct tw_deadline *d)
{
    struct api_waiting *w = tw_container_of(d, struct api_waiting, tick);

    if (tw_list_empty(&w->parked))
        return;
    tw_buf_clear(&w->tenants);
    tw_list_each(&w->parked, link)
    {
        tw_buf_char(&w->tenants, w->tenants.len == 0 ? '{' : ',');
        tw_buf_text(&w->tenants, tw_container_of(link, struct api_parked, link)->tenant);
    }
    tw_buf_char(&w->tenants, '}');
    w->is_asking = true;
    w->call = (struct tw_pg_call){
        .sql = "select tenant_id, head from pos.heads($1::uuid[])",
        .params = { { tw_buf_view(&w->tenants), false } },
        .param_count = 1,
        .done = on_heads,
    };
    tw_pg_pool_call(w->options.pool, &w->call);
}

void api_waiting_stop(struct api_waiting *w)
{
    if (w->options.loop == NULL || w->is_stopped)
        return;
    w->is_stopped = true;
    tw_after_cancel(w->options.loop, &w->tick);
    while (!tw_list_empty(&w->parked))
        wake(w, tw_container_of(w->parked.next, struct api_parked, link), false);
}

void api_waiting_done(struct api_waiting *w)
{
    tw_buf_done(&w->tenants);
}
