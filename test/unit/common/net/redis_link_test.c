/* redis_link_test.c - the link to Redis, against a small one of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_redis.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_redis redis;
    struct tw_redis link;
    char url[128];
    int ups, downs, messages;
    struct tw_buf told; /* what was confirmed and what came, a line each */
    bool stops_at_message;
};

static struct fixture *fixture_of(struct tw_redis *l)
{
    return tw_container_of(l, struct fixture, link);
}

static void on_up(struct tw_redis *l)
{
    assert_true(tw_redis_is_up(l));
    fixture_of(l)->ups++;
}

static void on_down(struct tw_redis *l)
{
    assert_false(tw_redis_is_up(l));
    fixture_of(l)->downs++;
}

static void on_subscribed(struct tw_redis *l, struct tw_slice channel)
{
    struct fixture *f = fixture_of(l);

    tw_buf_text(&f->told, "subscribed ");
    tw_buf_append(&f->told, channel);
    tw_buf_char(&f->told, '\n');
}

static void on_message(struct tw_redis *l, struct tw_slice channel, char *at, size_t len)
{
    struct fixture *f = fixture_of(l);

    f->messages++;
    tw_buf_append(&f->told, channel);
    tw_buf_char(&f->told, ' ');
    tw_buf_append(&f->told, tw_slice_from(at, len));
    tw_buf_char(&f->told, '\n');
    if (len > 0)
        memset(at, 'x', len); /* it may be changed in place */
    if (f->stops_at_message)
        tw_redis_stop(l);
}

static const struct tw_redis_events events = {
    .on_up = on_up, .on_down = on_down, .on_subscribed = on_subscribed, .on_message = on_message
};
static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->told.max = (size_t)32 * 1024 * 1024;
    fake_redis_start(&f->redis, f->loop, 0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->link);
    tw_redis_stop(&f->link);
    fake_redis_stop(&f->redis);
    net_loop_free(f->loop);
    tw_buf_done(&f->told);
    free(f);
    caught_log_end();
    return 0;
}

/* Start with credentials ("user:password@" or ""), without waiting. */
static void start(struct fixture *f, const char *credentials)
{
    (void)snprintf(f->url, sizeof(f->url), "redis://%s127.0.0.1:%d", credentials,
                   f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->url,
                                                                          .name = "test",
                                                                          .events = &events }),
                     0);
    assert_false(tw_redis_is_up(&f->link)); /* not before it has returned */
}

static void start_up(struct fixture *f)
{
    start(f, "");
    await(f->loop, f->ups == 1);
}

static void it_is_up_when_redis_has_answered(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_true(tw_redis_is_up(&f->link));
    assert_int_equal(f->link.counts.up.value, 1);
    assert_int_equal(f->link.counts.connects.value, 1);
    assert_buf(&f->redis.commands, "PING\n");
    assert_int_equal(caught_log_count("event=redis.up link=test"), 1);
    await(f->loop, fake_redis_count(&f->redis, "PING") >= 3); /* and it keeps asking */
    assert_int_equal(f->ups, 1);
    assert_int_equal(f->downs, 0);
}

static void it_is_not_up_while_redis_says_nothing(void **state)
{
    struct fixture *f = *state;

    f->redis.is_silent = true;
    start(f, "");
    await(f->loop, f->redis.host.accepted >= 2); /* given up, and tried again */
    assert_int_equal(f->ups + f->downs, 0);
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("c"), TW_LIT("m")), TW_EDOWN);
}

static void it_brings_a_password(void **state)
{
    struct fixture *f = *state;

    f->redis.auth = "pa:ss@w/ord";
    start(f, ":pa%3ass%40w%2Ford@");
    await(f->loop, f->ups == 1);
    assert_int_equal(fake_redis_count(&f->redis, "AUTH pa:ss@w/ord"), 1);
    assert_int_equal(caught_log_count("pa:ss"), 0);
}

static void it_brings_a_user_and_a_password(void **state)
{
    struct fixture *f = *state;

    f->redis.auth = "gateway secret";
    start(f, "gateway:secret@");
    await(f->loop, f->ups == 1);
    assert_int_equal(fake_redis_count(&f->redis, "AUTH gateway secret"), 1);
}

static void a_wrong_password_is_said_once_and_tried_again(void **state)
{
    struct fixture *f = *state;

    f->redis.auth = "right";
    start(f, ":wrong@");
    await(f->loop, f->redis.host.accepted >= 3);
    assert_int_equal(f->ups + f->downs, 0);
    assert_int_equal(caught_log_count("event=redis.down"), 1);
    assert_int_equal(caught_log_count("WRONGPASS"), 1);
    f->redis.auth = "wrong";
    await(f->loop, f->ups == 1);
}

