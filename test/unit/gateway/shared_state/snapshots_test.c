/* snapshots_test.c - the state as devices get it: one reading for all, after their own changes
 * and before all later events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/snapshots.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define ASK "{\"type\":\"SYNC_REQUEST\",\"data\":{}}"
#define STATE(seq)                                                                             \
    "{\"type\":\"SYNC_RESPONSE\",\"data\":{\"tables\":[],\"seq\":" seq                         \
    ",\"data\":{\"seq\":" seq "}},\"clientId\":\"server\",\"timestamp\":now}\n"
#define CLEARED(seq)                                                                           \
    "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"clear\",\"data\":{}},\"clientId\":"     \
    "\"server\",\"timestamp\":now,\"seq\":" seq "}\n"

static void answer(struct gateway *g, const char *seq)
{
    struct tw_buf body = { .max = 100 };

    tw_buf_text(&body, "{\"tables\":[],\"seq\":");
    tw_buf_text(&body, seq);
    tw_buf_append(&body, tw_slice_from("}", 2));
    answer_operation(&g->pool, "200", body.at);
    tw_buf_done(&body);
    end_turn(g);
}

#define ADDED(id)                                                                              \
    "{\"action\":\"created\",\"id\":\"" id "\",\"row\":{\"id\":\"" id "\"},\"joinsList\":"     \
    "true}"
#define LIST(seq)                                                                              \
    "{\"type\":\"SYNC_RESPONSE\",\"data\":{\"data\":{\"tables\":[],\"seq\":" seq               \
    "}},\"clientId\":\"server\",\"timestamp\":now}\n"

static void answer_list(struct gateway *g, const char *seq)
{
    struct tw_buf body = { .max = 100 };

    tw_buf_text(&body, "{\"tables\":[],\"mastered\":[\"tables\"],\"seq\":");
    tw_buf_text(&body, seq);
    tw_buf_append(&body, tw_slice_from("}", 2));
    answer_operation(&g->pool, "200", body.at);
    tw_buf_done(&body);
    end_turn(g);
}

static void happen(struct gateway *g, uint64_t seq)
{
    publish(g, seq, "history.cleared", "{\"kind\":\"socket\"}", "{}");
}

static void one_that_is_still_the_newest_serves_the_next_device_too(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    answer(g, "16");
    assert_heard(one, STATE("16"));
    tell(g, other, ASK);
    assert_heard(other, STATE("16"));
    assert_int_equal(g->shared_state.snapshots.asked.value, 2);
    assert_int_equal(g->shared_state.snapshots.read.value, 1);
    happen(g, 17);
    assert_heard(other, CLEARED("17"));
    tell(g, other, ASK); /* what was read lies before 17 */
    assert_heard(other, "");
    answer(g, "17");
    assert_heard(other, STATE("17"));
}

static void all_that_ask_during_a_reading_share_the_next_one(void **state)
{
    struct gateway *g = *state;

    for (size_t i = 0; i < CLIENTS; i++)
        (void)connect_tablet(g, i);
    tell(g, &g->clients[0], ASK);
    happen(g, 17); /* the reading that is under way may not know of it */
    for (size_t i = 1; i < CLIENTS; i++)
        tell(g, &g->clients[i], ASK);
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer(g, "16");
    assert_heard(&g->clients[0], STATE("16") CLEARED("17"));
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer(g, "17");
    for (size_t i = 1; i < CLIENTS; i++)
        assert_heard(&g->clients[i], CLEARED("17") STATE("17"));
    assert_int_equal(g->shared_state.snapshots.read.value, 2);
}

static void a_reading_that_nothing_has_overtaken_serves_the_late_ones_as_well(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *late = connect_tablet(g, 1);

    tell(g, one, ASK);
    tell(g, late, ASK);
    answer(g, "16");
    assert_heard(one, STATE("16"));
    assert_heard(late, STATE("16"));
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

/* One for each kind and tenant that was ever asked for would be all that there are. */
static void what_nobody_has_asked_for_lately_is_forgotten(void **state)
{
    struct gateway *g = *state;
    struct gw_snapshots *all = &g->shared_state.snapshots;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, ASK);
    answer(g, "16");
    assert_heard(one, STATE("16"));
    assert_int_equal(all->by_name.count, 1);
    assert_true(all->kept_bytes.value > 0);
    g->sessions.now_ms = g->loop->now_ms += 60000;
    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", ADDED("t5")); /* another one */
    assert_int_equal(all->by_name.count, 1);
    assert_int_equal(all->kept_bytes.value, 0);
    answer_list(g, "17");
    assert_heard(one, LIST("17"));
}

