/* statement.c - see statement.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/statement.h"

#include <stdio.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/slice.h"
#include "deploy/tillctl/answer.h"

#define SQL_BYTES 32768

struct bound {
    struct tw_buf sql;
    struct tw_slice names[DATABASE_MAX_TEXTS];
    const char *values[DATABASE_MAX_TEXTS];
    size_t count;
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

/* The number that stands for it in SQL. */
static size_t bind(struct bound *b, const struct tillctl_args *args, struct tw_slice name)
{
    char text[64];

    for (size_t i = 0; i < b->count; i++)
        if (tw_slice_eq(b->names[i], name))
            return i + 1;
    TW_ASSERT(b->count < DATABASE_MAX_TEXTS);
    TW_ASSERT(name.len < sizeof(text));
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, name.at);
    b->names[b->count] = name;
    b->values[b->count] = tillctl_value(args, text);
    return ++b->count;
}

/* `:name` becomes `$1`; `::type` stays. Names have no digits, so that neither has a time. */
static void put(struct bound *b, const struct tillctl_args *args, const char *sql)
{
    while (*sql != '\0') {
        size_t len = strcspn(sql, ":");

        tw_buf_append(&b->sql, tw_slice_from(sql, len));
        sql += len;
        len = strspn(sql, ":");
        if (len == 1 && strspn(&sql[1], letters) > 0) {
            struct tw_slice name = tw_slice_from(&sql[1], strspn(&sql[1], letters));

            tw_buf_char(&b->sql, '$');
            tw_buf_u64(&b->sql, bind(b, args, name));
            len += name.len;
        } else {
            tw_buf_append(&b->sql, tw_slice_from(sql, len));
        }
        sql += len;
    }
}

struct rows *statement_ask(struct database *d, const struct tillctl_args *args,
                           const char *around, const char *sql)
{
    struct bound b = { .sql = { .max = SQL_BYTES } };
    struct rows *r;

    if (around != NULL) {
        tw_buf_text(&b.sql, around);
        tw_buf_text(&b.sql, " from (");
    }
    put(&b, args, sql);
    if (around != NULL)
        tw_buf_text(&b.sql, ") t");
    tw_buf_char(&b.sql, '\0');
    TW_ASSERT(!b.sql.failed);
    r = database_ask_texts(d, b.sql.at, b.count, b.values);
    tw_buf_done(&b.sql);
    return r;
}

static bool do_change(struct database *d, const struct tillctl_args *args)
{
    struct rows *r;

    if (args->command->change == NULL)
        return true;
    r = statement_ask(d, args, NULL, args->command->change);
    rows_done(r);
    return r != NULL;
}

/* What the answer says is shown only after it has been committed. */
static int ask_and_show(struct database *d, const struct tillctl_args *args)
{
    struct rows *r = NULL;
    int exit;

    if (!database_do(d, "begin", NULL))
        return TILLCTL_UNREACHABLE;
    if (do_change(d, args))
        r = answer_ask(d, args);
    if (r != NULL && !database_do(d, "commit", NULL)) {
        rows_done(r);
        if (!database_is_lost(d))
            return TILLCTL_REFUSED;
        (void)fputs("tillctl: whether it was done is not known: look before you repeat it\n",
                    stderr);
        return TILLCTL_UNREACHABLE;
    }
    if (r == NULL)
        return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    exit = answer_show(r, args);
    rows_done(r);
    return exit;
}

int statement_run(const struct tillctl_args *args)
{
    struct database *d = tillctl_open(args);
    int exit = d == NULL ? TILLCTL_UNREACHABLE : ask_and_show(d, args);

    database_close(d);
    return exit;
}
