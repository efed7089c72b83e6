/* minipos_events_test.c - docs/protocols/minipos.md section 3: each event as a tablet hears it,
 * byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "gateway/shared_state/minipos.h"
#include "test/unit/gateway/support/rendering.h"

#define NOBODY "{\"kind\":\"api\"}"
#define END(client) ",\"clientId\":\"" client "\",\"timestamp\":now,\"seq\":17}\n"
#define NO_TEXTS "\"orderNumber\":\"\",\"tableNumber\":\"\",\"customerName\":\"\""
#define SOUP                                                                                   \
    "\"id\":\"m1\",\"version\":7,\"name\":\"Soup\",\"price\":4.50,\"category\":"               \
    "\"Starters\",\"description\":\"\",\"number\":\"A\",\"seats\":2,\"status\":\"reserved\""

static void an_order_comes_whole_whatever_has_changed_of_it(void **state)
{
    static const char order[] =
        "{\"orderId\":\"o-1\",\"orderNumber\":\"W-7\",\"customerName\":\"Ada\","
        "\"customerPhone\":\"+447700900111\",\"orderType\":\"dine_in\",\"orderSource\":"
        "\"online\",\"status\":\"ready\",\"totalAmount\":21.40,\"items\":[{\"id\":\"i1\","
        "\"menuItemId\":\"m1\",\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2,"
        "\"selectedAddons\":[{\"id\":\"a1\",\"name\":\"Egg\",\"price\":1.00,\"quantity\":2},"
        "{\"id\":\"a2\",\"name\":\"\\\"No\\\" nori\",\"price\":0.00,\"quantity\":1}],"
        "\"specialInstructions\":\"hot\"},{\"id\":\"i2\",\"name\":\"Tea\",\"quantity\":1,"
        "\"selectedAddons\":[]},{\"id\":\"i3\",\"name\":\"Soup\",\"quantity\":1,"
        "\"selectedAddons\":[],\"specialInstructions\":\"salt\"}],"
        "\"specialInstructions\":null,\"scheduledFor\":null,\"createdAt\":"
        "\"2026-01-05T17:30:00.000Z\",\"tableNumber\":\"A5\",\"updatedAt\":"
        "\"2026-01-05T18:00:02.117Z\",\"previousStatus\":\"preparing\",\"changes\":"
        "[\"status\"],\"version\":3}";
    static const char want[] =
        "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"add\",\"data\":{\"id\":\"o-1\","
        "\"orderNumber\":\"W-7\",\"tableNumber\":\"A5\",\"customerName\":\"Ada\","
        "\"orderDate\":\"2026-01-05\",\"status\":\"ready\",\"total\":21.40,\"items\":[{"
        "\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.70,\"quantity\":2,"
        "\"notes\":\"2 x Egg, \\\"No\\\" nori; hot\"},{\"id\":\"i2\","
        "\"name\":\"Tea\",\"quantity\":1},{\"id\":\"i3\",\"name\":\"Soup\",\"quantity\":1,"
        "\"notes\":\"salt\"}],\"createdAt\":\"2026-01-05T17:30:00.000Z\"}}" END("server");

    (void)state;
    assert_renders(&gw_minipos, "order.created", NOBODY, order, want);
    assert_renders(&gw_minipos, "order.updated", NOBODY, order, want);
    assert_renders(&gw_minipos, "order.status_changed", NOBODY, order, want);
}

static void an_order_has_one_of_the_statuses_that_tablets_know(void **state)
{
    static const struct {
        const char *ours, *theirs;
    } rows[] = {
        { "new", "pending" },         { "pending", "pending" },
        { "confirmed", "pending" },   { "preparing", "preparing" },
        { "ready", "ready" },         { "served", "served" },
        { "picked_up", "served" },    { "out_for_delivery", "served" },
        { "completed", "completed" }, { "cancelled", "cancelled" },
        { "rejected", "cancelled" },
    };
    struct tw_buf data = { .max = 1000 }, want = { .max = 1000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tw_buf_clear(&data);
        tw_buf_clear(&want);
        tw_buf_text(&data, "{\"orderId\":\"o-1\",\"status\":\"");
        tw_buf_text(&data, rows[i].ours);
        tw_buf_append(&data, tw_slice_from("\"}", 3)); /* with a NUL */
        tw_buf_text(&want, "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"add\",\"data\":{"
                           "\"id\":\"o-1\"," NO_TEXTS ",\"status\":\"");
        tw_buf_text(&want, rows[i].theirs);
        tw_buf_text(&want, "\",\"items\":[]}}" END("server"));
        tw_buf_char(&want, '\0');
        assert_renders(&gw_minipos, "order.status_changed", NOBODY, data.at, want.at);
    }
    tw_buf_done(&data);
    tw_buf_done(&want);
}

