/* command.h - a command as rows of a table, and what it gets from the command line.
 *
 * Each thing (a tenant, a key, a card) has a file of its own with the rows of its commands and
 * of the options that they take; main.c lists the things. A command is one or two SQL
 * statements whose answer is shown, or a function.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/util/base.h"
#include "deploy/tillctl/database.h"

/* As in sysexits.h, so that scripts can tell them apart. */
enum tillctl_exit {
    TILLCTL_DONE = 0,
    TILLCTL_REFUSED = 1,      /* it cannot be done, and nothing is half done */
    TILLCTL_BAD_USAGE = 64,   /* the command line */
    TILLCTL_UNREACHABLE = 69, /* a database */
};

#define TILLCTL_MAX_WORDS 3
#define TILLCTL_MAX_OPTIONS 32 /* of a thing, besides those that all take */

struct tillctl_args;

struct tillctl_option {
    const char *name; /* without its dashes: "name" */
    /* What help calls its value; null: it has none. That of a FILE is what the file holds ("-":
     * the standard input), without the line feed at its end: so no secret is on a command line.
     * That of a JSON-FILE was checked besides, as every JSON from outside is. */
    const char *value;
    const char *about;
};

/* How an answer is shown to a person, who sees last_seq as "last seq"; a program gets JSON
 * (--json). With --only it is one column's values, as they are. */
enum tillctl_answer {
    TILLCTL_TABLE = 1, /* a line a row; JSON: an array of objects */
    TILLCTL_RECORD,    /* one row, a line a column; JSON: an object. No row: refused */
    TILLCTL_TEXT,      /* the first column of each row as it is; JSON: an array of objects */
    TILLCTL_CHECKS,    /* what, is_good, found, advice; refused when one is not good */
};

struct tillctl_command {
    const char *verb;  /* "": the thing's name alone is the command */
    const char *words; /* "SLUG [CARD]": what must, and what may follow; in SQL :slug, :card */
    const char *options; /* "name country! timezone": of its thing's; !: it must be given */
    const char *about;

    /* What is wrong with the command line that the rows cannot say; null: nothing. */
    const char *(*check)(const struct tillctl_args *args);

    /* Its words and options are another program's, which run() finds in `rest` as they are. */
    bool takes_all;

    /* Either this, an enum tillctl_exit, */
    int (*run)(const struct tillctl_args *args);

    /* or `sql`, whose rows are the answer. A value is named: `:slug` is the word SLUG, `:name`
     * is --name, as text, null when it was not given and '' for an option without a value. */
    const char *change; /* what is done first, in the same transaction; or null */
    const char *sql;
    enum tillctl_answer answer;
    const char *missing; /* of a RECORD: what no row means */
};

struct tillctl_thing {
    const char *name, *about;
    const struct tillctl_command *commands;
    size_t command_count;
    const struct tillctl_option *options;
    size_t option_count;
};

#define TILLCTL_COMMANDS(rows) .commands = (rows), .command_count = TW_COUNT(rows)
#define TILLCTL_OPTIONS(rows) .options = (rows), .option_count = TW_COUNT(rows)

/* All is lent from argv, the environment, and files that were read. */
struct tillctl_args {
    const struct tillctl_thing *thing;
    const struct tillctl_command *command;
    bool json;
    const char *database;                     /* --database; null: not given */
    const char *only;                         /* --only; null: not given */
    const char *words[TILLCTL_MAX_WORDS];     /* null: not given */
    const char *options[TILLCTL_MAX_OPTIONS]; /* at the places of the thing's rows */
    char *files[TILLCTL_MAX_OPTIONS];         /* what was read for them; owned */
    char *const *rest; /* of a command that takes all; ends with a null */
};

/* A word ("slug") or an option ("name") of the command; null: it was not given. */
const char *tillctl_value(const struct tillctl_args *args, const char *name);

/* The database that --database or TILLWIRE_DATABASE_URL names; null, and why was said. */
struct database *tillctl_open(const struct tillctl_args *args);
