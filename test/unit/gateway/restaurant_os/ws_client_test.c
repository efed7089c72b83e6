/* ws_client_test.c - docs/protocols/restaurantos_ws.md: the published client's messages, and
 * the words of our answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "gateway/websocket/frame.h"
#include "test/unit/gateway/support/fake_screens.h"

#define AT_16 "\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":16,\"oldestSeq\":1}\n"
#define NOW "\"timestamp\":now"
#define ERROR(code, message, details)                                                          \
    "{\"type\":\"error\",\"payload\":{\"success\":false,\"code\":\"" code                      \
    "\",\"message\":\"" message "\",\"error\":{\"code\":\"" code "\",\"message\":\"" message   \
    "\",\"details\":" details ",\"help\":\"/docs/errors#" code "\"}}," NOW "}\n"
#define CREATED(seq)                                                                           \
    "{\"type\":\"order:created\",\"payload\":{\"order\":{\"id\":\"41\",\"order_number\":"      \
    "\"KIT-41\",\"status\":\"new\",\"type\":null,\"items\":[],\"total\":1.00,"                 \
    "\"created_at\":null,\"restaurant_id\":\"" KITCHEN_ID "\",\"customer_name\":null,"         \
    "\"order_source\":null},\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":" seq                 \
    "},\"timestamp\":\"" EVENT_AT "\",\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":" seq "}\n"

static void create_order(struct screens *s, uint64_t seq)
{
    publish(s->gateway, seq, "order.created", "{\"kind\":\"api\"}",
            "{\"orderId\":41,\"orderNumber\":\"KIT-41\",\"status\":\"new\",\"items\":[],"
            "\"totalAmount\":1.00}");
}

/* A client with a token, whose stream has begun at 16; `by_message`: in its first message. */
static struct client *connect_client(struct screens *s, size_t i, bool by_message)
{
    struct gw_hello hello = { .scope = "pos", .by_message = by_message };
    struct gw_principal principal = { .claim = { .max = 10 } };
    struct gw_identity who = { .tenant = kitchen,
                               .principal = &principal,
                               .token = TW_LIT(KITCHEN_TOKEN) };
    struct client *c;

    tw_buf_text(&principal.claim, "{}");
    c = admit(s->gateway, i, &gw_restaurant_os_ws, &hello, &who);
    if (!c->session->is_greeted)
        begin_stream(s->gateway, "16", "1");
    tw_buf_done(&principal.claim);
    return c;
}

static struct client *connect_quietly(struct screens *s, size_t i)
{
    struct client *c = connect_client(s, i, false);

    tw_buf_clear(&c->heard);
    return c;
}

static void the_message_that_admits_it_is_answered_once(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_client(s, 0, true);

    assert_heard(c, "{\"type\":\"auth:success\"," NOW "," AT_16);
    tell(s->gateway, c, "{\"type\":\"auth\",\"token\":\"x\"}"); /* as it comes after that */
    assert_heard(c, "");
}

/* A proxy adds the credential, and the page still waits for auth:success. */
static void where_the_handshake_had_the_credential_auth_is_answered_too(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_client(s, 0, false);

    assert_heard(c, "{\"type\":\"connected\"," NOW ",\"auth_required\":false," AT_16);
    tell(s->gateway, c, "{\"type\":\"auth\",\"token\":\"x\"}");
    assert_heard(c,
                 "{\"type\":\"auth:success\"," NOW ",\"restaurant_id\":\"" KITCHEN_ID "\"}\n");
}

/* As programs write ?since= when they have no seq yet. */
static void a_since_without_a_value_is_said(void **state)
{
    struct screens *s = *state;
    struct gw_hello hello = { .scope = "pos", .since_is_empty = true };
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct client *c = admit(s->gateway, 0, &gw_restaurant_os_ws, &hello, &who);

    begin_stream(s->gateway, "16", "1");
    assert_heard(
        c, "{\"type\":\"connected\"," NOW ",\"auth_required\":false,\"warnings\":[{\"code\":"
           "\"SINCE_EMPTY\",\"message\":\"since has no value, so you hear what happens "
           "from now on.\"}]," AT_16);
}

static void it_hears_its_restaurant_without_a_join(void **state)
{
    struct screens *s = *state;
    struct client *one = connect_quietly(s, 0), *other = connect_quietly(s, 1);

    create_order(s, 17);
    assert_heard(one, CREATED("17"));
    assert_heard(other, CREATED("17"));
    assert_int_equal(s->gateway->sessions.rendered.value, 1);
    assert_renders(&gw_restaurant_os_ws, "inventory.updated", "{\"kind\":\"api\"}", "{}", "");
}

