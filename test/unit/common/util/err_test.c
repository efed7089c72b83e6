/* err_test.c - the texts of the error numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/err.h"

#include <uv.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void every_number_of_ours_has_its_own_text(void **state)
{
    static const int numbers[] = {
        TW_ESYNTAX,  TW_ETOOBIG, TW_EDUPLICATE, TW_EAUTH,  TW_EFULL,
        TW_ETIMEOUT, TW_EDOWN,   TW_ELOST,      TW_EQUERY, TW_ECONFIG
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(numbers); i++) {
        assert_true(numbers[i] <= -5000);
        assert_true(strlen(tw_err_text(numbers[i])) > 0);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(numbers[i], numbers[k]);
            assert_string_not_equal(tw_err_text(numbers[i]), tw_err_text(numbers[k]));
        }
    }
}

static void libuv_s_numbers_have_libuv_s_texts(void **state)
{
    (void)state;
    assert_string_equal(tw_err_text(UV_ECONNREFUSED), uv_strerror(UV_ECONNREFUSED));
    assert_string_equal(tw_err_text(0), "ok");
}

static void an_unknown_number_has_a_text_too(void **state)
{
    (void)state;
    assert_non_null(tw_err_text(-987654));
    assert_non_null(tw_err_text(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_ours_has_its_own_text),
        cmocka_unit_test(libuv_s_numbers_have_libuv_s_texts),
        cmocka_unit_test(an_unknown_number_has_a_text_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
