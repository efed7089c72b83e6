/* json_scan.c - one pass over the text, reading at `in` and writing at `out` before it.
 *
 * Containers are kept on a small stack, not on the C stack. For each open object the hashes of
 * its member names are collected and compared when it closes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/slice.h"

const struct tw_json_limits tw_json_wide = { .depth = TW_JSON_DEPTH,
                                             .number_bytes = 32,
                                             .magnitude = 131072 };
const struct tw_json_limits tw_json_narrow = { .depth = TW_JSON_DEPTH,
                                               .number_bytes = 32,
                                               .magnitude = 40 };

struct scan {
    const char *in, *end;
    char *out;
    const struct tw_json_limits *limits;
    const char *why;
    unsigned depth;
    char open[TW_JSON_DEPTH];         /* '{' or '[' of each container */
    size_t first_name[TW_JSON_DEPTH]; /* where its names begin in `names` */
    uint64_t *names, first_names[64];
    size_t name_count, name_cap;
};

static int fail(struct scan *s, int err, const char *why)
{
    s->why = why;
    return err;
}

static void skip_blanks(struct scan *s)
{
    while (s->in < s->end &&
           (*s->in == ' ' || *s->in == '\t' || *s->in == '\n' || *s->in == '\r'))
        s->in++;
}

static void keep(struct scan *s, size_t n)
{
    if (s->out != s->in) /* out <= in, always; equal while nothing has been left out */
        memmove(s->out, s->in, n);
    s->out += n;
    s->in += n;
}

static bool take(struct scan *s, char c)
{
    if (s->in == s->end || *s->in != c)
        return false;
    keep(s, 1);
    return true;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->in) < n || memcmp(s->in, word, n) != 0)
        return fail(s, TW_ESYNTAX, "not a JSON value");
    keep(s, n);
    return 0;
}

/* Four hex digits after `\u`. */
static bool hex_unit(const char *at, const char *end, uint32_t *unit)
{
    *unit = 0;
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (tw_ascii_lower(c) >= 'a' && tw_ascii_lower(c) <= 'f')
            digit = (uint32_t)(tw_ascii_lower(c) - 'a' + 10);
        else
            return false;
        *unit = *unit << 4 | digit;
    }
    return true;
}

/* An escape at s->in: its length and the character it stands for. */
static int read_escape(struct scan *s, size_t *len, uint32_t *c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *which;
    uint32_t low;

    if (s->end - s->in < 2)
        return fail(s, TW_ESYNTAX, "a string is not closed");
    if (s->in[1] != 'u') {
        which = s->in[1] == '\0' ? NULL : strchr(from, s->in[1]);
        if (which == NULL)
            return fail(s, TW_ESYNTAX, "unknown escape in a string");
        *len = 2;
        *c = (unsigned char)to[which - from];
        return 0;
    }
    if (!hex_unit(s->in + 2, s->end, c))
        return fail(s, TW_ESYNTAX, "unknown escape in a string");
    *len = 6;
    if (*c == 0)
        return fail(s, TW_ESYNTAX, "a NUL character in a string");
    if (*c < 0xd800 || *c > 0xdfff)
        return 0;
    if (*c > 0xdbff || s->end - s->in < 12 || s->in[6] != '\\' || s->in[7] != 'u' ||
        !hex_unit(s->in + 8, s->end, &low) || low < 0xdc00 || low > 0xdfff)
        return fail(s, TW_ESYNTAX, "half of a surrogate pair in a string");
    *len = 12;
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

/* A raw character at s->in: its length and code point. */
static int read_raw(struct scan *s, size_t *len, uint32_t *c)
{
    static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };

    if ((unsigned char)*s->in < 0x20)
        return fail(s, TW_ESYNTAX, "a raw control character in a string");
    *len = tw_utf8_char(tw_slice_from(s->in, (size_t)(s->end - s->in)));
    if (*len == 0)
        return fail(s, TW_ESYNTAX, "a string is not UTF-8");
    *c = (unsigned char)*s->in & mask[*len];
    for (size_t i = 1; i < *len; i++)
        *c = *c << 6 | ((unsigned char)s->in[i] & 0x3f);
    return 0;
}

/* FNV-1a over the decoded characters, so that "a" and "\u0061" are the same name. */
static uint64_t mix(uint64_t hash, uint32_t c)
{
    return (hash ^ c) * 0x100000001b3u;
}

