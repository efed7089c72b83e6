/* hub_test.c - a tenant's stream and its tills: greeting, order, once, and who does not read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hub.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"
#include "test/unit/support/check.h"
#include "test/unit/support/stream_events.h"

#define TILLS 5
#define QUEUE_BYTES 10000

/* A client's end: what it was told, and how much room its socket has. */
struct till {
    struct gw_transport transport; /* first, so that it is the till */
    struct gw_session *session;
    struct tw_buf heard;
    uint64_t room;         /* frames that still fit */
    struct gw_frame *last; /* held */
    unsigned close_code;   /* 0: open */
};

static struct till *till_of(const struct gw_transport *w)
{
    return (struct till *)(uintptr_t)w;
}

static bool is_writable(const struct gw_transport *w)
{
    return till_of(w)->room > 0;
}

static void send_frame(struct gw_transport *w, struct gw_frame *f)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    heard_add(&t->heard, gw_frame_payload(f));
    gw_frame_unref(t->last);
    t->last = gw_frame_ref(f);
    t->room -= t->room > 0 ? 1 : 0;
}

static void close_wire(struct gw_transport *w, unsigned code, const char *reason)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    assert_true(strlen(reason) > 0 && strlen(reason) <= 123);
    t->close_code = code;
}

static const struct gw_transport_ops ops = { .is_writable = is_writable,
                                             .send = send_frame,
                                             .close = close_wire };

/* A process with one tenant. */
struct house {
    struct gw_hub hub;
    struct gw_sessions all;
    struct gw_sync_log log;
    struct tw_metrics metrics;
    struct tw_buf text; /* of the last event */
    struct till tills[TILLS];
};

static uint64_t changes; /* a hub's callback has no argument of ours */

static void on_changed(struct gw_hub *h)
{
    (void)h;
    changes++;
}

static int open_house(void **state)
{
    struct house *h = tw_new(struct house);

    h->text.max = 1048576;
    h->log.is_stopped = true;
    gw_sessions_start(&h->all, &h->log, QUEUE_BYTES, 65536, &h->metrics);
    gw_hub_init(
        &h->hub,
        (struct gw_tenant){ .id = "69fb5687-044a-48af-ac0e-d6b817aec684", .slug = "kitchen" },
        1000000, on_changed);
    h->all.now_ms = 1000000;
    for (size_t i = 0; i < TILLS; i++)
        h->tills[i] = (struct till){ .transport = { &ops }, .heard = { .max = 1048576 } };
    changes = 0;
    *state = h;
    return 0;
}

static void leave(struct till *t)
{
    gw_session_free(t->session, 0, NULL);
    t->session = NULL;
}

static int close_house(void **state)
{
    struct house *h = *state;

    for (size_t i = 0; i < TILLS; i++) {
        leave(&h->tills[i]);
        gw_frame_unref(h->tills[i].last);
        tw_buf_done(&h->tills[i].heard);
    }
    gw_hub_done(&h->hub);
    gw_sessions_done(&h->all);
    gw_sync_log_done(&h->log);
    tw_buf_done(&h->text);
    free(h);
    return 0;
}

static struct till *come(struct house *h, size_t i)
{
    struct till *t = &h->tills[i];

    t->room = UINT64_MAX;
    t->session = gw_session_new(&h->all, &gw_orderweb, &t->transport);
    gw_hub_join(&h->hub, t->session);
    return t;
}

/* A admitted of the loop, so many milliseconds later. */
static void admitted(struct house *h, uint64_t later_ms)
{
    h->all.now_ms += later_ms;
    gw_hub_fan_out(&h->hub);
}

static enum gw_admit arrive_large(struct house *h, uint64_t seq, size_t extra)
{
    struct tw_event ev = event_of(&h->text, seq, extra);
    enum gw_admit r = gw_hub_arrive(&h->hub, &ev);

    admitted(h, 0);
    return r;
}

static enum gw_admit arrive(struct house *h, uint64_t seq)
{
    return arrive_large(h, seq, 0);
}

/* The log's answer: these events, and no more. */
static void gap_answer(struct house *h, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        struct tw_event ev = event_of(&h->text, seq, 0);

        (void)gw_hub_read(&h->hub, &ev);
    }
    gw_hub_log_end(&h->hub);
    admitted(h, 0);
}

