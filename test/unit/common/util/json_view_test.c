/* json_view_test.c - members as raw slices.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_view.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static const struct {
    const char *object, *name;
    const char *raw; /* null: not there */
} members[] = {
    { "{\"amount\":25.10}", "amount", "25.10" },
    { "{\"a\":1,\"b\":-0.50e3,\"c\":null}", "b", "-0.50e3" },
    { "{\"a\":1,\"b\":2}", "a", "1" },
    { "{\"a\":1,\"b\":true}", "b", "true" },
    { "{\"a\":\"x\"}", "a", "\"x\"" },
    { "{\"a\":\"\"}", "a", "\"\"" },
    { "{\"\":7}", "", "7" },
    { "{\"a\":{\"b\":1},\"b\":2}", "b", "2" }, /* its own member, not the inner one */
    { "{\"a\":[{\"b\":1},\"b\"],\"b\":[2,[3]]}", "b", "[2,[3]]" },
    { "{\"a\":\"{\\\"b\\\":1}\",\"b\":2}", "b", "2" },
    { "{\"a\":\"]}\\\\\",\"b\":{\"c\":\"}\"}}", "b", "{\"c\":\"}\"}" },
    { "{\"a\":\"\\\\\\\"\",\"b\":0}", "b", "0" },
    { "{\"a\":{},\"b\":[]}", "b", "[]" },
    { "{\"ab\":1,\"a\":2}", "a", "2" },
    { "{\"b\":\"a\",\"a\":3}", "a", "3" },
    { "{\"a\":1}", "b", NULL },
    { "{\"a\":1}", "A", NULL },
    { "{\"a\":1}", "", NULL },
    { "{}", "a", NULL },
    { "[]", "a", NULL },
    { "[{\"a\":1}]", "a", NULL },
    { "\"a\"", "a", NULL },
    { "1", "a", NULL },
    { "", "a", NULL },
};

static void a_member_comes_as_the_bytes_that_stand_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(members); i++) {
        char *object = exact_copy(tw_slice_of(members[i].object));
        struct tw_slice raw = TW_LIT("untouched");
        bool found = tw_json_get(tw_slice_from(object, strlen(members[i].object)),
                                 members[i].name, &raw);

        assert_row(found == (members[i].raw != NULL), members[i].object);
        assert_slice(raw, members[i].raw == NULL ? "untouched" : members[i].raw);
        free(object);
    }
}

static void several_members_come_in_one_walk(void **state)
{
    static const char *const names[] = { "b", "missing", "a", "longer", "b" };
    struct tw_slice raws[TW_COUNT(names)];

    (void)state;
    assert_int_equal(
        tw_json_pick(TW_LIT("{\"a\":{\"b\":1},\"lon\":0,\"\":5,\"longer\":\"x\",\"b\":[2]}"),
                     names, raws, TW_COUNT(names)),
        4);
    assert_slice(raws[0], "[2]");
    assert_int_equal(raws[1].len, 0);
    assert_slice(raws[2], "{\"b\":1}");
    assert_slice(raws[3], "\"x\"");
    assert_slice(raws[4], "[2]"); /* it may be asked for twice */
    assert_int_equal(tw_json_pick(TW_LIT("[\"a\"]"), names, raws, TW_COUNT(names)), 0);
    assert_int_equal(tw_json_pick(TW_LIT("{}"), names, raws, TW_COUNT(names)), 0);
    assert_int_equal(tw_json_pick(TW_EMPTY, names, raws, TW_COUNT(names)), 0);
}

static void an_array_is_walked_element_by_element(void **state)
{
    struct tw_slice rest = TW_LIT("[1,\"a,b\",[2,[3]],{\"c\":[4]},null]"), raw;
    static const char *const wanted[] = { "1", "\"a,b\"", "[2,[3]]", "{\"c\":[4]}", "null" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(wanted); i++) {
        assert_true(tw_json_element(&rest, &raw));
        assert_slice(raw, wanted[i]);
    }
    assert_false(tw_json_element(&rest, &raw));
    assert_false(tw_json_element(&rest, &raw));
}

static void what_is_no_array_has_no_elements(void **state)
{
    static const char *const others[] = { "", "[]", "{}", "{\"a\":1}", "1", "\"[1]\"", "null" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        struct tw_slice rest = tw_slice_of(others[i]), raw;

        assert_row(!tw_json_element(&rest, &raw), others[i]);
    }
}

static void an_object_is_walked_member_by_member(void **state)
{
    struct tw_slice rest = TW_LIT("{\"a\":1,\"b:,\":{\"x\":2},\"\":[]}"), name, raw;

    (void)state;
    assert_true(tw_json_pair(&rest, &name, &raw));
    assert_slice(name, "\"a\"");
    assert_slice(raw, "1");
    assert_true(tw_json_pair(&rest, &name, &raw));
    assert_slice(name, "\"b:,\"");
    assert_slice(raw, "{\"x\":2}");
    assert_true(tw_json_pair(&rest, &name, &raw));
    assert_slice(name, "\"\"");
    assert_slice(raw, "[]");
    assert_false(tw_json_pair(&rest, &name, &raw));
}

