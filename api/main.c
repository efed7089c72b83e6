/* main.c - tillwire-api: the REST side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/bounds.h"
#include "api/exchange.h"
#include "api/rates.h"
#include "api/router.h"
#include "common/daemon/alive.h"
#include "common/daemon/daemon.h"
#include "common/domain/functions.h"
#include "common/domain/schema_version.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/json_write.h"

struct api {
    struct tw_daemon daemon;
    struct api_service service;
    struct tw_listener listener;
    struct tw_schema schema;
    struct api_rates rates;
    struct tw_deadline last; /* of a drain: connections are accepted no more */
    struct tw_functions functions;
    struct tw_alive alive;
};

static struct api *api_of(struct tw_daemon *d)
{
    return tw_container_of(d, struct api, daemon);
}

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_http_serve(&tw_container_of(l, struct api, listener)->service.http, stream);
}

/* What answers requests. */
static void start_service(struct api *a)
{
    struct api_service *s = &a->service;
    const struct tw_settings *set = &a->daemon.settings;

    tw_http_server_start(&s->http,
                         &(struct tw_http_server_options){
                             .limits = { .request = { .target_bytes = API_TARGET_BYTES,
                                                      .head_bytes = API_HEAD_BYTES,
                                                      .body_bytes_of = api_route_body_bytes },
                                         .head_ms = 30000,
                                         .body_ms = 60000,
                                         .idle_ms = 75000,
                                         .last_ms = API_LAST_MS,
                                         .connections = set->http_connections,
                                         .bodies_bytes = API_BODIES_BYTES },
                             .handle = api_handle,
                         });
    api_answers_start(&s->answers, &(struct api_answers_options){
                                       .origins = tw_slice_of(set->allowed_origins) });
    api_limiter_start(&s->limiter,
                      &(struct api_limiter_options){
                          .key = { (uint32_t)set->rate_per_second, (uint32_t)set->rate_burst },
                          .tenant = { (uint32_t)set->tenant_rate_per_second,
                                      (uint32_t)set->tenant_rate_burst } });
    tw_strangers_start(&s->strangers);
    tw_operations_start(&s->operations,
                        &(struct tw_operations_options){ .loop = &a->daemon.loop,
                                                         .pool = &s->pool,
                                                         .publisher = &s->publisher });
    tw_tokens_start(&s->tokens, &(struct tw_tokens_options){
                                    .pool = &s->pool,
                                    .keys = { .secret = tw_slice_of(set->jwt_secret),
                                              .public_key = set->jwt_public_key,
                                              .audience = tw_slice_of(set->jwt_audience) },
                                    .are_bound = strcmp(set->jwt_restaurant, "named") == 0,
                                });
    api_waiting_start(&s->waiting, &(struct api_waiting_options){ .loop = &a->daemon.loop,
                                                                  .pool = &s->pool });
    api_request_log_start(&s->requests,
                          &(struct api_request_log_options){ .loop = &a->daemon.loop,
                                                             .pool = &s->pool,
                                                             .instance = set->instance });
}

static void on_database(struct tw_pg_pool *pool)
{
    if (tw_pg_pool_is_up(pool))
        tw_daemon_listen_now(&tw_container_of(pool, struct api, service.pool)->daemon);
}

static bool say(struct tw_daemon *d, struct tw_pg_call *call)
{
    tw_pg_pool_call(&api_of(d)->service.pool, call);
    return true;
}

static void put_detail(struct tw_daemon *d, struct tw_buf *out)
{
    const struct api_service *s = &api_of(d)->service;

    tw_json_member_u64(out, "databaseConnections", s->pool.up.value);
    tw_json_member_u64(out, "databaseWaiting", s->pool.queued.value);
    tw_json_member_u64(out, "httpConnections", s->http.connections.value);
    tw_json_member_u64(out, "requests", s->under_way.value);
}

/* A new part: its field, its options here or above, its rows in `metrics`, and its lines in
 * `stop` and `release`. */
static int start(struct tw_daemon *d)
{
    struct api *a = api_of(d);
    const struct tw_settings *set = &d->settings;
    int r;

    start_service(a);
    tw_functions_start(&a->functions);
    tw_pg_pool_start(&a->service.pool,
                     &(struct tw_pg_pool_options){ .loop = &d->loop,
                                                   .url = set->database_url,
                                                   .url_file = set->database_url_file,
                                                   .program = d->kind->name,
                                                   .connections = set->database_connections,
                                                   .max_waiting = set->database_queue,
                                                   .on_change = on_database,
                                                   .observer = &a->functions.observer });
    tw_schema_start(&a->schema, &(struct tw_schema_options){ .pool = &a->service.pool });
    api_rates_start(&a->rates, &(struct api_rates_options){ .loop = &d->loop,
                                                            .pool = &a->service.pool,
                                                            .limiter = &a->service.limiter });
    r = tw_redis_start(&a->service.publisher,
                       &(struct tw_redis_options){ .loop = &d->loop,
                                                   .url = set->redis_url,
                                                   .url_file = set->redis_url_file,
                                                   .name = "publisher" });
    if (r != 0)
        return tw_daemon_bad_redis(r);
    tw_alive_start(&a->alive, &(struct tw_alive_options){
                                  .daemon = d, .send = say, .detail = put_detail });
    tw_daemon_listen_soon(d, &a->listener, on_accept);
    return 0;
}

