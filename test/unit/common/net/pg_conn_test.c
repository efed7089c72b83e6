/* pg_conn_test.c - a connection to PostgreSQL, against a small one of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct tw_pg_conn *conn;
    char url[128], why[256];
    int ups, downs, idles;
    struct tw_buf notified, done; /* a line each */
};

struct ask {
    struct tw_pg_call call;
    struct fixture *f;
    int answered, err;
    size_t rows;
    char text[64], sqlstate[8], message[64];
    bool is_null;
    int64_t integer;
    struct ask *next; /* is sent when this one is answered */
};

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct fixture *f = owner;

    assert_true(tw_pg_conn_is_up(c));
    f->ups++;
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct fixture *f = owner;

    assert_false(tw_pg_conn_is_up(c));
    f->downs++;
    (void)snprintf(f->why, sizeof(f->why), "%s", why);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    ((struct fixture *)owner)->idles++;
}

static void on_notify(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload)
{
    struct fixture *f = owner;

    (void)c;
    tw_buf_append(&f->notified, channel);
    tw_buf_char(&f->notified, ' ');
    tw_buf_append(&f->notified, payload);
    tw_buf_char(&f->notified, '\n');
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, on_notify };
static const struct tw_pg_conn_events deaf = { on_up, on_down, on_idle, NULL };

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->notified.max = f->done.max = 100000;
    fake_postgres_start(&f->pg, f->loop, 0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_conn_close(f->conn);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    tw_buf_done(&f->notified);
    tw_buf_done(&f->done);
    free(f);
    caught_log_end();
    return 0;
}

static void start(struct fixture *f, const struct tw_pg_conn_events *e)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    f->conn = tw_pg_conn_new(
        f->loop, &(struct tw_pg_conn_options){ .url = f->url, .program = "test" }, e, f);
    assert_false(tw_pg_conn_is_up(f->conn));
}

static void start_up(struct fixture *f)
{
    start(f, &events);
    await(f->loop, f->ups == 1);
}

static void send_ask(struct ask *a);

static void on_done(struct tw_pg_call *call, const struct tw_pg_result *r)
{
    struct ask *a = tw_container_of(call, struct ask, call);

    a->answered++;
    a->err = tw_pg_error(r);
    a->rows = tw_pg_rows(r);
    if (a->rows > 0) {
        struct tw_slice text = tw_pg_text(r, a->rows - 1, 0);

        a->is_null = tw_pg_is_null(r, a->rows - 1, 0);
        a->integer = tw_pg_int(r, a->rows - 1, 0);
        memcpy(a->text, text.at,
               text.len < sizeof(a->text) - 1 ? text.len : sizeof(a->text) - 1);
    }
    (void)snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", tw_pg_sqlstate(r));
    (void)snprintf(a->message, sizeof(a->message), "%s", tw_pg_message(r));
    tw_buf_text(&a->f->done, call->sql);
    tw_buf_char(&a->f->done, '\n');
    if (a->next != NULL)
        send_ask(a->next);
}

static void send_ask(struct ask *a)
{
    a->call.done = on_done;
    tw_pg_conn_send(a->f->conn, &a->call);
    assert_int_equal(a->answered, 0); /* never before the sending call has returned */
}

static struct ask ask_for(struct fixture *f, const char *sql)
{
    return (struct ask){ .f = f, .call = { .sql = sql } };
}

static void a_statement_is_answered_with_its_rows(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 3"), none = ask_for(f, "rows 0"), null = ask_for(f, "null");

    start_up(f);
    send_ask(&a);
    send_ask(&none);
    send_ask(&null);
    assert_int_equal(tw_pg_conn_depth(f->conn), 3);
    await(f->loop, null.answered == 1);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.rows, 3);
    assert_string_equal(a.text, "3");
    assert_string_equal(a.sqlstate, "");
    assert_int_equal(none.err, 0);
    assert_int_equal(none.rows, 0);
    assert_true(null.is_null && null.rows == 1);
    assert_int_equal(tw_pg_conn_depth(f->conn), 0);
    assert_true(f->idles >= 1);
}

static const struct {
    struct tw_slice text;
    int64_t value;
} integers[] = {
    { { "17", 2 }, 17 },
    { { "0", 1 }, 0 },
    { { "-5", 2 }, -5 },
    { { "9223372036854775807", 19 }, INT64_MAX },
    { { "-9223372036854775807", 20 }, -INT64_MAX },
    { { NULL, 0 }, 0 },
    { { "", 0 }, 0 },
    { { "-", 1 }, 0 },
    { { "x", 1 }, 0 },
};

