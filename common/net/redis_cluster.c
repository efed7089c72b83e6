/* redis_cluster.c - commands and channels, each where its slot is.
 *
 *     homeless --> waiting --> asked --> heard        a channel; the last three are a node's
 *         ^           ^          |         |
 *         |           +----------+---------+   its slot has moved, or its node went down
 *         +---------- its slot is nowhere, or nobody agrees where
 *
 * At most TW_REDIS_ASKED channels are asked for at a node at once, so that 20,000 of them
 * neither fill a turn nor hide behind each other's refusals, which do not say for which channel
 * they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_cluster.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define TRIES 4 /* then nodes do not agree: it waits until who has what is asked again */

static struct tw_redis_cluster *cluster_of(struct tw_redis_nodes *all)
{
    return tw_container_of(all, struct tw_redis_cluster, nodes);
}

static struct tw_redis_node *owner_of(const struct tw_redis_cluster *c, struct tw_slice name)
{
    return tw_redis_nodes_owner(&c->nodes, tw_redis_slot(name));
}

bool tw_redis_cluster_serves(const struct tw_redis_cluster *c, struct tw_slice name)
{
    const struct tw_redis_node *n = owner_of(c, name);

    return n != NULL && n->link.is_up;
}

/* --- Commands --------------------------------------------------------------------------------
 */

/* A command until it is answered: it may have to be said again elsewhere. */
struct call {
    struct tw_redis_ask ask;
    struct tw_redis_cluster *cluster;
    struct tw_redis_node *node;
    struct tw_list askers; /* who waits for the answer, or nobody: tw_redis_ask.link */
    size_t bytes, n;
    unsigned tries;
    struct tw_slice words[]; /* what they lend follows them */
};

static void call_free(struct call *call)
{
    call->cluster->kept_bytes -= call->bytes;
    free(call);
}

/* Null when too much is kept already, or memory is out. */
static struct call *call_new(struct tw_redis_cluster *c, const struct tw_slice *words, size_t n)
{
    size_t bytes = sizeof(struct call) + n * sizeof(words[0]);
    struct call *call;
    char *at;

    for (size_t i = 0; i < n; i++)
        bytes += words[i].len;
    if (bytes > TW_REDIS_OUT_BYTES - c->kept_bytes || (call = malloc(bytes)) == NULL)
        return NULL;
    *call = (struct call){ .cluster = c, .bytes = bytes, .n = n };
    tw_list_init(&call->askers);
    at = (char *)&call->words[n];
    for (size_t i = 0; i < n; i++) {
        call->words[i] = tw_slice_from(at, words[i].len);
        if (words[i].len > 0)
            memcpy(at, words[i].at, words[i].len);
        at += words[i].len;
    }
    c->kept_bytes += bytes;
    return call;
}

static void on_answered(struct tw_redis_ask *ask, const struct tw_redis_value *value);

static int send_to(struct call *call, struct tw_redis_node *n)
{
    call->node = n;
    call->ask.answered = on_answered;
    return tw_redis_link_ask(&n->link, &call->ask, call->words, call->n);
}

/* Whether it is on its way to where its slot is now. */
static bool follow(struct call *call, struct tw_slice refusal)
{
    struct tw_slice asking = TW_LIT("ASKING");
    struct tw_redis_redirection where;
    struct tw_redis_node *next = tw_redis_nodes_redirect(call->node, refusal, &where);

    if (next == NULL || ++call->tries > TRIES || !next->link.is_up)
        return false;
    if (where.is_ask && tw_redis_link_tell(&next->link, &asking, 1) != 0)
        return false;
    return send_to(call, next) == 0;
}

static void on_answered(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct call *call = tw_container_of(ask, struct call, ask);
    struct tw_list *asker;

    if (tw_redis_is_redirection(value->refusal)) {
        if (follow(call, value->refusal))
            return;
        call->cluster->nodes.options.counts->dropped.value++;
    }
    asker = tw_list_shift(&call->askers);
    call_free(call);
    if (asker != NULL) {
        struct tw_redis_ask *wanted = tw_container_of(asker, struct tw_redis_ask, link);

        wanted->answered(wanted, value);
    }
}

int tw_redis_cluster_send(struct tw_redis_cluster *c, struct tw_slice name,
                          struct tw_redis_ask *ask, const struct tw_slice *words, size_t n)
{
    struct tw_redis_node *node = owner_of(c, name);
    struct call *call = NULL;
    int r = node == NULL || !node->link.is_up ? TW_EDOWN : TW_EFULL;

    if (r == TW_EFULL)
        call = call_new(c, words, n);
    if (call == NULL) {
        c->nodes.options.counts->dropped.value++;
        return r;
    }
    r = send_to(call, node);
    if (r != 0)
        call_free(call);
    else if (ask != NULL)
        tw_list_append(&call->askers, &ask->link);
    return r;
}

