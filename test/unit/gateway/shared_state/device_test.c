/* device_test.c - which changes a device hears, how many it may have under way, and what it is
 * told of a refusal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/device.h"

#include "common/util/base.h"
#include "common/util/json_write.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define TABLE_5                                                                                \
    "{\"action\":\"updated\",\"id\":\"t5\",\"version\":4,\"changed\":{\"seats\":2},\"row\":{"  \
    "\"id\":\"t5\"}}"
#define TABLE_6 "{\"action\":\"updated\",\"id\":\"t6\",\"row\":{\"id\":\"t6\"}}"

static struct gw_device *device_of(const struct client *c)
{
    return gw_device_of(c->session);
}

/* The origin of what this client changes. */
static const char *origin_of(const struct client *c, struct tw_buf *out)
{
    out->max = 1000;
    tw_buf_clear(out);
    tw_buf_text(out, "{\"kind\":\"socket\",\"device\":\"");
    tw_buf_text(out, c->session->device);
    tw_buf_text(out, "\",\"session\":\"");
    tw_buf_text(out, device_of(c)->connection);
    tw_buf_append(out, tw_slice_from("\"}", 3)); /* with its NUL */
    return out->at;
}

#define UPDATE_TABLE(id, client, seq)                                                          \
    "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":\"" id        \
    "\",\"number\":0,\"seats\":0,\"status\":\"available\"}},\"clientId\":\"" client            \
    "\",\"timestamp\":now,\"seq\":" seq "}\n"

static void others_hear_a_change_and_the_one_that_made_it_does_not(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);
    struct tw_buf origin = { 0 };

    tell(g, one, "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"client_1\"}}");
    tell(g, other, "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"client_2\"}}");
    publish(g, 17, "table.updated", origin_of(one, &origin), TABLE_5);
    assert_heard(one, "");
    assert_heard(other, UPDATE_TABLE("t5", "client_1", "17"));
    publish(g, 18, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    assert_heard(one, UPDATE_TABLE("t5", "server", "18"));
    tw_buf_done(&origin);
}

static void
a_change_of_its_own_that_may_have_crossed_another_ones_is_heard_as_nobodys(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf origin = { 0 };

    tell(g, one, "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"client_1\"}}");
    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    assert_heard(one, UPDATE_TABLE("t5", "server", "17"));
    publish(g, 18, "table.updated", origin_of(one, &origin), TABLE_6); /* another row */
    assert_heard(one, "");
    publish(g, 19, "table.updated", origin_of(one, &origin), TABLE_5);
    assert_heard(one, UPDATE_TABLE("t5", "server", "19")); /* it would drop its own name */
    tw_buf_done(&origin);
}

static unsigned answers;

static void on_answer(struct gw_commands *q, const struct gw_command *c,
                      const struct tw_outcome *outcome)
{
    (void)q;
    (void)c;
    (void)outcome;
    answers++;
}

static void change(struct client *c)
{
    assert_true(gw_device_change(device_of(c), TW_LIT("{}"), TW_LIT("note"), on_answer));
}

/* It says a change, which is stored with this seq. */
static void change_stored(struct gateway *g, struct client *c, const char *answer)
{
    change(c);
    answer_operation(&g->pool, "200", answer);
}

static enum gw_hearing hears_own_of_table_5(const struct client *c, uint64_t seq)
{
    struct tw_buf text = { 0 }, origin = { 0 };
    struct tw_event own =
        event_with(&text, seq, "table.updated", origin_of(c, &origin), TABLE_5);
    enum gw_hearing hearing = gw_device_hears(c->session, &own, GW_NO_LIST);

    tw_buf_done(&text);
    tw_buf_done(&origin);
    return hearing;
}

/* However long it takes until the change is stored and its event arrives. */
static void
what_it_says_forty_seconds_after_it_was_sent_another_change_has_not_crossed(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    g->sessions.now_ms += 39999;
    change_stored(g, one, "{\"seq\":18}");
    g->sessions.now_ms += 1;
    change_stored(g, one, "{\"seq\":19}");
    g->sessions.now_ms += 100000;
    assert_int_equal(hears_own_of_table_5(one, 18), GW_PRIVATE);
    assert_int_equal(hears_own_of_table_5(one, 19), GW_SKIP);
}