static void integers_are_read_and_null_is_0(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    for (size_t i = 0; i < TW_COUNT(integers); i++) {
        struct ask a = ask_for(f, "echo");

        a.call.params[0].bytes = integers[i].text;
        a.call.param_count = 1;
        send_ask(&a);
        await(f->loop, a.answered == 1);
        assert_int_equal(a.integer, integers[i].value);
    }
}

static void parameters_travel_as_bytes_with_their_types(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "echo"), null = ask_for(f, "echo"), empty = ask_for(f, "echo");

    a.call.params[0].bytes = TW_LIT("{\"a\":\"\0\xff\"}");
    a.call.params[0].is_json = true;
    a.call.params[1].bytes = TW_LIT("text");
    a.call.param_count = 2;
    null.call.param_count = 1;
    empty.call.params[0].bytes = TW_LIT("");
    empty.call.param_count = 1;
    start_up(f);
    send_ask(&a);
    await(f->loop, a.answered == 1);
    assert_memory_equal(a.text, "{\"a\":\"\0\xff\"}", 10);
    assert_int_equal(f->pg.type_count, 2);
    assert_int_equal(f->pg.types[0], 114); /* json */
    assert_int_equal(f->pg.types[1], 25);  /* text */
    send_ask(&null);
    send_ask(&empty);
    await(f->loop, empty.answered == 1);
    assert_true(null.is_null);
    assert_false(empty.is_null);
}

static void a_large_parameter_is_sent_completely(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "echo"), b = ask_for(f, "rows 1");
    char *large = malloc(1048576);

    memset(large, 'x', 1048576);
    a.call.params[0].bytes = tw_slice_from(large, 1048576);
    a.call.param_count = 1;
    start_up(f);
    f->pg.holds = true;
    send_ask(&a);
    send_ask(&b);
    await(f->loop, f->pg.pending_count == 2);
    assert_int_equal(f->pg.pending[0].echo.len, 1048576);
    fake_postgres_release(&f->pg, 2);
    await(f->loop, b.answered == 1);
    assert_int_equal(a.err, 0);
    free(large);
}

static void an_error_belongs_to_its_own_statement_only(void **state)
{
    struct fixture *f = *state;
    struct ask before = ask_for(f, "rows 1"), bad = ask_for(f, "fail 22P02"),
               after = ask_for(f, "rows 2");

    start_up(f);
    send_ask(&before);
    send_ask(&bad);
    send_ask(&after);
    await(f->loop, after.answered == 1);
    assert_int_equal(before.err, 0);
    assert_int_equal(bad.err, TW_EQUERY);
    assert_string_equal(bad.sqlstate, "22P02");
    assert_string_equal(bad.message, "it was refused");
    assert_int_equal(bad.rows, 0);
    assert_int_equal(after.err, 0);
    assert_int_equal(after.rows, 2);
    assert_int_equal(f->downs, 0);
}

static void hundreds_under_way_are_answered_in_order(void **state)
{
    enum { ASKS = 500 };
    struct fixture *f = *state;
    struct ask *asks = tw_alloc(ASKS, sizeof(*asks));
    char sql[ASKS][16];

    start_up(f);
    for (int i = 0; i < ASKS; i++) {
        (void)snprintf(sql[i], sizeof(sql[i]), i % 7 == 3 ? "fail 23505" : "rows %d", i % 5);
        asks[i] = ask_for(f, sql[i]);
        send_ask(&asks[i]);
    }
    await(f->loop, asks[ASKS - 1].answered == 1);
    for (int i = 0; i < ASKS; i++) {
        assert_int_equal(asks[i].answered, 1);
        assert_int_equal(asks[i].err, i % 7 == 3 ? TW_EQUERY : 0);
        assert_int_equal(asks[i].rows, i % 7 == 3 ? 0 : i % 5);
    }
    free(asks);
}

static void an_answer_may_ask_the_next_thing(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1"), b = ask_for(f, "fail 40001"), c = ask_for(f, "rows 3");

    a.next = &b;
    b.next = &c;
    start_up(f);
    send_ask(&a);
    await(f->loop, c.answered == 1);
    assert_buf(&f->done, "rows 1\nfail 40001\nrows 3\n");
}

