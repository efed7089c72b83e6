/* leader.c - try the advisory lock, listen when it is ours, try again when it is not.
 *
 *     connect -> try the lock --(ours)--> LISTEN, LISTEN -> active
 *                   ^  \--(not ours)         \--(refused)--> unlock
 *                   \------- wait RETRY_MS <-------------------/
 *
 * Whoever holds the lock and hears nothing would keep another one from hearing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/leader.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define RETRY_MS 400 /* a standby takes over within this and a round trip */

static void try_lock(struct br_leader *l);

static void on_again(struct tw_deadline *d)
{
    struct br_leader *l = tw_container_of(d, struct br_leader, again);

    if (l->is_up && !l->is_active)
        try_lock(l);
}

static void on_unlocked(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_leader *l = tw_container_of(call, struct br_leader, lock_call);

    (void)result; /* when the connection is gone, so is the lock */
    if (l->is_up && !l->is_stopped)
        tw_after(l->loop, &l->again, RETRY_MS, on_again);
}

static void on_listening(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_leader *l = tw_container_of(call, struct br_leader, listen_control_call);

    if (!l->is_up || l->is_stopped)
        return;
    if (tw_pg_error(result) != 0 || l->is_deaf) {
        tw_log_error("bridge.listen", tw_str("message", tw_pg_message(result)),
                     tw_str("why", "the lock is given back"));
        l->lock_call = (struct tw_pg_call){ .sql = "select pg_advisory_unlock_all()",
                                            .done = on_unlocked };
        tw_pg_conn_send(l->conn, &l->lock_call);
        return;
    }
    l->is_active = true;
    l->active.value = 1;
    tw_log_info("bridge.active", tw_str("why", "the lock is ours"));
    l->events->on_active(l);
}

/* The second LISTEN tells for both: they travel together. */
static void on_first_listening(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    tw_container_of(call, struct br_leader, listen_call)->is_deaf = tw_pg_error(result) != 0;
}

static void listen_now(struct br_leader *l)
{
    l->listen_call =
        (struct tw_pg_call){ .sql = "listen tillwire", .done = on_first_listening };
    l->listen_control_call =
        (struct tw_pg_call){ .sql = "listen tillwire_control", .done = on_listening };
    tw_pg_conn_send(l->conn, &l->listen_call);
    tw_pg_conn_send(l->conn, &l->listen_control_call);
}

static void on_lock(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_leader *l = tw_container_of(call, struct br_leader, lock_call);

    if (!l->is_up || l->is_stopped)
        return;
    if (tw_pg_error(result) == 0 && tw_slice_is(tw_pg_text(result, 0, 0), "t"))
        listen_now(l);
    else
        tw_after(l->loop, &l->again, RETRY_MS, on_again);
}

static void try_lock(struct br_leader *l)
{
    l->lock_call = (struct tw_pg_call){ .sql = "select pg_try_advisory_lock(7214460001)",
                                        .done = on_lock };
    tw_pg_conn_send(l->conn, &l->lock_call);
}

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct br_leader *l = owner;

    l->conn = c;
    l->is_up = true;
    tw_pg_outage_end(&l->outage, true);
    l->connects.value++;
    tw_log_info("pg.up", tw_str("role", "standby until the lock is ours"));
    try_lock(l);
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct br_leader *l = owner;

    (void)c;
    l->is_up = false;
    tw_after_cancel(l->loop, &l->again);
    tw_pg_outage_note(&l->outage, why);
    if (tw_pg_outage_is_news(&l->outage, l->loop->now_ms))
        tw_log_warn("pg.down", tw_str("why", why));
    if (l->is_active) {
        l->is_active = false;
        l->active.value = 0;
        l->events->on_passive(l);
    }
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c; /* the caller has been answered already */
    (void)owner;
}

static void on_notify(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload)
{
    struct br_leader *l = owner;

    (void)c;
    if (!l->is_stopped)
        l->events->on_notify(l, channel, payload);
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, on_notify };

#define AT(field) TW_METRIC_AT(struct br_leader, field)

static const struct tw_metric_row metric_rows[] = {
    { "bridge_active", NULL, "1 while this bridge is the active one, 0 while it stands by.",
      AT(active) },
    { "pg_connects_total", NULL, "Connections made to PostgreSQL, each reconnect included.",
      AT(connects) },
};

const struct tw_metric_table br_leader_metrics = { .rows = metric_rows,
                                                   .count = TW_COUNT(metric_rows) };

void br_leader_start(struct br_leader *l, const struct br_leader_options *options)
{
    l->loop = options->loop;
    l->events = options->events;
    l->conn = tw_pg_conn_new(options->loop,
                             &(struct tw_pg_conn_options){ .url = options->url,
                                                           .url_file = options->url_file,
                                                           .program = "tillwire-bridge",
                                                           .is_direct = true,
                                                           .observer = options->observer },
                             &events, l);
}

void br_leader_stop(struct br_leader *l)
{
    if (l->loop == NULL || l->is_stopped)
        return;
    l->is_stopped = true;
    tw_after_cancel(l->loop, &l->again);
    tw_pg_conn_close(l->conn);
    l->conn = NULL;
    l->is_up = l->is_active = false;
}

const char *br_leader_problem(const struct br_leader *l)
{
    return l->outage.why[0] != '\0' ? l->outage.why : "not connected yet";
}
