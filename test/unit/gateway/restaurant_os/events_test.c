/* events_test.c - docs/protocols/restaurantos.md section 3: every event that a screen hears,
 * byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/restaurant_os/screen.h"
#include "test/unit/gateway/support/rendering.h"

#define API "{\"kind\":\"api\"}"
#define END ",\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":17},\"17\"]\n"

#define ORDER                                                                                  \
    "\"orderId\":\"o-1\",\"orderNumber\":\"KIT-0041\",\"customerName\":\"Ada\","               \
    "\"customerPhone\":\"+447700900111\",\"orderType\":\"drive_thru\",\"orderSource\":"        \
    "\"kiosk\",\"status\":\"preparing\",\"totalAmount\":21.40,\"items\":[{\"id\":\"i1\","      \
    "\"menuItemId\":\"m1\",\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2,"                 \
    "\"selectedAddons\":[{\"id\":\"a1\",\"name\":\"Egg\",\"price\":1.50,\"quantity\":1,"       \
    "\"group\":\"x\"},{\"id\":\"a2\",\"name\":\"Nori\",\"price\":0.00,\"quantity\":3}],"       \
    "\"specialInstructions\":\"hot\"},{\"id\":\"i2\",\"name\":\"Tea\",\"price\":2.00,"         \
    "\"quantity\":1,\"selectedAddons\":[],\"specialInstructions\":null}],"                     \
    "\"specialInstructions\":\"Ring twice\",\"scheduledFor\":null,\"createdAt\":"              \
    "\"2026-01-05T17:30:00.000Z\",\"tableNumber\":\"4\",\"updatedAt\":\"" EVENT_AT             \
    "\",\"previousStatus\":\"confirmed\""
#define SHOWN                                                                                  \
    "\"id\":\"o-1\",\"order_number\":\"KIT-0041\",\"status\":\"preparing\",\"type\":"          \
    "\"drive-thru\",\"table_number\":\"4\",\"items\":[{\"id\":\"i1\",\"name\":\"Ramen\","      \
    "\"quantity\":2,\"price\":10.70,\"modifiers\":[{\"id\":\"a1\",\"name\":\"Egg\","           \
    "\"price\":1.50,\"quantity\":1},{\"id\":\"a2\",\"name\":\"Nori\",\"price\":0.00,"          \
    "\"quantity\":3}],\"special_instructions\":\"hot\"},{\"id\":\"i2\",\"name\":\"Tea\","      \
    "\"quantity\":1,\"price\":2.00}],\"total\":21.40,\"created_at\":"                          \
    "\"2026-01-05T17:30:00.000Z\",\"restaurant_id\":\"" KITCHEN_ID                             \
    "\",\"customer_name\":\"Ada\",\"order_source\":\"kiosk\",\"notes\":\"Ring twice\""

static void a_new_order_comes_as_the_lists_of_orders_show_it(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "order.created", API, "{" ORDER ",\"version\":1}",
                   "42[\"order:created\",{" SHOWN ",\"seq\":17},\"17\"]\n");
}

static void an_order_of_no_table_has_no_table_number_and_ids_are_strings(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "order.created", API,
                   "{\"orderId\":41,\"orderNumber\":\"T-1\",\"status\":\"new\",\"orderType\":"
                   "\"pickup\",\"tableNumber\":null,\"items\":[],\"totalAmount\":9.50,"
                   "\"createdAt\":\"2026-01-05T17:30:00.000Z\",\"customerName\":\"Ada\","
                   "\"orderSource\":\"sql\"}",
                   "42[\"order:created\",{\"id\":\"41\",\"order_number\":\"T-1\",\"status\":"
                   "\"new\",\"type\":\"pickup\",\"items\":[],\"total\":9.50,\"created_at\":"
                   "\"2026-01-05T17:30:00.000Z\",\"restaurant_id\":\"" KITCHEN_ID
                   "\",\"customer_name\":\"Ada\",\"order_source\":\"sql\",\"seq\":17},\"17\"]"
                   "\n");
}

static void an_update_has_the_order_and_the_names_of_what_changed(void **state)
{
    (void)state;
    assert_renders(
        &gw_restaurant_os_dialect, "order.updated", API,
        "{" ORDER ",\"changes\":[\"specialInstructions\",\"items\"],\"updatedBy\":\"eve\"}",
        "42[\"order:updated\",{\"order\":{" SHOWN "},\"changes\":[\"special_instructions\","
        "\"items\"],\"updatedBy\":\"eve\"" END);
    assert_renders(&gw_restaurant_os_dialect, "order.updated", API,
                   "{" ORDER ",\"changes\":[\"items\"]}",
                   "42[\"order:updated\",{\"order\":{" SHOWN "},\"changes\":[\"items\"]" END);
}

static void a_change_of_status_says_from_what_to_what(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "order.status_changed", API, "{" ORDER "}",
                   "42[\"order:status_changed\",{\"orderId\":\"o-1\",\"previousStatus\":"
                   "\"confirmed\",\"status\":\"preparing\",\"timestamp\":\"" EVENT_AT "\"" END);
}

static void statuses_are_in_the_words_of_the_document(void **state)
{
    static const struct {
        const char *ours, *theirs;
    } rows[] = {
        { "new", "new" },
        { "pending", "pending" },
        { "confirmed", "confirmed" },
        { "preparing", "preparing" },
        { "ready", "ready" },
        { "picked_up", "picked-up" },
        { "served", "picked-up" },
        { "out_for_delivery", "picked-up" },
        { "completed", "completed" },
        { "cancelled", "cancelled" },
        { "rejected", "cancelled" },
    };
    struct tw_buf data = { .max = 1000 }, want = { .max = 1000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tw_buf_clear(&data);
        tw_buf_text(&data, "{\"orderId\":\"o-1\",\"previousStatus\":\"");
        tw_buf_text(&data, rows[i].ours);
        tw_buf_text(&data, "\",\"status\":\"");
        tw_buf_text(&data, rows[i].ours);
        tw_buf_append(&data, TW_LIT("\",\"updatedAt\":\"" EVENT_AT "\"}\0"));
        tw_buf_clear(&want);
        tw_buf_text(&want, "42[\"order:status_changed\",{\"orderId\":\"o-1\","
                           "\"previousStatus\":\"");
        tw_buf_text(&want, rows[i].theirs);
        tw_buf_text(&want, "\",\"status\":\"");
        tw_buf_text(&want, rows[i].theirs);
        tw_buf_append(&want, TW_LIT("\",\"timestamp\":\"" EVENT_AT "\"" END "\0"));
        assert_renders(&gw_restaurant_os_dialect, "order.status_changed", API, data.at,
                       want.at);
    }
    tw_buf_done(&data);
    tw_buf_done(&want);
}

static void a_deletion_may_have_a_reason(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "order.deleted", API,
                   "{" ORDER ",\"reason\":\"out of eggs\"}",
                   "42[\"order:deleted\",{\"orderId\":\"o-1\",\"reason\":\"out of eggs\","
                   "\"timestamp\":\"" EVENT_AT "\"" END);
    assert_renders(&gw_restaurant_os_dialect, "order.deleted", API, "{" ORDER "}",
                   "42[\"order:deleted\",{\"orderId\":\"o-1\",\"timestamp\":\"" EVENT_AT
                   "\"" END);
}

static void tables_become_ready_and_completed(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "table.ready", API,
                   "{\"tableNumber\":\"5\",\"orderIds\":[\"41\",\"42\"],\"readyAt\":"
                   "\"" EVENT_AT "\"}",
                   "42[\"table:ready\",{\"tableNumber\":\"5\",\"orderIds\":[\"41\",\"42\"],"
                   "\"readyAt\":\"" EVENT_AT "\"" END);
    assert_renders(&gw_restaurant_os_dialect, "table.completed", API,
                   "{\"tableNumber\":\"5\",\"orderIds\":[\"41\"],\"completedAt\":"
                   "\"" EVENT_AT "\"}",
                   "42[\"table:completed\",{\"tableNumber\":\"5\",\"orderIds\":[\"41\"],"
                   "\"completedAt\":\"" EVENT_AT "\"" END);
}

static void an_alert_has_what_was_said_and_no_station(void **state)
{
    (void)state;
    assert_renders(&gw_restaurant_os_dialect, "kitchen.alert", API,
                   "{\"type\":\"delay\",\"message\":\"The oven is cold\",\"severity\":\"high\","
                   "\"orderId\":\"41\",\"tableNumber\":\"5\",\"station\":\"kitchen\"}",
                   "42[\"kitchen:alert\",{\"type\":\"delay\",\"message\":\"The oven is cold\","
                   "\"orderId\":\"41\",\"tableNumber\":\"5\",\"severity\":\"high\"" END);
    assert_renders(&gw_restaurant_os_dialect, "kitchen.alert", API,
                   "{\"type\":\"delay\",\"message\":\"The oven is cold\",\"severity\":null,"
                   "\"orderId\":null,\"tableNumber\":null,\"station\":null}",
                   "42[\"kitchen:alert\",{\"type\":\"delay\",\"message\":\"The oven is cold\","
                   "\"severity\":null" END);
}

/* --- Who hears it ----------------------------------------------------------------------------
 */