/* `hash`, when it is not null, is what names are compared by. */
static int scan_string(struct scan *s, uint64_t *hash)
{
    uint64_t sum = 0xcbf29ce484222325u;

    if (!take(s, '"'))
        return fail(s, TW_ESYNTAX, "a string is missing");
    for (;;) {
        size_t len = tw_plain_run(tw_slice_from(s->in, (size_t)(s->end - s->in)));
        uint32_t c;
        int r;

        for (size_t i = 0; hash != NULL && i < len; i++)
            sum = mix(sum, (unsigned char)s->in[i]);
        keep(s, len);
        if (s->in == s->end)
            return fail(s, TW_ESYNTAX, "a string is not closed");
        if (take(s, '"')) {
            if (hash != NULL)
                *hash = sum;
            return 0;
        }
        r = *s->in == '\\' ? read_escape(s, &len, &c) : read_raw(s, &len, &c);
        if (r < 0)
            return r;
        if (tw_is_unprintable(c)) {
            s->in += len;
        } else {
            sum = mix(sum, c);
            keep(s, len);
        }
    }
}

static size_t scan_digits(const char **p, const char *end)
{
    const char *start = *p;

    while (*p < end && **p >= '0' && **p <= '9')
        (*p)++;
    return (size_t)(*p - start);
}

/* The exponent after `e`, at most 999999: larger ones make no difference here. */
static bool scan_exponent(const char **p, const char *end, int64_t *exponent)
{
    bool is_negative = false;
    const char *start;

    if (*p < end && (**p == '+' || **p == '-'))
        is_negative = *(*p)++ == '-';
    start = *p;
    if (scan_digits(p, end) == 0)
        return false;
    for (const char *d = start; d < *p; d++)
        *exponent = *exponent > 99999 ? 999999 : *exponent * 10 + (*d - '0');
    if (is_negative)
        *exponent = -*exponent;
    return true;
}

/* Digits that numeric would hold before and after the point. */
static bool is_in_range(int64_t whole, int64_t fraction, int64_t exponent, unsigned magnitude)
{
    int64_t behind = (int64_t)magnitude < 16383 ? (int64_t)magnitude : 16383;

    return whole + exponent <= (int64_t)magnitude && fraction - exponent <= behind;
}

static int scan_number(struct scan *s)
{
    const char *p = s->in;
    const char *whole_start;
    size_t whole, fraction = 0;
    int64_t exponent = 0;

    if (*p == '-')
        p++;
    whole_start = p;
    whole = scan_digits(&p, s->end);
    if (whole == 0 || (whole > 1 && *whole_start == '0'))
        return fail(s, TW_ESYNTAX, "a number is malformed");
    if (*whole_start == '0')
        whole = 0;
    if (p < s->end && *p == '.') {
        p++;
        fraction = scan_digits(&p, s->end);
        if (fraction == 0)
            return fail(s, TW_ESYNTAX, "a number is malformed");
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (!scan_exponent(&p, s->end, &exponent))
            return fail(s, TW_ESYNTAX, "a number is malformed");
    }
    if ((size_t)(p - s->in) > s->limits->number_bytes)
        return fail(s, TW_ETOOBIG, "a number has too many digits");
    if (!is_in_range((int64_t)whole, (int64_t)fraction, exponent, s->limits->magnitude))
        return fail(s, TW_ETOOBIG, "a number is out of range");
    keep(s, (size_t)(p - s->in));
    return 0;
}

static int push(struct scan *s, char which)
{
    if (s->depth >= s->limits->depth)
        return fail(s, TW_ETOOBIG, "nested too deeply");
    s->open[s->depth] = which;
    s->first_name[s->depth] = s->name_count;
    s->depth++;
    keep(s, 1);
    return 0;
}