static void what_is_published_arrives_byte_by_byte(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_int_equal(
        tw_redis_publish(&f->link, TW_LIT("tw:t:1"), TW_LIT("{\"a\":\"\r\n*3\xc3\xa9\"}")), 0);
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("tw:t:2"), TW_EMPTY), 0);
    await(f->loop, fake_redis_count(&f->redis, "PUBLISH tw:t:2 ") == 1);
    assert_non_null(memmem(f->redis.commands.at, f->redis.commands.len,
                           "PUBLISH tw:t:1 {\"a\":\"\r\n*3\xc3\xa9\"}\nPUBLISH tw:t:2 \n", 45));
    assert_int_equal(f->link.counts.sent.value, 2);
    assert_int_equal(f->link.counts.dropped.value, 0);
}

static void while_it_is_down_nothing_is_kept_for_later(void **state)
{
    struct fixture *f = *state;

    start(f, "");
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("c"), TW_LIT("m")), TW_EDOWN);
    assert_int_equal(tw_redis_subscribe(&f->link, TW_LIT("c")), TW_EDOWN);
    assert_int_equal(f->link.counts.dropped.value, 2);
    await(f->loop, f->ups == 1);
    net_idle(f->loop, 20);
    assert_buf(&f->redis.commands, "PING\n");
}

static void a_subscription_is_reported_when_it_is_confirmed(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_int_equal(tw_redis_subscribe(&f->link, TW_LIT("tw:t:1")), 0);
    assert_int_equal(tw_redis_subscribe(&f->link, TW_LIT("tw:control")), 0);
    assert_int_equal(f->told.len, 0);
    await(f->loop, f->told.len >= 40);
    assert_buf(&f->told, "subscribed tw:t:1\nsubscribed tw:control\n");
    assert_int_equal(tw_redis_unsubscribe(&f->link, TW_LIT("tw:t:1")), 0);
    await(f->loop, fake_redis_count(&f->redis, "UNSUBSCRIBE tw:t:1") == 1);
    net_idle(f->loop, 20);
    assert_int_equal(f->told.len, 40); /* the end of one is not told */
}

static void a_message_comes_with_its_channel(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    fake_redis_push(&f->redis, TW_LIT("tw:t:1"), TW_LIT("one\r\n$5\r\n"));
    fake_redis_push(&f->redis, TW_LIT("tw:t:2"), TW_LIT(""));
    await(f->loop, f->messages == 2);
    assert_buf(&f->told, "tw:t:1 one\r\n$5\r\n\ntw:t:2 \n");
}

static void a_message_in_pieces_is_put_together(void **state)
{
    static const char text[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nwhat\r\n";
    struct fixture *f = *state;

    start_up(f);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_int_equal(f->messages, 0);
        fake_redis_say(&f->redis, tw_slice_from(text + i, 1));
        net_idle(f->loop, 2);
    }
    await(f->loop, f->messages == 1);
    assert_buf(&f->told, "c what\n");
}

static void thousands_of_messages_come_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct tw_buf want = { .max = 1048576 };

    start_up(f);
    for (int i = 0; i < 5000; i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "message %d", i);
        fake_redis_push(&f->redis, TW_LIT("c"), tw_slice_of(text));
        tw_buf_text(&want, "c ");
        tw_buf_text(&want, text);
        tw_buf_char(&want, '\n');
    }
    await(f->loop, f->messages == 5000);
    assert_true(tw_slice_eq(tw_buf_view(&f->told), tw_buf_view(&want)));
    tw_buf_done(&want);
}

static void other_replies_mean_nothing(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    fake_redis_say(&f->redis,
                   TW_LIT("+OK\r\n:17\r\n$-1\r\n*-1\r\n*0\r\n$3\r\nabc\r\n"
                          "*2\r\n$4\r\npong\r\n$0\r\n\r\n*3\r\n:1\r\n:2\r\n:3\r\n"
                          "*1\r\n*1\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$-1\r\n$-1\r\n"));
    fake_redis_push(&f->redis, TW_LIT("c"), TW_LIT("m"));
    await(f->loop, f->messages >= 1 && memmem(f->told.at, f->told.len, "c m\n", 4) != NULL);
    assert_int_equal(f->downs, 0);
}

static void check_comes_back(struct fixture *f, int downs)
{
    await(f->loop, f->downs == downs);
    assert_int_equal(f->link.counts.up.value, 0);
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("c"), TW_LIT("m")), TW_EDOWN);
    await(f->loop, f->ups == downs + 1);
    assert_int_equal(f->downs, downs);
}

