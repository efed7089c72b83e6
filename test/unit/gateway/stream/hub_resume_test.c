/* hub_resume_test.c - tills that come back: from memory, from the log, from another process.
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

#define TILLS 4
#define QUEUE_BYTES 10000
#define PAGE_ROWS 1000

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

    tw_buf_clear(&t->heard);
    t->close_code = 0;
    t->room = UINT64_MAX;
    t->session = gw_session_new(&h->all, &gw_orderweb, &t->transport);
    return t;
}

static struct till *come_live(struct house *h, size_t i)
{
    struct till *t = come(h, i);

    gw_hub_join(&h->hub, t->session);
    gw_hub_fan_out(&h->hub);
    return t;
}

static struct till *come_since(struct house *h, size_t i, uint64_t since)
{
    struct till *t = come(h, i);

    t->session->resumes = true;
    t->session->since = since;
    gw_hub_join(&h->hub, t->session);
    gw_hub_fan_out(&h->hub);
    return t;
}

static void say(struct house *h, struct till *t, const char *json)
{
    gw_session_text(t->session, tw_slice_of(json));
    gw_hub_fan_out(&h->hub);
}

static enum gw_admit arrive(struct house *h, uint64_t seq)
{
    struct tw_event ev = event_of(&h->text, seq, 0);
    enum gw_admit r = gw_hub_arrive(&h->hub, &ev);

    gw_hub_fan_out(&h->hub);
    return r;
}

static void arrive_all(struct house *h, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_int_equal(arrive(h, seq), GW_ADMIT_NOW);
}

/* The log's answer to "what lies behind the cursor": these events, and no more. */
static void gap_read(struct house *h, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        struct tw_event ev = event_of(&h->text, seq, 0);

        (void)gw_hub_read(&h->hub, &ev);
    }
    gw_hub_log_end(&h->hub);
    gw_hub_fan_out(&h->hub);
}

/* The log's answer to "what lies behind `after`": events `first` to `last`. */
static void answer_older(struct house *h, uint64_t after, uint64_t first, uint64_t last,
                         bool is_all)
{
    struct tw_event *events = tw_alloc(PAGE_ROWS, sizeof(*events));
    struct tw_buf *texts = tw_alloc(PAGE_ROWS, sizeof(*texts));
    size_t n = 0;

    for (uint64_t seq = first; seq <= last; seq++, n++) {
        texts[n].max = 1024;
        events[n] = event_of(&texts[n], seq, 0);
    }
    gw_hub_older(&h->hub, after, events, n, n > 0 ? last : after, is_all);
    gw_hub_fan_out(&h->hub);
    while (n > 0)
        tw_buf_done(&texts[--n]);
    free(texts);
    free(events);
}

static void what_is_in_memory_comes_first_and_then_what_is_live(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    arrive_all(h, 6, 9);
    t = come_since(h, 0, 7);
    assert_buf(&t->heard, "connected@9 8 9");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    arrive_all(h, 10, 10);
    assert_buf(&t->heard, "connected@9 8 9 10");
    assert_int_equal(h->all.resumed.value, 1);
    assert_int_equal(h->all.resynced.value, 0);
}

static void who_has_missed_nothing_hears_what_is_live(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_since(h, 0, 5);
    assert_buf(&t->heard, "connected@5");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    arrive_all(h, 6, 7);
    assert_buf(&t->heard, "connected@5 6 7");
}

static void who_came_before_the_head_was_known_is_resumed_with_it(void **state)
{
    struct house *h = *state;
    struct till *t = come_since(h, 0, 3);

    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    assert_int_equal(arrive(h, 6), GW_ADMIT_EARLY);
    assert_buf(&t->heard, "");
    gw_hub_begin(&h->hub, 5, 1);
    gw_hub_fan_out(&h->hub);
    assert_buf(&t->heard, "connected@5");
    assert_int_equal(gw_hub_wants_older(&h->hub), 4);
    answer_older(h, 3, 4, 6, true); /* the log has 6 by now, and so has memory */
    assert_buf(&t->heard, "connected@5 4 5 6");
    arrive_all(h, 7, 7);
    assert_buf(&t->heard, "connected@5 4 5 6 7");
}

