/* redis_nodes.c - the table of nodes, and asking who has what.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define REFRESH_FIRST_MS 100
#define REFRESH_MOST_MS 1000
#define CALM_MS 4000 /* since the last answer: then the next doubt is a new one */

static struct tw_redis_node *node_of(struct tw_redis_link *l)
{
    return tw_container_of(l, struct tw_redis_node, link);
}

static void plan_refresh(struct tw_redis_nodes *all);

static void note_problem(struct tw_redis_nodes *all, const char *problem)
{
    if (strcmp(problem, all->problem) == 0)
        return;
    if (problem[0] != '\0')
        tw_log_warn("redis.cluster", tw_str("link", all->options.name), tw_str("why", problem));
    else
        tw_log_info("redis.cluster", tw_str("link", all->options.name),
                    tw_str("state", "whole"));
    (void)snprintf(all->problem, sizeof(all->problem), "%s", problem);
}

static void note_up(struct tw_redis_nodes *all)
{
    all->options.counts->up.value = tw_redis_nodes_are_up(all) ? 1 : 0;
}

/* --- Nodes -----------------------------------------------------------------------------------
 */

static void on_node_up(struct tw_redis_link *l)
{
    struct tw_redis_node *n = node_of(l);

    note_up(n->all);
    n->all->options.events->on_up(n);
}

static void on_node_down(struct tw_redis_link *l)
{
    struct tw_redis_node *n = node_of(l);

    note_up(n->all);
    tw_redis_nodes_doubt(n->all);
    n->all->options.events->on_down(n);
}

static void on_node_subscribed(struct tw_redis_link *l, struct tw_slice channel)
{
    node_of(l)->all->options.events->on_subscribed(node_of(l), channel);
}

static void on_node_unsubscribed(struct tw_redis_link *l, struct tw_slice channel)
{
    node_of(l)->all->options.events->on_unsubscribed(node_of(l), channel);
}

static void on_node_message(struct tw_redis_link *l, struct tw_slice channel, char *at,
                            size_t len)
{
    node_of(l)->all->options.events->on_message(node_of(l)->all, channel, at, len);
}

static bool on_node_refused(struct tw_redis_link *l, struct tw_slice why)
{
    return node_of(l)->all->options.events->on_refused(node_of(l), why);
}

static void on_node_stopped(struct tw_redis_link *l)
{
    struct tw_redis_node *n = node_of(l);

    tw_later_cancel(&n->turn);
    n->all->at[n->index] = NULL;
    free(n);
}

static const struct tw_redis_link_events node_events = {
    on_node_up,      on_node_down,    on_node_subscribed, on_node_unsubscribed,
    on_node_message, on_node_refused, on_node_stopped
};

static void find_node(struct tw_redis_link *l, struct tw_route *route)
{
    const struct tw_redis_host *host = &node_of(l)->host;

    (void)tw_route_add(route, tw_slice_of(host->name), NULL, host->port); /* see node_at */
}

static bool is_same(const struct tw_redis_host *a, const struct tw_redis_host *b)
{
    return a->port == b->port && strcmp(a->name, b->name) == 0;
}

static struct tw_redis_node *add_node(struct tw_redis_nodes *all, uint8_t index,
                                      const struct tw_redis_host *host)
{
    struct tw_redis_node *n = tw_new(struct tw_redis_node);

    n->all = all;
    n->host = *host;
    n->index = index;
    n->is_listed = true;
    tw_list_init(&n->waiting);
    tw_list_init(&n->asked);
    tw_list_init(&n->heard);
    (void)snprintf(n->name, sizeof(n->name), "%.32s %s:%d", all->options.name, host->name,
                   host->port);
    all->at[index] = n;
    tw_redis_link_start(&n->link, &(struct tw_redis_link_options){
                                      .loop = all->options.loop,
                                      .source = all->options.source,
                                      .counts = all->options.counts,
                                      .name = n->name,
                                      .events = &node_events,
                                      .peer = TW_REDIS_MEMBER,
                                      .find = find_node,
                                  });
    return n;
}

/* The node at an address as the cluster names it, which may be new; null for what is no
 * address, or one too many. */
static struct tw_redis_node *node_at(struct tw_redis_nodes *all,
                                     const struct tw_redis_host *host)
{
    struct tw_route route = { .host_count = 0 };
    int free_index = -1;

    for (int i = TW_REDIS_NODES - 1; i >= 0; i--) {
        struct tw_redis_node *n = all->at[i];

        if (n == NULL)
            free_index = i;
        else if (!n->link.is_stopped && is_same(&n->host, host))
            return n;
    }
    if (free_index < 0 || tw_route_add(&route, tw_slice_of(host->name), NULL, host->port) != 0)
        return NULL;
    return add_node(all, (uint8_t)free_index, host);
}

static bool is_trouble(const struct tw_redis_node *n)
{
    return n != NULL && n->slot_count > 0 && n->link.has_failed;
}

/* --- Who has what ----------------------------------------------------------------------------
 */

