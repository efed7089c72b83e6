/* answer.c - see answer.h. PostgreSQL writes the JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/answer.h"

#include <stdio.h>
#include <string.h>

#include "deploy/tillctl/statement.h"

/* How many bytes of it a terminal could take for a command: control characters, of which UTF-8
 * writes those above 127 in two bytes. */
static size_t control_at(const char *text)
{
    unsigned char c = (unsigned char)text[0];

    if (c < 0x20 || c == 0x7F)
        return 1;
    return c == 0xC2 && ((unsigned char)text[1] & 0xE0) == 0x80 ? 2 : 0;
}

/* Characters of UTF-8: bytes but for those that continue one. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

/* Names come from customers: what is no character is shown as a question mark. */
static void put_text(const char *text)
{
    while (*text != '\0') {
        size_t control = control_at(text);

        putchar(control > 0 ? '?' : *text);
        text += control > 0 ? control : 1;
    }
}

static void put_cell(const char *text, int width, bool is_last)
{
    put_text(text);
    printf("%*s", is_last ? 0 : width - width_of(text) + 2, "");
}

/* "last_seq" in JSON is "last seq" for people. */
static void put_name(const char *name, int width, bool is_last)
{
    for (const char *c = name; *c != '\0'; c++)
        putchar(*c == '_' ? ' ' : *c);
    put_cell("", width - width_of(name), is_last);
}

static void put_line(const struct rows *r, int columns, size_t row, const int *widths)
{
    for (int c = 0; c < columns; c++)
        put_cell(rows_shown(r, row, c), widths[c], c == columns - 1);
    putchar('\n');
}

static void show_table(const struct rows *r)
{
    int widths[32];
    int columns = rows_columns(r);

    TW_ASSERT(columns <= (int)TW_COUNT(widths));
    for (int c = 0; c < columns; c++) {
        widths[c] = width_of(rows_column(r, c));
        for (size_t i = 0; i < rows_count(r); i++)
            if (width_of(rows_shown(r, i, c)) > widths[c])
                widths[c] = width_of(rows_shown(r, i, c));
    }
    for (int c = 0; c < columns; c++)
        put_name(rows_column(r, c), widths[c], c == columns - 1);
    putchar('\n');
    for (size_t i = 0; i < rows_count(r); i++)
        put_line(r, columns, i, widths);
}

static void show_record(const struct rows *r)
{
    int widest = 0;

    for (int c = 0; c < rows_columns(r); c++)
        widest = width_of(rows_column(r, c)) > widest ? width_of(rows_column(r, c)) : widest;
    for (int c = 0; c < rows_columns(r); c++) {
        put_name(rows_column(r, c), widest, false);
        put_text(rows_shown(r, 0, c));
        putchar('\n');
    }
}

static void show_texts(const struct rows *r)
{
    for (size_t i = 0; i < rows_count(r); i++)
        puts(rows_text(r, i, 0));
}

static bool is_good(const struct rows *r, size_t row)
{
    return strcmp(rows_text(r, row, 1), "t") == 0;
}

static void show_checks(const struct rows *r)
{
    for (size_t i = 0; i < rows_count(r); i++) {
        printf("%s  %s: ", is_good(r, i) ? "good  " : "NOT OK", rows_text(r, i, 0));
        put_text(rows_text(r, i, 2));
        putchar('\n');
        if (!is_good(r, i))
            printf("        %s\n", rows_text(r, i, 3));
    }
}

/* False: there is no such column, and nothing was shown. */
static bool show_only(const struct rows *r, const char *name)
{
    int column = 0;

    while (column < rows_columns(r) && strcmp(rows_column(r, column), name) != 0)
        column++;
    for (size_t i = 0; column < rows_columns(r) && i < rows_count(r); i++)
        puts(rows_shown(r, i, column));
    return column < rows_columns(r);
}

/* In JSON the checks' verdict is a column of its own. */
static const struct {
    const char *around;
    void (*show)(const struct rows *r);
} answers[] = {
    [TILLCTL_TABLE] = { "select coalesce(json_agg(t), '[]')", show_table },
    [TILLCTL_RECORD] = { "select row_to_json(t)", show_record },
    [TILLCTL_TEXT] = { "select coalesce(json_agg(t), '[]')", show_texts },
    [TILLCTL_CHECKS] = { "select coalesce(json_agg(t), '[]'), coalesce(bool_and(t.is_good), "
                         "true)",
                         show_checks },
};

struct rows *answer_ask(struct database *d, const struct tillctl_args *args)
{
    const struct tillctl_command *c = args->command;

    return statement_ask(
        d, args, args->json && args->only == NULL ? answers[c->answer].around : NULL, c->sql);
}

/* A program asks for all of them; so that a timer can tell, one that is not good is refused. */
static int verdict(const struct rows *r, const struct tillctl_args *args)
{
    bool all = true;

    if (args->command->answer != TILLCTL_CHECKS)
        return TILLCTL_DONE;
    for (size_t i = 0; i < rows_count(r); i++) /* in JSON there is one, of all */
        all = all && is_good(r, i);
    return all ? TILLCTL_DONE : TILLCTL_REFUSED;
}

int answer_show(const struct rows *r, const struct tillctl_args *args)
{
    const struct tillctl_command *c = args->command;

    if (c->answer == TILLCTL_RECORD && rows_count(r) == 0) {
        (void)fprintf(stderr, "tillctl: %s\n", c->missing);
        return TILLCTL_REFUSED;
    }
    if (args->only != NULL && show_only(r, args->only))
        return verdict(r, args);
    /* What was done is done, and a new key is shown but once: so all is shown. */
    if (args->only != NULL)
        (void)fprintf(stderr, "tillctl: the answer has no column %s: here is all of it\n",
                      args->only);
    if (args->json && args->only == NULL)
        puts(rows_text(r, 0, 0));
    else
        answers[c->answer].show(r);
    return verdict(r, args);
}