static void events_wait_until_the_state_has_been_sent(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    happen(g, 17);
    happen(g, 18);
    assert_heard(other, CLEARED("17") CLEARED("18"));
    assert_heard(one, "");
    answer(g, "16");
    assert_heard(one, STATE("16") CLEARED("17") CLEARED("18"));
}

static void a_device_that_asks_twice_is_answered_twice(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, ASK);
    tell(g, one, ASK);
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer(g, "16");
    assert_heard(one, STATE("16") STATE("16"));
}

static void the_state_contains_the_changes_that_the_device_has_made_before(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, other, ASK);
    answer(g, "16");
    assert_heard(other, STATE("16"));
    tell(g, one, "{\"type\":\"UPDATE_SETTINGS\",\"data\":{\"taxRate\":8}}");
    tell(g, one, ASK);
    assert_operation(&g->pool, "shared_state_change",
                     "{\"dialect\":\"minipos\",\"changes\":[{\"kind\":\"settings\","
                     "\"action\":\"updated\",\"data\":{\"taxRate\":8}}]}");
    assert_int_equal(fake_pool_count(&g->pool), 1); /* the state is asked for after it */
    answer(g, "17");
    assert_heard(one, ""); /* the one of 16 does not have it, though Redis is late with 17 */
    assert_operation(&g->pool, "minipos_state", "");
    answer(g, "17");
    assert_heard(one, STATE("17"));
}

/* A device goes on as soon as it has its list, and may need the next one at once. */
static void
a_device_that_needs_another_list_while_one_is_served_waits_for_the_next_reading(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", ADDED("t5"));
    publish(g, 18, "table.updated", "{\"kind\":\"sql\"}", ADDED("t6"));
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer_list(g, "17");
    assert_heard(one, LIST("17"));
    assert_heard(other, "");
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer_list(g, "18");
    assert_heard(one, LIST("18"));
    assert_heard(other, LIST("18"));
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

#define REFUSED(code, message)                                                                 \
    "{\"type\":\"ERROR\",\"data\":{\"code\":\"" code "\",\"message\":\"" message               \
    "\",\"help\":\"/docs/errors#" code                                                         \
    "\",\"request\":\"SYNC_REQUEST\"},\"clientId\":\"server\",\"timestamp\":now}\n"

static void a_failure_is_told_to_all_that_wait_and_events_follow(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, ASK);
    happen(g, 17);
    fake_pool_fail(&g->pool, TW_EQUERY, "XX000");
    end_turn(g);
    assert_heard(one, REFUSED("INTERNAL", "Something failed on our side and was logged. "
                                          "Try again; if it stays, report the requestId.")
                          CLEARED("17"));
    tell(g, one, ASK); /* nothing is remembered of it */
    answer(g, "17");
    assert_heard(one, STATE("17"));
}

/* The heads are compared at a time of their own, which is not what is tried. */
static void pause_is_over(struct gateway *g)
{
    tw_after(g->loop, &g->hubs.reconcile_timer, 3600000, g->hubs.reconcile_timer.expired);
    g->loop->now_ms += 1100;
    tw_deadlines_run(&g->loop->deadlines, g->loop->now_ms);
    end_turn(g);
}

static void fail_for_now(struct gateway *g, int err, const char *sqlstate)
{
    assert_int_equal(fake_pool_count(&g->pool), 1);
    fake_pool_fail(&g->pool, err, sqlstate);
    end_turn(g);
    assert_int_equal(fake_pool_count(&g->pool), 0);
    pause_is_over(g);
}

/* A tablet asks once on each connection: without an answer it would miss what was before. */
static void what_cannot_be_read_for_now_is_read_until_it_can_for_all_that_wait(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    happen(g, 17);
    tell(g, other, ASK);
    for (int i = 0; i < 20; i++)
        fail_for_now(g, i % 2 == 0 ? TW_EDOWN : TW_ETIMEOUT, "");
    assert_heard(one, "");
    assert_heard(other, CLEARED("17"));
    answer(g, "17");
    assert_heard(one, STATE("17") CLEARED("17"));
    assert_heard(other, STATE("17"));
}