static void a_change_that_is_being_stored_counts_from_when_it_was_said(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    change(one);
    g->sessions.now_ms += 100000;
    assert_int_equal(hears_own_of_table_5(one, 18), GW_PRIVATE);
}

/* It may have been said when no more was read from the device. */
static void what_waited_unread_may_have_crossed(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    for (int i = 0; i < 64; i++)
        change(one);
    g->sessions.now_ms += 100000;
    answer_operation(&g->pool, "200", "{\"seq\":18}");
    change(one);
    for (int i = 0; i < 63; i++)
        answer_operation(&g->pool, "200", "{\"seq\":19}");
    answer_operation(&g->pool, "200", "{\"seq\":20}");
    assert_int_equal(hears_own_of_table_5(one, 20), GW_PRIVATE);
    change_stored(g, one, "{\"seq\":21}");
    assert_int_equal(hears_own_of_table_5(one, 21), GW_SKIP);
}

static void an_own_change_that_is_forgotten_may_have_crossed(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    g->sessions.now_ms += 100000;
    change_stored(g, one, "{\"seq\":18}");
    assert_int_equal(hears_own_of_table_5(one, 18), GW_SKIP);
    for (int i = 0; i < GW_OWN_CHANGES; i++)
        change_stored(g, one, "{\"seq\":19}");
    assert_int_equal(hears_own_of_table_5(one, 18), GW_PRIVATE);
}

static void what_a_device_has_no_memory_of_may_have_crossed(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf text = { 0 }, origin = { 0 }, data = { .max = 100 };
    struct tw_event own =
        event_with(&text, 99, "table.updated", origin_of(one, &origin), TABLE_5);

    for (uint64_t i = 0; i < GW_RECENT_CHANGES; i++) {
        tw_buf_clear(&data);
        tw_buf_text(&data, "{\"id\":\"m");
        tw_buf_u64(&data, i);
        tw_buf_append(&data, tw_slice_from("\"}", 3));
        publish(g, 17 + i, "menu.updated", "{\"kind\":\"sql\"}", data.at);
    }
    assert_int_equal(gw_device_hears(one->session, &own, GW_NO_LIST), GW_SKIP);
    publish(g, 17 + GW_RECENT_CHANGES, "menu.updated", "{\"kind\":\"sql\"}", "{\"id\":\"m\"}");
    assert_int_equal(gw_device_hears(one->session, &own, GW_NO_LIST), GW_PRIVATE);
    tw_buf_done(&text);
    tw_buf_done(&origin);
    tw_buf_done(&data);
}

static void orders_cross_by_their_order_id_and_tables_are_no_orders(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf text = { 0 }, origin = { 0 };
    struct tw_event own;

    publish(g, 17, "order.created", "{\"kind\":\"api\"}", "{\"orderId\":\"t5\"}");
    own = event_with(&text, 18, "table.updated", origin_of(one, &origin), TABLE_5);
    assert_int_equal(gw_device_hears(one->session, &own, GW_NO_LIST), GW_SKIP);
    own = event_with(&text, 18, "order.updated", origin.at, "{\"orderId\":\"t5\"}");
    assert_int_equal(gw_device_hears(one->session, &own, GW_NO_LIST), GW_PRIVATE);
    tw_buf_done(&text);
    tw_buf_done(&origin);
}

#define FROM_ANOTHER_CONNECTION                                                                \
    "{\"kind\":\"socket\",\"device\":\"pos_1\",\"session\":\"of another connection\"}"

/* Sent before the line broke, stored after the state was loaded again. */
static void what_it_changed_on_an_earlier_connection_is_heard_as_nobodys(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");
    struct client *other = connect_device(g, 1, "pos_2", "kitchen");
    struct client *tablet = connect_tablet(g, 2);
    struct tw_slice heard;

    tell(g, tablet, "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"pos_1\"}}");
    publish(g, 17, "table.updated", FROM_ANOTHER_CONNECTION, TABLE_5);
    assert_heard(tablet, UPDATE_TABLE("t5", "server", "17"));
    heard = tw_buf_view(&till->heard);
    assert_non_null(memmem(heard.at, heard.len, "\"device_id\":\"tillwire\"", 22));
    heard = tw_buf_view(&other->heard);
    assert_non_null(memmem(heard.at, heard.len, "\"device_id\":\"pos_1\"", 19));
}

