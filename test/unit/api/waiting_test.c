/* waiting_test.c - long polls: what wakes a waiting request, and what does not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/waiting.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

#define KITCHEN "aaaaaaaa-0000-4000-8000-000000000001"
#define BISTRO "aaaaaaaa-0000-4000-8000-000000000002"
#define FAR_MS 600000

struct request {
    struct api_parked parked;
    struct api_waiting *waiting;
    int wakes, news;
    bool is_slow; /* what it asks when it is woken is not answered yet */
};

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct tw_pg_pool pool;
    struct api_waiting waiting;
    struct request requests[20];
    char url[64];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_postgres_start(&f->pg, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->url,
                                                             .program = "test",
                                                             .connections = 2,
                                                             .max_waiting = 100 });
    api_waiting_start(&f->waiting,
                      &(struct api_waiting_options){ .loop = f->loop, .pool = &f->pool });
    await(f->loop, f->pool.up_count == 2);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    api_waiting_stop(&f->waiting);
    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    api_waiting_done(&f->waiting);
    free(f);
    caught_log_end();
    return 0;
}

static void on_wake(struct api_parked *p, bool has_news)
{
    struct request *r = tw_container_of(p, struct request, parked);

    r->wakes++;
    r->news += has_news ? 1 : 0;
    if (!r->is_slow)
        api_waiting_asked(r->waiting, p);
}

static struct request *park(struct fixture *f, size_t i, const char *tenant, uint64_t after,
                            uint64_t wait_ms)
{
    struct request *r = &f->requests[i];

    r->waiting = &f->waiting;
    memcpy(r->parked.tenant, tenant, sizeof(r->parked.tenant));
    r->parked.after = after;
    r->parked.until_ms = f->loop->now_ms + wait_ms;
    r->parked.wake = on_wake;
    assert_true(api_waiting_park(&f->waiting, &r->parked));
    assert_int_equal(r->wakes, 0);
    return r;
}

static void a_request_is_woken_when_its_tenant_has_a_new_event(void **state)
{
    struct fixture *f = *state;
    struct request *r = park(f, 0, KITCHEN, 7, FAR_MS);

    f->pg.says = KITCHEN "\t8";
    await(f->loop, r->wakes == 1);
    assert_int_equal(r->news, 1);
    assert_int_equal(f->waiting.count.value, 0);
}

/* Five hundred that come at once would all ask, and a neighbour's order would wait for them. */
static void of_those_that_come_with_one_key_eight_ask_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct request *r = f->requests;

    for (size_t i = 0; i < 10; i++) {
        r[i].waiting = &f->waiting;
        r[i].is_slow = true;
        r[i].parked.until_ms = f->loop->now_ms + FAR_MS;
        r[i].parked.wake = on_wake;
        assert_true(api_waiting_enter(&f->waiting, &r[i].parked, TW_LIT("one key")) == (i < 8));
    }
    r[10].waiting = &f->waiting;
    assert_true(api_waiting_enter(&f->waiting, &r[10].parked, TW_LIT("another key")));
    assert_int_equal(r[8].wakes, 0);
    api_waiting_asked(&f->waiting, &r[0].parked);
    assert_int_equal(r[8].news, 1);
    assert_int_equal(r[9].wakes, 0);
    api_waiting_leave(&f->waiting, &r[9].parked); /* its client has gone */
    api_waiting_asked(&f->waiting, &r[1].parked);
    assert_int_equal(r[9].wakes, 0);
    assert_int_equal(f->waiting.count.value, 0);
    (void)park(f, 11, KITCHEN, 7, FAR_MS); /* a door is no tenant whose head is asked for */
    await(f->loop, f->pg.received >= 1);
    assert_buf(&f->waiting.tenants, "{" KITCHEN "}");
}

static void those_in_line_with_the_same_question_are_found(void **state)
{
    struct fixture *f = *state;
    struct request *r = f->requests;

    for (size_t i = 0; i < 11; i++) {
        r[i].waiting = &f->waiting;
        r[i].parked.until_ms = f->loop->now_ms + FAR_MS;
        r[i].parked.wake = on_wake;
        r[i].parked.question = i == 9 ? TW_LIT("after 6") : TW_LIT("after 7");
        (void)api_waiting_enter(&f->waiting, &r[i].parked, TW_LIT("one key"));
    }
    assert_ptr_equal(api_waiting_take_same(&f->waiting, &r[0].parked), &r[8].parked);
    assert_ptr_equal(api_waiting_take_same(&f->waiting, &r[1].parked), &r[10].parked);
    assert_null(api_waiting_take_same(&f->waiting, &r[0].parked));
    assert_int_equal(f->waiting.count.value, 1); /* the one that asks something else */
    api_waiting_asked(&f->waiting, &r[0].parked);
    assert_null(api_waiting_take_same(&f->waiting, &r[0].parked)); /* it has left the door */
    assert_int_equal(r[8].wakes + r[10].wakes, 0);
    assert_int_equal(r[9].news, 1);
}

static void a_stream_that_was_set_back_is_news_too(void **state)
{
    struct fixture *f = *state;
    struct request *r = park(f, 0, KITCHEN, 7, FAR_MS);

    f->pg.says = KITCHEN "\t3";
    await(f->loop, r->wakes == 1);
    assert_int_equal(r->news, 1);
}

