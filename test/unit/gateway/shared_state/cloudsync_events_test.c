/* cloudsync_events_test.c - docs/protocols/cloudsync.md section 3: each change as two frames,
 * the documented one and the typed one, byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "gateway/shared_state/cloudsync.h"
#include "test/unit/gateway/support/rendering.h"

#define POS_1 "{\"kind\":\"socket\",\"device\":\"pos_1\",\"session\":\"ab\"}"

/* The two frames of one change. */
#define SYNCED(kind, action, data)                                                             \
    "{\"type\":\"sync_update\",\"restaurant_id\":\"kitchen\",\"changes\":[{\"type\":"          \
    "\"data_change\",\"data_type\":\"" kind "\",\"action\":\"" action "\",\"data\":" data      \
    "}],\"timestamp\":\"" EVENT_AT "\",\"seq\":17}\n"
#define TYPED(type, id, action, data, device, user)                                            \
    "{\"type\":\"" type "\"," id ",\"action\":\"" action "\",\"data\":" data ",\"device_id\":" \
    "\"" device "\",\"restaurant_id\":\"kitchen\"" user ",\"timestamp\":\"" EVENT_AT           \
    "\",\"seq\":17}\n"
#define NO_USER ",\"user_id\":null"

static void a_change_goes_out_as_the_document_shows_it(void **state)
{
    static const char data[] = "{\"kind\":\"tables\",\"action\":\"occupied\",\"id\":\"t5\","
                               "\"version\":4,\"changed\":{\"status\":\"occupied\"},\"row\":{"
                               "\"id\":\"t5\",\"version\":4,\"number\":\"5\",\"seats\":2,"
                               "\"status\":\"occupied\"},\"at\":\"" EVENT_AT "\"}";
    static const char want[] =
        SYNCED("tables", "occupied", "{\"id\":\"t5\",\"status\":\"occupied\",\"version\":4}")
            TYPED("table_update", "\"table_id\":\"t5\"", "occupied",
                  "{\"id\":\"t5\",\"status\":\"occupied\",\"version\":4}", "pos_1", NO_USER);

    (void)state;
    assert_renders(&gw_cloudsync, "table.updated", POS_1, data, want);
}

static void a_new_row_comes_whole(void **state)
{
    static const char *const creations[] = { "created", "item_added", "added" };
    struct tw_buf data = { .max = 1000 }, want = { .max = 2000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(creations); i++) {
        const char *row = "{\"id\":\"p1\",\"version\":1,\"name\":\"Kitchen\",\"type\":"
                          "\"receipt\",\"status\":\"online\"}";

        tw_buf_clear(&data);
        tw_buf_text(&data, "{\"action\":\"");
        tw_buf_text(&data, creations[i]);
        tw_buf_text(&data, "\",\"id\":\"p1\",\"version\":1,\"changed\":{\"name\":\"Kitchen\"},"
                           "\"row\":");
        tw_buf_text(&data, row);
        tw_buf_append(&data, tw_slice_from("}", 2)); /* with its NUL */
        tw_buf_clear(&want);
        tw_buf_text(&want, "{\"type\":\"sync_update\",\"restaurant_id\":\"kitchen\","
                           "\"changes\":[{\"type\":\"data_change\",\"data_type\":"
                           "\"printers\",\"action\":\"");
        tw_buf_text(&want, creations[i]);
        tw_buf_text(&want, "\",\"data\":");
        tw_buf_text(&want, row);
        tw_buf_text(&want, "}],\"timestamp\":\"" EVENT_AT "\",\"seq\":17}\n{\"type\":"
                           "\"printer_update\",\"printer_id\":\"p1\",\"action\":\"");
        tw_buf_text(&want, creations[i]);
        tw_buf_text(&want, "\",\"data\":");
        tw_buf_text(&want, row);
        tw_buf_append(&want, TW_LIT(",\"device_id\":\"pos_1\",\"restaurant_id\":\"kitchen\","
                                    "\"user_id\":null,\"timestamp\":\"" EVENT_AT
                                    "\",\"seq\":17}\n\0"));
        assert_renders(&gw_cloudsync, "printer.updated", POS_1, data.at, want.at);
    }
    tw_buf_done(&data);
    tw_buf_done(&want);
}

