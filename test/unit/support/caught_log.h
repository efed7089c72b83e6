/* caught_log.h - the log's lines, caught in a pipe, for tests that ask what was said.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From now on lines of all levels are kept here instead of going to stderr. */
void caught_log_begin(void);

/* How many lines have this text in them since then. */
int caught_log_count(const char *text);

void caught_log_end(void);
