/* loyalty.c - customers' points (schema/functions/operators/customer_adjust.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "points", "NUMBER", "what is added; with a minus sign: taken (--points=-50)" },
    { "reason", "TEXT", "why; it stands in the ledger" },
    { "allow-negative", NULL, "also when the customer has fewer, and owes them then" },
};

static const struct tillctl_command commands[] = {
    { .verb = "show",
      .words = "SLUG CUSTOMER",
      .about = "a customer, by phone number or as id:1001",
      .sql = "select * from pos.customer_shown(:slug, :customer)",
      .answer = TILLCTL_RECORD },
    { .verb = "ledger",
      .words = "SLUG CUSTOMER",
      .about = "each entry of the customer's points, the oldest first",
      .sql = "select * from pos.loyalty_entries(:slug, :customer)",
      .answer = TILLCTL_TABLE },
    { .verb = "adjust",
      .words = "SLUG CUSTOMER",
      .options = "points! reason! allow-negative",
      .about = "give or take points",
      .change = "select pos.customer_adjust(:slug, :customer, :points, :reason,"
                " :allow-negative is not null)",
      .sql = "select * from pos.customer_shown(:slug, :customer)",
      .answer = TILLCTL_RECORD },
    { .verb = "reverse",
      .words = "SLUG CUSTOMER ORDER",
      .options = "reason! allow-negative",
      .about = "take back what an order has added, give back what it has redeemed",
      .change = "select pos.customer_reverse(:slug, :customer, :order, :reason,"
                " :allow-negative is not null)",
      .sql = "select * from pos.customer_shown(:slug, :customer)",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_loyalty = {
    .name = "loyalty",
    .about = "points of a restaurant's customers",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
