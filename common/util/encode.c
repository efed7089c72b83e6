/* encode.c - hex, base64, UTF-8, UUID and percent-encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/encode.h"

void tw_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool tw_hex_decode(struct tw_slice text, uint8_t *out, size_t n)
{
    if (text.len != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text.at[2 * i]), low = hex_value(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void base64_with(struct tw_buf *out, struct tw_slice bytes, const char *alphabet,
                        bool pad)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = (uint32_t)(unsigned char)bytes.at[i] << 16;
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;

        if (have > 1)
            group |= (uint32_t)(unsigned char)bytes.at[i + 1] << 8;
        if (have > 2)
            group |= (uint32_t)(unsigned char)bytes.at[i + 2];
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                tw_buf_char(out, alphabet[group >> (18 - 6 * k) & 63]);
            else if (pad)
                tw_buf_char(out, '=');
        }
    }
}

void tw_base64(struct tw_buf *out, struct tw_slice bytes)
{
    base64_with(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                true);
}

void tw_base64url(struct tw_buf *out, struct tw_slice bytes)
{
    base64_with(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                false);
}

static int base64_value(char c, const char last_two[2])
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == last_two[0])
        return 62;
    return c == last_two[1] ? 63 : -1;
}

/* Text without its padding. */
static bool base64_read(struct tw_buf *out, struct tw_slice text, const char last_two[2])
{
    size_t len = text.len / 4 * 3 + text.len % 4 * 3 / 4;
    char *room = tw_buf_room(out, len);
    uint32_t group = 0;
    unsigned bits = 0;

    if (room == NULL || text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.at[i], last_two);

        if (value < 0)
            return false;
        group = group << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *room++ = (char)(group >> bits & 255);
        }
    }
    if ((group & ((1u << bits) - 1)) != 0)
        return false;
    tw_buf_grew(out, len);
    return true;
}

bool tw_base64_decode(struct tw_buf *out, struct tw_slice text)
{
    if (text.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
        text.len--;
    return base64_read(out, text, "+/");
}

bool tw_base64url_decode(struct tw_buf *out, struct tw_slice text)
{
    return base64_read(out, text, "-_");
}

bool tw_is_uuid(struct tw_slice s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s.at[i] != '-')
                return false;
        } else if (hex_value(s.at[i]) < 0) {
            return false;
        }
    }
    return true;
}

size_t tw_utf8_char(struct tw_slice s)
{
    /* RFC 3629 section 4: the second byte's range depends on the first. */
    const unsigned char *p = (const unsigned char *)s.at;
    unsigned char low = 0x80, high = 0xbf;
    size_t need;

    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        need = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        need = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (s.len < need)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return need;
}

bool tw_is_utf8(struct tw_slice s)
{
    while (s.len > 0) {
        size_t n = tw_utf8_char(s);

        if (n == 0)
            return false;
        s = tw_slice_from(s.at + n, s.len - n);
    }
    return true;
}

bool tw_is_unprintable(uint32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        return false;
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

bool tw_is_plain_line(struct tw_slice s)
{
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };

    while (s.len > 0) {
        size_t n = tw_utf8_char(s);
        uint32_t c;

        if (n == 0)
            return false;
        c = (unsigned char)s.at[0] & mask[n];
        for (size_t i = 1; i < n; i++)
            c = c << 6 | ((unsigned char)s.at[i] & 0x3f);
        if (c < 0x20 || tw_is_unprintable(c))
            return false;
        s = tw_slice_skip(s, n);
    }
    return true;
}

bool tw_percent_decode(struct tw_buf *out, struct tw_slice text, bool plus_is_blank)
{
    size_t start = out->len;

    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.at[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        tw_buf_char(out, c);
    }
    return !out->failed && tw_is_utf8(tw_slice_from(out->at + start, out->len - start));
}
