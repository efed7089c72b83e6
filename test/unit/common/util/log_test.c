/* log_test.c - log lines, as they come out of a pipe.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json.h"
#include "common/util/json_scan.h"
#include "test/unit/support/check.h"

static int ends[2];
static char line[8192];

static int begin(void **state)
{
    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tw_log_open(STDERR_FILENO, "test", TW_LOG_ERROR, false);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

/* What has been written since, NUL-terminated. */
static const char *written(void)
{
    ssize_t n = read(ends[0], line, sizeof(line) - 1);

    line[n > 0 ? n : 0] = '\0';
    return line;
}

/* The text after the moment, which is another each time. */
static const char *behind_time(const char *text)
{
    static const char form[] = "at=2026-01-05T18:00:02.117Z";

    assert_memory_equal(text, "at=20", 5);
    assert_int_equal(text[sizeof(form) - 2], 'Z');
    return text + sizeof(form) - 1;
}

static void a_line_has_its_level_its_event_and_its_fields(void **state)
{
    (void)state;
    tw_log_open(ends[1], "tillwire-api", TW_LOG_INFO, false);
    tw_log_info("pg.up", tw_str("role", "primary"), tw_u64("connections", UINT64_MAX),
                tw_i64("offset", INT64_MIN), tw_slc("part", tw_slice_from("abcdef", 3)),
                tw_err(TW_EDOWN));
    assert_string_equal(behind_time(written()),
                        " level=info program=tillwire-api event=pg.up role=primary "
                        "connections=18446744073709551615 offset=-9223372036854775808 part=abc "
                        "error=\"not connected\"\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    tw_log_open(ends[1], "p", TW_LOG_WARN, false);
    tw_log_info("a.b", tw_u64("n", 1));
    tw_log_debug("a.b", tw_u64("n", 1));
    assert_string_equal(written(), "");
    tw_log_warn("a.b", tw_u64("n", 1));
    assert_non_null(strstr(written(), "level=warn"));
    tw_log_error("a.b", tw_u64("n", 1));
    assert_non_null(strstr(written(), "level=error"));
}

static const struct {
    struct tw_slice value;
    const char *text, *json;
} values[] = {
    { { "plain", 5 }, "plain", "\"plain\"" },
    { { "a/b:c,d.e-f_g+h", 15 }, "a/b:c,d.e-f_g+h", "\"a/b:c,d.e-f_g+h\"" },
    { { "", 0 }, "\"\"", "\"\"" },
    { { NULL, 0 }, "\"\"", "\"\"" },
    { { "two words", 9 }, "\"two words\"", "\"two words\"" },
    { { "a=b", 3 }, "\"a=b\"", "\"a=b\"" },
    { { "\"", 1 }, "\"\\\"\"", "\"\\\"\"" },
    { { "a\\", 2 }, "\"a\\\\\"", "\"a\\\\\"" },
    { { "x\nlevel=error", 13 }, "\"x\\nlevel=error\"", "\"x\\nlevel=error\"" },
    { { "a\0b", 3 }, "\"a\\u0000b\"", "\"a\\u0000b\"" },
    { { "\x1b[31m", 5 }, "\"\\u001b[31m\"", "\"\\u001b[31m\"" },
    { { "\x7f", 1 }, "\"\\u007f\"", "\"\\u007f\"" },
    { { "caf\xc3\xa9", 5 }, "\"caf\\u00e9\"", "\"caf\\u00e9\"" },
    { { "\xe2\x80\xae", 3 }, "\"\\u202e\"", "\"\\u202e\"" },
    { { "\xff", 1 }, "\"\\ufffd\"", "\"\\ufffd\"" },
    { { "{", 1 }, "{", "\"{\"" },
};

static void a_value_is_escaped_when_it_could_be_taken_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(values); i++) {
        char want[256];
        const char *have;

        tw_log_open(ends[1], "p", TW_LOG_INFO, false);
        tw_log_info("e", tw_slc("v", values[i].value), tw_u64("n", 1));
        (void)snprintf(want, sizeof(want), " level=info program=p event=e v=%s n=1\n",
                       values[i].text);
        assert_string_equal(behind_time(written()), want);
        tw_log_open(ends[1], "p", TW_LOG_INFO, true);
        tw_log_info("e", tw_slc("v", values[i].value), tw_u64("n", 1));
        (void)snprintf(want, sizeof(want), ",\"v\":%s,\"n\":1}\n", values[i].json);
        have = written();
        assert_row(strstr(have, want) != NULL, have);
    }
}