static void a_broken_connection_is_reported_once_and_made_again(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    host_drop_all(&f->redis.host);
    check_comes_back(f, 1);
    end_reset(f->redis.host.ends[0]);
    check_comes_back(f, 2);
    assert_int_equal(f->link.counts.connects.value, 3);
    assert_int_equal(caught_log_count("event=redis.down"), 2);
    assert_int_equal(caught_log_count("event=redis.up"), 3);
}

static void an_error_of_redis_breaks_it(void **state)
{
    struct fixture *f = *state;

    f->redis.may_not_subscribe = true;
    start_up(f);
    assert_int_equal(tw_redis_subscribe(&f->link, TW_LIT("tw:t:1")), 0);
    check_comes_back(f, 1);
    assert_int_equal(caught_log_count("NOPERM"), 1);
}

static void what_is_no_resp_breaks_it(void **state)
{
    static const char *const texts[] = { "HTTP/1.1 400 Bad Request\r\n", "$abc\r\n",
                                         "*99999999999\r\n", "\r\n" };
    struct fixture *f = *state;

    start_up(f);
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        fake_redis_say(&f->redis, tw_slice_of(texts[i]));
        check_comes_back(f, (int)i + 1);
    }
}

static void a_reply_without_end_breaks_it(void **state)
{
    struct fixture *f = *state;
    char *flood = calloc(1, 16 * 1048576);

    start_up(f);
    fake_redis_say(&f->redis, TW_LIT("$400000000\r\n"));
    fake_redis_say(&f->redis, tw_slice_from(flood, 16 * 1048576));
    check_comes_back(f, 1);
    free(flood);
}

static void silence_breaks_it(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    start_up(f);
    before = tw_now_ms();
    f->redis.is_silent = true;
    await(f->loop, f->downs == 1);
    assert_true(tw_now_ms() - before < 5000);
    assert_int_equal(caught_log_count("why=silent"), 1);
    f->redis.is_silent = false;
    await(f->loop, f->ups == 2);
}

static void attempts_come_ever_more_slowly(void **state)
{
    struct fixture *f = *state;
    uint64_t until_ms;

    start(f, "");
    until_ms = tw_now_ms() + 1500;
    while (tw_now_ms() < until_ms) { /* a Redis that hangs up at once */
        net_idle(f->loop, 5);
        host_drop_all(&f->redis.host);
    }
    assert_in_range(f->redis.host.accepted, 3, 8);
    /* Once for the first failure, and once more each time that it was quick enough to be up. */
    assert_in_range(caught_log_count("event=redis.down"), 1, 1 + f->ups);
    await(f->loop, tw_redis_is_up(&f->link));
}

static void after_each_success_they_are_fast_again(void **state)
{
    struct fixture *f = *state;
    uint64_t first;

    start_up(f);
    first = f->link.link.retry_ms;
    for (int i = 0; i < 3; i++) {
        host_drop_all(&f->redis.host);
        await(f->loop, f->ups == i + 2);
        assert_int_equal(f->link.link.retry_ms, first);
    }
}

static void a_redis_that_starts_later_is_found(void **state)
{
    struct fixture *f = *state;
    struct fake_redis late = { .auth = NULL };
    int port = net_closed_port();

    (void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d/", port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->url,
                                                                          .name = "test",
                                                                          .events = &events }),
                     0);
    net_idle(f->loop, 300);
    assert_int_equal(f->ups + f->downs, 0);
    fake_redis_start(&late, f->loop, port);
    await(f->loop, f->ups == 1);
    assert_int_equal(caught_log_count("event=redis.down"), 1);
    tw_redis_stop(&f->link);
    fake_redis_stop(&late);
    net_idle(f->loop, 20); /* `late` is on our stack */
}

static void a_redis_that_does_not_read_makes_the_queue_full(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, 1048576);
    int taken = 0, r = 0;

    start_up(f);
    end_want_read(f->redis.host.ends[0], false);
    while (r == 0 && taken < 100) {
        r = tw_redis_publish(&f->link, TW_LIT("c"), tw_slice_from(large, 1048576));
        taken += r == 0 ? 1 : 0;
        net_idle(f->loop, 2);
    }
    assert_int_equal(r, TW_EFULL);
    assert_int_equal(f->link.counts.dropped.value, 1);
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("c"), TW_LIT("small")), 0);
    end_want_read(f->redis.host.ends[0], true);
    await(f->loop, fake_redis_count(&f->redis, "PUBLISH c small") == 1);
    assert_int_equal(fake_redis_count(&f->redis, "PUBLISH"), taken + 1); /* whole ones, all */
    assert_int_equal(f->downs, 0);
    free(large);
}

