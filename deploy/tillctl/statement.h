/* statement.h - a command's SQL with the values of its command line.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

/* Ask `sql`, in which `:name` is what tillctl_value gives for it. `around`, when it is not
 * null, is put in front of it as in "select json_agg(t)". Null when it fails, and why has been
 * said; else the caller gives the rows back. */
struct rows *statement_ask(struct database *d, const struct tillctl_args *args,
                           const char *around, const char *sql);

/* The command's `change` and `sql`, in one transaction, and its answer; what a command without
 * a function does. An enum tillctl_exit. */
int statement_run(const struct tillctl_args *args);
