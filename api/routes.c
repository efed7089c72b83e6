/* routes.c - every address of the REST contract (docs/rest.md).
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "common/util/base.h"

/* Bodies whose numbers are amounts take any number that numeric takes: SQL compares its text
 * before it computes, and answers INVALID_AMOUNT instead of INVALID_JSON. */
static const struct api_body money = { API_BODY_BYTES, &tw_json_wide, false };
/* What a device or till has kept while it was away, and sends again until it is settled. */
static const struct api_body list = { API_LIST_BYTES, &tw_json_wide, false };
/* Wishes that most clients do not have: nothing in them is needed, nor are they. */
static const struct api_body wishes = { API_BODY_BYTES, &tw_json_wide, true };

#define MONEY &money
#define WISHES &wishes
#define LIST &list
#define PATH API_TENANT_PATH
#define QUERY API_TENANT_QUERY
#define CREDENTIAL API_TENANT_CREDENTIAL
#define GIVEN API_TENANT_GIVEN
#define STRICT API_STRICT, API_NOBODY, false
#define BRIEF API_STRICT, API_NOBODY, true

/* A row of MiniPOS or cloud sync. */
#define DEVICE(method, pattern, operation, body, presence)                                     \
    {                                                                                          \
        method, pattern, operation, CREDENTIAL, NULL, body, API_DEVICE, presence, false        \
    }

/* A row of Restaurant OS. */
#define V1(method, pattern, operation, affinity, body)                                         \
    {                                                                                          \
        method, pattern, operation, CREDENTIAL, affinity, body, STRICT                         \
    }

/* Rows of the console (docs/rest.md section 9): reads, and actions. */
#define LOOK(path, operation)                                                                  \
    {                                                                                          \
        TW_GET, "/api/{tenant}/console/" path, operation, PATH, NULL, NULL, STRICT             \
    }
#define ACT(path, operation, affinity)                                                         \
    {                                                                                          \
        TW_POST, "/api/{tenant}/console/" path, operation, PATH, affinity, MONEY, STRICT       \
    }

/* Rows of one gift card, whose changes run one after the other. */
#define CARD(path, operation, body)                                                            \
    {                                                                                          \
        TW_POST, "/api/{tenant}/gift-cards/{cardNumber}/" path, operation, PATH, "cardNumber", \
            body, STRICT                                                                       \
    }

/* The first row that fits a path counts; no tenant is called pos, v1, sync, restaurants or
 * health. */
