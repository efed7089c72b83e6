/* pg_array_test.c - arrays as PostgreSQL reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_array.h"

#include "test/unit/support/check.h"

static void an_array_has_its_elements_in_braces_with_commas_between(void **state)
{
    struct tw_buf array = { .max = 64 };

    (void)state;
    for (uint64_t i = 7; i < 10; i++) {
        tw_pg_array_next(&array);
        tw_buf_u64(&array, i);
    }
    tw_pg_array_end(&array);
    assert_buf(&array, "{7,8,9}");
    tw_buf_done(&array);
}

static void an_array_without_elements_is_empty(void **state)
{
    struct tw_buf array = { .max = 64 };

    (void)state;
    tw_pg_array_end(&array);
    assert_buf(&array, "{}");
    tw_buf_done(&array);
}

static void an_array_that_does_not_fit_is_marked_failed(void **state)
{
    struct tw_buf array = { .max = 3 };

    (void)state;
    for (uint64_t i = 0; i < 2; i++) {
        tw_pg_array_next(&array);
        tw_buf_u64(&array, i);
    }
    tw_pg_array_end(&array);
    assert_true(array.failed);
    tw_buf_done(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_has_its_elements_in_braces_with_commas_between),
        cmocka_unit_test(an_array_without_elements_is_empty),
        cmocka_unit_test(an_array_that_does_not_fit_is_marked_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