static void one_that_is_too_much_for_the_database_is_not_read_for_ever(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, ASK);
    for (int i = 0; i < 10; i++)
        fail_for_now(g, TW_EQUERY, "57014");
    assert_heard(one, "");
    fake_pool_fail(&g->pool, TW_EQUERY, "57014");
    end_turn(g);
    assert_heard(one, REFUSED("BUSY", "Somebody else holds this record right now, or it took "
                                      "too long; nothing was done. Try again."));
    tell(g, one, ASK);
    fail_for_now(g, TW_EQUERY, "57014"); /* it begins anew */
    answer(g, "16");
    assert_heard(one, STATE("16"));
}

static void nothing_is_read_again_when_nobody_waits_any_more(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    end_turn(g);
    leave_gateway(one);
    pause_is_over(g);
    assert_int_equal(fake_pool_count(&g->pool), 0);
    tell(g, other, ASK);
    answer(g, "16");
    assert_heard(other, STATE("16"));
}

/* Its key was revoked, or may not read; the others have keys of their own. */
static void a_refusal_is_only_for_the_device_that_it_is_about(void **state)
{
    static const char refusal[] =
        "{\"type\":\"ERROR\",\"data\":{\"code\":\"FORBIDDEN\",\"message\":\"not "
        "yours\",\"request\":\"SYNC_REQUEST\"},\"clientId\":\"server\",\"timestamp\":now}\n";
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1),
                  *third = connect_tablet(g, 2);

    tell(g, one, ASK);
    tell(g, other, ASK);
    tell(g, third, ASK);
    answer_operation(&g->pool, "403",
                     "{\"error\":{\"code\":\"FORBIDDEN\",\"message\":\"not yours\"}}");
    end_turn(g);
    assert_heard(one, refusal);
    assert_heard(other, "");
    answer(g, "16");
    assert_heard(other, STATE("16"));
    assert_heard(third, STATE("16"));
    assert_heard(one, "");
    assert_int_equal(g->shared_state.snapshots.read.value, 2);
}

/* It was asked in its name, and says nothing of the one that waits behind it. */
static void a_refusal_of_a_device_that_has_gone_is_for_nobody(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    tell(g, other, ASK);
    leave_gateway(one);
    answer_operation(&g->pool, "401",
                     "{\"error\":{\"code\":\"UNAUTHORIZED\",\"message\":\"revoked\"}}");
    end_turn(g);
    assert_heard(other, "");
    answer(g, "16");
    assert_heard(other, STATE("16"));
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void a_device_that_goes_while_it_waits_takes_nothing_with_it(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    tell(g, one, ASK);
    happen(g, 17);
    tell(g, other, ASK);
    leave_gateway(one);
    answer(g, "16");
    answer(g, "17");
    assert_heard(other, CLEARED("17") STATE("17"));
}

static void the_state_is_asked_for_in_the_name_of_the_device(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{},\"clientId\":\"client_1\"}");
    assert_operation(&g->pool, "minipos_state", "");
    assert_slice(operation_context(&g->pool, "device"), "\"client_1\"");
    assert_slice(operation_context(&g->pool, "keyHash"),
                 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(one_that_is_still_the_newest_serves_the_next_device_too),
        test(all_that_ask_during_a_reading_share_the_next_one),
        test(a_reading_that_nothing_has_overtaken_serves_the_late_ones_as_well),
        test(what_nobody_has_asked_for_lately_is_forgotten),
        test(events_wait_until_the_state_has_been_sent),
        test(a_device_that_asks_twice_is_answered_twice),
        test(the_state_contains_the_changes_that_the_device_has_made_before),
        test(a_device_that_needs_another_list_while_one_is_served_waits_for_the_next_reading),
        test(a_failure_is_told_to_all_that_wait_and_events_follow),
        test(what_cannot_be_read_for_now_is_read_until_it_can_for_all_that_wait),
        test(one_that_is_too_much_for_the_database_is_not_read_for_ever),
        test(nothing_is_read_again_when_nobody_waits_any_more),
        test(a_refusal_is_only_for_the_device_that_it_is_about),
        test(a_refusal_of_a_device_that_has_gone_is_for_nobody),
        test(a_device_that_goes_while_it_waits_takes_nothing_with_it),
        test(the_state_is_asked_for_in_the_name_of_the_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