static void a_deleted_order_is_cancelled_whatever_status_it_had(void **state)
{
    (void)state;
    assert_renders(&gw_minipos, "order.deleted", NOBODY,
                   "{\"orderId\":\"o-1\",\"status\":\"preparing\",\"totalAmount\":1.00}",
                   "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"add\",\"data\":{\"id\":"
                   "\"o-1\"," NO_TEXTS ",\"status\":\"cancelled\",\"total\":1.00,\"items\":"
                   "[]}}" END("server"));
}

/* The page calls methods of texts and lists on them. */
static void what_an_order_has_is_text_and_never_null(void **state)
{
    (void)state;
    assert_renders(&gw_minipos, "order.created", NOBODY,
                   "{\"orderId\":12,\"orderNumber\":null,\"customerName\":null,"
                   "\"tableNumber\":null,\"items\":[]}",
                   "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"add\",\"data\":{\"id\":"
                   "\"12\"," NO_TEXTS ",\"items\":[]}}" END("server"));
    assert_renders(&gw_minipos, "order.created", NOBODY,
                   "{\"orderId\":\"o-1\",\"orderNumber\":\"\",\"tableNumber\":\"12\"}",
                   "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"add\",\"data\":{\"id\":"
                   "\"o-1\",\"orderNumber\":\"\",\"tableNumber\":\"12\",\"customerName\":\"\","
                   "\"items\":[]}}" END("server"));
}

static void tables_are_numbers_where_they_are_numbers(void **state)
{
    (void)state;
    assert_renders(
        &gw_minipos, "table.updated", NOBODY,
        "{\"kind\":\"tables\",\"action\":\"updated\",\"id\":\"t5\",\"row\":{\"id\":\"t5\","
        "\"number\":\"5\",\"seats\":2,\"status\":\"reserved\"}}",
        "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":\"t5\","
        "\"number\":5,\"seats\":2,\"status\":\"reserved\"}}" END("server"));
}

/* What other devices write would leave the page blank. */
static void a_table_has_all_that_the_page_shows(void **state)
{
    (void)state;
    assert_renders(
        &gw_minipos, "table.updated", NOBODY,
        "{\"action\":\"occupied\",\"row\":{\"id\":\"t5\",\"customer\":{\"id\":1,\"name\":"
        "\"Bo\"}"
        ",\"orderItems\":[{\"id\":\"a\",\"quantity\":2,\"menuItem\":{\"id\":\"m1\",\"name\":"
        "\"Soup\",\"price\":4}},{\"menuItemId\":\"m2\",\"name\":\"Tea\",\"price\":3},7]}}",
        "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":\"t5\","
        "\"customer\":\"Bo\",\"orderItems\":[{\"id\":\"a\",\"quantity\":2,\"menuItem\":{\"id\":"
        "\"m1\",\"name\":\"Soup\",\"price\":4,\"category\":\"\",\"description\":\"\"}},{"
        "\"menuItemId\":\"m2\",\"name\":\"Tea\",\"price\":3,\"id\":\"\",\"quantity\":1,"
        "\"menuItem\":{\"id\":\"m2\",\"name\":\"Tea\",\"price\":3,\"category\":\"\","
        "\"description\":\"\"}},{\"id\":\"\",\"quantity\":1,\"menuItem\":{\"id\":\"\",\"name\":"
        "\"\",\"price\":0,\"category\":\"\",\"description\":\"\"}}],\"number\":0,\"seats\":0,"
        "\"status\":\"available\"}}" END("server"));
}

static void a_dish_has_all_that_the_page_shows(void **state)
{
    (void)state;
    assert_renders(&gw_minipos, "menu.updated", NOBODY,
                   "{\"action\":\"updated\",\"row\":{\"id\":\"m1\",\"available\":true}}",
                   "{\"type\":\"UPDATE_MENU\",\"data\":{\"action\":\"update_item\",\"data\":{"
                   "\"id\":\"m1\",\"available\":true,\"name\":\"\",\"price\":0,\"category\":"
                   "\"\",\"description\":\"\"}}" END("server"));
}

