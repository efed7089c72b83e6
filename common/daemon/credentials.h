/* credentials.h - settings that systemd hands over as files of a folder (LoadCredential=).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/util/buf.h"

/* For each file of $CREDENTIALS_DIRECTORY (of `environment`) whose name begins with `prefix`,
 * one after the other in the order of their names, tell `take` the variable
 * "<name>_FILE=<path>" (lent), as if somebody had set it. False when `take` said so once, or
 * when the folder cannot be read, which stands in `problems` then. Without the variable there
 * are none. */
bool tw_credentials_each(char *const *environment, const char *prefix,
                         bool (*take)(const char *variable, void *arg), void *arg,
                         struct tw_buf *problems);
