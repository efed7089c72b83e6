/* backlog_test.c - a tenant's last events: kept, found, dropped, rendered once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/backlog.h"

#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/frame.h"
#include "test/unit/support/check.h"
#include "test/unit/support/stream_events.h"

#define MAX_ENTRIES 4096

static const struct gw_tenant kitchen = { .id = "69fb5687-044a-48af-ac0e-d6b817aec684",
                                          .slug = "kitchen" };

static struct gw_memory memory;

static struct gw_backlog backlog_of(uint32_t max_bytes)
{
    gw_memory_init(&memory, UINT64_MAX);
    return (struct gw_backlog){ .memory = &memory, .max_bytes = max_bytes };
}

static void add(struct gw_backlog *b, uint64_t seq, size_t extra)
{
    struct tw_buf text = { .max = 1048576 };
    struct tw_event ev = event_of(&text, seq, extra);

    gw_backlog_add(b, &ev);
    tw_buf_done(&text);
}

static bool prepend(struct gw_backlog *b, uint64_t seq, size_t extra)
{
    struct tw_buf text = { .max = 1048576 };
    struct tw_event ev = event_of(&text, seq, extra);
    bool is_taken = gw_backlog_prepend(b, &ev);

    tw_buf_done(&text);
    return is_taken;
}

/* The seq that is found for `seq`; 0 when there is none. */
static uint64_t found(const struct gw_backlog *b, uint64_t seq)
{
    const struct gw_entry *e = gw_backlog_from(b, seq);

    return e == NULL ? 0 : e->event.seq;
}

/* How many bytes of events lie after the entry's beginning. */
static int64_t lag(const struct gw_backlog *b, uint64_t seq)
{
    return b->total - gw_backlog_from(b, seq)->offset;
}

static void an_empty_one_has_nothing(void **state)
{
    struct gw_backlog b = backlog_of(1000);

    (void)state;
    assert_null(gw_backlog_from(&b, 0));
    assert_null(gw_backlog_from(&b, 1));
    gw_backlog_restart(&b, 7);
    assert_int_equal(b.gone, 7);
    gw_backlog_done(&b);
    gw_backlog_done(&b);
}

static void an_entry_is_a_copy_with_its_own_parts(void **state)
{
    struct gw_backlog b = backlog_of(100000);
    const struct gw_entry *e;

    (void)state;
    add(&b, 17, 3); /* the text that was added is freed by now */
    e = gw_backlog_from(&b, 17);
    assert_non_null(e);
    assert_int_equal(e->event.seq, 17);
    assert_slice(e->event.type, "order.created");
    assert_slice(e->event.at, "2026-01-05T18:00:02.117Z");
    assert_slice(e->event.origin, "{\"kind\":\"api\"}");
    assert_slice(e->event.data,
                 "{\"orderId\":17,\"orderSource\":\"online\",\"customerName\":\"xxx\"}");
    assert_true(tw_slice_starts(e->event.raw, TW_LIT("{\"seq\":17,")));
    gw_backlog_done(&b);
}

static void the_first_event_at_or_after_a_seq_is_found(void **state)
{
    static const uint64_t seqs[] = { 5, 6, 9, 10, 1000 };
    struct gw_backlog b = backlog_of(100000);

    (void)state;
    gw_backlog_restart(&b, 4);
    for (size_t i = 0; i < TW_COUNT(seqs); i++)
        add(&b, seqs[i], 0);
    assert_int_equal(found(&b, 0), 5);
    assert_int_equal(found(&b, 5), 5);
    assert_int_equal(found(&b, 7), 9);
    assert_int_equal(found(&b, 9), 9);
    assert_int_equal(found(&b, 11), 1000);
    assert_int_equal(found(&b, 1000), 1000);
    assert_int_equal(found(&b, 1001), 0);
    assert_int_equal(b.gone, 4);
    gw_backlog_done(&b);
}

