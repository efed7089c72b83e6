/* minipos_lists_test.c - lists that replace a tablet's own: which, when, and what it hears
 * after them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos_lists.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define SERVER(data)                                                                           \
    "{\"type\":\"SYNC_RESPONSE\",\"data\":" data ",\"clientId\":\"server\",\"timestamp\":now}" \
    "\n"
#define TABLES(seq)                                                                            \
    "{\"tables\":[{\"id\":\"t5\"}],\"seq\":" seq ",\"mastered\":[\"tables\",\"settings\"]}"
#define JOINS                                                                                  \
    "{\"action\":\"created\",\"id\":\"t5\",\"row\":{\"id\":\"t5\"},\"joinsList\":true}"
#define SEATS                                                                                  \
    "{\"action\":\"updated\",\"id\":\"t5\",\"row\":{\"id\":\"t5\",\"number\":\"5\",\"seats\":" \
    "2,"                                                                                       \
    "\"status\":\"available\"}}"
#define HEARD_SEATS(seq)                                                                       \
    "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":\"t5\","      \
    "\"number\":5,\"seats\":2,\"status\":\"available\"}},\"clientId\":\"server\","             \
    "\"timestamp\":"                                                                           \
    "now,\"seq\":" seq "}\n"

static void answer(struct gateway *g, const char *body)
{
    answer_operation(&g->pool, "200", body);
    end_turn(g);
}

static void only_lists_that_were_handed_over_replace_the_tablets_own(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{}}");
    answer(g, "{\"tables\":[],\"menuItems\":[{}],\"categories\":[],\"settings\":null,"
              "\"orderHistory\":[],\"seq\":16,\"mastered\":[\"menuItems\",\"settings\"]}");
    assert_heard(one, SERVER("{\"tables\":[],\"menuItems\":[{}],\"categories\":[],\"settings\":"
                             "null,\"orderHistory\":[],\"seq\":16,\"mastered\":[\"menuItems\","
                             "\"settings\"],\"data\":{\"menuItems\":[{}],\"orderHistory\":[],"
                             "\"seq\":16}}"));
}

static void a_row_that_is_new_in_a_list_comes_as_the_list(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", JOINS);
    publish(g, 18, "settings.updated", "{\"kind\":\"sql\"}", "{\"row\":{\"tax\":5}}");
    assert_int_equal(fake_pool_count(&g->pool), 1); /* one reading for both */
    assert_operation(&g->pool, "minipos_state", "{\"list\":\"tables\"}");
    assert_heard(one, ""); /* what comes after it waits */
    answer(g, TABLES("18"));
    for (size_t i = 0; i < 2; i++)
        assert_heard(i == 0 ? one : other, SERVER("{\"data\":{\"tables\":[{\"id\":\"t5\"}],"
                                                  "\"seq\":18}}") "{\"type\":\"UPDATE_"
                                                                  "SETTINGS\",\"data\":{"
                                                                  "\"tax\":5},\"clientId\":"
                                                                  "\"server\",\"timestamp\":"
                                                                  "now,\"seq\":18}\n");
}

static void a_list_that_was_handed_over_is_fetched(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "list.mastered", "{\"kind\":\"sql\"}", "{\"kind\":\"menu_items\"}");
    assert_operation(&g->pool, "minipos_state", "{\"list\":\"menuItems\"}");
    answer(g, "{\"menuItems\":[],\"seq\":17,\"mastered\":[\"menuItems\"]}");
    assert_heard(one, SERVER("{\"data\":{\"menuItems\":[],\"seq\":17}}"));
    publish(g, 18, "list.mastered", "{\"kind\":\"sql\"}", "{\"kind\":\"users\"}");
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void a_change_that_the_list_contains_is_not_heard_after_it(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", JOINS);
    publish(g, 18, "table.updated", "{\"kind\":\"sql\"}", SEATS);
    answer(g, TABLES("18"));
    assert_heard(one, SERVER("{\"data\":{\"tables\":[{\"id\":\"t5\"}],\"seq\":18}}"));
    publish(g, 19, "table.updated", "{\"kind\":\"sql\"}", SEATS);
    assert_heard(one, HEARD_SEATS("19"));
}

