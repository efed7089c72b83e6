/* readings_test.c - what many hubs read from the log at the same time goes in few statements;
 * with it the batches of common/net/pg_batch.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/readings.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_pool.h"
#include "test/unit/support/check.h"

#define ASKERS 400
#define FIRST "00000000-0000-0000-0000-000000000000"
#define SECOND "00000000-0000-0000-0000-000000000001"

struct asker {
    struct gw_reading reading;
    char tenant[37];
    unsigned answers, failures;
    int error; /* of the last failure */
    size_t rows;
    uint64_t last; /* the number in the first column of its last row */
};

struct fixture {
    struct tw_loop *loop;
    struct tw_pg_pool pool;
    struct gw_readings readings;
    struct asker askers[ASKERS + 1];
};

static int open_readings(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = tw_new(struct tw_loop);
    tw_loop_init(f->loop);
    fake_pool_start(&f->pool, f->loop);
    gw_readings_start(&f->readings, &f->pool);
    *state = f;
    return 0;
}

static int close_readings(void **state)
{
    struct fixture *f = *state;

    gw_readings_done(&f->readings);
    tw_loop_done(f->loop);
    free(f->loop);
    free(f);
    return 0;
}

static void on_rows(struct gw_reading *r, const struct tw_pg_rows *rows)
{
    struct asker *a = tw_container_of(r, struct asker, reading);

    if (rows->count == 0) {
        a->failures++;
        a->error = rows->error;
        return;
    }
    a->answers++;
    a->rows = rows->count;
    a->last = (uint64_t)tw_pg_rows_int(rows, rows->count - 1, 0);
}

static struct asker *ask(struct fixture *f, size_t i, enum gw_reading_kind kind, uint64_t after)
{
    struct asker *a = &f->askers[i];

    (void)snprintf(a->tenant, sizeof(a->tenant), "00000000-0000-0000-0000-%012zu", i);
    a->reading = (struct gw_reading){
        .tenant = tw_slice_of(a->tenant), .after = after, .most = 10, .done = on_rows
    };
    gw_read_soon(&f->readings, kind, &a->reading);
    return a;
}

static void end_turn(struct fixture *f)
{
    struct tw_list *link;

    while ((link = tw_list_shift(&f->loop->later)) != NULL) {
        struct tw_later *l = tw_container_of(link, struct tw_later, link);

        l->run(l);
    }
}

static void those_of_a_turn_go_together(void **state)
{
    static const char *const cells[] = { "1",  "8", "{}", "f",  NULL, "1",  NULL, NULL,
                                         NULL, "1", "2",  NULL, NULL, NULL, "3" };
    struct fixture *f = *state;
    struct asker *one = ask(f, 0, GW_READS_EVENTS, 7), *other = ask(f, 1, GW_READS_EVENTS, 9);

    assert_int_equal(fake_pool_count(&f->pool), 0);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), 1);
    assert_slice(fake_pool_param(&f->pool, 0), "{" FIRST "," SECOND "}");
    assert_slice(fake_pool_param(&f->pool, 1), "{7,9}");
    assert_slice(fake_pool_param(&f->pool, 2), "{10,10}");
    fake_pool_answer(&f->pool, cells, 3, 5);
    assert_int_equal(one->answers, 1);
    assert_int_equal(one->rows, 2);
    assert_int_equal(other->answers, 1);
    assert_int_equal(other->rows, 1);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), 0);
}

static void heads_go_in_a_statement_of_their_own(void **state)
{
    static const char *const heads[] = { "2", "16", "1" };
    struct fixture *f = *state;
    struct asker *unknown = ask(f, 0, GW_READS_HEAD, 0), *known = ask(f, 1, GW_READS_HEAD, 0);

    (void)ask(f, 2, GW_READS_EVENTS, 0);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), 2);
    assert_non_null(strstr(fake_pool_sql(&f->pool), "pos.heads("));
    assert_slice(fake_pool_param(&f->pool, 0), "{" FIRST "," SECOND "}");
    fake_pool_answer(&f->pool, heads, 1, 3);
    assert_int_equal(unknown->failures, 1);
    assert_int_equal(known->answers, 1);
    assert_int_equal(known->last, 16);
    assert_non_null(strstr(fake_pool_sql(&f->pool), "pos.events_pieces("));
    fake_pool_fail(&f->pool, TW_EDOWN, "");
}

static void what_an_answer_does_not_come_to_is_asked_for_again_first(void **state)
{
    static const char *const cells[] = { "1", NULL, NULL, NULL, "1" };
    struct fixture *f = *state;
    struct asker *late = &f->askers[1];

    (void)ask(f, 0, GW_READS_EVENTS, 0);
    (void)ask(f, 1, GW_READS_EVENTS, 4);
    (void)ask(f, 2, GW_READS_EVENTS, 5);
    end_turn(f);
    (void)ask(f, 3, GW_READS_EVENTS, 6);
    fake_pool_answer(&f->pool, cells, 1, 5);
    assert_int_equal(late->answers + late->failures, 0);
    end_turn(f);
    assert_slice(fake_pool_param(&f->pool, 1), "{4,5,6}");
    fake_pool_answer(&f->pool, cells, 1, 5);
    assert_int_equal(late->answers, 1);
    end_turn(f);
    fake_pool_fail(&f->pool, TW_EDOWN, "");
}

static void an_answer_without_any_rows_is_a_failure(void **state)
{
    struct fixture *f = *state;
    struct asker *one = ask(f, 0, GW_READS_EVENTS, 0);

    end_turn(f);
    fake_pool_no_row(&f->pool);
    assert_int_equal(one->failures, 1);
}

