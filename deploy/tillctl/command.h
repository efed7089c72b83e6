/* command.h - what a command gets from the command line, and how it ends.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "deploy/tillctl/database.h"

/* As in sysexits.h, so that scripts can tell them apart. */
enum tillctl_exit {
    TILLCTL_DONE = 0,
    TILLCTL_REFUSED = 1,      /* it cannot be done, and nothing is half done */
    TILLCTL_BAD_USAGE = 64,   /* the command line */
    TILLCTL_UNREACHABLE = 69, /* a database */
};

enum tillctl_option {
    TILLCTL_DATABASE,
    TILLCTL_JSON,
    TILLCTL_NAME,
    TILLCTL_COUNTRY,
    TILLCTL_CURRENCY,
    TILLCTL_TIMEZONE,
    TILLCTL_TO,
    TILLCTL_SWITCH,
    TILLCTL_WAIT,
    TILLCTL_GRACE,
    TILLCTL_ABANDON,
    TILLCTL_OPTIONS
};

#define TILLCTL_WORDS 2

/* All is lent from argv and the environment. */
struct tillctl_args {
    const char *words[TILLCTL_WORDS];     /* after the command's own two; null: not given */
    const char *options[TILLCTL_OPTIONS]; /* null: not given; "" for one without a value */
};

/* The database that --database or TILLWIRE_DATABASE_URL names; null, and why was said. */
struct database *tillctl_open(const struct tillctl_args *args);

/* Commands; each answers an enum tillctl_exit. */
int tenant_list(const struct tillctl_args *args);
int tenant_show(const struct tillctl_args *args);
int tenant_add(const struct tillctl_args *args);
int tenant_suspend(const struct tillctl_args *args);
int tenant_resume(const struct tillctl_args *args);
int tenant_move(const struct tillctl_args *args);
int tenant_forget(const struct tillctl_args *args);
int doctor(const struct tillctl_args *args);
int cell_set(const struct tillctl_args *args);
