/* json_view.c - cutting raw values out of JSON text that is known to be well-formed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_view.h"

#include "common/util/encode.h"

/* Length of the string at the start of `s`, quotes included; 0 when it does not end. */
static size_t string_length(struct tw_slice s)
{
    for (size_t i = 1; i < s.len; i++) {
        i += tw_plain_run(tw_slice_from(s.at + i, s.len - i));
        if (i >= s.len)
            return 0;
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '"')
            return i + 1;
    }
    return 0;
}

static size_t container_length(struct tw_slice s)
{
    size_t depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (c == '"') {
            size_t n = string_length(tw_slice_from(s.at + i, s.len - i));

            if (n == 0)
                return 0;
            i += n - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Length of the value at the start of `s`; 0 when there is none. */
static size_t value_length(struct tw_slice s)
{
    size_t n = 0;

    if (s.len == 0)
        return 0;
    if (s.at[0] == '"')
        return string_length(s);
    if (s.at[0] == '{' || s.at[0] == '[')
        return container_length(s);
    while (n < s.len && s.at[n] != ',' && s.at[n] != '}' && s.at[n] != ']' && s.at[n] != ' ')
        n++;
    return n;
}

static struct tw_slice skip_blanks(struct tw_slice s)
{
    while (s.len > 0 &&
           (s.at[0] == ' ' || s.at[0] == '\n' || s.at[0] == '\r' || s.at[0] == '\t'))
        s = tw_slice_skip(s, 1);
    return s;
}

/* Skip an opening bracket or a comma; false at the closing bracket and after it. */
static bool enter(struct tw_slice *rest, char open)
{
    struct tw_slice s = skip_blanks(*rest);

    if (s.len == 0 || (s.at[0] != open && s.at[0] != ','))
        return false;
    s = skip_blanks(tw_slice_skip(s, 1));
    if (s.len == 0 || s.at[0] == ']' || s.at[0] == '}')
        return false;
    *rest = s;
    return true;
}

static bool cut_value(struct tw_slice *rest, struct tw_slice *raw)
{
    size_t n = value_length(*rest);

    if (n == 0)
        return false;
    *raw = tw_slice_from(rest->at, n);
    *rest = skip_blanks(tw_slice_skip(*rest, n));
    return true;
}

bool tw_json_element(struct tw_slice *rest, struct tw_slice *raw)
{
    return enter(rest, '[') && cut_value(rest, raw);
}

bool tw_json_pair(struct tw_slice *rest, struct tw_slice *name, struct tw_slice *raw)
{
    if (!enter(rest, '{') || !cut_value(rest, name) || rest->len == 0 || rest->at[0] != ':')
        return false;
    *rest = skip_blanks(tw_slice_skip(*rest, 1));
    return cut_value(rest, raw);
}

bool tw_json_get(struct tw_slice object, const char *name, struct tw_slice *raw)
{
    struct tw_slice wanted = tw_slice_of(name);
    struct tw_slice rest = object, key, value;

    if (rest.len == 0 || rest.at[0] != '{')
        return false;
    while (tw_json_pair(&rest, &key, &value)) {
        if (key.len == wanted.len + 2 && memcmp(key.at + 1, wanted.at, wanted.len) == 0) {
            *raw = value;
            return true;
        }
    }
    return false;
}

/* `key` has its quotes. */
static bool is_name(struct tw_slice key, const char *name)
{
    return key.at[1] == name[0] && strncmp(key.at + 1, name, key.len - 2) == 0 &&
           name[key.len - 2] == '\0';
}

size_t tw_json_pick(struct tw_slice object, const char *const *names, struct tw_slice *raws,
                    size_t count)
{
    struct tw_slice rest = object, key, value;
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        raws[i] = TW_EMPTY;
    if (rest.len == 0 || rest.at[0] != '{')
        return 0;
    while (found < count && tw_json_pair(&rest, &key, &value))
        for (size_t i = 0; i < count; i++)
            if (key.len > 2 && raws[i].len == 0 && is_name(key, names[i])) {
                raws[i] = value;
                found++;
            }
    return found;
}

bool tw_json_plain(struct tw_slice raw, struct tw_slice *text)
{
    if (raw.at == NULL || raw.len < 2 || raw.at[0] != '"' ||
        memchr(raw.at, '\\', raw.len) != NULL)
        return false;
    *text = tw_slice_from(raw.at + 1, raw.len - 2);
    return true;
}

bool tw_json_get_text(struct tw_slice object, const char *name, struct tw_slice *text)
{
    struct tw_slice raw;

    return tw_json_get(object, name, &raw) && tw_json_plain(raw, text);
}

bool tw_json_u64(struct tw_slice raw, uint64_t *out)
{
    return tw_slice_u64(raw, out);
}

static void put_utf8(struct tw_buf *out, uint32_t c)
{
    char text[4];
    size_t n = 0;

    if (c < 0x80) {
        text[n++] = (char)c;
    } else if (c < 0x800) {
        text[n++] = (char)(0xc0 | c >> 6);
        text[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        text[n++] = (char)(0xe0 | c >> 12);
        text[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        text[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        text[n++] = (char)(0xf0 | c >> 18);
        text[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        text[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        text[n++] = (char)(0x80 | (c & 0x3f));
    }
    tw_buf_append(out, tw_slice_from(text, n));
}

/* Four hex digits; the scanner has made sure that they are. */
static uint32_t unit_at(const char *at)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        char c = tw_ascii_lower(at[i]);

        unit = unit << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return unit;
}

/* The escape at the start of `s`: its character goes to `out`, its length is returned. */
static size_t unescape(struct tw_buf *out, struct tw_slice s)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint32_t c;
    const char *which;

    if (s.len < 2)
        return s.len;
    if (s.at[1] != 'u') {
        which = strchr(from, s.at[1]);
        tw_buf_char(out, which == NULL || *which == '\0' ? s.at[1] : to[which - from]);
        return 2;
    }
    if (s.len < 6)
        return s.len;
    c = unit_at(s.at + 2);
    if (c >= 0xd800 && c <= 0xdbff && s.len >= 12) {
        put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (unit_at(s.at + 8) - 0xdc00));
        return 12;
    }
    put_utf8(out, c);
    return 6;
}

bool tw_json_string(struct tw_buf *out, struct tw_slice raw)
{
    struct tw_slice s;

    if (raw.len < 2 || raw.at[0] != '"')
        return false;
    s = tw_slice_from(raw.at + 1, raw.len - 2);
    while (s.len > 0) {
        const char *backslash = memchr(s.at, '\\', s.len);
        size_t plain = backslash == NULL ? s.len : (size_t)(backslash - s.at);

        tw_buf_append(out, tw_slice_from(s.at, plain));
        s = tw_slice_skip(s, plain);
        if (s.len > 0)
            s = tw_slice_skip(s, unescape(out, s));
    }
    return !out->failed;
}

bool tw_json_stands_for(struct tw_slice raw, struct tw_slice text)
{
    struct tw_buf inner = { .max = text.len + 1 };
    struct tw_slice plain;
    bool is_same;

    if (tw_json_plain(raw, &plain))
        return tw_slice_eq(plain, text);
    is_same =
        tw_json_string(&inner, raw) && !inner.failed && tw_slice_eq(tw_buf_view(&inner), text);
    tw_buf_done(&inner);
    return is_same;
}

bool tw_json_lists(struct tw_slice list, struct tw_slice text)
{
    struct tw_slice raw;

    while (tw_json_element(&list, &raw))
        if (tw_json_stands_for(raw, text))
            return true;
    return false;
}