static void gap_read(struct house *h, uint64_t first, uint64_t last)
{
    gw_hub_log_read(&h->hub);
    gap_answer(h, first, last);
}

static void nobody_is_greeted_before_the_head_is_known(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    assert_int_equal(arrive(h, 7), GW_ADMIT_EARLY);
    assert_int_equal(arrive(h, 5), GW_ADMIT_EARLY);
    assert_buf(&t->heard, "");
    gw_hub_begin(&h->hub, 5, 1);
    assert_buf(&t->heard, "connected@5");
    assert_int_equal(arrive(h, 6), GW_ADMIT_NOW);
    assert_buf(&t->heard, "connected@5 6 7");
}

static void what_was_held_behind_the_head_follows_the_greeting(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    for (uint64_t seq = 8; seq >= 3; seq--)
        assert_int_equal(arrive(h, seq), GW_ADMIT_EARLY);
    gw_hub_begin(&h->hub, 5, 1);
    admitted(h, 0);
    assert_buf(&t->heard, "connected@5 6 7 8");
    gw_hub_begin(&h->hub, 99, 1); /* it has begun already */
    admitted(h, 0);
    assert_buf(&t->heard, "connected@5 6 7 8");
}

static void a_lost_message_is_read_from_the_log_and_nothing_comes_twice(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    gw_hub_begin(&h->hub, 0, 1);
    assert_int_equal(arrive(h, 1), GW_ADMIT_NOW);
    assert_int_equal(arrive(h, 3), GW_ADMIT_EARLY); /* 2 got lost in Redis */
    assert_buf(&t->heard, "connected@0 1");
    assert_true(gw_cursor_has_gap(&h->hub.cursor));
    gap_read(h, 2, 3); /* the log's answer has 3 as well */
    assert_buf(&t->heard, "connected@0 1 2 3");
    assert_int_equal(arrive(h, 3), GW_ADMIT_DUPLICATE); /* a publisher that tried again */
    assert_int_equal(arrive(h, 1), GW_ADMIT_DUPLICATE);
    assert_buf(&t->heard, "connected@0 1 2 3");
    assert_int_equal(h->hub.delivered, 3);
}

static void what_the_log_has_told_lets_the_early_ones_go_on(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    gw_hub_begin(&h->hub, 0, 1);
    gw_hub_log_read(&h->hub); /* it sees no more than 2 */
    (void)arrive(h, 4);
    (void)arrive(h, 3);
    (void)arrive(h, 1);
    gap_answer(h, 1, 2);
    assert_buf(&t->heard, "connected@0 1 2 3 4");
    assert_int_equal(h->hub.cursor.rejected, 0);
}

static void who_comes_later_hears_what_lies_behind_the_head(void **state)
{
    struct house *h = *state;
    struct till *late;

    gw_hub_begin(&h->hub, 5, 1);
    (void)come(h, 0);
    (void)arrive(h, 6);
    (void)arrive(h, 8);
    late = come(h, 1);
    assert_buf(&late->heard, "connected@6");
    (void)arrive(h, 7);
    assert_buf(&late->heard, "connected@6 7 8");
    assert_buf(&h->tills[0].heard, "connected@5 6 7 8");
}

static void all_hear_the_same_frame_which_was_encoded_once(void **state)
{
    struct house *h = *state;

    gw_hub_begin(&h->hub, 0, 1);
    for (size_t i = 0; i < TILLS; i++)
        (void)come(h, i);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        (void)arrive(h, seq);
        for (size_t i = 1; i < TILLS; i++)
            assert_ptr_equal(h->tills[i].last, h->tills[0].last);
        assert_int_equal(h->tills[0].last->references, 1 + TILLS); /* the backlog's, theirs */
    }
    assert_int_equal(h->all.rendered.value, 10);
    assert_int_equal(h->all.messages_out.value, TILLS + TILLS * 10);
    assert_buf(&h->tills[4].heard, "connected@0 1 2 3 4 5 6 7 8 9 10");
}

static void events_that_nobody_hears_are_passed_over_and_not_rendered(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);
    struct tw_event ev;

    gw_hub_begin(&h->hub, 0, 1);
    (void)arrive(h, 1);
    ev = event_unheard(&h->text, 2);
    assert_int_equal(gw_hub_arrive(&h->hub, &ev), GW_ADMIT_NOW);
    (void)arrive(h, 3);
    assert_buf(&t->heard, "connected@0 1 3");
    assert_int_equal(h->all.rendered.value, 2);
}

