/* shape.h - bits of shape that several dialects share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/buf.h"
#include "common/util/slice.h"

/* A table's number is a number where it is one, as in the states (pos.number_or_text): the
 * digits of a raw string, else `raw` itself. */
struct tw_slice gw_shape_number(struct tw_slice raw);

/* A member whose value is text, also where its creator wrote a number: ids. */
void gw_shape_text(struct tw_buf *out, const char *name, struct tw_slice raw);
