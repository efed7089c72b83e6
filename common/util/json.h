/* json.h - cJSON's door: small messages that we read ourselves, after tw_json_scan.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/slice.h"

struct tw_json; /* a parsed value; lent values live as long as the root */

/* Gives (tw_json_free), or null when memory is out or the text is not JSON. */
struct tw_json *tw_json_parse(struct tw_slice text);
void tw_json_free(struct tw_json *root);

/* Member `name`, matched with its case; null when `object` is null, no object or has none. */
const struct tw_json *tw_json_at(const struct tw_json *object, const char *name);

bool tw_json_is_object(const struct tw_json *v);

/* False, and `*out` untouched, when `v` is null or of another type. Strings are lent. */
bool tw_json_text_of(const struct tw_json *v, struct tw_slice *out);
bool tw_json_bool_of(const struct tw_json *v, bool *out);

/* Integers that a double holds exactly, below 2^53; for anything larger and for amounts take
 * the raw digits (json_view.h). */
bool tw_json_integer_of(const struct tw_json *v, int64_t *out);

/* Elements of an array, for loops. */
const struct tw_json *tw_json_first(const struct tw_json *array);
const struct tw_json *tw_json_next(const struct tw_json *element);
