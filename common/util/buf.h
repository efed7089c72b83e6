/* buf.h - bytes that we own: a buffer that grows up to a fixed limit.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

/* Starts as { .max = limit }. An append that does not fit marks the buffer `failed` and
 * changes nothing; later appends do nothing. So: append freely, look once at the end. */
struct tw_buf {
    char *at;
    size_t len, cap;
    size_t max; /* bytes; no peer can make it grow further */
    bool failed;
};

void tw_buf_append(struct tw_buf *b, struct tw_slice s); /* a copy of `s` */
void tw_buf_text(struct tw_buf *b, const char *text);
void tw_buf_char(struct tw_buf *b, char c);
void tw_buf_u64(struct tw_buf *b, uint64_t value); /* in decimal */
void tw_buf_i64(struct tw_buf *b, int64_t value);

/* Room for `n` more bytes at the end, lent until the next call; null when it does not fit.
 * Write there, then say how many with tw_buf_grew. */
char *tw_buf_room(struct tw_buf *b, size_t n);
void tw_buf_grew(struct tw_buf *b, size_t n);

/* A hint: it will hold about `n` more bytes, so their memory is taken at once, when they fit.
 */
void tw_buf_expect(struct tw_buf *b, size_t n);

struct tw_slice tw_buf_view(const struct tw_buf *b); /* lent until the next append */

void tw_buf_drop(struct tw_buf *b, size_t n); /* the first `n` bytes; the rest moves up */
void tw_buf_clear(struct tw_buf *b);          /* empty and not failed; keeps the memory */

/* Release the memory; `max` stays. Fine on a buffer that never held any. */
void tw_buf_done(struct tw_buf *b);
