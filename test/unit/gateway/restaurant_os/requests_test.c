/* requests_test.c - docs/protocols/restaurantos.md sections 2 and 4: what clients ask for, and
 * both ways in which they are refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_screens.h"

#define ALERT(n)                                                                               \
    "42[\"kitchen:alert\",{\"type\":\"delay\",\"message\":\"m\",\"severity\":null,"            \
    "\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":" n "},\"" n "\"]\n"
#define ACK_JOINED "430[{\"success\":true,\"restaurantId\":\"" KITCHEN_ID "\"}]\n"
#define REFUSED(code, message, details)                                                        \
    "{\"success\":false,\"code\":\"" code "\",\"message\":\"" message "\",\"error\":{"         \
    "\"code\":\"" code "\",\"message\":\"" message "\",\"details\":" details                   \
    ",\"help\":\"/docs/errors#" code "\"}}"
#define BOTH(code, message, details)                                                           \
    "430[" REFUSED(code, message, details) "]\n42[\"error\"," REFUSED(code, message,           \
                                                                      details) "]\n"

static void alert(struct screens *s, uint64_t seq, const char *station)
{
    struct tw_buf data = { .max = 200 };

    tw_buf_text(&data, "{\"type\":\"delay\",\"message\":\"m\",\"severity\":null,\"station\":");
    tw_buf_text(&data, station);
    tw_buf_append(&data, tw_slice_from("}", 2));
    publish(s->gateway, seq, "kitchen.alert", "{\"kind\":\"api\"}", data.at);
    tw_buf_done(&data);
}

static void a_client_joins_its_restaurant_by_id_or_slug(void **state)
{
    static const char *const names[] = { "kitchen", KITCHEN_ID,
                                         "69FB5687-044A-48AF-AC0E-D6B817AEC684" };
    struct screens *s = *state;
    struct tw_buf packet = { .max = 200 };

    for (size_t i = 0; i < TW_COUNT(names); i++) {
        struct screen *one = connect_screen(s, i, KITCHEN_TOKEN);

        tw_buf_clear(&packet);
        tw_buf_text(&packet, "20[\"join:restaurant\",\"");
        tw_buf_text(&packet, names[i]);
        tw_buf_append(&packet, tw_slice_from("\"]", 3));
        emit(s, one, packet.at);
        assert_packets(one, ACK_JOINED);
    }
    alert(s, 17, "null");
    for (size_t i = 0; i < TW_COUNT(names); i++)
        assert_packets(&s->screens[i], ALERT("17"));
    tw_buf_done(&packet);
}

static void before_it_joins_a_client_hears_nothing(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    alert(s, 17, "null");
    assert_packets(one, "");
    emit(s, one, "2[\"join:restaurant\",\"kitchen\"]"); /* without an acknowledgement */
    assert_packets(one, "");
    alert(s, 18, "null");
    assert_packets(one, ALERT("18"));
}

static void a_restaurant_that_is_not_there_cannot_be_joined(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"join:restaurant\",\"nowhere\"]");
    assert_slice(fake_pool_param(&s->gateway->pool, 0), "nowhere");
    fake_pool_no_row(&s->gateway->pool);
    assert_packets(one, BOTH("INVALID_RESTAURANT", "There is no such restaurant.",
                             "{\"event\":\"join:restaurant\",\"field\":\"restaurantId\"}"));
    emit(s, one, "20[\"join:restaurant\",\"\"]");
    assert_packets(one, BOTH("INVALID_RESTAURANT", "There is no such restaurant.",
                             "{\"event\":\"join:restaurant\",\"field\":\"restaurantId\"}"));
}

static void another_restaurant_must_be_granted_by_the_token(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"join:restaurant\",\"bakery\"]");
    fake_pool_row(&s->gateway->pool, BAKERY_ID);
    end_turn(s->gateway);
    assert_packets(one, BOTH("PERMISSION_DENIED", "Your token is not for this restaurant.",
                             "{\"event\":\"join:restaurant\",\"field\":\"restaurantId\"}"));
}

static void a_client_leaves_the_restaurant_before_when_it_joins_another(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, TOKEN_FOR_TWO);

    emit(s, one, "20[\"join:restaurant\",\"bakery\"]");
    fake_pool_row(&s->gateway->pool, BAKERY_ID);
    fake_pool_row(&s->gateway->pool, BAKERY_ID, "bakery", "Bakery", "active", NULL, NULL);
    end_turn(s->gateway);
    assert_packets(one, ""); /* an event now would not reach it yet */
    fake_link_confirm(&s->gateway->hubs.subscriber, "tw:t:" BAKERY_ID);
    answer_head(s->gateway, "5", "1");
    assert_packets(one, "42[\"connection:status\",{\"state\":\"connected\"},\"5\"]\n"
                        "430[{\"success\":true,\"restaurantId\":\"" BAKERY_ID "\"}]\n");
    alert(s, 17, "null"); /* of the kitchen */
    assert_packets(one, "");
}