/* Tablets count every order that they are sent as a sale. */
static void an_online_order_is_shown_when_it_has_been_accepted(void **state)
{
    static const struct {
        const char *data;
        bool is_shown;
    } rows[] = {
        { "{\"orderSource\":\"online\",\"status\":\"new\",\"previousStatus\":null}", false },
        { "{\"orderSource\":\"pos\",\"status\":\"new\",\"previousStatus\":null}", true },
        { "{\"orderSource\":\"online\",\"status\":\"new\",\"forTablets\":true}", true },
        { "{\"orderSource\":\"online\",\"status\":\"completed\",\"previousStatus\":null}",
          true },
        { "{\"orderSource\":\"online\",\"status\":\"confirmed\",\"previousStatus\":\"new\"}",
          true },
        { "{\"orderSource\":\"online\",\"status\":\"rejected\",\"previousStatus\":\"new\"}",
          false },
        { "{\"orderSource\":\"online\",\"status\":\"cancelled\",\"previousStatus\":"
          "\"ready\"}",
          true },
        { "{\"orderSource\":\"pos\",\"status\":\"ready\",\"cleared\":true}", false },
    };
    struct tw_buf text = { 0 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_event ev =
            event_with(&text, 17, "order.status_changed", NOBODY, rows[i].data);

        assert_row(gw_minipos_shows(&ev) == rows[i].is_shown, rows[i].data);
    }
    tw_buf_done(&text);
}

static void a_table_comes_whole_and_without_its_version(void **state)
{
    (void)state;
    assert_renders(
        &gw_minipos, "table.updated", NOBODY,
        "{\"kind\":\"tables\",\"action\":\"occupied\",\"id\":\"table-4\",\"version\":7,"
        "\"changed\":{\"status\":\"occupied\"},\"row\":{\"id\":\"table-4\",\"version\":7,"
        "\"number\":\"A4\",\"seats\":2,\"status\":\"occupied\",\"customer\":\"Ada\"},\"at\":"
        "\"" EVENT_AT "\"}",
        "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":"
        "\"table-4\",\"number\":\"A4\",\"seats\":2,\"status\":\"occupied\",\"customer\":"
        "\"Ada\"}}" END("server"));
}

static void a_table_that_is_cleaned_is_not_free_yet(void **state)
{
    (void)state;
    assert_renders(
        &gw_minipos, "table.updated", NOBODY,
        "{\"action\":\"cleaning\",\"row\":{\"id\":\"t5\",\"status\":\"cleaning\"}}",
        "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{"
        "\"id\":\"t5\",\"status\":\"occupied\",\"number\":0,\"seats\":0}}" END("server"));
}

/* docs/events.md: which actions make a row, and which ones delete it. */
static const struct {
    const char *action, *table, *item, *category;
} actions[] = {
    { "created", "add", "add_item", "add_category" },
    { "item_added", "add", "add_item", "add_category" },
    { "added", "add", "add_item", "add_category" },
    { "updated", "update", "update_item", "add_category" },
    { "availability_changed", "update", "update_item", "add_category" },
    { "deleted", "delete", "delete_item", "delete_category" },
    { "item_removed", "delete", "delete_item", "delete_category" },
    { "removed", "delete", "delete_item", "delete_category" },
};

static void check_action(const char *event, const char *type, const char *action,
                         const char *word)
{
    struct tw_buf data = { .max = 1000 }, want = { .max = 1000 };

    tw_buf_text(&data, "{\"action\":\"");
    tw_buf_text(&data, action);
    tw_buf_append(&data, TW_LIT("\",\"row\":{" SOUP "}}\0"));
    tw_buf_text(&want, "{\"type\":\"");
    tw_buf_text(&want, type);
    tw_buf_text(&want, "\",\"data\":{\"action\":\"");
    tw_buf_text(&want, word);
    tw_buf_append(&want,
                  TW_LIT("\",\"data\":{\"id\":\"m1\",\"name\":\"Soup\",\"price\":4.50,"
                         "\"category\":\"Starters\",\"description\":\"\",\"number\":"
                         "\"A\",\"seats\":2,\"status\":\"reserved\"}}" END("server") "\0"));
    assert_renders(&gw_minipos, event, NOBODY, data.at, want.at);
    tw_buf_done(&data);
    tw_buf_done(&want);
}

