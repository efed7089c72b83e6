/* settings_values.h - the settings whose values have a form of their own: what the code that
 * uses them says of one.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/util/buf.h"

/* Whether the setting `name` (without the prefix) may have this value. False, and why in
 * `problem`, without what may be a password. */
bool tw_setting_check(const char *name, const char *value, struct tw_buf *problem);

/* An instance's name where none is given: that of the host with "-1"; of a host without a name
 * that could be one, "host-1". */
void tw_setting_name_host(char *out, size_t size);
