/* orderweb_test.c - docs/protocols/orderweb.md: who is claimed, who hears what, and each
 * frame's
 * bytes. SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"
#include "common/net/http_message.h"
#include "common/util/base.h"
#include "gateway/dialects.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/frame.h"
#include "test/unit/support/check.h"

static const struct gw_tenant kitchen = { .id = "69fb5687-044a-48af-ac0e-d6b817aec684",
                                          .slug = "kitchen" };

static bool claims(const char *path, const char *query, struct gw_hello *hello)
{
    struct tw_http_request req = { .method = TW_GET,
                                   .path = tw_slice_of(path),
                                   .query = tw_slice_of(query) };

    *hello = (struct gw_hello){ .scope = "pos" };
    return gw_orderweb.claims(&req, hello);
}

static void it_claims_its_address_and_no_other(void **state)
{
    static const char *const others[] = {
        "/",
        "/ws",
        "/ws/",
        "/ws/pos",
        "/ws/pos/",
        "/ws/pos/kitchen/",
        "/ws/pos/kitchen/orders",
        "/ws/pos//kitchen",
        "//ws/pos/kitchen",
        "/ws/poskitchen",
        "/WS/POS/kitchen",
        "/ws/pos%2Fkitchen",
        "/api/ws/pos/kitchen",
        "/socket.io/",
    };
    struct gw_hello hello;

    (void)state;
    assert_true(claims("/ws/pos/kitchen", NULL, &hello));
    assert_slice(hello.tenant, "kitchen");
    assert_string_equal(hello.scope, "pos,console,console:write");
    assert_false(hello.hears_all);
    assert_false(hello.resumes);
    assert_null(hello.refusal);
    assert_true(claims("/ws/pos/k%69tchen", NULL, &hello));
    assert_slice(hello.tenant, "k%69tchen"); /* decoded by who asks for the tenant */
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_row(!claims(others[i], NULL, &hello), others[i]);
}

static void all_events_are_heard_by_who_asks_for_them(void **state)
{
    static const struct {
        const char *query;
        bool hears_all;
    } rows[] = {
        { "events=all", true },
        { "a=b&events=all", true },
        { "events=%61ll", true },
        { "events=", false },
        { "events", false },
        { "events=ALL", false },
        { "events=all,orders", false },
        { "event=all", false },
        { "", false },
        { "events=x&events=all", false },
    };
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        assert_row(claims("/ws/pos/kitchen", rows[i].query, &hello), rows[i].query);
        assert_row(hello.hears_all == rows[i].hears_all, rows[i].query);
        assert_row(hello.refusal == NULL, rows[i].query);
    }
}

static void since_is_a_whole_number_or_a_refusal(void **state)
{
    static const struct {
        const char *query;
        uint64_t since;
    } good[] = {
        { "since=0", 0 },
        { "since=41", 41 },
        { "events=all&since=007&x", 7 },
        { "since=%34%31", 41 },
        { "since=18446744073709551615", UINT64_MAX },
    };
    static const char *const bad[] = { "since=-1",
                                       "since=+1",
                                       "since=1.0",
                                       "since=abc",
                                       "since=0x10",
                                       "since=1%00",
                                       "since=18446744073709551616",
                                       "since=1%",
                                       "since=2026-01-05T18:00:00Z" };
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        assert_row(claims("/ws/pos/kitchen", good[i].query, &hello), good[i].query);
        assert_row(hello.resumes && hello.refusal == NULL, good[i].query);
        assert_row(hello.since == good[i].since, good[i].query);
    }
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        assert_row(claims("/ws/pos/kitchen", bad[i], &hello), bad[i]);
        assert_row(!hello.resumes && hello.refusal != NULL, bad[i]);
        assert_string_equal(hello.refusal, "INVALID_SINCE");
    }
}

static void since_without_a_value_is_from_now_on(void **state)
{
    static const char *const queries[] = { "since=", "since", "since=undefined", "since=null&x",
                                           "since=%20" };
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(queries); i++) {
        assert_row(claims("/ws/pos/kitchen", queries[i], &hello), queries[i]);
        assert_row(!hello.resumes && hello.refusal == NULL && hello.since_is_empty, queries[i]);
    }
    assert_true(claims("/ws/pos/kitchen", "x=1", &hello));
    assert_false(hello.since_is_empty);
}