const struct api_route api_routes[] = {
    DEVICE(TW_GET, "/health", NULL, NULL, API_TABLETS),
    DEVICE(TW_GET, "/api/health", NULL, NULL, API_TOTALS),
    DEVICE(TW_GET, "/api/sync", "minipos_state", NULL, API_NOBODY),
    DEVICE(TW_POST, "/api/sync", "cloudsync_push", LIST, API_NOBODY),
    DEVICE(TW_GET, "/api/restaurants/{id}/data", "cloudsync_pull", NULL, API_NOBODY),
    DEVICE(TW_GET, "/api/restaurants/{id}/status", "cloudsync_devices", NULL, API_DEVICES),
    V1(TW_GET, "/api/v1/health", NULL, NULL, NULL),
    V1(TW_GET, "/api/v1/orders", "v1_orders", NULL, NULL),
    V1(TW_POST, "/api/v1/orders", "v1_order_create", NULL, MONEY),
    V1(TW_GET, "/api/v1/orders/{id}", "v1_order", NULL, NULL),
    V1(TW_PATCH, "/api/v1/orders/{id}/status", "v1_order_status", "id", MONEY),
    V1(TW_GET, "/api/v1/tables", "v1_tables", NULL, NULL),
    V1(TW_GET, "/api/v1/tables/{id}", "v1_table", NULL, NULL),
    V1(TW_PATCH, "/api/v1/tables/{id}/status", "v1_table_status", "id", MONEY),
    V1(TW_GET, "/api/v1/menu", "v1_menu", NULL, NULL),
    V1(TW_GET, "/api/v1/menu/items", "v1_menu_items", NULL, NULL),
    V1(TW_GET, "/api/v1/menu/categories", "v1_menu_categories", NULL, NULL),
    { TW_GET, "/api/pos/pull-orders", "orders_pull", QUERY, NULL, NULL, STRICT },
    { TW_POST, "/api/pos/orders/ack", "order_ack", GIVEN, NULL, MONEY, STRICT },
    { TW_GET, "/api/pos/orders/ack", "order_acks_get", GIVEN, NULL, NULL, STRICT },
    { TW_POST, "/api/pos/orders/received", "order_received", GIVEN, NULL, MONEY, STRICT },
    { TW_POST, "/api/pos/orders/batch-ack", "order_ack_batch", GIVEN, NULL, MONEY, STRICT },
    { TW_POST, "/api/pos/heartbeat", "till_heartbeat", GIVEN, NULL, MONEY, STRICT },
    { TW_GET, "/api/pos/config", "till_config", GIVEN, NULL, NULL, STRICT },
    { TW_GET, "/api/pos/loyalty-lookup", "till_loyalty_lookup", GIVEN, NULL, NULL, BRIEF },
    { TW_GET, "/api/pos/pull-loyalty", "till_loyalty_pull", GIVEN, NULL, NULL, STRICT },
    { TW_POST, "/api/pos/pull-loyalty", "till_loyalty_pulled", GIVEN, NULL, MONEY, STRICT },
    { TW_GET, "/api/pos/{tenant}/{restaurant}/heartbeat", "health", PATH, NULL, NULL, BRIEF },
    { TW_POST, "/api/tenant/{tenant}/admin/gift-cards/lookup", "till_card_lookup", PATH, NULL,
      MONEY, STRICT },
    { TW_POST, "/api/tenant/{tenant}/admin/gift-cards/redeem", "till_card_redeem", PATH, NULL,
      MONEY, STRICT },
    { TW_POST, "/api/tenant/{tenant}/admin/loyalty/customers", "till_customer_create", PATH,
      NULL, MONEY, STRICT },
    { TW_GET, "/api/{tenant}/health", "health", PATH, NULL, NULL, API_OPEN, API_NOBODY, true },
    { TW_GET, "/api/{tenant}/pos-status", "pos_status", PATH, NULL, NULL, STRICT },
    { TW_GET, "/api/{tenant}/pos-config", "pos_config", PATH, NULL, NULL, STRICT },
    { TW_POST, "/api/{tenant}/gift-cards/balance", "till_card_balance", PATH, NULL, MONEY,
      STRICT },
    { TW_POST, "/api/{tenant}/orders/{id}/confirm", "order_received", PATH, "id", MONEY,
      STRICT },
    { TW_POST, "/api/{tenant}/orders/{id}/ack", "order_answer", PATH, "id", MONEY, STRICT },
    { TW_GET, "/api/{tenant}/orders/{id}/delivery", "order_delivery", PATH, NULL, NULL,
      STRICT },
    { TW_GET, "/api/{tenant}/orders/pending", "orders_pending", PATH, NULL, NULL, STRICT },
    { TW_GET, "/api/{tenant}/gift-cards/{cardNumber}/balance", "gift_card_balance", PATH, NULL,
      NULL, BRIEF },
    CARD("deduct", "gift_card_deduct", MONEY),
    CARD("reload", "gift_card_reload", MONEY),
    CARD("refund", "gift_card_refund", MONEY),
    CARD("holds", "gift_card_hold", MONEY),
    CARD("holds/{holdId}/capture", "gift_card_capture", WISHES),
    CARD("holds/{holdId}/release", "gift_card_release", WISHES),
    CARD("freeze", "gift_card_freeze", MONEY),
    CARD("unfreeze", "gift_card_unfreeze", MONEY),
    CARD("close", "gift_card_close", MONEY),
    CARD("transfer", "gift_card_transfer", WISHES),
    CARD("transactions/{id}/void", "gift_card_void", MONEY),
    { TW_GET, "/api/{tenant}/gift-cards/{cardNumber}/transactions", "gift_card_transactions",
      PATH, NULL, NULL, STRICT },
    { TW_GET, "/api/{tenant}/operations/{idempotencyKey}", "operation_outcome", PATH, NULL,
      NULL, STRICT },
    { TW_GET, "/api/{tenant}/loyalty/{phone}/points", "loyalty_points", PATH, NULL, NULL,
      BRIEF },
    { TW_POST, "/api/{tenant}/loyalty/{phone}/add", "loyalty_add", PATH, "phone", MONEY,
      STRICT },
    { TW_POST, "/api/{tenant}/loyalty/{phone}/redeem", "loyalty_redeem", PATH, "phone", MONEY,
      STRICT },
    { TW_POST, "/api/{tenant}/loyalty/{phone}/reverse", "loyalty_reverse", PATH, "phone", MONEY,
      STRICT },
    { TW_POST, "/api/{tenant}/loyalty/{phone}/adjust", "loyalty_adjust", PATH, "phone", MONEY,
      STRICT },
    { TW_GET, "/api/{tenant}/loyalty/{phone}/transactions", "loyalty_transactions", PATH, NULL,
      NULL, STRICT },
    { TW_POST, "/api/{tenant}/reports/daily", "report_daily", PATH, NULL, MONEY, STRICT },
    { TW_POST, "/api/{tenant}/batch", "batch", PATH, "tenant", LIST, STRICT },
    { TW_GET, "/api/{tenant}/reports/daily/{date}/compare", "report_compare", PATH, NULL, NULL,
      STRICT },
    { TW_GET, "/api/{tenant}/events", "events_list", PATH, NULL, NULL, STRICT },
    { TW_POST, "/api/{tenant}/ws-ticket", "ticket_issue", PATH, NULL, WISHES, API_PAGE,
      API_NOBODY, false },
    { TW_POST, "/api/{tenant}/orders", "order_create", PATH, NULL, MONEY, STRICT },
    { TW_GET, "/api/{tenant}/orders/{id}", "order_get", PATH, NULL, NULL, STRICT },
    { TW_PATCH, "/api/{tenant}/orders/{id}", "order_update", PATH, "id", MONEY, STRICT },
    { TW_POST, "/api/{tenant}/gift-cards", "gift_card_issue", PATH, NULL, MONEY, STRICT },
    { TW_POST, "/api/{tenant}/customers", "customer_create", PATH, NULL, MONEY, STRICT },
    { TW_POST, "/api/{tenant}/customers/{id}/erase", "customer_erase", PATH, "id", WISHES,
      STRICT },
    { TW_GET, "/api/{tenant}/customers/{id}/export", "customer_export", PATH, NULL, NULL,
      STRICT },
    { TW_POST, "/api/{tenant}/kitchen-alerts", "kitchen_alert", PATH, NULL, MONEY, STRICT },
    { TW_GET, "/api/{tenant}/menu-items/availability", "menu_availability", PATH, NULL, NULL,
      STRICT },
    { TW_POST, "/api/{tenant}/menu-items/{id}/availability", "menu_availability_set", PATH,
      "id", MONEY, STRICT },
    { TW_GET, "/api/{tenant}/sandbox/orders", "sandbox_orders", PATH, NULL, NULL, STRICT },
    { TW_POST, "/api/{tenant}/sandbox/orders", "sandbox_order", PATH, NULL, MONEY, STRICT },
    { TW_POST, "/api/{tenant}/sandbox/faults", "sandbox_fault", PATH, NULL, MONEY, STRICT },
    { TW_GET, "/api/{tenant}/devices", "devices_list", PATH, NULL, NULL, STRICT },
    { TW_POST, "/api/{tenant}/devices/{id}/disconnect", "device_disconnect", PATH, NULL, WISHES,
      STRICT },
    { TW_POST, "/api/{tenant}/devices/{id}/key", "device_key", PATH, NULL, WISHES, STRICT },
    { TW_POST, "/api/{tenant}/devices/{id}/key/revoke", "device_key_revoke", PATH, NULL, WISHES,
      STRICT },
    LOOK("now", "console_now"),
    LOOK("devices", "console_devices"),
    ACT("devices/disconnect", "console_devices_disconnect", NULL),
    LOOK("events/{seq}", "console_event"),
    LOOK("orders", "console_orders"),
    LOOK("orders/{id}", "console_order"),
    LOOK("gift-cards", "console_gift_cards"),
    LOOK("gift-cards/{cardNumber}", "console_gift_card"),
    ACT("gift-cards/{cardNumber}/freeze", "console_gift_card_freeze", "cardNumber"),
    ACT("gift-cards/{cardNumber}/unfreeze", "console_gift_card_unfreeze", "cardNumber"),
    ACT("gift-cards/{cardNumber}/void", "console_gift_card_void", "cardNumber"),
    LOOK("menu", "console_menu"),
    LOOK("customers/{phone}", "console_customer"),
    LOOK("keys", "console_keys"),
    ACT("keys", "console_key_create", NULL),
    { TW_POST, "/api/{tenant}/console/keys/{id}/revoke", "console_key_revoke", PATH, NULL,
      WISHES, STRICT },
    LOOK("requests", "console_requests"),
    LOOK("system", "console_system"),
    LOOK("audit", "console_audit"),
    { TW_POST, "/api/{tenant}/import/{kind}", "list_import", PATH, NULL, MONEY, STRICT },
};
_Static_assert(TW_COUNT(api_routes) == API_ROUTES, "as many as are counted");
const size_t api_route_count = API_ROUTES;

const char *const api_query_names[] = { "status",         "limit",      "since",
                                        "after",          "wait",       "type",
                                        "offset",         "phone",      "startDate",
                                        "endDate",        "order_id",   "table_number",
                                        "unacknowledged", "include_all" };
const size_t api_query_count = TW_COUNT(api_query_names);