static void fields_come_in_the_words_that_the_event_has_for_them(void **state)
{
    (void)state;
    assert_renders(
        &gw_cloudsync, "table.updated", POS_1,
        "{\"action\":\"updated\",\"id\":\"t1\",\"version\":2,\"changed\":{\"number\":\"7\","
        "\"seats\":4,\"customer\":\"Ada\",\"orderId\":\"o-1\",\"orderTotal\":9.50},\"words\":{"
        "\"number\":{\"number\":7},\"seats\":[\"capacity\",\"seats\"],\"customer\":["
        "\"customer_name\"],\"orderId\":[\"order_id\"],\"orderTotal\":[\"order_total\"]}}",
        SYNCED("tables", "updated",
               "{\"id\":\"t1\",\"number\":7,\"capacity\":4,\"seats\":4,\"customer_name\":"
               "\"Ada\",\"order_id\":\"o-1\",\"order_total\":9.50,\"version\":2}")
            TYPED("table_update", "\"table_id\":\"t1\"", "updated",
                  "{\"id\":\"t1\",\"number\":7,\"capacity\":4,\"seats\":4,\"customer_name\":"
                  "\"Ada\",\"order_id\":\"o-1\",\"order_total\":9.50,\"version\":2}",
                  "pos_1", NO_USER));
    assert_renders(
        &gw_cloudsync, "menu.updated", POS_1,
        "{\"action\":\"availability_changed\",\"id\":\"m1\",\"version\":3,\"changed\":{"
        "\"available\":false,\"image\":\"a.png\",\"category\":\"Mains\",\"price\":4.50},"
        "\"words\":{\"available\":[\"is_available\"],\"image\":[\"image_url\"],\"category\":["
        "\"category\",\"category_id\"]}}",
        SYNCED("menu_items", "availability_changed",
               "{\"id\":\"m1\",\"is_available\":false,\"image_url\":\"a.png\",\"category\":"
               "\"Mains\",\"category_id\":\"Mains\",\"price\":4.50,\"version\":3}")
            TYPED("menu_update", "\"item_id\":\"m1\"", "availability_changed",
                  "{\"id\":\"m1\",\"is_available\":false,\"image_url\":\"a.png\","
                  "\"category\":\"Mains\",\"category_id\":\"Mains\",\"price\":4.50,"
                  "\"version\":3}",
                  "pos_1", NO_USER));
    assert_renders(
        &gw_cloudsync, "inventory.updated", POS_1,
        "{\"action\":\"stock_changed\",\"id\":\"s1\",\"version\":2,\"changed\":{\"stock\":"
        "5.250,\"lowStockThreshold\":3},\"words\":{\"stock\":{\"currentStock\":5.2504},"
        "\"lowStockThreshold\":[\"min_stock\"],\"updatedAt\":{\"updated_at\":\"now\"}}}",
        SYNCED("inventory", "stock_changed",
               "{\"id\":\"s1\",\"currentStock\":5.2504,\"min_stock\":3,\"updated_at\":"
               "\"now\",\"version\":2}")
            TYPED("inventory_update", "\"item_id\":\"s1\"", "stock_changed",
                  "{\"id\":\"s1\",\"currentStock\":5.2504,\"min_stock\":3,\"updated_at\":"
                  "\"now\",\"version\":2}",
                  "pos_1", NO_USER));
}

static void a_user_update_names_the_user_that_it_is_about(void **state)
{
    (void)state;
    assert_renders(
        &gw_cloudsync, "staff.updated", POS_1,
        "{\"action\":\"role_changed\",\"id\":\"u7\",\"version\":2,\"changed\":{\"role\":"
        "\"manager\",\"active\":true},\"words\":{\"active\":{\"is_active\":1}}}",
        SYNCED("users", "role_changed",
               "{\"id\":\"u7\",\"role\":\"manager\",\"is_active\":1,\"version\":2}")
            TYPED("user_update", "\"user_id\":\"u7\"", "role_changed",
                  "{\"id\":\"u7\",\"role\":\"manager\",\"is_active\":1,\"version\":2}", "pos_1",
                  ""));
}

