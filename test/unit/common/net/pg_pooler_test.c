/* pg_pooler_test.c - PostgreSQL behind a pooler: what it says of the server is not believed,
 * and a connection is one when a server has answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "common/net/pg_pool.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/pg_owner.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg, other;
    struct tw_pg_conn *conn;
    struct tw_pg_pool pool;
    struct tw_pg_call call;
    struct pg_owner owner;
    int answered, err;
    char url[128];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_postgres_start(&f->pg, f->loop, 0);
    fake_postgres_start(&f->other, f->loop, 0);
    f->pg.backend = 4711;
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_conn_close(f->conn);
    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(&f->pg);
    fake_postgres_stop(&f->other);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

/* To both: `pg` first. */
static void start(struct fixture *f, bool is_direct, const char *more)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d,127.0.0.1:%d/db%s",
                   f->pg.host.port, f->other.host.port, more);
    f->conn = tw_pg_conn_new(f->loop,
                             &(struct tw_pg_conn_options){
                                 .url = f->url, .program = "test", .is_direct = is_direct },
                             &pg_owner_events, &f->owner);
}

static void start_alone(struct fixture *f, bool is_direct)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    f->conn = tw_pg_conn_new(f->loop,
                             &(struct tw_pg_conn_options){
                                 .url = f->url, .program = "test", .is_direct = is_direct },
                             &pg_owner_events, &f->owner);
}

static void start_pool(struct fixture *f, size_t connections)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->url,
                                                             .program = "test",
                                                             .connections = connections,
                                                             .max_waiting = 10 });
}

static void on_done(struct tw_pg_call *call, const struct tw_pg_result *r)
{
    struct fixture *f = tw_container_of(call, struct fixture, call);

    f->answered++;
    f->err = tw_pg_error(r);
}

static void ask(struct fixture *f, const char *sql)
{
    f->call = (struct tw_pg_call){ .sql = sql, .done = on_done };
    tw_pg_conn_send(f->conn, &f->call);
}

static void a_server_that_was_a_standby_once_is_used(void **state)
{
    struct fixture *f = *state;

    f->pg.was_standby = true; /* PgBouncer keeps what the server said when it was one */
    start_alone(f, false);
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->owner.downs, 0);
}

static void a_server_that_is_a_standby_by_now_is_passed_over(void **state)
{
    struct fixture *f = *state;

    f->pg.is_read_only = true; /* in the welcome nothing is said of it */
    start(f, false, "");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->other.host.count, 1);
    tw_pg_conn_close(f->conn);
    start_alone(f, false);
    await(f->loop, f->owner.downs == 1);
    assert_string_equal(f->owner.why,
                        "127.0.0.1: it is read-only (default_transaction_read_only)");
    f->pg.is_standby = true;
    await(f->loop, f->owner.downs == 2);
    assert_string_equal(f->owner.why, "127.0.0.1: a standby, which is read-only");
}

static void what_the_url_wants_of_a_server_is_left_to_libpq(void **state)
{
    struct fixture *f = *state;

    f->pg.is_standby = true;
    start(f, false, "?target_session_attrs=prefer-standby");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->pg.host.count, 1);
    tw_pg_conn_close(f->conn);
    start(f, false, "?target_session_attrs=read-write");
    await(f->loop, f->owner.ups == 2);
    assert_int_equal(f->other.host.count, 1);
}

static void who_needs_postgresql_itself_passes_a_pooler_over(void **state)
{
    struct fixture *f = *state;

    start(f, true, "");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->other.host.count, 1);
    assert_int_equal(f->owner.downs, 0);
}

static void a_pooler_alone_is_said_and_asked_again(void **state)
{
    struct fixture *f = *state;

    start_alone(f, true);
    await(f->loop, f->owner.downs == 2);
    assert_int_equal(f->owner.ups, 0);
    assert_non_null(strstr(f->owner.why, "127.0.0.1: a pooler answers there"));
    f->pg.backend = 0; /* its place is PostgreSQL's now */
    await(f->loop, f->owner.ups == 1);
}

static void a_pooler_without_a_free_server_has_not_answered(void **state)
{
    struct fixture *f = *state;

    f->pg.is_paused = true;
    start(f, false, "");
    await(f->loop, f->pg.asked == 1);
    assert_int_equal(f->owner.ups, 0);
    await(f->loop, f->owner.ups == 1); /* at the next host, after the limit */
    assert_int_equal(f->other.host.count, 1);
}

static void that_it_has_none_is_said(void **state)
{
    struct fixture *f = *state;

    f->pg.is_paused = true;
    start_alone(f, false);
    await(f->loop, f->owner.downs == 1);
    assert_non_null(strstr(f->owner.why, "127.0.0.1: logged in, but no server answers"));
    f->pg.is_paused = false;
    await(f->loop, f->owner.ups == 1);
}

static void it_may_be_closed_while_it_waits_for_a_server(void **state)
{
    struct fixture *f = *state;

    f->pg.is_paused = true;
    start_alone(f, false);
    await(f->loop, f->pg.asked == 1);
    tw_pg_conn_close(f->conn);
    f->conn = NULL;
    net_idle(f->loop, 20);
    assert_int_equal(f->owner.ups + f->owner.downs, 0);
}