static void it_knows_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct ask reads = ask_for(f, "rows 1"), writes = ask_for(f, "rows 2");

    writes.call.writes = true;
    writes.call.affinity = 17;
    start_up(f);
    f->pg.holds = true;
    send_ask(&reads);
    send_ask(&writes);
    assert_int_equal(tw_pg_conn_depth(f->conn), 2);
    assert_int_equal(tw_pg_conn_writes(f->conn), 1);
    assert_true(tw_pg_conn_has(f->conn, 17));
    assert_false(tw_pg_conn_has(f->conn, 18));
    await(f->loop, f->pg.pending_count == 2);
    fake_postgres_release(&f->pg, 2);
    await(f->loop, writes.answered == 1);
    assert_int_equal(tw_pg_conn_writes(f->conn), 0);
    assert_false(tw_pg_conn_has(f->conn, 17));
}

static void notifications_arrive_with_and_without_a_statement(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    start_up(f);
    fake_postgres_notify(&f->pg, "tillwire", "69fb5687-044a-48af-ac0e-d6b817aec684 17");
    await(f->loop, f->notified.len > 0);
    f->pg.holds = true;
    send_ask(&a);
    await(f->loop, f->pg.pending_count == 1);
    fake_postgres_notify(&f->pg, "tillwire_control", "{}");
    fake_postgres_release(&f->pg, 1);
    await(f->loop, a.answered == 1);
    await(f->loop, f->notified.len >= 68);
    assert_buf(&f->notified,
               "tillwire 69fb5687-044a-48af-ac0e-d6b817aec684 17\ntillwire_control {}\n");
}

static void a_connection_without_a_callback_ignores_notifications(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    start(f, &deaf);
    await(f->loop, f->ups == 1);
    fake_postgres_notify(&f->pg, "tillwire", "x");
    send_ask(&a);
    await(f->loop, a.answered == 1);
}

static void what_is_under_way_when_it_breaks_is_lost(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1"), b = ask_for(f, "rows 2"), c = ask_for(f, "rows 3");

    start_up(f);
    f->pg.holds = true;
    c.call.writes = true;
    send_ask(&a);
    send_ask(&b);
    send_ask(&c);
    await(f->loop, f->pg.pending_count == 3);
    fake_postgres_release(&f->pg, 1);
    await(f->loop, a.answered == 1);
    host_drop_all(&f->pg.host);
    fake_postgres_forget(&f->pg);
    await(f->loop, f->downs == 1);
    assert_int_equal(a.err, 0);
    assert_true(b.answered == 1 && b.err == TW_ELOST);
    assert_true(c.answered == 1 && c.err == TW_ELOST);
    assert_int_equal(tw_pg_conn_depth(f->conn) + tw_pg_conn_writes(f->conn), 0);
    await(f->loop, f->ups == 2); /* it comes back by itself */
    f->pg.holds = false;
    a.answered = 0;
    send_ask(&a);
    await(f->loop, a.answered == 1);
    assert_int_equal(a.err, 0);
}

static void a_reset_loses_it_as_well(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    start_up(f);
    f->pg.holds = true;
    send_ask(&a);
    await(f->loop, f->pg.pending_count == 1);
    end_reset(f->pg.host.ends[0]);
    fake_postgres_forget(&f->pg);
    await(f->loop, a.answered == 1);
    assert_int_equal(a.err, TW_ELOST);
    await(f->loop, f->ups == 2);
}

static void a_server_that_is_not_there_is_tried_again(void **state)
{
    struct fixture *f = *state;
    int port = f->pg.host.port;
    uint64_t before = tw_now_ms();

    host_stop(&f->pg.host);
    net_idle(f->loop, 10);
    start(f, &events);
    await(f->loop, f->downs >= 3);
    assert_true(tw_now_ms() - before >= 100); /* with pauses, at least the half of each */
    assert_non_null(strstr(f->why, "refused"));
    assert_null(strchr(f->why, '\n'));
    fake_postgres_start(&f->pg, f->loop, port);
    await(f->loop, f->ups == 1);
}

static void a_refusal_of_the_server_is_reported_in_its_words(void **state)
{
    struct fixture *f = *state;

    f->pg.refuses_as = "28P01";
    start(f, &events);
    await(f->loop, f->downs >= 1);
    assert_non_null(strstr(f->why, "it was refused"));
    f->pg.refuses_as = NULL;
    await(f->loop, f->ups == 1);
}

static void a_url_that_cannot_be_is_down_and_stays_so(void **state)
{
    struct fixture *f = *state;

    f->conn = tw_pg_conn_new(
        f->loop,
        &(struct tw_pg_conn_options){ .url = "postgresql://[nonsense", .program = "test" },
        &events, f);
    await(f->loop, f->downs >= 2);
    assert_true(strlen(f->why) > 0);
}

