/* pg_pool.c - placing calls on connections.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_pool.h"

#include <stdio.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define WAIT_MS 1500   /* for a place; with the roles' lock_timeout of 1 s an answer in 3 s */
#define ABSENT_MS 1000 /* for a place while PostgreSQL is away */
#define SHORT_MS 5000  /* longer than a server takes that is back at once */
#define SHARED                                                                                 \
    "the pooler shares its servers among clients, so statements are not kept prepared: "       \
    "pool_mode=session with server_reset_query=DISCARD ALL is faster"

/* The fullest connection that may still take it is no use: take the emptiest. */
static struct tw_pg_conn *emptiest(const struct tw_pg_pool *pool, size_t max_depth)
{
    struct tw_pg_conn *best = NULL;

    for (size_t i = 0; i < pool->conn_count; i++) {
        struct tw_pg_conn *c = pool->conns[i];

        if (!tw_pg_conn_is_up(c) || tw_pg_conn_writes(c) > 0 ||
            tw_pg_conn_depth(c) >= max_depth)
            continue;
        if (best == NULL || tw_pg_conn_depth(c) < tw_pg_conn_depth(best))
            best = c;
    }
    return best;
}

static bool has_rival(const struct tw_pg_pool *pool, uint64_t affinity)
{
    for (size_t i = 0; i < pool->conn_count; i++)
        if (tw_pg_conn_has(pool->conns[i], affinity))
            return true;
    return false;
}

static size_t writing_connections(const struct tw_pg_pool *pool)
{
    size_t n = 0;

    for (size_t i = 0; i < pool->conn_count; i++)
        n += tw_pg_conn_writes(pool->conns[i]) > 0 ? 1 : 0;
    return n;
}

/* Where `call` can go now; null when it has to wait. */
static struct tw_pg_conn *place_for(const struct tw_pg_pool *pool,
                                    const struct tw_pg_call *call)
{
    if (!call->writes)
        return emptiest(pool, TW_PG_DEPTH);
    if (call->affinity != 0 && has_rival(pool, call->affinity))
        return NULL;
    if (writing_connections(pool) + 1 >= pool->up_count && pool->up_count > 1)
        return NULL; /* the last one is for reads */
    return emptiest(pool, TW_PG_DEPTH);
}

static struct tw_pg_waiting *waiting_of(struct tw_pg_pool *pool, const struct tw_pg_call *call)
{
    return &pool->waiting_of[call->share % TW_PG_SHARES];
}

static uint64_t bytes_of(const struct tw_pg_call *call)
{
    uint64_t n = 0;

    for (int i = 0; i < call->param_count; i++)
        n += call->params[i].bytes.len;
    return n;
}

static void enqueue(struct tw_pg_pool *pool, struct tw_pg_call *call)
{
    struct tw_pg_waiting *share = waiting_of(pool, call);

    tw_list_append(&pool->waiting, &call->link);
    pool->queued.value++;
    pool->queued_bytes.value += bytes_of(call);
    share->count += call->share != 0;
    share->bytes += call->share != 0 ? bytes_of(call) : 0;
}

static void dequeue(struct tw_pg_pool *pool, struct tw_pg_call *call)
{
    struct tw_pg_waiting *share = waiting_of(pool, call);

    tw_list_remove(&call->link);
    pool->queued.value--;
    pool->queued_bytes.value -= bytes_of(call);
    share->count -= call->share != 0;
    share->bytes -= call->share != 0 ? bytes_of(call) : 0;
}

static bool is_overfull(struct tw_pg_pool *pool, const struct tw_pg_call *call)
{
    const struct tw_pg_waiting *share = waiting_of(pool, call), *max = &pool->max_waiting;

    return pool->queued.value > max->count || pool->queued_bytes.value > max->bytes ||
           (call->share != 0 &&
            (share->count > (max->count + 1) / 2 || share->bytes > max->bytes / 2));
}

static void place(struct tw_pg_pool *pool, struct tw_pg_conn *c, struct tw_pg_call *call)
{
    tw_after_cancel(pool->loop, &call->limit);
    pool->calls.value++;
    tw_pg_conn_send(c, call);
}