/* It would drop a change of its own that is stored before it says who it is. */
static void a_tablet_that_has_not_said_its_name_hears_of_nobody(void **state)
{
    struct gateway *g = *state;
    struct client *tablet = connect_tablet(g, 0);

    publish(g, 17, "table.updated", FROM_ANOTHER_CONNECTION, TABLE_5);
    assert_heard(tablet, UPDATE_TABLE("t5", "server", "17"));
    tell(g, tablet, "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"client_1\"}}");
    publish(g, 18, "table.updated", FROM_ANOTHER_CONNECTION, TABLE_5);
    assert_heard(tablet, UPDATE_TABLE("t5", "pos_1", "18"));
}

static void what_a_device_has_posted_is_its_own_on_all_its_connections(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");
    struct client *other = connect_device(g, 1, "pos_2", "kitchen");
    struct tw_buf text = { 0 };
    struct tw_event ev = event_with(&text, 17, "table.updated",
                                    "{\"kind\":\"api\",\"device\":\"pos_1\"}", TABLE_5);

    assert_int_equal(gw_device_hears(till->session, &ev, GW_NO_LIST), GW_SKIP);
    assert_int_equal(gw_device_hears(other->session, &ev, GW_NO_LIST), GW_SHARED);
    tw_buf_done(&text);
}

static void each_device_hears_the_name_that_it_has_for_its_restaurant(void **state)
{
    static const char *const names[] = { "kitchen", "restaurant_123", KITCHEN_ID,
                                         "restaurant_123" };
    struct gateway *g = *state;
    struct tw_buf want = { .max = 1000 };

    for (size_t i = 0; i < TW_COUNT(names); i++)
        (void)connect_device(g, i, "pos_1", names[i]);
    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", TABLE_5);
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        struct tw_slice heard = tw_buf_view(&g->clients[i].heard), line;

        tw_buf_clear(&want);
        tw_buf_text(&want, "\"restaurant_id\":\"");
        tw_buf_text(&want, names[i]);
        tw_buf_char(&want, '"');
        for (int frames = 0; frames < 2; frames++) {
            assert_true(tw_slice_split(&heard, '\n', &line));
            assert_row(memmem(line.at, line.len, want.at, want.len) != NULL, names[i]);
        }
    }
    assert_int_equal(g->sessions.rendered.value, 3 * 2); /* two frames, once for each name */
    tw_buf_done(&want);
}

/* --- Its changes -----------------------------------------------------------------------------
 */

static void a_change_is_shared_state_change_in_the_name_of_the_device(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");
    struct tw_buf session = { .max = 100 };

    answers = 0;
    assert_true(gw_device_change(device_of(till), TW_LIT("{\"changes\":[]}"), TW_LIT("note"),
                                 on_answer));
    assert_operation(&g->pool, "shared_state_change", "{\"changes\":[]}");
    assert_slice(operation_context(&g->pool, "device"), "\"pos_1\"");
    assert_slice(operation_context(&g->pool, "kind"), "\"socket\"");
    tw_json_put(&session, tw_slice_of(device_of(till)->connection));
    assert_true(tw_slice_eq(operation_context(&g->pool, "session"), tw_buf_view(&session)));
    answer_operation(&g->pool, "200", "{\"seq\":17}");
    assert_int_equal(answers, 1);
    tw_buf_done(&session);
}

static void changes_are_made_one_after_the_other(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    answers = 0;
    for (int i = 0; i < 3; i++)
        change(till);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fake_pool_count(&g->pool), 1);
        answer_operation(&g->pool, "200", "{}");
        assert_int_equal(answers, i + 1);
    }
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void a_device_is_not_read_from_while_too_many_of_its_changes_wait(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");
    unsigned begun = till->begun;

    for (int i = 0; i < 64; i++) {
        assert_true(gw_device_may_read(till->session));
        change(till);
    }
    assert_false(gw_device_may_read(till->session));
    answer_operation(&g->pool, "200", "{}");
    assert_true(gw_device_may_read(till->session));
    assert_int_equal(till->begun, begun + 1);
}