static void a_request_that_has_seen_the_head_keeps_waiting(void **state)
{
    struct fixture *f = *state;
    struct request *r = park(f, 0, KITCHEN, 7, FAR_MS);

    f->pg.says = KITCHEN "\t7";
    await(f->loop, f->pg.received >= 2);
    assert_int_equal(r->wakes, 0);
    f->pg.says = KITCHEN "\t8";
    await(f->loop, r->wakes == 1);
}

static void an_event_of_one_tenant_does_not_wake_another(void **state)
{
    struct fixture *f = *state;
    struct request *kitchen = park(f, 0, KITCHEN, 7, FAR_MS);
    struct request *bistro = park(f, 1, BISTRO, 7, FAR_MS);

    f->pg.says = BISTRO "\t8";
    await(f->loop, bistro->wakes == 1);
    assert_int_equal(kitchen->wakes, 0);
    assert_int_equal(f->waiting.count.value, 1);
}

/* A thousand of one tenant would ask at once, and its neighbours wait behind them. */
static void of_one_tenant_eight_ask_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct request *bistro = park(f, 0, BISTRO, 7, FAR_MS);
    int wakes = 0;

    for (size_t i = 1; i < TW_COUNT(f->requests); i++)
        park(f, i, KITCHEN, 7, FAR_MS)->is_slow = true;
    f->pg.says = KITCHEN "\t8";
    await(f->loop, f->requests[8].wakes == 1);
    assert_int_equal(f->requests[9].wakes, 0);
    f->pg.says = BISTRO "\t8";
    await(f->loop, bistro->wakes == 1);
    for (size_t i = 1; i < TW_COUNT(f->requests); i++) { /* one after the other is answered */
        assert_int_equal(f->requests[i].wakes, 1);
        assert_int_equal(f->requests[i].news, 1);
        api_waiting_asked(&f->waiting, &f->requests[i].parked);
        wakes++;
    }
    assert_int_equal(wakes, TW_COUNT(f->requests) - 1);
    assert_int_equal(f->waiting.count.value, 0);
}

static void a_request_whose_time_is_over_is_woken_without_news(void **state)
{
    struct fixture *f = *state;
    struct request *r = park(f, 0, KITCHEN, 7, 50);

    f->pg.says = KITCHEN "\t7";
    await(f->loop, r->wakes == 1);
    assert_int_equal(r->news, 0);
}

static void time_runs_out_also_while_the_heads_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    struct request *r = park(f, 0, KITCHEN, 7, 50);

    f->pg.fails_as = "XX000";
    await(f->loop, r->wakes == 1);
    assert_int_equal(r->news, 0);
}

static void one_statement_asks_for_all_that_wait(void **state)
{
    struct fixture *f = *state;

    f->pg.holds = true;
    (void)park(f, 0, KITCHEN, 7, FAR_MS);
    (void)park(f, 1, BISTRO, 7, FAR_MS);
    await(f->loop, f->pg.pending_count == 1);
    assert_buf(&f->pg.pending[0].echo, "{" KITCHEN "," BISTRO "}");
    assert_int_equal(f->pg.received, 1);
}

static void a_request_that_left_is_not_woken(void **state)
{
    struct fixture *f = *state;
    struct request *kitchen = park(f, 0, KITCHEN, 7, FAR_MS);
    struct request *bistro = park(f, 1, BISTRO, 7, FAR_MS);

    api_waiting_leave(&f->waiting, &kitchen->parked);
    api_waiting_leave(&f->waiting, &kitchen->parked);
    assert_int_equal(f->waiting.count.value, 1);
    api_waiting_stop(&f->waiting);
    assert_int_equal(kitchen->wakes, 0);
    assert_int_equal(bistro->wakes, 1);
}

static void at_the_stop_all_are_woken_and_none_may_wait_any_more(void **state)
{
    struct fixture *f = *state;
    struct request *kitchen = park(f, 0, KITCHEN, 7, FAR_MS);
    struct request *bistro = park(f, 1, BISTRO, 7, FAR_MS);

    api_waiting_stop(&f->waiting);
    assert_int_equal(kitchen->wakes, 1);
    assert_int_equal(bistro->wakes, 1);
    assert_int_equal(kitchen->news + bistro->news, 0);
    assert_false(api_waiting_park(&f->waiting, &kitchen->parked));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_woken_when_its_tenant_has_a_new_event),
        TEST(of_those_that_come_with_one_key_eight_ask_at_a_time),
        TEST(those_in_line_with_the_same_question_are_found),
        TEST(a_stream_that_was_set_back_is_news_too),
        TEST(a_request_that_has_seen_the_head_keeps_waiting),
        TEST(an_event_of_one_tenant_does_not_wake_another),
        TEST(of_one_tenant_eight_ask_at_a_time),
        TEST(a_request_whose_time_is_over_is_woken_without_news),
        TEST(time_runs_out_also_while_the_heads_cannot_be_read),
        TEST(one_statement_asks_for_all_that_wait),
        TEST(a_request_that_left_is_not_woken),
        TEST(at_the_stop_all_are_woken_and_none_may_wait_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