static int note_name(struct scan *s, uint64_t hash)
{
    if (s->name_count == s->name_cap) {
        size_t cap = s->name_cap * 2;
        uint64_t *names =
            realloc(s->names == s->first_names ? NULL : s->names, cap * sizeof(*names));

        if (names == NULL)
            return fail(s, TW_ETOOBIG, "too many members");
        if (s->names == s->first_names)
            memcpy(names, s->first_names, sizeof(s->first_names));
        s->names = names;
        s->name_cap = cap;
    }
    s->names[s->name_count++] = hash;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* Most objects have few members: comparing each with each is quicker than sorting them. */
static bool any_twice(uint64_t *names, size_t n)
{
    if (n > 24) {
        qsort(names, n, sizeof(names[0]), by_value);
        for (size_t i = 1; i < n; i++)
            if (names[i] == names[i - 1])
                return true;
        return false;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (names[i] == names[j])
                return true;
    return false;
}

static int pop(struct scan *s)
{
    size_t first = s->first_name[--s->depth];
    size_t n = s->name_count - first;

    s->name_count = first;
    return any_twice(s->names + first, n) ? fail(s, TW_EDUPLICATE, "a member is given twice")
                                          : 0;
}

static int scan_name(struct scan *s)
{
    uint64_t hash;
    int r;

    skip_blanks(s);
    if (s->in == s->end || *s->in != '"')
        return fail(s, TW_ESYNTAX, "a member's name is missing");
    r = scan_string(s, &hash);
    if (r == 0)
        r = note_name(s, hash);
    if (r < 0)
        return r;
    skip_blanks(s);
    if (!take(s, ':'))
        return fail(s, TW_ESYNTAX, "a colon is missing");
    return 0;
}

/* One value; of a container only its opening. Returns 1 when the next thing is a value again
 * (a container with something in it was opened), 0 when a value is complete. */
static int scan_value(struct scan *s)
{
    char c, close;
    int r;

    skip_blanks(s);
    if (s->in == s->end)
        return fail(s, TW_ESYNTAX, "a value is missing");
    c = *s->in;
    if (c == '"')
        return scan_string(s, NULL);
    if (c == 't')
        return scan_word(s, "true");
    if (c == 'f')
        return scan_word(s, "false");
    if (c == 'n')
        return scan_word(s, "null");
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    if (c != '{' && c != '[')
        return fail(s, TW_ESYNTAX, "not a JSON value");
    close = c == '{' ? '}' : ']';
    r = push(s, c);
    if (r < 0)
        return r;
    skip_blanks(s);
    if (take(s, close))
        return pop(s);
    if (c == '{')
        r = scan_name(s);
    return r < 0 ? r : 1;
}

/* After a complete value: commas and closings, until another value is due (1) or the whole
 * text is done (0). */
static int scan_rest(struct scan *s)
{
    int r;

    while (s->depth > 0) {
        char which = s->open[s->depth - 1];

        skip_blanks(s);
        if (take(s, ','))
            return which == '{' && (r = scan_name(s)) < 0 ? r : 1;
        if (!take(s, which == '{' ? '}' : ']'))
            return fail(s, TW_ESYNTAX, "a comma or a closing bracket is missing");
        r = pop(s);
        if (r < 0)
            return r;
    }
    return 0;
}

static int scan_text(struct scan *s)
{
    int r;

    do {
        r = scan_value(s);
        if (r == 0)
            r = scan_rest(s);
    } while (r == 1);
    if (r < 0)
        return r;
    skip_blanks(s);
    return s->in == s->end ? 0 : fail(s, TW_ESYNTAX, "something stands behind the value");
}

int tw_json_scan(char *text, size_t *len, const struct tw_json_limits *limits,
                 struct tw_json_fault *fault)
{
    struct scan s;
    int r;

    s.in = s.out = text; /* not all of it is zeroed: most texts are short */
    s.end = text + *len;
    s.limits = limits;
    s.why = NULL;
    s.depth = 0;
    s.names = s.first_names;
    s.name_count = 0;
    s.name_cap = TW_COUNT(s.first_names);

    TW_ASSERT(limits->depth <= TW_JSON_DEPTH);
    if (*len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        s.in += 3;
    *fault = (struct tw_json_fault){ 0, "empty" };
    if (*len == 0)
        return TW_ESYNTAX;
    r = scan_text(&s);
    if (s.names != s.first_names)
        free(s.names);
    if (r < 0) {
        *fault = (struct tw_json_fault){ (size_t)(s.in - text), s.why };
        return r;
    }
    *len = (size_t)(s.out - text);
    return text[0] == '-' || (text[0] >= '0' && text[0] <= '9') ? '0' : text[0];
}