static void a_handshake_finds_its_dialect_in_the_table(void **state)
{
    struct tw_http_request req = { .path = TW_LIT("/ws/pos/kitchen") };
    struct gw_dialects all = gw_all_dialects(NULL, NULL, NULL);
    struct gw_hello hello;

    (void)state;
    assert_ptr_equal(gw_dialect_of(&all, &req, &hello), &gw_orderweb);
    assert_slice(hello.tenant, "kitchen");
    assert_string_equal(hello.scope, "pos,console,console:write");
    assert_ptr_equal(all.rows[gw_dialect_index(&all, &gw_orderweb)].dialect, &gw_orderweb);
    req.path = TW_LIT("/nowhere");
    assert_null(gw_dialect_of(&all, &req, &hello));
}

/* An event of this type with these data. */
static struct tw_event event_of(struct tw_buf *text, uint64_t seq, const char *type,
                                const char *data)
{
    struct tw_event ev = { 0 };

    tw_buf_clear(text);
    tw_buf_text(text, "{\"seq\":");
    tw_buf_u64(text, seq);
    tw_buf_text(text, ",\"type\":\"");
    tw_buf_text(text, type);
    tw_buf_text(text, "\",\"at\":\"2026-01-05T18:00:02.117Z\",\"origin\":{\"kind\":\"api\","
                      "\"device\":\"till-1\"},\"data\":");
    tw_buf_text(text, data);
    tw_buf_text(text, "}");
    assert_int_equal(tw_event_read(tw_buf_view(text), &ev), 0);
    return ev;
}

static const struct {
    const char *type, *data;
    bool is_heard, is_heard_by_all; /* the latter with ?events=all */
} hearings[] = {
    { "order.created", "{\"orderSource\":\"online\"}", true, true },
    { "order.updated", "{\"orderSource\":\"online\"}", true, true },
    { "order.status_changed", "{\"orderSource\":\"online\"}", true, true },
    { "order.created", "{\"orderSource\":\"pos\"}", false, false },
    { "order.updated", "{\"orderSource\":\"pos\"}", false, false },
    { "order.status_changed", "{\"orderSource\":\"phone\"}", false, false },
    { "order.deleted", "{\"orderSource\":\"pos\",\"previousStatus\":\"new\"}", false, false },
    { "order.created", "{\"orderSource\":\"Online\"}", false, false },
    { "order.created", "{\"orderSource\":\"online2\"}", false, false },
    { "order.created", "{\"orderSource\":null}", false, false },
    { "order.created", "{\"orderSource\":[\"online\"]}", false, false },
    { "order.created", "{\"items\":[{\"orderSource\":\"online\"}]}", false, false },
    { "order.created", "{}", false, false },
    /* Its cancellation was heard as a change of status; any other deletion was not. */
    { "order.deleted", "{\"orderSource\":\"online\",\"previousStatus\":\"cancelled\"}", false,
      false },
    { "order.deleted", "{\"orderSource\":\"online\",\"previousStatus\":\"confirmed\"}", true,
      true },
    { "order.deleted", "{\"orderSource\":\"online\",\"previousStatus\":null}", true, true },
    { "order.status_changed",
      "{\"orderSource\":\"online\",\"previousStatus\":\"cancelled\",\"status\":\"new\"}", true,
      true },
    { "order.acknowledged", "{\"orderSource\":\"online\"}", false, true },
    { "order.acknowledged", "{\"orderSource\":\"pos\"}", false, false },
    { "gift_card.purchased", "{}", true, true },
    { "gift_card.purchased", "{\"orderSource\":\"pos\"}", true, true },
    { "gift_card.updated", "{\"amount\":-5.00}", false, true },
    { "gift_card.hold", "{\"amount\":5.00}", false, true },
    { "loyalty.updated", "{}", true, true },
    { "customer.erased", "{\"customerId\":1001}", false, true },
    { "order.forgotten", "{\"orderSource\":\"online\"}", false, false },
    { "order.", "{\"orderSource\":\"online\"}", false, false },
    { "gift_card", "{}", false, false },
    { "menu.updated", "{}", false, false },
    { "x", "{}", false, false },
};

