/* client_test.c - docs/protocols/restaurantos.md sections 1 and 3: a client is let in or
 * refused, is told of its connection, and leaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/restaurant_os/client.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_screens.h"

#define REFUSED(code, message)                                                                 \
    "44{\"message\":\"Authentication error\",\"data\":{\"code\":\"" code "\",\"message\":"     \
    "\"" message "\"}}\n"
#define AUTH_FAILED                                                                            \
    REFUSED("AUTH_FAILED",                                                                     \
            "The token or API key is missing, wrong or expired. Get a new one and connect "    \
            "again.")
#define CONNECT "0{\"token\":\"" KITCHEN_TOKEN "\"}"

#define NO_TOKEN                                                                               \
    REFUSED("AUTH_FAILED",                                                                     \
            "There is no token, or it is no text. Connect with io(url, { auth: { token } }); " \
            "an Authorization: Bearer header and ?token= are read too.")

static void without_a_token_there_is_no_way_in(void **state)
{
    static const char *const packets[] = { "0",
                                           "0{}",
                                           "0{\"token\":\"\"}",
                                           "0{\"token\":7}",
                                           "0{\"token\":\" Bearer \"}",
                                           "0{\"token\":\"a.b.c\"}" };
    struct screens *s = *state;

    for (size_t i = 0; i < TW_COUNT(packets); i++) {
        struct screen *one = open_screen(s, 0);

        emit(s, one, packets[i]);
        assert_packets(one, strstr(packets[i], "a.b.c") == NULL ? NO_TOKEN : AUTH_FAILED);
        assert_int_equal(fake_pool_count(&s->gateway->pool), 0);
        cut_off(s, one);
    }
    assert_int_equal(s->all.refused.value, TW_COUNT(packets));
}

/* Written as in a header; or in a header, or in the address, of the connection's first request.
 */
static void a_token_is_found_wherever_clients_put_it(void **state)
{
    struct screens *s = *state;
    struct screen *one = open_screen(s, 0);

    emit(s, one, "0{\"token\":\" bearer " KITCHEN_TOKEN " \"}");
    find_kitchen(s);
    begin_stream(s->gateway, "16", "1");
    assert_packets(one, "40\n42[\"connection:status\",{\"state\":\"connected\"},\"16\"]\n");
    cut_off(s, one);

    s->request.headers[0] =
        (struct tw_http_header){ TW_LIT("authorization"), TW_LIT("Bearer " KITCHEN_TOKEN) };
    s->request.header_count = 1;
    one = open_screen(s, 0);
    emit(s, one, "0");
    find_kitchen(s);
    cut_off(s, one);

    s->request = (struct tw_http_request){ .query = TW_LIT("EIO=4&token=" KITCHEN_TOKEN) };
    one = open_screen(s, 0);
    emit(s, one, "0{\"token\":null}");
    find_kitchen(s);
    cut_off(s, one);

    one = open_screen(s, 0); /* one that is given counts, and no other is tried */
    emit(s, one, "0{\"token\":\"a.b.c\"}");
    assert_packets(one, AUTH_FAILED);
}

static void a_refusal_says_what_is_wrong(void **state)
{
    struct screens *s = *state;
    struct screen *one = open_screen(s, 0);

    emit(s, one, CONNECT);
    fake_pool_no_row(&s->gateway->pool);
    assert_packets(one, REFUSED("INVALID_RESTAURANT",
                                "There is no such restaurant. Check the token's "
                                "restaurant_id."));
    emit(s, one, CONNECT); /* it may try again on the same connection */
    fake_pool_row(&s->gateway->pool, KITCHEN_ID, "kitchen", "Kitchen", "suspended", NULL, NULL);
    assert_packets(
        one, REFUSED("TENANT_SUSPENDED", "This restaurant is suspended. Ask who operates it."));
    emit(s, one, "0{\"token\":\"pos_1\"}");
    fake_pool_row(&s->gateway->pool, "1", "401", "{\"error\":{}}", NULL, NULL, NULL, NULL,
                  NULL);
    assert_packets(one, AUTH_FAILED);
    emit(s, one, "0{\"token\":\"pos_2\"}");
    fake_pool_row(&s->gateway->pool, "1", "403", "{\"error\":{\"code\":\"TENANT_SUSPENDED\"}}",
                  NULL, NULL, NULL, NULL, NULL);
    assert_packets(
        one, REFUSED("TENANT_SUSPENDED", "This restaurant is suspended. Ask who operates it."));
}