static void the_oldest_make_room_and_it_is_known_which_are_gone(void **state)
{
    struct gw_backlog b = backlog_of(20000);

    (void)state;
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        add(&b, seq, (size_t)(seq % 700));
        assert_true(b.bytes <= b.max_bytes);
        assert_int_equal(b.gone, seq - b.count);
        assert_int_equal(found(&b, 0), b.gone + 1);
        assert_int_equal(found(&b, seq), seq);
        assert_int_equal(found(&b, seq + 1), 0);
    }
    assert_true(b.count > 5);
    for (uint64_t seq = b.gone + 1; seq <= 5000; seq++)
        assert_int_equal(found(&b, seq), seq);
    gw_backlog_restart(&b, 5000);
    assert_int_equal(b.bytes, 0);
    gw_backlog_done(&b);
}

static void no_more_than_so_many_entries_are_kept(void **state)
{
    struct gw_backlog b = backlog_of(UINT32_MAX);

    (void)state;
    for (uint64_t seq = 1; seq <= MAX_ENTRIES + 100; seq++)
        add(&b, seq, 0);
    assert_int_equal(b.count, MAX_ENTRIES);
    assert_int_equal(b.gone, 100);
    assert_false(prepend(&b, 100, 0));
    gw_backlog_done(&b);
}

static void of_all_backlogs_the_oldest_events_go_where_none_has_come_for_longest(void **state)
{
    struct gw_backlog quiet = backlog_of(UINT32_MAX), busy = quiet, lone = quiet;

    (void)state;
    memory.max_bytes = 30000;
    add(&lone, 1, 1000);
    for (uint64_t seq = 1; seq <= 10; seq++)
        add(&quiet, seq, 1000);
    assert_int_equal(quiet.gone, 0);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        add(&busy, seq, 1000);
        assert_true(memory.bytes.value <= memory.max_bytes);
        assert_int_equal(memory.bytes.value, quiet.bytes + busy.bytes + lone.bytes);
        if (quiet.count > 1)
            assert_int_equal(busy.gone, 0);
    }
    assert_int_equal(quiet.count, 1); /* its newest one */
    assert_int_equal(found(&quiet, 0), 10);
    assert_int_equal(found(&lone, 0), 1);
    assert_int_equal(found(&busy, 100), 100);
    assert_int_equal(memory.evicted.value, 9 + busy.gone);
    add(&quiet, 11, 1000); /* it counts again */
    assert_int_equal(found(&quiet, 0), 10);
    assert_false(prepend(&quiet, 9, 1000)); /* that makes no other one go */
    assert_true(memory.bytes.value <= memory.max_bytes);
    gw_backlog_done(&quiet);
    gw_backlog_done(&busy);
    gw_backlog_done(&lone);
    assert_int_equal(memory.bytes.value, 0);
    assert_true(tw_list_empty(&memory.backlogs));
}

static void memory_is_returned_when_half_of_much_is_free(void **state)
{
    struct gw_backlog b = backlog_of(UINT32_MAX);

    (void)state;
    assert_false(gw_memory_return(&memory));
    for (uint64_t seq = 1; seq <= 40; seq++)
        add(&b, seq, 500000);
    assert_false(gw_memory_return(&memory)); /* nothing is free */
    gw_backlog_restart(&b, 40);
    assert_true(gw_memory_return(&memory));
    assert_false(gw_memory_return(&memory)); /* once */
    gw_backlog_done(&b);
}

static void what_has_no_room_is_not_prepended(void **state)
{
    struct gw_backlog b = backlog_of(UINT32_MAX);

    (void)state;
    add(&b, 10, 1000);
    memory.max_bytes = memory.bytes.value + 500;
    b.gone = 9;
    assert_false(prepend(&b, 9, 1000));
    assert_int_equal(b.gone, 9);
    assert_int_equal(found(&b, 0), 10);
    gw_backlog_done(&b);
}

