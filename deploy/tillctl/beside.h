/* beside.h - the programs and files that are installed, or were built, beside this program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The first of `places` that there is, paths from this program's folder that end with a null,
 * into `path`. False: there is none, and that was said. */
bool beside_find(const char *const *places, char *path, size_t size);

/* Run it until it ends: `words` are its name and what it gets, and end with a null. An enum
 * tillctl_exit: what it said of a wrong command line is that of ours; all else that is no
 * success is refused, and it has said why. */
int beside_run(const char *path, const char *const *words);
