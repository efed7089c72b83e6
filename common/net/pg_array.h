/* pg_array.h - an array parameter's text, for elements that need no quotes: UUIDs, numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/buf.h"

/* What stands before the next element; append that then. */
static inline void tw_pg_array_next(struct tw_buf *array)
{
    tw_buf_char(array, array->len == 0 ? '{' : ',');
}

/* After the last element, or after none. */
static inline void tw_pg_array_end(struct tw_buf *array)
{
    tw_buf_text(array, array->len == 0 ? "{}" : "}");
}