static void what_it_refuses_with_is_said(void **state)
{
    struct fixture *f = *state;

    f->pg.asked_fails_as = "08P01"; /* query_wait_timeout */
    start_alone(f, false);
    await(f->loop, f->owner.downs == 1);
    assert_string_equal(f->owner.why, "127.0.0.1: it was refused");
    f->pg.asked_fails_as = NULL;
    await(f->loop, f->owner.ups == 1);
}

static void a_connection_that_keeps_its_server_prepares(void **state)
{
    struct fixture *f = *state;

    start_alone(f, false);
    await(f->loop, f->pg.asked == 2); /* it has looked again */
    ask(f, "rows 1");
    await(f->loop, f->answered == 1);
    ask(f, "rows 1");
    await(f->loop, f->answered == 2);
    assert_int_equal(f->pg.parsed, 1);
    assert_false(tw_pg_conn_is_shared(f->conn));
    assert_int_equal(caught_log_count("event=pg.unprepared"), 0);
}

static void postgresql_itself_is_not_asked_again(void **state)
{
    struct fixture *f = *state;

    f->pg.backend = 0;
    start_alone(f, false);
    await(f->loop, f->owner.ups == 1);
    net_idle(f->loop, 1700);
    assert_int_equal(f->pg.asked, 1);
}

static void one_that_has_another_server_sends_texts_and_says_so(void **state)
{
    struct fixture *f = *state;

    start_pool(f, 3);
    await(f->loop, f->pool.up_count == 3);
    assert_null(tw_pg_pool_problem(&f->pool));
    f->pg.backend = 4800; /* of other transactions */
    await(f->loop, f->pg.asked == 6);
    await(f->loop, f->pool.is_shared);
    assert_int_equal(caught_log_count("event=pg.shared"), 1);
    assert_non_null(strstr(tw_pg_pool_problem(&f->pool), "pool_mode=session"));
    for (int i = 1; i <= 3; i++) {
        f->call = (struct tw_pg_call){ .sql = "rows 1", .done = on_done };
        tw_pg_pool_call(&f->pool, &f->call);
        await(f->loop, f->answered == i);
    }
    assert_int_equal(f->pg.parsed, 3);
    host_drop_all(&f->pg.host);
    await(f->loop, f->pool.up_count == 0);
    await(f->loop, f->pool.up_count == 3); /* the pooler has been told better */
    await(f->loop, f->pg.asked == 12);
    assert_null(tw_pg_pool_problem(&f->pool));
}

static void two_that_have_the_same_server_share_it(void **state)
{
    struct fixture *f = *state;

    f->pg.has_one_server = true;
    start_pool(f, 3);
    await(f->loop, f->pool.up_count == 3);
    assert_non_null(strstr(tw_pg_pool_problem(&f->pool), "pool_mode=session"));
    assert_int_equal(caught_log_count("event=pg.shared"), 1);
    f->pg.has_one_server = false;
    host_drop_all(&f->pg.host);
    await(f->loop, f->pool.up_count == 0);
    await(f->loop, f->pool.up_count == 3);
    assert_null(tw_pg_pool_problem(&f->pool));
}

static void a_pool_that_stays_short_says_how_and_why(void **state)
{
    struct fixture *f = *state;

    start_pool(f, 4);
    await(f->loop, f->pool.up_count == 4);
    f->pg.refuses_as = "08P01"; /* max_client_conn */
    end_close(f->pg.host.ends[0]);
    end_close(f->pg.host.ends[0]);
    await(f->loop, f->pool.up_count == 2);
    assert_null(tw_pg_pool_problem(&f->pool)); /* it may be back in a moment */
    await(f->loop, tw_pg_pool_problem(&f->pool) != NULL);
    assert_non_null(strstr(tw_pg_pool_problem(&f->pool), "2 of 4 connections: "));
    assert_non_null(strstr(tw_pg_pool_problem(&f->pool), "it was refused"));
    assert_int_equal(caught_log_count("event=pg.short up=2 of=4"), 1);
    assert_int_equal(caught_log_count("event=pg.down"), 0);
    f->pg.refuses_as = NULL;
    await(f->loop, f->pool.up_count == 4);
    assert_null(tw_pg_pool_problem(&f->pool));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_was_a_standby_once_is_used),
        TEST(a_server_that_is_a_standby_by_now_is_passed_over),
        TEST(what_the_url_wants_of_a_server_is_left_to_libpq),
        TEST(who_needs_postgresql_itself_passes_a_pooler_over),
        TEST(a_pooler_alone_is_said_and_asked_again),
        TEST(a_pooler_without_a_free_server_has_not_answered),
        TEST(that_it_has_none_is_said),
        TEST(it_may_be_closed_while_it_waits_for_a_server),
        TEST(what_it_refuses_with_is_said),
        TEST(a_connection_that_keeps_its_server_prepares),
        TEST(postgresql_itself_is_not_asked_again),
        TEST(one_that_has_another_server_sends_texts_and_says_so),
        TEST(two_that_have_the_same_server_share_it),
        TEST(a_pool_that_stays_short_says_how_and_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
