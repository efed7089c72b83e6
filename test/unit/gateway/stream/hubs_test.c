/* hubs_test.c - the life of a hub: subscribed, read, served, kept for a while, removed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hubs.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "gateway/stream/feed.h"
#include "test/unit/gateway/support/fake_gateway.h"

static struct gw_feed *feed_of(struct gateway *g)
{
    return tw_map_get(&g->hubs.by_tenant, TW_LIT(KITCHEN_ID));
}

static void a_channel_is_subscribed_to_before_the_head_is_read(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    assert_commands(&g->hubs.subscriber, "SUBSCRIBE " KITCHEN_CHANNEL "\n");
    assert_int_equal(fake_pool_count(&g->pool), 0); /* an event might fall in between */
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    end_turn(g);
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.heads("));
    assert_slice(fake_pool_param(&g->pool, 0), "{" KITCHEN_ID "}");
    publish_order(g, 17); /* committed after the head was read, and here before its answer */
    assert_seqs(till, "");
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16 17");
}

static void while_redis_is_away_the_head_is_read_at_once(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    fake_link_goes_down(&g->hubs.subscriber);
    till = connect_orderweb(g, 0, false, 0);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
}

static void redis_that_goes_before_it_has_confirmed_keeps_nobody_waiting(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    fake_link_goes_down(&g->hubs.subscriber);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
}

static void
a_slot_that_moves_before_it_has_confirmed_is_waited_for_at_its_new_place(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    fake_link_loses(&g->hubs.subscriber, KITCHEN_CHANNEL, true);
    end_turn(g);
    assert_int_equal(fake_pool_count(&g->pool), 0);
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
}

static void a_slot_that_is_nowhere_keeps_nobody_waiting(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    fake_link_loses(&g->hubs.subscriber, KITCHEN_CHANNEL, false);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
    fake_link_loses(&g->hubs.subscriber, "tw:control", false); /* is nobody's */
    fake_link_loses(&g->hubs.subscriber, "tw:t:not-a-tenant", false);
}

static void redis_that_comes_back_is_asked_for_all_channels_again(void **state)
{
    struct gateway *g = *state;

    (void)connect_orderweb(g, 0, false, 0);
    begin_stream(g, "16", "1");
    fake_link_goes_down(&g->hubs.subscriber);
    assert_commands(&g->hubs.subscriber, "SUBSCRIBE " KITCHEN_CHANNEL "\n");
    fake_link_goes_up(&g->hubs.subscriber);
    assert_commands(&g->hubs.subscriber,
                    "SUBSCRIBE tw:control\nSUBSCRIBE " KITCHEN_CHANNEL "\n");
}

static void after_a_reconnect_the_head_waits_for_a_new_confirmation(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    end_turn(g);
    fake_link_goes_down(&g->hubs.subscriber);
    fake_link_goes_up(&g->hubs.subscriber);
    fake_pool_fail(&g->pool, TW_ELOST, "");
    come_to(g, &feed_of(g)->gap);
    assert_int_equal(fake_pool_count(&g->pool), 0);
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
}

static void sessions_of_one_tenant_share_a_hub(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_orderweb(g, 0, false, 0), *other;

    begin_stream(g, "16", "1");
    other = connect_orderweb(g, 1, false, 0);
    assert_commands(&g->hubs.subscriber, "SUBSCRIBE " KITCHEN_CHANNEL "\n");
    assert_int_equal(fake_pool_count(&g->pool), 0);
    assert_int_equal(g->hubs.hub_count.value, 1);
    publish_order(g, 17);
    assert_seqs(one, "connected@16 17");
    assert_seqs(other, "connected@16 17");
    assert_int_equal(g->hubs.from_redis.value, 1);
}

static void what_is_no_event_of_this_tenant_is_counted_and_not_heard(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        KITCHEN_ID,
        KITCHEN_ID " ",
        KITCHEN_ID " {",
        KITCHEN_ID " {}",
        KITCHEN_ID " {\"seq\":0,\"type\":\"order.created\"}",
        "3f1d0d1e-0000-4000-8000-00000000000b {\"seq\":17,\"type\":\"order.created\",\"at\":"
        "\"" EVENT_AT "\",\"origin\":{},\"data\":{}}",
    };
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    begin_stream(g, "16", "1");
    assert_seqs(till, "connected@16");
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        fake_link_push(&g->hubs.subscriber, KITCHEN_CHANNEL, tw_slice_of(texts[i]));
        end_turn(g);
        assert_row(g->hubs.garbage.value == i + 1, texts[i]);
    }
    assert_seqs(till, "");
    publish_order(g, 17);
    assert_seqs(till, "17");
}

