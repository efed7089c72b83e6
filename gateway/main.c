/* main.c - tillwire-gateway: WebSocket sessions and the tenants' streams.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/alive.h"
#include "common/daemon/daemon.h"
#include "common/domain/functions.h"
#include "common/domain/schema_version.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/json_write.h"
#include "gateway/admission/handshake.h"
#include "gateway/admission/revocation.h"
#include "gateway/admission/revocation_poll.h"
#include "gateway/bounds.h"
#include "gateway/dialect_metrics.h"
#include "gateway/dialects.h"
#include "gateway/orderweb/acks.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/shared_state/device.h"
#include "gateway/shared_state/presence.h"
#include "gateway/stream/deliveries.h"
#include "gateway/stream/faults.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/online.h"
#include "gateway/stream/reports.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/arrivals.h"
#include "gateway/websocket/conn.h"

#define EXPIRY_CHECK_MS 1000
#define SIO_CONNECT_MS 45000 /* both as in the reference server */
#define EIO_TIMEOUT_MS 20000
#define POST_MARGIN 4096 /* Engine.IO itself refuses what is larger, as browsers need it */
#define DRAIN_STEPS 40   /* goodbyes are spread over so many parts of most of the drain time */
#define HANDOVER_MS 3000 /* for a drain when those who come back wait for the next process */

struct gateway {
    struct tw_daemon daemon;
    struct tw_listener listener;
    struct tw_pg_pool pool;
    struct tw_schema schema;
    struct tw_functions functions;
    struct tw_http_server http;
    struct gw_authenticator authenticator;
    struct gw_dialects dialects;
    struct gw_handshakes handshakes;
    struct gw_key_auth auth;
    struct tw_tokens tokens;
    struct tw_redis publisher;
    struct tw_operations operations;
    struct gw_restaurant_os restaurant_os;
    struct gw_shared_state shared_state;
    struct gw_tills tills;
    struct gw_presence presence;
    struct gw_arrivals arrivals;
    struct gw_conns conns;
    struct gw_sessions sessions;
    struct gw_hubs hubs;
    struct gw_sync_log log;
    struct gw_deliveries deliveries;
    struct gw_faults faults;
    struct gw_reports reports;
    struct gw_online online;
    struct tw_alive alive;
    struct gw_revocation revocation;
    struct gw_revocation_poll revocation_poll;
    struct tw_deadline expiry, goodbye;
    size_t goodbyes_due, goodbyes_said;
    uint64_t goodbyes_began_ms;
    bool sends_away; /* who connects now */
};

static struct gateway *gateway_of(struct tw_daemon *d)
{
    return tw_container_of(d, struct gateway, daemon);
}

/* Who is sent away without a word is taken by another gateway, if nginx has one. */
static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    struct gateway *g = tw_container_of(l, struct gateway, listener);

    if (g->sends_away)
        tw_stream_close(stream);
    else
        tw_http_serve(&g->http, stream);
}

static void on_database(struct tw_pg_pool *pool)
{
    if (tw_pg_pool_is_up(pool))
        tw_daemon_listen_now(&tw_container_of(pool, struct gateway, pool)->daemon);
}

/* Engine.IO is asked first: its path is its own. */
static void on_request(struct tw_http_server *server, struct tw_http_conn *conn,
                       struct tw_http_request *req)
{
    struct gateway *g = tw_container_of(server, struct gateway, http);

    if (gw_eio_claims(&g->restaurant_os.sio.engine, req))
        gw_eio_handle(&g->restaurant_os.sio.engine, conn, req);
    else
        gw_handshakes_handle(&g->handshakes, conn, req);
}

static void on_control(struct gw_hubs *hubs, char *at, size_t len)
{
    struct gateway *g = tw_container_of(hubs, struct gateway, hubs);

    gw_revocation_read(&g->revocation, at, len);
}

static void on_collect(struct gw_sync_log *log)
{
    struct gateway *g = tw_container_of(log, struct gateway, log);

    gw_hubs_log_deliveries(&g->hubs, log);
}

static void on_expiry(struct tw_deadline *t)
{
    struct gateway *g = tw_container_of(t, struct gateway, expiry);

    gw_revocation_expire(&g->revocation);
    tw_after(&g->daemon.loop, &g->expiry, EXPIRY_CHECK_MS, on_expiry);
}

static void on_device(struct gw_shared_state *all, struct gw_device *d, bool has_left)
{
    gw_presence_note(&tw_container_of(all, struct gateway, shared_state)->presence, d,
                     has_left);
}