static void the_event_that_is_being_delivered_stays_however_large(void **state)
{
    struct gw_backlog b = backlog_of(1000);

    (void)state;
    add(&b, 1, 0);
    add(&b, 2, 500000);
    assert_int_equal(b.count, 1);
    assert_int_equal(found(&b, 1), 2);
    add(&b, 3, 500000);
    assert_int_equal(b.count, 1);
    assert_int_equal(found(&b, 1), 3);
    assert_int_equal(b.gone, 2);
    gw_backlog_done(&b);
}

static void an_event_is_rendered_once_and_counts_with_its_frames(void **state)
{
    struct gw_backlog b = backlog_of(100000);
    const struct gw_dialect *d = &gw_orderweb;
    const struct gw_batch *batch;
    uint64_t renderings = 0;
    size_t before;

    (void)state;
    add(&b, 1, 10);
    add(&b, 2, 10);
    before = b.bytes;
    batch = gw_backlog_render(&b, gw_backlog_from(&b, 1), 0, d, &kitchen, &renderings);
    assert_int_equal(batch->count, 1);
    assert_int_equal(renderings, 1);
    assert_int_equal(b.bytes, before + batch->bytes);
    assert_true(tw_slice_starts(gw_frame_payload(batch->frames[0]),
                                TW_LIT("{\"type\":\"new_order\",\"tenant\":\"kitchen\",")));
    assert_ptr_equal(gw_backlog_render(&b, gw_backlog_from(&b, 1), 0, d, &kitchen, &renderings),
                     batch);
    assert_int_equal(renderings, 1);
    assert_int_equal(b.bytes, before + batch->bytes);
    gw_backlog_restart(&b, 2);
    assert_int_equal(b.bytes, 0); /* the frames' bytes left with their events */
    gw_backlog_done(&b);
}

/* They are made while they are sent, so they count from the next event or asking on. */
static void compressed_frames_count_too(void **state)
{
    struct gw_backlog b = backlog_of(100000);
    const struct gw_dialect *d = &gw_orderweb;
    struct gw_deflate deflate = { 0 };
    const struct gw_batch *batch;
    uint64_t renderings = 0;
    size_t before, twin;

    (void)state;
    add(&b, 1, 2000);
    batch = gw_backlog_render(&b, gw_backlog_from(&b, 1), 0, d, &kitchen, &renderings);
    before = b.bytes;
    twin = gw_frame_deflated(batch->frames[0], &deflate)->len;
    assert_true(twin < batch->frames[0]->len);
    (void)gw_backlog_render(&b, gw_backlog_from(&b, 1), 0, d, &kitchen, &renderings);
    assert_int_equal(b.bytes, before + twin);

    add(&b, 2, 2000);
    batch = gw_backlog_render(&b, gw_backlog_from(&b, 2), 0, d, &kitchen, &renderings);
    before = b.bytes;
    twin = gw_frame_deflated(batch->frames[0], &deflate)->len;
    add(&b, 3, 0);
    assert_true(b.bytes > before + twin);
    gw_backlog_restart(&b, 3);
    assert_int_equal(b.bytes, 0);
    gw_backlog_done(&b);
    gw_deflate_done(&deflate);
}

static void frames_that_somebody_still_sends_outlive_their_event(void **state)
{
    struct gw_backlog b = backlog_of(100000);
    uint64_t renderings = 0;
    struct gw_frame *kept;

    (void)state;
    add(&b, 1, 0);
    kept = gw_frame_ref(
        gw_backlog_render(&b, gw_backlog_from(&b, 1), 0, &gw_orderweb, &kitchen, &renderings)
            ->frames[0]);
    gw_backlog_done(&b);
    assert_int_equal(kept->references, 1);
    assert_true(gw_frame_payload(kept).len > 50);
    gw_frame_unref(kept);
}

