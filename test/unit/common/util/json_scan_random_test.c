/* json_scan_random_test.c - the strict scanner on texts that nobody wrote: cut off, mutated,
 * generated, and very large.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json.h"
#include "common/util/json_scan.h"
#include "test/unit/support/check.h"

static const char document[] =
    "{ \"reportDate\": \"2025-10-10\", \"totalSales\": 1250.50, \"totalOrders\": 45,\r\n"
    "  \"topItems\": [ {\"name\": \"Margherita \xf0\x9f\x8d\x95\", \"quantity\": 12, "
    "\"revenue\": 120.00},\n"
    "                {\"name\": \"Caf\\u00e9 \\ud83c\\udf55\", \"quantity\": 8, \"revenue\": "
    "-0.30e+2 } ],\n"
    "  \"busyHours\": {\"12:00\": 8, \"18:00\": 15, \"\": [], \"\\\"\": {}, \"\\\\\": null},\n"
    "\t\"staffShifts\": [[[[[{\"staff\":\"J\xc3\xb6rg\",\"hours\":8.5,\"role\":true}]]]]],\n"
    "  \"notes\": \"a\\tb\\n\\/c \\u001bp\\u0001\\u202e x\xe2\x80\xaey\x7f z\", \"false\": "
    "false,\n"
    "  \"big\": 12345678901234567890123456789012, \"small\": 1e-400, \"wide\": 1e131071 } ";

/* What must hold for whatever the scanner takes: it is not longer, is UTF-8, has nothing left
 * to remove, and the next reader takes it as well. */
static void check_good(const char *text, size_t len, size_t before)
{
    struct tw_slice all = tw_slice_from(text, len);
    char *again = exact_copy(all);
    struct tw_json_fault fault;
    struct tw_json *tree = tw_json_parse(all);
    size_t again_len = len;

    assert_true(len <= before);
    assert_true(tw_is_utf8(all));
    for (size_t i = 0; i < len; i++)
        assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    assert_non_null(tree);
    assert_true(tw_json_scan(again, &again_len, &tw_json_wide, &fault) > 0);
    assert_true(tw_slice_eq(tw_slice_from(again, again_len), all));
    tw_json_free(tree);
    free(again);
}

/* Scans a copy of exactly its size; whether it was taken. */
static bool try_scan(struct tw_slice text)
{
    char *copy = exact_copy(text);
    struct tw_json_fault fault = { 0, NULL };
    size_t len = text.len;
    int r = tw_json_scan(copy, &len, &tw_json_wide, &fault);

    if (r > 0) {
        check_good(copy, len, text.len);
    } else {
        assert_true(r == TW_ESYNTAX || r == TW_EDUPLICATE || r == TW_ETOOBIG);
        assert_true(fault.why != NULL && fault.at <= text.len);
    }
    free(copy);
    return r > 0;
}

static void a_document_that_is_cut_off_anywhere_is_refused(void **state)
{
    struct tw_slice all = TW_LIT(document);

    (void)state;
    assert_true(try_scan(all));
    for (size_t len = 0; len < all.len - 1; len++) /* the last byte is a blank */
        assert_false(try_scan(tw_slice_from(all.at, len)));
    for (size_t from = 1; from < all.len; from++)
        (void)try_scan(tw_slice_skip(all, from));
}

static void mutate(struct dice *dice, struct tw_buf *text)
{
    static const char likely[] = "{}[]\",:\\u0019dDeE+-. \t\n\x80\xc2\xe2\xed\xf0\x7f\0";
    uint64_t changes = 1 + dice_roll(dice, 4);

    for (; changes > 0 && text->len > 4; changes--) {
        size_t at = (size_t)dice_roll(dice, text->len);
        size_t from = (size_t)dice_roll(dice, text->len);
        size_t n = (size_t)dice_roll(dice, 8);

        switch (dice_roll(dice, 4)) {
        case 0: /* another byte */
            text->at[at] = likely[dice_roll(dice, sizeof(likely))];
            break;
        case 1: /* another bit */
            text->at[at] = (char)(text->at[at] ^ 1 << dice_roll(dice, 8));
            break;
        case 2: /* some bytes less */
            n = n < text->len - at ? n : text->len - at;
            memmove(text->at + at, text->at + at + n, text->len - at - n);
            text->len -= n;
            break;
        default: /* some bytes from elsewhere */
            n = n < text->len - at ? n : text->len - at;
            n = n < text->len - from ? n : text->len - from;
            memmove(text->at + at, text->at + from, n);
        }
    }
}

static void a_mutated_token_is_refused_or_still_valid(void **state)
{
    struct dice dice = dice_new();
    int taken = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        struct tw_buf text = { .max = sizeof(document) };

        tw_buf_text(&text, document);
        mutate(&dice, &text);
        taken += try_scan(tw_buf_view(&text)) ? 1 : 0;
        tw_buf_done(&text);
    }
    assert_in_range(taken, 100, 59900); /* both ways were tried */
}

/* Writes a random value twice: with blanks, as a client may send it, and as it is to become. */
struct pair {
    struct dice dice;
    struct tw_buf sent, wanted;
    size_t name; /* members are numbered, so none comes twice */
};

static void put_both(struct pair *p, const char *text)
{
    static const char *const blanks[] = { "", "", "", " ", "\n", "\t ", "\r\n  " };

    tw_buf_text(&p->sent, blanks[dice_roll(&p->dice, TW_COUNT(blanks))]);
    tw_buf_text(&p->sent, text);
    tw_buf_text(&p->wanted, text);
    tw_buf_text(&p->sent, blanks[dice_roll(&p->dice, TW_COUNT(blanks))]);
}

