/* redis_link.c - RESP2 over a stream of ours, with hiredis to write and read it.
 *
 * hiredis's own asynchronous API misses refused and reset connections and aborts on ordinary
 * replies while subscribed, so only its codec is used. A link that receives nothing for
 * SILENCE_MS although it pings every PING_MS is dead, whatever TCP says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_link.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define CONNECT_MS 2000 /* for each address */
#define PING_MS 800
#define SILENCE_MS 2400
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 2000
#define REPLY_BYTES ((size_t)4 * 1024 * 1024)

static void on_retry(struct tw_deadline *d);

static void release(struct tw_redis_link *l)
{
    if (l->reader != NULL)
        redisReaderFree(l->reader);
    l->reader = NULL;
    tw_later_cancel(&l->flush);
    tw_buf_done(&l->out);
    tw_buf_done(&l->writing);
    l->is_writing = l->is_connected = false;
}

static void fail_asks(struct tw_redis_link *l)
{
    static const struct tw_redis_value nothing;
    struct tw_list lost, *link;

    l->commands = l->replies = 0;
    if (l->asks.next == NULL)
        return;
    tw_list_init(&lost);
    tw_list_move_all(&lost, &l->asks);
    while ((link = tw_list_shift(&lost)) != NULL) {
        struct tw_redis_ask *ask = tw_container_of(link, struct tw_redis_ask, link);

        ask->answered(ask, &nothing);
    }
}

static void say_down(struct tw_redis_link *l)
{
    if (!l->has_failed)
        tw_log_warn("redis.down", tw_str("link", l->options.name), tw_str("why", l->why));
    l->has_failed = true;
}

/* That one of several hosts is away is no news when the next one is there. */
static void note_failure(struct tw_redis_link *l, const char *why)
{
    (void)snprintf(l->why, sizeof(l->why), "%.150s", why);
    if (!l->options.takes_any)
        say_down(l);
}

/* `why` is null for no fault. on_closed, the stream's last word, plans the next attempt. */
static void go_down(struct tw_redis_link *l, const char *why)
{
    bool was_up = l->is_up;

    l->is_up = false;
    tw_route_stop(&l->route);
    tw_after_cancel(l->loop, &l->limit);
    if (l->stream != NULL)
        tw_stream_close(l->stream);
    if (why != NULL && !l->is_stopped)
        note_failure(l, why);
    if (was_up && l->options.events->on_down != NULL && !l->is_stopped)
        l->options.events->on_down(l);
    fail_asks(l);
}

static int send_command(struct tw_redis_link *l, size_t n, const struct tw_slice *words)
{
    const char *at[TW_REDIS_WORDS];
    size_t len[TW_REDIS_WORDS];
    sds text = NULL;
    int size;

    TW_ASSERT(n <= TW_COUNT(at));
    for (size_t i = 0; i < n; i++) {
        at[i] = words[i].at == NULL ? "" : words[i].at;
        len[i] = words[i].len;
    }
    size = redisFormatSdsCommandArgv(&text, (int)n, at, len);
    if (size < 0)
        return TW_EFULL; /* memory is out */
    tw_buf_append(&l->out, tw_slice_from(text, (size_t)size));
    redisFreeSdsCommand(text);
    if (l->out.failed) {
        l->out.failed = false; /* the others of this turn still go */
        l->options.counts->dropped.value++;
        return TW_EFULL;
    }
    l->commands++;
    return 0;
}

static void on_flush(struct tw_later *later)
{
    struct tw_redis_link *l = tw_container_of(later, struct tw_redis_link, flush);
    struct tw_slice part;
    int r;

    if (!l->is_connected || l->is_writing || l->out.len == 0)
        return;
    tw_buf_done(&l->writing);
    l->writing = l->out;
    l->out = (struct tw_buf){ .max = TW_REDIS_OUT_BYTES };
    part = tw_buf_view(&l->writing);
    r = tw_stream_write(l->stream, &part, 1);
    if (r < 0)
        go_down(l, tw_err_text(r));
    else if (r == 0)
        l->is_writing = true;
    else
        tw_buf_clear(&l->writing);
}

int tw_redis_link_tell(struct tw_redis_link *l, const struct tw_slice *words, size_t n)
{
    int r;

    if (!l->is_up) {
        l->options.counts->dropped.value++;
        return TW_EDOWN;
    }
    r = send_command(l, n, words);
    if (r == 0) {
        l->options.counts->sent.value++;
        tw_later(l->loop, &l->flush, on_flush);
    }
    return r;
}

