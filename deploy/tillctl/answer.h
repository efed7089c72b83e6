/* answer.h - what a command's SQL gives, shown to a person or a program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

/* Ask the command's `sql` in the form that answer_show shows. Null when it fails, and why has
 * been said; else the caller gives the rows back. */
struct rows *answer_ask(struct database *d, const struct tillctl_args *args);

/* An enum tillctl_exit: refused for a record that is not there and a check that is not good. */
int answer_show(const struct rows *r, const struct tillctl_args *args);
