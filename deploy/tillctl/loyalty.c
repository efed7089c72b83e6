/* loyalty.c - customers' points (schema/functions/operators/loyalty_adjust.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "points", "NUMBER", "what is added; with a minus sign: taken (--points=-50)" },
    { "reason", "TEXT", "why; it stands in the ledger" },
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
      .options = "points! reason!",
      .about = "give or take points",
      .change = "select pos.loyalty_adjust(:slug, :customer, :points, :reason)",
      .sql = "select * from pos.customer_shown(:slug, :customer)",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_loyalty = {
    .name = "loyalty",
    .about = "points of a restaurant's customers",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
