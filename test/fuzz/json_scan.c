/* json_scan.c - fuzzing the strict scanner, and the walks over what it has passed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_scan.h"

#include "common/util/encode.h"
#include "common/util/json.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "test/fuzz/fuzz.h"

/* A string decodes to UTF-8, and what is written of that is a string of the same text. */
static void check_string(struct tw_slice raw)
{
    struct tw_buf text = { .max = raw.len }, again = { .max = 6 * raw.len + 2 };
    struct tw_buf back = { .max = raw.len };
    struct tw_slice plain;

    TW_ASSERT(tw_json_string(&text, raw) && tw_is_utf8(tw_buf_view(&text)));
    if (tw_json_plain(raw, &plain))
        TW_ASSERT(tw_slice_eq(plain, tw_buf_view(&text)));
    tw_json_put(&again, tw_buf_view(&text));
    TW_ASSERT(tw_json_string(&back, tw_buf_view(&again)));
    TW_ASSERT(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&text)));
    tw_buf_clear(&again);
    tw_buf_clear(&back);
    tw_json_put_ascii(&again, tw_buf_view(&text));
    TW_ASSERT(tw_json_string(&back, tw_buf_view(&again)));
    TW_ASSERT(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&text)));
    tw_buf_done(&text);
    tw_buf_done(&again);
    tw_buf_done(&back);
}

static void copy_value(struct tw_buf *out, struct tw_slice raw);

static void copy_array(struct tw_buf *out, struct tw_slice raw)
{
    struct tw_slice rest = raw, element;
    bool is_first = true;

    tw_buf_char(out, '[');
    while (tw_json_element(&rest, &element)) {
        tw_buf_text(out, is_first ? "" : ",");
        is_first = false;
        copy_value(out, element);
    }
    tw_buf_char(out, ']');
}

static void copy_object(struct tw_buf *out, struct tw_slice raw)
{
    struct tw_slice rest = raw, name, value;
    bool is_first = true;

    tw_buf_char(out, '{');
    while (tw_json_pair(&rest, &name, &value)) {
        tw_buf_text(out, is_first ? "" : ",");
        is_first = false;
        copy_value(out, name);
        tw_buf_char(out, ':');
        copy_value(out, value);
    }
    tw_buf_char(out, '}');
}

/* Takes a value apart and puts it together again; as deep as the scanner lets it be. */
static void copy_value(struct tw_buf *out, struct tw_slice raw)
{
    uint64_t number;

    TW_ASSERT(raw.len > 0);
    if (raw.at[0] == '[') {
        copy_array(out, raw);
    } else if (raw.at[0] == '{') {
        copy_object(out, raw);
    } else {
        if (raw.at[0] == '"')
            check_string(raw);
        (void)tw_json_u64(raw, &number);
        tw_buf_append(out, raw);
    }
}

static void check_passed(struct tw_slice text, size_t len_before)
{
    struct tw_buf copy = { .max = text.len };
    struct tw_json *tree = tw_json_parse(text);

    TW_ASSERT(text.len > 0 && text.len <= len_before && tw_is_utf8(text));
    TW_ASSERT(tree != NULL); /* the next reader takes it as well */
    copy_value(&copy, text);
    TW_ASSERT(tw_slice_eq(tw_buf_view(&copy), text));
    tw_json_free(tree);
    tw_buf_done(&copy);
}

/* Scans a copy; null, or (free it) what has passed. */
static char *scan_copy(struct tw_slice text, size_t *len, const struct tw_json_limits *limits)
{
    char *copy = fuzz_copy(text);
    struct tw_json_fault fault = { 0, NULL };

    *len = text.len;
    if (tw_json_scan(copy, len, limits, &fault) > 0)
        return copy;
    TW_ASSERT(fault.why != NULL && fault.at <= text.len);
    free(copy);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tw_slice input = { (const char *)bytes, len };
    size_t wide_len, narrow_len, again_len;
    char *wide = scan_copy(input, &wide_len, &tw_json_wide);
    char *narrow = scan_copy(input, &narrow_len, &tw_json_narrow);
    char *again;

    TW_ASSERT(narrow == NULL ||
              (wide != NULL &&
               tw_slice_eq(tw_slice_from(wide, wide_len), tw_slice_from(narrow, narrow_len))));
    if (wide != NULL) {
        check_passed(tw_slice_from(wide, wide_len), len);
        again = scan_copy(tw_slice_from(wide, wide_len), &again_len, &tw_json_wide);
        TW_ASSERT(again != NULL && again_len == wide_len);
        free(again);
    }
    free(wide);
    free(narrow);
    return 0;
}
