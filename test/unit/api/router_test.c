/* router_test.c - paths and methods to rows of the table, parameters, 404 and 405.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct api_match find(enum tw_http_method method, const char *path)
{
    struct api_match m;

    api_route_find(method, tw_slice_of(path), &m);
    return m;
}

static const struct {
    enum tw_http_method method;
    const char *path, *operation;
    const char *param, *value; /* besides the tenant; or null */
    const char *affinity;
} routes[] = {
    { TW_GET, "/api/kitchen/health", "health", NULL, NULL, NULL },
    { TW_GET, "/api/kitchen/orders/pending", "orders_pending", NULL, NULL, NULL },
    { TW_GET, "/api/kitchen/gift-cards/GC-1/balance", "gift_card_balance", "cardNumber", "GC-1",
      NULL },
    { TW_POST, "/api/kitchen/gift-cards/GC-1/deduct", "gift_card_deduct", "cardNumber", "GC-1",
      "cardNumber" },
    { TW_GET, "/api/kitchen/loyalty/+447700900111/points", "loyalty_points", "phone",
      "+447700900111", NULL },
    { TW_POST, "/api/kitchen/loyalty/%2B44/add", "loyalty_add", "phone", "%2B44", "phone" },
    { TW_POST, "/api/kitchen/loyalty/07700%20900111/redeem", "loyalty_redeem", "phone",
      "07700%20900111", "phone" },
    { TW_POST, "/api/kitchen/reports/daily", "report_daily", NULL, NULL, NULL },
    { TW_POST, "/api/kitchen/batch", "batch", NULL, NULL, "tenant" },
    { TW_GET, "/api/kitchen/events", "events_list", NULL, NULL, NULL },
    { TW_POST, "/api/kitchen/orders", "order_create", NULL, NULL, NULL },
    { TW_GET, "/api/kitchen/orders/12345", "order_get", "id", "12345", NULL },
    { TW_PATCH, "/api/kitchen/orders/12345", "order_update", "id", "12345", "id" },
    { TW_POST, "/api/kitchen/gift-cards", "gift_card_issue", NULL, NULL, NULL },
    { TW_POST, "/api/kitchen/customers", "customer_create", NULL, NULL, NULL },
    { TW_POST, "/api/kitchen/kitchen-alerts", "kitchen_alert", NULL, NULL, NULL },
    { TW_POST, "/api/kitchen/ws-ticket", "ticket_issue", NULL, NULL, NULL },
};

static void every_address_of_the_contract_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(routes); i++) {
        struct api_match m = find(routes[i].method, routes[i].path);

        assert_row(m.route != NULL, routes[i].path);
        assert_string_equal(m.route->operation, routes[i].operation);
        assert_int_equal(m.route->tenant_from, API_TENANT_PATH);
        assert_slice(api_match_param(&m, "tenant"), "kitchen");
        assert_int_equal(m.param_count, routes[i].param == NULL ? 1 : 2);
        if (routes[i].param != NULL)
            assert_slice(api_match_param(&m, routes[i].param), routes[i].value);
        assert_row((m.route->affinity == NULL) == (routes[i].affinity == NULL), routes[i].path);
        if (routes[i].affinity != NULL)
            assert_string_equal(m.route->affinity, routes[i].affinity);
        assert_row((m.route->body == NULL) == (routes[i].method == TW_GET), routes[i].path);
    }
}

static void a_list_of_changes_may_be_longer_than_other_bodies(void **state)
{
    static const struct {
        enum tw_http_method method;
        const char *path;
        size_t bytes;
    } rows[] = {
        { TW_POST, "/api/sync", (size_t)8 * 1024 * 1024 },
        { TW_POST, "/k/pos_1/api/sync/", (size_t)8 * 1024 * 1024 },
        { TW_POST, "/api/kitchen/batch", (size_t)8 * 1024 * 1024 },
        { TW_GET, "/api/sync", API_BODY_BYTES },
        { TW_PUT, "/api/sync", API_BODY_BYTES },
        { TW_POST, "/api/kitchen/orders", API_BODY_BYTES },
        { TW_POST, "/nothing/here", API_BODY_BYTES },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .method = rows[i].method,
                                       .path = tw_slice_of(rows[i].path) };

        assert_row(api_route_body_bytes(&req) == rows[i].bytes, rows[i].path);
    }
}

static void pulling_names_its_tenant_in_the_query(void **state)
{
    struct api_match m = find(TW_GET, "/api/pos/pull-orders");

    (void)state;
    assert_non_null(m.route);
    assert_string_equal(m.route->operation, "orders_pull");
    assert_int_equal(m.route->tenant_from, API_TENANT_QUERY);
    assert_int_equal(m.param_count, 0);
    assert_null(api_match_param(&m, "tenant").at);
}