static void a_client_may_leave_while_it_joins(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, TOKEN_FOR_TWO);

    emit(s, one, "20[\"join:restaurant\",\"bakery\"]");
    fake_pool_row(&s->gateway->pool, BAKERY_ID);
    fake_pool_row(&s->gateway->pool, BAKERY_ID, "bakery", "Bakery", "active", NULL, NULL);
    end_turn(s->gateway);
    cut_off(s, one);
    assert_true(tw_list_empty(&s->gateway->sessions.list));
}

static void a_client_joins_a_station_and_hears_its_alerts(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"join:station\",{\"restaurantId\":\"kitchen\",\"station\":\"bar\"}]");
    assert_packets(one, ACK_JOINED);
    alert(s, 17, "\"kitchen\"");
    alert(s, 18, "\"bar\"");
    alert(s, 19, "null");
    assert_packets(one, ALERT("18") ALERT("19"));
}

static void a_station_is_one_of_four_and_of_the_clients_restaurant(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"join:station\",{}]");
    assert_packets(one, BOTH("VALIDATION_ERROR", "\\\"station\\\" is required",
                             "{\"event\":\"join:station\",\"field\":\"station\"}"));
    emit(s, one, "20[\"join:station\",{\"station\":\"roof\"}]");
    assert_packets(one, BOTH("VALIDATION_ERROR",
                             "\\\"station\\\" must be one of [kitchen, expo, bar, pos]",
                             "{\"event\":\"join:station\",\"field\":\"station\"}"));
    emit(s, one, "20[\"join:station\",{\"station\":\"bar\",\"restaurantId\":\"bakery\"}]");
    assert_packets(one, BOTH("PERMISSION_DENIED",
                             "This is another restaurant's. Join that restaurant first.",
                             "{\"event\":\"join:station\",\"field\":\"restaurantId\"}"));
}

static void the_orders_come_to_the_acknowledgement_and_as_an_event(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"orders:sync\",{\"statuses\":[\"new\"]}]");
    assert_operation(&s->gateway->pool, "orders_sync", "{\"statuses\":[\"new\"]}");
    answer_operation(&s->gateway->pool, "200", "{\"orders\":[],\"count\":0}");
    assert_packets(one, "430[{\"success\":true,\"orders\":[],\"count\":0}]\n"
                        "42[\"orders:sync:complete\",{\"orders\":[],\"count\":0}]\n");
    emit(s, one, "2[\"orders:sync\"]");
    assert_operation(&s->gateway->pool, "orders_sync", "{}");
    answer_operation(&s->gateway->pool, "200", "{\"orders\":[],\"count\":0}");
    assert_packets(one, "42[\"orders:sync:complete\",{\"orders\":[],\"count\":0}]\n");
}

static void an_order_takes_another_status_in_the_name_of_the_client(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"order:update_status\",{\"orderId\":\"41\",\"status\":\"ready\"}]");
    assert_operation(&s->gateway->pool, "order_status",
                     "{\"orderId\":\"41\",\"status\":\"ready\"}");
    assert_slice(operation_context(&s->gateway->pool, "token"),
                 "{\"restaurant\":\"kitchen\",\"role\":\"kitchen\"}");
    assert_slice(operation_context(&s->gateway->pool, "kind"), "\"socket\"");
    assert_slice(operation_context(&s->gateway->pool, "session"), ""); /* it hears of it */
    answer_operation(&s->gateway->pool, "200", "{\"success\":true,\"order\":{}}");
    assert_packets(one, "430[{\"success\":true,\"order\":{}}]\n");
}

static void a_table_is_completed(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"table:complete\",{\"tableNumber\":5}]");
    assert_operation(&s->gateway->pool, "table_complete", "{\"tableNumber\":5}");
    answer_operation(&s->gateway->pool, "404",
                     "{\"error\":{\"code\":\"TABLE_NOT_FOUND\",\"message\":\"No such table\","
                     "\"details\":{\"event\":\"table:complete\"},"
                     "\"help\":\"/docs/errors#TABLE_NOT_FOUND\"}}");
    assert_packets(one,
                   BOTH("TABLE_NOT_FOUND", "No such table", "{\"event\":\"table:complete\"}"));
}