static void a_field_that_is_gone_is_null(void **state)
{
    (void)state;
    assert_renders(
        &gw_cloudsync, "table.updated", "{\"kind\":\"sql\"}",
        "{\"action\":\"available\",\"id\":5,\"version\":5,\"changed\":{\"customer\":null},"
        "\"words\":{\"customer\":[\"customer_name\"]}}",
        SYNCED("tables", "available", "{\"id\":\"5\",\"customer_name\":null,\"version\":5}")
            TYPED("table_update", "\"table_id\":\"5\"", "available",
                  "{\"id\":\"5\",\"customer_name\":null,\"version\":5}", "tillwire", NO_USER));
}

static void a_new_order_has_everything(void **state)
{
    static const char order[] =
        "{\"orderId\":\"o-1\",\"orderNumber\":\"W-7\",\"customerName\":\"Ada\","
        "\"customerPhone\":\"+447700900111\",\"orderType\":\"dine_in\",\"orderSource\":"
        "\"online\",\"status\":\"preparing\",\"totalAmount\":21.40,\"items\":[{\"id\":\"i1\","
        "\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2}],\"specialInstructions\":\"ring\","
        "\"createdAt\":\"2026-01-05T17:30:00.000Z\",\"tableNumber\":\"5\",\"updatedAt\":"
        "\"2026-01-05T18:00:02.117Z\",\"previousStatus\":null,\"version\":1}";
#define ORDER                                                                                  \
    "{\"id\":\"o-1\",\"order_number\":\"W-7\",\"status\":\"preparing\",\"type\":\"dineIn\","   \
    "\"total_amount\":21.40,\"items\":[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.70,"     \
    "\"quantity\":2}],\"customer_name\":\"Ada\",\"customer_phone\":\"+447700900111\","         \
    "\"table_number\":5,\"created_at\":\"2026-01-05T17:30:00.000Z\","                          \
    "\"special_instructions\":\"ring\",\"updated_at\":"                                        \
    "\"2026-01-05T18:00:02.117Z\",\"version\":1,\"restaurant_id\":\"kitchen\"}"

    (void)state;
    assert_renders(&gw_cloudsync, "order.created", "{\"kind\":\"api\"}", order,
                   SYNCED("orders", "created", ORDER)
                       TYPED("order_update", "\"order_id\":\"o-1\"", "created", ORDER,
                             "tillwire", NO_USER));
}

#define MOVED(status)                                                                          \
    "{\"orderId\":41,\"orderNumber\":\"W-7\",\"customerName\":\"Ada\",\"status\":\"" status    \
    "\",\"totalAmount\":21.40,\"items\":[],\"updatedAt\":\"" EVENT_AT "\",\"changes\":["       \
    "\"specialInstructions\",\"customerName\"]}"
#define SHOWN(status)                                                                          \
    "{\"id\":\"41\",\"order_number\":\"W-7\",\"status\":\"" status "\",\"total_amount\":"      \
    "21.40,\"customer_name\":\"Ada\",\"updated_at\":\"" EVENT_AT                               \
    "\",\"restaurant_id\":\"kitchen\"}"
#define BOTH(typed, synced, status)                                                            \
    SYNCED("orders", synced, SHOWN(status))                                                    \
    TYPED("order_update", "\"order_id\":\"41\"", typed, SHOWN(status), "pos_1", NO_USER)

static void of_an_order_that_was_there_come_the_changes_and_what_always_comes(void **state)
{
    (void)state;
    assert_renders(&gw_cloudsync, "order.updated", POS_1, MOVED("preparing"),
                   BOTH("updated", "updated", "preparing"));
}

static void a_change_of_status_is_an_update_to_sync_update(void **state)
{
    (void)state;
    assert_renders(&gw_cloudsync, "order.status_changed", POS_1, MOVED("ready"),
                   BOTH("status_changed", "updated", "ready"));
}

static void a_completed_order_and_a_deleted_one_are_called_so_in_both_frames(void **state)
{
    (void)state;
    assert_renders(&gw_cloudsync, "order.status_changed", POS_1, MOVED("completed"),
                   BOTH("completed", "completed", "completed"));
    assert_renders(&gw_cloudsync, "order.deleted", POS_1, MOVED("cancelled"),
                   BOTH("deleted", "deleted", "cancelled"));
    /* a completed order whose name is corrected is not completed a second time */
    assert_renders(&gw_cloudsync, "order.updated", POS_1, MOVED("completed"),
                   BOTH("updated", "updated", "completed"));
}

