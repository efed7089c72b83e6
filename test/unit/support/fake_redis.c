/* fake_redis.c - commands in, replies out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/fake_redis.h"

#include <string.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define WORDS 8

static void put_bulk(struct tw_buf *out, struct tw_slice text)
{
    tw_buf_char(out, '$');
    tw_buf_u64(out, text.len);
    tw_buf_text(out, "\r\n");
    tw_buf_append(out, text);
    tw_buf_text(out, "\r\n");
}

void fake_redis_tell(struct end *e, const char *kind, struct tw_slice channel,
                     struct tw_slice last)
{
    struct tw_buf out = { .max = (size_t)32 * 1024 * 1024 };

    tw_buf_text(&out, "*3\r\n");
    put_bulk(&out, tw_slice_of(kind));
    put_bulk(&out, channel);
    if (last.at == NULL)
        tw_buf_text(&out, ":1\r\n");
    else
        put_bulk(&out, last);
    end_send(e, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void answer(struct fake_redis *r, struct end *e, const struct tw_slice *words, size_t n)
{
    if (r->is_silent)
        return;
    if (tw_slice_is(words[0], "AUTH")) {
        struct tw_buf text = { .max = 1000 };

        for (size_t i = 1; i < n; i++) {
            tw_buf_text(&text, i > 1 ? " " : "");
            tw_buf_append(&text, words[i]);
        }
        e->is_known = r->auth != NULL && tw_slice_is(tw_buf_view(&text), r->auth);
        end_say(e, e->is_known ? "+OK\r\n" : "-WRONGPASS invalid username-password pair\r\n");
        tw_buf_done(&text);
    } else if (r->auth != NULL && !e->is_known) {
        end_say(e, "-NOAUTH Authentication required.\r\n");
    } else if (r->answers != NULL && r->answers(r, e, words, n)) {
        return;
    } else if (tw_slice_is(words[0], "PING")) {
        end_say(e, "+PONG\r\n");
    } else if (tw_slice_is(words[0], "SUBSCRIBE") && r->may_not_subscribe) {
        end_say(e, "-NOPERM this user has no permissions to access the channel\r\n");
    } else if (tw_slice_is(words[0], "SUBSCRIBE")) {
        fake_redis_tell(e, "subscribe", words[1], TW_EMPTY);
    } else if (tw_slice_is(words[0], "UNSUBSCRIBE")) {
        fake_redis_tell(e, "unsubscribe", words[1], TW_EMPTY);
    } else if (tw_slice_is(words[0], "PUBLISH")) {
        end_say(e, ":0\r\n");
    } else {
        end_say(e, r->reply == NULL ? "-ERR unknown command\r\n" : r->reply);
    }
}

/* "<mark><number>\r\n" at the start of `rest`; false when it is not all here. */
static bool cut_number(struct tw_slice *rest, char mark, size_t *number)
{
    const char *end = rest->len > 0 ? memmem(rest->at, rest->len, "\r\n", 2) : NULL;
    uint64_t n;

    if (end == NULL)
        return false;
    assert_int_equal(rest->at[0], mark);
    assert_true(tw_slice_u64(tw_slice_from(rest->at + 1, (size_t)(end - rest->at) - 1), &n));
    *rest = tw_slice_skip(*rest, (size_t)(end - rest->at) + 2);
    *number = (size_t)n;
    return true;
}

static bool cut_command(struct tw_slice *rest, struct tw_slice *words, size_t *n)
{
    struct tw_slice left = *rest;

    if (!cut_number(&left, '*', n))
        return false;
    assert_in_range(*n, 1, WORDS);
    for (size_t i = 0; i < *n; i++) {
        size_t len;

        if (!cut_number(&left, '$', &len) || left.len < len + 2)
            return false;
        words[i] = tw_slice_from(left.at, len);
        left = tw_slice_skip(left, len + 2);
    }
    *rest = left;
    return true;
}

static void on_heard(struct end *e)
{
    struct fake_redis *r = tw_container_of(e->host, struct fake_redis, host);
    struct tw_slice rest = tw_buf_view(&e->heard), words[WORDS];
    size_t n;

    while (cut_command(&rest, words, &n)) {
        for (size_t i = 0; i < n; i++) {
            tw_buf_text(&r->commands, i > 0 ? " " : "");
            tw_buf_append(&r->commands, words[i]);
        }
        tw_buf_char(&r->commands, '\n');
        answer(r, e, words, n);
    }
    tw_buf_drop(&e->heard, e->heard.len - rest.len);
}

void fake_redis_start(struct fake_redis *r, struct tw_loop *loop, int port)
{
    r->commands.max = (size_t)256 * 1024 * 1024;
    r->host.on_heard = on_heard;
    host_start(&r->host, loop, port);
}

void fake_redis_stop(struct fake_redis *r)
{
    host_stop(&r->host);
    tw_buf_done(&r->commands);
}

int fake_redis_count(const struct fake_redis *r, const char *start)
{
    struct tw_slice rest = tw_buf_view(&r->commands), line;
    int n = 0;

    while (tw_slice_split(&rest, '\n', &line))
        n += tw_slice_starts(line, tw_slice_of(start)) ? 1 : 0;
    return n;
}

void fake_redis_push(struct fake_redis *r, struct tw_slice channel, struct tw_slice message)
{
    for (size_t i = 0; i < r->host.count; i++)
        fake_redis_tell(r->host.ends[i], "message", channel, message);
}

void fake_redis_say(struct fake_redis *r, struct tw_slice bytes)
{
    for (size_t i = 0; i < r->host.count; i++)
        end_send(r->host.ends[i], bytes);
}