static void how_far_somebody_lags_is_known_in_bytes_of_events(void **state)
{
    struct gw_backlog b = backlog_of(4000);
    int64_t one;

    (void)state;
    add(&b, 100, 50);
    one = lag(&b, 100);
    assert_true(one > 50);
    add(&b, 101, 50);
    add(&b, 102, 150);
    assert_int_equal(lag(&b, 102), one + 100);
    assert_int_equal(lag(&b, 101), 2 * one + 100);
    for (uint64_t seq = 103; seq < 999; seq++) /* what is dropped meanwhile changes nothing */
        add(&b, seq, 50);
    assert_int_equal(lag(&b, 998), one);
    assert_int_equal(lag(&b, 995), 4 * one);
    gw_backlog_done(&b);
}

static void what_is_read_from_the_log_is_put_in_front(void **state)
{
    struct gw_backlog b = backlog_of(100000);
    int64_t one;

    (void)state;
    gw_backlog_restart(&b, 50);
    add(&b, 51, 0);
    one = lag(&b, 51);
    for (uint64_t seq = 50; seq >= 21; seq--) {
        assert_true(prepend(&b, seq, 0));
        assert_int_equal(b.gone, seq - 1);
    }
    assert_int_equal(b.count, 31);
    for (uint64_t seq = 21; seq <= 51; seq++) {
        assert_int_equal(found(&b, seq), seq);
        assert_int_equal(lag(&b, seq), one * (int64_t)(52 - seq));
    }
    add(&b, 52, 0);
    assert_int_equal(lag(&b, 21), one * 32);
    gw_backlog_restart(&b, 52);
    assert_int_equal(b.bytes, 0);
    gw_backlog_done(&b);
}

static void an_empty_one_can_be_filled_from_behind(void **state)
{
    struct gw_backlog b = backlog_of(100000);

    (void)state;
    gw_backlog_restart(&b, 10);
    assert_true(prepend(&b, 10, 0));
    assert_true(prepend(&b, 9, 0));
    assert_int_equal(found(&b, 1), 9);
    assert_int_equal(found(&b, 10), 10);
    assert_int_equal(b.gone, 8);
    add(&b, 11, 0);
    assert_int_equal(found(&b, 11), 11);
    assert_true(lag(&b, 9) > lag(&b, 10) && lag(&b, 10) > lag(&b, 11));
    gw_backlog_done(&b);
}

static void nothing_is_put_in_front_that_has_no_room(void **state)
{
    struct gw_backlog b = backlog_of(10000);
    uint64_t seq = 1000;

    (void)state;
    add(&b, seq + 1, 0);
    while (prepend(&b, seq, 100))
        seq--;
    assert_true(seq < 1000 && b.bytes <= 10000);
    assert_int_equal(found(&b, 0), seq + 1);
    assert_int_equal(b.gone, seq);
    gw_backlog_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(an_entry_is_a_copy_with_its_own_parts),
        cmocka_unit_test(the_first_event_at_or_after_a_seq_is_found),
        cmocka_unit_test(the_oldest_make_room_and_it_is_known_which_are_gone),
        cmocka_unit_test(no_more_than_so_many_entries_are_kept),
        cmocka_unit_test(of_all_backlogs_the_oldest_events_go_where_none_has_come_for_longest),
        cmocka_unit_test(memory_is_returned_when_half_of_much_is_free),
        cmocka_unit_test(what_has_no_room_is_not_prepended),
        cmocka_unit_test(the_event_that_is_being_delivered_stays_however_large),
        cmocka_unit_test(an_event_is_rendered_once_and_counts_with_its_frames),
        cmocka_unit_test(compressed_frames_count_too),
        cmocka_unit_test(frames_that_somebody_still_sends_outlive_their_event),
        cmocka_unit_test(how_far_somebody_lags_is_known_in_bytes_of_events),
        cmocka_unit_test(what_is_read_from_the_log_is_put_in_front),
        cmocka_unit_test(an_empty_one_can_be_filled_from_behind),
        cmocka_unit_test(nothing_is_put_in_front_that_has_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
