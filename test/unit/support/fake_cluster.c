/* fake_cluster.c - four small Redis that agree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/fake_cluster.h"

#include <stdio.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct fake_node *node_of(struct fake_redis *r)
{
    return tw_container_of(r, struct fake_node, redis);
}

static void put_text(struct tw_buf *out, const char *text)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "$%zu\r\n", strlen(text));
    tw_buf_text(out, head);
    tw_buf_text(out, text);
    tw_buf_text(out, "\r\n");
}

static void put_number(struct tw_buf *out, size_t number)
{
    tw_buf_char(out, ':');
    tw_buf_u64(out, number);
    tw_buf_text(out, "\r\n");
}

static size_t ranges_of(const struct fake_cluster *c, uint8_t node, struct tw_buf *out)
{
    size_t count = 0;

    for (size_t slot = 0; slot < TW_REDIS_SLOTS; slot++) {
        size_t first = slot;

        if (c->owner[slot] != node)
            continue;
        while (slot + 1 < TW_REDIS_SLOTS && c->owner[slot + 1] == node)
            slot++;
        put_number(out, first);
        put_number(out, slot);
        count += 2;
    }
    return count;
}

static void put_node(struct tw_buf *out, const struct fake_node *node, const char *role)
{
    static const char *const names[] = { "id", "ip", "endpoint", "role", "health" };
    const char *const values[] = { "0123", "127.0.0.1",
                                   node->name != NULL ? node->name : "127.0.0.1", role,
                                   node->is_away ? "fail" : "online" };

    tw_buf_text(out, "*12\r\n");
    put_text(out, "port");
    put_number(out, (size_t)node->redis.host.port);
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        put_text(out, names[i]);
        put_text(out, values[i]);
    }
}

/* Each shard with a replica that nobody reaches. */
static void say_shards(struct fake_cluster *c, struct end *e)
{
    struct tw_buf out = { .max = 65536 }, slots = { .max = 65536 };

    tw_buf_text(&out, "*4\r\n");
    for (uint8_t i = 0; i < FAKE_NODES; i++) {
        size_t count = ranges_of(c, i, &slots);

        tw_buf_text(&out, "*4\r\n");
        put_text(&out, "slots");
        tw_buf_char(&out, '*');
        tw_buf_u64(&out, count);
        tw_buf_text(&out, "\r\n");
        tw_buf_append(&out, tw_buf_view(&slots));
        tw_buf_clear(&slots);
        put_text(&out, "nodes");
        tw_buf_text(&out, "*2\r\n");
        put_node(&out, &(struct fake_node){ .name = "replica.example" }, "replica");
        put_node(&out, &c->nodes[i], "master");
    }
    assert_false(out.failed);
    end_send(e, tw_buf_view(&out));
    tw_buf_done(&out);
    tw_buf_done(&slots);
}

static void redirect(struct end *e, const char *word, unsigned slot, const struct fake_node *to)
{
    char text[400];

    (void)snprintf(text, sizeof(text), "-%s %u %s:%d\r\n", word, slot,
                   to->name != NULL ? to->name : "127.0.0.1", to->redis.host.port);
    end_say(e, text);
}

/* Whether this node has the slot; else it has said where it is. */
static bool has_slot(struct fake_node *node, struct end *e, struct tw_slice name, bool is_key)
{
    struct fake_cluster *c = node->cluster;
    unsigned slot = tw_redis_slot(name);
    uint8_t owner = c->owner[slot];
    bool was_asked = e->is_known;

    e->is_known = false;
    if (was_asked && is_key)
        return true;
    if (node->moved_to >= 0)
        redirect(e, "MOVED", slot, &c->nodes[node->moved_to]);
    else if (owner == TW_REDIS_NOBODY)
        end_say(e, "-CLUSTERDOWN Hash slot not served\r\n");
    else if (&c->nodes[owner] != node)
        redirect(e, "MOVED", slot, &c->nodes[owner]);
    else if (is_key && c->asks_at[slot] >= 0)
        redirect(e, "ASK", slot, &c->nodes[c->asks_at[slot]]);
    else
        return true;
    return false;
}

