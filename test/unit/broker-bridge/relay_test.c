/* relay_test.c - when the active bridge asks for what waits, and that it publishes it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/relay.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/broker-bridge/support/bridge_site.h"
#include "test/unit/support/caught_log.h"

#define EVENTS "select tenant_id, event from pos.outbox_relay(nullif($1, '')::uuid, $2::int)"
#define TASK "select pos.maintain($1)"
#define ALPHA "aaaaaaaa-0000-4000-8000-000000000001"
#define ROW ALPHA "\t{\"seq\":1}"

struct fixture {
    struct bridge_site site;
    struct br_relay relay;
};

static void set_active(struct bridge_site *s, struct tw_pg_conn *c)
{
    br_relay_set_active(&tw_container_of(s, struct fixture, site)->relay, c);
}

static void notified(struct bridge_site *s)
{
    br_relay_notified(&tw_container_of(s, struct fixture, site)->relay);
}

/* The housekeeping has nothing to do for the next hour, but where a test is about it. */
static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->site.set_active = set_active;
    f->site.notified = notified;
    bridge_site_open(&f->site);
    br_relay_start(&f->relay, &(struct br_relay_options){ .loop = f->site.loop,
                                                          .redis = &f->site.publisher });
    f->relay.housekeeping.task = BR_TASKS;
    f->relay.housekeeping.next_ms = UINT64_MAX;
    bridge_site_connect(&f->site);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    br_relay_stop(&f->relay);
    bridge_site_close(&f->site);
    free(f);
    return 0;
}

static void assert_asks_behind(struct fixture *f, const char *tenant)
{
    await(f->site.loop, fake_postgres_find(&f->site.pg, EVENTS) >= 0);
    assert_buf(&f->site.pg.pending[fake_postgres_find(&f->site.pg, EVENTS)].echo, tenant);
}

static void what_waits_is_published_round_after_round_until_there_is_none(void **state)
{
    struct fixture *f = *state;

    assert_asks_behind(f, "");
    tw_after_cancel(f->site.loop, &f->relay.tick);
    bridge_site_answer(&f->site, EVENTS, ROW, NULL);
    assert_asks_behind(f, ALPHA);
    bridge_site_answer(&f->site, EVENTS, ROW, NULL);
    bridge_site_answer(&f->site, EVENTS, NULL, NULL); /* nobody behind this tenant */
    assert_asks_behind(f, "");                        /* what this one may still have */
    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
    await(f->site.loop, fake_redis_count(&f->site.redis, "PUBLISH tw:t:" ALPHA) == 2);
    assert_int_equal(f->relay.published.value, 2);
}

static void it_asks_when_it_is_notified_and_now_and_then_without(void **state)
{
    struct fixture *f = *state;
    size_t received;

    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
    for (int i = 0; i < 3; i++) { /* by the clock */
        received = f->site.pg.received;
        bridge_site_answer(&f->site, EVENTS, NULL, NULL);
        assert_true(f->site.pg.received > received);
    }
    fake_postgres_notify(&f->site.pg, "tillwire", "");
    await(f->site.loop, f->relay.notifications.value == 1);
    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
}

static void news_that_come_while_it_asks_are_asked_for_afterwards(void **state)
{
    struct fixture *f = *state;

    await(f->site.loop, fake_postgres_find(&f->site.pg, EVENTS) >= 0);
    fake_postgres_notify(&f->site.pg, "tillwire", "");
    await(f->site.loop, f->relay.notifications.value == 1);
    assert_int_equal(f->site.pg.pending_count, 1);
    tw_after_cancel(f->site.loop, &f->relay.tick);
    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
}

/* Numbered is numbered: gateways find it in the log. */
static void what_redis_does_not_take_is_counted_and_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->site.publisher);
    bridge_site_answer(&f->site, EVENTS, ROW, NULL);
    await(f->site.loop, f->relay.failures.value == 1);
    assert_int_equal(f->relay.published.value, 0);
}

static void after_an_error_it_asks_again(void **state)
{
    struct fixture *f = *state;

    bridge_site_answer(&f->site, EVENTS, NULL, "57014");
    bridge_site_answer(&f->site, EVENTS, ROW, NULL);
    await(f->site.loop, f->relay.published.value == 1);
    assert_int_equal(caught_log_count("event=bridge.sql"), 1);
}

static void the_housekeeping_has_its_turn_however_much_waits(void **state)
{
    struct fixture *f = *state;

    f->relay.housekeeping.task = 0;
    for (int i = 0; i < 16; i++)
        bridge_site_answer(&f->site, EVENTS, ROW, NULL);
    bridge_site_answer(&f->site, TASK, "1", NULL);
    assert_asks_behind(f, ALPHA);
}

static void whoever_is_not_active_any_more_asks_nothing(void **state)
{
    struct fixture *f = *state;

    await(f->site.loop, fake_postgres_find(&f->site.pg, EVENTS) >= 0);
    br_relay_set_active(&f->relay, NULL);
    br_relay_notified(&f->relay);
    bridge_site_answer(&f->site, EVENTS, NULL, NULL);
    net_idle(f->site.loop, 20);
    assert_int_equal(f->site.pg.pending_count, 0);
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
