/* redis_sentinel_test.c - the master that Sentinels name, which is another one at times.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/redis.h"
#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_redis.h"

/* Three Sentinels, and two Redis. */
struct fixture {
    struct tw_loop *loop;
    struct sentinel {
        struct fake_redis redis;
        struct fixture *all;
        const char *reply; /* null: the master's address */
    } sentinels[3];
    struct server {
        struct fake_redis redis;
        bool is_replica;
    } servers[2];
    int named; /* which of the servers is the master, they say */
    struct tw_redis service;
    int ups, downs;
    char url[160];
};

static void on_up(struct tw_redis *r)
{
    tw_container_of(r, struct fixture, service)->ups++;
}

static void on_down(struct tw_redis *r)
{
    tw_container_of(r, struct fixture, service)->downs++;
}

static const struct tw_redis_events events = { .on_up = on_up, .on_down = on_down };

static bool answer_as_sentinel(struct fake_redis *r, struct end *e,
                               const struct tw_slice *words, size_t n)
{
    struct sentinel *s = tw_container_of(r, struct sentinel, redis);
    struct fixture *f = s->all;
    char text[128], port[8];

    (void)n;
    if (!tw_slice_is(words[0], "SENTINEL"))
        return false;
    (void)snprintf(port, sizeof(port), "%d", f->servers[f->named].redis.host.port);
    (void)snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port),
                   port);
    end_say(e, s->reply != NULL ? s->reply : text);
    return true;
}

static bool answer_as_redis(struct fake_redis *r, struct end *e, const struct tw_slice *words,
                            size_t n)
{
    (void)n;
    if (!tw_slice_is(words[0], "ROLE"))
        return false;
    end_say(e, tw_container_of(r, struct server, redis)->is_replica
                   ? "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$7\r\nconnect\r\n:-1\r\n"
                   : "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    return true;
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++) {
        f->sentinels[i].all = f;
        f->sentinels[i].redis.answers = answer_as_sentinel;
        fake_redis_start(&f->sentinels[i].redis, f->loop, 0);
    }
    for (size_t i = 0; i < TW_COUNT(f->servers); i++) {
        f->servers[i].redis.answers = answer_as_redis;
        fake_redis_start(&f->servers[i].redis, f->loop, 0);
    }
    f->servers[1].is_replica = true;
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->service);
    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++)
        fake_redis_stop(&f->sentinels[i].redis);
    for (size_t i = 0; i < TW_COUNT(f->servers); i++)
        fake_redis_stop(&f->servers[i].redis);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

static void start(struct fixture *f, const char *credentials)
{
    (void)snprintf(f->url, sizeof(f->url),
                   "redis+sentinel://%s127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/main",
                   credentials, f->sentinels[0].redis.host.port,
                   f->sentinels[1].redis.host.port, f->sentinels[2].redis.host.port);
    assert_int_equal(
        tw_redis_start(&f->service,
                       &(struct tw_redis_options){
                           .loop = f->loop, .url = f->url, .name = "test", .events = &events }),
        0);
}

static void start_up(struct fixture *f)
{
    start(f, "");
    await(f->loop, tw_redis_is_up(&f->service));
    assert_null(tw_redis_problem(&f->service));
}

static int asked(const struct fixture *f, int i)
{
    return fake_redis_count(&f->sentinels[i].redis, "SENTINEL get-master-addr-by-name main");
}

static void fail_over(struct fixture *f)
{
    f->servers[0].is_replica = true;
    f->servers[1].is_replica = false;
    f->named = 1;
}

static void the_master_is_the_one_that_is_named(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_int_equal(f->servers[0].redis.host.accepted, 1);
    assert_int_equal(f->servers[1].redis.host.accepted, 0);
    assert_int_equal(fake_redis_count(&f->servers[0].redis, "ROLE"), 1);
    assert_int_equal(tw_redis_publish(&f->service, TW_LIT("c"), TW_LIT("m")), 0);
    await(f->loop, fake_redis_count(&f->servers[0].redis, "PUBLISH c m") == 1);
    assert_int_equal(caught_log_count("event=redis.master link=test host=127.0.0.1"), 1);
    assert_int_equal(caught_log_count("level=warn"), 0);
    assert_int_equal(f->sentinels[1].redis.host.accepted, 0); /* one is enough */
}

