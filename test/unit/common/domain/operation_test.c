/* operation_test.c - an operation's answer, its events, and which failures are tried again;
 * against a small PostgreSQL and a small Redis of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/operation.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/fake_redis.h"

#define TENANT "aaaaaaaa-0000-4000-8000-000000000001"
#define MANY 80
#define OK_ROW "201\t{\"id\":1}\t\t" TENANT "\tf"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct fake_redis redis;
    struct tw_redis link;
    struct tw_pg_pool pool;
    struct tw_operations all;
    struct tw_operation op, other, many[MANY];
    char lent; /* many operations find the fixture by it */
    int answers, status;
    bool replayed;
    struct tw_buf shown; /* the refusal's code, or tenant and body */
    char pg_url[64], redis_url[64];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->shown.max = 1000;
    fake_postgres_start(&f->pg, f->loop, 0);
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(f->pg_url, sizeof(f->pg_url), "postgresql://u@127.0.0.1:%d/db",
                   f->pg.host.port);
    (void)snprintf(f->redis_url, sizeof(f->redis_url), "redis://127.0.0.1:%d",
                   f->redis.host.port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->pg_url,
                                                             .program = "test",
                                                             .connections = 2,
                                                             .max_waiting = 100 });
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->redis_url,
                                                                          .name = "test" }),
                     0);
    tw_operations_start(&f->all, &(struct tw_operations_options){ .loop = f->loop,
                                                                  .pool = &f->pool,
                                                                  .publisher = &f->link });
    await(f->loop, f->pool.up_count == 2 && tw_redis_is_up(&f->link));
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->link);
    tw_pg_pool_close(&f->pool);
    tw_operations_done(&f->all);
    fake_postgres_stop(&f->pg);
    fake_redis_stop(&f->redis);
    net_loop_free(f->loop);
    tw_buf_done(&f->shown);
    free(f);
    caught_log_end();
    return 0;
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct fixture *f = tw_container_of(op, struct fixture, op);

    f->answers++;
    f->status = outcome->status;
    f->replayed = outcome->replayed;
    tw_buf_clear(&f->shown);
    if (outcome->refusal != NULL) {
        tw_buf_text(&f->shown, outcome->refusal);
        return;
    }
    tw_buf_append(&f->shown, outcome->tenant);
    tw_buf_char(&f->shown, ' ');
    tw_buf_append(&f->shown, outcome->body);
}

static void start(struct fixture *f, bool writes)
{
    f->answers = 0;
    f->op = (struct tw_operation){ .all = &f->all,
                                   .name = "orders.create",
                                   .context = TW_LIT("{}"),
                                   .body = TW_LIT("{}"),
                                   .request_id = "r-1",
                                   .writes = writes,
                                   .done = on_done };
    tw_operation_start(&f->op);
    assert_int_equal(f->answers, 0);
}

static void run(struct fixture *f, bool writes)
{
    start(f, writes);
    await(f->loop, f->answers == 1);
}

/* The connection breaks while the server has the statement; it is sent again. */
static void lose(struct fixture *f)
{
    await(f->loop, f->pg.pending_count == 1);
    host_drop_all(&f->pg.host);
    tw_buf_done(&f->pg.pending[0].echo);
    fake_postgres_forget(&f->pg);
    await(f->loop, f->pg.pending_count == 1);
}

static void the_answer_has_status_body_and_tenant(void **state)
{
    struct fixture *f = *state;

    f->pg.says = OK_ROW;
    run(f, true);
    assert_int_equal(f->status, 201);
    assert_false(f->replayed);
    assert_buf(&f->shown, TENANT " {\"id\":1}");
}

static void an_answer_of_an_earlier_request_is_marked_and_counted(void **state)
{
    struct fixture *f = *state;

    f->pg.says = "201\t{}\t\t" TENANT "\tt";
    run(f, true);
    assert_true(f->replayed);
    assert_int_equal(f->all.replays.value, 1);
}

static void each_event_is_published_in_its_order(void **state)
{
    struct fixture *f = *state;

    f->pg.says = "200\t{}\t{\"seq\":1}\n{\"seq\":2}\t" TENANT "\tf";
    run(f, true);
    assert_int_equal(f->all.published.value, 2);
    await(f->loop, fake_redis_count(&f->redis, "PUBLISH tw:t:" TENANT) == 2);
    assert_int_equal(
        fake_redis_count(&f->redis, "PUBLISH tw:t:" TENANT " " TENANT " {\"seq\":1}"), 1);
    assert_non_null(
        memmem(f->redis.commands.at, f->redis.commands.len,
               "{\"seq\":1}\nPUBLISH tw:t:" TENANT " " TENANT " {\"seq\":2}\n",
               sizeof("{\"seq\":1}\nPUBLISH tw:t:" TENANT " " TENANT " {\"seq\":2}\n") - 1));
}

