/* json_test.c - cJSON behind its door.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct tw_json *parse(const char *text)
{
    char *copy = exact_copy(tw_slice_of(text));
    struct tw_json *root = tw_json_parse(tw_slice_from(copy, strlen(text)));

    free(copy);
    return root;
}

static void what_is_not_json_is_no_tree(void **state)
{
    static const char *const bad[] = { "", "x", "{", "{}x", "{} {}", "1 2", "[1,]", "nul" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(parse(bad[i]) == NULL, bad[i]);
    tw_json_free(NULL);
}

static void members_are_found_by_their_exact_name(void **state)
{
    struct tw_json *root =
        parse("{\"Type\":\"big\",\"type\":\"ping\",\"n\":{\"type\":\"in\"}}");
    struct tw_slice text = TW_LIT("untouched");

    (void)state;
    assert_true(tw_json_is_object(root));
    assert_true(tw_json_text_of(tw_json_at(root, "type"), &text));
    assert_slice(text, "ping");
    assert_true(tw_json_text_of(tw_json_at(tw_json_at(root, "n"), "type"), &text));
    assert_slice(text, "in");
    assert_null(tw_json_at(root, "TYPE"));
    assert_null(tw_json_at(tw_json_at(root, "type"), "type"));
    assert_null(tw_json_at(NULL, "type"));
    tw_json_free(root);
}

static void a_value_is_read_as_what_it_is_and_as_nothing_else(void **state)
{
    struct tw_json *root =
        parse("{\"s\":\"1\",\"b\":true,\"f\":false,\"i\":1,\"z\":null,\"o\":{}}");
    struct tw_slice text = TW_LIT("untouched");
    bool flag = true;
    int64_t n = 7;

    (void)state;
    assert_false(tw_json_text_of(tw_json_at(root, "i"), &text));
    assert_false(tw_json_text_of(tw_json_at(root, "z"), &text));
    assert_false(tw_json_text_of(NULL, &text));
    assert_false(tw_json_bool_of(tw_json_at(root, "s"), &flag));
    assert_false(tw_json_bool_of(tw_json_at(root, "i"), &flag));
    assert_false(tw_json_bool_of(NULL, &flag));
    assert_false(tw_json_integer_of(tw_json_at(root, "s"), &n));
    assert_false(tw_json_integer_of(tw_json_at(root, "b"), &n));
    assert_false(tw_json_integer_of(NULL, &n));
    assert_false(tw_json_is_object(tw_json_at(root, "s")));
    assert_false(tw_json_is_object(NULL));
    assert_slice(text, "untouched");
    assert_true(flag && n == 7);
    assert_true(tw_json_bool_of(tw_json_at(root, "f"), &flag) && !flag);
    assert_true(tw_json_bool_of(tw_json_at(root, "b"), &flag) && flag);
    assert_true(tw_json_is_object(tw_json_at(root, "o")));
    tw_json_free(root);
}

static const struct {
    const char *text;
    bool is_good;
    int64_t value;
} integers[] = {
    { "0", true, 0 },
    { "-0", true, 0 },
    { "1", true, 1 },
    { "-1", true, -1 },
    { "1.0", true, 1 },
    { "1e3", true, 1000 },
    { "2147483648", true, 2147483648 },
    { "9007199254740991", true, 9007199254740991 },
    { "-9007199254740991", true, -9007199254740991 },
    /* a double makes 9007199254740992 of it: not the number that was sent */
    { "9007199254740993", false, 0 },
    { "-9007199254740993", false, 0 },
    { "9007199254740994", false, 0 },
    { "1.5", false, 0 },
    { "-0.1", false, 0 },
    { "1e100", false, 0 },
    { "1e400", false, 0 },
};

static void an_integer_is_read_when_a_double_holds_it_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(integers); i++) {
        struct tw_json *root = parse(integers[i].text);
        int64_t n = 7;

        assert_row(tw_json_integer_of(root, &n) == integers[i].is_good, integers[i].text);
        assert_int_equal(n, integers[i].is_good ? integers[i].value : 7);
        tw_json_free(root);
    }
}

static void an_array_is_walked_from_its_first_element(void **state)
{
    struct tw_json *root = parse("[1,\"a\",[2]]");
    const struct tw_json *one = tw_json_first(root);
    struct tw_slice text;
    int64_t n;

    (void)state;
    assert_true(tw_json_integer_of(one, &n) && n == 1);
    one = tw_json_next(one);
    assert_true(tw_json_text_of(one, &text));
    one = tw_json_next(one);
    assert_true(tw_json_integer_of(tw_json_first(one), &n) && n == 2);
    assert_null(tw_json_next(one));
    assert_null(tw_json_next(NULL));
    assert_null(tw_json_first(NULL));
    tw_json_free(root);
    root = parse("{\"a\":1}");
    assert_null(tw_json_first(root));
    tw_json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_no_tree),
        cmocka_unit_test(members_are_found_by_their_exact_name),
        cmocka_unit_test(a_value_is_read_as_what_it_is_and_as_nothing_else),
        cmocka_unit_test(an_integer_is_read_when_a_double_holds_it_exactly),
        cmocka_unit_test(an_array_is_walked_from_its_first_element),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
