/* redis_link.c - RESP2 over a stream of ours, with hiredis to write and read it.
 *
 * hiredis's own asynchronous API misses refused and reset connections and aborts on ordinary
 * replies while subscribed, so only its codec is used. A link that receives nothing for
 * SILENCE_MS although it pings every PING_MS is dead, whatever TCP says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_link.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define CONNECT_MS 2000 /* for each address */
#define PORT 6379
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

/* The stream's last word comes by on_closed; only then is the next attempt planned. */
static void go_down(struct tw_redis_link *l, const char *why)
{
    bool was_up = l->is_up;

    l->is_up = false;
    l->up.value = 0;
    tw_route_stop(&l->route);
    tw_after_cancel(l->loop, &l->limit);
    if (l->stream != NULL)
        tw_stream_close(l->stream);
    if (!l->has_failed && !l->is_stopped) {
        l->has_failed = true;
        tw_log_warn("redis.down", tw_str("link", l->name), tw_str("why", why));
    }
    if (was_up && l->events->on_down != NULL && !l->is_stopped)
        l->events->on_down(l);
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
        l->dropped.value++;
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

static int command(struct tw_redis_link *l, size_t n, const struct tw_slice *words)
{
    int r;

    if (l->is_none)
        return TW_EDOWN;
    if (!l->is_up) {
        l->dropped.value++;
        return TW_EDOWN;
    }
    r = send_command(l, n, words);
    if (r == 0) {
        l->sent.value++;
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
    l->has_refused = false;
    l->up.value = 1;
    l->connects.value++;
    l->has_failed = false;
    l->retry_ms = RETRY_FIRST_MS;
    tw_log_info("redis.up", tw_str("link", l->name));
    tw_after(l->loop, &l->limit, PING_MS, on_pulse);
    if (l->events->on_up != NULL)
        l->events->on_up(l);
}

/* Greet: the password when there is one, and a ping, whose answer makes the link up. */
static void greet(struct tw_redis_link *l)
{
    struct tw_slice auth[3] = { TW_LIT("AUTH"), tw_slice_of(l->user),
                                tw_slice_of(l->password) };
    struct tw_slice ping = TW_LIT("PING");

    l->is_connected = true;
    l->reader = redisReaderCreate();
    TW_ASSERT(l->reader != NULL);
    l->out.max = TW_REDIS_OUT_BYTES;
    if (l->password != NULL && l->user == NULL)
        (void)send_command(l, 2, (const struct tw_slice[]){ auth[0], auth[2] });
    else if (l->password != NULL)
        (void)send_command(l, 3, auth);
    (void)send_command(l, 1, &ping);
    tw_later(l->loop, &l->flush, on_flush);
    tw_stream_want_read(l->stream, true);
}

static const char *why_broken(const struct tw_redis_link *l, int err)
{
    return err == TW_ETLS ? tw_stream_problem(l->stream) : tw_err_text(err);
}

static void on_written(struct tw_stream_owner *o, int err)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);

    if (err != 0) {
        go_down(l, why_broken(l, err));
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

/* A push of the subscriber's connection: message, subscribe, unsubscribe, pong. */
static void on_array(struct tw_redis_link *l, const redisReply *r)
{
    struct tw_slice kind = text_of(r->element[0]);

    if (r->elements != 3)
        return;
    if (tw_slice_is(kind, "message") && l->events->on_message != NULL)
        l->events->on_message(l, text_of(r->element[1]), r->element[2]->str,
                              r->element[2]->len);
    else if (tw_slice_is(kind, "subscribe") && l->events->on_subscribed != NULL)
        l->events->on_subscribed(l, text_of(r->element[1]));
}

struct tw_slice tw_redis_element(const struct tw_redis_value *list, size_t i)
{
    redisReply *const *elements = list->elements;

    TW_ASSERT(i < list->count);
    return text_of(elements[i]);
}

/* One question was refused: that is an answer, and no reason to take the link away from all
 * others. */
static void note_refusal(struct tw_redis_link *l, const redisReply *r)
{
    l->dropped.value++;
    if (!l->has_refused)
        tw_log_warn("redis.refused", tw_str("link", l->name), tw_slc("why", text_of(r)));
    l->has_refused = true;
}

/* False when no question waits for this reply. */
static bool answer_ask(struct tw_redis_link *l, const redisReply *r)
{
    struct tw_redis_value value = { .number = r->integer };
    struct tw_redis_ask *ask;

    if (tw_list_empty(&l->asks))
        return false;
    ask = tw_container_of(l->asks.next, struct tw_redis_ask, link);
    if (ask->number != l->replies)
        return false;
    if (r->type == REDIS_REPLY_ERROR) {
        note_refusal(l, r);
    } else {
        value.is_there = r->type != REDIS_REPLY_NIL;
        value.text = text_of(r);
        value.elements = r->element;
        value.count = r->elements;
    }
    tw_list_remove(&ask->link);
    ask->answered(ask, &value);
    return true;
}

/* False when the link cannot continue. */
static bool on_reply(struct tw_redis_link *l, const redisReply *r)
{
    l->replies++;
    if (answer_ask(l, r))
        return true;
    if (r->type == REDIS_REPLY_ERROR) {
        go_down(l, r->str);
        return false;
    }
    if (!l->is_up && r->type == REDIS_REPLY_STATUS && tw_slice_is(text_of(r), "PONG"))
        become_up(l);
    else if (r->type == REDIS_REPLY_ARRAY && r->elements > 0)
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

    if (!l->was_up && !l->has_tls)
        go_down(l, "Redis ended the connection without an answer; if it speaks TLS, the URL "
                   "begins with rediss://");
    else
        go_down(l, err == 0 ? "closed by Redis" : why_broken(l, err));
}

static void plan_retry(struct tw_redis_link *l)
{
    uint16_t random;

    tw_random(&random, sizeof(random));
    tw_after(l->loop, &l->limit, l->retry_ms / 2 + l->retry_ms / 2 * random / UINT16_MAX,
             on_retry);
    l->retry_ms = l->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : l->retry_ms * 2;
}

/* An address where it did not come up is followed by the next one. A link that was up begins
 * with the first again, after a pause. */
static void on_closed(struct tw_stream_owner *o)
{
    struct tw_redis_link *l = tw_container_of(o, struct tw_redis_link, owner);

    l->stream = NULL;
    release(l);
    if (l->is_stopped)
        return;
    if (l->was_up)
        plan_retry(l);
    else
        tw_route_next(&l->route);
}

static const struct tw_stream_events stream_events = { on_read, on_end, on_written, on_closed };

static void on_connect_limit(struct tw_deadline *d)
{
    struct tw_redis_link *l = tw_container_of(d, struct tw_redis_link, limit);
    const char *problem = tw_stream_problem(l->stream);

    go_down(l, problem[0] == '\0' ? "connecting took too long" : problem);
}

/* Null, and an error or a problem in words; a stream and a problem: with certificates that it
 * had before. */
static struct tw_stream *connect_to(struct tw_redis_link *l, const struct tw_place *place,
                                    struct tw_buf *problem, int *err)
{
    struct tw_tls_context *context;

    if (!l->has_tls)
        return tw_stream_connect(l->loop, &place->address, &l->owner, err);
    *err = TW_ECONFIG;
    context = tw_tls_client_context(&l->tls, problem);
    return context == NULL ? NULL
                           : tw_stream_connect_tls(l->loop, &place->address, &l->owner, context,
                                                   place->host, err);
}

static void on_place(struct tw_route *route, const struct tw_place *place)
{
    struct tw_redis_link *l = tw_container_of(route, struct tw_redis_link, route);
    struct tw_buf problem = { .max = 1024 };
    char why[256];
    int err;

    if (place == NULL) {
        if (route->err != 0) {
            (void)snprintf(why, sizeof(why), "%.150s: %s", route->hosts[0].name,
                           tw_err_text(route->err));
            go_down(l, why);
        }
        plan_retry(l);
        return;
    }
    l->owner.events = &stream_events;
    l->was_up = false;
    l->heard_ms = l->loop->now_ms;
    l->stream = connect_to(l, place, &problem, &err);
    if (l->stream == NULL) {
        tw_buf_char(&problem, '\0');
        go_down(l, problem.len > 1 ? problem.at : tw_err_text(err));
        tw_route_next(&l->route);
        tw_buf_done(&problem);
        return;
    }
    if (problem.len > 0)
        tw_log_error("redis.certificates", tw_str("link", l->name),
                     tw_slc("why", tw_buf_view(&problem)));
    tw_buf_done(&problem);
    tw_after(l->loop, &l->limit, CONNECT_MS, on_connect_limit);
}

static void forget_url(struct tw_redis_link *l)
{
    tw_route_clear(&l->route);
    free(l->user);
    free(l->password);
    l->user = l->password = NULL;
    tw_tls_client_done(&l->tls);
}

static int read_url(struct tw_redis_link *l, struct tw_slice url);

/* What its file says now. */
static bool reread(struct tw_redis_link *l)
{
    if (l->url.file == NULL || l->url.file[0] == '\0')
        return true;
    forget_url(l);
    return read_url(l, tw_slice_of(tw_fresh_url(&l->url))) == 0;
}

static void on_retry(struct tw_deadline *d)
{
    struct tw_redis_link *l = tw_container_of(d, struct tw_redis_link, limit);

    if (!reread(l)) {
        go_down(l, "the URL in its file cannot be used");
        plan_retry(l);
        return;
    }
    tw_route_restart(&l->route);
    tw_route_next(&l->route);
}

/* `user:password@` in front of the host, percent-encoded; either may be empty. */
static bool read_credentials(struct tw_redis_link *l, struct tw_slice *rest)
{
    const char *at = rest->len == 0 ? NULL : memrchr(rest->at, '@', rest->len);
    struct tw_slice both, user;
    struct tw_buf text = { .max = 512 };
    bool ok = true;

    if (at == NULL)
        return true;
    both = tw_slice_from(rest->at, (size_t)(at - rest->at));
    *rest = tw_slice_skip(*rest, both.len + 1);
    if (!tw_slice_split(&both, ':', &user))
        return false;
    ok = tw_percent_decode(&text, user, false);
    if (ok && text.len > 0)
        l->user = tw_copy_text(text.at, text.len);
    tw_buf_clear(&text);
    ok = ok && tw_percent_decode(&text, both, false);
    if (ok)
        l->password = tw_copy_text(text.at, text.len);
    tw_buf_done(&text);
    return ok;
}

/* "host:port", "[::1]:port", and both without a port. */
static bool split_host(struct tw_slice text, struct tw_slice *host, struct tw_slice *port)
{
    const char *end =
        text.len > 0 ? memrchr(text.at, text.at[0] == '[' ? ']' : ':', text.len) : NULL;
    size_t bracket = text.len > 0 && text.at[0] == '[' ? 1 : 0;
    struct tw_slice rest;

    *port = TW_EMPTY;
    *host = text;
    if (end == NULL)
        return bracket == 0;
    *host = tw_slice_from(text.at + bracket, (size_t)(end - text.at) - bracket);
    rest = tw_slice_skip(text, (size_t)(end - text.at) + bracket);
    if (bracket == 0 && memchr(host->at, ':', host->len) != NULL)
        return false;
    if (rest.len == 0)
        return bracket == 1;
    *port = tw_slice_skip(rest, 1);
    return rest.at[0] == ':' && port->len > 0;
}

/* Cuts "?sslrootcert=..." off. */
static bool read_query(struct tw_redis_link *l, struct tw_slice *url)
{
    const char *at = url->len == 0 ? NULL : memrchr(url->at, '?', url->len);
    size_t len;

    if (at == NULL)
        return true;
    len = (size_t)(at - url->at);
    if (tw_tls_client_read(&l->tls, tw_slice_skip(*url, len + 1)) != 0)
        return false;
    url->len = len;
    return true;
}

static int read_url(struct tw_redis_link *l, struct tw_slice url)
{
    struct tw_slice host, port;
    uint64_t number = PORT;

    l->is_none = tw_slice_is(url, "none");
    if (l->is_none)
        return 0;
    if (tw_slice_starts(url, TW_LIT("unix:///")))
        return tw_route_add(&l->route, tw_slice_skip(url, 7), NULL, PORT);
    l->has_tls = tw_slice_starts(url, TW_LIT("rediss://"));
    if (!l->has_tls && !tw_slice_starts(url, TW_LIT("redis://")))
        return TW_ECONFIG;
    url = tw_slice_skip(url, l->has_tls ? 9 : 8);
    if (l->has_tls && !read_query(l, &url))
        return TW_ECONFIG;
    if (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    if (!read_credentials(l, &url) || !split_host(url, &host, &port) || host.len == 0 ||
        (port.len > 0 && (!tw_slice_u64(port, &number) || number > 65535)))
        return TW_ECONFIG;
    return tw_route_add(&l->route, host, NULL, (int)number);
}

bool tw_redis_url_check(const char *url, struct tw_buf *problem)
{
    struct tw_redis_link link = { .is_up = false };
    bool ok = read_url(&link, tw_slice_of(url)) == 0;

    if (!ok)
        tw_buf_text(problem, "is redis://[user:password@]host[:port], with %-escapes in user "
                             "and password, rediss:// for TLS (and behind it "
                             "?sslrootcert=/path&sslcert=/path&sslkey=/path), unix:///path or "
                             "none");
    else if (link.has_tls)
        ok = tw_tls_client_context(&link.tls, problem) != NULL;
    forget_url(&link);
    return ok;
}

#define AT(field) TW_METRIC_AT(struct tw_redis_link, field)

static const struct tw_metric_row metric_rows[] = {
    { "redis_up", NULL, "1 while this link is connected to Redis, else 0.", AT(up) },
    { "redis_connects_total", NULL,
      "Connections that this link made to Redis, each reconnect included.", AT(connects) },
    { "redis_commands_total", NULL, "Commands sent to Redis.", AT(sent) },
    { "redis_dropped_total", NULL,
      "Commands that were dropped because Redis was away or read too slowly.", AT(dropped) },
};

const struct tw_metric_table tw_redis_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

int tw_redis_start(struct tw_redis_link *l, const struct tw_redis_options *options)
{
    static const struct tw_redis_events no_events;

    tw_list_init(&l->asks);
    l->loop = options->loop;
    l->name = options->name;
    l->events = options->events == NULL ? &no_events : options->events;
    l->retry_ms = RETRY_FIRST_MS;
    l->url = (struct tw_fresh_url){ .text = options->url, .file = options->url_file };
    tw_route_init(&l->route, l->loop, on_place);
    if (read_url(l, tw_slice_of(options->url)) != 0)
        return TW_ECONFIG;
    if (!l->is_none)
        tw_after(l->loop, &l->limit, 0, on_retry);
    return 0;
}

void tw_redis_stop(struct tw_redis_link *l)
{
    if (l->loop == NULL || l->is_stopped)
        return;
    l->is_stopped = true;
    go_down(l, "stopped");
    if (l->stream == NULL)
        release(l);
    forget_url(l);
    tw_fresh_url_done(&l->url);
}

bool tw_redis_is_up(const struct tw_redis_link *l)
{
    return l->is_up;
}

bool tw_redis_is_none(const struct tw_redis_link *l)
{
    return l->is_none;
}

int tw_redis_publish(struct tw_redis_link *l, struct tw_slice channel, struct tw_slice message)
{
    return command(l, 3, (const struct tw_slice[]){ TW_LIT("PUBLISH"), channel, message });
}

int tw_redis_tell(struct tw_redis_link *l, const struct tw_slice *words, size_t n)
{
    return command(l, n, words);
}

int tw_redis_ask(struct tw_redis_link *l, struct tw_redis_ask *ask,
                 const struct tw_slice *words, size_t n)
{
    int r = command(l, n, words);

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

int tw_redis_subscribe(struct tw_redis_link *l, struct tw_slice channel)
{
    return command(l, 2, (const struct tw_slice[]){ TW_LIT("SUBSCRIBE"), channel });
}

int tw_redis_unsubscribe(struct tw_redis_link *l, struct tw_slice channel)
{
    return command(l, 2, (const struct tw_slice[]){ TW_LIT("UNSUBSCRIBE"), channel });
}
