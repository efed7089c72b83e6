/* redis_ask_test.c - questions to Redis and their answers, against a small one of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "common/net/redis.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_redis.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_redis redis;
    struct tw_redis link;
    int downs, messages;
};

static void on_down(struct tw_redis *l)
{
    tw_container_of(l, struct fixture, link)->downs++;
}

static void on_message(struct tw_redis *l, struct tw_slice channel, char *at, size_t len)
{
    (void)channel;
    (void)at;
    (void)len;
    tw_container_of(l, struct fixture, link)->messages++;
}

static const struct tw_redis_events events = { .on_down = on_down, .on_message = on_message };

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);
    char url[64];

    caught_log_begin();
    f->loop = net_loop_new();
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = url,
                                                                          .name = "test",
                                                                          .events = &events }),
                     0);
    await(f->loop, tw_redis_is_up(&f->link));
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->link);
    fake_redis_stop(&f->redis);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

/* Somebody who asks: what came, as text. */
struct asker {
    struct tw_redis_ask ask;
    struct tw_buf heard;
    int calls;
};

static void on_answer(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct asker *a = tw_container_of(ask, struct asker, ask);

    a->calls++;
    a->heard.max = 1024;
    tw_buf_text(&a->heard, value->is_there ? "" : "none ");
    tw_buf_append(&a->heard, value->text);
    tw_buf_i64(&a->heard, value->number);
    for (size_t i = 0; i < value->count; i++) {
        tw_buf_char(&a->heard, '/');
        tw_buf_append(&a->heard, tw_redis_element(value, i));
    }
}

static void ask(struct fixture *f, struct asker *a)
{
    a->ask.answered = on_answer;
    assert_int_equal(tw_redis_ask(&f->link, &a->ask,
                                  (const struct tw_slice[]){ TW_LIT("HVALS"), TW_LIT("k") }, 2),
                     0);
    assert_int_equal(a->calls, 0);
}

static void a_question_is_answered_with_the_reply_of_redis(void **state)
{
    static const struct {
        const char *reply, *heard;
    } rows[] = {
        { "$4\r\na\r\nb\r\n", "a\r\nb0" },
        { ":42\r\n", "42" },
        { "$-1\r\n", "none 0" },
        { "*0\r\n", "0" },
        { "*2\r\n$1\r\na\r\n$2\r\nbc\r\n", "0/a/bc" },
        { "*3\r\n$0\r\n\r\n:7\r\n$-1\r\n", "0///" },
        { "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n", "0/message/c/m" },
        { "*1\r\n*1\r\n$1\r\na\r\n", "0/" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct asker a = { .calls = 0 };

        f->redis.reply = rows[i].reply;
        ask(f, &a);
        await(f->loop, a.calls == 1);
        assert_buf(&a.heard, rows[i].heard);
        tw_buf_done(&a.heard);
    }
    assert_int_equal(f->messages + f->downs, 0);
}

static void a_question_that_is_refused_is_answered_and_breaks_nothing(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 }, b = { .calls = 0 };

    f->redis.reply = "-NOPERM this user has no permissions to run the 'hvals' command\r\n";
    ask(f, &a);
    ask(f, &b);
    await(f->loop, b.calls == 1);
    assert_buf(&a.heard, "none 0");
    assert_buf(&b.heard, "none 0");
    assert_int_equal(f->downs, 0);
    assert_int_equal(f->link.counts.dropped.value, 2);
    assert_int_equal(caught_log_count("event=redis.refused"), 1);
    assert_int_equal(caught_log_count("NOPERM"), 1);
    tw_buf_done(&a.heard);
    tw_buf_done(&b.heard);
}

static void that_it_is_a_member_of_a_cluster_is_said_once_and_breaks_nothing(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 };
    const struct tw_slice words[] = { TW_LIT("HVALS"), TW_LIT("k") };

    assert_null(tw_redis_problem(&f->link));
    f->redis.reply = "-MOVED 866 127.0.0.1:7001\r\n";
    assert_int_equal(tw_redis_tell(&f->link, words, 2), 0);
    ask(f, &a);
    await(f->loop, a.calls == 1);
    assert_buf(&a.heard, "none 0");
    assert_int_equal(f->downs, 0);
    assert_int_equal(f->link.counts.dropped.value, 2);
    assert_int_equal(caught_log_count("level=warn"), 1);
    assert_int_equal(caught_log_count("its URL is redis+cluster://"), 1);
    assert_string_equal(tw_redis_problem(&f->link),
                        "this is a Redis Cluster: its URL is redis+cluster://");
    tw_buf_done(&a.heard);
}

static void a_question_is_answered_when_the_link_breaks(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 };

    f->redis.is_silent = true;
    ask(f, &a);
    net_idle(f->loop, 20);
    assert_int_equal(a.calls, 0);
    host_drop_all(&f->redis.host);
    await(f->loop, a.calls == 1);
    assert_buf(&a.heard, "none 0");
    assert_int_equal(tw_redis_ask(&f->link, &a.ask, &TW_LIT("PING"), 1), TW_EDOWN);
    tw_buf_done(&a.heard);
}

static void a_question_on_the_next_connection_gets_its_own_answer(void **state)
{
    struct fixture *f = *state;
    struct asker lost = { .calls = 0 }, a = { .calls = 0 };

    f->redis.is_silent = true;
    ask(f, &lost);
    net_idle(f->loop, 20);
    host_drop_all(&f->redis.host);
    await(f->loop, lost.calls == 1);
    f->redis.is_silent = false;
    f->redis.reply = ":42\r\n";
    await(f->loop, tw_redis_is_up(&f->link));
    ask(f, &a);
    await(f->loop, a.calls == 1);
    assert_buf(&a.heard, "42");
    tw_buf_done(&lost.heard);
    tw_buf_done(&a.heard);
}

static void a_question_may_be_forgotten(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 }, b = { .calls = 0 };

    tw_redis_forget(&a.ask);
    f->redis.reply = ":1\r\n";
    ask(f, &a);
    ask(f, &b);
    tw_redis_forget(&a.ask);
    await(f->loop, b.calls == 1); /* its own answer, not the other's */
    assert_int_equal(fake_redis_count(&f->redis, "HVALS k"), 2);
    assert_int_equal(a.calls, 0);
    tw_buf_done(&b.heard);
}

#define ASK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASK_TEST(a_question_is_answered_with_the_reply_of_redis),
        ASK_TEST(a_question_that_is_refused_is_answered_and_breaks_nothing),
        ASK_TEST(that_it_is_a_member_of_a_cluster_is_said_once_and_breaks_nothing),
        ASK_TEST(a_question_is_answered_when_the_link_breaks),
        ASK_TEST(a_question_on_the_next_connection_gets_its_own_answer),
        ASK_TEST(a_question_may_be_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
