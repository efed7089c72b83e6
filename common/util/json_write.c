/* json_write.c - JSON strings and members.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_write.h"

#include <stdbool.h>

#include "common/util/encode.h"

static void put_u16(struct tw_buf *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = { '\\',
                     'u',
                     digits[unit >> 12 & 15],
                     digits[unit >> 8 & 15],
                     digits[unit >> 4 & 15],
                     digits[unit & 15] };

    tw_buf_append(out, tw_slice_from(text, sizeof(text)));
}

/* The code point of one well-formed character of `n` bytes. */
static uint32_t code_point(const char *at, size_t n)
{
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = (unsigned char)at[0] & mask[n];

    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)at[i] & 0x3f);
    return c;
}

static bool put_short_escape(struct tw_buf *out, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";

    for (size_t i = 0; from[i] != '\0'; i++) {
        if (c == from[i]) {
            tw_buf_char(out, '\\');
            tw_buf_char(out, to[i]);
            return true;
        }
    }
    return false;
}

static void put_wide_ascii(struct tw_buf *out, uint32_t c)
{
    if (c >= 0x10000) {
        put_u16(out, 0xd800 + ((c - 0x10000) >> 10));
        put_u16(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
        put_u16(out, c);
    }
}

static void put_string(struct tw_buf *out, struct tw_slice text, bool ascii)
{
    tw_buf_char(out, '"');
    while (text.len > 0) {
        size_t n = tw_plain_run(text);

        tw_buf_append(out, tw_slice_from(text.at, n));
        text = tw_slice_skip(text, n);
        if (text.len == 0)
            break;
        n = tw_utf8_char(text);

        if (n == 0) {
            put_u16(out, 0xfffd);
            n = 1;
        } else if (n == 1 && put_short_escape(out, text.at[0])) {
            /* done */
        } else if (n == 1 && ((unsigned char)text.at[0] < 0x20 || text.at[0] == 0x7f)) {
            put_u16(out, (unsigned char)text.at[0]);
        } else if (n > 1 && ascii) {
            put_wide_ascii(out, code_point(text.at, n));
        } else {
            tw_buf_append(out, tw_slice_from(text.at, n));
        }
        text = tw_slice_from(text.at + n, text.len - n);
    }
    tw_buf_char(out, '"');
}

/* Most strings are plain, and then they are known to fit or not as a whole. */
void tw_json_put(struct tw_buf *out, struct tw_slice text)
{
    char *room;

    if (tw_plain_run(text) < text.len) {
        put_string(out, text, false);
        return;
    }
    room = tw_buf_room(out, text.len + 2);
    if (room == NULL)
        return;
    room[0] = room[text.len + 1] = '"';
    if (text.len > 0)
        memcpy(room + 1, text.at, text.len);
    tw_buf_grew(out, text.len + 2);
}

void tw_json_put_ascii(struct tw_buf *out, struct tw_slice text)
{
    put_string(out, text, true);
}

void tw_json_member_raw(struct tw_buf *out, const char *name, struct tw_slice raw)
{
    char last = out->len > 0 ? out->at[out->len - 1] : '{';

    if (last != '{' && last != '[')
        tw_buf_char(out, ',');
    tw_json_put(out, tw_slice_of(name));
    tw_buf_char(out, ':');
    tw_buf_append(out, raw);
}

void tw_json_member(struct tw_buf *out, const char *name, struct tw_slice text)
{
    tw_json_member_raw(out, name, TW_EMPTY);
    tw_json_put(out, text);
}

void tw_json_member_u64(struct tw_buf *out, const char *name, uint64_t number)
{
    tw_json_member_raw(out, name, TW_EMPTY);
    tw_buf_u64(out, number);
}
