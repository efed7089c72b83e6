/* main.c - tillwire-bridge: what other writers' transactions have changed goes to Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/leader.h"
#include "broker-bridge/relay.h"
#include "broker-bridge/timers.h"
#include "common/daemon/alive.h"
#include "common/daemon/daemon.h"
#include "common/domain/functions.h"
#include "common/domain/publish.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_write.h"

struct bridge {
    struct tw_daemon daemon;
    struct br_leader leader;
    struct br_relay relay;
    struct br_timers timers;
    struct tw_functions functions;
    struct tw_redis publisher;
    struct tw_alive alive;
    char active_since[TW_TIME_TEXT];
};

static struct bridge *bridge_of(struct tw_daemon *d)
{
    return tw_container_of(d, struct bridge, daemon);
}

static void on_active(struct br_leader *l)
{
    struct bridge *b = tw_container_of(l, struct bridge, leader);

    tw_time_text(tw_wall_ms(), b->active_since);
    br_relay_set_active(&b->relay, l->conn);
    br_timers_set_active(&b->timers, l->conn);
    tw_alive_say(&b->alive);
}

static void on_passive(struct br_leader *l)
{
    struct bridge *b = tw_container_of(l, struct bridge, leader);

    br_relay_set_active(&b->relay, NULL);
    br_timers_set_active(&b->timers, NULL);
}

static bool say(struct tw_daemon *d, struct tw_pg_call *call)
{
    struct br_leader *l = &bridge_of(d)->leader;

    if (!l->is_up || l->is_stopped)
        return false;
    tw_pg_conn_send(l->conn, call);
    return true;
}

static void put_detail(struct tw_daemon *d, struct tw_buf *out)
{
    const struct bridge *b = bridge_of(d);

    tw_json_member_raw(out, "leader", b->leader.is_active ? TW_LIT("true") : TW_LIT("false"));
    if (b->leader.is_active)
        tw_json_member(out, "leaderSince", tw_slice_of(b->active_since));
}

static void on_notify(struct br_leader *l, struct tw_slice channel, struct tw_slice payload)
{
    struct bridge *b = tw_container_of(l, struct bridge, leader);

    if (tw_slice_is(channel, "tillwire"))
        br_relay_notified(&b->relay);
    else
        (void)tw_redis_publish(&b->publisher, TW_LIT(TW_CONTROL_CHANNEL), payload);
}

static const struct br_leader_events leader_events = { on_active, on_passive, on_notify };

/* A new part: its field, its options here, its rows in `metrics`, and its line in `stop`. */
static int start(struct tw_daemon *d)
{
    struct bridge *b = bridge_of(d);
    int r;

    tw_functions_start(&b->functions);
    br_relay_start(&b->relay,
                   &(struct br_relay_options){ .loop = &d->loop, .redis = &b->publisher });
    br_timers_start(&b->timers,
                    &(struct br_timers_options){ .loop = &d->loop, .redis = &b->publisher });
    br_leader_start(&b->leader,
                    &(struct br_leader_options){ .loop = &d->loop,
                                                 .url = d->settings.database_url,
                                                 .url_file = d->settings.database_url_file,
                                                 .events = &leader_events,
                                                 .observer = &b->functions.observer });
    r = tw_redis_start(&b->publisher,
                       &(struct tw_redis_options){ .loop = &d->loop,
                                                   .url = d->settings.redis_url,
                                                   .url_file = d->settings.redis_url_file,
                                                   .name = "publisher" });
    tw_alive_start(&b->alive, &(struct tw_alive_options){
                                  .daemon = d, .send = say, .detail = put_detail });
    return r != 0 ? tw_daemon_bad_redis(r) : 0;
}

static void drain(struct tw_daemon *d)
{
    /* Nobody waits for us: the lock goes with the connection, a standby takes over. */
    tw_alive_leave(&bridge_of(d)->alive);
}

static bool is_drained(struct tw_daemon *d)
{
    (void)d;
    return true;
}

static void stop(struct tw_daemon *d)
{
    struct bridge *b = bridge_of(d);

    br_relay_stop(&b->relay);
    br_timers_stop(&b->timers);
    tw_alive_stop(&b->alive);
    br_leader_stop(&b->leader);
    tw_redis_stop(&b->publisher);
}

static void release(struct tw_daemon *d)
{
    tw_alive_done(&bridge_of(d)->alive);
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    struct bridge *b = bridge_of(d);

    if (!b->leader.is_up)
        tw_daemon_note_why(missing_list, "database", br_leader_problem(&b->leader));
    tw_daemon_note_redis(degraded, &b->publisher);
}

#define AT(part) offsetof(struct bridge, part)

static const struct tw_metric_part metrics[] = {
    { &tw_ops_metrics, AT(daemon.ops), NULL },
    { &tw_loop_metrics, AT(daemon.loop), NULL },
    { &br_leader_metrics, AT(leader), NULL },
    { &br_relay_metrics, AT(relay), NULL },
    { &br_timers_metrics, AT(timers), NULL },
    { &br_lookout_metrics, AT(relay.lookout), NULL },
    { &br_housekeeping_metrics, AT(relay.housekeeping), NULL },
    { &br_housekeeping_failures, AT(relay.housekeeping), NULL },
    { &tw_functions_metrics, AT(functions), NULL },
    { &tw_functions_errors, AT(functions), NULL },
    { &tw_redis_metrics, AT(publisher), "link=\"publisher\"" },
};

static const struct tw_bound bounds[] = {
    { "process", "events that get their seqs in a transaction", BR_EVENTS, TW_BOUND_COUNT, NULL,
      "the next one goes on", "bridge_published_total" },
    { "process", "such transactions before a step of the housekeeping", BR_SERVED,
      TW_BOUND_COUNT, NULL, "the step comes first", "housekeeping_done_seconds" },
    { "process", "timers that are dealt with in a transaction", BR_TIMERS, TW_BOUND_COUNT, NULL,
      "the next one goes on", "timers_run_total" },
    { 0 },
};

static const struct tw_daemon_kind kind = {
    .name = "tillwire-bridge",
    .about = "events of other writers, from PostgreSQL to Redis",
    .program = TW_BRIDGE,
    .bounds = bounds,
    .metrics = metrics,
    .metrics_count = TW_COUNT(metrics),
    .start = start,
    .drain = drain,
    .is_drained = is_drained,
    .stop = stop,
    .free = release,
    .missing = missing,
};

int main(int argc, char **argv)
{
    static struct bridge bridge; /* too large for the stack: the loop's read buffer is in it */

    return tw_daemon_main(&bridge.daemon, &kind, argc, argv);
}