static enum gw_hearing hearing(struct gw_screen *c, const char *type, const char *data)
{
    struct tw_buf text = { 0 };
    struct tw_event ev = event_with(&text, 17, type, API, data);
    enum gw_hearing heard = gw_restaurant_os_dialect.hears(
        &c->session, &ev, gw_restaurant_os_dialect.audience(&ev));

    tw_buf_done(&text);
    return heard;
}

static void a_client_hears_its_restaurant_after_it_has_joined(void **state)
{
    static const char *const shown[] = { "order.created",        "order.updated",
                                         "order.status_changed", "order.deleted",
                                         "table.ready",          "table.completed",
                                         "kitchen.alert" };
    struct gw_screen new = { 0 }, joined = { .has_joined = true };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(shown); i++) {
        assert_row(hearing(&new, shown[i], "{}") == GW_SKIP, shown[i]);
        assert_row(hearing(&joined, shown[i], "{}") == GW_SHARED, shown[i]);
    }
}

static void a_client_hears_nothing_of_other_events(void **state)
{
    static const char *const others[] = {
        "gift_card.purchased", "gift_card.updated", "loyalty.updated",   "table.updated",
        "menu.updated",        "category.updated",  "inventory.updated", "staff.updated",
        "printer.updated",     "settings.updated",  "history.cleared"
    };
    struct gw_screen joined = { .has_joined = true };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        assert_row(hearing(&joined, others[i], "{}") == GW_SKIP, others[i]);
        assert_renders(&gw_restaurant_os_dialect, others[i], API, "{}", "");
    }
}

