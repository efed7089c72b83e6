/* order.c - orders: a test order, and what became of one
 * (schema/functions/operators/order_shown.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "from", "JSON-FILE", "the body as POST /api/{tenant}/orders takes it" },
    { "customer", "TEXT", "the customer's name; Test order" },
    { "total", "AMOUNT", "what it costs; 1.00" },
    { "item", "TEXT", "its only line; one that says that it is a test" },
    { "type", "pickup|delivery", "pickup" },
    { "last", "NUMBER", "how many; 20" },
};

static const char *check_push(const struct tillctl_args *args)
{
    static const char *const singles[] = { "customer", "total", "item", "type" };

    for (size_t i = 0; tillctl_value(args, "from") != NULL && i < TW_COUNT(singles); i++)
        if (tillctl_value(args, singles[i]) != NULL)
            return "the order is in the file of --from: leave the other options out";
    return NULL;
}

static const struct tillctl_command commands[] = {
    { .verb = "push",
      .words = "SLUG",
      .options = "from customer total item type",
      .about = "a new order, as from a shop: do the tills show it?",
      .check = check_push,
      .sql =
          "select s.* from pos.order_push(:slug, :from, :customer, :total, :item, :type) p(id),"
          " pos.order_shown(:slug, p.id) s",
      .answer = TILLCTL_RECORD },
    { .verb = "show",
      .words = "SLUG ORDER",
      .about = "by its id or number: what became of it, which devices have it",
      .sql = "select * from pos.order_shown(:slug, :order)",
      .answer = TILLCTL_RECORD,
      .missing = "there is no such order: tillctl order list shows the newest" },
    { .verb = "list",
      .words = "SLUG",
      .options = "last",
      .about = "the newest ones",
      .sql = "select * from pos.orders_shown(:slug, pos.operator_number(:last, 20))",
      .answer = TILLCTL_TABLE },
};

const struct tillctl_thing tillctl_order = {
    .name = "order",
    .about = "orders of a restaurant",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