/* --- Channels --------------------------------------------------------------------------------
 */

enum state { HOMELESS, WAITING, ASKED, HEARD };

struct channel {
    struct tw_list link;
    struct tw_redis_node *node; /* null: homeless */
    enum state state;
    unsigned slot, tries;
    struct tw_slice name; /* the map's */
};

static struct channel *channel_of_link(struct tw_list *link)
{
    return tw_container_of(link, struct channel, link);
}

static void put(struct channel *ch, enum state state, struct tw_list *list)
{
    if (ch->state == ASKED)
        ch->node->asked_count--;
    tw_list_remove(&ch->link);
    ch->state = state;
    tw_list_append(list, &ch->link);
    if (state == ASKED)
        ch->node->asked_count++;
}

static void lose(struct tw_redis_cluster *c, struct channel *ch);

static void ask_for(struct tw_redis_cluster *c, struct tw_redis_node *n)
{
    while (n->asked_count < TW_REDIS_ASKED && !tw_list_empty(&n->waiting)) {
        struct channel *ch = channel_of_link(n->waiting.next);
        struct tw_slice words[] = { TW_LIT("SSUBSCRIBE"), ch->name };

        if (tw_redis_nodes_owner(&c->nodes, ch->slot) != n) {
            lose(c, ch);
            continue;
        }
        if (tw_redis_link_tell(&n->link, words, TW_COUNT(words)) != 0)
            return; /* what is asked already brings us back, or the link breaks */
        put(ch, ASKED, &n->asked);
    }
}

static void on_turn(struct tw_later *later)
{
    struct tw_redis_node *n = tw_container_of(later, struct tw_redis_node, turn);

    if (n->link.is_up)
        ask_for(cluster_of(n->all), n);
}

static void ask_soon(struct tw_redis_node *n)
{
    if (n->link.is_up && !tw_list_empty(&n->waiting))
        tw_later(n->all->options.loop, &n->turn, on_turn);
}

/* To the node that has its slot. */
static void place(struct tw_redis_cluster *c, struct channel *ch)
{
    struct tw_redis_node *n = tw_redis_nodes_owner(&c->nodes, ch->slot);

    if (n != NULL && ch->tries > TRIES)
        n = NULL;
    put(ch, n == NULL ? HOMELESS : WAITING, n == NULL ? &c->homeless : &n->waiting);
    ch->node = n;
    if (n != NULL)
        ask_soon(n);
    else
        tw_redis_nodes_doubt(&c->nodes);
}

/* It is not heard where it was, or where it was asked for. */
static void lose(struct tw_redis_cluster *c, struct channel *ch)
{
    place(c, ch);
    c->events->on_lost(c, ch->name);
}

static void on_known(struct tw_redis_nodes *all)
{
    struct tw_redis_cluster *c = cluster_of(all);

    c->events->on_up(c);
}

struct moved {
    struct tw_redis_cluster *cluster;
    struct tw_list list;
};

static void note_moved(struct tw_slice name, void *value, void *arg)
{
    struct channel *ch = value;
    struct moved *moved = arg;

    (void)name;
    if (ch->state == HOMELESS ||
        ch->node != tw_redis_nodes_owner(&moved->cluster->nodes, ch->slot)) {
        ch->tries = 0;
        put(ch, HOMELESS, &moved->list);
        ch->node = NULL;
    }
}

static void on_answer(struct tw_redis_nodes *all, bool has_changed)
{
    struct moved moved = { .cluster = cluster_of(all) };
    struct tw_list *link;

    if (!has_changed && tw_list_empty(&moved.cluster->homeless))
        return;
    tw_list_init(&moved.list);
    tw_map_each(&moved.cluster->channels, note_moved, &moved);
    while ((link = tw_list_shift(&moved.list)) != NULL)
        lose(moved.cluster, channel_of_link(link));
}

static void on_node_up(struct tw_redis_node *n)
{
    ask_soon(n);
}

/* Where they go is known when another node has their slots, or this one is up again. */
static void lose_all(struct tw_redis_cluster *c, struct tw_redis_node *n, struct tw_list *list)
{
    struct tw_list lost, *link;

    tw_list_init(&lost);
    tw_list_move_all(&lost, list);
    while ((link = tw_list_shift(&lost)) != NULL) {
        put(channel_of_link(link), WAITING, &n->waiting);
        c->events->on_lost(c, channel_of_link(link)->name);
    }
}

static void on_node_down(struct tw_redis_node *n)
{
    struct tw_redis_cluster *c = cluster_of(n->all);

    lose_all(c, n, &n->waiting);
    lose_all(c, n, &n->asked);
    lose_all(c, n, &n->heard);
}