static void a_channel_of_no_hub_is_nothing_to_it(void **state)
{
    struct gateway *g = *state;

    fake_link_push(&g->hubs.subscriber, KITCHEN_CHANNEL, TW_LIT(KITCHEN_ID " {}"));
    fake_link_push(&g->hubs.subscriber, "tw:t:kitchen", TW_LIT("{}"));
    fake_link_push(&g->hubs.subscriber, "another", TW_LIT("{}"));
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    assert_int_equal(g->hubs.garbage.value, 0);
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void control_messages_are_handed_on(void **state)
{
    struct gateway *g = *state;

    fake_link_push(&g->hubs.subscriber, "tw:control", TW_LIT("{\"type\":\"key.revoked\"}"));
    assert_buf(&g->control, "{\"type\":\"key.revoked\"}\n");
}

static void what_came_twice_or_early_is_counted(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    begin_stream(g, "16", "1");
    publish_order(g, 17);
    publish_order(g, 17);
    publish_order(g, 19);
    assert_seqs(till, "connected@16 17");
    assert_int_equal(g->hubs.from_redis.value, 1);
    assert_int_equal(g->hubs.duplicates.value, 1);
    assert_int_equal(g->hubs.held.value, 1);
}

static void a_relay_is_published_with_its_dialect_and_its_connection(void **state)
{
    struct gateway *g = *state;
    struct client *tablet = connect_tablet(g, 0);

    gw_hubs_relay(tablet->session->stream, "minipos", "ab12", TW_LIT("{\"type\":\"X\"}"));
    assert_commands(&g->publisher, "PUBLISH " KITCHEN_CHANNEL " " KITCHEN_ID
                                   " {\"relay\":\"minipos\",\"from\":\"ab12\",\"message\":{"
                                   "\"type\":\"X\"}}\n");
    g->publisher.link.is_up = false; /* then it is lost */
    gw_hubs_relay(tablet->session->stream, "minipos", "ab12", TW_LIT("{}"));
    assert_commands(&g->publisher, "");
}

static void a_hub_stays_for_a_while_after_its_last_session(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    begin_stream(g, "16", "1");
    leave_gateway(till);
    end_turn(g);
    publish_order(g, 17);
    till = connect_orderweb(g, 0, true, 16);
    assert_seqs(till, "connected@17 17"); /* from memory */
    assert_false(tw_deadline_is_set(&feed_of(g)->linger));
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void then_it_goes_with_its_subscription(void **state)
{
    struct gateway *g = *state;

    (void)connect_orderweb(g, 0, false, 0);
    begin_stream(g, "16", "1");
    leave_gateway(&g->clients[0]);
    end_turn(g);
    assert_commands(&g->hubs.subscriber, "SUBSCRIBE " KITCHEN_CHANNEL "\n");
    come_to(g, &feed_of(g)->linger);
    assert_commands(&g->hubs.subscriber, "UNSUBSCRIBE " KITCHEN_CHANNEL "\n");
    assert_null(feed_of(g));
    assert_int_equal(g->hubs.hub_count.value, 0);
}

static void it_stays_while_a_reading_of_its_own_is_under_way(void **state)
{
    struct gateway *g = *state;

    (void)connect_orderweb(g, 0, false, 0);
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    leave_gateway(&g->clients[0]);
    end_turn(g);
    come_to(g, &feed_of(g)->linger);
    assert_non_null(feed_of(g));
    answer_head(g, "16", "1");
    come_to(g, &feed_of(g)->linger);
    assert_null(feed_of(g));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_channel_is_subscribed_to_before_the_head_is_read),
        test(while_redis_is_away_the_head_is_read_at_once),
        test(redis_that_goes_before_it_has_confirmed_keeps_nobody_waiting),
        test(a_slot_that_moves_before_it_has_confirmed_is_waited_for_at_its_new_place),
        test(a_slot_that_is_nowhere_keeps_nobody_waiting),
        test(redis_that_comes_back_is_asked_for_all_channels_again),
        test(after_a_reconnect_the_head_waits_for_a_new_confirmation),
        test(sessions_of_one_tenant_share_a_hub),
        test(what_is_no_event_of_this_tenant_is_counted_and_not_heard),
        test(a_channel_of_no_hub_is_nothing_to_it),
        test(control_messages_are_handed_on),
        test(what_came_twice_or_early_is_counted),
        test(a_relay_is_published_with_its_dialect_and_its_connection),
        test(a_hub_stays_for_a_while_after_its_last_session),
        test(then_it_goes_with_its_subscription),
        test(it_stays_while_a_reading_of_its_own_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
