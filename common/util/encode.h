/* encode.h - bytes as text and back: hex, base64, UTF-8 and UUID checks, percent-decoding.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* Lower-case hex of `n` bytes into `out`, which has room for 2 * n; no NUL. */
void tw_hex(const uint8_t *bytes, size_t n, char *out);

/* The `n` bytes that 2 * n hex digits of either case stand for; false for any other text. */
bool tw_hex_decode(struct tw_slice text, uint8_t *out, size_t n);

/* RFC 4648 section 4, padded. Decoding is strict: padding where it is due, no blanks, no bits
 * left over. False then, and when it does not fit; nothing is appended. */
void tw_base64(struct tw_buf *out, struct tw_slice bytes);
bool tw_base64_decode(struct tw_buf *out, struct tw_slice text);

/* The same for RFC 4648 section 5, without padding. */
void tw_base64url(struct tw_buf *out, struct tw_slice bytes);
bool tw_base64url_decode(struct tw_buf *out, struct tw_slice text);

bool tw_is_uuid(struct tw_slice s); /* 8-4-4-4-12 hex digits, either case */

/* Whether all of `s` is UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF). */
bool tw_is_utf8(struct tw_slice s);

/* Characters that act on a printer or turn the reading direction instead of being read: C0 but
 * tab, line feed and carriage return; DEL; C1; U+202A to U+202E and U+2066 to U+2069. */
bool tw_is_unprintable(uint32_t c);

/* Whether `s` is UTF-8 of one line, without such characters: a name, a header that is kept. */
bool tw_is_plain_line(struct tw_slice s);

/* Length of the run at the start of `s` that a JSON string holds as it is: printable ASCII but
 * the quote and the backslash. Inline: every byte of every event passes here.
 *
 * Eight bytes at a time: the high bit of each byte of `other` says that it is none of these.
 * Plain bytes neither borrow from their neighbours nor carry to them, so the first high bit is
 * right. */
static inline size_t tw_plain_run(struct tw_slice s)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t n = 0;

    for (; s.len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
        uint64_t w, other;

        memcpy(&w, s.at + n, sizeof(w));
        w = le64toh(w);
        other = (w | (w - ones * 0x20) | ((w ^ ones * '"') - ones) |
                 ((w ^ ones * '\\') - ones) | (w + ones)) &
                ones * 0x80;
        if (other != 0)
            return n + (size_t)__builtin_ctzll(other) / 8;
    }
    while (n < s.len && s.at[n] >= 0x20 && s.at[n] < 0x7f && s.at[n] != '"' && s.at[n] != '\\')
        n++;
    return n;
}

/* Length of the well-formed UTF-8 character at the start of `s`, 0 when it is not one. */
size_t tw_utf8_char(struct tw_slice s);

/* Percent-decode (RFC 3986 section 2.1) onto `out`; with `plus_is_blank` as queries want it.
 * False for a broken escape, a NUL or text that is not UTF-8. */
bool tw_percent_decode(struct tw_buf *out, struct tw_slice text, bool plus_is_blank);
