/* slice.h - borrowed bytes: a pointer and a length, passed by value, never NUL-terminated.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A callee that keeps the bytes beyond the call copies them. Zero is the empty slice. */
struct tw_slice {
    const char *at;
    size_t len;
};

/* A literal's bytes. */
#define TW_LIT(text) ((struct tw_slice){ (text), sizeof(text) - 1 })

#define TW_EMPTY ((struct tw_slice){ NULL, 0 })

static inline struct tw_slice tw_slice_of(const char *text)
{
    return (struct tw_slice){ text, text == NULL ? 0 : strlen(text) };
}

static inline struct tw_slice tw_slice_from(const char *at, size_t len)
{
    return (struct tw_slice){ at, len };
}

static inline bool tw_slice_eq(struct tw_slice a, struct tw_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool tw_slice_is(struct tw_slice a, const char *text)
{
    return tw_slice_eq(a, tw_slice_of(text));
}

static inline char tw_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Equal but for ASCII case: header names and tokens (RFC 9110 section 5.1). */
static inline bool tw_slice_eq_nocase(struct tw_slice a, struct tw_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (tw_ascii_lower(a.at[i]) != tw_ascii_lower(b.at[i]))
            return false;
    return true;
}

static inline bool tw_slice_is_nocase(struct tw_slice a, const char *text)
{
    return tw_slice_eq_nocase(a, tw_slice_of(text));
}

static inline bool tw_slice_starts(struct tw_slice s, struct tw_slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

/* What is left after the first `n` bytes; empty when there are fewer. */
static inline struct tw_slice tw_slice_skip(struct tw_slice s, size_t n)
{
    if (n >= s.len)
        return TW_EMPTY;
    return (struct tw_slice){ s.at + n, s.len - n };
}

/* Without blanks and tabs at both ends (RFC 9110 section 5.5). */
static inline struct tw_slice tw_slice_trim(struct tw_slice s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = tw_slice_from(s.at + 1, s.len - 1);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Cuts what stands before the first `separator` off `*rest` into `*part`, without the
 * separator. False when nothing is left; "a," gives "a" and then "". */
static inline bool tw_slice_split(struct tw_slice *rest, char separator, struct tw_slice *part)
{
    const char *end;

    if (rest->at == NULL)
        return false;
    end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    if (end == NULL) {
        *part = *rest;
        *rest = TW_EMPTY;
        return true;
    }
    *part = tw_slice_from(rest->at, (size_t)(end - rest->at));
    *rest = tw_slice_from(end + 1, rest->len - part->len - 1);
    return true;
}

/* Decimal digits only, no sign, no blank. False (and `*out` untouched) when the text is empty,
 * has anything else in it or does not fit. */
static inline bool tw_slice_u64(struct tw_slice s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit;

        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        digit = (uint64_t)(s.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
