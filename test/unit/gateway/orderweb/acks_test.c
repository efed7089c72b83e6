/* acks_test.c - what a till says about orders: one after the other, with its key, and each is
 * answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/orderweb/acks.h"

#include <string.h>

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "gateway/orderweb/orderweb.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define ACK(id) "{\"type\":\"order_ack\",\"orderId\":\"" id "\",\"state\":\"received\"}"
#define DATA                                                                                   \
    "{\"orderId\":\"a\",\"orderNumber\":\"N\",\"orderSource\":\"online\",\"status\":\"new\"}"
#define GOOD "{\"success\":true,\"orderId\":\"a\",\"status\":\"new\"}"

static struct client *connect_key(struct gateway *g, size_t i, const char *only)
{
    struct gw_principal principal = { .has_key = true, .only = { .max = 64 } };
    struct gw_identity who = { .tenant = kitchen,
                               .key_id = "11111111-0000-4000-8000-000000000001",
                               .principal = &principal };
    struct gw_hello hello = { .scope = "pos" };
    struct client *c;

    memset(principal.key_hash, 'b', sizeof(principal.key_hash));
    tw_buf_text(&principal.only, only);
    c = admit(g, i, &gw_orderweb, &hello, &who);
    begin_stream(g, "16", "1");
    tw_buf_clear(&c->heard);
    gw_principal_done(&principal);
    return c;
}

static bool has_heard(struct client *c, const char *text)
{
    bool is_there;

    tw_buf_char(&c->heard, '\0');
    is_there = strstr(c->heard.at, text) != NULL;
    c->heard.len--;
    return is_there;
}

static void an_acknowledgement_is_one_operation_with_the_key_of_the_till(void **state)
{
    struct gateway *g = *state;
    struct client *c = connect_key(g, 0, "");

    tell(g, c, ACK("a"));
    assert_operation(&g->pool, "order_answer", ACK("a"));
    assert_true(tw_slice_starts(operation_context(&g->pool, "keyHash"), TW_LIT("\"bbbb")));
    assert_slice(operation_context(&g->pool, "kind"), "\"socket\"");
    answer_operation(&g->pool, "200", GOOD);
    assert_true(has_heard(c, "{\"type\":\"order_ack\",\"success\":true,\"orderId\":\"a\","
                             "\"status\":\"new\",\"timestamp\":"));
}

static void they_are_carried_out_one_after_the_other(void **state)
{
    struct gateway *g = *state;
    struct client *c = connect_key(g, 0, "");

    tell(g, c, ACK("a"));
    tell(g, c, ACK("b"));
    assert_int_equal(fake_pool_count(&g->pool), 1);
    answer_operation(&g->pool, "200", GOOD);
    assert_operation(&g->pool, "order_answer", ACK("b"));
    answer_operation(&g->pool, "404",
                     "{\"success\":false,\"error\":{\"code\":\"ORDER_NOT_FOUND\",\"message\":"
                     "\"No \\\"b\\\".\"}}");
    assert_true(has_heard(
        c, "{\"type\":\"error\",\"code\":\"ORDER_NOT_FOUND\",\"message\":"
           "\"No \\\"b\\\".\",\"help\":\"/docs/errors#ORDER_NOT_FOUND\",\"timestamp\":"));
    assert_true(has_heard(c, ",\"orderId\":\"b\"}"));
}

static void while_many_wait_no_more_is_read(void **state)
{
    struct gateway *g = *state;
    struct client *c = connect_key(g, 0, "");
    unsigned begun;

    assert_true(gw_orderweb.may_read(c->session));
    for (int i = 0; i < GW_TILL_ACKS; i++)
        tell(g, c, ACK("a"));
    assert_false(gw_orderweb.may_read(c->session));
    begun = c->begun;
    answer_operation(&g->pool, "200", GOOD);
    assert_true(gw_orderweb.may_read(c->session));
    assert_true(c->begun > begun);
}

static void an_order_is_offered_again_to_who_has_acknowledged_one(void **state)
{
    struct gateway *g = *state;
    struct client *silent = connect_key(g, 0, "");
    struct client *c = connect_orderweb(g, 1, false, 0);

    tell(g, silent, ACK("a"));
    answer_operation(&g->pool, "409",
                     "{\"success\":false,\"error\":{\"code\":\"X\",\"message\":\"x\"}}");
    publish(g, 17, "order.offered", "{\"kind\":\"timer\"}", DATA);
    assert_false(has_heard(silent, "new_order"));
    tell(g, silent, ACK("a"));
    answer_operation(&g->pool, "200", GOOD);
    publish(g, 18, "order.offered", "{\"kind\":\"timer\"}", DATA);
    assert_true(has_heard(silent, "\"type\":\"new_order\""));
    assert_true(has_heard(silent, "\"seq\":18"));
    assert_false(has_heard(c, "new_order"));
}

/* As it is after a cut, or where it acknowledges by REST. */
static void an_order_is_offered_again_to_the_devices_that_the_event_names(void **state)
{
    struct gateway *g = *state;
    struct client *named = connect_key(g, 0, ""), *escaped = connect_orderweb(g, 1, false, 0);
    struct client *other = connect_orderweb(g, 2, false, 0);
    struct client *nameless = connect_orderweb(g, 3, false, 0);

    assert_true(gw_session_name(named->session, TW_LIT("till-1")));
    assert_true(gw_session_name(escaped->session, TW_LIT("\"bar\"")));
    assert_true(gw_session_name(other->session, TW_LIT("till-11")));
    publish(g, 17, "order.offered",
            "{\"kind\":\"timer\",\"devices\":[\"\",\"till\",\"\\\"bar\\\"\",\"till-1\"]}",
            DATA);
    assert_true(has_heard(named, "\"type\":\"new_order\""));
    assert_true(has_heard(escaped, "\"type\":\"new_order\""));
    assert_false(has_heard(other, "new_order"));
    assert_false(has_heard(nameless, "new_order"));
}

static void what_it_said_before_it_left_is_carried_out(void **state)
{
    struct gateway *g = *state;
    struct client *c = connect_key(g, 0, "");

    tell(g, c, ACK("a"));
    tell(g, c, ACK("b"));
    leave_gateway(c);
    answer_operation(&g->pool, "200", GOOD);
    assert_operation(&g->pool, "order_answer", ACK("b"));
    answer_operation(&g->pool, "200", GOOD);
}

static void a_ticket_with_fewer_rights_than_its_key_only_listens(void **state)
{
    struct gateway *g = *state;
    struct client *c = connect_key(g, 0, "[\"console\"]");

    tell(g, c, ACK("a"));
    assert_int_equal(fake_pool_count(&g->pool), 0);
    assert_true(has_heard(c, "\"code\":\"PERMISSION_DENIED\""));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_acknowledgement_is_one_operation_with_the_key_of_the_till),
        test(they_are_carried_out_one_after_the_other),
        test(while_many_wait_no_more_is_read),
        test(an_order_is_offered_again_to_who_has_acknowledged_one),
        test(an_order_is_offered_again_to_the_devices_that_the_event_names),
        test(what_it_said_before_it_left_is_carried_out),
        test(a_ticket_with_fewer_rights_than_its_key_only_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