/* It may have said it before it was sent the list. */
static void a_change_of_its_own_after_the_list_is_heard(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf origin = { .max = 1000 };

    tw_buf_text(&origin, "{\"kind\":\"socket\",\"session\":\"");
    tw_buf_text(&origin, gw_device_of(one->session)->connection);
    tw_buf_append(&origin, tw_slice_from("\"}", 3));
    publish(g, 17, "table.updated", origin.at, SEATS);
    assert_heard(one, "");
    publish(g, 18, "table.updated", "{\"kind\":\"sql\"}", JOINS);
    answer(g, TABLES("18"));
    assert_heard(one, SERVER("{\"data\":{\"tables\":[{\"id\":\"t5\"}],\"seq\":18}}"));
    publish(g, 19, "table.updated", origin.at, SEATS);
    assert_heard(one, HEARD_SEATS("19"));
    tw_buf_done(&origin);
}

static void an_event_with_a_picture_is_read_with_it(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}",
            "{\"id\":\"t5\",\"row\":{\"id\":\"t5\",\"photo\":\"tillwire-picture:ab\"}}");
    assert_int_equal(fake_pool_count(&g->pool), 1);
    assert_operation(&g->pool, "event_shown", "{\"seq\":17}");
    answer(g, "{\"seq\":17,\"event\":{\"seq\":17,\"type\":\"table.updated\",\"at\":\"now\","
              "\"origin\":{\"kind\":\"sql\"},\"data\":{\"id\":\"t5\",\"row\":{\"id\":\"t5\","
              "\"number\":\"5\",\"seats\":2,\"status\":\"available\"}}}}");
    assert_heard(one, HEARD_SEATS("17"));
    assert_heard(other, HEARD_SEATS("17"));
}

static void a_tablet_that_would_miss_a_change_has_to_come_again(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}", JOINS);
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    end_turn(g);
    assert_int_equal(one->close_code, 1013);
}

static void so_does_one_whose_event_cannot_be_read(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    publish(g, 17, "table.updated", "{\"kind\":\"sql\"}",
            "{\"id\":\"t5\",\"row\":{\"id\":\"t5\",\"photo\":\"tillwire-picture:ab\"}}");
    answer(g, "{\"seq\":17,\"event\":{}}");
    assert_int_equal(one->close_code, 1013);
}

/* Its own order is shown by an id that another tablet had drawn before. */
static void a_tablet_that_has_drawn_a_taken_id_is_sent_the_orders(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);
    struct tw_buf origin = { .max = 1000 };

    tw_buf_text(&origin, "{\"kind\":\"socket\",\"session\":\"");
    tw_buf_text(&origin, gw_device_of(one->session)->connection);
    tw_buf_append(&origin, tw_slice_from("\"}", 3));
    publish(g, 17, "order.created", origin.at,
            "{\"orderId\":\"POS-1-2\",\"orderSource\":\"pos\",\"drawnId\":\"POS-1\"}");
    assert_operation(&g->pool, "minipos_state", "{\"list\":\"orderHistory\"}");
    answer(g, "{\"orderHistory\":[],\"seq\":17,\"mastered\":[]}");
    assert_heard(one, SERVER("{\"data\":{\"orderHistory\":[],\"seq\":17}}"));
    assert_true(other->heard.len > 0);
    tw_buf_done(&origin);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(only_lists_that_were_handed_over_replace_the_tablets_own),
        test(a_row_that_is_new_in_a_list_comes_as_the_list),
        test(a_list_that_was_handed_over_is_fetched),
        test(a_change_that_the_list_contains_is_not_heard_after_it),
        test(a_change_of_its_own_after_the_list_is_heard),
        test(an_event_with_a_picture_is_read_with_it),
        test(a_tablet_that_would_miss_a_change_has_to_come_again),
        test(so_does_one_whose_event_cannot_be_read),
        test(a_tablet_that_has_drawn_a_taken_id_is_sent_the_orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