static void a_switch_is_followed(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    fail_over(f);
    await(f->loop, f->ups == 2);
    assert_int_equal(f->downs, 1);
    assert_int_equal(f->servers[1].redis.host.accepted, 1);
    assert_int_equal(tw_redis_publish(&f->service, TW_LIT("c"), TW_LIT("m")), 0);
    await(f->loop, fake_redis_count(&f->servers[1].redis, "PUBLISH c m") == 1);
    assert_int_equal(caught_log_count("event=redis.master"), 2);
}

static void a_switch_is_followed_at_once_although_the_old_master_was_long_away(void **state)
{
    struct fixture *f = *state;
    size_t tried;

    start_up(f);
    host_drop_all(&f->servers[0].redis.host);
    f->servers[0].redis.is_silent = true; /* it hangs */
    await(f->loop, f->servers[0].redis.host.accepted >= 2);
    fail_over(f);
    tried = f->servers[0].redis.host.accepted;
    await(f->loop, f->ups == 2);
    assert_in_range(f->servers[0].redis.host.accepted, tried, tried + 1);
}

static void a_sentinel_that_goes_is_followed_by_the_next(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    host_drop_all(&f->sentinels[0].redis.host);
    await(f->loop, asked(f, 1) >= 1);
    fail_over(f);
    await(f->loop, f->ups == 2);
    assert_int_equal(caught_log_count("link=\"test sentinel\""), 0); /* that is no news */
}

static void one_that_hangs_is_left(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    f->sentinels[0].redis.is_silent = true;
    await(f->loop, asked(f, 1) >= 1);
    assert_true(tw_redis_is_up(&f->service));
}

static void that_all_are_away_is_said_once_and_takes_no_master_away(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++) {
        host_drop_all(&f->sentinels[i].redis.host);
        f->sentinels[i].redis.is_silent = true;
    }
    await(f->loop, caught_log_count("event=redis.down link=\"test sentinel\"") == 1);
    assert_non_null(tw_redis_problem(&f->service));
    assert_true(tw_redis_is_up(&f->service));
    net_idle(f->loop, 500);
    assert_int_equal(caught_log_count("level=warn"), 1);
    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++)
        f->sentinels[i].redis.is_silent = false;
    await(f->loop, tw_redis_problem(&f->service) == NULL);
    assert_int_equal(f->downs, 0);
}

static void a_master_that_nobody_knows_is_said_once_and_asked_for_slowly(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++)
        f->sentinels[i].reply = "*-1\r\n";
    start(f, "");
    await(f->loop, asked(f, 0) >= 1 && asked(f, 1) >= 1 && asked(f, 2) >= 1);
    assert_string_equal(tw_redis_problem(&f->service), "Sentinel knows no master \"main\"");
    assert_int_equal(caught_log_count("level=warn"), 1);
    net_idle(f->loop, 1000);
    assert_in_range(asked(f, 0) + asked(f, 1) + asked(f, 2), 3, 8);
    assert_int_equal(caught_log_count("level=warn"), 1);
    f->sentinels[1].reply = NULL; /* this one knows more */
    await(f->loop, tw_redis_is_up(&f->service));
}

static void of_two_the_other_one_is_asked(void **state)
{
    struct fixture *f = *state;

    f->sentinels[0].reply = "*-1\r\n";
    (void)snprintf(f->url, sizeof(f->url), "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d/main",
                   f->sentinels[0].redis.host.port, f->sentinels[1].redis.host.port);
    assert_int_equal(tw_redis_start(&f->service, &(struct tw_redis_options){ .loop = f->loop,
                                                                             .url = f->url,
                                                                             .name = "test" }),
                     0);
    await(f->loop, tw_redis_is_up(&f->service));
    assert_int_equal(asked(f, 0), 1);
}