static void while_credentials_cannot_be_checked_the_transport_is_closed(void **state)
{
    struct screens *s = *state;
    struct screen *one = open_screen(s, 0);

    emit(s, one, CONNECT);
    fake_pool_fail(&s->gateway->pool, TW_EDOWN, "");
    end_turn(s->gateway);
    assert_packets(one, ""); /* an error would end it for good */
    assert_int_equal(one->close_code, 1013);
}

static void an_api_key_lets_it_in_as_well(void **state)
{
    struct screens *s = *state;
    struct screen *one = open_screen(s, 0);

    emit(s, one, "0{\"token\":\"pos_1\"}");
    assert_non_null(strstr(fake_pool_sql(&s->gateway->pool), "pos.authenticate("));
    fake_pool_row(&s->gateway->pool, "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen",
                  "3f1d0d1e-0000-4000-8000-000000000001", NULL, NULL);
    begin_stream(s->gateway, "16", "1");
    assert_packets(one, "40\n42[\"connection:status\",{\"state\":\"connected\"},\"16\"]\n");
    assert_int_equal(s->all.started_anew.value, 1);
}

static void one_that_goes_while_it_is_checked_takes_nothing_with_it(void **state)
{
    struct screens *s = *state;
    struct screen *one = open_screen(s, 0);

    emit(s, one, CONNECT);
    cut_off(s, one);
    find_kitchen(s);
    assert_packets(one, "");
    assert_true(tw_list_empty(&s->gateway->sessions.list));
}

static struct gw_session *session_of(struct screens *s)
{
    assert_false(tw_list_empty(&s->gateway->sessions.list));
    return tw_container_of(s->gateway->sessions.list.next, struct gw_session, among);
}

/* In its CONNECT; else in the query of its connection's first request, or in a header there. */
static void it_has_the_name_that_it_gives_itself(void **state)
{
    static const struct {
        const char *connect, *query, *header, *name;
    } rows[] = {
        { "\"deviceId\":\"kitchen-1\"", "deviceId=b", "c", "kitchen-1" },
        { "\"device_id\":\"k \\\"2\\\"\"", "", "", "k \"2\"" },
        { "\"deviceId\":\"undefined\"", "deviceId=bar%201", "c", "bar 1" },
        { "\"deviceId\":7", "deviceId=&device_id=expo", "", "expo" },
        { "\"deviceId\":null", "", "c", "c" },
        { "\"deviceId\":\"a\\nb\"", "deviceId=a%00b", "c", "c" },
        { "\"x\":1", "", "", "" },
    };
    struct screens *s = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf packet = { .max = 1024 };
        struct screen *one;

        s->request = (struct tw_http_request){ .query = tw_slice_of(rows[i].query) };
        s->request.headers[0] =
            (struct tw_http_header){ TW_LIT("x-device-id"), tw_slice_of(rows[i].header) };
        s->request.header_count = rows[i].header[0] != '\0';
        tw_buf_text(&packet, "0{\"token\":\"" KITCHEN_TOKEN "\",");
        tw_buf_text(&packet, rows[i].connect);
        tw_buf_append(&packet, tw_slice_from("}", 2));
        one = open_screen(s, 0);
        emit(s, one, packet.at);
        find_kitchen(s);
        assert_row(tw_slice_is(gw_session_device(session_of(s)), rows[i].name),
                   rows[i].connect);
        cut_off(s, one);
        tw_buf_done(&packet);
    }
}