static void a_ping_is_answered(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);

    tell(s->gateway, c,
         "{\"type\":\"ping\",\"payload\":{\"timestamp\":7},\"timestamp\":\"x\"}");
    assert_heard(c, "{\"type\":\"pong\"," NOW ",\"restaurant_id\":\"" KITCHEN_ID "\"}\n");
}

/* It writes all names in snake case, and the restaurant beside the payload. */
static void the_restaurant_that_it_names_goes_with_the_request(void **state)
{
    static const struct {
        const char *message, *body;
    } rows[] = {
        { "{\"type\":\"orders:sync\",\"payload\":{\"request_full_sync\":true},"
          "\"restaurant_id\":\"kitchen\"}",
          "{\"restaurantId\":\"kitchen\",\"request_full_sync\":true}" },
        { "{\"type\":\"orders:sync\",\"restaurantId\":\"bakery\"}",
          "{\"restaurantId\":\"bakery\"}" },
        { "{\"type\":\"orders:sync\",\"payload\":{},\"restaurant_id\":7}",
          "{\"restaurantId\":7}" },
        { "{\"type\":\"orders:sync\",\"payload\":{\"restaurant_id\":\"a\"},"
          "\"restaurant_id\":\"b\"}",
          "{\"restaurant_id\":\"a\"}" },
        { "{\"type\":\"orders:sync\"}", "{}" },
    };
    struct screens *s = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct client *c = connect_quietly(s, 0);

        tell(s->gateway, c, rows[i].message);
        assert_operation(&s->gateway->pool, "orders_sync", rows[i].body);
        answer_operation(&s->gateway->pool, "200", "{\"orders\":[]}");
        leave_gateway(c);
    }
}

static void a_sync_is_answered_and_then_is_complete(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);

    tell(s->gateway, c, "{\"type\":\"orders:sync\",\"payload\":{}}");
    answer_operation(&s->gateway->pool, "200", "{\"orders\":[]}");
    assert_heard(c, "{\"type\":\"orders:sync:complete\",\"payload\":{\"orders\":[]}," NOW
                    "}\n{\"type\":\"sync_complete\",\"payload\":{\"status\":\"synced\"}," NOW
                    "}\n");
}

static void what_is_no_request_is_refused_in_the_form_of_all_errors(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);

    tell(s->gateway, c, "[]");
    assert_heard(
        c, ERROR("INVALID_PAYLOAD", "A message is a JSON object with a \\\"type\\\".", "{}"));
    tell(s->gateway, c, "{\"type\":7}");
    assert_heard(
        c, ERROR("INVALID_PAYLOAD", "A message is a JSON object with a \\\"type\\\".", "{}"));
    tell(s->gateway, c, "{\"type\":\"order:update_item_status\",\"payload\":{}}");
    assert_heard(c, ERROR("INVALID_PAYLOAD", "There is no such event.", "{}"));
    tell(s->gateway, c, "{\"type\":\"orders:sync\",\"payload\":[]}");
    assert_heard(c, ERROR("INVALID_PAYLOAD", "The payload must be an object.",
                          "{\"event\":\"orders:sync\"}"));
    tell(s->gateway, c, "{");
    assert_true(tw_slice_starts(tw_buf_view(&c->heard),
                                TW_LIT("{\"type\":\"error\",\"payload\":{\"success\":false,"
                                       "\"code\":\"INVALID_JSON\",\"message\":\"Invalid "
                                       "message format: ")));
    assert_int_equal(c->close_code, 0);
    assert_int_equal(fake_pool_count(&s->gateway->pool), 0);
}

static void more_than_ten_of_an_event_in_a_second_are_refused(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);

    for (size_t i = 0; i < 10; i++)
        tell(s->gateway, c, "{\"type\":\"nonsense\"}");
    tw_buf_clear(&c->heard);
    tell(s->gateway, c, "{\"type\":\"nonsense\"}");
    assert_heard(c, ERROR("RATE_LIMIT", "Rate limit exceeded", "{}"));
}

static void one_that_resumes_hears_what_it_has_missed(void **state)
{
    struct screens *s = *state;
    struct client *one = connect_quietly(s, 0), *other = connect_quietly(s, 1);

    create_order(s, 17);
    tw_buf_clear(&one->heard);
    tell(s->gateway, one, "{\"type\":\"resume\",\"since\":16}");
    assert_heard(one, ERROR("RESUME_TOO_LATE",
                            "Events were sent already, or it was resumed before. Connect "
                            "again with ?since=.",
                            "{}"));
    leave_gateway(one);
    (void)other;
    one = connect_quietly(s, 0);
    tell(s->gateway, one, "{\"type\":\"resume\",\"payload\":{\"since\":16}}");
    assert_heard(one, CREATED("17"));
    tell(s->gateway, one, "{\"type\":\"resume\",\"since\":\"x\"}");
    assert_true(memmem(one->heard.at, one->heard.len, "INVALID_SINCE", 13) != NULL);
}

