/* answer.h - what a query gives, shown to a person or a program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

/* Ask `sql` (see database_ask) and show its rows: as a table, or with --json as an array of
 * objects. An enum tillctl_exit. */
int answer_rows(struct database *d, const struct tillctl_args *args, const char *sql,
                const char *const *params);

/* The same for one row: its columns below each other, or one object. None is refused. */
int answer_one(struct database *d, const struct tillctl_args *args, const char *sql,
               const char *const *params, const char *missing);
