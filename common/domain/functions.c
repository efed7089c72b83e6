/* functions.c - the names, sorted, and the classes of errors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/err.h"

/* What the processes call, in strcmp's order: the operations of pos.call
 * (schema/functions/core/operations.sql), and the functions that are called by themselves.
 * `call` is one statement with several short reads. */
static const char *const names[] = {
    "api_leaves",
    "api_rates",
    "authenticate",
    "batch",
    "call",
    "cloudsync_data",
    "cloudsync_devices",
    "cloudsync_pull",
    "cloudsync_push",
    "console_audit",
    "console_customer",
    "console_devices",
    "console_devices_disconnect",
    "console_event",
    "console_gift_card",
    "console_gift_card_freeze",
    "console_gift_card_unfreeze",
    "console_gift_card_void",
    "console_gift_cards",
    "console_key_create",
    "console_key_revoke",
    "console_keys",
    "console_menu",
    "console_now",
    "console_order",
    "console_orders",
    "console_requests",
    "console_system",
    "customer_create",
    "customer_erase",
    "customer_export",
    "delivery_write",
    "device_disconnect",
    "device_key",
    "device_key_revoke",
    "devices_list",
    "devices_look",
    "event_shown",
    "events_list",
    "events_pieces",
    "gateway_report_write",
    "gift_card_balance",
    "gift_card_capture",
    "gift_card_close",
    "gift_card_deduct",
    "gift_card_freeze",
    "gift_card_hold",
    "gift_card_issue",
    "gift_card_refund",
    "gift_card_release",
    "gift_card_reload",
    "gift_card_transactions",
    "gift_card_transfer",
    "gift_card_unfreeze",
    "gift_card_void",
    "heads",
    "health",
    "house_change",
    "keys_state",
    "kitchen_alert",
    "ledger_look",
    "list_import",
    "loyalty_add",
    "loyalty_adjust",
    "loyalty_points",
    "loyalty_redeem",
    "loyalty_reverse",
    "loyalty_transactions",
    "maintain",
    "menu_availability",
    "menu_availability_set",
    "minipos_state",
    "operation_outcome",
    "order_ack",
    "order_ack_batch",
    "order_acks_get",
    "order_answer",
    "order_create",
    "order_delivery",
    "order_get",
    "order_received",
    "order_status",
    "order_update",
    "orders_pending",
    "orders_pull",
    "orders_sync",
    "outbox_relay",
    "pos_config",
    "pos_status",
    "process_leaves",
    "process_seen",
    "report_compare",
    "report_daily",
    "request_log_write",
    "sandbox_fault",
    "sandbox_order",
    "sandbox_orders",
    "schema_version",
    "shared_state_change",
    "staff_change",
    "staff_list",
    "sync_log_write",
    "table_complete",
    "tenants_ended",
    "tenants_moving",
    "ticket_issue",
    "ticket_take",
    "till_card_balance",
    "till_card_lookup",
    "till_card_redeem",
    "till_config",
    "till_customer_create",
    "till_heartbeat",
    "till_loyalty_lookup",
    "till_loyalty_pull",
    "till_loyalty_pulled",
    "tills_online_write",
    "timers_run",
    "token_tenant",
    "v1_menu",
    "v1_menu_categories",
    "v1_menu_items",
    "v1_order",
    "v1_order_create",
    "v1_order_status",
    "v1_orders",
    "v1_table",
    "v1_table_status",
    "v1_tables",
    "watch",
};
_Static_assert(TW_COUNT(names) == TW_FUNCTIONS, "as many names as histograms");

/* The first two characters of a SQLSTATE (PostgreSQL 15, appendix A). */
static const char *const classes[] = { "08", "0A", "22", "23", "25", "40", "42",
                                       "53", "54", "55", "57", "58", "P0", "XX" };
_Static_assert(TW_COUNT(classes) == TW_SQL_CLASSES, "as many classes as numbers");

static int compare(const void *name, const void *element)
{
    return strcmp(name, *(const char *const *)element);
}

size_t tw_function_index(const char *name)
{
    const char *const *found =
        name == NULL ? NULL : bsearch(name, names, TW_FUNCTIONS, sizeof(names[0]), compare);

    return found == NULL ? TW_FUNCTIONS : (size_t)(found - names);
}

static size_t class_index(const char *sqlstate)
{
    size_t i = 0;

    while (i < TW_SQL_CLASSES && strncmp(sqlstate, classes[i], 2) != 0)
        i++;
    return i;
}

static void on_answered(struct tw_pg_observer *o, const struct tw_pg_call *call,
                        const struct tw_pg_result *result, uint64_t us)
{
    struct tw_functions *f = tw_container_of(o, struct tw_functions, observer);
    int error = tw_pg_error(result);

    tw_histogram_add(&f->seconds[tw_function_index(call->function)], us);
    if (error == TW_ELOST)
        f->errors[class_index("08")].value++;
    else if (error != 0)
        f->errors[class_index(tw_pg_sqlstate(result))].value++;
}

static bool function_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    if (i <= TW_FUNCTIONS)
        (void)snprintf(labels, TW_METRIC_LABELS, "fn=\"%s\"",
                       i < TW_FUNCTIONS ? names[i] : "other");
    return i <= TW_FUNCTIONS;
}

static bool class_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    if (i <= TW_SQL_CLASSES)
        (void)snprintf(labels, TW_METRIC_LABELS, "class=\"%s\"",
                       i < TW_SQL_CLASSES ? classes[i] : "other");
    return i <= TW_SQL_CLASSES;
}

static const struct tw_metric_row second_rows[] = {
    { "pg_query_seconds", NULL,
      "From the sending of a statement to its answer, by the SQL function that it calls; what "
      "is "
      "before it on its connection included.",
      TW_METRIC_AT(struct tw_functions, seconds[0]) },
};

static const struct tw_metric_row error_rows[] = {
    { "pg_errors_total", NULL,
      "Statements that failed, by the class of their SQLSTATE (08: the connection broke, 40: a "
      "deadlock, 53: PostgreSQL is out of disk, memory or connections, 55: a lock was not "
      "given, "
      "57: it was cancelled or PostgreSQL shuts down).",
      TW_METRIC_AT(struct tw_functions, errors[0]) },
};

const struct tw_metric_table tw_functions_metrics = { .rows = second_rows,
                                                      .count = TW_COUNT(second_rows),
                                                      .labels_of = function_labels,
                                                      .label_names = "`fn`" };
const struct tw_metric_table tw_functions_errors = { .rows = error_rows,
                                                     .count = TW_COUNT(error_rows),
                                                     .labels_of = class_labels };

void tw_functions_start(struct tw_functions *f)
{
    f->observer.answered = on_answered;
}
