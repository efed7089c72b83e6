/* database.h - a connection to PostgreSQL for a command that waits for each answer.
 *
 * What goes wrong is said on the standard error stream, by the function that meets it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database; /* a connection */
struct rows;     /* an answer */

/* Connect as the tables' owner to `url`, a libpq connection URI or its keywords; null: what
 * libpq finds by itself. One that came by the command line (`is_shown`) may hold no password,
 * since every user of the machine can read it. Null when that fails. `name` is what messages
 * call the database; kept. */
struct database *database_open(const char *url, bool is_shown, const char *name);
void database_close(struct database *d); /* fine for null */

/* One statement with parameters, which end with a null. Null when it fails, and why has
 * been said; else the caller gives the rows back. */
struct rows *database_ask(struct database *d, const char *sql, const char *const *params);
/* The same with `count` of them, of which any may be null. */
struct rows *database_ask_with(struct database *d, const char *sql, size_t count,
                               const char *const *values);

/* The same, and they are texts also for PostgreSQL, which guesses no other type. */
#define DATABASE_MAX_TEXTS 24
struct rows *database_ask_texts(struct database *d, const char *sql, size_t count,
                                const char *const *values);
void rows_done(struct rows *r); /* fine for null */
size_t rows_count(const struct rows *r);
const char *rows_text(const struct rows *r, size_t row, int column);  /* "" for a null */
const char *rows_shown(const struct rows *r, size_t row, int column); /* yes or no for a bool */
int64_t rows_int(const struct rows *r, size_t row, int column);       /* 0 for what is none */

int rows_columns(const struct rows *r);
const char *rows_column(const struct rows *r, int column); /* its name; lent from `r` */

/* The same for statements without an answer. */
bool database_do(struct database *d, const char *sql, const char *const *params);

/* Whether the connection is broken: what the last statement has done is not known then. */
bool database_is_lost(const struct database *d);

/* What `reads` (COPY ... TO STDOUT) gives, to `writes` (COPY ... FROM STDIN); adds to `bytes`.
 */
bool database_copy(struct database *from, const char *reads, struct database *to,
                   const char *writes, uint64_t *bytes);
