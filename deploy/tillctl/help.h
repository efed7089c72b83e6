/* help.h - what there is to do, for people, for the shell's completion and for the manual.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deploy/tillctl/command.h"

void help_all(const struct tillctl_thing *const *things, size_t count);
void help_thing(const struct tillctl_thing *thing);
void help_command(const struct tillctl_thing *thing, const struct tillctl_command *command);

/* A command a line: "tenant add SLUG --name= --json". */
void help_list(const struct tillctl_thing *const *things, size_t count);

/* The manual's page of commands, in the language of man(7). */
void help_manual(const struct tillctl_thing *const *things, size_t count);
