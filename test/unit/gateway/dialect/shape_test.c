/* shape_test.c - numbers and texts as several dialects show them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/shape.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void a_tables_number_is_a_number_where_it_is_one(void **state)
{
    static const struct {
        const char *raw, *shown;
    } rows[] = {
        { "\"5\"", "5" },
        { "\"0\"", "0" },
        { "\"123456789\"", "123456789" },
        { "\"1234567890\"", "\"1234567890\"" },
        { "\"05\"", "\"05\"" },
        { "\"-5\"", "\"-5\"" },
        { "\"5a\"", "\"5a\"" },
        { "\"A5\"", "\"A5\"" },
        { "\"\"", "\"\"" },
        { "\"\\u0035\"", "\"\\u0035\"" },
        { "5", "5" },
        { "null", "null" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(tw_slice_is(gw_shape_number(tw_slice_of(rows[i].raw)), rows[i].shown),
                   rows[i].raw);
}

static void an_id_is_a_text_also_where_its_creator_wrote_a_number(void **state)
{
    struct tw_buf out = { .max = 100 };

    (void)state;
    tw_buf_char(&out, '{');
    gw_shape_text(&out, "a", TW_LIT("41"));
    gw_shape_text(&out, "b", TW_LIT("\"4\\\"1\""));
    gw_shape_text(&out, "c", TW_LIT(""));
    assert_buf(&out, "{\"a\":\"41\",\"b\":\"4\\\"1\",\"c\":\"\"");
    tw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tables_number_is_a_number_where_it_is_one),
        cmocka_unit_test(an_id_is_a_text_also_where_its_creator_wrote_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
