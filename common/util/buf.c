/* buf.c - a growing buffer with a limit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/buf.h"

#include <stdlib.h>
#include <string.h>

/* Has room for `cap` bytes from now on; false when memory is out. */
static bool resize(struct tw_buf *b, size_t cap)
{
    char *at = realloc(b->at, cap);

    if (at == NULL)
        return false;
    b->at = at;
    b->cap = cap;
    return true;
}

char *tw_buf_room(struct tw_buf *b, size_t n)
{
    size_t need, cap;

    if (b->failed)
        return NULL;
    if (n > b->max || b->len > b->max - n) {
        b->failed = true;
        return NULL;
    }
    need = b->len + n;
    if (need > b->cap || b->at == NULL) {
        cap = b->cap < 64 ? 64 : b->cap;
        while (cap < need)
            cap += cap / 2;
        if (!resize(b, cap)) {
            b->failed = true;
            return NULL;
        }
    }
    return b->at + b->len;
}

void tw_buf_expect(struct tw_buf *b, size_t n)
{
    if (b->len < b->max && n <= b->max - b->len && b->len + n > b->cap)
        (void)resize(b, b->len + n); /* an append that finds no memory says so */
}

void tw_buf_grew(struct tw_buf *b, size_t n)
{
    b->len += n;
}

/* Whether it has memory for `n` more bytes already, as it mostly has. */
static bool has_room(const struct tw_buf *b, size_t n)
{
    return n <= b->cap - b->len && n <= b->max - b->len && !b->failed;
}

void tw_buf_append(struct tw_buf *b, struct tw_slice s)
{
    char *room;

    if (s.len == 0)
        return;
    room = has_room(b, s.len) ? b->at + b->len : tw_buf_room(b, s.len);
    if (room == NULL)
        return;
    memcpy(room, s.at, s.len);
    b->len += s.len;
}

void tw_buf_text(struct tw_buf *b, const char *text)
{
    tw_buf_append(b, tw_slice_of(text));
}

void tw_buf_char(struct tw_buf *b, char c)
{
    if (has_room(b, 1))
        b->at[b->len++] = c;
    else
        tw_buf_append(b, tw_slice_from(&c, 1));
}

void tw_buf_u64(struct tw_buf *b, uint64_t value)
{
    char digits[20];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    tw_buf_append(b, tw_slice_from(digits + i, sizeof(digits) - i));
}

void tw_buf_i64(struct tw_buf *b, int64_t value)
{
    if (value < 0) {
        tw_buf_char(b, '-');
        tw_buf_u64(b, (uint64_t)0 - (uint64_t)value);
    } else {
        tw_buf_u64(b, (uint64_t)value);
    }
}

struct tw_slice tw_buf_view(const struct tw_buf *b)
{
    return tw_slice_from(b->at, b->len);
}

void tw_buf_drop(struct tw_buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n == 0)
        return;
    memmove(b->at, b->at + n, b->len - n);
    b->len -= n;
}

void tw_buf_clear(struct tw_buf *b)
{
    b->len = 0;
    b->failed = false;
}

void tw_buf_done(struct tw_buf *b)
{
    free(b->at);
    b->at = NULL;
    b->len = b->cap = 0;
    b->failed = false;
}
