/* ops_get.h - one GET of a process's operators' address, for a program that may wait.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/buf.h"

/* Ask `address` (host:port, [::1]:port) for `path`, for two seconds at most and a little. The
 * status of its answer, whose body is put into `body`; 0: there was none, and `*why` says so.
 */
int ops_get(const char *address, const char *path, struct tw_buf *body, const char **why);