static void tills_hear_of_online_orders_and_of_all_cards_and_points(void **state)
{
    const struct gw_identity who = { 0 };
    const struct gw_hello hellos[] = { { .hears_all = false }, { .hears_all = true } };
    struct gw_session *plain = gw_orderweb.open(NULL, &hellos[0], &who);
    struct gw_session *all = gw_orderweb.open(NULL, &hellos[1], &who);
    struct tw_buf text = { .max = 65536 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(hearings); i++) {
        struct tw_event ev = event_of(&text, 1, hearings[i].type, hearings[i].data);

        assert_row((gw_orderweb.hears(plain, &ev, gw_orderweb.audience(&ev)) == GW_SHARED) ==
                       hearings[i].is_heard,
                   hearings[i].data);
        assert_row((gw_orderweb.hears(all, &ev, gw_orderweb.audience(&ev)) == GW_SHARED) ==
                       hearings[i].is_heard_by_all,
                   hearings[i].data);
    }
    gw_orderweb.closed(plain);
    gw_orderweb.closed(all);
    tw_buf_done(&text);
}

/* The one frame that an event becomes is this text. */
static void check_render(uint64_t seq, const char *type, const char *data, const char *want)
{
    struct tw_buf text = { .max = 1048576 };
    struct tw_event ev = event_of(&text, seq, type, data);
    struct gw_batch batch = { 0 };

    gw_orderweb.render(&kitchen, &ev, &batch);
    assert_int_equal(batch.count, 1);
    assert_slice(gw_frame_payload(batch.frames[0]), want);
    gw_batch_done(&batch);
    tw_buf_done(&text);
}

#define ENVELOPE(type, seq)                                                                    \
    "{\"type\":\"" type "\",\"tenant\":\"kitchen\",\"timestamp\":"                             \
    "\"2026-01-05T18:00:02.117Z\",\"seq\":" seq

static void a_new_order_is_the_documents_example(void **state)
{
    (void)state;
    check_render(
        41, "order.created",
        "{\"orderId\":\"8f0c6b1e-0d0b-4c57-8d3a-5f0d4c7a9b11\",\"orderNumber\":\"KIT-0041\","
        "\"customerName\":\"Ada\",\"customerPhone\":\"+447700900111\",\"orderType\":\"pickup\","
        "\"orderSource\":\"online\",\"status\":\"confirmed\",\"totalAmount\":21.40,"
        "\"items\":[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2,"
        "\"selectedAddons\":[]}],\"specialInstructions\":null,\"scheduledFor\":null,"
        "\"createdAt\":\"2026-01-05T18:00:02.101Z\",\"tableNumber\":null,"
        "\"updatedAt\":\"2026-01-05T18:00:02.101Z\",\"previousStatus\":null}",
        ENVELOPE(
            "new_order",
            "41") ",\"data\":{"
                  "\"orderId\":\"8f0c6b1e-0d0b-4c57-8d3a-5f0d4c7a9b11\",\"orderNumber\":\"KIT-"
                  "0041\","
                  "\"customerName\":\"Ada\",\"customerPhone\":\"+447700900111\",\"orderType\":"
                  "\"pickup\","
                  "\"orderSource\":\"online\",\"status\":\"confirmed\",\"totalAmount\":21.40,"
                  "\"items\":[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2,"
                  "\"selectedAddons\":[]}],\"specialInstructions\":null,\"scheduledFor\":null,"
                  "\"createdAt\":\"2026-01-05T18:00:02.101Z\"}}");
}

#define ORDER                                                                                  \
    "{\"orderId\":12345,\"orderNumber\":\"KIT-7\",\"customerName\":\"Ada\","                   \
    "\"orderSource\":\"online\",\"status\":\"cancelled\",\"totalAmount\":21.40,\"items\":[],"  \
    "\"updatedAt\":\"2026-01-05T18:00:02.100Z\",\"previousStatus\":\"confirmed\","             \
    "\"reason\":\"no rice\"}"
