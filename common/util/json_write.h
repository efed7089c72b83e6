/* json_write.h - JSON into a buf: strings with their escapes, and members of objects.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* A JSON string of UTF-8 text, quotes included (RFC 8259 section 7). Bytes that are not UTF-8
 * become U+FFFD, so the result is always valid JSON. */
void tw_json_put(struct tw_buf *out, struct tw_slice text);

/* The same in printable ASCII only: everything else as \uXXXX. For logs. */
void tw_json_put_ascii(struct tw_buf *out, struct tw_slice text);

/* `"name":"text"`, with a comma before it unless an object or array was just opened. */
void tw_json_member(struct tw_buf *out, const char *name, struct tw_slice text);

/* `"name":raw`, the same with a value that is JSON already. */
void tw_json_member_raw(struct tw_buf *out, const char *name, struct tw_slice raw);

/* `"name":number`, in decimal. */
void tw_json_member_u64(struct tw_buf *out, const char *name, uint64_t number);
