/* file.h - reading a file as a text.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* All of it ("-": of the standard input), without the line feed at its end; the caller frees
 * it. Null, and why was said, when it cannot be read, is no text, or has more than 64 MB. */
char *file_read(const char *path);
