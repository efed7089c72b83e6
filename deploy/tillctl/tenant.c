/* tenant.c - restaurants: which there are, new ones, and who is let in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/tenant.h"

#include <string.h>

#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "name", "TEXT", "what people call the restaurant; its slug" },
    { "country", "GB", "what a phone number without + is of" },
    { "currency", "GBP", "of its prices" },
    { "timezone", "Europe/London", "of its clocks; UTC" },
    { "day-start", "HH:MM", "a sale before this time is yesterday's; 05:00" },
    { "sandbox", "on|off", "orders and faults may be made up there" },
    { "id", "UUID", "by which its devices know it; a new one" },
    { "dedupe-seconds", "NUMBER", "for which a repeat without an idempotency key is one; 0" },
    { "order-prefix", "TEXT", "what its order numbers begin with" },
    { "tablet-orders", "accepted|all", "which online orders its tablets are shown" },
    { "staff-secrets", "seal|drop", "whether the staff of its tablets is kept, sealed" },
    { "rate", "NUMBER/NUMBER", "requests a second / at once; default: the apis' settings" },
    { "till-refunds", "50.00|none", "what its tills may refund on cards in a day; none" },
    { "order-ladder", "off|auto|on", "tell of orders that no device acknowledges; auto" },
    { "order-ladder-cancels", "on|off", "cancel them after eight minutes; off" },
    { "keyless", "on|off", "let in devices without a key: unsafe" },
    { "alias", "NAME", "another name for it, which its devices may use" },
    { "no-alias", "NAME", "a name that they use no more" },
    { "mastered", "KIND", "a list of its tablets that was handed over to us" },
    { "not-mastered", "KIND", "a list that its tablets keep themselves" },
    { "token-secret", "FILE", "what its own tokens (JWT) are signed with" },
    { "no-token-secret", NULL, "it has no tokens of its own" },
    { "to", "URL", "the database of the other cell; TILLWIRE_TO_DATABASE_URL" },
    { "switch", "COMMAND", "leads the restaurant to the other cell" },
    { "wait", "SECONDS", "for transactions that are under way; 30" },
    { "grace", "SECONDS", "for its sockets to go; 6" },
    { "abandon", NULL, "of a move that was broken off: stay here" },
};

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static const char *check_slug(const struct tillctl_args *args)
{
    const char *slug = args->words[0];
    size_t len = strlen(slug);

    if (len > 0 && len < 64 && strspn(slug, LOWER DIGITS) > 0 &&
        strspn(slug, LOWER DIGITS "_-") == len)
        return NULL;
    return "a slug is part of addresses: 1 to 63 of a-z, 0-9, _ and -, and none of the last "
           "two first";
}

#define SHOW "select * from pos.tenant_show(:slug)"
#define NOT_THERE "there is no such restaurant: tillctl tenant list shows them"

/* A restaurant that moves has states of its own: PostgreSQL refuses to change those. */
static const struct tillctl_command commands[] = {
    { .verb = "list",
      .about = "all restaurants",
      .sql = "select slug, name, status, country, currency, timezone from dinedesk_main.tenants"
             " order by slug",
      .answer = TILLCTL_TABLE },
    { .verb = "show",
      .words = "SLUG",
      .about = "one of them",
      .sql = SHOW,
      .answer = TILLCTL_RECORD,
      .missing = NOT_THERE },
    { .verb = "add",
      .words = "SLUG",
      .options = "name country! currency! timezone id",
      .about = "a new one",
      .check = check_slug,
      .change = "select pos.tenant_add(:slug, :id, coalesce(:name, :slug), :country, :currency,"
                " coalesce(:timezone, 'UTC'))",
      .sql = SHOW,
      .answer = TILLCTL_RECORD },
    { .verb = "set",
      .words = "SLUG",
      .options =
          "name country currency timezone day-start dedupe-seconds order-prefix tablet-orders "
          "sandbox staff-secrets rate till-refunds order-ladder order-ladder-cancels keyless "
          "alias no-alias mastered not-mastered token-secret "
          "no-token-secret",
      .about = "change its settings; those that are not given stay",
      .change =
          "select pos.tenant_set(:slug, :name, :country, :currency, :timezone,"
          " :dedupe-seconds, :order-prefix, :tablet-orders, :keyless, :staff-secrets),"
          " pos.tenant_names_set(:slug, :alias, :no-alias, :mastered, :not-mastered,"
          " :token-secret, :no-token-secret is not null), pos.tenant_rate_read(:slug, :rate),"
          " pos.till_refunds_set(:slug, :till-refunds),"
          " pos.tenant_order_ladder_set(:slug, :order-ladder, :order-ladder-cancels),"
          " pos.tenant_day_set(:slug, :day-start, :sandbox)",
      .sql = SHOW,
      .answer = TILLCTL_RECORD },
    { .verb = "suspend",
      .words = "SLUG",
      .about = "refuse its keys and tokens, and close its sockets",
      .change = "update dinedesk_main.tenants set status = 'suspended' where slug = :slug",
      .sql = SHOW,
      .answer = TILLCTL_RECORD,
      .missing = NOT_THERE },
    { .verb = "resume",
      .words = "SLUG",
      .about = "let it in again",
      .change = "update dinedesk_main.tenants set status = 'active' where slug = :slug",
      .sql = SHOW,
      .answer = TILLCTL_RECORD,
      .missing = NOT_THERE },
    { .verb = "move",
      .words = "SLUG",
      .options = "to switch wait grace abandon",
      .about = "to another cell, with all that it has",
      .run = tenant_move },
    { .verb = "forget",
      .words = "SLUG",
      .about = "remove the rows of one that has moved away",
      .sql = "select pos.tenant_forget(:slug) as \"rows removed\" from (select"
             " pg_advisory_lock(hashtextextended('tenant move ' || :slug, 7214460006))) l",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_tenant = {
    .name = "tenant",
    .about = "restaurants",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
