/* schema_version_test.c - asking the database until its schema is new enough.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/schema_version.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct tw_pg_pool pool;
    struct tw_schema schema;
    char url[128], needed[24], older[24];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_postgres_start(&f->pg, f->loop, 0);
    (void)snprintf(f->needed, sizeof(f->needed), "%d", TW_SCHEMA_NEEDED);
    (void)snprintf(f->older, sizeof(f->older), "%d", TW_SCHEMA_NEEDED - 1);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_schema_stop(&f->schema);
    tw_schema_stop(&f->schema);
    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

static void start(struct fixture *f)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->url,
                                                             .program = "test",
                                                             .connections = 2,
                                                             .max_waiting = 10 });
    tw_schema_start(&f->schema, &(struct tw_schema_options){ .pool = &f->pool });
    assert_false(tw_schema_is_good(&f->schema));
}

static void the_schema_is_accepted_when_it_is_new_enough(void **state)
{
    struct fixture *f = *state;

    f->pg.says = f->needed;
    start(f);
    await(f->loop, tw_schema_is_good(&f->schema));
    assert_int_equal(f->schema.version.value, TW_SCHEMA_NEEDED);
    assert_int_equal(f->pg.received, 1);
}

static void a_newer_one_is_accepted_too(void **state)
{
    struct fixture *f = *state;

    f->pg.says = "1000000";
    start(f);
    await(f->loop, tw_schema_is_good(&f->schema));
    assert_int_equal(f->schema.version.value, 1000000);
}

static void an_older_one_is_asked_for_again_until_it_was_migrated(void **state)
{
    struct fixture *f = *state;

    f->pg.says = f->older;
    start(f);
    await(f->loop, f->pg.received >= 2);
    assert_false(tw_schema_is_good(&f->schema));
    f->pg.says = f->needed;
    await(f->loop, tw_schema_is_good(&f->schema));
}

static void a_database_that_comes_later_is_asked_then(void **state)
{
    struct fixture *f = *state;
    int port = f->pg.host.port;

    host_stop(&f->pg.host);
    net_idle(f->loop, 10);
    start(f);
    net_idle(f->loop, 100);
    assert_false(tw_schema_is_good(&f->schema));
    f->pg.says = f->needed;
    fake_postgres_start(&f->pg, f->loop, port);
    await(f->loop, tw_schema_is_good(&f->schema));
}

static void after_a_stop_nothing_is_asked(void **state)
{
    struct fixture *f = *state;

    f->pg.says = f->older;
    start(f);
    await(f->loop, f->pg.received == 1);
    tw_schema_stop(&f->schema);
    net_idle(f->loop, 700);
    assert_int_equal(f->pg.received, 1);
    assert_false(tw_schema_is_good(&f->schema));
}

#define SCHEMA_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(the_schema_is_accepted_when_it_is_new_enough),
        SCHEMA_TEST(a_newer_one_is_accepted_too),
        SCHEMA_TEST(an_older_one_is_asked_for_again_until_it_was_migrated),
        SCHEMA_TEST(a_database_that_comes_later_is_asked_then),
        SCHEMA_TEST(after_a_stop_nothing_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