static void on_pulse(struct tw_deadline *d)
{
    struct tw_redis_link *l = tw_container_of(d, struct tw_redis_link, limit);
    struct tw_slice ping = TW_LIT("PING");

    if (l->loop->now_ms > l->heard_ms + SILENCE_MS) {
        go_down(l, "silent");
        return;
    }
    if (send_command(l, 1, &ping) == 0)
        tw_later(l->loop, &l->flush, on_flush);
    tw_after(l->loop, &l->limit, PING_MS, on_pulse);
}

static void become_up(struct tw_redis_link *l)
{
    l->is_up = l->was_up = true;
    l->has_refused = l->is_in_cluster = false;
    l->options.counts->connects.value++;
    if (!l->options.takes_any || l->has_failed)
        tw_log_info("redis.up", tw_str("link", l->options.name));
    l->has_failed = false;
    l->retry_ms = RETRY_FIRST_MS;
    tw_after(l->loop, &l->limit, PING_MS, on_pulse);
    if (l->options.events->on_up != NULL)
        l->options.events->on_up(l);
}

static void send_password(struct tw_redis_link *l)
{
    const struct tw_redis_url *url = &l->options.source->url;
    struct tw_slice auth[3] = { TW_LIT("AUTH"), tw_slice_of(url->user),
                                tw_slice_of(url->password) };

    if (url->password != NULL && url->user == NULL)
        (void)send_command(l, 2, (const struct tw_slice[]){ auth[0], auth[2] });
    else if (url->password != NULL)
        (void)send_command(l, 3, auth);
}

/* The last question of a greeting, whose answer makes the link up: a ping, or, when it must be
 * a master, whether it is. */
static void send_greeting(struct tw_redis_link *l)
{
    struct tw_slice question =
        l->options.peer == TW_REDIS_MASTER ? TW_LIT("ROLE") : TW_LIT("PING");

    (void)send_command(l, 1, &question);
    tw_later(l->loop, &l->flush, on_flush);
}

/* Greet: the password when there is one, and a question. */
static void greet(struct tw_redis_link *l)
{
    l->is_connected = true;
    l->has_asked_password = false;
    l->reader = redisReaderCreate();
    TW_ASSERT(l->reader != NULL);
    l->out.max = TW_REDIS_OUT_BYTES;
    if (l->options.peer != TW_REDIS_WATCHER)
        send_password(l);
    send_greeting(l);
    tw_stream_want_read(l->stream, true);
}

static void on_written(struct tw_stream_owner *o, int err)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);

    if (err != 0) {
        go_down(l, tw_stream_why(l->stream, err));
        return;
    }
    if (!l->is_connected) {
        greet(l);
        return;
    }
    l->is_writing = false;
    tw_buf_clear(&l->writing);
    tw_later(l->loop, &l->flush, on_flush);
}

static struct tw_slice text_of(const redisReply *r)
{
    return r->str == NULL ? TW_EMPTY : tw_slice_from(r->str, r->len);
}

/* A push of the subscriber's connection: message, subscribe, unsubscribe, pong; a channel of a
 * cluster has an "s" before each. */
static void on_array(struct tw_redis_link *l, const redisReply *r)
{
    const struct tw_redis_link_events *events = l->options.events;
    struct tw_slice kind = text_of(r->element[0]);

    if (r->elements != 3)
        return;
    if (tw_slice_is(kind, "sunsubscribe")) {
        if (events->on_unsubscribed != NULL)
            events->on_unsubscribed(l, text_of(r->element[1]));
        return;
    }
    if (tw_slice_starts(kind, TW_LIT("s")) && !tw_slice_is(kind, "subscribe"))
        kind = tw_slice_skip(kind, 1);
    if (tw_slice_is(kind, "message") && events->on_message != NULL)
        events->on_message(l, text_of(r->element[1]), r->element[2]->str, r->element[2]->len);
    else if (tw_slice_is(kind, "subscribe") && events->on_subscribed != NULL)
        events->on_subscribed(l, text_of(r->element[1]));
}

/* One Redis that says so is a member of a cluster: messages pass through it, keys mostly not.
 */
static void note_cluster(struct tw_redis_link *l)
{
    if (!l->is_in_cluster)
        tw_log_warn("redis.refused", tw_str("link", l->options.name),
                    tw_str("why", "this is a Redis Cluster: its URL is redis+cluster://"));
    l->is_in_cluster = true;
}

/* One command was refused: that is an answer, and no reason to take the link away from all
 * others. */
static void note_refusal(struct tw_redis_link *l, struct tw_slice why)
{
    bool is_redirection = tw_redis_is_redirection(why);

    if (l->options.takes_any || (is_redirection && l->options.peer == TW_REDIS_MEMBER))
        return; /* whoever asked says what there is to say */
    l->options.counts->dropped.value++;
    if (is_redirection)
        note_cluster(l);
    else if (!l->has_refused)
        tw_log_warn("redis.refused", tw_str("link", l->options.name), tw_slc("why", why));
    l->has_refused = true;
}

