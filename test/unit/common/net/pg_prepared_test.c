/* pg_prepared_test.c - each statement is prepared once a connection, and goes on where that
 * does not last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/pg_owner.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct tw_pg_conn *conn;
    char url[64];
    struct pg_owner owner;
};

struct ask {
    struct tw_pg_call call;
    struct fixture *f;
    int answered, err;
    size_t rows;
    char text[8], sqlstate[8];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_postgres_start(&f->pg, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    f->conn = tw_pg_conn_new(f->loop,
                             &(struct tw_pg_conn_options){ .url = f->url, .program = "test" },
                             &pg_owner_events, &f->owner);
    await(f->loop, f->owner.ups == 1);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_conn_close(f->conn);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

static void on_done(struct tw_pg_call *call, const struct tw_pg_result *r)
{
    struct ask *a = tw_container_of(call, struct ask, call);
    struct tw_slice text = tw_pg_rows(r) > 0 ? tw_pg_text(r, 0, 0) : TW_EMPTY;

    a->answered++;
    a->err = tw_pg_error(r);
    a->rows = tw_pg_rows(r);
    (void)snprintf(a->text, sizeof(a->text), "%.*s", (int)text.len, text.at);
    (void)snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", tw_pg_sqlstate(r));
}

static struct ask ask_for(struct fixture *f, const char *sql)
{
    return (struct ask){ .f = f, .call = { .sql = sql } };
}

static void send_ask(struct ask *a)
{
    a->call.done = on_done;
    tw_pg_conn_send(a->f->conn, &a->call);
}

static void ask_again(struct ask *a)
{
    a->answered = 0;
    send_ask(a);
    await(a->f->loop, a->answered == 1);
}

static void a_text_is_parsed_once_on_each_connection(void **state)
{
    struct fixture *f = *state;
    struct ask asks[6];

    for (int i = 0; i < 6; i++) {
        asks[i] = ask_for(f, i % 2 == 0 ? "rows 2" : "echo");
        asks[i].call.param_count = i % 2;
        asks[i].call.params[0].bytes = TW_LIT("x");
        send_ask(&asks[i]);
    }
    await(f->loop, asks[5].answered == 1);
    assert_int_equal(f->pg.parsed, 2);
    assert_int_equal(asks[4].rows, 2);
    assert_string_equal(asks[5].text, "x");
    asks[5].call.params[0].is_json = true; /* other types are another statement */
    ask_again(&asks[5]);
    assert_int_equal(f->pg.parsed, 3);
    host_drop_all(&f->pg.host);
    await(f->loop, f->owner.ups == 2);
    fake_postgres_forget(&f->pg);
    ask_again(&asks[0]);
    assert_int_equal(asks[0].err, 0);
    assert_int_equal(f->pg.parsed, 4);
}

static void a_text_that_was_refused_is_tried_anew(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "fail 42601"), b = ask_for(f, "fail 42601"),
               c = ask_for(f, "rows 1");

    send_ask(&a);
    send_ask(&b); /* behind it, by a name that will not be known */
    await(f->loop, b.answered == 1);
    assert_string_equal(a.sqlstate, "42601");
    assert_string_equal(b.sqlstate, "42601");
    send_ask(&c);
    for (int i = 0; i < 10; i++) /* more often than a name may be unknown */
        ask_again(&a);
    assert_string_equal(a.sqlstate, "42601");
    assert_int_equal(c.rows, 1);
    assert_int_equal(caught_log_count("event=pg.unprepared"), 0);
}

/* A pooler that gives each transaction another server (PgBouncer before 1.21). */
static void where_names_do_not_last_texts_are_sent(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 3");

    f->pg.forgets = true;
    for (int i = 0; i < 20; i++) {
        ask_again(&a);
        assert_int_equal(a.err, 0);
        assert_int_equal(a.rows, 3);
    }
    assert_int_equal(caught_log_count("event=pg.unprepared"), 1);
    assert_int_equal(f->pg.received, 20 + 8);
}

static void where_another_has_the_names_texts_are_sent(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 3");

    f->pg.clashes = true;
    for (int i = 0; i < 3; i++) {
        ask_again(&a);
        assert_int_equal(a.err, 0);
    }
    assert_int_equal(caught_log_count("event=pg.unprepared"), 1);
    assert_int_equal(f->pg.received, 3 + 1);
}

/* As PostgreSQL answers when a migration has changed the types: once by its name, once as text.
 */
static void a_text_whose_answer_has_changed_is_sent_again(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "fail 0A000");

    ask_again(&a);
    assert_string_equal(a.sqlstate, "0A000");
    assert_int_equal(f->pg.received, 2);
}

static void several_that_clash_at_once_are_all_answered_and_it_is_said_once(void **state)
{
    struct fixture *f = *state;
    struct ask a[3] = { ask_for(f, "rows 1"), ask_for(f, "rows 2"), ask_for(f, "rows 3") };

    f->pg.clashes = true;
    for (size_t i = 0; i < 3; i++)
        send_ask(&a[i]);
    await(f->loop, a[0].answered + a[1].answered + a[2].answered == 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(a[i].rows, i + 1);
    assert_int_equal(caught_log_count("event=pg.unprepared"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_is_parsed_once_on_each_connection),
        TEST(a_text_that_was_refused_is_tried_anew),
        TEST(where_names_do_not_last_texts_are_sent),
        TEST(where_another_has_the_names_texts_are_sent),
        TEST(a_text_whose_answer_has_changed_is_sent_again),
        TEST(several_that_clash_at_once_are_all_answered_and_it_is_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
