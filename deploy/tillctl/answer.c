/* answer.c - see answer.h. PostgreSQL writes the JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/buf.h"

#define SQL_BYTES 16384

/* Characters of UTF-8: bytes but for those that continue one. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void put_cell(const char *text, int width, bool is_last)
{
    printf("%s%*s", text, is_last ? 0 : width - width_of(text) + 2, "");
}

static void print_table(const struct rows *r)
{
    int widths[32];
    int columns = rows_columns(r);

    TW_ASSERT(columns <= (int)TW_COUNT(widths));
    for (int c = 0; c < columns; c++) {
        widths[c] = width_of(rows_column(r, c));
        for (size_t i = 0; i < rows_count(r); i++)
            if (width_of(rows_text(r, i, c)) > widths[c])
                widths[c] = width_of(rows_text(r, i, c));
    }
    for (int c = 0; c < columns; c++)
        put_cell(rows_column(r, c), widths[c], c == columns - 1);
    putchar('\n');
    for (size_t i = 0; i < rows_count(r); i++) {
        for (int c = 0; c < columns; c++)
            put_cell(rows_text(r, i, c), widths[c], c == columns - 1);
        putchar('\n');
    }
}

static struct rows *ask(struct database *d, const struct tillctl_args *args, const char *around,
                        const char *sql, const char *const *params)
{
    struct tw_buf text = { .max = SQL_BYTES };
    struct rows *r = NULL;

    if (args->options[TILLCTL_JSON] != NULL) {
        tw_buf_text(&text, around);
        tw_buf_text(&text, " from (");
        tw_buf_text(&text, sql);
        tw_buf_text(&text, ") t");
    } else {
        tw_buf_text(&text, sql);
    }
    tw_buf_char(&text, '\0');
    TW_ASSERT(!text.failed);
    r = database_ask(d, text.at, params);
    tw_buf_done(&text);
    return r;
}

static int exit_of(const struct database *d)
{
    return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
}

int answer_rows(struct database *d, const struct tillctl_args *args, const char *sql,
                const char *const *params)
{
    struct rows *r = ask(d, args, "select coalesce(json_agg(t), '[]')", sql, params);

    if (r == NULL)
        return exit_of(d);
    if (args->options[TILLCTL_JSON] != NULL)
        puts(rows_text(r, 0, 0));
    else
        print_table(r);
    rows_done(r);
    return TILLCTL_DONE;
}

int answer_one(struct database *d, const struct tillctl_args *args, const char *sql,
               const char *const *params, const char *missing)
{
    struct rows *r = ask(d, args, "select row_to_json(t)", sql, params);
    int widest = 0;

    if (r == NULL)
        return exit_of(d);
    if (rows_count(r) == 0) {
        (void)fprintf(stderr, "tillctl: %s\n", missing);
        rows_done(r);
        return TILLCTL_REFUSED;
    }
    if (args->options[TILLCTL_JSON] != NULL) {
        puts(rows_text(r, 0, 0));
    } else {
        for (int c = 0; c < rows_columns(r); c++)
            widest =
                width_of(rows_column(r, c)) > widest ? width_of(rows_column(r, c)) : widest;
        for (int c = 0; c < rows_columns(r); c++)
            printf("%s%*s  %s\n", rows_column(r, c), widest - width_of(rows_column(r, c)), "",
                   rows_text(r, 0, c));
    }
    rows_done(r);
    return TILLCTL_DONE;
}