/* What reads and writes PostgreSQL. */
static void start_database(struct gateway *g)
{
    const struct tw_settings *set = &g->daemon.settings;

    tw_functions_start(&g->functions);
    tw_pg_pool_start(&g->pool,
                     &(struct tw_pg_pool_options){ .loop = &g->daemon.loop,
                                                   .url = set->database_url,
                                                   .url_file = set->database_url_file,
                                                   .program = g->daemon.kind->name,
                                                   .connections = set->database_connections,
                                                   .max_waiting = set->database_queue,
                                                   .on_change = on_database,
                                                   .observer = &g->functions.observer });
    tw_schema_start(&g->schema, &(struct tw_schema_options){ .pool = &g->pool });
    gw_key_auth_start(&g->auth, &(struct gw_key_auth_options){
                                    .pool = &g->pool, .cache_ms = set->auth_cache_ms });
    tw_tokens_start(&g->tokens, &(struct tw_tokens_options){
                                    .pool = &g->pool,
                                    .keys = { .secret = tw_slice_of(set->jwt_secret),
                                              .public_key = set->jwt_public_key,
                                              .audience = tw_slice_of(set->jwt_audience) },
                                    .are_bound = strcmp(set->jwt_restaurant, "named") == 0,
                                    .cache_ms = set->auth_cache_ms,
                                });
    tw_operations_start(&g->operations,
                        &(struct tw_operations_options){ .loop = &g->daemon.loop,
                                                         .pool = &g->pool,
                                                         .publisher = &g->publisher });
    gw_sync_log_start(&g->log, &(struct gw_sync_log_options){ .loop = &g->daemon.loop,
                                                              .pool = &g->pool,
                                                              .instance = set->instance,
                                                              .collect = on_collect });
    g->revocation = (struct gw_revocation){ &g->sessions, &g->auth, &g->tokens, &g->reports };
    gw_revocation_poll_start(&g->revocation_poll, &(struct gw_revocation_poll_options){
                                                      .loop = &g->daemon.loop,
                                                      .pool = &g->pool,
                                                      .revocation = &g->revocation,
                                                  });
}

static bool say(struct tw_daemon *d, struct tw_pg_call *call)
{
    tw_pg_pool_call(&gateway_of(d)->pool, call);
    return true;
}

static void put_detail(struct tw_daemon *d, struct tw_buf *out)
{
    const struct gateway *g = gateway_of(d);
    uint64_t sessions = 0;

    for (size_t i = 0; i < g->dialects.count; i++)
        sessions += g->sessions.open[i].value;
    tw_json_member_u64(out, "databaseConnections", g->pool.up.value);
    tw_json_member_u64(out, "databaseWaiting", g->pool.queued.value);
    tw_json_member_u64(out, "sessions", sessions);
    tw_json_member_u64(out, "restaurants", g->hubs.hub_count.value);
}

/* What the console is shown. */
static void start_console(struct gateway *g)
{
    const char *instance = g->daemon.settings.instance;

    tw_alive_start(&g->alive, &(struct tw_alive_options){
                                  .daemon = &g->daemon, .send = say, .detail = put_detail });
    gw_deliveries_start(&g->deliveries,
                        &(struct gw_deliveries_options){ .loop = &g->daemon.loop,
                                                         .pool = &g->pool,
                                                         .describe = gw_session_describe,
                                                         .instance = instance });
    gw_online_start(&g->online, &(struct gw_online_options){ .loop = &g->daemon.loop,
                                                             .pool = &g->pool,
                                                             .hubs = &g->hubs,
                                                             .process_id = g->alive.id });
    gw_reports_start(&g->reports, &(struct gw_reports_options){ .loop = &g->daemon.loop,
                                                                .pool = &g->pool,
                                                                .hubs = &g->hubs,
                                                                .instance = instance,
                                                                .process_id = g->alive.id });
}

/* The family that comes over Engine.IO, and over plain WebSockets. */
static void start_restaurant_os(struct gateway *g)
{
    const struct tw_settings *set = &g->daemon.settings;

    gw_restaurant_os_start(&g->restaurant_os,
                           &(struct gw_restaurant_os_options){
                               .loop = &g->daemon.loop,
                               .authenticator = &g->authenticator,
                               .hubs = &g->hubs,
                               .sessions = &g->sessions,
                               .operations = &g->operations,
                               .store = &g->publisher,
                               .connect_ms = SIO_CONNECT_MS,
                               .engine = { .loop = &g->daemon.loop,
                                           .arrivals = &g->arrivals,
                                           .conns = &g->conns,
                                           .path = TW_LIT("/socket.io"),
                                           .instance = tw_slice_of(set->instance),
                                           .origins = tw_slice_of(set->allowed_origins),
                                           .interval_ms = set->ping_ms,
                                           .timeout_ms = EIO_TIMEOUT_MS,
                                           .max_payload = set->message_bytes,
                                           .queue_bytes = 3 * set->queue_bytes,
                                           .max_sockets = set->max_sessions },
                           });
}

