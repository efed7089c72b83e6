/* waiting.c - the waiting requests of each tenant, and the statement that compares heads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/waiting.h"

#include <stdlib.h>

#include "common/net/pg_array.h"
#include "common/util/base.h"
#include "common/util/err.h"

#define TICK_MS 200
#define SAME_WITHIN 64 /* so many of those in line are looked at */

static void on_tick(struct tw_deadline *d);

#define AT(field) TW_METRIC_AT(struct api_waiting, field)

static const struct tw_metric_row metric_rows[] = {
    { "long_polls", NULL, "Requests that wait for an event (long polls).", AT(count) },
};

const struct tw_metric_table api_waiting_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

struct api_waiting_group {
    struct tw_list link;
    char tenant[37];
    struct tw_list parked; /* they wait for news */
    struct tw_list due;    /* there is news for them, and others ask first */
    unsigned awake;        /* so many ask now */
    bool is_entrance;      /* they ask for the first time: its name is no tenant's id */
};

void api_waiting_start(struct api_waiting *w, const struct api_waiting_options *options)
{
    w->options = *options;
    w->tenants.max = (size_t)API_LONG_POLLS * 40;
    tw_list_init(&w->groups);
}

static struct api_parked *parked_of(struct tw_list *link)
{
    return tw_container_of(link, struct api_parked, link);
}

static struct api_waiting_group *group_of(struct api_waiting *w, const char *tenant)
{
    struct api_waiting_group *g = tw_map_get(&w->by_tenant, tw_slice_of(tenant));

    if (g == NULL) {
        g = tw_new(struct api_waiting_group);
        memcpy(g->tenant, tenant, sizeof(g->tenant));
        tw_list_init(&g->parked);
        tw_list_init(&g->due);
        tw_list_append(&w->groups, &g->link);
        (void)tw_map_set(&w->by_tenant, tw_slice_of(tenant), g);
    }
    return g;
}

/* Here and nowhere else, so that a group stays while its requests are woken. */
static void free_empty(struct api_waiting *w)
{
    tw_list_each(&w->groups, link)
    {
        struct api_waiting_group *g = tw_container_of(link, struct api_waiting_group, link);

        if (g->awake > 0 || !tw_list_empty(&g->parked) || !tw_list_empty(&g->due))
            continue;
        (void)tw_map_remove(&w->by_tenant, tw_slice_of(g->tenant));
        tw_list_remove(&g->link);
        free(g);
    }
}

static void tick_soon(struct api_waiting *w)
{
    if (!tw_deadline_is_set(&w->tick) && !w->is_asking)
        tw_after(w->options.loop, &w->tick, TICK_MS, on_tick);
}

static void take_out(struct api_waiting *w, struct api_parked *p)
{
    tw_list_remove(&p->link);
    w->count.value--;
}

static void wake_up(struct api_waiting *w, struct api_waiting_group *g, struct api_parked *p,
                    bool has_news)
{
    take_out(w, p);
    p->awake = g;
    g->awake++;
    p->wake(p, has_news);
}

static void wake_next(struct api_waiting *w, struct api_waiting_group *g)
{
    while (g->awake < API_LONG_POLLS_AWAKE && !tw_list_empty(&g->due))
        wake_up(w, g, parked_of(g->due.next), true);
}

void api_waiting_leave(struct api_waiting *w, struct api_parked *p)
{
    if (!tw_list_linked(&p->link))
        return;
    take_out(w, p);
}

struct api_parked *api_waiting_take_same(struct api_waiting *w, const struct api_parked *p)
{
    size_t seen = 0;

    if (p->awake == NULL || !p->awake->is_entrance)
        return NULL;
    tw_list_each(&p->awake->due, link)
    {
        struct api_parked *other = parked_of(link);

        if (++seen > SAME_WITHIN)
            break;
        if (!tw_slice_eq(other->question, p->question))
            continue;
        take_out(w, other);
        return other;
    }
    return NULL;
}

void api_waiting_asked(struct api_waiting *w, struct api_parked *p)
{
    struct api_waiting_group *g = p->awake;

    if (g == NULL)
        return;
    p->awake = NULL;
    g->awake--;
    wake_next(w, g);
}

