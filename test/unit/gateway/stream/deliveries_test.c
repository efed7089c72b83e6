/* deliveries_test.c - what is noted of events that were given to sessions, and what is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/deliveries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "gateway/stream/reports.h"
#include "test/unit/gateway/support/fake_till.h"

#define EVENT_AT "2026-01-05T18:00:02.117Z" /* of stream_events.c */

/* Nothing is sent. */
static struct gw_deliveries *note_for(struct tenant *t)
{
    struct gw_deliveries *d = tw_new(struct gw_deliveries);

    gw_deliveries_start(d, &(struct gw_deliveries_options){ .describe = gw_session_describe,
                                                            .instance = "g1" });
    d->is_sending = true;
    t->all.deliveries = d;
    return d;
}

static void done(struct tenant *t, struct gw_deliveries *d)
{
    t->all.deliveries = NULL;
    gw_deliveries_done(d);
    free(d);
}

static void assert_noted(struct gw_deliveries *d, const char *want)
{
    struct tw_buf out = { .max = GW_NOTED_TEXT_BYTES };

    /* Twelve milliseconds after the events' moment. */
    assert_true(tw_time_read(TW_LIT(EVENT_AT), &d->began_ms));
    for (size_t i = 0; i < d->record_count; i++)
        d->records[i].sent_ms = 12;
    gw_deliveries_put(d, &out);
    assert_buf(&out, want);
    tw_buf_done(&out);
}

#define NOTE(seq, devices, slowest, more)                                                      \
    "{\"tenant\":\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"seq\":" seq ",\"order\":" seq      \
    ",\"at\":\"" EVENT_AT "\",\"devices\":[" devices "]" slowest ",\"more\":" more "}"
#define TILLS_AT_12(resumed, names) "[\"orderweb\",12," resumed ",[" names "]]"

static void an_event_has_the_devices_that_it_was_given_to(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);
    struct till *one = join_live(t, 0), *other = join_live(t, 1), *page = join_live(t, 2);

    assert_true(gw_session_name(one->session, TW_LIT("till \"1\"")));
    assert_true(gw_session_name(page->session, TW_LIT("console:wall")));
    (void)other;
    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, 2);
    assert_noted(d, "[" NOTE("1", TILLS_AT_12("false", "\"till \\\"1\\\"\",\"\""),
                             ",\"slowest\":12",
                             "0") "," NOTE("2", TILLS_AT_12("false", "\"till \\\"1\\\"\",\"\""),
                                           ",\"slowest\":12", "0") "]");
    assert_noted(d, "[]");
    assert_string_equal(d->left_out_text, "0");
    assert_int_equal(d->noted.value, 2);
    done(t, d);
}

static void who_has_left_since_is_still_named(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);
    struct till *one = join_live(t, 0), *other = join_live(t, 1);

    assert_true(gw_session_name(one->session, TW_LIT("a")));
    assert_true(gw_session_name(other->session, TW_LIT("bc")));
    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, 1);
    leave(other);
    leave(one);
    assert_noted(
        d, "[" NOTE("1", TILLS_AT_12("false", "\"a\",\"bc\""), ",\"slowest\":12", "0") "]");
    assert_int_equal(d->names.len, 0);
    done(t, d);
}

static void who_catches_up_is_told_apart_and_counts_for_no_delay(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);

    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, 1); /* nobody is there, so nothing is noted */
    assert_noted(d, "[]");
    (void)join_since(t, 0, 0);
    turn(t, 0);
    assert_noted(d, "[" NOTE("1", TILLS_AT_12("true", "\"\""), "", "0") "]");
    done(t, d);
}

static void more_events_than_are_noted_are_counted(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);

    (void)join_live(t, 0);
    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, GW_NOTED_EVENTS + 7);
    assert_int_equal(d->count, GW_NOTED_EVENTS);
    assert_int_equal(d->left_out, 7);
    {
        struct tw_buf out = { .max = GW_NOTED_TEXT_BYTES };

        gw_deliveries_put(d, &out);
        assert_false(out.failed);
        tw_buf_done(&out);
    }
    assert_string_equal(d->left_out_text, "7");
    assert_int_equal(d->dropped.value, 7);
    done(t, d);
}