#define ORDER_UPDATED                                                                          \
    ",\"order_id\":12345,\"status\":\"cancelled\",\"data\":{\"orderId\":12345,"                \
    "\"orderNumber\":\"KIT-7\",\"status\":\"cancelled\",\"previousStatus\":\"confirmed\","     \
    "\"updatedAt\":\"2026-01-05T18:00:02.100Z\"}}"

static void every_change_of_an_order_is_one_kind_of_frame_with_aliases(void **state)
{
    (void)state;
    check_render(42, "order.updated", ORDER, ENVELOPE("order_updated", "42") ORDER_UPDATED);
    check_render(43, "order.status_changed", ORDER,
                 ENVELOPE("order_updated", "43") ORDER_UPDATED);
    check_render(44, "order.deleted", ORDER, ENVELOPE("order_updated", "44") ORDER_UPDATED);
}

static void a_purchased_card_has_its_documented_members_alone(void **state)
{
    (void)state;
    check_render(
        45, "gift_card.purchased",
        "{\"cardNumber\":\"GC-1001\",\"initialBalance\":50.00,"
        "\"currentBalance\":50.00,\"purchasedBy\":\"Ada\",\"recipientName\":\"Bob\","
        "\"recipientEmail\":\"bob@example.com\",\"expiryDate\":\"2027-01-05\","
        "\"purchasedAt\":\"2026-01-05T18:00:02.000Z\",\"transactionId\":9}",
        ENVELOPE(
            "gift_card_purchased",
            "45") ",\"data\":{"
                  "\"cardNumber\":\"GC-1001\",\"initialBalance\":50.00,"
                  "\"currentBalance\":50.00,\"purchasedBy\":\"Ada\",\"recipientName\":\"Bob\","
                  "\"recipientEmail\":\"bob@example.com\",\"expiryDate\":\"2027-01-05\","
                  "\"purchasedAt\":\"2026-01-05T18:00:02.000Z\"}}");
}

static void a_cards_movement_has_aliases(void **state)
{
    (void)state;
    check_render(
        46, "gift_card.updated",
        "{\"cardNumber\":\"GC-1001\",\"balance\":37.50,\"amount\":-12.50,"
        "\"transactionId\":10,\"orderId\":null,\"status\":\"active\","
        "\"updatedAt\":\"2026-01-05T18:00:02.000Z\"}",
        ENVELOPE(
            "gift_card_updated",
            "46") ",\"card_number\":\"GC-1001\","
                  "\"balance\":37.50,\"data\":{\"cardNumber\":\"GC-1001\",\"balance\":37.50,"
                  "\"amount\":-12.50,\"transactionId\":10,\"orderId\":null,"
                  "\"status\":\"active\",\"updatedAt\":\"2026-01-05T18:00:02.000Z\"}}");
}

static void a_hold_of_a_card_has_aliases(void **state)
{
    (void)state;
    check_render(
        47, "gift_card.hold",
        "{\"cardNumber\":\"GC-1001\",\"holdId\":\"h\",\"state\":\"open\",\"amount\":20.00,"
        "\"available\":17.50,\"orderId\":\"o1\",\"expiresAt\":\"2026-01-05T18:10:02.000Z\","
        "\"updatedAt\":\"2026-01-05T18:00:02.000Z\"}",
        ENVELOPE(
            "gift_card_hold",
            "47") ",\"card_number\":\"GC-1001\","
                  "\"available\":17.50,\"data\":{\"cardNumber\":\"GC-1001\",\"holdId\":\"h\","
                  "\"state\":\"open\",\"amount\":20.00,\"available\":17.50,\"orderId\":\"o1\","
                  "\"expiresAt\":\"2026-01-05T18:10:02.000Z\","
                  "\"updatedAt\":\"2026-01-05T18:00:02.000Z\"}}");
}