static void give_slot(struct tw_redis_nodes *all, unsigned slot, uint8_t index)
{
    uint8_t before = all->owner[slot];

    if (before == index)
        return;
    if (before == TW_REDIS_NOBODY)
        all->missing--;
    else
        all->at[before]->slot_count--;
    if (index == TW_REDIS_NOBODY)
        all->missing++;
    else
        all->at[index]->slot_count++;
    all->owner[slot] = index;
}

/* Whether anything is different now. */
static bool take_shards(struct tw_redis_nodes *all, const struct tw_redis_shards *shards)
{
    uint8_t index[TW_REDIS_NODES];
    bool has_changed = false;

    memset(index, TW_REDIS_NOBODY, sizeof(index));
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        if (all->at[i] != NULL)
            all->at[i]->is_listed = false;
    for (size_t i = 0; i < shards->count; i++) {
        struct tw_redis_node *n = node_at(all, &shards->masters[i]);

        if (n == NULL)
            continue;
        index[i] = n->index;
        n->is_listed = true;
    }
    for (unsigned slot = 0; slot < TW_REDIS_SLOTS; slot++) {
        uint8_t owner = shards->owner[slot];
        uint8_t next = owner == TW_REDIS_NOBODY ? TW_REDIS_NOBODY : index[owner];

        has_changed = has_changed || next != all->owner[slot];
        give_slot(all, slot, next);
    }
    return has_changed;
}

static void drop_unlisted(struct tw_redis_nodes *all)
{
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        if (all->at[i] != NULL && !all->at[i]->is_listed)
            tw_redis_link_stop(&all->at[i]->link);
}

static void apply(struct tw_redis_nodes *all, const struct tw_redis_shards *shards)
{
    const struct tw_redis_nodes_events *events = all->options.events;
    char problem[160] = "";
    bool has_changed = take_shards(all, shards);

    if (all->missing > 0)
        (void)snprintf(problem, sizeof(problem), "%zu of %d slots have no node", all->missing,
                       TW_REDIS_SLOTS);
    note_problem(all, problem);
    note_up(all);
    if (!all->is_known) {
        all->is_known = true;
        events->on_known(all);
    }
    if (!all->is_stopped)
        events->on_answer(all, has_changed);
    if (!all->is_stopped)
        drop_unlisted(all); /* nothing is of theirs any more */
}

static void take_answer(struct tw_redis_nodes *all, const struct tw_redis_value *value)
{
    struct tw_redis_shards *shards = tw_new(struct tw_redis_shards);
    char problem[160];
    int r;

    if (tw_slice_starts(value->refusal, TW_LIT("ERR This instance has cluster support"))) {
        note_problem(all, "this Redis is no cluster: its URL is redis://");
    } else if (value->refusal.len > 0) {
        (void)snprintf(problem, sizeof(problem), "CLUSTER SHARDS is refused: %.*s",
                       value->refusal.len > 100 ? 100 : (int)value->refusal.len,
                       value->refusal.at);
        note_problem(all, problem);
    } else {
        r = tw_redis_shards_read(shards, value, tw_redis_link_host(&all->scout),
                                 all->options.source->url.is_tls);
        if (r == TW_EFULL)
            note_problem(all, "the cluster has too many masters");
        else if (r != 0)
            note_problem(all, "its answer to CLUSTER SHARDS cannot be used");
        else
            apply(all, shards);
    }
    free(shards);
}

static void on_shards(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct tw_redis_nodes *all = tw_container_of(ask, struct tw_redis_nodes, ask);

    if (all->is_stopped || (!value->is_there && value->refusal.len == 0))
        return; /* it broke, and asks again when it is up again */
    all->answered_ms = all->options.loop->now_ms;
    take_answer(all, value);
    tw_redis_link_stop(&all->scout);
}

static void on_scout_up(struct tw_redis_link *l)
{
    struct tw_redis_nodes *all = tw_container_of(l, struct tw_redis_nodes, scout);

    all->ask.answered = on_shards;
    (void)tw_redis_link_ask(l, &all->ask,
                            (const struct tw_slice[]){ TW_LIT("CLUSTER"), TW_LIT("SHARDS") },
                            2); /* it is the first on a link that is up */
}

static void on_scout_stopped(struct tw_redis_link *l)
{
    struct tw_redis_nodes *all = tw_container_of(l, struct tw_redis_nodes, scout);
    bool is_troubled = all->problem[0] != '\0' || all->is_doubted;

    all->is_scouting = false;
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        is_troubled = is_troubled || is_trouble(all->at[i]);
    if (is_troubled && !all->is_stopped)
        plan_refresh(all);
}

static const struct tw_redis_link_events scout_events = { .on_up = on_scout_up,
                                                          .on_stopped = on_scout_stopped };

static void add_host(struct tw_route *route, const struct tw_redis_host *host)
{
    (void)tw_route_add(route, tw_slice_of(host->name), NULL, host->port); /* as many as fit */
}

/* Who should know, then all others that are up, then those of the URL; beginning with another
 * one each time, since one may know less than the others. */
