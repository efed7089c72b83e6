/* redis.c - one service, three kinds of Redis behind it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis.h"

#include "common/util/base.h"
#include "common/util/err.h"

static bool is_cluster(const struct tw_redis *r)
{
    return r->kind == TW_REDIS_CLUSTER;
}

/* --- One Redis, or the master ----------------------------------------------------------------
 */

static struct tw_redis *redis_of(struct tw_redis_link *l)
{
    return tw_container_of(l, struct tw_redis, link);
}

static void on_link_up(struct tw_redis_link *l)
{
    struct tw_redis *r = redis_of(l);

    r->counts.up.value = 1;
    if (r->events->on_up != NULL)
        r->events->on_up(r);
}

static void on_link_down(struct tw_redis_link *l)
{
    struct tw_redis *r = redis_of(l);

    r->counts.up.value = 0;
    if (r->events->on_down != NULL)
        r->events->on_down(r);
}

static void on_link_subscribed(struct tw_redis_link *l, struct tw_slice channel)
{
    struct tw_redis *r = redis_of(l);

    if (r->events->on_subscribed != NULL)
        r->events->on_subscribed(r, channel);
}

static void on_link_message(struct tw_redis_link *l, struct tw_slice channel, char *at,
                            size_t len)
{
    struct tw_redis *r = redis_of(l);

    if (r->events->on_message != NULL)
        r->events->on_message(r, channel, at, len);
}

static const struct tw_redis_link_events link_events = { .on_up = on_link_up,
                                                         .on_down = on_link_down,
                                                         .on_subscribed = on_link_subscribed,
                                                         .on_message = on_link_message };

static void find_master(struct tw_redis_link *l, struct tw_route *route)
{
    tw_redis_sentinel_find(&redis_of(l)->sentinel, route);
}

static void start_link(struct tw_redis *r)
{
    bool is_master = r->kind == TW_REDIS_SENTINEL;

    tw_redis_link_start(&r->link, &(struct tw_redis_link_options){
                                      .loop = r->loop,
                                      .source = &r->source,
                                      .counts = &r->counts,
                                      .name = r->name,
                                      .events = &link_events,
                                      .peer = is_master ? TW_REDIS_MASTER : TW_REDIS_SERVER,
                                      .find = is_master ? find_master : NULL,
                                  });
    if (is_master)
        tw_redis_sentinel_start(&r->sentinel,
                                &(struct tw_redis_sentinel_options){ .loop = r->loop,
                                                                     .source = &r->source,
                                                                     .counts = &r->counts,
                                                                     .name = r->name,
                                                                     .master_link = &r->link });
}

/* --- A cluster -------------------------------------------------------------------------------
 */

static struct tw_redis *redis_of_cluster(struct tw_redis_cluster *c)
{
    return tw_container_of(c, struct tw_redis, cluster);
}

static void on_cluster_up(struct tw_redis_cluster *c)
{
    struct tw_redis *r = redis_of_cluster(c);

    if (r->events->on_up != NULL)
        r->events->on_up(r);
}

static void on_cluster_subscribed(struct tw_redis_cluster *c, struct tw_slice channel)
{
    struct tw_redis *r = redis_of_cluster(c);

    if (r->events->on_subscribed != NULL)
        r->events->on_subscribed(r, channel);
}

static void on_cluster_lost(struct tw_redis_cluster *c, struct tw_slice channel)
{
    struct tw_redis *r = redis_of_cluster(c);

    if (r->events->on_lost != NULL)
        r->events->on_lost(r, channel);
}

static void on_cluster_message(struct tw_redis_cluster *c, struct tw_slice channel, char *at,
                               size_t len)
{
    struct tw_redis *r = redis_of_cluster(c);

    if (r->events->on_message != NULL)
        r->events->on_message(r, channel, at, len);
}

static const struct tw_redis_cluster_events cluster_events = {
    on_cluster_up, on_cluster_subscribed, on_cluster_lost, on_cluster_message
};

static void start_cluster(struct tw_redis *r)
{
    tw_redis_cluster_start(
        &r->cluster,
        &(struct tw_redis_nodes_options){
            .loop = r->loop, .source = &r->source, .counts = &r->counts, .name = r->name },
        &cluster_events);
}

/* --- For all of them -------------------------------------------------------------------------
 */

#define AT(field) TW_METRIC_AT(struct tw_redis, counts.field)

