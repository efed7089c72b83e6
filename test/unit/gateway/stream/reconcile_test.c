/* reconcile_test.c - what nobody published is found by asking for the heads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/err.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/stream/feed.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define BAKERY_ID "3f1d0d1e-0000-4000-8000-00000000000b"
#define CLOSE_TRY_AGAIN 1013

static struct gw_feed *feed_of(struct gateway *g)
{
    return tw_map_get(&g->hubs.by_tenant, TW_LIT(KITCHEN_ID));
}

static int open_kitchen(void **state)
{
    struct gateway *g;

    (void)open_gateway(state);
    g = *state;
    (void)connect_orderweb(g, 0, false, 0);
    begin_stream(g, "16", "1");
    tw_buf_clear(&g->clients[0].heard);
    return 0;
}

static void ask(struct gateway *g)
{
    come_to(g, &g->hubs.reconcile_timer);
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.heads("));
}

static void answer(struct gateway *g, const char *head)
{
    fake_pool_row(&g->pool, KITCHEN_ID, head, "1");
    end_turn(g);
}

static void all_hubs_are_asked_for_in_one_statement(void **state)
{
    static const struct gw_tenant bakery = { .id = BAKERY_ID, .slug = "bakery" };
    static const char *const cells[] = { BAKERY_ID, "3", "1", KITCHEN_ID, "16", "1" };
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = bakery, .principal = &principal };
    struct gw_hello hello = { .scope = "pos" };
    struct gateway *g = *state;

    (void)admit(g, 1, &gw_orderweb, &hello, &who);
    ask(g);
    assert_slice(fake_pool_param(&g->pool, 0), "{" KITCHEN_ID "," BAKERY_ID "}");
    fake_pool_answer(&g->pool, cells, 2, 3);
    end_turn(g);
    assert_int_equal(g->hubs.reconciliations.value, 1);
    assert_int_equal(g->hubs.lags.value, 0); /* the bakery's head was not known yet */
    assert_int_equal(g->hubs.went_back.value, 0);
}

static void a_head_beyond_the_cursor_is_read_up_to(void **state)
{
    struct gateway *g = *state;

    ask(g);
    answer(g, "18");
    assert_int_equal(g->hubs.lags.value, 1);
    come_to(g, &feed_of(g)->gap);
    answer_log(g, 1, 17, 18, false);
    assert_seqs(&g->clients[0], "17 18");
}

static void a_head_that_is_where_it_was_is_no_news(void **state)
{
    struct gateway *g = *state;

    ask(g);
    answer(g, "16");
    assert_int_equal(g->hubs.lags.value + g->hubs.went_back.value, 0);
    assert_false(tw_deadline_is_set(&feed_of(g)->gap));
}

static void an_answer_that_events_have_overtaken_is_no_news(void **state)
{
    struct gateway *g = *state;

    ask(g);
    publish_order(g, 17);
    publish_order(g, 18);
    answer(g, "17");
    assert_int_equal(g->hubs.lags.value + g->hubs.went_back.value, 0);
    assert_int_equal(g->clients[0].close_code, 0);
    assert_seqs(&g->clients[0], "17 18");
}

static void a_head_that_went_back_closes_the_sessions(void **state)
{
    struct gateway *g = *state;

    ask(g);
    answer(g, "9");
    assert_int_equal(g->hubs.went_back.value, 1);
    assert_int_equal(g->clients[0].close_code, CLOSE_TRY_AGAIN);
}

static void it_learns_from_where_on_the_log_is_kept(void **state)
{
    struct gateway *g = *state;

    ask(g);
    fake_pool_row(&g->pool, KITCHEN_ID, "16", "12");
    end_turn(g);
    assert_seqs(connect_orderweb(g, 1, true, 10), "connected@16 resync@16");
}

/* How long until it asks again; limits are rounded up to a tick. */
static bool waits(struct gateway *g, uint64_t ms)
{
    uint64_t left = g->hubs.reconcile_timer.at_ms - g->loop->now_ms;

    return tw_deadline_is_set(&g->hubs.reconcile_timer) && left >= ms &&
           left <= ms + TW_DEADLINE_TICK_MS;
}

static void it_asks_more_often_while_redis_is_away(void **state)
{
    struct gateway *g = *state;

    ask(g);
    answer(g, "16");
    assert_true(waits(g, 800));
    fake_link_goes_down(&g->hubs.subscriber);
    ask(g);
    answer(g, "16");
    assert_true(waits(g, 400));
}

static void it_asks_again_after_a_failure(void **state)
{
    struct gateway *g = *state;

    ask(g);
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    assert_int_equal(g->hubs.log_failures.value, 1);
    assert_int_equal(g->hubs.reconciliations.value, 0);
    ask(g);
    answer(g, "17");
    assert_int_equal(g->hubs.lags.value, 1);
}

static void without_a_hub_there_is_nothing_to_ask(void **state)
{
    struct gateway *g = *state;

    come_to(g, &g->hubs.reconcile_timer);
    assert_int_equal(fake_pool_count(&g->pool), 0);
    assert_true(tw_deadline_is_set(&g->hubs.reconcile_timer));
}

static void a_hub_that_has_gone_meanwhile_is_passed_over(void **state)
{
    struct gateway *g = *state;

    ask(g);
    leave_gateway(&g->clients[0]);
    end_turn(g);
    come_to(g, &feed_of(g)->linger);
    answer(g, "18");
    assert_int_equal(g->hubs.lags.value, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_kitchen, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(all_hubs_are_asked_for_in_one_statement),
        test(a_head_beyond_the_cursor_is_read_up_to),
        test(a_head_that_is_where_it_was_is_no_news),
        test(an_answer_that_events_have_overtaken_is_no_news),
        test(a_head_that_went_back_closes_the_sessions),
        test(it_learns_from_where_on_the_log_is_kept),
        test(it_asks_more_often_while_redis_is_away),
        test(it_asks_again_after_a_failure),
        cmocka_unit_test_setup_teardown(without_a_hub_there_is_nothing_to_ask, open_gateway,
                                        close_gateway),
        test(a_hub_that_has_gone_meanwhile_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