static void a_path_below_v1_names_no_tenant(void **state)
{
    static const struct {
        const char *path, *operation, *id;
    } rows[] = {
        { "/api/v1/orders", "v1_orders", NULL },
        { "/api/v1/orders/12345", "v1_order", "12345" },
        { "/api/v1/orders/pending", "v1_order", "pending" }, /* not the list of a tenant v1 */
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct api_match m = find(TW_GET, rows[i].path);

        assert_row(m.route != NULL, rows[i].path);
        assert_string_equal(m.route->operation, rows[i].operation);
        assert_int_equal(m.route->tenant_from, API_TENANT_CREDENTIAL);
        assert_null(api_match_param(&m, "tenant").at);
        assert_null(m.route->body);
        if (rows[i].id != NULL)
            assert_slice(api_match_param(&m, "id"), rows[i].id);
    }
}

/* Each row of the table is reached by a request that fits its pattern. */
static void no_row_of_the_table_is_hidden_by_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        struct tw_slice rest = tw_slice_of(api_routes[i].pattern), part;
        struct tw_buf path = { .max = 1000 };
        struct api_match m;

        while (tw_slice_split(&rest, '/', &part)) {
            tw_buf_append(&path, part.len > 0 && part.at[0] == '{' ? TW_LIT("x") : part);
            tw_buf_text(&path, rest.at != NULL ? "/" : "");
        }
        api_route_find(api_routes[i].method, tw_buf_view(&path), &m);
        assert_row(m.route == &api_routes[i], api_routes[i].pattern);
        tw_buf_done(&path);
    }
}

static void head_is_answered_as_get_is(void **state)
{
    (void)state;
    assert_string_equal(find(TW_HEAD, "/api/kitchen/health").route->operation, "health");
    assert_string_equal(find(TW_HEAD, "/api/kitchen/orders/1").route->operation, "order_get");
    assert_null(find(TW_HEAD, "/api/kitchen/customers").route);
    assert_null(find(TW_HEAD, "/api/kitchen/reports/daily").route);
}

static const struct {
    enum tw_http_method method;
    const char *path, *allow;
} refused[] = {
    { TW_POST, "/api/kitchen/health", "GET, HEAD, OPTIONS" },
    { TW_OPTIONS, "/api/kitchen/health", "GET, HEAD, OPTIONS" },
    { TW_OTHER_METHOD, "/api/kitchen/health", "GET, HEAD, OPTIONS" },
    { TW_GET, "/api/kitchen/reports/daily", "POST, OPTIONS" },
    { TW_HEAD, "/api/kitchen/customers", "POST, OPTIONS" },
    { TW_DELETE, "/api/kitchen/orders/1", "GET, HEAD, PATCH, OPTIONS" },
    { TW_PUT, "/api/kitchen/orders/1", "GET, HEAD, PATCH, OPTIONS" },
    { TW_DELETE, "/api/kitchen/orders", "POST, OPTIONS" },
    { TW_PATCH, "/api/kitchen/gift-cards/1/deduct", "POST, OPTIONS" },
    { TW_POST, "/api/pos/pull-orders", "GET, HEAD, OPTIONS" },
    { TW_GET, "/api/kitchen/kitchen-alerts", "POST, OPTIONS" },
    { TW_POST, "/api/kitchen/orders/pending", "GET, HEAD, PATCH, OPTIONS" },
};

static void another_method_is_405_with_the_allowed_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(refused); i++) {
        struct api_match m = find(refused[i].method, refused[i].path);

        assert_row(m.route == NULL, refused[i].path);
        if (strcmp(m.allow, refused[i].allow) != 0)
            print_error("%s\n", refused[i].path);
        assert_string_equal(m.allow, refused[i].allow);
    }
}

static void what_is_not_there_is_404(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/api",
        "/api/",
        "/api/kitchen",
        "/api/kitchen/",
        "/api/kitchen/healthy",
        "/api/kitchen/Health",
        "/API/kitchen/health",
        "/api/kitchen/health//",
        "/api/kitchen/health/x",
        "/api//health",
        "//api/kitchen/health",
        "/api/kitchen//health",
        "api/kitchen/health",
        "/api/kitchen/orders/1/items",
        "/api//orders/1",
        "/api/kitchen/gift-cards//balance",
        "/api/kitchen/gift-cards/1/2/balance",
        "/api/kitchen/loyalty//points",
        "/api/kitchen/pull-orders",
        "/api/v1",
        "/api/v1/",
        "/api/v1/orders/1/items",
        "/v1/orders",
        "/api/kitchen/heal%74h",
        "/{tenant}",
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(paths); i++) {
        struct api_match m = find(TW_GET, paths[i]);

        assert_row(m.route == NULL, paths[i]);
        assert_row(m.allow[0] == '\0', paths[i]);
    }
}

static void a_slash_at_the_end_is_the_same_address(void **state)
{
    static const char *const paths[] = {
        "/api/kitchen/health/",  "/api/kitchen/orders/1/", "/api/kitchen/gift-cards/1/balance/",
        "/api/pos/pull-orders/", "/api/v1/orders/",        "/k/pos_1/api/sync/",
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(paths); i++) {
        struct api_match m = find(TW_GET, paths[i]);

        assert_row(m.route != NULL, paths[i]);
    }
}

static void what_a_path_names_is_not_decoded_yet(void **state)
{
    struct api_match m = find(TW_GET, "/api/kit%63hen/orders/a%2Fb");

    (void)state;
    assert_slice(api_match_param(&m, "tenant"), "kit%63hen");
    assert_slice(api_match_param(&m, "id"), "a%2Fb");
    assert_null(api_match_param(&m, "phone").at);
    assert_null(api_match_param(&m, "").at);
}