static const struct tw_metric_row metric_rows[] = {
    { "redis_up", NULL,
      "1 while this link is connected to Redis, and to all of a cluster, else 0.", AT(up) },
    { "redis_connects_total", NULL,
      "Connections that this link made to Redis, each reconnect included.", AT(connects) },
    { "redis_commands_total", NULL, "Commands sent to Redis.", AT(sent) },
    { "redis_dropped_total", NULL,
      "Commands that were dropped because Redis was away or read too slowly.", AT(dropped) },
};

const struct tw_metric_table tw_redis_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

int tw_redis_start(struct tw_redis *r, const struct tw_redis_options *options)
{
    static const struct tw_redis_events no_events;
    int err = tw_redis_source_start(&r->source, options->url, options->url_file);

    if (err != 0)
        return err;
    r->loop = options->loop;
    r->name = options->name;
    r->kind = r->source.url.kind;
    r->events = options->events == NULL ? &no_events : options->events;
    if (is_cluster(r))
        start_cluster(r);
    else if (!tw_redis_is_none(r))
        start_link(r);
    return 0;
}

void tw_redis_stop(struct tw_redis *r)
{
    if (r->loop == NULL || r->is_stopped)
        return;
    r->is_stopped = true;
    r->counts.up.value = 0;
    if (is_cluster(r))
        tw_redis_cluster_stop(&r->cluster);
    tw_redis_sentinel_stop(&r->sentinel);
    tw_redis_link_stop(&r->link);
    tw_redis_source_done(&r->source);
}

bool tw_redis_is_up(const struct tw_redis *r)
{
    return is_cluster(r) ? tw_redis_nodes_are_up(&r->cluster.nodes) : r->link.is_up;
}

bool tw_redis_serves(const struct tw_redis *r, struct tw_slice name)
{
    return is_cluster(r) ? tw_redis_cluster_serves(&r->cluster, name) : r->link.is_up;
}

bool tw_redis_is_none(const struct tw_redis *r)
{
    return r->kind == TW_REDIS_NONE;
}

const char *tw_redis_problem(const struct tw_redis *r)
{
    const char *of_sentinel = tw_redis_sentinel_problem(&r->sentinel);

    if (tw_redis_is_none(r))
        return NULL;
    if (is_cluster(r))
        return tw_redis_is_up(r) ? NULL : tw_redis_nodes_problem(&r->cluster.nodes);
    if (of_sentinel[0] != '\0')
        return of_sentinel;
    if (r->link.is_in_cluster)
        return "this is a Redis Cluster: its URL is redis+cluster://";
    return r->link.is_up ? NULL : r->link.why;
}

static int say(struct tw_redis *r, struct tw_slice name, struct tw_redis_ask *ask,
               const struct tw_slice *words, size_t n)
{
    if (tw_redis_is_none(r))
        return TW_EDOWN;
    if (is_cluster(r))
        return tw_redis_cluster_send(&r->cluster, name, ask, words, n);
    return ask == NULL ? tw_redis_link_tell(&r->link, words, n)
                       : tw_redis_link_ask(&r->link, ask, words, n);
}

int tw_redis_publish(struct tw_redis *r, struct tw_slice channel, struct tw_slice message)
{
    struct tw_slice words[] = { is_cluster(r) ? TW_LIT("SPUBLISH") : TW_LIT("PUBLISH"), channel,
                                message };

    return say(r, channel, NULL, words, TW_COUNT(words));
}

static struct tw_slice key_of(const struct tw_slice *words, size_t n)
{
    size_t i = tw_slice_is(words[0], "EVAL") ? 3 : 1;

    return i < n ? words[i] : TW_EMPTY;
}

int tw_redis_tell(struct tw_redis *r, const struct tw_slice *words, size_t n)
{
    return say(r, key_of(words, n), NULL, words, n);
}

int tw_redis_ask(struct tw_redis *r, struct tw_redis_ask *ask, const struct tw_slice *words,
                 size_t n)
{
    return say(r, key_of(words, n), ask, words, n);
}

int tw_redis_subscribe(struct tw_redis *r, struct tw_slice channel)
{
    struct tw_slice words[] = { TW_LIT("SUBSCRIBE"), channel };

    if (is_cluster(r) && !r->is_stopped)
        return tw_redis_cluster_subscribe(&r->cluster, channel);
    return say(r, channel, NULL, words, TW_COUNT(words));
}

int tw_redis_unsubscribe(struct tw_redis *r, struct tw_slice channel)
{
    struct tw_slice words[] = { TW_LIT("UNSUBSCRIBE"), channel };

    if (is_cluster(r) && !r->is_stopped)
        return tw_redis_cluster_unsubscribe(&r->cluster, channel);
    return say(r, channel, NULL, words, TW_COUNT(words));
}