static void what_is_older_than_memory_is_read_from_the_log(void **state)
{
    struct house *h = *state;
    struct till *t, *next;

    gw_hub_begin(&h->hub, 50, 1);
    t = come_since(h, 0, 45);
    assert_int_equal(gw_hub_wants_older(&h->hub), 46);
    arrive_all(h, 51, 52); /* live ones wait their admitted */
    assert_buf(&t->heard, "connected@50");
    answer_older(h, 43, 44, 52, true); /* begun a little further back */
    assert_buf(&t->heard, "connected@50 46 47 48 49 50 51 52");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    next = come_since(h, 1, 43); /* and the next one finds it all in memory */
    assert_buf(&next->heard, "connected@52 44 45 46 47 48 49 50 51 52");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
}

static void a_long_way_back_is_read_piece_by_piece(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 12, 1);
    t = come_since(h, 0, 0);
    assert_int_equal(gw_hub_wants_older(&h->hub), 1);
    answer_older(h, 0, 1, 5, false);
    assert_buf(&t->heard, "connected@12 1 2 3 4 5");
    assert_int_equal(gw_hub_wants_older(&h->hub), 6);
    answer_older(h, 5, 6, 10, false);
    assert_int_equal(gw_hub_wants_older(&h->hub), 11);
    answer_older(h, 10, 11, 12, false); /* it reaches what is in memory, so that is all */
    assert_buf(&t->heard, "connected@12 1 2 3 4 5 6 7 8 9 10 11 12");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    arrive_all(h, 13, 13);
    assert_buf(&t->heard, "connected@12 1 2 3 4 5 6 7 8 9 10 11 12 13");
}

static void the_log_may_have_no_events_where_a_restore_skipped_numbers(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5000, 1); /* the stream was told to go on behind 5000 */
    t = come_since(h, 0, 3);
    answer_older(h, 3, 4, 5, true);
    assert_buf(&t->heard, "connected@5000 4 5");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    arrive_all(h, 5001, 5001);
    assert_buf(&t->heard, "connected@5000 4 5 5001");
}

static void a_piece_that_goes_beyond_the_skipped_numbers_joins_memory(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5000, 1);
    arrive_all(h, 5001, 5010);
    t = come_since(h, 0, 3);
    answer_older(h, 3, 5001, 5004, false); /* 4 to 5000 never were, and more lies behind */
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    assert_int_equal(t->session->next_seq, 5011);
    assert_int_equal(t->close_code, 0);
}

static void what_is_not_kept_any_more_must_be_fetched_anew(void **state)
{
    struct house *h = *state;
    struct till *gone, *kept;

    gw_hub_begin(&h->hub, 50, 40);
    gone = come_since(h, 0, 38);
    assert_buf(&gone->heard, "connected@50 resync@50");
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    kept = come_since(h, 1, 39); /* 40 is what it has not seen */
    assert_buf(&kept->heard, "connected@50");
    assert_int_equal(gw_hub_wants_older(&h->hub), 40);
    arrive_all(h, 51, 51);
    assert_buf(&gone->heard, "connected@50 resync@50 51");
    assert_int_equal(h->all.resynced.value, 1);
    answer_older(h, 39, 45, 50, true); /* 40 to 44 were pruned meanwhile */
    assert_buf(&kept->heard, "connected@50 resync@51");
    arrive_all(h, 52, 52);
    assert_buf(&kept->heard, "connected@50 resync@51 52");
    assert_int_equal(h->all.resynced.value, 2);
}

static void a_till_from_a_process_that_was_ahead_waits_for_the_log(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_since(h, 0, 7); /* another gateway has told it of 6 and 7 */
    assert_buf(&t->heard, "");
    assert_true(gw_cursor_has_gap(&h->hub.cursor));
    gw_hub_log_read(&h->hub);
    gap_read(h, 6, 8);
    assert_buf(&t->heard, "connected@8 8");
    assert_int_equal(h->all.resynced.value, 0);
}

static void or_for_redis_to_bring_what_it_has_seen(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_since(h, 0, 7);
    arrive_all(h, 6, 6);
    assert_buf(&t->heard, "");
    arrive_all(h, 7, 8);
    assert_buf(&t->heard, "connected@7 8");
}