/* What clients have of their own: connections, sessions, and what devices share. */
static void start_clients(struct gateway *g)
{
    const struct tw_settings *set = &g->daemon.settings;

    size_t longest = set->device_message_bytes > set->message_bytes ? set->device_message_bytes
                                                                    : set->message_bytes;

    g->arrivals.per_second = (uint32_t)set->handshakes_per_second;
    g->tills.operations = &g->operations;
    g->dialects = gw_all_dialects(&g->tills, &g->shared_state, &g->restaurant_os);
    gw_faults_start(&g->faults, &(struct gw_faults_options){ .loop = &g->daemon.loop,
                                                             .wake = gw_session_writable,
                                                             .over = gw_revocation_undisturb });
    gw_sessions_start(&g->sessions,
                      &(struct gw_sessions_options){ .dialects = &g->dialects,
                                                     .log = &g->log,
                                                     .deliveries = &g->deliveries,
                                                     .faults = &g->faults,
                                                     .queue_bytes = set->queue_bytes,
                                                     .heartbeat_ms = set->ping_ms,
                                                     .message_bytes = longest });
    gw_conns_start(&g->conns,
                   &(struct gw_conns_options){ .message_bytes = set->message_bytes,
                                               .held_bytes = GW_LARGE_MESSAGES * longest,
                                               .queue_bytes = set->queue_bytes,
                                               .ping_ms = set->ping_ms,
                                               .pong_ms = set->pong_ms });
    start_restaurant_os(g);
    gw_shared_state_start(&g->shared_state, &(struct gw_shared_state_options){
                                                .operations = &g->operations,
                                                .message_bytes = set->device_message_bytes,
                                                .staff_key = set->staff_key,
                                                .changed = on_device });
    gw_presence_start(&g->presence,
                      &(struct gw_presence_options){ .loop = &g->daemon.loop,
                                                     .store = &g->publisher,
                                                     .instance = tw_slice_of(set->instance) });
}

/* What admits them. */
static void start_admission(struct gateway *g)
{
    const struct tw_settings *set = &g->daemon.settings;

    g->authenticator = (struct gw_authenticator){ .keys = &g->auth, .tokens = &g->tokens };
    gw_handshakes_start(&g->handshakes, &(struct gw_handshakes_options){
                                            .loop = &g->daemon.loop,
                                            .authenticator = &g->authenticator,
                                            .dialects = &g->dialects,
                                            .arrivals = &g->arrivals,
                                            .conns = &g->conns,
                                            .hubs = &g->hubs,
                                            .sessions = &g->sessions,
                                            .log = &g->log,
                                            .origins = tw_slice_of(set->allowed_origins),
                                            .max_sessions = set->max_sessions,
                                        });
    tw_http_server_start(
        &g->http, &(struct tw_http_server_options){
                      .limits = { .request = { .target_bytes = 4096,
                                               .head_bytes = 16384,
                                               .body_bytes = set->message_bytes + POST_MARGIN },
                                  .head_ms = 30000,
                                  .body_ms = 30000,
                                  .idle_ms = 75000,
                                  .connections = set->http_connections,
                                  .bodies_bytes = GW_BODIES_BYTES },
                      .handle = on_request,
                  });
}

/* The two links to Redis: the subscriber of the hubs, and the publisher. */
static int start_redis(struct gateway *g)
{
    const struct tw_settings *set = &g->daemon.settings;
    int r = gw_hubs_start(
        &g->hubs, &(struct gw_hubs_options){ .loop = &g->daemon.loop,
                                             .pool = &g->pool,
                                             .publisher = &g->publisher,
                                             .sessions = &g->sessions,
                                             .control = on_control,
                                             .redis_url = set->redis_url,
                                             .redis_url_file = set->redis_url_file,
                                             .backlog_bytes = (uint32_t)set->backlog_bytes,
                                             .events_bytes = set->events_bytes });

    return r != 0 ? r
                  : tw_redis_start(&g->publisher,
                                   &(struct tw_redis_options){ .loop = &g->daemon.loop,
                                                               .url = set->redis_url,
                                                               .url_file = set->redis_url_file,
                                                               .name = "publisher" });
}

