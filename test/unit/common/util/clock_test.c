/* clock_test.c - the two spellings of a moment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/clock.h"

#include <time.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static const struct {
    int64_t wall_ms;
    const char *time, *date;
} moments[] = {
    { 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
    { 1, "1970-01-01T00:00:00.001Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
    { 999, "1970-01-01T00:00:00.999Z", "Thu, 01 Jan 1970 00:00:00 GMT" },
    /* RFC 9110 section 5.6.7 */
    { 784111777000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT" },
    { 951782399999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 GMT" },
    { 951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT" },
    { 1767636002117, "2026-01-05T18:00:02.117Z", "Mon, 05 Jan 2026 18:00:02 GMT" },
    { 2147483648050, "2038-01-19T03:14:08.050Z", "Tue, 19 Jan 2038 03:14:08 GMT" },
    { 4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT" },
    { 253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
};

static void a_moment_has_one_spelling_for_people_and_one_for_http(void **state)
{
    char time_text[TW_TIME_TEXT], date[TW_HTTP_DATE];

    (void)state;
    for (size_t i = 0; i < TW_COUNT(moments); i++) {
        tw_time_text(moments[i].wall_ms, time_text);
        tw_http_date(moments[i].wall_ms, date);
        assert_string_equal(time_text, moments[i].time);
        assert_string_equal(date, moments[i].date);
    }
}

static void a_moment_outside_of_the_calendar_becomes_the_nearest_in_it(void **state)
{
    char text[TW_TIME_TEXT], date[TW_HTTP_DATE];

    (void)state;
    tw_time_text(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    tw_time_text(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    tw_time_text(INT64_MAX, text);
    assert_memory_equal(text, "9999-12-31T23:59:59.", 20);
    assert_int_equal(strlen(text), TW_TIME_TEXT - 1);
    tw_http_date(INT64_MAX, date);
    assert_string_equal(date, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void what_was_written_is_read_again(void **state)
{
    static const int64_t written[] = { 0,
                                       951782399999,  /* 2000-02-28 */
                                       951868799999,  /* 2000-02-29 */
                                       951868800000,  /* 2000-03-01 */
                                       1760133600123, /* 2025 */
                                       4107542399999, /* 2100-02-28 */
                                       4107542400000, /* 2100-03-01: no leap year */
                                       253402300799999 };
    char text[TW_TIME_TEXT];
    int64_t read_ms;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(written); i++) {
        tw_time_text(written[i], text);
        assert_row(tw_time_read(tw_slice_of(text), &read_ms) && read_ms == written[i], text);
    }
}

static void no_other_form_is_read(void **state)
{
    static const char *const others[] = { "",
                                          "2025-10-10T22:00:00Z",
                                          "2025-10-10 22:00:00.123Z",
                                          "2025-10-10T22:00:00.123+",
                                          "2025-1x-10T22:00:00.123Z",
                                          "2025-10-10T22:00:00.1234Z" };
    int64_t read_ms;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_row(!tw_time_read(tw_slice_of(others[i]), &read_ms), others[i]);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    uint64_t before = tw_now_ms();

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = tw_now_ms();

        assert_true(now >= before);
        before = now;
    }
}

static void the_wall_clock_is_that_of_the_machine(void **state)
{
    time_t before = time(NULL);
    int64_t wall_ms = tw_wall_ms();
    time_t after = time(NULL);

    (void)state;
    assert_true(wall_ms / 1000 >= before - 1 && wall_ms / 1000 <= after + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_has_one_spelling_for_people_and_one_for_http),
        cmocka_unit_test(a_moment_outside_of_the_calendar_becomes_the_nearest_in_it),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(no_other_form_is_read),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_is_that_of_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