static void a_path_is_read_within_its_bytes(void **state)
{
    struct tw_slice path = TW_LIT("/api/kitchen/orders/12345");

    (void)state;
    for (size_t len = 0; len <= path.len; len++) {
        char *copy = exact_copy(tw_slice_from(path.at, len));
        struct api_match m;

        api_route_find(TW_GET, tw_slice_from(copy, len), &m);
        assert_true((m.route != NULL) == (len > strlen("/api/kitchen/orders/")));
        free(copy);
    }
}

static void the_addresses_of_devices_are_found_by_method(void **state)
{
    static const struct {
        enum tw_http_method method;
        const char *path, *operation;
        enum api_presence presence;
        const char *id;
    } rows[] = {
        { TW_GET, "/health", NULL, API_TABLETS, NULL },
        { TW_HEAD, "/health", NULL, API_TABLETS, NULL },
        { TW_GET, "/api/health", NULL, API_TOTALS, NULL },
        { TW_GET, "/api/sync", "minipos_state", API_NOBODY, NULL },
        { TW_POST, "/api/sync", "cloudsync_push", API_NOBODY, NULL },
        { TW_GET, "/api/restaurants/kitchen/data", "cloudsync_pull", API_NOBODY, "kitchen" },
        { TW_GET, "/api/restaurants/restaurant%20123/status", "cloudsync_devices", API_DEVICES,
          "restaurant%20123" },
        { TW_GET, "/api/restaurants/orders/status", "cloudsync_devices", API_DEVICES,
          "orders" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct api_match m = find(rows[i].method, rows[i].path);

        assert_row(m.route != NULL, rows[i].path);
        assert_int_equal(m.manner, API_DEVICE);
        assert_int_equal(m.route->manner, API_DEVICE);
        assert_int_equal(m.route->presence, rows[i].presence);
        assert_int_equal(m.route->tenant_from, API_TENANT_CREDENTIAL);
        assert_row((m.route->operation == NULL) == (rows[i].operation == NULL), rows[i].path);
        if (rows[i].operation != NULL)
            assert_string_equal(m.route->operation, rows[i].operation);
        if (rows[i].id != NULL)
            assert_slice(api_match_param(&m, "id"), rows[i].id);
        assert_int_equal(m.key.len, 0);
    }
    assert_string_equal(find(TW_PUT, "/api/sync").allow, "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find(TW_PUT, "/api/sync").manner, API_DEVICE);
    assert_int_equal(find(TW_PUT, "/api/kitchen/health").manner, API_OPEN);
    assert_int_equal(find(TW_PUT, "/api/kitchen/events").manner, API_STRICT);
    assert_int_equal(find(TW_GET, "/nothing").manner, API_STRICT);
}

static void a_key_in_the_path_is_cut_off_only_for_devices(void **state)
{
    static const struct {
        const char *path, *key; /* null: nothing is there */
    } rows[] = {
        { "/k/pos_1/health", "pos_1" },
        { "/k/pos_1/api/health", "pos_1" },
        { "/k/pos%5F1/api/sync", "pos%5F1" },
        { "/k/a.b.c/api/restaurants/kitchen/data", "a.b.c" },
        { "/k/k/api/sync", "k" },
        { "/k/pos_1/api/kitchen/health", NULL },
        { "/k/pos_1/api/v1/orders", NULL },
        { "/k/pos_1/k/pos_1/api/sync", NULL },
        { "/k/pos_1//api/sync", NULL },
        { "/k//api/sync", NULL },
        { "/k/pos_1", NULL },
        { "/k/pos_1/", NULL },
        { "/k/", NULL },
        { "/k", NULL },
        { "/K/pos_1/api/sync", NULL },
        { "/api/k/pos_1/sync", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct api_match m = find(TW_GET, rows[i].path);

        assert_row((m.route != NULL) == (rows[i].key != NULL), rows[i].path);
        if (rows[i].key != NULL)
            assert_slice(m.key, rows[i].key);
        else
            assert_string_equal(m.allow, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_of_the_contract_is_found),
        cmocka_unit_test(a_list_of_changes_may_be_longer_than_other_bodies),
        cmocka_unit_test(pulling_names_its_tenant_in_the_query),
        cmocka_unit_test(a_path_below_v1_names_no_tenant),
        cmocka_unit_test(no_row_of_the_table_is_hidden_by_another),
        cmocka_unit_test(head_is_answered_as_get_is),
        cmocka_unit_test(another_method_is_405_with_the_allowed_ones),
        cmocka_unit_test(what_is_not_there_is_404),
        cmocka_unit_test(a_slash_at_the_end_is_the_same_address),
        cmocka_unit_test(what_a_path_names_is_not_decoded_yet),
        cmocka_unit_test(a_path_is_read_within_its_bytes),
        cmocka_unit_test(the_addresses_of_devices_are_found_by_method),
        cmocka_unit_test(a_key_in_the_path_is_cut_off_only_for_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
