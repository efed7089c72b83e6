/* main.c - tillwire-api: the REST side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"
#include "common/daemon/daemon.h"
#include "common/domain/schema_version.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"

struct api {
    struct tw_daemon daemon;
    struct api_service service;
    struct tw_http_server_limits limits;
    struct tw_listener listener;
    struct tw_schema schema;
};

static struct api *api_of(struct tw_daemon *d)
{
    return tw_container_of(d, struct api, daemon);
}

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_http_serve(&tw_container_of(l, struct api, listener)->service.http, stream);
}

static const struct tw_redis_events redis_events = { NULL, NULL, NULL, NULL };

static int start(struct tw_daemon *d)
{
    struct api *a = api_of(d);
    struct api_service *s = &a->service;
    const struct tw_settings *set = &d->settings;
    struct tw_slice where;
    int r;

    a->limits = (struct tw_http_server_limits){
        .request = { .target_bytes = 4096, .head_bytes = 16384, .body_bytes = 1048576 },
        .head_ms = 30000,
        .body_ms = 60000,
        .idle_ms = 75000,
        .connections = set->http_connections,
    };
    s->http.limits = &a->limits;
    s->http.handle = api_handle;
    tw_http_server_init(&s->http);
    api_answers_start(&s->answers, tw_slice_of(set->allowed_origins));
    s->operations = (struct tw_operations){ .loop = &d->loop,
                                            .pool = &s->pool,
                                            .publisher = &s->publisher };
    s->tokens = (struct tw_tokens){
        .pool = &s->pool,
        .keys = { .secret = tw_slice_of(set->jwt_secret),
                  .public_key = set->jwt_public_key,
                  .audience = tw_slice_of(set->jwt_audience) },
    };
    api_limiter_start(&s->limiter, (uint32_t)set->rate_per_second, (uint32_t)set->rate_burst);
    tw_pg_pool_start(&s->pool, &d->loop, set->database_url, d->kind->name,
                     set->database_connections, set->database_queue);
    api_waiting_start(&s->waiting, &d->loop, &s->pool);
    tw_schema_start(&a->schema, &s->pool);
    r = tw_redis_start(&s->publisher, &d->loop, set->redis_url, "publisher", &redis_events);
    if (r != 0) {
        tw_log_error("daemon.config", tw_str("setting", "TILLWIRE_REDIS_URL"), tw_err(r));
        return r;
    }
    r = tw_listener_start(&a->listener, &d->loop, tw_slice_of(set->listen), true, on_accept,
                          &where);
    if (r != 0)
        tw_log_error("daemon.listen", tw_slc("address", where), tw_err(r));
    return r;
}

static void drain(struct tw_daemon *d)
{
    struct api *a = api_of(d);

    tw_listener_stop(&a->listener);
    api_waiting_stop(&a->service.waiting);
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

    tw_listener_stop(&a->listener);
    api_waiting_stop(&a->service.waiting);
    tw_http_server_close(&a->service.http);
    tw_schema_stop(&a->schema);
    tw_pg_pool_close(&a->service.pool);
    tw_redis_stop(&a->service.publisher);
}

static void release(struct tw_daemon *d)
{
    api_limiter_done(&api_of(d)->service.limiter);
    api_waiting_done(&api_of(d)->service.waiting);
    tw_tokens_done(&api_of(d)->service.tokens);
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    struct api *a = api_of(d);

    if (!tw_pg_pool_is_up(&a->service.pool))
        tw_daemon_note(missing_list, "database");
    if (!tw_schema_is_good(&a->schema))
        tw_daemon_note(missing_list, "schema");
    if (!tw_redis_is_up(&a->service.publisher))
        tw_daemon_note(degraded, "redis");
}

#define AT(part) offsetof(struct api, part)

static const struct tw_metric_part metrics[] = {
    { &tw_http_server_metrics, AT(service.http), NULL },
    { &api_answers_metrics, AT(service.answers), NULL },
    { &api_exchange_metrics, AT(service), NULL },
    { &api_waiting_metrics, AT(service.waiting), NULL },
    { &api_limiter_metrics, AT(service.limiter), NULL },
    { &tw_tokens_metrics, AT(service.tokens), NULL },
    { &tw_operations_metrics, AT(service.operations), NULL },
    { &tw_pg_pool_metrics, AT(service.pool), NULL },
    { &tw_schema_metrics, AT(schema), NULL },
    { &tw_redis_metrics, AT(service.publisher), "link=\"publisher\"" },
};

static const struct tw_daemon_kind kind = {
    .name = "tillwire-api",
    .about = "gift cards, loyalty, orders and reports over HTTP, one SQL call a request",
    .program = TW_API,
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