/* Whose request it is, is known after it has asked: until then its key counts. */
bool api_waiting_enter(struct api_waiting *w, struct api_parked *p, struct tw_slice key_hash)
{
    struct api_waiting_group *g;
    char door[37] = "/";

    if (w->is_stopped || w->count.value >= API_LONG_POLLS)
        return true;
    memcpy(door + 1, key_hash.at,
           key_hash.len < sizeof(door) - 2 ? key_hash.len : sizeof(door) - 2);
    g = group_of(w, door);
    g->is_entrance = true;
    if (g->awake < API_LONG_POLLS_AWAKE) {
        p->awake = g;
        g->awake++;
        return true;
    }
    tw_list_append(&g->due, &p->link);
    w->count.value++;
    tick_soon(w);
    return false;
}

bool api_waiting_park(struct api_waiting *w, struct api_parked *p)
{
    if (w->is_stopped || w->count.value >= API_LONG_POLLS)
        return false;
    tw_list_append(&group_of(w, p->tenant)->parked, &p->link);
    w->count.value++;
    tick_soon(w);
    return true;
}

/* Requests of the tenant that have not seen `head` yet; a smaller head is news too: the stream
 * was set back. */
static void wake_due(struct api_waiting *w, struct tw_slice tenant, uint64_t head)
{
    struct api_waiting_group *g = tw_map_get(&w->by_tenant, tenant);

    if (g == NULL)
        return;
    tw_list_each(&g->parked, link)
    {
        if (head == parked_of(link)->after)
            continue;
        tw_list_remove(link);
        tw_list_append(&g->due, link);
    }
    wake_next(w, g);
}

/* Those in turn need not wait longer either: they are answered that there is nothing. */
static void wake_late_of(struct api_waiting *w, struct api_waiting_group *g,
                         struct tw_list *list)
{
    struct tw_list late;

    tw_list_init(&late);
    tw_list_each(list, link)
    {
        if (parked_of(link)->until_ms > w->options.loop->now_ms)
            continue;
        tw_list_remove(link);
        tw_list_append(&late, link);
    }
    while (!tw_list_empty(&late))
        wake_up(w, g, parked_of(late.next), false);
}

static void wake_late(struct api_waiting *w)
{
    tw_list_each(&w->groups, link)
    {
        struct api_waiting_group *g = tw_container_of(link, struct api_waiting_group, link);

        wake_late_of(w, g, &g->due);
        wake_late_of(w, g, &g->parked);
    }
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
    if (w->count.value > 0)
        tw_after(w->options.loop, &w->tick, TICK_MS, on_tick);
}

static void on_tick(struct tw_deadline *d)
{
    struct api_waiting *w = tw_container_of(d, struct api_waiting, tick);

    free_empty(w);
    if (w->count.value == 0)
        return;
    tw_buf_clear(&w->tenants);
    tw_list_each(&w->groups, link)
    {
        struct api_waiting_group *g = tw_container_of(link, struct api_waiting_group, link);

        if (g->is_entrance)
            continue;
        tw_pg_array_next(&w->tenants);
        tw_buf_text(&w->tenants, g->tenant);
    }
    tw_pg_array_end(&w->tenants);
    w->is_asking = true;
    w->call = (struct tw_pg_call){
        .sql = "select tenant_id, head from pos.heads($1::uuid[])",
        .function = "heads",
        .params = { { tw_buf_view(&w->tenants), false } },
        .param_count = 1,
        .done = on_heads,
    };
    tw_pg_pool_call(w->options.pool, &w->call);
}

static void wake_all_of(struct api_waiting *w, struct api_waiting_group *g,
                        struct tw_list *list)
{
    while (!tw_list_empty(list))
        wake_up(w, g, parked_of(list->next), false);
}

void api_waiting_stop(struct api_waiting *w)
{
    if (w->options.loop == NULL || w->is_stopped)
        return;
    w->is_stopped = true;
    tw_after_cancel(w->options.loop, &w->tick);
    tw_list_each(&w->groups, link)
    {
        struct api_waiting_group *g = tw_container_of(link, struct api_waiting_group, link);

        wake_all_of(w, g, &g->due);
        wake_all_of(w, g, &g->parked);
    }
}

void api_waiting_done(struct api_waiting *w)
{
    struct tw_list *link;

    while (w->options.loop != NULL && (link = tw_list_shift(&w->groups)) != NULL)
        free(tw_container_of(link, struct api_waiting_group, link));
    tw_map_done(&w->by_tenant);
    tw_buf_done(&w->tenants);
}