static void on_subscribed(struct tw_redis_node *n, struct tw_slice name)
{
    struct tw_redis_cluster *c = cluster_of(n->all);
    struct channel *ch = tw_map_get(&c->channels, name);

    if (ch == NULL || ch->node != n || ch->state != ASKED)
        return; /* it has gone, or is asked for elsewhere */
    ch->tries = 0;
    put(ch, HEARD, &n->heard);
    ask_soon(n);
    c->events->on_subscribed(c, name);
}

/* The same node is asked again: it says where the slot is now. */
static void on_unsubscribed(struct tw_redis_node *n, struct tw_slice name)
{
    struct tw_redis_cluster *c = cluster_of(n->all);
    struct channel *ch = tw_map_get(&c->channels, name);

    if (ch != NULL && ch->node == n && ch->state == HEARD)
        lose(c, ch);
}

static void on_message(struct tw_redis_nodes *all, struct tw_slice channel, char *at,
                       size_t len)
{
    cluster_of(all)->events->on_message(cluster_of(all), channel, at, len);
}

/* Those that are asked for and are of this slot (negative: all of them). */
static void lose_asked(struct tw_redis_cluster *c, struct tw_redis_node *n, int slot)
{
    struct tw_list lost, *link;

    tw_list_init(&lost);
    tw_list_each(&n->asked, each)
    {
        struct channel *ch = channel_of_link(each);

        if (slot < 0 || ch->slot == (unsigned)slot) {
            tw_list_remove(each);
            tw_list_append(&lost, each);
        }
    }
    while ((link = tw_list_shift(&lost)) != NULL) {
        struct channel *ch = channel_of_link(link);

        ch->tries = slot < 0 ? TRIES + 1 : ch->tries + 1;
        lose(c, ch);
    }
    ask_soon(n);
}

/* A channel was refused. Of what passes, the node says in which state it is. */
static bool on_refused(struct tw_redis_node *n, struct tw_slice why)
{
    struct tw_redis_cluster *c = cluster_of(n->all);
    struct tw_redis_redirection where;

    if (!tw_redis_is_redirection(why) && !tw_slice_starts(why, TW_LIT("LOADING ")) &&
        !tw_slice_starts(why, TW_LIT("MASTERDOWN ")))
        return false;
    if (tw_redis_nodes_redirect(n, why, &where) != NULL)
        lose_asked(c, n, (int)where.slot);
    else
        lose_asked(c, n, -1);
    return true;
}

static const struct tw_redis_nodes_events nodes_events = { on_known,      on_answer,
                                                           on_node_up,    on_node_down,
                                                           on_subscribed, on_unsubscribed,
                                                           on_message,    on_refused };

int tw_redis_cluster_subscribe(struct tw_redis_cluster *c, struct tw_slice name)
{
    struct channel *ch = tw_map_get(&c->channels, name);

    if (ch == NULL) {
        ch = tw_new(struct channel);
        ch->slot = tw_redis_slot(name);
        (void)tw_map_put(&c->channels, name, ch, &ch->name);
        place(c, ch);
    }
    return ch->node != NULL && ch->node->link.is_up ? 0 : TW_EDOWN;
}

int tw_redis_cluster_unsubscribe(struct tw_redis_cluster *c, struct tw_slice name)
{
    struct channel *ch = tw_map_remove(&c->channels, name);
    struct tw_slice words[] = { TW_LIT("SUNSUBSCRIBE"), name };
    int r = 0;

    if (ch == NULL)
        return 0;
    if (ch->state == ASKED || ch->state == HEARD)
        r = tw_redis_link_tell(&ch->node->link, words, TW_COUNT(words));
    if (ch->state == ASKED)
        ch->node->asked_count--;
    tw_list_remove(&ch->link);
    free(ch);
    return r;
}

void tw_redis_cluster_start(struct tw_redis_cluster *c,
                            const struct tw_redis_nodes_options *options,
                            const struct tw_redis_cluster_events *events)
{
    struct tw_redis_nodes_options own = *options;

    c->events = events;
    tw_list_init(&c->homeless);
    own.events = &nodes_events;
    tw_redis_nodes_start(&c->nodes, &own);
}

void tw_redis_cluster_stop(struct tw_redis_cluster *c)
{
    struct tw_slice name;
    struct channel *ch;

    while ((ch = tw_map_any(&c->channels, &name)) != NULL) {
        (void)tw_map_remove(&c->channels, name);
        tw_list_remove(&ch->link); /* of a node, which goes after this */
        free(ch);
    }
    tw_map_done(&c->channels);
    tw_redis_nodes_stop(&c->nodes);
}