static void points_have_aliases(void **state)
{
    (void)state;
    check_render(
        47, "loyalty.updated",
        "{\"customerId\":3,\"customerPhone\":\"+447700900111\",\"pointsChange\":-50,"
        "\"newBalance\":120,\"transactionType\":\"redeem\",\"reason\":\"Tea\","
        "\"updatedAt\":\"2026-01-05T18:00:02.000Z\",\"transactionId\":11}",
        ENVELOPE(
            "loyalty_updated",
            "47") ",\"customer_phone\":\"+447700900111\","
                  "\"points\":120,\"data\":{\"customerId\":3,"
                  "\"customerPhone\":\"+447700900111\",\"pointsChange\":-50,\"newBalance\":120,"
                  "\"transactionType\":\"redeem\",\"reason\":\"Tea\","
                  "\"updatedAt\":\"2026-01-05T18:00:02.000Z\"}}");
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    check_render(
        1, "order.updated", "{}",
        ENVELOPE("order_updated", "1") ",\"order_id\":null,\"status\":null,\"data\":{"
                                       "\"orderId\":null,\"orderNumber\":null,\"status\":null,"
                                       "\"previousStatus\":null,\"updatedAt\":null}}");
    check_render(18446744073709551615u, "loyalty.updated", "{\"newBalance\":1}",
                 ENVELOPE("loyalty_updated",
                          "18446744073709551615") ",\"customer_phone\":null,\"points\":1,"
                                                  "\"data\":{\"customerId\":null,"
                                                  "\"customerPhone\":null,\"pointsChange\":"
                                                  "null,\"newBalance\":1,"
                                                  "\"transactionType\":null,\"reason\":null,"
                                                  "\"updatedAt\":null}}");
}

static void digits_and_escapes_stay_as_they_were_written(void **state)
{
    (void)state;
    check_render(
        2, "order.status_changed",
        "{\"status\":\"a\\\"},{\\u00e9\\n\",\"orderId\":99999999999999999999,"
        "\"previousStatus\":\"\xf0\x9f\x8d\x95\",\"orderNumber\":0.10,"
        "\"updatedAt\":{\"a\":[1,\"]}\"]}}",
        ENVELOPE(
            "order_updated",
            "2") ",\"order_id\":99999999999999999999,"
                 "\"status\":\"a\\\"},{\\u00e9\\n\",\"data\":{"
                 "\"orderId\":99999999999999999999,\"orderNumber\":0.10,"
                 "\"status\":\"a\\\"},{\\u00e9\\n\",\"previousStatus\":\"\xf0\x9f\x8d\x95\","
                 "\"updatedAt\":{\"a\":[1,\"]}\"]}}}");
}

static void an_unknown_type_becomes_nothing(void **state)
{
    struct tw_buf text = { .max = 65536 };
    struct tw_event ev = event_of(&text, 1, "menu.updated", "{}");
    struct gw_batch batch = { 0 };

    (void)state;
    gw_orderweb.render(&kitchen, &ev, &batch);
    assert_int_equal(batch.count, 0);
    tw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_claims_its_address_and_no_other),
        cmocka_unit_test(all_events_are_heard_by_who_asks_for_them),
        cmocka_unit_test(since_is_a_whole_number_or_a_refusal),
        cmocka_unit_test(since_without_a_value_is_from_now_on),
        cmocka_unit_test(a_handshake_finds_its_dialect_in_the_table),
        cmocka_unit_test(tills_hear_of_online_orders_and_of_all_cards_and_points),
        cmocka_unit_test(a_new_order_is_the_documents_example),
        cmocka_unit_test(every_change_of_an_order_is_one_kind_of_frame_with_aliases),
        cmocka_unit_test(a_purchased_card_has_its_documented_members_alone),
        cmocka_unit_test(a_cards_movement_has_aliases),
        cmocka_unit_test(a_hold_of_a_card_has_aliases),
        cmocka_unit_test(points_have_aliases),
        cmocka_unit_test(what_is_missing_is_null),
        cmocka_unit_test(digits_and_escapes_stay_as_they_were_written),
        cmocka_unit_test(an_unknown_type_becomes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
