/* audit.c - who did what: with tillctl, or in SQL. Money has its own trail, the ledgers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "last", "NUMBER", "how many; 50" },
};

static const struct tillctl_command commands[] = {
    { .verb = "list",
      .words = "[SLUG]",
      .options = "last",
      .about = "what was done to a restaurant, or to all; the newest last",
      .sql = "select at, actor, tenant, action, subject, detail from (select a.id,"
             "  date_trunc('second', a.at) as at, a.actor, t.slug as tenant,"
             "  a.action, a.subject, a.detail"
             "  from pos.audit a left join dinedesk_main.tenants t on t.id = a.tenant_id"
             "  where :slug is null or t.id = (pos.operator_tenant(:slug)).id"
             "  order by a.id desc limit pos.operator_number(:last, 50)) l order by id",
      .answer = TILLCTL_TABLE },
};

const struct tillctl_thing tillctl_audit = {
    .name = "audit",
    .about = "who did what",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
