/* line_file.h - a value that is the first line of a file: a secret that somebody hands over.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The first line of `path` without its end (\n or \r\n), as a text in `out`. False, with `out`
 * empty, when the file cannot be read, is empty, or the line has `size` bytes or more. */
bool tw_line_of_file(const char *path, char *out, size_t size);