static void a_json_line_is_one_strict_object(void **state)
{
    struct tw_json_fault fault;
    struct tw_json *root;
    struct tw_slice text;
    int64_t n = 0;
    size_t len;

    (void)state;
    tw_log_open(ends[1], "p", TW_LOG_INFO, true);
    tw_log_warn("redis.down", tw_str("why", "con\"nection\nlost\x01"), tw_i64("n", -5));
    len = strlen(written());
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1));
    len--;
    assert_int_equal(tw_json_scan(line, &len, &tw_json_narrow, &fault), '{');
    root = tw_json_parse(tw_slice_from(line, len));
    assert_true(tw_json_text_of(tw_json_at(root, "level"), &text));
    assert_slice(text, "warn");
    assert_true(tw_json_text_of(tw_json_at(root, "program"), &text));
    assert_slice(text, "p");
    assert_true(tw_json_text_of(tw_json_at(root, "event"), &text));
    assert_slice(text, "redis.down");
    assert_true(tw_json_text_of(tw_json_at(root, "at"), &text));
    assert_int_equal(text.len, 24);
    assert_true(tw_json_integer_of(tw_json_at(root, "n"), &n));
    assert_int_equal(n, -5);
    tw_json_free(root);
}

static void under_the_journal_a_line_has_a_priority_and_no_time(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:17", 1), 0);
    tw_log_open(ends[1], "p", TW_LOG_DEBUG, false);
    tw_log_error("e", tw_u64("n", 1));
    assert_string_equal(written(), "<3>level=error program=p event=e n=1\n");
    tw_log_warn("e", tw_u64("n", 1));
    assert_memory_equal(written(), "<4>", 3);
    tw_log_info("e", tw_u64("n", 1));
    assert_memory_equal(written(), "<6>", 3);
    tw_log_debug("e", tw_u64("n", 1));
    assert_memory_equal(written(), "<7>", 3);
    tw_log_open(ends[1], "p", TW_LOG_DEBUG, true);
    tw_log_info("e", tw_u64("n", 1));
    assert_memory_equal(written(), "<6>{", 4);
    (void)unsetenv("JOURNAL_STREAM");
}

static void a_full_pipe_drops_whole_lines_and_counts_them(void **state)
{
    uint64_t before;
    size_t lines = 0, total = 0;
    ssize_t n;

    (void)state;
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    tw_log_open(ends[1], "p", TW_LOG_INFO, false);
    before = tw_log_dropped();
    for (int i = 0; i < 5000; i++) /* must not block either */
        tw_log_info("flood", tw_i64("i", i));
    while ((n = read(ends[0], line, sizeof(line))) > 0) {
        for (ssize_t k = 0; k < n; k++)
            lines += line[k] == '\n' ? 1 : 0;
        total += (size_t)n;
        assert_int_equal(line[n - 1], '\n'); /* no half of a line */
    }
    assert_true(total > 0);
    assert_int_equal(lines + (tw_log_dropped() - before), 5000);
    tw_log_info("again", tw_u64("n", 1)); /* once there is room it goes on */
    assert_non_null(strstr(written(), "event=again"));
}

static void a_line_too_long_to_print_is_lost_and_counted(void **state)
{
    static char large[8000];
    uint64_t before = tw_log_dropped();

    (void)state;
    memset(large, 'x', sizeof(large));
    tw_log_open(ends[1], "p", TW_LOG_INFO, false);
    tw_log_info("e", tw_slc("large", tw_slice_from(large, sizeof(large))));
    assert_string_equal(written(), "");
    assert_int_equal(tw_log_dropped(), before + 1);
    tw_log_info("e", tw_slc("large", tw_slice_from(large, 3900)));
    assert_true(strlen(written()) > 3900);
    assert_int_equal(tw_log_dropped(), before + 1);
}

static void a_level_has_a_name(void **state)
{
    enum tw_log_level level = TW_LOG_DEBUG;

    (void)state;
    assert_true(tw_log_level_of(TW_LIT("error"), &level) && level == TW_LOG_ERROR);
    assert_true(tw_log_level_of(TW_LIT("warn"), &level) && level == TW_LOG_WARN);
    assert_true(tw_log_level_of(TW_LIT("info"), &level) && level == TW_LOG_INFO);
    assert_true(tw_log_level_of(TW_LIT("debug"), &level) && level == TW_LOG_DEBUG);
    assert_false(tw_log_level_of(TW_LIT("WARN"), &level));
    assert_false(tw_log_level_of(TW_LIT(""), &level));
    assert_int_equal(level, TW_LOG_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_its_level_its_event_and_its_fields, begin,
                                        end),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, begin, end),
        cmocka_unit_test_setup_teardown(a_value_is_escaped_when_it_could_be_taken_for_more,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_json_line_is_one_strict_object, begin, end),
        cmocka_unit_test_setup_teardown(under_the_journal_a_line_has_a_priority_and_no_time,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_pipe_drops_whole_lines_and_counts_them, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_line_too_long_to_print_is_lost_and_counted, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_level_has_a_name, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