static void what_the_log_does_not_know_was_never_written(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_since(h, 0, UINT64_MAX); /* or before a restore */
    gw_hub_log_read(&h->hub);
    assert_buf(&t->heard, "");
    gap_read(h, 6, 6);
    assert_buf(&t->heard, "connected@6 resync@6");
    arrive_all(h, 7, 7);
    assert_buf(&t->heard, "connected@6 resync@6 7");
    assert_false(gw_cursor_has_gap(&h->hub.cursor));
}

static void a_reading_that_began_before_it_came_tells_nothing_of_it(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    gw_hub_log_read(&h->hub);
    t = come_since(h, 0, 7);
    gap_read(h, 6, 6); /* 7 was committed behind that reading's sight */
    assert_buf(&t->heard, "");
    assert_true(gw_cursor_has_gap(&h->hub.cursor)); /* so it is asked again */
    gw_hub_log_read(&h->hub);
    gap_read(h, 7, 7);
    assert_buf(&t->heard, "connected@7");
}

static void a_message_that_is_ahead_waits_for_the_log_too(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    say(h, t, "{\"type\":\"resume\",\"since\":7}");
    assert_true(gw_cursor_has_gap(&h->hub.cursor));
    arrive_all(h, 6, 6); /* it has seen that one */
    assert_buf(&t->heard, "connected@5");
    arrive_all(h, 7, 8);
    assert_buf(&t->heard, "connected@5 8");
}

/* resync says "the state as of seq, and what comes behind it". */
static void who_must_fetch_anew_hears_what_lies_behind_that_state(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    say(h, t, "{\"type\":\"resume\",\"since\":900}");
    arrive_all(h, 6, 7);
    gw_hub_log_read(&h->hub);
    gap_read(h, 8, 8);
    arrive_all(h, 9, 9);
    assert_buf(&t->heard, "connected@5 resync@8 9");
}

static void a_full_socket_asks_for_nothing_older(void **state)
{
    struct house *h = *state;
    struct till *t;
    uint64_t before;

    gw_hub_begin(&h->hub, 50, 1);
    t = come_since(h, 0, 45);
    t->room = 0;
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
    t->room = 3;
    before = changes;
    gw_session_writable(t->session, t->session->all->now_ms);
    assert_true(changes > before); /* the owner hears that there is something to read */
    assert_int_equal(gw_hub_wants_older(&h->hub), 46);
    answer_older(h, 45, 46, 50, true);
    assert_buf(&t->heard, "connected@50 46 47 48");
    t->room = 100;
    gw_session_writable(t->session, t->session->all->now_ms);
    assert_buf(&t->heard, "connected@50 46 47 48 49 50");
}

static void the_one_who_is_furthest_back_is_read_for_first(void **state)
{
    struct house *h = *state;

    gw_hub_begin(&h->hub, 50, 1);
    (void)come_since(h, 0, 45);
    (void)come_since(h, 1, 30);
    (void)come_since(h, 2, 40);
    (void)come_live(h, 3);
    assert_int_equal(gw_hub_wants_older(&h->hub), 31);
    answer_older(h, 30, 31, 50, true);
    for (size_t i = 0; i < TILLS; i++)
        assert_int_equal(h->tills[i].session->next_seq, 51);
    assert_int_equal(gw_hub_wants_older(&h->hub), 0);
}

static void who_fell_out_of_memory_is_read_for_when_it_reads_again(void **state)
{
    struct house *h = *state;
    struct till *t;

    h->hub.backlog.max_bytes = 3000; /* a handful of events */
    gw_hub_begin(&h->hub, 0, 1);
    t = come_live(h, 0);
    t->room = 2;
    arrive_all(h, 1, 40);
    assert_true(h->hub.backlog.gone > 3);
    assert_buf(&t->heard, "connected@0 1 2");
    t->room = UINT64_MAX;
    gw_session_writable(t->session, t->session->all->now_ms);
    assert_int_equal(gw_hub_wants_older(&h->hub), 3);
    answer_older(h, 2, 3, 40, true);
    assert_int_equal(t->session->next_seq, 41);
    assert_int_equal(t->close_code, 0);
}

