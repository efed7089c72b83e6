/* command_line.h - from the words of a command line to a command's values.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/slice.h"
#include "deploy/tillctl/command.h"

#define TILLCTL_COMMON_OPTIONS 3
extern const struct tillctl_option tillctl_common_options[TILLCTL_COMMON_OPTIONS];

/* Read what follows the command's own words into `args`, which has its thing and command. An
 * enum tillctl_exit: anything but TILLCTL_DONE was said. The caller gives back what was read
 * from files, in either case. */
int command_line_read(struct tillctl_args *args, char **word);
void command_line_done(struct tillctl_args *args);

/* One of a row's `words` or `options`. */
struct command_item {
    struct tw_slice name;
    char mark; /* '[': a word that may be left out; '!': an option that may not; 0 */
};

/* Cuts the next one off `*rest`; false at the end. */
bool command_item_next(const char **rest, struct command_item *item);

/* The option of that name; never null: a row that names none is a bug. */
const struct tillctl_option *command_option(const struct tillctl_thing *thing,
                                            struct tw_slice name);

/* "tillctl tenant add", for messages and help; lent until the next call. */
const char *command_name(const struct tillctl_thing *thing,
                         const struct tillctl_command *command);
