/* readings.c - the two statements that hubs read the log with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/readings.h"

#include "common/util/base.h"

static void put(const struct tw_pg_question *q, struct tw_buf *const lists[])
{
    const struct gw_reading *r = tw_container_of((uintptr_t)q, struct gw_reading, question);

    tw_buf_append(lists[0], r->tenant);
}

static void put_events(const struct tw_pg_question *q, struct tw_buf *const lists[])
{
    const struct gw_reading *r = tw_container_of((uintptr_t)q, struct gw_reading, question);

    tw_buf_append(lists[0], r->tenant);
    tw_buf_u64(lists[1], r->after);
    tw_buf_u64(lists[2], r->most);
}

static void on_rows(struct tw_pg_question *q, const struct tw_pg_rows *rows)
{
    struct gw_reading *r = tw_container_of(q, struct gw_reading, question);

    r->done(r, rows);
}

static const struct tw_pg_batch_kind kinds[GW_READING_KINDS] = {
    [GW_READS_HEAD] = {
        .sql = "select array_position($1::uuid[], tenant_id) as n, head, oldest "
               "from pos.heads($1::uuid[]) order by n",
        .function = "heads",
        .param_count = 1,
        .brackets = "{}",
        .put = put,
        .done = on_rows,
    },
    [GW_READS_EVENTS] = {
        .sql = "select n, seq, event, is_cut, oldest "
               "from pos.events_pieces($1::uuid[], $2::bigint[], $3::int[])",
        .function = "events_pieces",
        .param_count = 3,
        .brackets = "{}",
        .put = put_events,
        .done = on_rows,
        .may_end_early = true,
    },
};

void gw_readings_start(struct gw_readings *all, struct tw_pg_pool *pool)
{
    for (size_t kind = 0; kind < GW_READING_KINDS; kind++)
        tw_pg_batch_start(&all->of_kind[kind], &kinds[kind], pool);
}

void gw_readings_stop(struct gw_readings *all)
{
    for (size_t kind = 0; kind < GW_READING_KINDS; kind++)
        tw_pg_batch_stop(&all->of_kind[kind]);
}

void gw_readings_done(struct gw_readings *all)
{
    for (size_t kind = 0; kind < GW_READING_KINDS; kind++)
        tw_pg_batch_done(&all->of_kind[kind]);
}