static void a_table_is_added_updated_or_deleted(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(actions); i++)
        check_action("table.updated", "UPDATE_TABLE", actions[i].action, actions[i].table);
}

static void an_item_of_the_menu_is_added_updated_or_deleted(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(actions); i++)
        check_action("menu.updated", "UPDATE_MENU", actions[i].action, actions[i].item);
}

static void a_category_is_added_again_when_it_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(actions); i++)
        check_action("category.updated", "UPDATE_MENU", actions[i].action, actions[i].category);
}

static void the_settings_come_all_of_them_and_alone(void **state)
{
    (void)state;
    assert_renders(&gw_minipos, "settings.updated", NOBODY,
                   "{\"kind\":\"settings\",\"action\":\"updated\",\"id\":\"settings\","
                   "\"changed\":{\"taxRate\":8},\"row\":{\"id\":\"settings\",\"version\":2,"
                   "\"taxRate\":8,\"currency\":\"EUR\"}}",
                   "{\"type\":\"UPDATE_SETTINGS\",\"data\":{\"taxRate\":8,\"currency\":"
                   "\"EUR\"}" END("server"));
}

static void a_cleared_history_is_an_order_message(void **state)
{
    (void)state;
    assert_renders(
        &gw_minipos, "history.cleared", "{\"kind\":\"socket\"}", "{\"clientId\":\"client_1\"}",
        "{\"type\":\"UPDATE_ORDER\",\"data\":{\"action\":\"clear\",\"data\":{}}" END("server"));
}

static void the_client_is_the_device_that_has_made_the_change(void **state)
{
    (void)state;
    assert_renders(&gw_minipos, "settings.updated",
                   "{\"kind\":\"socket\",\"device\":\"client_1767_k3j9\",\"session\":\"ab\"}",
                   "{\"row\":{\"id\":\"settings\"}}",
                   "{\"type\":\"UPDATE_SETTINGS\",\"data\":{}" END("client_1767_k3j9"));
}

static void tablets_hear_nothing_of_other_events(void **state)
{
    static const char *const others[] = { "gift_card.purchased",
                                          "gift_card.updated",
                                          "loyalty.updated",
                                          "table.ready",
                                          "table.completed",
                                          "kitchen.alert",
                                          "inventory.updated",
                                          "staff.updated",
                                          "printer.updated",
                                          "order.created2",
                                          "order" };
    struct tw_buf text = { 0 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        struct tw_event ev = event_with(&text, 17, others[i], NOBODY, "{\"row\":{}}");

        assert_row(!gw_minipos_shows(&ev), others[i]);
        assert_renders(&gw_minipos, others[i], NOBODY, "{\"row\":{}}", "");
    }
    tw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_comes_whole_whatever_has_changed_of_it),
        cmocka_unit_test(an_order_has_one_of_the_statuses_that_tablets_know),
        cmocka_unit_test(a_deleted_order_is_cancelled_whatever_status_it_had),
        cmocka_unit_test(what_an_order_has_is_text_and_never_null),
        cmocka_unit_test(tables_are_numbers_where_they_are_numbers),
        cmocka_unit_test(a_table_has_all_that_the_page_shows),
        cmocka_unit_test(a_dish_has_all_that_the_page_shows),
        cmocka_unit_test(an_online_order_is_shown_when_it_has_been_accepted),
        cmocka_unit_test(a_table_comes_whole_and_without_its_version),
        cmocka_unit_test(a_table_that_is_cleaned_is_not_free_yet),
        cmocka_unit_test(a_table_is_added_updated_or_deleted),
        cmocka_unit_test(an_item_of_the_menu_is_added_updated_or_deleted),
        cmocka_unit_test(a_category_is_added_again_when_it_changes),
        cmocka_unit_test(the_settings_come_all_of_them_and_alone),
        cmocka_unit_test(a_cleared_history_is_an_order_message),
        cmocka_unit_test(the_client_is_the_device_that_has_made_the_change),
        cmocka_unit_test(tablets_hear_nothing_of_other_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