static void find_scouted(struct tw_redis_link *l, struct tw_route *route)
{
    struct tw_redis_nodes *all = tw_container_of(l, struct tw_redis_nodes, scout);
    const struct tw_redis_url *url = &all->options.source->url;
    unsigned round = all->round++;

    if (all->hint.port != 0)
        add_host(route, &all->hint);
    all->hint.port = 0;
    for (unsigned i = 0; i < TW_REDIS_NODES && route->host_count < TW_ROUTE_HOSTS / 2; i++) {
        const struct tw_redis_node *n = all->at[(round + i) % TW_REDIS_NODES];

        if (n != NULL && n->link.is_up)
            add_host(route, &n->host);
    }
    for (size_t i = 0; i < url->host_count; i++)
        add_host(route, &url->hosts[(round + i) % url->host_count]);
}

static void on_refresh(struct tw_deadline *d)
{
    struct tw_redis_nodes *all = tw_container_of(d, struct tw_redis_nodes, refresh);

    all->is_scouting = true;
    all->is_doubted = false;
    tw_redis_link_start(&all->scout, &(struct tw_redis_link_options){
                                         .loop = all->options.loop,
                                         .source = all->options.source,
                                         .counts = all->options.counts,
                                         .name = all->scout_name,
                                         .events = &scout_events,
                                         .peer = TW_REDIS_MEMBER,
                                         .takes_any = true,
                                         .find = find_scouted,
                                     });
}

static void plan_refresh(struct tw_redis_nodes *all)
{
    uint16_t random;

    if (all->options.loop->now_ms > all->answered_ms + CALM_MS)
        all->retry_ms = REFRESH_FIRST_MS;
    tw_random(&random, sizeof(random));
    tw_after(all->options.loop, &all->refresh,
             all->retry_ms / 2 + all->retry_ms / 2 * random / UINT16_MAX, on_refresh);
    all->retry_ms = all->retry_ms * 2 > REFRESH_MOST_MS ? REFRESH_MOST_MS : all->retry_ms * 2;
}

void tw_redis_nodes_doubt(struct tw_redis_nodes *all)
{
    all->is_doubted = true;
    if (!all->is_scouting && !all->is_stopped && !tw_deadline_is_set(&all->refresh))
        plan_refresh(all);
}

/* --- For whoever uses them -------------------------------------------------------------------
 */

struct tw_redis_node *tw_redis_nodes_owner(const struct tw_redis_nodes *all, unsigned slot)
{
    uint8_t index = all->owner == NULL ? TW_REDIS_NOBODY : all->owner[slot];

    return index == TW_REDIS_NOBODY ? NULL : all->at[index];
}

struct tw_redis_node *tw_redis_nodes_redirect(struct tw_redis_node *n, struct tw_slice why,
                                              struct tw_redis_redirection *where)
{
    struct tw_redis_nodes *all = n->all;
    struct tw_redis_node *next = NULL;

    if (all->owner != NULL && tw_redis_redirection_read(where, why, n->host.name)) {
        next = node_at(all, &where->to);
        if (next == n)
            next = NULL;
    }
    if (next == NULL || !where->is_ask)
        tw_redis_nodes_doubt(all);
    if (next == NULL || where->is_ask)
        return next;
    next->is_listed = true;
    all->hint = next->host;
    give_slot(all, where->slot, next->index);
    return next;
}

bool tw_redis_nodes_are_up(const struct tw_redis_nodes *all)
{
    if (!all->is_known || all->missing > 0)
        return false;
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        if (all->at[i] != NULL && all->at[i]->slot_count > 0 && !all->at[i]->link.is_up)
            return false;
    return true;
}

const char *tw_redis_nodes_problem(const struct tw_redis_nodes *all)
{
    if (all->problem[0] != '\0')
        return all->problem;
    if (!all->is_known)
        return all->scout.why;
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        if (is_trouble(all->at[i]))
            return all->at[i]->link.why;
    return "";
}

void tw_redis_nodes_start(struct tw_redis_nodes *all,
                          const struct tw_redis_nodes_options *options)
{
    all->options = *options;
    all->owner = malloc(TW_REDIS_SLOTS);
    TW_ASSERT(all->owner != NULL);
    memset(all->owner, TW_REDIS_NOBODY, TW_REDIS_SLOTS);
    all->missing = TW_REDIS_SLOTS;
    all->retry_ms = REFRESH_FIRST_MS;
    (void)snprintf(all->scout_name, sizeof(all->scout_name), "%.32s cluster", options->name);
    tw_after(options->loop, &all->refresh, 0, on_refresh);
}

void tw_redis_nodes_stop(struct tw_redis_nodes *all)
{
    all->is_stopped = true;
    tw_after_cancel(all->options.loop, &all->refresh);
    if (all->is_scouting)
        tw_redis_link_stop(&all->scout);
    for (size_t i = 0; i < TW_REDIS_NODES; i++)
        if (all->at[i] != NULL)
            tw_redis_link_stop(&all->at[i]->link);
    free(all->owner);
    all->owner = NULL;
}