static bool answer(struct fake_redis *r, struct end *e, const struct tw_slice *words, size_t n)
{
    struct fake_node *node = node_of(r);

    if (tw_slice_is(words[0], "CLUSTER") && node->is_no_cluster) {
        end_say(e, "-ERR This instance has cluster support disabled\r\n");
    } else if (tw_slice_is(words[0], "CLUSTER")) {
        say_shards(node->cluster, e);
    } else if (tw_slice_is(words[0], "ASKING")) {
        e->is_known = true;
        end_say(e, "+OK\r\n");
    } else if (tw_slice_is(words[0], "SSUBSCRIBE")) {
        if (has_slot(node, e, words[1], false)) {
            tw_buf_append(&node->channels, words[1]);
            tw_buf_char(&node->channels, '\n');
            fake_redis_tell(e, "ssubscribe", words[1], TW_EMPTY);
        }
    } else if (tw_slice_is(words[0], "SUNSUBSCRIBE")) {
        if (has_slot(node, e, words[1], false))
            fake_redis_tell(e, "sunsubscribe", words[1], TW_EMPTY);
    } else if (tw_slice_is(words[0], "SPUBLISH")) {
        if (has_slot(node, e, words[1], false))
            end_say(e, ":1\r\n");
    } else if (tw_slice_is(words[0], "GET") || tw_slice_is(words[0], "SET")) {
        if (has_slot(node, e, words[1], true))
            end_say(e, n == 2 ? "$5\r\nvalue\r\n" : "+OK\r\n");
    } else {
        return false;
    }
    return true;
}

void fake_cluster_start(struct fake_cluster *c, struct tw_loop *loop)
{
    c->loop = loop;
    for (uint8_t i = 0; i < FAKE_NODES; i++) {
        struct fake_node *node = &c->nodes[i];

        node->cluster = c;
        node->moved_to = -1;
        node->redis.answers = answer;
        node->channels.max = (size_t)8 * 1024 * 1024;
        fake_redis_start(&node->redis, loop, 0);
    }
    for (unsigned slot = 0; slot < TW_REDIS_SLOTS; slot++) {
        c->owner[slot] = (uint8_t)(slot * 3 / TW_REDIS_SLOTS);
        c->asks_at[slot] = -1;
    }
}

void fake_cluster_stop(struct fake_cluster *c)
{
    for (uint8_t i = 0; i < FAKE_NODES; i++) {
        if (!c->nodes[i].is_away)
            fake_redis_stop(&c->nodes[i].redis);
        tw_buf_done(&c->nodes[i].redis.commands);
        tw_buf_done(&c->nodes[i].channels);
    }
}

const char *fake_cluster_url(struct fake_cluster *c)
{
    static char url[128];

    (void)snprintf(url, sizeof(url), "redis+cluster://127.0.0.1:%d,127.0.0.1:%d",
                   c->nodes[0].redis.host.port, c->nodes[1].redis.host.port);
    return url;
}

void fake_cluster_move(struct fake_cluster *c, unsigned slot, uint8_t to)
{
    uint8_t from = c->owner[slot];
    struct tw_slice rest, line;

    c->owner[slot] = to;
    if (from == TW_REDIS_NOBODY)
        return;
    rest = tw_buf_view(&c->nodes[from].channels);
    while (tw_slice_split(&rest, '\n', &line))
        for (size_t i = 0; i < c->nodes[from].redis.host.count; i++)
            if (line.len > 0 && tw_redis_slot(line) == slot)
                fake_redis_tell(c->nodes[from].redis.host.ends[i], "sunsubscribe", line,
                                TW_EMPTY);
}

void fake_cluster_promote(struct fake_cluster *c, uint8_t from, uint8_t to)
{
    for (unsigned slot = 0; slot < TW_REDIS_SLOTS; slot++)
        if (c->owner[slot] == from)
            c->owner[slot] = to;
}

void fake_cluster_kill(struct fake_cluster *c, uint8_t node)
{
    c->nodes[node].is_away = true;
    host_drop_all(&c->nodes[node].redis.host);
    host_stop(&c->nodes[node].redis.host);
}

void fake_cluster_revive(struct fake_cluster *c, uint8_t node)
{
    c->nodes[node].is_away = false;
    tw_buf_clear(&c->nodes[node].channels);
    host_start(&c->nodes[node].redis.host, c->loop, c->nodes[node].redis.host.port);
}

void fake_cluster_push(struct fake_cluster *c, const char *channel, const char *message)
{
    struct fake_redis *r = &c->nodes[c->owner[tw_redis_slot(tw_slice_of(channel))]].redis;

    for (size_t i = 0; i < r->host.count; i++)
        fake_redis_tell(r->host.ends[i], "smessage", tw_slice_of(channel),
                        tw_slice_of(message));
}

int fake_cluster_count(const struct fake_cluster *c, int node, const char *start)
{
    int count = 0;

    for (int i = 0; i < FAKE_NODES; i++)
        if (node < 0 || node == i)
            count += fake_redis_count(&c->nodes[i].redis, start);
    return count;
}