/* In the order of arrival, skipping calls that must wait for their rivals. */
static void dispatch(struct tw_pg_pool *pool)
{
    tw_list_each(&pool->waiting, link)
    {
        struct tw_pg_call *call = tw_container_of(link, struct tw_pg_call, link);
        struct tw_pg_conn *c = place_for(pool, call);

        if (c != NULL) {
            dequeue(pool, call);
            place(pool, c, call);
        } else if (!call->writes) {
            break; /* where a read does not fit, no call does */
        }
    }
}

static void on_overfull(struct tw_deadline *d)
{
    struct tw_pg_call *call = tw_container_of(d, struct tw_pg_call, limit);
    struct tw_pg_pool *pool = call->pool;

    dequeue(pool, call);
    pool->refused.value++;
    tw_pg_refuse(call, pool->is_closed ? TW_EDOWN : TW_EFULL);
}

static void on_waited(struct tw_deadline *d)
{
    struct tw_pg_call *call = tw_container_of(d, struct tw_pg_call, limit);
    struct tw_pg_pool *pool = call->pool;

    dequeue(pool, call);
    pool->refused.value++;
    tw_pg_refuse(call, pool->up_count == 0 ? TW_EDOWN : TW_ETIMEOUT);
}

void tw_pg_pool_call(struct tw_pg_pool *pool, struct tw_pg_call *call)
{
    struct tw_pg_conn *c;

    call->pool = pool;
    if (!pool->is_closed && tw_list_empty(&pool->waiting) &&
        (c = place_for(pool, call)) != NULL) {
        place(pool, c, call);
        return;
    }
    enqueue(pool, call);
    if (is_overfull(pool, call) || pool->is_closed)
        tw_after(pool->loop, &call->limit, 0, on_overfull); /* but not before we return */
    else
        tw_after(pool->loop, &call->limit, pool->up_count == 0 ? ABSENT_MS : WAIT_MS,
                 on_waited);
    dispatch(pool);
}

static void on_short(struct tw_deadline *d)
{
    struct tw_pg_pool *pool = tw_container_of(d, struct tw_pg_pool, short_limit);

    pool->is_short = true;
    if (pool->up_count > 0) /* else its outage has been said */
        tw_log_warn("pg.short", tw_u64("up", pool->up_count), tw_u64("of", pool->conn_count),
                    tw_str("why", pool->outage.why));
}

static void count_up(struct tw_pg_pool *pool)
{
    size_t up = 0;

    for (size_t i = 0; i < pool->conn_count; i++)
        up += pool->conns[i] != NULL && tw_pg_conn_is_up(pool->conns[i]) ? 1 : 0;
    pool->up_count = up;
    pool->up.value = up;
}

/* The advice is good for both ways to share servers. It is said once, until none is shared. */
static void look_for_sharing(struct tw_pg_pool *pool)
{
    bool is_shared = false;

    for (size_t i = 0; i < pool->conn_count; i++)
        is_shared |= pool->conns[i] != NULL && tw_pg_conn_is_shared(pool->conns[i]);
    if (is_shared && !pool->is_shared)
        tw_log_warn("pg.shared", tw_str("why", SHARED));
    pool->is_shared = is_shared;
}

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct tw_pg_pool *pool = owner;

    count_up(pool);
    pool->reconnects.value++;
    tw_pg_outage_end(&pool->outage, pool->up_count == pool->conn_count);
    if (pool->up_count == pool->conn_count) {
        pool->is_short = false;
        tw_after_cancel(pool->loop, &pool->short_limit);
    }
    if (!pool->was_up) {
        pool->was_up = true;
        tw_log_info("pg.up", tw_u64("connections", pool->conn_count));
        if (pool->on_change != NULL)
            pool->on_change(pool);
    }
    for (size_t i = 0; i < pool->conn_count; i++)
        tw_pg_conn_compare(c, pool->conns[i]);
    look_for_sharing(pool);
    dispatch(pool);
}

/* The pool is down when its last connection is; it is said once. */
static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct tw_pg_pool *pool = owner;
    bool was_known = pool->outage.is_known;

    (void)c;
    count_up(pool);
    tw_pg_outage_note(&pool->outage, why);
    if (!tw_deadline_is_set(&pool->short_limit) && !pool->is_short)
        tw_after(pool->loop, &pool->short_limit, SHORT_MS, on_short);
    if (pool->up_count > 0)
        return;
    if (tw_pg_outage_is_news(&pool->outage, pool->loop->now_ms))
        tw_log_warn("pg.down", tw_str("why", why));
    pool->was_up = pool->is_shared = false;
    if (!was_known && pool->on_change != NULL)
        pool->on_change(pool);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    struct tw_pg_pool *pool = owner;

    if (tw_pg_conn_is_shared(c) != pool->is_shared)
        look_for_sharing(pool);
    dispatch(pool);
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, NULL };

