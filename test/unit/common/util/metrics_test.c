/* metrics_test.c - the text that Prometheus reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
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

/* And what comes in many forms, of which few are seen. */
struct kitchen {
    struct tw_metric burnt[500];
    struct tw_histogram seconds;
    struct tw_metric full_ratio;
};

struct process {
    struct door front, back;
    struct hall hall;
    struct kitchen kitchen;
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

static bool guest_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    (void)snprintf(labels, TW_METRIC_LABELS, "from=\"%c\"", (char)('a' + i));
    return i < 3;
}

static const struct tw_metric_table halls = { .rows = hall_rows,
                                              .count = TW_COUNT(hall_rows),
                                              .labels_of = guest_labels };

static const struct tw_metric_row burnt_rows[] = {
    { "burnt_total", NULL, "Burnt dishes.", TW_METRIC_AT(struct kitchen, burnt[0]) },
};

static bool burnt_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    (void)snprintf(labels, TW_METRIC_LABELS, "dish=\"%zu\"", i);
    return i < 500;
}

static const struct tw_metric_table burnt_dishes = { .rows = burnt_rows,
                                                     .count = TW_COUNT(burnt_rows),
                                                     .labels_of = burnt_labels,
                                                     .label_names = "`dish`" };

static const struct tw_metric_row kitchen_rows[] = {
    { "dish_seconds", NULL, "How long dishes take.", TW_METRIC_AT(struct kitchen, seconds) },
    { "full_ratio", NULL, "How full it is.", TW_METRIC_AT(struct kitchen, full_ratio) },
};
static const struct tw_metric_table kitchens = { .rows = kitchen_rows,
                                                 .count = TW_COUNT(kitchen_rows) };

static const struct tw_metric_part kitchen_parts[] = {
    { &burnt_dishes, offsetof(struct process, kitchen), NULL },
    { &kitchens, offsetof(struct process, kitchen), "stove=\"1\"" },
};

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

static void a_histogram_has_a_line_for_each_range_and_those_below(void **state)
{
    static const char want[] = "# HELP tillwire_dish_seconds How long dishes take.\n"
                               "# TYPE tillwire_dish_seconds histogram\n"
                               "tillwire_dish_seconds_bucket{stove=\"1\",le=\"0.0001\"} 1\n"
                               "tillwire_dish_seconds_bucket{stove=\"1\",le=\"0.00025\"} 1\n";
    struct process p = { 0 };
    struct tw_metrics all;
    struct tw_buf out;

    (void)state;
    tw_metrics_init(&all, &p, kitchen_parts, TW_COUNT(kitchen_parts));
    tw_histogram_add(&p.kitchen.seconds, 100);
    tw_histogram_add(&p.kitchen.seconds, 400);
    tw_histogram_add(&p.kitchen.seconds, 1250000);
    tw_histogram_add(&p.kitchen.seconds, 60000000);
    p.kitchen.full_ratio.value = 250000;
    out = printed(&all);
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    assert_non_null(strstr(out.at, "_bucket{stove=\"1\",le=\"0.0005\"} 2\n"));
    assert_non_null(strstr(out.at, "_bucket{stove=\"1\",le=\"2.5\"} 3\n"));
    assert_non_null(strstr(out.at, "_bucket{stove=\"1\",le=\"25\"} 3\n"));
    assert_non_null(strstr(out.at, "_bucket{stove=\"1\",le=\"+Inf\"} 4\n"
                                   "tillwire_dish_seconds_sum{stove=\"1\"} 61.250500\n"
                                   "tillwire_dish_seconds_count{stove=\"1\"} 4\n"));
    assert_non_null(strstr(out.at, "\ntillwire_full_ratio{stove=\"1\"} 0.250000\n"));
    tw_buf_done(&out);
}

static void of_many_only_those_that_were_seen_are_printed(void **state)
{
    static const char want[] = "# HELP tillwire_burnt_total Burnt dishes.\n"
                               "# TYPE tillwire_burnt_total counter\n"
                               "tillwire_burnt_total{dish=\"3\"} 2\n"
                               "tillwire_burnt_total{dish=\"499\"} 1\n"
                               "# HELP ";
    struct process p = { 0 };
    struct tw_metrics all;
    struct tw_buf out;

    (void)state;
    tw_metrics_init(&all, &p, kitchen_parts, TW_COUNT(kitchen_parts));
    p.kitchen.burnt[3].value = 2;
    p.kitchen.burnt[499].value = 1;
    out = printed(&all);
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    tw_buf_done(&out);
}

static void the_reference_names_the_labels_of_many(void **state)
{
    struct process p = { 0 };
    struct tw_metrics all;
    struct tw_buf out = { .max = 100000 };

    (void)state;
    tw_metrics_init(&all, &p, kitchen_parts, TW_COUNT(kitchen_parts));
    tw_metrics_reference(&all, &out);
    tw_buf_char(&out, '\0');
    assert_non_null(
        strstr(out.at, "\n| `tillwire_burnt_total` | counter | `dish` | Burnt dishes. |\n"));
    assert_non_null(
        strstr(out.at, "\n| `tillwire_dish_seconds` | histogram | `stove=\"1\"` | "));
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
        "| `tillwire_build_info` | gauge | `version`, `commit` | ";
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
    assert_in_range(number_of(out.at, "process_max_fds "), 3, UINT64_MAX);
    assert_in_range(number_of(out.at, "process_start_time_seconds "), time(NULL) - 86400,
                    time(NULL) + 1);
    assert_non_null(
        strstr(out.at, "\ntillwire_build_info{version=\"" TILLWIRE_VERSION "\",commit=\""));
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
        cmocka_unit_test(a_histogram_has_a_line_for_each_range_and_those_below),
        cmocka_unit_test(of_many_only_those_that_were_seen_are_printed),
        cmocka_unit_test(the_reference_names_the_labels_of_many),
        cmocka_unit_test(the_reference_has_a_line_for_each_name),
        cmocka_unit_test(lists_that_cannot_be_right_end_the_process),
        cmocka_unit_test(the_process_tells_of_itself),
        cmocka_unit_test(every_line_is_of_the_text_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