static void the_status_of_an_order_is_the_document_s_word(void **state)
{
    (void)state;
    assert_renders(&gw_cloudsync, "order.status_changed", POS_1, MOVED("out_for_delivery"),
                   BOTH("status_changed", "updated", "served"));
    assert_renders(&gw_cloudsync, "order.status_changed", POS_1, MOVED("rejected"),
                   BOTH("status_changed", "updated", "cancelled"));
}

static void an_order_that_such_a_device_has_written_comes_in_its_words(void **state)
{
#define WRITTEN                                                                                \
    "\"id\":\"o-1\",\"status\":\"OrderStatus.ready\",\"tableId\":\"t1\",\"version\":2"
    static const char data[] = "{\"orderId\":\"o-1\",\"status\":\"ready\",\"totalAmount\":3.00,"
                               "\"version\":2,\"cloudsync\":{" WRITTEN "}}";

    (void)state;
    assert_renders(&gw_cloudsync, "order.updated", POS_1, data,
                   SYNCED("orders", "updated", "{" WRITTEN ",\"restaurant_id\":\"kitchen\"}")
                       TYPED("order_update", "\"order_id\":\"o-1\"", "updated",
                             "{" WRITTEN ",\"restaurant_id\":\"kitchen\"}", "pos_1", NO_USER));
}

static void an_action_comes_as_it_was_sent_with_the_user_who_did_it(void **state)
{
    static const char origin[] = "{\"kind\":\"socket\",\"device\":\"pos_1\",\"action\":"
                                 "\"occupied\",\"user\":\"eve\"}";

    (void)state;
    assert_renders(
        &gw_cloudsync, "table.updated", origin,
        "{\"action\":\"created\",\"id\":\"t5\",\"version\":1,\"changed\":{},\"row\":{"
        "\"id\":\"t5\",\"version\":1,\"status\":\"occupied\"}}",
        SYNCED("tables", "occupied", "{\"id\":\"t5\",\"version\":1,\"status\":\"occupied\"}")
            TYPED("table_update", "\"table_id\":\"t5\"", "occupied",
                  "{\"id\":\"t5\",\"version\":1,\"status\":\"occupied\"}", "pos_1",
                  ",\"user_id\":\"eve\""));
}

static void devices_hear_nothing_of_other_events(void **state)
{
    static const char *const others[] = {
        "gift_card.purchased", "gift_card.updated",  "loyalty.updated", "table.ready",
        "table.completed",     "kitchen.alert",      "history.cleared", "category.updated",
        "settings.updated",    "order.acknowledged", "order.offered",   "device.silent",
    };
    struct tw_buf text = { 0 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        struct tw_event ev = event_with(&text, 17, others[i], POS_1, "{\"row\":{}}");

        assert_row(!gw_cloudsync_shows(&ev), others[i]);
        assert_renders(&gw_cloudsync, others[i], POS_1, "{\"row\":{}}", "");
    }
    tw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_goes_out_as_the_document_shows_it),
        cmocka_unit_test(a_new_row_comes_whole),
        cmocka_unit_test(fields_come_in_the_words_that_the_event_has_for_them),
        cmocka_unit_test(a_user_update_names_the_user_that_it_is_about),
        cmocka_unit_test(a_field_that_is_gone_is_null),
        cmocka_unit_test(a_new_order_has_everything),
        cmocka_unit_test(of_an_order_that_was_there_come_the_changes_and_what_always_comes),
        cmocka_unit_test(a_change_of_status_is_an_update_to_sync_update),
        cmocka_unit_test(a_completed_order_and_a_deleted_one_are_called_so_in_both_frames),
        cmocka_unit_test(the_status_of_an_order_is_the_document_s_word),
        cmocka_unit_test(an_order_that_such_a_device_has_written_comes_in_its_words),
        cmocka_unit_test(an_action_comes_as_it_was_sent_with_the_user_who_did_it),
        cmocka_unit_test(devices_hear_nothing_of_other_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
