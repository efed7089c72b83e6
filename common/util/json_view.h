/* json_view.h - looking into JSON without taking it apart: members as raw slices.
 *
 * For text that tw_json_scan has passed. Values stay the bytes they are: an amount goes from
 * wire to wire as its own digits.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* The raw value of member `name` of the object `object`, lent as long as `object`. False when
 * `object` is no object or has no such member. Names are compared as written (ours are plain).
 */
bool tw_json_get(struct tw_slice object, const char *name, struct tw_slice *raw);

/* The raw values of several members in one walk, lent as long as `object`: raws[i] is that of
 * names[i], and empty when there is none. How many were found. */
size_t tw_json_pick(struct tw_slice object, const char *const *names, struct tw_slice *raws,
                    size_t count);

/* Walks the elements of an array: start with `rest` = the array's text; each call cuts one
 * raw element off. False at the end, or when it is no array. */
bool tw_json_element(struct tw_slice *rest, struct tw_slice *raw);

/* The same for an object: the name (raw, with its quotes) and the value. */
bool tw_json_pair(struct tw_slice *rest, struct tw_slice *name, struct tw_slice *raw);

/* Appends the text that a raw string stands for; false when `raw` is no string. */
bool tw_json_string(struct tw_buf *out, struct tw_slice raw);

/* A raw string without escapes as its inner bytes, lent; false for all else. */
bool tw_json_plain(struct tw_slice raw, struct tw_slice *text);

/* Whether a raw string stands for this text, in whatever spelling. */
bool tw_json_stands_for(struct tw_slice raw, struct tw_slice text);

/* Whether the array `list` has this text among its elements. */
bool tw_json_lists(struct tw_slice list, struct tw_slice text);

/* Both in one: the member `name` of `object`, when it is a string without escapes. False and
 * `*text` untouched otherwise. */
bool tw_json_get_text(struct tw_slice object, const char *name, struct tw_slice *text);

/* A non-negative integer written in plain digits. */
bool tw_json_u64(struct tw_slice raw, uint64_t *out);
