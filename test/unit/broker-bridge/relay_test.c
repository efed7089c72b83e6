/* relay_test.c - when the active bridge asks for what waits, and that it publishes it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/fake_redis.h"

#define EVENTS "select tenant_id, event from pos.outbox_relay(nullif($1, '')::uuid, $2::int)"
#define TASK "select pos.maintain($1)"
#define ALPHA "aaaaaaaa-0000-4000-8000-000000000001"
#define ROW ALPHA "\t{\"seq\":1}"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct fake_redis redis;
    struct tw_pg_conn *conn;
    struct tw_redis publisher;
    struct br_relay relay;
    char url[64], redis_url[64];
};

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct fixture *f = owner;

    br_relay_set_active(&f->relay, c);
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct fixture *f = owner;

    (void)c;
    (void)why;
    br_relay_set_active(&f->relay, NULL);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    (void)owner;
}

static void on_notify(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload)
{
    struct fixture *f = owner;

    (void)c;
    (void)channel;
    (void)payload;
    br_relay_notified(&f->relay);
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, on_notify };

/* The housekeeping has nothing to do for the next hour, but where a test is about it. */
static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->pg.holds = true;
    fake_postgres_start(&f->pg, f->loop, 0);
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    (void)snprintf(f->redis_url, sizeof(f->redis_url), "redis://127.0.0.1:%d",
                   f->redis.host.port);
    assert_int_equal(
        tw_redis_start(&f->publisher, &(struct tw_redis_options){ .loop = f->loop,
                                                                  .url = f->redis_url,
                                                                  .name = "publisher" }),
        0);
    await(f->loop, tw_redis_is_up(&f->publisher));
    br_relay_start(&f->relay,
                   &(struct br_relay_options){ .loop = f->loop, .redis = &f->publisher });
    f->relay.housekeeping.task = BR_TASKS;
    f->relay.housekeeping.next_ms = UINT64_MAX;
    f->conn = tw_pg_conn_new(
        f->loop, &(struct tw_pg_conn_options){ .url = f->url, .program = "tillwire-bridge" },
        &events, f);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    br_relay_stop(&f->relay);
    tw_pg_conn_close(f->conn);
    tw_redis_stop(&f->publisher);
    fake_postgres_stop(&f->pg);
    fake_redis_stop(&f->redis);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

/* Answer this statement, once it has come: with a row, with none, or with an error. */
static void answer(struct fixture *f, const char *sql, const char *says, const char *fails_as)
{
    await(f->loop, fake_postgres_find(&f->pg, sql) >= 0);
    f->pg.says = says;
    f->pg.has_no_row = says == NULL;
    f->pg.fails_as = fails_as;
    fake_postgres_release_at(&f->pg, fake_postgres_find(&f->pg, sql));
    f->pg.fails_as = NULL;
}

static void assert_asks_behind(struct fixture *f, const char *tenant)
{
    await(f->loop, fake_postgres_find(&f->pg, EVENTS) >= 0);
    assert_buf(&f->pg.pending[fake_postgres_find(&f->pg, EVENTS)].echo, tenant);
}

static void what_waits_is_published_round_after_round_until_there_is_none(void **state)
{
    struct fixture *f = *state;

    assert_asks_behind(f, "");
    tw_after_cancel(f->loop, &f->relay.tick);
    answer(f, EVENTS, ROW, NULL);
    assert_asks_behind(f, ALPHA);
    answer(f, EVENTS, ROW, NULL);
    answer(f, EVENTS, NULL, NULL); /* nobody behind this tenant */
    assert_asks_behind(f, "");     /* what this one may still have */
    answer(f, EVENTS, NULL, NULL);
    await(f->loop, fake_redis_count(&f->redis, "PUBLISH tw:t:" ALPHA) == 2);
    assert_int_equal(f->relay.published.value, 2);
}

static void it_asks_when_it_is_notified_and_now_and_then_without(void **state)
{
    struct fixture *f = *state;
    size_t received;

    answer(f, EVENTS, NULL, NULL);
    for (int i = 0; i < 3; i++) { /* by the clock */
        received = f->pg.received;
        answer(f, EVENTS, NULL, NULL);
        assert_true(f->pg.received > received);
    }
    fake_postgres_notify(&f->pg, "tillwire", "");
    await(f->loop, f->relay.notifications.value == 1);
    answer(f, EVENTS, NULL, NULL);
}

static void news_that_come_while_it_asks_are_asked_for_afterwards(void **state)
{
    struct fixture *f = *state;

    await(f->loop, fake_postgres_find(&f->pg, EVENTS) >= 0);
    fake_postgres_notify(&f->pg, "tillwire", "");
    await(f->loop, f->relay.notifications.value == 1);
    assert_int_equal(f->pg.pending_count, 1);
    tw_after_cancel(f->loop, &f->relay.tick);
    answer(f, EVENTS, NULL, NULL);
    answer(f, EVENTS, NULL, NULL);
}

/* Numbered is numbered: gateways find it in the log. */
static void what_redis_does_not_take_is_counted_and_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->publisher);
    answer(f, EVENTS, ROW, NULL);
    await(f->loop, f->relay.failures.value == 1);
    assert_int_equal(f->relay.published.value, 0);
}

static void after_an_error_it_asks_again(void **state)
{
    struct fixture *f = *state;

    answer(f, EVENTS, NULL, "57014");
    answer(f, EVENTS, ROW, NULL);
    await(f->loop, f->relay.published.value == 1);
    assert_int_equal(caught_log_count("event=bridge.sql"), 1);
}

static void the_housekeeping_has_its_turn_however_much_waits(void **state)
{
    struct fixture *f = *state;

    f->relay.housekeeping.task = 0;
    for (int i = 0; i < 16; i++)
        answer(f, EVENTS, ROW, NULL);
    answer(f, TASK, "1", NULL);
    assert_asks_behind(f, ALPHA);
}

static void whoever_is_not_active_any_more_asks_nothing(void **state)
{
    struct fixture *f = *state;

    await(f->loop, fake_postgres_find(&f->pg, EVENTS) >= 0);
    br_relay_set_active(&f->relay, NULL);
    br_relay_notified(&f->relay);
    answer(f, EVENTS, NULL, NULL);
    net_idle(f->loop, 20);
    assert_int_equal(f->pg.pending_count, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_waits_is_published_round_after_round_until_there_is_none),
        test(it_asks_when_it_is_notified_and_now_and_then_without),
        test(news_that_come_while_it_asks_are_asked_for_afterwards),
        test(what_redis_does_not_take_is_counted_and_not_asked_for_again),
        test(after_an_error_it_asks_again),
        test(the_housekeeping_has_its_turn_however_much_waits),
        test(whoever_is_not_active_any_more_asks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