/* False when no question waits for this reply. */
static bool answer_ask(struct tw_redis_link *l, const redisReply *r)
{
    struct tw_redis_value value = tw_redis_value_of(r);
    struct tw_redis_ask *ask;

    if (tw_list_empty(&l->asks))
        return false;
    ask = tw_container_of(l->asks.next, struct tw_redis_ask, link);
    if (ask->number != l->replies)
        return false;
    if (r->type == REDIS_REPLY_ERROR)
        note_refusal(l, value.refusal);
    tw_list_remove(&ask->link);
    ask->answered(ask, &value);
    return true;
}

/* A refusal of what nobody waits for. */
static bool on_error(struct tw_redis_link *l, const redisReply *r)
{
    struct tw_slice why = text_of(r);

    if (!l->is_up && !l->has_asked_password && l->options.peer == TW_REDIS_WATCHER &&
        tw_slice_starts(why, TW_LIT("NOAUTH")) && l->options.source->url.password != NULL) {
        l->has_asked_password = true;
        send_password(l);
        send_greeting(l);
        return true;
    }
    if (l->is_up && l->options.peer == TW_REDIS_SERVER && tw_redis_is_redirection(why)) {
        note_refusal(l, why);
        return true;
    }
    if (l->is_up && l->options.events->on_refused != NULL &&
        l->options.events->on_refused(l, why))
        return true;
    go_down(l, r->str);
    return false;
}

/* The answer to the question of greeting. False when this Redis is not the one we want. */
static bool take_greeting(struct tw_redis_link *l, const redisReply *r)
{
    if (l->options.peer != TW_REDIS_MASTER) {
        if (r->type == REDIS_REPLY_STATUS && tw_slice_is(text_of(r), "PONG"))
            become_up(l);
        return true;
    }
    if (r->type != REDIS_REPLY_ARRAY || r->elements == 0)
        return true;
    if (!tw_slice_is(text_of(r->element[0]), "master")) {
        go_down(l, "it is a replica, not the master");
        return false;
    }
    become_up(l);
    return true;
}

/* False when the link cannot continue. */
static bool on_reply(struct tw_redis_link *l, const redisReply *r)
{
    l->replies++;
    if (answer_ask(l, r))
        return true;
    if (r->type == REDIS_REPLY_ERROR)
        return on_error(l, r);
    if (!l->is_up)
        return take_greeting(l, r);
    if (r->type == REDIS_REPLY_ARRAY && r->elements > 0)
        on_array(l, r);
    return true;
}

static void on_read(struct tw_stream_owner *o, struct tw_slice bytes)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);
    redisReader *reader = l->reader;
    void *reply = NULL;
    bool goes_on = true;

    l->heard_ms = l->loop->now_ms;
    if (reader->len > REPLY_BYTES || redisReaderFeed(reader, bytes.at, bytes.len) != REDIS_OK) {
        go_down(l, "reply too long");
        return;
    }
    while (goes_on && redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        goes_on = on_reply(l, reply) && !l->is_stopped;
        freeReplyObject(reply);
        reply = NULL;
    }
    if (goes_on && reader->err != 0)
        go_down(l, reader->errstr);
}

static void on_end(struct tw_stream_owner *o, int err)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);

    if (!l->was_up && !l->options.source->url.is_tls)
        go_down(l, "ended without an answer; if it speaks TLS, the URL begins with rediss");
    else
        go_down(l, err == 0 ? "closed by Redis" : tw_stream_why(l->stream, err));
}

static void plan_retry(struct tw_redis_link *l)
{
    uint16_t random;

    tw_random(&random, sizeof(random));
    tw_after(l->loop, &l->limit, l->retry_ms / 2 + l->retry_ms / 2 * random / UINT16_MAX,
             on_retry);
    l->retry_ms = l->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : l->retry_ms * 2;
}

static void tell_stopped(struct tw_redis_link *l)
{
    if (l->options.events->on_stopped != NULL)
        l->options.events->on_stopped(l);
}

/* An address where it did not come up is followed by the next one. A link that was up begins
 * with the first again, after a pause. */
static void on_closed(struct tw_stream_owner *o)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);

    l->stream = NULL;
    release(l);
    if (l->is_stopped)
        tell_stopped(l);
    else if (l->is_renewed)
        tw_after(l->loop, &l->limit, 0, on_retry);
    else if (l->was_up)
        plan_retry(l);
    else
        tw_route_next(&l->route);
}

static const struct tw_stream_events stream_events = { on_read, on_end, on_written, on_closed };

static void on_connect_limit(struct tw_deadline *d)
{
    struct tw_redis_link *l = tw_container_of(d, struct tw_redis_link, limit);

    go_down(l, tw_stream_why(l->stream, TW_ETIMEOUT));
}