static void an_operation_succeeds_although_redis_is_away(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->link);
    f->pg.says = "200\t{}\t{\"seq\":1}\t" TENANT "\tf";
    run(f, true);
    assert_int_equal(f->status, 200);
    assert_int_equal(f->all.publish_failures.value, 1);
}

static void a_deadlock_is_tried_again(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    f->pg.says = OK_ROW;
    start(f, true);
    await(f->loop, f->pg.pending_count == 1);
    f->pg.fails_as = "40P01";
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->pg.pending_count == 1);
    f->pg.fails_as = NULL;
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 201);
    assert_int_equal(f->all.retries.value, 1);
}

static void four_deadlocks_are_enough(void **state)
{
    struct fixture *f = *state;

    f->pg.fails_as = "40001";
    run(f, true);
    assert_buf(&f->shown, "BUSY");
    assert_int_equal(f->pg.received, 4);
}

static void an_error_of_postgresql_becomes_a_refusal(void **state)
{
    static const struct {
        const char *sqlstate, *code;
    } rows[] = {
        { "55P03", "BUSY" },        { "57014", "BUSY" },        { "53300", "UNAVAILABLE" },
        { "57P03", "UNAVAILABLE" }, { "08006", "UNAVAILABLE" }, { "42883", "UNAVAILABLE" },
        { "3F000", "UNAVAILABLE" }, { "XX000", "INTERNAL" },    { "22P02", "INTERNAL" },
        { "42P01", "INTERNAL" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        f->pg.fails_as = rows[i].sqlstate;
        run(f, true);
        assert_row(tw_slice_is(tw_buf_view(&f->shown), rows[i].code), rows[i].sqlstate);
    }
    assert_int_equal(f->all.retries.value, 0);
    assert_true(caught_log_count("event=operation.sql") > 0);
}

static void a_server_that_became_read_only_is_left_for_the_one_that_is_not(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    f->pg.says = OK_ROW;
    start(f, true);
    await(f->loop, f->pg.pending_count == 1);
    f->pg.fails_as = "25006";
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->all.retries.value == 1);
    f->pg.fails_as = NULL;
    f->pg.holds = false;
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 201);
}

/* A standby for ever: it is said after two seconds, and that nothing was done. */
static void where_none_takes_writes_it_is_unavailable(void **state)
{
    struct fixture *f = *state;

    f->pg.fails_as = "25006";
    run(f, true);
    assert_buf(&f->shown, "UNAVAILABLE");
}

static void a_read_that_was_lost_is_asked_again(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    f->pg.says = OK_ROW;
    start(f, false);
    lose(f);
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 201);
}

static void a_write_that_was_lost_is_sent_again(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    f->pg.says = OK_ROW;
    start(f, true);
    lose(f);
    assert_buf(&f->pg.pending[0].echo, "orders.create");
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 201);
    assert_int_equal(f->all.retries.value, 1);
}

/* Each later try does nothing, but the first one may have. */
static void
a_write_that_was_lost_and_then_refused_has_an_unknown_outcome_in_the_end(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    start(f, true);
    lose(f);
    f->pg.holds = false;
    f->pg.fails_as = "53300";
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "OUTCOME_UNKNOWN");
    assert_true(f->all.retries.value > 2);
}

/* The pool closes, so that the second try gets no answer either. */
static void a_write_that_stays_lost_has_an_unknown_outcome(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    start(f, true);
    lose(f);
    tw_pg_pool_close(&f->pool);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "OUTCOME_UNKNOWN");
}

static void a_read_that_stays_lost_is_refused_as_unavailable(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    start(f, false);
    await(f->loop, f->pg.pending_count == 1);
    tw_pg_pool_close(&f->pool);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "UNAVAILABLE");
}

#define BRIEF_ROW "1\t200\t{\"balance\":1}\t" TENANT

static void on_other(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct fixture *f = tw_container_of(op, struct fixture, other);

    f->answers++;
    assert_string_equal(outcome->refusal, "INTERNAL"); /* it has no row */
}