static void a_write_that_was_under_way_holds_nothing_up_on_the_next_connection(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, 1048576);

    start_up(f);
    end_want_read(f->redis.host.ends[0], false);
    while (tw_redis_publish(&f->link, TW_LIT("c"), tw_slice_from(large, 1048576)) == 0)
        net_idle(f->loop, 2);
    host_drop_all(&f->redis.host);
    await(f->loop, f->ups == 2);
    free(large);
}

static void a_stopped_link_says_nothing_more(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    fake_redis_push(&f->redis, TW_LIT("c"), TW_LIT("m"));
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("c"), TW_LIT("m")), 0);
    tw_redis_stop(&f->link);
    assert_false(tw_redis_is_up(&f->link));
    net_idle(f->loop, 300);
    assert_int_equal(f->downs + f->messages, 0);
    assert_int_equal(f->redis.host.accepted, 1);
    assert_int_equal(caught_log_count("event=redis.down"), 0);
}

static void it_may_be_stopped_by_a_message(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    f->stops_at_message = true;
    for (int i = 0; i < 10; i++)
        fake_redis_push(&f->redis, TW_LIT("c"), TW_LIT("m"));
    await(f->loop, f->messages == 1);
    net_idle(f->loop, 50);
    assert_int_equal(f->messages, 1);
}

static void it_may_be_stopped_before_it_is_connected(void **state)
{
    struct fixture *f = *state;

    start(f, "user:password@");
    tw_redis_stop(&f->link);
    net_idle(f->loop, 50);
    assert_int_equal(f->redis.host.accepted, 0);
    assert_int_equal(f->ups, 0);
}

static void a_link_without_callbacks_works(void **state)
{
    struct fixture *f = *state;

    (void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d", f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->url,
                                                                          .name = "p" }),
                     0);
    await(f->loop, tw_redis_is_up(&f->link));
    assert_int_equal(tw_redis_subscribe(&f->link, TW_LIT("c")), 0);
    fake_redis_push(&f->redis, TW_LIT("c"), TW_LIT("m"));
    await(f->loop, fake_redis_count(&f->redis, "SUBSCRIBE") == 1);
    host_drop_all(&f->redis.host);
    await(f->loop, !tw_redis_is_up(&f->link));
    await(f->loop, tw_redis_is_up(&f->link));
}

static void a_link_that_never_started_can_be_stopped(void **state)
{
    struct tw_redis link = { .name = NULL };

    (void)state;
    tw_redis_stop(&link);
    assert_false(tw_redis_is_up(&link));
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(it_is_up_when_redis_has_answered),
        LINK_TEST(it_is_not_up_while_redis_says_nothing),
        LINK_TEST(it_brings_a_password),
        LINK_TEST(it_brings_a_user_and_a_password),
        LINK_TEST(a_wrong_password_is_said_once_and_tried_again),
        LINK_TEST(what_is_published_arrives_byte_by_byte),
        LINK_TEST(while_it_is_down_nothing_is_kept_for_later),
        LINK_TEST(a_subscription_is_reported_when_it_is_confirmed),
        LINK_TEST(a_message_comes_with_its_channel),
        LINK_TEST(a_message_in_pieces_is_put_together),
        LINK_TEST(thousands_of_messages_come_in_their_order),
        LINK_TEST(other_replies_mean_nothing),
        LINK_TEST(a_broken_connection_is_reported_once_and_made_again),
        LINK_TEST(an_error_of_redis_breaks_it),
        LINK_TEST(what_is_no_resp_breaks_it),
        LINK_TEST(a_reply_without_end_breaks_it),
        LINK_TEST(silence_breaks_it),
        LINK_TEST(attempts_come_ever_more_slowly),
        LINK_TEST(after_each_success_they_are_fast_again),
        LINK_TEST(a_redis_that_starts_later_is_found),
        LINK_TEST(a_redis_that_does_not_read_makes_the_queue_full),
        LINK_TEST(a_write_that_was_under_way_holds_nothing_up_on_the_next_connection),
        LINK_TEST(a_stopped_link_says_nothing_more),
        LINK_TEST(it_may_be_stopped_by_a_message),
        LINK_TEST(it_may_be_stopped_before_it_is_connected),
        LINK_TEST(a_link_without_callbacks_works),
        LINK_TEST(a_link_that_never_started_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