static void put_random_string(struct pair *p)
{
    static const char *const kept[] = { "a",
                                        "Z",
                                        " ",
                                        "{",
                                        "]",
                                        ",",
                                        "\xc3\xa9",
                                        "\xf0\x9f\x8d\x95",
                                        "\\\"",
                                        "\\\\",
                                        "\\n",
                                        "\\u20ac",
                                        "\\ud83c\\udf55" };
    static const char *const dropped[] = { "\\u0001",  "\\b",     "\x7f",
                                           "\xc2\x9b", "\\u202E", "\xe2\x81\xa6" };
    uint64_t n = dice_roll(&p->dice, 12);

    tw_buf_char(&p->sent, '"');
    tw_buf_char(&p->wanted, '"');
    for (; n > 0; n--) {
        const char *one = kept[dice_roll(&p->dice, TW_COUNT(kept))];

        tw_buf_text(&p->sent, one);
        tw_buf_text(&p->wanted, one);
        if (dice_roll(&p->dice, 6) == 0)
            tw_buf_text(&p->sent, dropped[dice_roll(&p->dice, TW_COUNT(dropped))]);
    }
    tw_buf_char(&p->sent, '"');
    tw_buf_char(&p->wanted, '"');
}

static void put_random_name(struct pair *p)
{
    tw_buf_text(&p->sent, " \"n");
    tw_buf_u64(&p->sent, p->name);
    tw_buf_text(&p->sent, "\" ");
    tw_buf_text(&p->wanted, "\"n");
    tw_buf_u64(&p->wanted, p->name++);
    tw_buf_text(&p->wanted, "\"");
    put_both(p, ":");
}

static void put_random_scalar(struct pair *p)
{
    static const char *const scalars[] = { "true", "false", "null", "0",
                                           "-1",   "25.00", "1e9",  "-0.5E-3" };

    if (dice_roll(&p->dice, 3) == 0)
        put_random_string(p);
    else
        put_both(p, scalars[dice_roll(&p->dice, TW_COUNT(scalars))]);
}

static void put_random_values(struct pair *p)
{
    char open[8];
    size_t depth = 0;

    do { /* open some, close some; a value of its own at the outset */
        uint64_t what = dice_roll(&p->dice, 4);

        if (what < 2 && depth < sizeof(open)) {
            open[depth++] = what == 0 ? '{' : '[';
            put_both(p, what == 0 ? "{" : "[");
        } else {
            put_random_scalar(p);
            while (depth > 0 && dice_roll(&p->dice, 2) == 0)
                put_both(p, open[--depth] == '{' ? "}" : "]");
            if (depth > 0)
                put_both(p, ",");
        }
        if (depth > 0 && open[depth - 1] == '{')
            put_random_name(p);
    } while (depth > 0);
}

static void every_generated_document_is_taken_and_compacted(void **state)
{
    struct pair p = { .dice = dice_new() };

    (void)state;
    p.sent.max = p.wanted.max = 1048576;
    for (int round = 0; round < 5000; round++) {
        struct tw_json_fault fault = { 0, "" };
        char *copy;
        size_t len;

        tw_buf_clear(&p.sent);
        tw_buf_clear(&p.wanted);
        put_random_values(&p);
        assert_false(p.sent.failed || p.wanted.failed);
        len = p.sent.len;
        copy = exact_copy(tw_buf_view(&p.sent));
        if (tw_json_scan(copy, &len, &tw_json_wide, &fault) < 0)
            fail_msg("%s at %zu: %.*s", fault.why, fault.at, (int)p.sent.len, p.sent.at);
        assert_true(tw_slice_eq(tw_slice_from(copy, len), tw_buf_view(&p.wanted)));
        free(copy);
    }
    tw_buf_done(&p.sent);
    tw_buf_done(&p.wanted);
}

#define NAMES 60000

static int scan_names(size_t count, size_t twice)
{
    struct tw_buf text = { .max = 4 * 1048576 };
    struct tw_json_fault fault;
    size_t len;
    int r;

    for (size_t i = 0; i < count; i++) {
        tw_buf_text(&text, i == 0 ? "{\"member" : ",\"member");
        tw_buf_u64(&text, i == count - 1 ? twice : i);
        tw_buf_text(&text, "\":0");
    }
    tw_buf_char(&text, '}');
    assert_false(text.failed);
    len = text.len;
    r = tw_json_scan(text.at, &len, &tw_json_wide, &fault);
    tw_buf_done(&text);
    return r;
}

static void sixty_thousand_members_are_compared_each_with_each(void **state)
{
    (void)state;
    assert_int_equal(scan_names(NAMES, NAMES - 1), '{');
    assert_int_equal(scan_names(NAMES, 0), TW_EDUPLICATE);
    assert_int_equal(scan_names(NAMES, NAMES / 2), TW_EDUPLICATE);
    assert_int_equal(scan_names(NAMES, NAMES - 2), TW_EDUPLICATE);
}

static void names_are_compared_within_their_own_object(void **state)
{
    struct tw_buf text = { .max = 1048576 };
    struct tw_json_fault fault;
    size_t len;

    (void)state;
    tw_buf_char(&text, '[');
    for (int i = 0; i < 2000; i++) /* the same names again and again */
        tw_buf_text(&text, "{\"a\":{\"b\":[{\"a\":0,\"b\":0}],\"a\":0},\"b\":0},");
    tw_buf_text(&text, "0]");
    len = text.len;
    assert_int_equal(tw_json_scan(text.at, &len, &tw_json_wide, &fault), '[');
    tw_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_mutated_token_is_refused_or_still_valid),
        cmocka_unit_test(every_generated_document_is_taken_and_compacted),
        cmocka_unit_test(sixty_thousand_members_are_compared_each_with_each),
        cmocka_unit_test(names_are_compared_within_their_own_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
