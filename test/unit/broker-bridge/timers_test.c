/* timers_test.c - when the active bridge asks for what is due, and that it publishes what
 * follows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/timers.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/fake_redis.h"

#define RUN                                                                                    \
    "select tenant_id, event, next_ms, ran, failed, late_ms from pos.timers_run($1::int)"
#define ALPHA "aaaaaaaa-0000-4000-8000-000000000001"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct fake_redis redis;
    struct tw_pg_conn *conn;
    struct tw_redis publisher;
    struct br_timers timers;
    char url[64], redis_url[64];
};

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct fixture *f = owner;

    br_timers_set_active(&f->timers, c);
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct fixture *f = owner;

    (void)c;
    (void)why;
    br_timers_set_active(&f->timers, NULL);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    (void)owner;
}

static void on_notify(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload)
{
    (void)c;
    (void)owner;
    (void)channel;
    (void)payload;
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, on_notify };

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
    br_timers_start(&f->timers,
                    &(struct br_timers_options){ .loop = f->loop, .redis = &f->publisher });
    f->conn = tw_pg_conn_new(
        f->loop, &(struct tw_pg_conn_options){ .url = f->url, .program = "tillwire-bridge" },
        &events, f);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    br_timers_stop(&f->timers);
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

/* Its only row is the last one. */
#define NEXT(ms) "\t\t" ms "\t2\t1\t7"

static void the_last_row_says_when_the_next_is_due(void **state)
{
    struct fixture *f = *state;

    answer(f, RUN, NEXT("0"), NULL);
    await(f->loop, f->timers.ran.value == 2);
    assert_int_equal(f->timers.failed.value, 1);
    answer(f, RUN, NEXT("60000"), NULL); /* at once */
    await(f->loop, f->timers.ran.value == 4);
    assert_true(tw_deadline_is_set(&f->timers.again));
    answer(f, RUN, NEXT("60000"), NULL); /* and some times a second, for those that are new */
    assert_int_equal(fake_redis_count(&f->redis, "PUBLISH tw:t:" ALPHA), 0);
}

static void after_an_error_it_asks_again(void **state)
{
    struct fixture *f = *state;

    answer(f, RUN, NULL, "57014");
    answer(f, RUN, NEXT("10"), NULL);
    await(f->loop, f->timers.ran.value == 2);
    assert_int_equal(caught_log_count("event=bridge.sql"), 1);
}

static void whoever_is_not_active_any_more_asks_nothing(void **state)
{
    struct fixture *f = *state;

    await(f->loop, fake_postgres_find(&f->pg, RUN) >= 0);
    br_timers_set_active(&f->timers, NULL);
    answer(f, RUN, NEXT("0"), NULL);
    net_idle(f->loop, 20);
    assert_int_equal(f->pg.pending_count, 0);
    br_timers_set_active(&f->timers, f->conn);
    answer(f, RUN, NEXT("0"), NULL); /* and again when it is */
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_last_row_says_when_the_next_is_due),
        test(after_an_error_it_asks_again),
        test(whoever_is_not_active_any_more_asks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