static void an_alert_for_a_station_is_heard_there_alone(void **state)
{
    struct gw_screen joined = { .has_joined = true };
    struct gw_screen kitchen_and_bar = { .has_joined = true, .stations = GW_KITCHEN | GW_BAR };

    (void)state;
    assert_int_equal(hearing(&joined, "kitchen.alert", "{\"station\":\"bar\"}"), GW_SKIP);
    assert_int_equal(hearing(&kitchen_and_bar, "kitchen.alert", "{\"station\":\"bar\"}"),
                     GW_SHARED);
    assert_int_equal(hearing(&kitchen_and_bar, "kitchen.alert", "{\"station\":\"expo\"}"),
                     GW_SKIP);
    assert_int_equal(hearing(&joined, "kitchen.alert", "{\"station\":null}"), GW_SHARED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_order_comes_as_the_lists_of_orders_show_it),
        cmocka_unit_test(an_order_of_no_table_has_no_table_number_and_ids_are_strings),
        cmocka_unit_test(an_update_has_the_order_and_the_names_of_what_changed),
        cmocka_unit_test(a_change_of_status_says_from_what_to_what),
        cmocka_unit_test(statuses_are_in_the_words_of_the_document),
        cmocka_unit_test(a_deletion_may_have_a_reason),
        cmocka_unit_test(tables_become_ready_and_completed),
        cmocka_unit_test(an_alert_has_what_was_said_and_no_station),
        cmocka_unit_test(a_client_hears_its_restaurant_after_it_has_joined),
        cmocka_unit_test(a_client_hears_nothing_of_other_events),
        cmocka_unit_test(an_alert_for_a_station_is_heard_there_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
