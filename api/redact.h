/* redact.h - a request as others may see it: its body without what is nobody's business, and
 * its path without card numbers and phones. Pure.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

#define API_REDACTED_BYTES                                                                     \
    ((size_t)2048) /* of a body; what is longer ends with an ellipsis                          \
                    */

/* Append strict, compact JSON with all names, but only the values of members that are known to
 * be harmless; booleans and nulls stay, all others become three dots. */
void api_redact_body(struct tw_buf *out, struct tw_slice json);

/* Append `pattern` (routes.h) with the text of each parameter: `tenant`, or the member of
 * `path`, a JSON object. Of a card four characters are left, of a phone two. */
void api_redact_path(struct tw_buf *out, const char *pattern, struct tw_slice tenant,
                     struct tw_slice path);
