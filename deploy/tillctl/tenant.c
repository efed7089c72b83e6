/* tenant.c - restaurants: which there are, new ones, and who is let in.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/tillctl/answer.h"
#include "deploy/tillctl/command.h"

static const char show[] =
    "select t.slug, t.name, t.status, t.id::text as id, t.country, t.currency, t.timezone,"
    " t.keyless as \"devices without a key\","
    " (select count(*) from pos.api_key k where k.tenant_id = t.id and k.revoked_at is null"
    "   and (k.expires_at is null or k.expires_at > now())) as keys,"
    " (select string_agg(a.alias, ' ' order by a.alias) from pos.tenant_alias a"
    "   where a.tenant_id = t.id) as aliases,"
    " (select s.head from pos.stream s where s.tenant_id = t.id) as \"last seq\","
    " t.created_at from dinedesk_main.tenants t where t.slug = $1";

int tenant_list(const struct tillctl_args *args)
{
    struct database *d = tillctl_open(args);
    int exit = d == NULL ? TILLCTL_UNREACHABLE
                         : answer_rows(d, args,
                                       "select slug, name, status, country, currency, timezone"
                                       " from dinedesk_main.tenants order by slug",
                                       NULL);

    database_close(d);
    return exit;
}

/* Change it with `sql`, if any, and show it. */
static int change(const struct tillctl_args *args, const char *sql, const char *const *params)
{
    const char *const slug[] = { args->words[0], NULL };
    struct database *d = tillctl_open(args);
    int exit;

    if (d == NULL)
        return TILLCTL_UNREACHABLE;
    if (sql != NULL && !database_do(d, sql, params))
        exit = database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    else
        exit = answer_one(d, args, show, slug,
                          "there is no such restaurant: tillctl tenant list shows them");
    database_close(d);
    return exit;
}

int tenant_show(const struct tillctl_args *args)
{
    return change(args, NULL, NULL);
}

static const char *text_of(const char *given, const char *otherwise)
{
    return given == NULL ? otherwise : given;
}

static bool is_slug(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t len = strlen(text);

    return len > 0 && len < 64 && strchr(letters, text[0]) != NULL &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

int tenant_add(const struct tillctl_args *args)
{
    const char *const params[] = { args->words[0],
                                   text_of(args->options[TILLCTL_NAME], args->words[0]),
                                   args->options[TILLCTL_COUNTRY],
                                   args->options[TILLCTL_CURRENCY],
                                   text_of(args->options[TILLCTL_TIMEZONE], "UTC"),
                                   NULL };

    if (!is_slug(args->words[0])) {
        (void)fputs("tillctl: a slug is part of addresses: 1 to 63 of a-z, 0-9, _ and -, and "
                    "none of the last two "
                    "first\n",
                    stderr);
        return TILLCTL_BAD_USAGE;
    }
    if (params[2] == NULL || params[3] == NULL) {
        (void)fputs("tillctl: give --country (GB) and --currency (GBP)\n", stderr);
        return TILLCTL_BAD_USAGE;
    }
    return change(args,
                  "insert into dinedesk_main.tenants (slug, name, country, currency, timezone)"
                  " values ($1, $2, $3, $4, $5)",
                  params);
}

/* Only between these two: a restaurant that moves has states of its own, and PostgreSQL
 * refuses. */
static int set_status(const struct tillctl_args *args, const char *to)
{
    const char *const params[] = { args->words[0], to, NULL };

    return change(args, "update dinedesk_main.tenants set status = $2 where slug = $1", params);
}

int tenant_suspend(const struct tillctl_args *args)
{
    return set_status(args, "suspended");
}

int tenant_resume(const struct tillctl_args *args)
{
    return set_status(args, "active");
}

int cell_set(const struct tillctl_args *args)
{
    const char *const number[] = { args->words[0], NULL };
    struct database *d = tillctl_open(args);
    int exit;

    if (d == NULL)
        return TILLCTL_UNREACHABLE;
    if (!database_do(d, "select pos.cell_set($1::int)", number))
        exit = database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    else
        exit = answer_one(d, args, "select cell from pos.setting", NULL, "");
    database_close(d);
    return exit;
}

int tenant_forget(const struct tillctl_args *args)
{
    const char *const slug[] = { args->words[0], NULL };
    struct database *d = tillctl_open(args);
    int exit =
        d == NULL
            ? TILLCTL_UNREACHABLE
            : answer_one(
                  d, args,
                  "select pos.tenant_forget($1) as \"rows removed\" from (select"
                  " pg_advisory_lock(hashtextextended('tenant move ' || $1, 7214460006))) l",
                  slug, "");

    database_close(d);
    return exit;
}