/* Each till's place in what it must hear; checked against its text as it grows. */
static void check_heard(const struct till *t, uint64_t since, bool is_all)
{
    struct tw_slice rest = tw_buf_view(&t->heard), word = { NULL, 0 };
    uint64_t next = since + 1;

    if (rest.len == 0)
        return;
    assert_true(tw_slice_split(&rest, ' ', &word));
    assert_true(tw_slice_starts(word, TW_LIT("connected@")));
    while (tw_slice_split(&rest, ' ', &word)) {
        uint64_t seq = 0;

        if (!tw_slice_u64(word, &seq) || seq != next)
            fail_msg("behind %llu, at %llu: %.*s", (unsigned long long)since,
                     (unsigned long long)next, (int)t->heard.len, t->heard.at);
        next++;
    }
    if (is_all)
        assert_int_equal(t->session->next_seq, next);
}

/* What the owner does when something older is wanted: a reading of so many rows. */
static bool read_older(struct house *h, struct dice *dice, uint64_t head)
{
    uint64_t wanted = gw_hub_wants_older(&h->hub);
    uint64_t rows = 1 + dice_roll(dice, 30), after, last;

    if (wanted == 0)
        return false;
    after = wanted - 1;
    after -= dice_roll(dice, 3) == 0 && after > 4 ? 4 : 0;
    last = after + rows < head ? after + rows : head;
    answer_older(h, after, after + 1, last, last == head);
    return true;
}

static void any_tills_at_any_pace_hear_everything_once_and_in_order(void **state)
{
    struct house *h = *state;
    struct dice dice = dice_new();
    uint64_t since[TILLS] = { 0 }, head = 100;

    h->hub.backlog.max_bytes = 20000;
    h->all.queue_bytes = SIZE_MAX / 4;
    gw_hub_begin(&h->hub, head, 1);
    for (int round = 0; round < 60000; round++) {
        size_t i = (size_t)dice_roll(&dice, TILLS);
        struct till *t = &h->tills[i];

        if (t->session == NULL) {
            since[i] = head - dice_roll(&dice, 100);
            t = come_since(h, i, since[i]);
            t->room = dice_roll(&dice, 5);
        } else if (dice_roll(&dice, 200) == 0) {
            check_heard(t, since[i], false);
            leave(t);
        } else {
            t->room = dice_roll(&dice, 20);
            gw_session_writable(t->session, t->session->all->now_ms);
        }
        if (dice_roll(&dice, 4) == 0)
            (void)arrive(h, ++head);
        if (dice_roll(&dice, 3) == 0)
            (void)read_older(h, &dice, head);
    }
    for (size_t i = 0; i < TILLS; i++)
        h->tills[i].room = UINT64_MAX;
    gw_hub_fan_out(&h->hub);
    while (read_older(h, &dice, head)) {
    }
    for (size_t i = 0; i < TILLS; i++)
        if (h->tills[i].session != NULL)
            check_heard(&h->tills[i], since[i], true);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_in_memory_comes_first_and_then_what_is_live),
        test(who_has_missed_nothing_hears_what_is_live),
        test(who_came_before_the_head_was_known_is_resumed_with_it),
        test(what_is_older_than_memory_is_read_from_the_log),
        test(a_long_way_back_is_read_piece_by_piece),
        test(the_log_may_have_no_events_where_a_restore_skipped_numbers),
        test(a_piece_that_goes_beyond_the_skipped_numbers_joins_memory),
        test(what_is_not_kept_any_more_must_be_fetched_anew),
        test(a_till_from_a_process_that_was_ahead_waits_for_the_log),
        test(or_for_redis_to_bring_what_it_has_seen),
        test(what_the_log_does_not_know_was_never_written),
        test(a_reading_that_began_before_it_came_tells_nothing_of_it),
        test(a_message_that_is_ahead_waits_for_the_log_too),
        test(who_must_fetch_anew_hears_what_lies_behind_that_state),
        test(a_full_socket_asks_for_nothing_older),
        test(the_one_who_is_furthest_back_is_read_for_first),
        test(who_fell_out_of_memory_is_read_for_when_it_reads_again),
        test(any_tills_at_any_pace_hear_everything_once_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
