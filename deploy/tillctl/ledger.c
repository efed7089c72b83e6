/* ledger.c - whether balances are the sums of their entries
 * (schema/functions/operators/ledger_page.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/tillctl/things.h"

/* Things in a statement: it takes some milliseconds beside the service, whose writers it does
 * not stop. */
#define PAGE "500"

static const char first_tenant[] = "00000000-0000-0000-0000-000000000000";

struct sums {
    struct database *database;
    const struct tillctl_args *args;
    int64_t looked, wrong;
};

/* As it is found: nothing is kept, however many there are. */
static void show(struct sums *s, const struct rows *r, size_t row)
{
    if (s->args->json)
        printf("%s%s", s->wrong == 0 ? "" : ",", rows_text(r, row, 0));
    else
        printf("NOT OK  %s: %s %s\n", rows_text(r, row, 1), rows_text(r, row, 2),
               rows_text(r, row, 3));
    s->wrong++;
}

/* One page: its last row says what it has looked at. False: it failed. */
static bool look(struct sums *s, const char *kind, struct rows **page, bool *is_last)
{
    size_t end = *page == NULL ? 0 : rows_count(*page) - 1;
    const char *const values[] = { kind, tillctl_value(s->args, "slug"),
                                   *page == NULL ? first_tenant : rows_text(*page, end, 5),
                                   *page == NULL ? "" : rows_text(*page, end, 6), PAGE };
    struct rows *next = database_ask_with(
        s->database,
        "select json_build_object('restaurant', p.restaurant, 'subject', p.subject, 'what', "
        "p.what),"
        " p.restaurant, p.subject, p.what, p.looked, p.last_tenant, p.last_subject"
        " from pos.ledger_page($1, $2, $3::uuid, $4, $5::int) p order by p.restaurant, "
        "p.subject",
        TW_COUNT(values), values);

    rows_done(*page);
    *page = next;
    if (next == NULL)
        return false;
    end = rows_count(next) - 1; /* nulls come last */
    for (size_t i = 0; i < end; i++)
        show(s, next, i);
    *is_last = rows_int(next, end, 4) == 0;
    s->looked += rows_int(next, end, 4);
    return true;
}

static bool look_at_all(struct sums *s, const char *kind)
{
    struct rows *page = NULL;
    bool is_last = false, is_done = true;

    while (is_done && !is_last)
        is_done = look(s, kind, &page, &is_last);
    rows_done(page);
    return is_done;
}

static bool is_known(struct sums *s)
{
    const char *const values[] = { tillctl_value(s->args, "slug") };
    struct rows *r = database_ask_with(s->database,
                                       "select 1 where $1::text is null or exists (select from "
                                       "dinedesk_main.tenants t where t.slug = $1)",
                                       1, values);
    bool is_there = r != NULL && rows_count(r) == 1;

    if (r != NULL && !is_there)
        (void)fputs("tillctl: there is no such restaurant: tillctl tenant list shows them\n",
                    stderr);
    rows_done(r);
    return is_there;
}

static int verify_in(struct sums *s)
{
    int64_t cards;

    if (!is_known(s))
        return database_is_lost(s->database) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    if (s->args->json)
        putchar('[');
    if (!look_at_all(s, "gift card"))
        return database_is_lost(s->database) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    cards = s->looked;
    if (!look_at_all(s, "customer"))
        return database_is_lost(s->database) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    if (s->args->json)
        puts("]");
    else
        printf("%s  %" PRId64 " gift cards and %" PRId64 " customers, %" PRId64 " differ\n",
               s->wrong == 0 ? "good  " : "NOT OK", cards, s->looked - cards, s->wrong);
    return s->wrong == 0 ? TILLCTL_DONE : TILLCTL_REFUSED;
}

static int verify(const struct tillctl_args *args)
{
    struct sums s = { .database = tillctl_open(args), .args = args };
    int exit = s.database == NULL ? TILLCTL_UNREACHABLE : verify_in(&s);

    database_close(s.database);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "verify",
      .words = "[SLUG]",
      .about = "whether balances and points are the sums of their entries",
      .run = verify },
};

const struct tillctl_thing tillctl_ledger = {
    .name = "ledger",
    .about = "the ledgers of gift cards and points",
    TILLCTL_COMMANDS(commands),
};