static void a_master_that_is_none_is_not_used(void **state)
{
    struct fixture *f = *state;

    f->servers[0].is_replica = true;
    start(f, "");
    await(f->loop, f->servers[0].redis.host.accepted >= 3);
    assert_int_equal(f->ups, 0);
    assert_string_equal(tw_redis_problem(&f->service), "it is a replica, not the master");
    assert_int_equal(caught_log_count("event=redis.down link=test"), 1);
    await(f->loop, asked(f, 1) >= 1); /* perhaps another one knows better */
    f->servers[0].is_replica = false;
    await(f->loop, tw_redis_is_up(&f->service));
}

static void what_is_no_address_is_said(void **state)
{
    static const char *const replies[] = {
        "+OK\r\n",
        "*1\r\n$1\r\na\r\n",
        "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        "*2\r\n$1\r\na\r\n$5\r\n65536\r\n",
        "*2\r\n$3\r\na b\r\n$4\r\n6379\r\n",
    };
    struct fixture *f = *state;

    start_up(f);
    for (size_t i = 0; i < TW_COUNT(replies); i++) {
        int before = asked(f, 0) + asked(f, 1) + asked(f, 2);

        for (size_t k = 0; k < TW_COUNT(f->sentinels); k++)
            f->sentinels[k].reply = replies[i];
        await(f->loop, asked(f, 0) + asked(f, 1) + asked(f, 2) >= before + 2);
        assert_string_equal(tw_redis_problem(&f->service), "what Sentinel says is no address");
        assert_true(tw_redis_is_up(&f->service));
    }
    assert_int_equal(caught_log_count("event=redis.sentinel"), 1);
}

static void a_sentinel_gets_the_password_only_when_it_asks(void **state)
{
    struct fixture *f = *state;

    f->sentinels[0].redis.auth = f->servers[0].redis.auth = f->servers[1].redis.auth = "secret";
    start(f, ":secret@");
    await(f->loop, tw_redis_is_up(&f->service));
    assert_int_equal(fake_redis_count(&f->sentinels[0].redis, "AUTH secret"), 1);
    host_drop_all(&f->sentinels[0].redis.host);
    await(f->loop, asked(f, 1) >= 1);
    assert_int_equal(fake_redis_count(&f->sentinels[1].redis, "AUTH"), 0);
    assert_int_equal(caught_log_count("level=warn"), 0);
}

static void one_that_wants_another_password_is_said(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(f->sentinels); i++)
        f->sentinels[i].redis.auth = "other";
    start(f, ":secret@");
    await(f->loop, caught_log_count("event=redis.down link=\"test sentinel\"") == 1);
    assert_int_equal(caught_log_count("WRONGPASS"), 1);
    assert_int_equal(caught_log_count("secret"), 0);
}

static void it_may_be_stopped_at_any_time(void **state)
{
    struct fixture *f = *state;

    start(f, "");
    await(f->loop, f->sentinels[0].redis.host.accepted == 1);
    tw_redis_stop(&f->service);
    net_idle(f->loop, 50);
    assert_int_equal(f->ups + f->downs, 0);
    assert_int_equal(f->servers[0].redis.host.accepted, 0);
}

#define SENTINEL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTINEL_TEST(the_master_is_the_one_that_is_named),
        SENTINEL_TEST(a_switch_is_followed),
        SENTINEL_TEST(a_switch_is_followed_at_once_although_the_old_master_was_long_away),
        SENTINEL_TEST(a_sentinel_that_goes_is_followed_by_the_next),
        SENTINEL_TEST(one_that_hangs_is_left),
        SENTINEL_TEST(that_all_are_away_is_said_once_and_takes_no_master_away),
        SENTINEL_TEST(a_master_that_nobody_knows_is_said_once_and_asked_for_slowly),
        SENTINEL_TEST(of_two_the_other_one_is_asked),
        SENTINEL_TEST(a_master_that_is_none_is_not_used),
        SENTINEL_TEST(what_is_no_address_is_said),
        SENTINEL_TEST(a_sentinel_gets_the_password_only_when_it_asks),
        SENTINEL_TEST(one_that_wants_another_password_is_said),
        SENTINEL_TEST(it_may_be_stopped_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