static void on_last(struct tw_deadline *t)
{
    tw_listener_drain(&tw_container_of(t, struct api, last)->listener);
}

static void drain(struct tw_daemon *d)
{
    struct api *a = api_of(d);
    uint64_t most = d->drain_ms / 2;

    /* Where systemd keeps the socket, nobody is refused, and who is not accepted waits. So
     * requests are answered until connections that are open have had their last ones. */
    if (tw_listener_is_kept(&a->listener))
        tw_after(&d->loop, &a->last, most < API_LAST_MS ? most : API_LAST_MS, on_last);
    else
        tw_listener_drain(&a->listener);
    api_waiting_stop(&a->service.waiting);
    api_rates_leave(&a->rates);
    tw_alive_leave(&a->alive);
    tw_http_server_drain(&a->service.http);
}

static bool is_drained(struct tw_daemon *d)
{
    struct api *a = api_of(d);

    return a->service.http.connections.value == 0 && a->service.under_way.value == 0;
}

static void stop(struct tw_daemon *d)
{
    struct api *a = api_of(d);

    tw_after_cancel(&d->loop, &a->last);
    tw_listener_stop(&a->listener);
    api_waiting_stop(&a->service.waiting);
    tw_http_server_close(&a->service.http);
    tw_schema_stop(&a->schema);
    api_rates_stop(&a->rates);
    tw_alive_stop(&a->alive);
    api_request_log_leave(&a->service.requests);
    tw_operations_stop(&a->service.operations);
    tw_pg_pool_close(&a->service.pool);
    tw_redis_stop(&a->service.publisher);
}

static void release(struct tw_daemon *d)
{
    tw_operations_done(&api_of(d)->service.operations);
    api_limiter_done(&api_of(d)->service.limiter);
    tw_strangers_done(&api_of(d)->service.strangers);
    api_waiting_done(&api_of(d)->service.waiting);
    api_request_log_done(&api_of(d)->service.requests);
    tw_tokens_done(&api_of(d)->service.tokens);
    tw_alive_done(&api_of(d)->alive);
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    struct api *a = api_of(d);

    tw_daemon_note_database(&a->service.pool, missing_list, degraded);
    tw_daemon_note_schema(missing_list, &a->schema);
    tw_daemon_note_redis(degraded, &a->service.publisher);
}

#define AT(part) offsetof(struct api, part)

static const struct tw_metric_part metrics[] = {
    { &tw_handshakes_metrics, AT(listener.handshakes), NULL },
    { &tw_certificates_metrics, AT(daemon.certificates), NULL },
    { &tw_ops_metrics, AT(daemon.ops), NULL },
    { &tw_loop_metrics, AT(daemon.loop), NULL },
    { &tw_http_server_metrics, AT(service.http), NULL },
    { &api_answers_metrics, AT(service.answers), NULL },
    { &api_seconds_metrics, AT(service.answers), NULL },
    { &api_exchange_metrics, AT(service), NULL },
    { &api_waiting_metrics, AT(service.waiting), NULL },
    { &api_request_log_metrics, AT(service.requests), NULL },
    { &api_limiter_metrics, AT(service.limiter), NULL },
    { &tw_strangers_metrics, AT(service.strangers), NULL },
    { &tw_tokens_metrics, AT(service.tokens), NULL },
    { &tw_operations_metrics, AT(service.operations), NULL },
    { &tw_pg_pool_metrics, AT(service.pool), NULL },
    { &tw_functions_metrics, AT(functions), NULL },
    { &tw_functions_errors, AT(functions), NULL },
    { &tw_schema_metrics, AT(schema), NULL },
    { &tw_redis_metrics, AT(service.publisher), "link=\"publisher\"" },
};

static const struct tw_daemon_kind kind = {
    .name = "tillwire-api",
    .about = "gift cards, loyalty, orders and reports over HTTP, one SQL call a request",
    .program = TW_API,
    .bounds = api_bounds,
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
    static struct api api; /* too large for the stack: the loop's read buffer is in it */

    return tw_daemon_main(&api.daemon, &kind, argc, argv);
}