/* In the order in which parts need each other; `stop` and `release` have orders of their own. A
 * new part: its field, its options here, its rows in `metrics`, and its lines in those two. */
static int start(struct tw_daemon *d)
{
    struct gateway *g = gateway_of(d);
    int r;

    start_database(g);
    start_console(g);
    start_clients(g);
    start_admission(g);
    r = start_redis(g);
    if (r != 0)
        return tw_daemon_bad_redis(r);
    tw_after(&d->loop, &g->expiry, EXPIRY_CHECK_MS, on_expiry);
    g->listener.unsent_bytes = GW_UNSENT_BYTES; /* as gw_conn_new tells each that has not */
    g->listener.user_timeout_ms = (unsigned)(d->settings.ping_ms + d->settings.pong_ms);
    tw_daemon_listen_soon(d, &g->listener, on_accept);
    return 0;
}

/* For how long goodbyes are spread; some time is left for those who hear them late. */
static uint64_t goodbyes_ms(const struct gateway *g)
{
    return g->daemon.drain_ms * 6 / 10;
}

/* Evenly by the clock, since a step may come late; the first at once. After that time, whoever
 * is still there. */
static size_t goodbyes_now(const struct gateway *g, uint64_t passed_ms)
{
    size_t step;

    if (passed_ms >= goodbyes_ms(g))
        return SIZE_MAX;
    step = (size_t)(passed_ms * DRAIN_STEPS / goodbyes_ms(g)) + 1;
    return (g->goodbyes_due * step + DRAIN_STEPS - 1) / DRAIN_STEPS - g->goodbyes_said;
}

static void on_goodbye(struct tw_deadline *t)
{
    struct gateway *g = tw_container_of(t, struct gateway, goodbye);
    uint64_t passed_ms = g->daemon.loop.now_ms - g->goodbyes_began_ms;
    size_t most = goodbyes_now(g, passed_ms);
    size_t said = gw_conns_send_home(&g->conns, most);

    said += gw_eio_send_home(&g->restaurant_os.sio.engine, most - said);
    g->goodbyes_said += said;
    if (said > 0 || passed_ms < goodbyes_ms(g))
        tw_after(&g->daemon.loop, &g->goodbye, goodbyes_ms(g) / DRAIN_STEPS, on_goodbye);
}

static void drain(struct tw_daemon *d)
{
    struct gateway *g = gateway_of(d);

    tw_alive_leave(&g->alive);
    g->handshakes.is_closed = true;
    g->restaurant_os.sio.engine.is_closed = true;
    /* A socket that systemd keeps is closed after this process, when it is stopped: who waited
     * there would be cut off then, so nobody waits. */
    g->sends_away = tw_listener_is_kept(&g->listener) && !d->has_successor;
    if (!g->sends_away)
        tw_listener_stop(&g->listener);
    tw_http_server_drain(&g->http);
    g->goodbyes_due = g->conns.count + gw_eio_pollers(&g->restaurant_os.sio.engine);
    g->goodbyes_began_ms = d->loop.now_ms;
    on_goodbye(&g->goodbye);
}

static bool is_drained(struct tw_daemon *d)
{
    struct gateway *g = gateway_of(d);

    return g->conns.count == 0 && g->restaurant_os.sio.engine.by_sid.count == 0 &&
           g->http.connections.value == 0;
}

/* New clients first, then those that are here, and what they need last. */
static void stop(struct tw_daemon *d)
{
    struct gateway *g = gateway_of(d);

    tw_after_cancel(&d->loop, &g->expiry);
    tw_after_cancel(&d->loop, &g->goodbye);
    tw_listener_stop(&g->listener);
    gw_hubs_stop(&g->hubs);
    gw_faults_stop(&g->faults);
    gw_eio_shut(&g->restaurant_os.sio.engine);
    gw_key_auth_stop(&g->auth);
    tw_operations_stop(&g->operations);
    gw_presence_stop(&g->presence);
    tw_redis_stop(&g->publisher);
    gw_sync_log_stop(&g->log);
    gw_deliveries_stop(&g->deliveries);
    gw_reports_stop(&g->reports);
    gw_online_stop(&g->online);
    tw_alive_stop(&g->alive);
    gw_revocation_poll_stop(&g->revocation_poll);
    tw_schema_stop(&g->schema);
    tw_http_server_close(&g->http);
    gw_conns_shut(&g->conns);
    tw_pg_pool_close(&g->pool);
}