static void closing_loses_what_is_under_way_and_says_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    start_up(f);
    f->pg.holds = true;
    send_ask(&a);
    await(f->loop, f->pg.pending_count == 1);
    tw_pg_conn_close(f->conn);
    f->conn = NULL;
    assert_true(a.answered == 1 && a.err == TW_ELOST);
    fake_postgres_release(&f->pg, 1);
    net_idle(f->loop, 50);
    assert_int_equal(a.answered, 1);
    assert_int_equal(f->downs, 0);
}

static void it_may_be_closed_while_it_connects(void **state)
{
    struct fixture *f = *state;

    f->pg.is_silent = true;
    start(f, &events);
    await(f->loop, f->pg.host.count == 1);
    tw_pg_conn_close(f->conn);
    f->conn = NULL;
    await(f->loop, f->pg.host.ends[0]->has_ended);
    assert_int_equal(f->ups + f->downs, 0);
}

static void a_server_that_never_greets_is_given_up(void **state)
{
    struct fixture *f = *state;

    f->pg.is_silent = true;
    start(f, &events);
    await(f->loop, f->downs == 1);
    assert_non_null(strstr(f->why, "connecting took too long"));
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1"), b = ask_for(f, "rows 2");
    uint64_t before;

    start_up(f);
    f->pg.holds = true;
    send_ask(&a);
    send_ask(&b);
    before = tw_now_ms();
    await(f->loop, a.answered == 1);
    assert_true(tw_now_ms() - before > 2000); /* beyond the roles' time limits */
    assert_true(a.err == TW_ELOST && b.err == TW_ELOST);
    assert_string_equal(f->why, "no answer in time");
}

static void each_call_has_its_own_time_for_an_answer(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1"), b = ask_for(f, "rows 2");

    start_up(f);
    f->pg.holds = true;
    b.call.answer_ms = 300;
    send_ask(&a);
    send_ask(&b);
    await(f->loop, f->pg.pending_count == 2);
    fake_postgres_release(&f->pg, 1);
    await(f->loop, b.answered == 1);
    assert_int_equal(a.err, 0);
    assert_string_equal(f->why, "no answer in time");
}

static void while_bytes_come_an_answer_may_take_longer(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    start_up(f);
    f->pg.holds = true;
    a.call.answer_ms = 400;
    send_ask(&a);
    await(f->loop, f->pg.pending_count == 1);
    for (int i = 0; i < 8; i++) {
        net_idle(f->loop, 100);
        fake_postgres_notify(&f->pg, "tillwire", "x");
    }
    fake_postgres_release(&f->pg, 1);
    await(f->loop, a.answered == 1);
    assert_int_equal(a.err, 0);
}

static void a_call_that_is_refused_has_no_rows(void **state)
{
    struct fixture *f = *state;
    struct ask a = ask_for(f, "rows 1");

    a.call.done = on_done;
    tw_pg_refuse(&a.call, TW_EDOWN);
    assert_int_equal(a.answered, 1);
    assert_int_equal(a.err, TW_EDOWN);
    assert_int_equal(a.rows, 0);
    assert_string_equal(a.sqlstate, "");
    assert_string_equal(a.message, tw_err_text(TW_EDOWN));
}

#define CONN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(a_statement_is_answered_with_its_rows),
        CONN_TEST(integers_are_read_and_null_is_0),
        CONN_TEST(parameters_travel_as_bytes_with_their_types),
        CONN_TEST(a_large_parameter_is_sent_completely),
        CONN_TEST(an_error_belongs_to_its_own_statement_only),
        CONN_TEST(hundreds_under_way_are_answered_in_order),
        CONN_TEST(an_answer_may_ask_the_next_thing),
        CONN_TEST(it_knows_what_is_under_way),
        CONN_TEST(notifications_arrive_with_and_without_a_statement),
        CONN_TEST(a_connection_without_a_callback_ignores_notifications),
        CONN_TEST(what_is_under_way_when_it_breaks_is_lost),
        CONN_TEST(a_reset_loses_it_as_well),
        CONN_TEST(a_server_that_is_not_there_is_tried_again),
        CONN_TEST(a_refusal_of_the_server_is_reported_in_its_words),
        CONN_TEST(a_url_that_cannot_be_is_down_and_stays_so),
        CONN_TEST(closing_loses_what_is_under_way_and_says_nothing_more),
        CONN_TEST(it_may_be_closed_while_it_connects),
        CONN_TEST(a_server_that_never_greets_is_given_up),
        CONN_TEST(a_server_that_never_answers_is_given_up),
        CONN_TEST(each_call_has_its_own_time_for_an_answer),
        CONN_TEST(while_bytes_come_an_answer_may_take_longer),
        CONN_TEST(a_call_that_is_refused_has_no_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