static void start_brief(struct fixture *f, struct tw_operation *op, tw_operation_cb done)
{
    *op = (struct tw_operation){ .all = &f->all,
                                 .name = "balance",
                                 .context = TW_LIT("{\"requestId\":\"r-1\"}"),
                                 .request_id = "r-1",
                                 .is_brief = true,
                                 .done = done };
    tw_operation_start(op);
}

/* PostgreSQL has both in one statement; the row that it says is the first one's. */
static void start_two(struct fixture *f)
{
    f->pg.holds = true;
    f->pg.says = BRIEF_ROW;
    start_brief(f, &f->op, on_done);
    start_brief(f, &f->other, on_other);
    await(f->loop, f->pg.pending_count == 1);
}

static void brief_reads_share_a_statement(void **state)
{
    struct fixture *f = *state;

    start_two(f);
    assert_buf(&f->pg.pending[0].echo,
               "[{\"operation\":\"balance\",\"ctx\":{\"requestId\":\"r-1\"}},"
               "{\"operation\":\"balance\",\"ctx\":{\"requestId\":\"r-1\"}}]");
    assert_int_equal(f->answers, 0);
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 2);
    assert_int_equal(f->pg.received, 1);
    assert_int_equal(f->status, 200);
    assert_buf(&f->shown, TENANT " {\"balance\":1}");
}

static void what_postgresql_refuses_several_is_asked_for_each(void **state)
{
    struct fixture *f = *state;

    start_two(f);
    f->pg.fails_as = "XX000";
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->pg.pending_count == 2);
    f->pg.fails_as = NULL;
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 200);
    f->pg.fails_as = "XX000";
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 2);
    assert_int_equal(caught_log_count("event=operation.sql"), 1);
}

static void a_brief_read_that_was_lost_is_asked_again(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    f->pg.says = BRIEF_ROW;
    start_brief(f, &f->op, on_done);
    lose(f);
    fake_postgres_release(&f->pg, 1);
    await(f->loop, f->answers == 1);
    assert_int_equal(f->status, 200);
    assert_int_equal(f->all.retries.value, 1);
}

static void on_counted(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct fixture *f = tw_container_of((uintptr_t)op->body.at, struct fixture, lent);

    tw_buf_clear(&f->shown);
    tw_buf_text(&f->shown, outcome->refusal == NULL ? "answered" : outcome->refusal);
    f->answers++;
}

/* One restaurant's are refused when they would take more than half of the places. */
static void brief_reads_that_have_no_place_are_refused(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    for (size_t i = 0; i < MANY; i++) {
        f->many[i] = (struct tw_operation){ .all = &f->all,
                                            .name = "balance",
                                            .context = TW_LIT("{\"tenant\":\"kitchen\"}"),
                                            .body = tw_slice_from(&f->lent, 0),
                                            .is_brief = true,
                                            .done = on_counted };
        tw_operation_start(&f->many[i]);
    }
    assert_int_equal(f->answers, 0); /* not from within */
    await(f->loop, f->answers > 0);
    assert_buf(&f->shown, "OVERLOADED");
    assert_int_equal(f->answers, MANY - 51); /* the pool has a hundred places */
}

static void a_brief_read_at_the_end_is_refused(void **state)
{
    struct fixture *f = *state;

    tw_operations_stop(&f->all);
    start_brief(f, &f->op, on_done);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "UNAVAILABLE");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_has_status_body_and_tenant),
        TEST(an_answer_of_an_earlier_request_is_marked_and_counted),
        TEST(each_event_is_published_in_its_order),
        TEST(an_operation_succeeds_although_redis_is_away),
        TEST(a_deadlock_is_tried_again),
        TEST(four_deadlocks_are_enough),
        TEST(an_error_of_postgresql_becomes_a_refusal),
        TEST(a_server_that_became_read_only_is_left_for_the_one_that_is_not),
        TEST(where_none_takes_writes_it_is_unavailable),
        TEST(a_read_that_was_lost_is_asked_again),
        TEST(a_write_that_was_lost_is_sent_again),
        TEST(a_write_that_was_lost_and_then_refused_has_an_unknown_outcome_in_the_end),
        TEST(a_write_that_stays_lost_has_an_unknown_outcome),
        TEST(a_read_that_stays_lost_is_refused_as_unavailable),
        TEST(brief_reads_share_a_statement),
        TEST(what_postgresql_refuses_several_is_asked_for_each),
        TEST(a_brief_read_that_was_lost_is_asked_again),
        TEST(brief_reads_that_have_no_place_are_refused),
        TEST(a_brief_read_at_the_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