static void devices_that_come_and_go_are_told_of(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    (void)connect_device(g, 1, "pos_1", "kitchen");
    assert_int_equal(g->device_changes, 2);
    leave_gateway(&g->clients[0]);
    assert_int_equal(g->device_changes, 3);
    assert_ptr_equal(g->shared_state.devices.next, &device_of(&g->clients[1])->link);
}

/* --- Refusals --------------------------------------------------------------------------------
 */

static void check_refusal(const struct tw_outcome *outcome, const char *want)
{
    struct tw_buf out = { .max = 1000 };

    tw_buf_char(&out, '{');
    gw_device_put_refusal(&out, outcome);
    tw_buf_char(&out, '}');
    assert_buf(&out, want);
    tw_buf_done(&out);
}

static void a_refusal_has_the_operations_own_words_and_details(void **state)
{
    (void)state;
    check_refusal(&(struct tw_outcome){ .status = 409,
                                        .body = TW_LIT("{\"error\":{\"code\":"
                                                       "\"STALE_VERSION\",\"message\":"
                                                       "\"Look \\\"again\\\"\",\"requestId\":"
                                                       "\"r\",\"details\":{\"fields\":"
                                                       "[\"price\"]}}}") },
                  "{\"code\":\"STALE_VERSION\",\"message\":\"Look \\\"again\\\"\",\"details\":"
                  "{\"fields\":[\"price\"]}}");
    check_refusal(&(struct tw_outcome){ .status = 400,
                                        .body = TW_LIT("{\"error\":{\"code\":\"MISSING_ID\","
                                                       "\"message\":\"Which?\"}}") },
                  "{\"code\":\"MISSING_ID\",\"message\":\"Which?\"}");
}

static void without_an_answer_it_says_what_became_of_the_change(void **state)
{
    (void)state;
    check_refusal(&(struct tw_outcome){ .refusal = "UNAVAILABLE" },
                  "{\"code\":\"UNAVAILABLE\",\"message\":\"The database cannot be reached "
                  "right now; nothing was done. Try again.\","
                  "\"help\":\"/docs/errors#UNAVAILABLE\"}");
    check_refusal(&(struct tw_outcome){ .status = 500, .body = TW_LIT("{}") },
                  "{\"code\":\"INTERNAL\",\"message\":\"Something failed on our side and was "
                  "logged. Try again; if it stays, report the requestId.\","
                  "\"help\":\"/docs/errors#INTERNAL\"}");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(others_hear_a_change_and_the_one_that_made_it_does_not),
        test(a_change_of_its_own_that_may_have_crossed_another_ones_is_heard_as_nobodys),
        test(what_it_says_forty_seconds_after_it_was_sent_another_change_has_not_crossed),
        test(a_change_that_is_being_stored_counts_from_when_it_was_said),
        test(what_waited_unread_may_have_crossed),
        test(an_own_change_that_is_forgotten_may_have_crossed),
        test(what_a_device_has_no_memory_of_may_have_crossed),
        test(orders_cross_by_their_order_id_and_tables_are_no_orders),
        test(what_it_changed_on_an_earlier_connection_is_heard_as_nobodys),
        test(a_tablet_that_has_not_said_its_name_hears_of_nobody),
        test(what_a_device_has_posted_is_its_own_on_all_its_connections),
        test(each_device_hears_the_name_that_it_has_for_its_restaurant),
        test(a_change_is_shared_state_change_in_the_name_of_the_device),
        test(changes_are_made_one_after_the_other),
        test(a_device_is_not_read_from_while_too_many_of_its_changes_wait),
        test(devices_that_come_and_go_are_told_of),
        cmocka_unit_test(a_refusal_has_the_operations_own_words_and_details),
        cmocka_unit_test(without_an_answer_it_says_what_became_of_the_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
