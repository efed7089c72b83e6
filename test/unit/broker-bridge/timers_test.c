/* timers_test.c - when the active bridge asks for what is due, and that it publishes what
 * follows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/timers.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/broker-bridge/support/bridge_site.h"
#include "test/unit/support/caught_log.h"

#define RUN                                                                                    \
    "select tenant_id, event, next_ms, ran, failed, late_ms from pos.timers_run($1::int)"
#define ALPHA "aaaaaaaa-0000-4000-8000-000000000001"

struct fixture {
    struct bridge_site site;
    struct br_timers timers;
};

static void set_active(struct bridge_site *s, struct tw_pg_conn *c)
{
    br_timers_set_active(&tw_container_of(s, struct fixture, site)->timers, c);
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->site.set_active = set_active;
    bridge_site_open(&f->site);
    br_timers_start(&f->timers, &(struct br_timers_options){ .loop = f->site.loop,
                                                             .redis = &f->site.publisher });
    bridge_site_connect(&f->site);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    br_timers_stop(&f->timers);
    bridge_site_close(&f->site);
    free(f);
    return 0;
}

/* Its only row is the last one. */
#define NEXT(ms) "\t\t" ms "\t2\t1\t7"

static void the_last_row_says_when_the_next_is_due(void **state)
{
    struct fixture *f = *state;

    bridge_site_answer(&f->site, RUN, NEXT("0"), NULL);
    await(f->site.loop, f->timers.ran.value == 2);
    assert_int_equal(f->timers.failed.value, 1);
    bridge_site_answer(&f->site, RUN, NEXT("60000"), NULL); /* at once */
    await(f->site.loop, f->timers.ran.value == 4);
    assert_true(tw_deadline_is_set(&f->timers.again));
    bridge_site_answer(&f->site, RUN, NEXT("60000"),
                       NULL); /* and some times a second, for those that are new */
    assert_int_equal(fake_redis_count(&f->site.redis, "PUBLISH tw:t:" ALPHA), 0);
}

static void after_an_error_it_asks_again(void **state)
{
    struct fixture *f = *state;

    bridge_site_answer(&f->site, RUN, NULL, "57014");
    bridge_site_answer(&f->site, RUN, NEXT("10"), NULL);
    await(f->site.loop, f->timers.ran.value == 2);
    assert_int_equal(caught_log_count("event=bridge.sql"), 1);
}

static void whoever_is_not_active_any_more_asks_nothing(void **state)
{
    struct fixture *f = *state;

    await(f->site.loop, fake_postgres_find(&f->site.pg, RUN) >= 0);
    br_timers_set_active(&f->timers, NULL);
    bridge_site_answer(&f->site, RUN, NEXT("0"), NULL);
    net_idle(f->site.loop, 20);
    assert_int_equal(f->site.pg.pending_count, 0);
    br_timers_set_active(&f->timers, f->site.conn);
    bridge_site_answer(&f->site, RUN, NEXT("0"), NULL); /* and again when it is */
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
