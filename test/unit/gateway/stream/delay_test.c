/* delay_test.c - each event counts once, from its commit on, when a session has got it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/delay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define COMMIT_MS INT64_C(1760133600123) /* 2025-10-10T22:00:00.123Z */

struct fixture {
    struct gw_memory memory;
    struct gw_stream stream;
    struct gw_delay delay;
    struct tw_histogram delays;
};

static void on_changed(struct gw_stream *s)
{
    (void)s;
}

static const struct gw_stream_events events = { .changed = on_changed };

static int begin(void **state)
{
    static const struct gw_tenant tenant = { .slug = "kitchen" };
    struct fixture *f = tw_new(struct fixture);

    gw_memory_init(&f->memory, 1048576);
    gw_stream_init(&f->stream, &tenant, &f->memory, 1048576, &events);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    gw_stream_done(&f->stream);
    free(f);
    return 0;
}

static void arrives(struct fixture *f, uint64_t seq, const char *at, bool is_heard)
{
    char text[256];
    struct tw_event ev;

    (void)snprintf(text, sizeof(text),
                   "{\"seq\":%llu,\"type\":\"order.created\",\"at\":\"%s\",\"origin\":{},"
                   "\"data\":{}}",
                   (unsigned long long)seq, at);
    assert_int_equal(tw_event_read(tw_slice_of(text), &ev), 0);
    assert_int_equal(gw_stream_arrive(&f->stream, &ev), GW_ADMIT_NOW);
    gw_backlog_from(&f->stream.backlog, seq)->was_sent = is_heard;
}

static bool is_due(struct fixture *f)
{
    return gw_delay_is_due(&f->delay, &f->stream.cursor);
}

static void note(struct fixture *f, int64_t wall_ms)
{
    gw_delay_note(&f->delay, &f->stream, wall_ms, &f->delays);
}

static void an_event_counts_once_and_from_its_commit(void **state)
{
    struct fixture *f = *state;

    assert_false(is_due(f)); /* the head is not known */
    assert_true(gw_stream_begin(&f->stream, 7, 1));
    assert_false(is_due(f)); /* what was there before */
    arrives(f, 8, "2025-10-10T22:00:00.123Z", true);
    arrives(f, 9, "2025-10-10T22:00:00.023Z", true);
    assert_true(is_due(f));
    note(f, COMMIT_MS + 3);
    assert_false(is_due(f));
    note(f, COMMIT_MS + 5000);
    assert_int_equal(tw_histogram_count(&f->delays), 2);
    assert_int_equal(f->delays.sum_us, 3000 + 103000);
}

static void nobody_waits_for_what_nobody_hears(void **state)
{
    struct fixture *f = *state;

    assert_true(gw_stream_begin(&f->stream, 0, 1));
    assert_false(is_due(f));
    arrives(f, 1, "2025-10-10T22:00:00.123Z", false);
    assert_true(is_due(f));
    note(f, COMMIT_MS + 3);
    assert_int_equal(tw_histogram_count(&f->delays), 0);
    assert_false(is_due(f));
}

static void a_clock_that_is_behind_gives_no_time(void **state)
{
    struct fixture *f = *state;

    assert_true(gw_stream_begin(&f->stream, 0, 1));
    assert_false(is_due(f));
    arrives(f, 1, "2025-10-10T22:00:00.123Z", true);
    note(f, COMMIT_MS - 50);
    assert_int_equal(tw_histogram_count(&f->delays), 1);
    assert_int_equal(f->delays.sum_us, 0);
}

static void a_stream_that_went_back_begins_again(void **state)
{
    struct fixture *f = *state;

    assert_true(gw_stream_begin(&f->stream, 100, 1));
    assert_false(is_due(f));
    assert_true(gw_stream_saw_head(&f->stream, 50));
    assert_false(is_due(f));
    arrives(f, 51, "2025-10-10T22:00:00.123Z", true);
    assert_true(is_due(f));
    note(f, COMMIT_MS + 1);
    assert_int_equal(tw_histogram_count(&f->delays), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_counts_once_and_from_its_commit, begin, end),
        cmocka_unit_test_setup_teardown(nobody_waits_for_what_nobody_hears, begin, end),
        cmocka_unit_test_setup_teardown(a_clock_that_is_behind_gives_no_time, begin, end),
        cmocka_unit_test_setup_teardown(a_stream_that_went_back_begins_again, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