static const struct {
    const char *raw;
    const char *text; /* null: no string */
} strings[] = {
    { "\"\"", "" },
    { "\"abc\"", "abc" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
    { "\"\\u0041\\u00e9\\u20AC\\uFFFF\"", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf" },
    { "\"\\u007f\\u0080\\u07ff\\u0800\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80" },
    { "\"\\ud83c\\udf55\"", "\xf0\x9f\x8d\x95" },
    { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
    { "\"x\\n\xc3\xa9y\"", "x\n\xc3\xa9y" },
    { "1", NULL },
    { "null", NULL },
    { "{\"a\":\"b\"}", NULL },
    { "\"", NULL },
    { "", NULL },
};

static void a_string_stands_for_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(strings); i++) {
        char *raw = exact_copy(tw_slice_of(strings[i].raw));
        struct tw_buf out = { .max = 100 };

        assert_row(tw_json_string(&out, tw_slice_from(raw, strlen(strings[i].raw))) ==
                       (strings[i].text != NULL),
                   strings[i].raw);
        assert_buf(&out, strings[i].text == NULL ? "" : strings[i].text);
        tw_buf_done(&out);
        free(raw);
    }
}

static void a_text_over_the_buffer_s_limit_is_no_text(void **state)
{
    struct tw_buf out = { .max = 3 };

    (void)state;
    assert_true(tw_json_string(&out, TW_LIT("\"a\\u00e9\"")));
    tw_buf_clear(&out);
    assert_false(tw_json_string(&out, TW_LIT("\"aa\\u00e9\"")));
    tw_buf_done(&out);
}

static void a_plain_string_is_lent_and_one_with_escapes_is_not(void **state)
{
    struct tw_slice text = TW_LIT("untouched");

    (void)state;
    assert_false(tw_json_plain(TW_LIT("\"a\\nb\""), &text));
    assert_false(tw_json_plain(TW_LIT("1"), &text));
    assert_false(tw_json_plain(TW_LIT("null"), &text));
    assert_false(tw_json_plain(TW_LIT("{}"), &text));
    assert_false(tw_json_plain(TW_LIT("\""), &text));
    assert_false(tw_json_plain(TW_EMPTY, &text));
    assert_slice(text, "untouched");
    assert_true(tw_json_plain(TW_LIT("\"caf\xc3\xa9\""), &text));
    assert_slice(text, "caf\xc3\xa9");
    assert_true(tw_json_plain(TW_LIT("\"\""), &text));
    assert_slice(text, "");
}

static void the_text_of_a_member_is_lent_when_it_has_no_escapes(void **state)
{
    const struct tw_slice json = TW_LIT("{\"a\":1,\"type\":\"order\",\"b\":\"x\\ny\"}");
    struct tw_slice text = TW_LIT("untouched");

    (void)state;
    assert_false(tw_json_get_text(json, "missing", &text));
    assert_false(tw_json_get_text(json, "a", &text));
    assert_false(tw_json_get_text(json, "b", &text));
    assert_false(tw_json_get_text(TW_LIT("[]"), "type", &text));
    assert_slice(text, "untouched");
    assert_true(tw_json_get_text(json, "type", &text));
    assert_slice(text, "order");
}

static void only_plain_digits_are_a_whole_number(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_false(tw_json_u64(TW_LIT("-1"), &n));
    assert_false(tw_json_u64(TW_LIT("1.0"), &n));
    assert_false(tw_json_u64(TW_LIT("1e3"), &n));
    assert_false(tw_json_u64(TW_LIT("\"1\""), &n));
    assert_false(tw_json_u64(TW_LIT("null"), &n));
    assert_false(tw_json_u64(TW_LIT("18446744073709551616"), &n));
    assert_int_equal(n, 7);
    assert_true(tw_json_u64(TW_LIT("9007199254740993"), &n));
    assert_int_equal(n, 9007199254740993u);
}

static void an_array_lists_a_text_however_it_is_written(void **state)
{
    struct tw_slice list = TW_LIT("[\"\",7,\"till-1\",\"\\\"bar\\\"\",\"\\u00e9\"]");

    (void)state;
    assert_true(tw_json_lists(list, TW_LIT("till-1")));
    assert_true(tw_json_lists(list, TW_LIT("\"bar\"")));
    assert_true(tw_json_lists(list, TW_LIT("\xc3\xa9")));
    assert_false(tw_json_lists(list, TW_LIT("till")));
    assert_false(tw_json_lists(list, TW_LIT("till-11")));
    assert_false(tw_json_lists(list, TW_LIT("7")));
    assert_false(tw_json_lists(TW_LIT("[]"), TW_LIT("till-1")));
    assert_false(tw_json_lists(TW_LIT("\"till-1\""), TW_LIT("till-1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_comes_as_the_bytes_that_stand_there),
        cmocka_unit_test(several_members_come_in_one_walk),
        cmocka_unit_test(an_array_is_walked_element_by_element),
        cmocka_unit_test(what_is_no_array_has_no_elements),
        cmocka_unit_test(an_object_is_walked_member_by_member),
        cmocka_unit_test(a_string_stands_for_its_text),
        cmocka_unit_test(a_text_over_the_buffer_s_limit_is_no_text),
        cmocka_unit_test(a_plain_string_is_lent_and_one_with_escapes_is_not),
        cmocka_unit_test(the_text_of_a_member_is_lent_when_it_has_no_escapes),
        cmocka_unit_test(only_plain_digits_are_a_whole_number),
        cmocka_unit_test(an_array_lists_a_text_however_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