/* With TLS, files that cannot be used are said, once, and what they held before is used. */
static struct tw_stream *connect_to(struct tw_redis_link *l, const struct tw_place *place,
                                    int *err)
{
    struct tw_redis_url *url = &l->options.source->url;
    struct tw_buf problem = { .max = 1024 };
    struct tw_tls_context *tls;

    if (!url->is_tls)
        return tw_stream_connect(l->loop, &place->address, &l->owner, err);
    tls = tw_tls_client_context(&url->tls, &problem);
    if (problem.len > 0 && (tls != NULL || !l->has_failed))
        tw_log_error("redis.certificates", tw_str("link", l->options.name),
                     tw_slc("why", tw_buf_view(&problem)));
    tw_buf_done(&problem);
    return tls == NULL ? NULL
                       : tw_stream_connect_tls(l->loop, &place->address, &l->owner, tls,
                                               place->host, err);
}

static void on_place(struct tw_route *route, const struct tw_place *place)
{
    struct tw_redis_link *l = tw_container_of(route, struct tw_redis_link, route);
    char why[256];
    int err = TW_ECONFIG;

    if (place == NULL) {
        if (route->err != 0) {
            (void)snprintf(why, sizeof(why), "%.150s: %s", route->hosts[0].name,
                           tw_err_text(route->err));
            go_down(l, why);
        }
        if (l->options.takes_any && l->why[0] != '\0')
            say_down(l);
        plan_retry(l);
        return;
    }
    l->owner.events = &stream_events;
    l->was_up = false;
    l->heard_ms = l->loop->now_ms;
    l->stream = connect_to(l, place, &err);
    if (l->stream == NULL) {
        go_down(l, tw_err_text(err));
        tw_route_next(&l->route);
        return;
    }
    tw_after(l->loop, &l->limit, CONNECT_MS, on_connect_limit);
}

/* Where to try now. */
static void find_hosts(struct tw_redis_link *l)
{
    const struct tw_redis_url *url = &l->options.source->url;

    tw_route_clear(&l->route);
    if (l->options.find != NULL) {
        l->options.find(l, &l->route);
        return;
    }
    for (size_t i = 0; i < url->host_count; i++)
        (void)tw_route_add(&l->route, tw_slice_of(url->hosts[i].name), NULL,
                           url->hosts[i].port); /* it was tried when the URL was read */
}

static void on_retry(struct tw_deadline *d)
{
    struct tw_redis_link *l = tw_container_of(d, struct tw_redis_link, limit);

    l->is_renewed = false;
    if (!tw_redis_source_again(l->options.source)) {
        tw_route_clear(&l->route);
        go_down(l, "the URL in its file cannot be used");
        plan_retry(l);
        return;
    }
    find_hosts(l);
    tw_route_next(&l->route);
}

void tw_redis_link_start(struct tw_redis_link *l, const struct tw_redis_link_options *options)
{
    static const struct tw_redis_link_events no_events;

    *l = (struct tw_redis_link){ .options = *options, .loop = options->loop };
    if (l->options.events == NULL)
        l->options.events = &no_events;
    tw_list_init(&l->asks);
    l->retry_ms = RETRY_FIRST_MS;
    tw_route_init(&l->route, l->loop, on_place);
    tw_after(l->loop, &l->limit, 0, on_retry);
}

void tw_redis_link_stop(struct tw_redis_link *l)
{
    if (l->loop == NULL || l->is_stopped)
        return;
    l->is_stopped = true;
    go_down(l, "stopped");
    if (l->stream != NULL)
        return;
    release(l);
    tell_stopped(l);
}

void tw_redis_link_break(struct tw_redis_link *l)
{
    if (l->stream != NULL)
        go_down(l, NULL);
}

void tw_redis_link_renew(struct tw_redis_link *l, const char *why)
{
    l->retry_ms = RETRY_FIRST_MS;
    if (l->stream == NULL) {
        tw_route_stop(&l->route);
        tw_after(l->loop, &l->limit, 0, on_retry);
        return;
    }
    l->is_renewed = true;
    go_down(l, why);
}

const char *tw_redis_link_host(const struct tw_redis_link *l)
{
    return l->route.hosts[l->route.host_at].name;
}

int tw_redis_link_ask(struct tw_redis_link *l, struct tw_redis_ask *ask,
                      const struct tw_slice *words, size_t n)
{
    int r = tw_redis_link_tell(l, words, n);

    if (r == 0) {
        ask->number = l->commands;
        tw_list_append(&l->asks, &ask->link);
    }
    return r;
}

void tw_redis_forget(struct tw_redis_ask *ask)
{
    tw_list_remove(&ask->link);
}