static void more_devices_than_are_named_are_counted(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);
    struct till *till = join_live(t, 0);
    struct gw_entry *e;

    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, 1);
    e = gw_backlog_from(&t->hub.stream.backlog, 1);
    for (size_t i = 0; i < GW_NOTED_DEVICES + 4; i++)
        gw_deliveries_add(d, till->session, t->hub.stream.tenant.id, e, t->all.now_ms, false);
    assert_int_equal(d->record_count, GW_NOTED_DEVICES);
    assert_int_equal(d->notes[0].more, 5);
    assert_int_equal(d->unnamed.value, 5);
    done(t, d);
}

/* More names than there is room for; and more text than is sent. */
static void long_names_fill_a_second_and_no_more(void **state)
{
    struct tenant *t = *state;
    struct gw_deliveries *d = note_for(t);
    struct tw_buf out = { .max = 20000 };
    struct till *till = join_live(t, 0);
    char name[128];

    memset(name, '"', sizeof(name)); /* each is two bytes in JSON */
    assert_true(gw_session_name(till->session, tw_slice_from(name, 127)));
    gw_hub_begin(&t->hub, 0, 1);
    arrive_all(t, 1, 100);
    for (uint64_t seq = 1; seq <= 100; seq++)
        for (size_t i = 0; i < GW_NOTED_DEVICES; i++)
            gw_deliveries_add(d, till->session, t->hub.stream.tenant.id,
                              gw_backlog_from(&t->hub.stream.backlog, seq), t->all.now_ms,
                              false);
    assert_int_equal(d->record_count, 100 * GW_NOTED_DEVICES);
    assert_int_equal(d->unnamed.value, 100);
    gw_deliveries_put(d, &out);
    assert_false(out.failed);
    assert_int_equal(out.at[out.len - 1], ']');
    assert_int_equal(d->noted.value + d->dropped.value, 100);
    tw_buf_done(&out);
    done(t, d);
}

static void a_report_names_the_devices_and_not_the_console(void **state)
{
    struct tenant *t = *state;
    struct tw_slice id = tw_slice_of("69fb5687-044a-48af-ac0e-d6b817aec684");
    struct tw_buf out = { .max = 10000 };
    struct till *one = join_live(t, 0), *page = join_live(t, 1);

    assert_true(gw_session_name(one->session, TW_LIT("till-1")));
    assert_true(gw_session_name(page->session, TW_LIT("console:wall")));
    gw_report_put(&out, id, &t->hub); /* nobody has been greeted */
    assert_buf(&out, "{\"tenant\":\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"total\":0,"
                     "\"dialects\":{},\"sessions\":[]}");
    gw_hub_begin(&t->hub, 0, 1);
    one->room = 0;
    (void)arrive(t, 1);
    tw_buf_clear(&out);
    one->session->greeted_s = 1767225600;
    gw_report_put(&out, id, &t->hub);
    {
        struct tw_buf want = { .max = 10000 };

        tw_buf_text(&want, "{\"tenant\":\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"total\":1,"
                           "\"dialects\":{\"orderweb\":1},\"sessions\":[{\"device\":\"till-1\","
                           "\"dialect\":\"orderweb\",\"since\":1767225600,\"seq\":0,"
                           "\"queued\":");
        tw_buf_u64(&want, gw_session_lag_bytes(one->session));
        tw_buf_text(&want, "}]}");
        tw_buf_char(&want, '\0');
        assert_buf(&out, want.at);
        tw_buf_done(&want);
    }
    assert_true(gw_session_lag_bytes(one->session) > 0);
    assert_int_equal(gw_session_lag_bytes(page->session), 0);
    tw_buf_clear(&out);
    gw_report_put(&out, id, NULL);
    assert_buf(&out, "{\"tenant\":\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"total\":0,"
                     "\"dialects\":{},\"sessions\":[]}");
    tw_buf_done(&out);
}

#define WITH_TENANT(f) cmocka_unit_test_setup_teardown(f, open_tenant, close_tenant)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TENANT(an_event_has_the_devices_that_it_was_given_to),
        WITH_TENANT(who_has_left_since_is_still_named),
        WITH_TENANT(who_catches_up_is_told_apart_and_counts_for_no_delay),
        WITH_TENANT(more_events_than_are_noted_are_counted),
        WITH_TENANT(more_devices_than_are_named_are_counted),
        WITH_TENANT(long_names_fill_a_second_and_no_more),
        WITH_TENANT(a_report_names_the_devices_and_not_the_console),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
