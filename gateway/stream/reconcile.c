/* reconcile.c - the safety net: what nobody published is found by comparing each hub's cursor
 * with its stream's head, all in one statement; every 0.8 s, and every 0.4 s while Redis is
 * away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_array.h"
#include "common/util/log.h"
#include "gateway/stream/feed.h"

#define RECONCILE_MS 800
#define RECONCILE_DOWN_MS 400

static void reconcile(struct gw_hubs *hubs);

static void on_reconcile(struct tw_deadline *d)
{
    reconcile(tw_container_of(d, struct gw_hubs, reconcile_timer));
}

void gw_reconcile_plan(struct gw_hubs *hubs)
{
    tw_after(hubs->loop, &hubs->reconcile_timer,
             tw_redis_is_up(&hubs->subscriber) ? RECONCILE_MS : RECONCILE_DOWN_MS,
             on_reconcile);
}

/* The answer is as old as the question: events may have come since. So only a head before the
 * cursor of that time has gone back, and only one beyond today's cursor is news. */
static void take_head(struct gw_hubs *hubs, struct tw_slice tenant, uint64_t head,
                      uint64_t oldest)
{
    struct gw_feed *f = tw_map_get(&hubs->by_tenant, tenant);
    uint64_t before;

    if (f == NULL || !f->is_asked)
        return;
    f->is_asked = false;
    f->hub.stream.oldest = oldest;
    before = f->hub.stream.cursor.at;
    if (head >= f->asked_at && head <= before)
        return;
    if (gw_hub_saw_head(&f->hub, head)) {
        hubs->went_back.value++;
        tw_log_warn("stream.went_back", tw_str("tenant", f->hub.stream.tenant.slug),
                    tw_u64("from", before), tw_u64("to", head));
    } else {
        hubs->lags.value++;
    }
}

static void on_heads(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_hubs *hubs = tw_container_of(call, struct gw_hubs, reconcile_call);

    if (hubs->is_stopped)
        return;
    if (tw_pg_error(result) == 0) {
        hubs->reconciliations.value++;
        for (size_t i = 0; i < tw_pg_rows(result); i++)
            take_head(hubs, tw_pg_text(result, i, 0), (uint64_t)tw_pg_int(result, i, 1),
                      (uint64_t)tw_pg_int(result, i, 2));
    } else {
        hubs->log_failures.value++;
    }
    gw_reconcile_plan(hubs);
}

/* All hubs in one statement, as an array literal of their tenants. */
static void reconcile(struct gw_hubs *hubs)
{
    struct tw_buf *ids = &hubs->reconcile_ids;

    if (tw_list_empty(&hubs->all)) {
        hubs->lag.value = 0;
        gw_reconcile_plan(hubs);
        return;
    }
    tw_buf_clear(ids);
    tw_buf_expect(ids, 2 + 37 * hubs->hub_count.value);
    hubs->lag.value = 0;
    tw_list_each(&hubs->all, link)
    {
        struct gw_feed *f = tw_container_of(link, struct gw_feed, link);
        const struct gw_cursor *c = &f->hub.stream.cursor;

        f->is_asked = c->is_known;
        f->asked_at = c->at;
        if (c->is_known && c->known_head > c->at)
            hubs->lag.value += c->known_head - c->at;
        tw_pg_array_next(ids);
        tw_buf_append(ids, gw_feed_id(f));
    }
    tw_pg_array_end(ids);
    hubs->reconcile_call = (struct tw_pg_call){
        .sql = "select tenant_id, head, oldest from pos.heads($1::uuid[])",
        .function = "heads",
        .params = { { tw_buf_view(ids), false } },
        .param_count = 1,
        .done = on_heads,
    };
    tw_pg_pool_call(hubs->pool, &hubs->reconcile_call);
}
