/* metrics_test.c - the text that Prometheus reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct tw_buf printed(const struct tw_metrics *all)
{
    struct tw_buf out = { .max = 100000 };

    tw_metrics_print(all, &out);
    assert_false(out.failed);
    tw_buf_char(&out, '\0');
    return out;
}

static void numbers_of_one_name_share_a_head(void **state)
{
    static const char want[] = "# HELP tillwire_hubs Tenants here.\n"
                               "# TYPE tillwire_hubs gauge\n"
                               "tillwire_hubs 3\n"
                               "# HELP tillwire_closes_total Ended connections.\n"
                               "# TYPE tillwire_closes_total counter\n"
                               "tillwire_closes_total{by=\"us\"} 18446744073709551615\n"
                               "tillwire_closes_total{by=\"peer\"} 0\n";
    struct tw_metric hubs = { 0 }, us = { 0 }, peer = { 0 };
    struct tw_metrics all = { 0 };
    struct tw_buf out;

    (void)state;
    tw_metric_add(&all, &hubs, "hubs", NULL, "Tenants here.");
    tw_metric_add(&all, &us, "closes_total", "by=\"us\"", "Ended connections.");
    tw_metric_add(&all, &peer, "closes_total", "by=\"peer\"", "Ended connections.");
    hubs.value = 3;
    us.value = UINT64_MAX;
    out = printed(&all);
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    tw_buf_done(&out);
}

static void naming_a_metric_keeps_its_value(void **state)
{
    struct tw_metric m = { .value = 7 };
    struct tw_metrics all = { 0 };

    (void)state;
    tw_metric_add(&all, &m, "m", NULL, "");
    assert_int_equal(m.value, 7);
}

/* The whole number of the line that begins with `name`, without what stands behind its point.
 */
static uint64_t number_of(const char *text, const char *name)
{
    const char *line = text;
    uint64_t number = 0;

    while (line != NULL && strncmp(line, name, strlen(name)) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    assert_row(line != NULL, name);
    if (line != NULL) {
        line += strlen(name);
        assert_row(tw_slice_u64(tw_slice_from(line, strspn(line, "0123456789")), &number),
                   name);
    }
    return number;
}

static void the_process_tells_of_itself(void **state)
{
    struct tw_metrics all = { 0 };
    struct tw_buf out = printed(&all);

    (void)state;
    assert_true(number_of(out.at, "process_resident_memory_bytes ") > 100000);
    assert_true(number_of(out.at, "process_open_fds ") >= 3);
    assert_true(number_of(out.at, "process_open_fds ") < 100);
    assert_true(number_of(out.at, "process_cpu_seconds_total ") < 1000);
    assert_int_equal(number_of(out.at, "tillwire_log_dropped_total "), 0);
    tw_buf_done(&out);
}

/* HELP, TYPE, then lines of a name, perhaps labels, and a number; each name once. */
static void every_line_is_of_the_text_format(void **state)
{
    struct tw_metrics all = { 0 };
    struct tw_metric m = { 0 };
    struct tw_buf out;
    struct tw_slice rest, line;
    int types = 0;

    (void)state;
    tw_metric_add(&all, &m, "ws_sessions", "dialect=\"orderweb\"", "Open sessions.");
    out = printed(&all);
    rest = tw_slice_from(out.at, out.len - 2); /* without the last line's end and the NUL */
    while (tw_slice_split(&rest, '\n', &line)) {
        char *copy = tw_copy_text(line.at, line.len);

        if (tw_slice_starts(line, TW_LIT("# TYPE "))) {
            types++;
            assert_row(strstr(copy, " counter") != NULL || strstr(copy, " gauge") != NULL,
                       copy);
            assert_row((strstr(copy, "_total counter") != NULL) ==
                           (strstr(copy, " counter") != NULL),
                       copy);
        } else if (!tw_slice_starts(line, TW_LIT("# HELP "))) {
            const char *number = strrchr(copy, ' ');

            assert_row(number != NULL, copy);
            assert_row(number != NULL &&
                           strspn(number + 1, "0123456789.") == strlen(number + 1),
                       copy);
        }
        free(copy);
    }
    assert_true(types >= 5);
    tw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_one_name_share_a_head),
        cmocka_unit_test(naming_a_metric_keeps_its_value),
        cmocka_unit_test(the_process_tells_of_itself),
        cmocka_unit_test(every_line_is_of_the_text_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
