/* metrics_test.c - the text that Prometheus reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

/* Two parts of one kind and one of another. */
struct door {
    uint64_t something;
    struct tw_metric open, closed_by_us, closed_by_peer;
};

struct hall {
    struct tw_metric guests[3];
};

struct process {
    struct door front, back;
    struct hall hall;
};

#define AT(field) TW_METRIC_AT(struct door, field)

static const struct tw_metric_row door_rows[] = {
    { "open", NULL, "Open doors.", AT(open) },
    { "closes_total", "by=\"us\"", "Closed doors.", AT(closed_by_us) },
    { "closes_total", "by=\"peer\"", NULL, AT(closed_by_peer) },
};
static const struct tw_metric_table doors = { .rows = door_rows, .count = TW_COUNT(door_rows) };

static const struct tw_metric_row hall_rows[] = {
    { "guests", NULL, "Guests.", TW_METRIC_AT(struct hall, guests[0]) },
};

static const char *guest_labels(size_t i)
{
    static const char *const labels[] = { "from=\"a\"", "from=\"b\"", "from=\"c\"", NULL };

    return labels[i];
}

static const struct tw_metric_table halls = { .rows = hall_rows,
                                              .count = TW_COUNT(hall_rows),
                                              .labels_of = guest_labels };

static const struct tw_metric_part parts[] = {
    { &doors, offsetof(struct process, front), "door=\"front\"" },
    { &halls, offsetof(struct process, hall), NULL },
    { &doors, offsetof(struct process, back), "door=\"back\"" },
};

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
    static const char want[] =
        "# HELP tillwire_open Open doors.\n"
        "# TYPE tillwire_open gauge\n"
        "tillwire_open{door=\"front\"} 3\n"
        "tillwire_open{door=\"back\"} 0\n"
        "# HELP tillwire_closes_total Closed doors.\n"
        "# TYPE tillwire_closes_total counter\n"
        "tillwire_closes_total{door=\"front\",by=\"us\"} 0\n"
        "tillwire_closes_total{door=\"front\",by=\"peer\"} 0\n"
        "tillwire_closes_total{door=\"back\",by=\"us\"} 18446744073709551615\n"
        "tillwire_closes_total{door=\"back\",by=\"peer\"} 0\n"
        "# HELP tillwire_guests Guests.\n"
        "# TYPE tillwire_guests gauge\n"
        "tillwire_guests{from=\"a\"} 0\n"
        "tillwire_guests{from=\"b\"} 0\n"
        "tillwire_guests{from=\"c\"} 7\n";
    struct process p = { .front = { .open = { 3 } } };
    struct tw_metrics all;
    struct tw_buf out;

    (void)state;
    tw_metrics_init(&all, &p, parts, TW_COUNT(parts));
    p.back.closed_by_us.value = UINT64_MAX;
    p.hall.guests[2].value = 7;
    out = printed(&all);
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    tw_buf_done(&out);
}

static void the_reference_has_a_line_for_each_name(void **state)
{
    static const char want[] =
        "| metric | type | labels | meaning |\n"
        "| --- | --- | --- | --- |\n"
        "| `tillwire_open` | gauge | `door=\"front\"`, `door=\"back\"` | Open doors. |\n"
        "| `tillwire_closes_total` | counter | `door=\"front\",by=\"us\"`, "
        "`door=\"front\",by=\"peer\"`, `door=\"back\",by=\"us\"`, "
        "`door=\"back\",by=\"peer\"` | Closed doors. |\n"
        "| `tillwire_guests` | gauge | `from=\"a\"`, `from=\"b\"`, `from=\"c\"` | Guests. |\n"
        "| `tillwire_log_dropped_total` | counter | | ";
    struct process p = { 0 };
    struct tw_metrics all;
    struct tw_buf out = { .max = 100000 };

    (void)state;
    tw_metrics_init(&all, &p, parts, TW_COUNT(parts));
    tw_metrics_reference(&all, &out);
    assert_false(out.failed);
    tw_buf_char(&out, '\0');
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    assert_non_null(strstr(out.at, "\n| `process_open_fds` | gauge | | "));
    assert_string_equal(out.at + out.len - 4, " |\n");
    tw_buf_done(&out);
}

static void two_numbers_of_one_name_and_label(void)
{
    static const struct tw_metric_part twice[] = {
        { &doors, offsetof(struct process, front), NULL },
        { &doors, offsetof(struct process, back), NULL },
    };
    struct process p = { 0 };
    struct tw_metrics all;

    tw_metrics_init(&all, &p, twice, TW_COUNT(twice));
}

static void a_number_without_help(void)
{
    static const struct tw_metric_row row[] = { { "open", NULL, NULL, AT(open) } };
    static const struct tw_metric_table table = { .rows = row, .count = 1 };
    static const struct tw_metric_part part[] = { { &table, 0, NULL } };
    struct process p = { 0 };
    struct tw_metrics all;

    tw_metrics_init(&all, &p, part, 1);
}

/* Whether this ends the process that does it. */
static bool aborts(void (*act)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0, 0 };

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void lists_that_cannot_be_right_end_the_process(void **state)
{
    (void)state;
    assert_true(aborts(two_numbers_of_one_name_and_label));
    assert_true(aborts(a_number_without_help));
}

/* The whole number of the line that begins with `name`, without what stands after its point.
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
    struct process p = { 0 };
    struct tw_buf out;
    struct tw_slice rest, line;
    int types = 0;

    (void)state;
    tw_metrics_init(&all, &p, parts, TW_COUNT(parts));
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
        cmocka_unit_test(the_reference_has_a_line_for_each_name),
        cmocka_unit_test(lists_that_cannot_be_right_end_the_process),
        cmocka_unit_test(the_process_tells_of_itself),
        cmocka_unit_test(every_line_is_of_the_text_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