static void one_that_names_itself_is_offered_an_order_again_on_a_later_connection(void **state)
{
    static const char data[] = "{\"orderId\":\"a\",\"orderSource\":\"online\"}";
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0), *other = join_screen(s, 1);

    assert_true(gw_session_name(session_of(s), TW_LIT("kitchen-1")));
    publish(s->gateway, 17, "order.offered", "{\"kind\":\"timer\",\"devices\":[\"kitchen-1\"]}",
            data);
    assert_true((one->heard.len > 0) != (other->heard.len > 0));
}

static void when_its_credential_ends_it_is_told_and_does_not_come_back(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    gw_session_close(session_of(s), gw_closes.key_revoked);
    end_turn(s->gateway);
    assert_packets(one, "42[\"connection:status\",{\"state\":\"disconnected\",\"reason\":"
                        "\"AUTH_FAILED\"}]\n41\n");
    assert_int_equal(one->close_code, 1008);
    assert_true(tw_list_empty(&s->gateway->sessions.list));
}

static void when_its_restaurant_is_suspended_it_is_told_that(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    gw_session_close(session_of(s), gw_closes.tenant_suspended);
    end_turn(s->gateway);
    assert_packets(one, "42[\"connection:status\",{\"state\":\"disconnected\",\"reason\":"
                        "\"TENANT_SUSPENDED\"}]\n41\n");
}

static void after_any_other_close_it_comes_back(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    gw_session_close(session_of(s), gw_closes.lags);
    end_turn(s->gateway);
    assert_packets(one, "");
    assert_int_equal(one->close_code, 1013);
}

static void before_a_gateway_goes_it_says_when_to_come_back(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);

    gw_handler_farewell(one->eio->handler);
    assert_packets(one, "42[\"connection:status\",{\"state\":\"reconnecting\",\"nextRetry\":"
                        "1000}]\n");
}

static void an_event_reaches_all_that_have_joined(void **state)
{
    static const char frame[] =
        "42[\"table:completed\",{\"tableNumber\":\"5\",\"orderIds\":[],\"completedAt\":"
        "\"" EVENT_AT "\",\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":17},\"17\"]\n";
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0), *other = join_screen(s, 1);

    publish(s->gateway, 17, "table.completed", "{\"kind\":\"api\"}",
            "{\"tableNumber\":\"5\",\"orderIds\":[],\"completedAt\":\"" EVENT_AT "\"}");
    assert_packets(one, frame);
    assert_packets(other, frame);
    assert_int_equal(s->gateway->sessions.rendered.value, 1);
}

static void a_station_has_a_bit_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(gw_station_of(TW_LIT("kitchen")), GW_KITCHEN);
    assert_int_equal(gw_station_of(TW_LIT("expo")), GW_EXPO);
    assert_int_equal(gw_station_of(TW_LIT("bar")), GW_BAR);
    assert_int_equal(gw_station_of(TW_LIT("pos")), GW_POS);
    assert_int_equal(gw_station_of(TW_LIT("Bar")), 0);
    assert_int_equal(gw_station_of(TW_LIT("")), 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_screens, close_screens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_a_token_there_is_no_way_in),
        test(a_token_is_found_wherever_clients_put_it),
        test(a_refusal_says_what_is_wrong),
        test(while_credentials_cannot_be_checked_the_transport_is_closed),
        test(an_api_key_lets_it_in_as_well),
        test(one_that_goes_while_it_is_checked_takes_nothing_with_it),
        test(it_has_the_name_that_it_gives_itself),
        test(one_that_names_itself_is_offered_an_order_again_on_a_later_connection),
        test(when_its_credential_ends_it_is_told_and_does_not_come_back),
        test(when_its_restaurant_is_suspended_it_is_told_that),
        test(after_any_other_close_it_comes_back),
        test(before_a_gateway_goes_it_says_when_to_come_back),
        test(an_event_reaches_all_that_have_joined),
        cmocka_unit_test(a_station_has_a_bit_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
