/* customer.c - what is kept of a customer, and its end
 * (schema/functions/operators/customer_erased.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "include-open-orders", NULL, "also those that are still being made or delivered" },
};

static const struct tillctl_command commands[] = {
    { .verb = "export",
      .words = "SLUG CUSTOMER",
      .about = "all that is kept of a customer, by phone number or as id:1001, as JSON",
      .sql = "select pos.customer_held(:slug, :customer)",
      .answer = TILLCTL_TEXT },
    { .verb = "erase",
      .words = "SLUG CUSTOMER",
      .options = "include-open-orders",
      .about = "name, phone, e-mail, address and notes go, for good",
      .sql = "select * from pos.customer_erased(:slug, :customer,"
             " :include-open-orders is not null)",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_customer = {
    .name = "customer",
    .about = "what is kept of a restaurant's customers",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