/* The loop has ended: no callback comes any more. */
static void release(struct tw_daemon *d)
{
    struct gateway *g = gateway_of(d);

    gw_restaurant_os_done(&g->restaurant_os);
    gw_shared_state_done(&g->shared_state);
    gw_presence_done(&g->presence);
    tw_tokens_done(&g->tokens);
    gw_hubs_done(&g->hubs);
    tw_operations_done(&g->operations);
    gw_key_auth_done(&g->auth);
    gw_sync_log_done(&g->log);
    gw_deliveries_done(&g->deliveries);
    gw_reports_done(&g->reports);
    gw_online_done(&g->online);
    tw_alive_done(&g->alive);
    gw_revocation_poll_done(&g->revocation_poll);
    gw_sessions_done(&g->sessions);
    gw_conns_done(&g->conns);
}

static void reload(struct tw_daemon *d)
{
    gw_key_auth_forget_all(&gateway_of(d)->auth);
    tw_tokens_forget(&gateway_of(d)->tokens);
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    struct gateway *g = gateway_of(d);

    tw_daemon_note_database(&g->pool, missing_list, degraded);
    tw_daemon_note_schema(missing_list, &g->schema);
    tw_daemon_note_redis(degraded, tw_redis_problem(&g->hubs.subscriber) != NULL
                                       ? &g->hubs.subscriber
                                       : &g->publisher);
}

#define AT(part) offsetof(struct gateway, part)

static const struct tw_metric_part metrics[] = {
    { &tw_handshakes_metrics, AT(listener.handshakes), NULL },
    { &tw_certificates_metrics, AT(daemon.certificates), NULL },
    { &tw_ops_metrics, AT(daemon.ops), NULL },
    { &tw_loop_metrics, AT(daemon.loop), NULL },
    { &tw_http_server_metrics, AT(http), NULL },
    { &gw_handshakes_metrics, AT(handshakes), NULL },
    { &tw_strangers_metrics, AT(auth.strangers), NULL },
    { &gw_key_auth_metrics, AT(auth), NULL },
    { &tw_tokens_metrics, AT(tokens), NULL },
    { &gw_arrivals_metrics, AT(arrivals), NULL },
    { &gw_conns_metrics, AT(conns), NULL },
    { &gw_deflate_metrics, AT(conns.deflate), NULL },
    { &gw_dialect_sessions_metrics, AT(sessions), NULL },
    { &gw_dialect_ends_metrics, AT(sessions), NULL },
    { &gw_sessions_metrics, AT(sessions), NULL },
    { &gw_eio_metrics, AT(restaurant_os.sio.engine), NULL },
    { &gw_restaurant_os_metrics, AT(restaurant_os), NULL },
    { &gw_snapshots_metrics, AT(shared_state.snapshots), NULL },
    { &gw_shared_state_metrics, AT(shared_state), NULL },
    { &gw_hubs_metrics, AT(hubs), NULL },
    { &gw_sync_log_metrics, AT(log), NULL },
    { &gw_deliveries_metrics, AT(deliveries), NULL },
    { &gw_reports_metrics, AT(reports), NULL },
    { &tw_operations_metrics, AT(operations), NULL },
    { &tw_pg_pool_metrics, AT(pool), NULL },
    { &tw_functions_metrics, AT(functions), NULL },
    { &tw_functions_errors, AT(functions), NULL },
    { &tw_schema_metrics, AT(schema), NULL },
    { &tw_redis_metrics, AT(hubs.subscriber), "link=\"subscriber\"" },
    { &tw_redis_metrics, AT(publisher), "link=\"publisher\"" },
};

static const struct tw_daemon_kind kind = {
    .name = "tillwire-gateway",
    .about = "WebSockets of tills, kitchen screens and tablets",
    .program = TW_GATEWAY,
    .bounds = gw_bounds,
    .handover_ms = HANDOVER_MS,
    .start = start,
    .drain = drain,
    .is_drained = is_drained,
    .stop = stop,
    .free = release,
    .reload = reload,
    .missing = missing,
    .metrics = metrics,
    .metrics_count = TW_COUNT(metrics),
};

int main(int argc, char **argv)
{
    static struct gateway
        gateway; /* too large for the stack: the loop's read buffer is in it */

    return tw_daemon_main(&gateway.daemon, &kind, argc, argv);
}