static void what_is_no_longer_kept_is_said(void **state)
{
    struct screens *s = *state;
    struct gw_hello hello = { .scope = "pos", .resumes = true, .since = 3 };
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct client *c = admit(s->gateway, 0, &gw_restaurant_os_ws, &hello, &who);

    begin_stream(s->gateway, "16", "9");
    assert_heard(c, "{\"type\":\"connected\"," NOW ",\"auth_required\":false,"
                    "\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":16,\"oldestSeq\":9}\n"
                    "{\"type\":\"resync_required\"," NOW ",\"restaurant_id\":\"" KITCHEN_ID
                    "\",\"seq\":16,\"oldestSeq\":9}\n");
}

/* Rooms of the two framings are apart: each gets the batch in its own form. */
static void a_batch_comes_in_its_own_form(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);
    struct screen *screen = join_screen(s, 0);

    create_order(s, 17);
    create_order(s, 18);
    tw_buf_clear(&c->heard);
    tw_buf_clear(&screen->heard);
    tw_deadlines_run(&s->gateway->loop->deadlines, s->gateway->loop->now_ms + 200);
    end_turn(s->gateway);
    assert_true(
        tw_slice_starts(tw_buf_view(&c->heard),
                        TW_LIT("{\"type\":\"orders:batch_update\",\"payload\":[{"
                               "\"type\":\"order:created\",\"orderId\":\"41\",\"seq\":17,"
                               "\"data\":{\"order\":{\"id\":\"41\",")));
    assert_true(
        tw_slice_starts(tw_buf_view(&screen->heard),
                        TW_LIT("42[\"orders:batch_update\",[{\"type\":\"order:created\","
                               "\"orderId\":\"41\",\"seq\":17,\"data\":{\"id\":\"41\",")));
}

/* Its token grants another restaurant too. */
static void it_may_move_to_another_restaurant(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);
    struct gw_screen *screen = gw_screen_of(c->session);

    tw_buf_clear(&screen->token);
    tw_buf_text(&screen->token, TOKEN_FOR_TWO);
    tell(s->gateway, c, "{\"type\":\"join:restaurant\",\"payload\":\"bakery\"}");
    fake_pool_row(&s->gateway->pool, BAKERY_ID);
    end_turn(s->gateway);
    fake_pool_row(&s->gateway->pool, BAKERY_ID, "bakery", "Bakery", "active", NULL, NULL);
    end_turn(s->gateway);
    fake_link_confirm(&s->gateway->hubs.subscriber, "tw:t:" BAKERY_ID);
    answer_head(s->gateway, "5", "1");
    assert_heard(c, "{\"type\":\"connected\"," NOW ",\"auth_required\":false,"
                    "\"restaurant_id\":\"" BAKERY_ID "\",\"seq\":5,\"oldestSeq\":1}\n");
    create_order(s, 17); /* of the kitchen */
    assert_heard(c, "");
}

static void one_that_goes_in_the_middle_of_a_request_takes_nothing_with_it(void **state)
{
    struct screens *s = *state;
    struct client *c = connect_quietly(s, 0);

    tell(s->gateway, c, "{\"type\":\"orders:sync\"}");
    tell(s->gateway, c, "{\"type\":\"join:restaurant\",\"payload\":\"bakery\"}");
    leave_gateway(c);
    answer_operation(&s->gateway->pool, "200", "{\"orders\":[]}");
    assert_int_equal(fake_pool_count(&s->gateway->pool), 0);
    assert_true(tw_list_empty(&s->gateway->sessions.list));
}

/* --- Before it is admitted -------------------------------------------------------------------
 */

static void check_credential(const char *json, const char *in_address, const char *credential,
                             const char *restaurant)
{
    struct gw_hello hello = { .scope = "pos" };
    struct tw_buf text = { .max = TW_JWT_BYTES };
    bool is_there;

    memcpy(hello.restaurant, in_address, strlen(in_address));
    is_there = gw_restaurant_os_ws.first_words->find(tw_slice_of(json), &hello, &text);
    assert_row(is_there == (credential != NULL), json);
    if (is_there)
        assert_buf(&text, credential);
    assert_string_equal(hello.restaurant, restaurant);
    tw_buf_done(&text);
}

