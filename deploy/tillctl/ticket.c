/* ticket.c - a ticket that opens one socket, for a browser's page: no key stands in an address
 * (schema/functions/operators/operator_ticket.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "device", "NAME", "as which device it is known" },
};

static const struct tillctl_command commands[] = {
    { .verb = "",
      .words = "ID",
      .options = "device",
      .about = "opens one socket within 30 s (?ticket=) as the key of this id",
      .sql = "select * from pos.operator_ticket(:id, :device)",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_ticket = {
    .name = "ticket",
    .about = "tickets for browsers",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