static void what_could_not_be_done_says_so(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"table:complete\",{\"tableNumber\":5}]");
    fake_pool_fail(&s->gateway->pool, TW_EFULL, "");
    assert_packets(one, BOTH("OVERLOADED",
                             "There is too much to do right now; nothing was done. Try again.",
                             "{\"event\":\"table:complete\"}"));
}

static void requests_are_carried_out_in_their_order(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"table:complete\",{\"tableNumber\":5}]");
    emit(s, one, "21[\"join:station\",{\"station\":\"bar\"}]");
    emit(s, one, "22[\"orders:sync\"]");
    assert_packets(one, "");
    assert_int_equal(fake_pool_count(&s->gateway->pool), 1);
    answer_operation(&s->gateway->pool, "200", "{\"tableNumber\":\"5\"}");
    assert_operation(&s->gateway->pool, "orders_sync", "{}");
    assert_packets(
        one,
        "430[{\"success\":true,\"tableNumber\":\"5\"}]\n431[{\"success\":true,\"restaurantId\":"
        "\"" KITCHEN_ID "\"}]\n");
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *packet, *heard;
    } rows[] = {
        { "20[\"join:restaurant\"]",
          BOTH("INVALID_PAYLOAD", "\\\"restaurantId\\\" must be a string",
               "{\"event\":\"join:restaurant\"}") },
        { "20[\"join:restaurant\",{\"restaurantId\":\"kitchen\"}]",
          BOTH("INVALID_PAYLOAD", "\\\"restaurantId\\\" must be a string",
               "{\"event\":\"join:restaurant\"}") },
        { "20[\"orders:sync\",\"new\"]",
          BOTH("INVALID_PAYLOAD", "The payload must be an object.",
               "{\"event\":\"orders:sync\"}") },
        { "20[\"order:created\",{}]",
          BOTH("INVALID_PAYLOAD", "There is no such event.", "{}") },
        { "20[7]", BOTH("INVALID_PAYLOAD", "There is no such event.", "{}") },
    };
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        emit(s, one, rows[i].packet);
        assert_packets(one, rows[i].heard);
    }
    assert_int_equal(fake_pool_count(&s->gateway->pool), 0);
    assert_int_equal(one->close_code, 0);
}

static void ten_of_an_event_are_taken_in_a_second(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);
    uint64_t now_ms = s->gateway->loop->now_ms;

    for (int i = 0; i < 10; i++) {
        s->gateway->loop->now_ms = now_ms;
        emit(s, one, "20[\"join:station\",{\"station\":\"bar\"}]");
        assert_packets(one, ACK_JOINED);
    }
    s->gateway->loop->now_ms = now_ms + 999;
    emit(s, one, "20[\"join:station\",{\"station\":\"bar\"}]");
    assert_packets(one,
                   BOTH("RATE_LIMIT", "Rate limit exceeded", "{\"event\":\"join:station\"}"));
    emit(s, one, "20[\"join:restaurant\",\"kitchen\"]"); /* another event has its own ten */
    assert_packets(one, ACK_JOINED);
    s->gateway->loop->now_ms = now_ms + 1000;
    emit(s, one, "20[\"join:station\",{\"station\":\"bar\"}]");
    assert_packets(one, ACK_JOINED);
    assert_int_equal(s->all.limited.value, 1);
}

static void a_client_that_has_gone_is_answered_nothing(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    emit(s, one, "20[\"join:restaurant\",\"bakery\"]");
    emit(s, one, "20[\"table:complete\",{\"tableNumber\":5}]");
    cut_off(s, one);
    fake_pool_row(&s->gateway->pool, BAKERY_ID);
    end_turn(s->gateway);
    assert_int_equal(fake_pool_count(&s->gateway->pool), 0);
    assert_packets(one, "");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_screens, close_screens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_client_joins_its_restaurant_by_id_or_slug),
        test(before_it_joins_a_client_hears_nothing),
        test(a_restaurant_that_is_not_there_cannot_be_joined),
        test(another_restaurant_must_be_granted_by_the_token),
        test(a_client_leaves_the_restaurant_before_when_it_joins_another),
        test(a_client_may_leave_while_it_joins),
        test(a_client_joins_a_station_and_hears_its_alerts),
        test(a_station_is_one_of_four_and_of_the_clients_restaurant),
        test(the_orders_come_to_the_acknowledgement_and_as_an_event),
        test(an_order_takes_another_status_in_the_name_of_the_client),
        test(a_table_is_completed),
        test(what_could_not_be_done_says_so),
        test(requests_are_carried_out_in_their_order),
        test(what_is_no_request_is_refused),
        test(ten_of_an_event_are_taken_in_a_second),
        test(a_client_that_has_gone_is_answered_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