static void the_first_message_is_auth_with_a_token(void **state)
{
    (void)state;
    check_credential("{\"type\":\"auth\",\"token\":\"pos_1\"}", "", "pos_1", "");
    check_credential("{\"type\":\"auth\",\"token\":\"Bearer pos_1\"}", "", "pos_1", "");
    check_credential("{\"type\":\"auth\",\"token\":\"pos_1\",\"restaurant_id\":\"kitchen\"}",
                     "", "pos_1", "kitchen");
    check_credential("{\"type\":\"auth\",\"token\":\"pos_1\",\"restaurant_id\":\"kitchen\"}",
                     "bakery", "pos_1", "bakery");
    check_credential("{\"type\":\"auth\",\"token\":\"pos_1\",\"restaurant_id\":\"undefined\"}",
                     "", "pos_1", "");
    check_credential("{\"type\":\"auth\",\"token\":\"\"}", "", NULL, "");
    check_credential("{\"type\":\"auth\",\"token\":7}", "", NULL, "");
    check_credential("{\"type\":\"auth\"}", "", NULL, "");
    check_credential("{\"type\":\"ping\",\"token\":\"pos_1\"}", "", NULL, "");
}

static void an_address_names_the_restaurant(void **state)
{
    static const struct {
        const char *query, *restaurant, *refusal;
        bool resumes;
    } rows[] = {
        { "restaurant_id=kitchen", "kitchen", NULL, false },
        { "restaurant_id=undefined", "", NULL, false },
        { "restaurant_id=null", "", NULL, false },
        { "restaurant_id=", "", NULL, false },
        { "restaurant_id=kitchen&since=7", "kitchen", NULL, true },
        { "restaurant_id=kitchen&since=x", "kitchen", "INVALID_SINCE", false },
        { "restaurant_id="
          "0123456789012345678901234567890123456789012345678901234567890123456789",
          "", "INVALID_RESTAURANT", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .path = TW_LIT("/"),
                                       .query = tw_slice_of(rows[i].query) };
        struct gw_hello hello = { .scope = "pos" };

        assert_row(gw_restaurant_os_ws.claims(&req, &hello), rows[i].query);
        assert_string_equal(hello.restaurant, rows[i].restaurant);
        assert_row(hello.resumes == rows[i].resumes, rows[i].query);
        assert_row(tw_slice_is(tw_slice_of(hello.refusal), rows[i].refusal), rows[i].query);
    }
}

static void a_refusal_is_said_before_the_close(void **state)
{
    struct tw_buf out = { .max = 1000 };

    (void)state;
    gw_restaurant_os_ws.first_words->refuse("TENANT_SUSPENDED", &out);
    assert_true(tw_slice_starts(
        tw_buf_view(&out),
        TW_LIT("{\"type\":\"auth:failed\",\"error\":\"This restaurant is suspended. Ask who "
               "operates it.\",\"code\":\"TENANT_SUSPENDED\",\"timestamp\":\"")));
    tw_buf_clear(&out);
    gw_restaurant_os_ws.first_words->refuse(NULL, &out);
    assert_true(tw_slice_starts(
        tw_buf_view(&out), TW_LIT("{\"type\":\"error\",\"error\":\"Authentication required")));
    tw_buf_clear(&out);
    gw_restaurant_os_ws.first_words->invite(&out);
    assert_true(memmem(out.at, out.len, "\"auth_required\":true}", 21) != NULL);
    tw_buf_done(&out);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_screens, close_screens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_message_that_admits_it_is_answered_once),
        test(where_the_handshake_had_the_credential_auth_is_answered_too),
        test(a_since_without_a_value_is_said),
        test(it_hears_its_restaurant_without_a_join),
        test(a_ping_is_answered),
        test(the_restaurant_that_it_names_goes_with_the_request),
        test(a_sync_is_answered_and_then_is_complete),
        test(what_is_no_request_is_refused_in_the_form_of_all_errors),
        test(more_than_ten_of_an_event_in_a_second_are_refused),
        test(one_that_resumes_hears_what_it_has_missed),
        test(what_is_no_longer_kept_is_said),
        test(a_batch_comes_in_its_own_form),
        test(it_may_move_to_another_restaurant),
        test(one_that_goes_in_the_middle_of_a_request_takes_nothing_with_it),
        cmocka_unit_test(the_first_message_is_auth_with_a_token),
        cmocka_unit_test(an_address_names_the_restaurant),
        cmocka_unit_test(a_refusal_is_said_before_the_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