static void when_the_connection_is_lost_all_are_told(void **state)
{
    struct fixture *f = *state;
    struct asker *one = ask(f, 0, GW_READS_EVENTS, 0), *other = ask(f, 1, GW_READS_EVENTS, 0);

    end_turn(f);
    fake_pool_fail(&f->pool, TW_ELOST, "");
    assert_int_equal(one->failures, 1);
    assert_int_equal(other->failures, 1);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), 0);
}

static void one_that_postgresql_refuses_does_not_fail_the_others(void **state)
{
    static const char *const cells[] = { "1", NULL, NULL, NULL, "1" };
    struct fixture *f = *state;
    struct asker *bad = ask(f, 0, GW_READS_EVENTS, 1), *good = ask(f, 1, GW_READS_EVENTS, 2);

    end_turn(f);
    fake_pool_fail(&f->pool, TW_EQUERY, "57014");
    assert_int_equal(bad->failures, 0);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), 2);
    assert_slice(fake_pool_param(&f->pool, 1), "{1}");
    fake_pool_fail(&f->pool, TW_EQUERY, "57014");
    assert_int_equal(bad->failures, 1);
    assert_slice(fake_pool_param(&f->pool, 1), "{2}");
    fake_pool_answer(&f->pool, cells, 1, 5);
    assert_int_equal(good->answers, 1);
}

static void one_that_is_refused_alone_fails_nobody_who_waits(void **state)
{
    static const char *const cells[] = { "1", NULL, NULL, NULL, "1" };
    struct fixture *f = *state;

    for (size_t i = 0; i < 12; i++)
        (void)ask(f, i, GW_READS_EVENTS, i);
    end_turn(f);
    while (fake_pool_count(&f->pool) > 0) { /* the three first come in one statement */
        struct tw_slice afters = fake_pool_param(&f->pool, 1);

        if (tw_slice_starts(afters, TW_LIT("{0,")) || tw_slice_is(afters, "{0}"))
            fake_pool_fail(&f->pool, TW_EQUERY, "XX000");
        else
            fake_pool_answer(&f->pool, cells, 1, 5);
        end_turn(f);
    }
    assert_int_equal(f->askers[0].failures, 1);
    for (size_t i = 1; i < 12; i++) {
        assert_int_equal(f->askers[i].failures, 0);
        assert_int_equal(f->askers[i].answers, 1);
    }
}

static void hundreds_take_a_few_statements_at_a_time(void **state)
{
    const char *cells[TW_PG_TOGETHER * 3];
    char numbers[TW_PG_TOGETHER][8];
    struct fixture *f = *state;
    size_t left = ASKERS;

    for (size_t i = 0; i < TW_PG_TOGETHER; i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%zu", i + 1);
        cells[i * 3] = cells[i * 3 + 1] = cells[i * 3 + 2] = numbers[i];
    }
    for (size_t i = 0; i < ASKERS; i++)
        (void)ask(f, i, GW_READS_HEAD, 0);
    end_turn(f);
    assert_int_equal(fake_pool_count(&f->pool), TW_PG_AT_ONCE);
    for (; left > 0; left -= left < TW_PG_TOGETHER ? left : TW_PG_TOGETHER) {
        fake_pool_answer(&f->pool, cells, left < TW_PG_TOGETHER ? left : TW_PG_TOGETHER, 3);
        end_turn(f);
    }
    assert_int_equal(fake_pool_count(&f->pool), 0);
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(f->askers[i].answers, 1);
        assert_int_equal(f->askers[i].last, i % TW_PG_TOGETHER + 1);
    }
}

static void who_asked_before_a_statement_that_failed_waits_no_longer(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ASKERS; i++)
        (void)ask(f, i, GW_READS_HEAD, 0);
    end_turn(f);
    (void)ask(f, ASKERS, GW_READS_HEAD, 0); /* after it was sent */
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    end_turn(f);
    assert_int_equal(f->askers[ASKERS - 1].failures, 1);
    assert_int_equal(f->askers[ASKERS - 1].error, TW_EDOWN);
    assert_int_equal(f->askers[ASKERS].failures, 0);
    assert_int_equal(fake_pool_count(&f->pool), TW_PG_AT_ONCE); /* those under way, and it */
    while (fake_pool_count(&f->pool) > 0)
        fake_pool_fail(&f->pool, TW_EDOWN, "");
    end_turn(f);
    for (size_t i = 0; i <= ASKERS; i++)
        assert_int_equal(f->askers[i].failures, 1);
}

static void who_waits_or_asks_at_the_end_is_told(void **state)
{
    struct fixture *f = *state;
    struct asker *before = ask(f, 0, GW_READS_EVENTS, 0), *after;

    gw_readings_stop(&f->readings);
    assert_int_equal(before->failures, 0); /* not from within */
    after = ask(f, 1, GW_READS_EVENTS, 0);
    end_turn(f);
    assert_int_equal(before->failures, 1);
    assert_int_equal(after->failures, 1);
    assert_int_equal(after->error, TW_EDOWN);
    assert_int_equal(fake_pool_count(&f->pool), 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_readings, close_readings)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(those_of_a_turn_go_together),
        test(heads_go_in_a_statement_of_their_own),
        test(what_an_answer_does_not_come_to_is_asked_for_again_first),
        test(an_answer_without_any_rows_is_a_failure),
        test(when_the_connection_is_lost_all_are_told),
        test(one_that_postgresql_refuses_does_not_fail_the_others),
        test(one_that_is_refused_alone_fails_nobody_who_waits),
        test(hundreds_take_a_few_statements_at_a_time),
        test(who_asked_before_a_statement_that_failed_waits_no_longer),
        test(who_waits_or_asks_at_the_end_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