static void a_full_socket_keeps_its_place_and_goes_on_when_there_is_room(void **state)
{
    struct house *h = *state;
    struct till *slow, *quick;

    gw_hub_begin(&h->hub, 0, 1);
    slow = come(h, 0);
    quick = come(h, 1);
    slow->room = 2;
    for (uint64_t seq = 1; seq <= 6; seq++)
        (void)arrive(h, seq);
    assert_buf(&quick->heard, "connected@0 1 2 3 4 5 6"); /* it has not waited */
    assert_buf(&slow->heard, "connected@0 1 2");
    slow->room = 1;
    gw_session_writable(slow->session, slow->session->all->now_ms);
    assert_buf(&slow->heard, "connected@0 1 2 3");
    slow->room = 100;
    gw_session_writable(slow->session, slow->session->all->now_ms);
    assert_buf(&slow->heard, "connected@0 1 2 3 4 5 6");
    assert_int_equal(h->all.rendered.value, 6); /* and what it missed was not encoded again */
    assert_int_equal(slow->close_code, 0);
}

static void a_burst_closes_nobody(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 0, 1);
    t = come(h, 0);
    t->room = 1;
    for (uint64_t seq = 1; seq <= 50; seq++) /* five times the limit, within a second */
        (void)arrive_large(h, seq, 1000);
    admitted(h, 1000);
    assert_int_equal(t->close_code, 0);
    t->room = 100;
    gw_session_writable(t->session, t->session->all->now_ms);
    assert_int_equal(t->session->next_seq, 51);
    assert_int_equal(h->all.slow.value, 0);
}

static void who_takes_nothing_for_a_second_and_is_far_behind_is_closed(void **state)
{
    struct house *h = *state;
    struct till *slow, *quick;

    gw_hub_begin(&h->hub, 0, 1);
    slow = come(h, 0);
    quick = come(h, 1);
    slow->room = 0;
    for (uint64_t seq = 1; seq <= 20; seq++)
        (void)arrive_large(h, seq, 1000);
    admitted(h, 1000);
    assert_int_equal(slow->close_code, 0);
    admitted(h, 1);
    assert_int_equal(slow->close_code, 1013);
    assert_int_equal(quick->close_code, 0);
    assert_int_equal(h->all.slow.value, 1);
    (void)arrive(h, 21); /* nothing is sent to it any more, and it is not closed twice */
    admitted(h, 100000);
    assert_buf(&slow->heard, "connected@0");
    assert_int_equal(quick->session->next_seq, 22);
}

static void who_is_a_little_behind_has_ten_seconds(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 0, 1);
    t = come(h, 0);
    t->room = 0;
    (void)arrive(h, 1);
    admitted(h, 10000);
    assert_int_equal(t->close_code, 0);
    admitted(h, 1);
    assert_int_equal(t->close_code, 1013);
}

static void each_frame_that_is_taken_starts_the_time_anew(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 0, 1);
    t = come(h, 0);
    t->room = 0;
    for (uint64_t seq = 1; seq <= 40; seq++)
        (void)arrive_large(h, seq, 1000);
    for (int i = 0; i < 25; i++) { /* slow, and far behind, and alive */
        admitted(h, 900);
        t->room = 1;
        gw_session_writable(t->session, t->session->all->now_ms);
    }
    assert_int_equal(t->close_code, 0);
    assert_int_equal(t->session->next_seq, 26);
    admitted(h, 500);
    admitted(h, 501);
    admitted(h, 501);
    assert_int_equal(t->close_code, 1013);
}

static void a_silent_tenants_full_socket_is_left_alone(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 0, 1);
    t = come(h, 0);
    t->room = 0;
    admitted(h, 0);
    admitted(h, 1000000); /* there is nothing that it could take */
    assert_int_equal(t->close_code, 0);
    t->room = 1;
    (void)arrive(h, 1);
    assert_buf(&t->heard, "connected@0 1");
}