#define AT(field) TW_METRIC_AT(struct tw_pg_pool, field)

static const struct tw_metric_row metric_rows[] = {
    { "pg_connections", NULL, "Open connections to PostgreSQL.", AT(up) },
    { "pg_queue", NULL, "Statements that wait for a connection to PostgreSQL.", AT(queued) },
    { "pg_queue_bytes", NULL, "Bytes of the parameters of those.", AT(queued_bytes) },
    { "pg_questions", NULL,
      "Keys, readings of the log and short reads that wait to share a statement (pg_batch).",
      AT(questions) },
    { "pg_calls_total", NULL, "Statements sent to PostgreSQL.", AT(calls) },
    { "pg_refused_total", NULL,
      "Statements that were not sent, because no connection was free in time or too many were "
      "waiting.",
      AT(refused) },
    { "pg_connects_total", NULL, "Connections made to PostgreSQL, each reconnect included.",
      AT(reconnects) },
};

const struct tw_metric_table tw_pg_pool_metrics = { .rows = metric_rows,
                                                    .count = TW_COUNT(metric_rows) };

void tw_pg_pool_start(struct tw_pg_pool *pool, const struct tw_pg_pool_options *options)
{
    TW_ASSERT(options->connections <= TW_PG_CONNECTIONS);
    pool->loop = options->loop;
    pool->max_waiting.count = options->max_waiting;
    pool->max_waiting.bytes = options->max_bytes != 0 ? options->max_bytes : TW_PG_QUEUE_BYTES;
    pool->on_change = options->on_change;
    tw_list_init(&pool->waiting);
    for (size_t i = 0; i < options->connections; i++) {
        pool->conns[i] =
            tw_pg_conn_new(options->loop,
                           &(struct tw_pg_conn_options){ .url = options->url,
                                                         .url_file = options->url_file,
                                                         .program = options->program,
                                                         .observer = options->observer },
                           &events, pool);
        pool->conn_count++;
    }
}

bool tw_pg_pool_is_up(const struct tw_pg_pool *pool)
{
    return pool->up_count > 0;
}

const char *tw_pg_pool_problem(struct tw_pg_pool *pool)
{
    const char *why = pool->outage.why[0] != '\0' ? pool->outage.why : "not connected yet";

    if (pool->up_count == 0)
        (void)snprintf(pool->problem, sizeof(pool->problem), "%s", why);
    else if (pool->is_short)
        (void)snprintf(pool->problem, sizeof(pool->problem), "%zu of %zu connections: %s",
                       pool->up_count, pool->conn_count, why);
    else if (pool->is_shared)
        (void)snprintf(pool->problem, sizeof(pool->problem), "%s", SHARED);
    else
        return NULL;
    return pool->problem;
}

bool tw_pg_pool_is_idle(const struct tw_pg_pool *pool)
{
    for (size_t i = 0; i < pool->conn_count; i++)
        if (tw_pg_conn_depth(pool->conns[i]) > 0)
            return false;
    return pool->queued.value == 0;
}

void tw_pg_pool_close(struct tw_pg_pool *pool)
{
    size_t count;

    if (pool->loop == NULL || pool->is_closed)
        return;
    pool->is_closed = true;
    tw_after_cancel(pool->loop, &pool->short_limit);
    while (!tw_list_empty(&pool->waiting)) {
        struct tw_pg_call *call = tw_container_of(pool->waiting.next, struct tw_pg_call, link);

        tw_after_cancel(pool->loop, &call->limit);
        dequeue(pool, call);
        tw_pg_refuse(call, TW_EDOWN);
    }
    /* What a connection loses may be asked again by its `done`: it must find none then. */
    count = pool->conn_count;
    pool->conn_count = pool->up_count = 0;
    for (size_t i = 0; i < count; i++)
        tw_pg_conn_close(pool->conns[i]);
}