static void a_stream_that_went_back_closes_its_sessions(void **state)
{
    struct house *h = *state;
    struct till *t, *again;

    gw_hub_begin(&h->hub, 5, 1);
    t = come(h, 0);
    (void)arrive(h, 6);
    (void)arrive(h, 9);
    assert_true(gw_hub_saw_head(&h->hub, 3)); /* a restore */
    assert_int_equal(t->close_code, 1013);
    assert_int_equal(h->all.slow.value, 0);
    leave(t);
    again = come(h, 1);
    assert_buf(&again->heard, "connected@3");
    assert_int_equal(arrive(h, 4), GW_ADMIT_NOW); /* the new history's */
    assert_buf(&again->heard, "connected@3 4");
    assert_buf(&t->heard, "connected@5 6");
}

static void a_head_further_on_says_what_was_missed(void **state)
{
    struct house *h = *state;
    struct till *t;

    assert_false(gw_hub_saw_head(&h->hub, 50)); /* its own head is not known yet */
    gw_hub_begin(&h->hub, 5, 1);
    t = come(h, 0);
    assert_false(gw_hub_saw_head(&h->hub, 5));
    assert_false(gw_cursor_has_gap(&h->hub.cursor));
    assert_false(gw_hub_saw_head(&h->hub, 7));
    assert_true(gw_cursor_has_gap(&h->hub.cursor));
    gap_read(h, 6, 7);
    assert_buf(&t->heard, "connected@5 6 7");
    assert_int_equal(t->close_code, 0);
}

static void an_event_that_never_was_is_never_heard(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    gw_hub_begin(&h->hub, 5, 1);
    assert_int_equal(arrive(h, 4000000), GW_ADMIT_EARLY);
    gap_read(h, 6, 6);
    assert_int_equal(h->hub.cursor.rejected, 1);
    (void)arrive(h, 7);
    assert_buf(&t->heard, "connected@5 6 7");
}

static void the_owner_is_told_whenever_there_is_something_to_do(void **state)
{
    struct house *h = *state;
    struct till *t;
    uint64_t before;

    gw_hub_begin(&h->hub, 5, 1);
    assert_int_equal(changes, 1);
    t = come(h, 0);
    before = changes;
    (void)arrive(h, 6);
    assert_int_equal(changes, ++before);
    (void)arrive(h, 9); /* a gap */
    assert_int_equal(changes, ++before);
    (void)arrive(h, 6); /* a duplicate is nothing */
    assert_int_equal(changes, before);
    leave(t);
    assert_int_equal(changes, ++before);
    assert_int_equal(h->hub.session_count, 0);
}

static void whoever_leaves_hears_no_more(void **state)
{
    struct house *h = *state;

    gw_hub_begin(&h->hub, 0, 1);
    for (size_t i = 0; i < 3; i++)
        (void)come(h, i);
    (void)arrive(h, 1);
    leave(&h->tills[1]);
    (void)arrive(h, 2);
    assert_buf(&h->tills[0].heard, "connected@0 1 2");
    assert_buf(&h->tills[1].heard, "connected@0 1");
    assert_buf(&h->tills[2].heard, "connected@0 1 2");
    assert_int_equal(h->hub.session_count, 2);
    assert_int_equal(h->all.open[0].value, 2);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nobody_is_greeted_before_the_head_is_known),
        test(what_was_held_behind_the_head_follows_the_greeting),
        test(a_lost_message_is_read_from_the_log_and_nothing_comes_twice),
        test(what_the_log_has_told_lets_the_early_ones_go_on),
        test(who_comes_later_hears_what_lies_behind_the_head),
        test(all_hear_the_same_frame_which_was_encoded_once),
        test(events_that_nobody_hears_are_passed_over_and_not_rendered),
        test(a_full_socket_keeps_its_place_and_goes_on_when_there_is_room),
        test(a_burst_closes_nobody),
        test(who_takes_nothing_for_a_second_and_is_far_behind_is_closed),
        test(who_is_a_little_behind_has_ten_seconds),
        test(each_frame_that_is_taken_starts_the_time_anew),
        test(a_silent_tenants_full_socket_is_left_alone),
        test(a_stream_that_went_back_closes_its_sessions),
        test(a_head_further_on_says_what_was_missed),
        test(an_event_that_never_was_is_never_heard),
        test(the_owner_is_told_whenever_there_is_something_to_do),
        test(whoever_leaves_hears_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
