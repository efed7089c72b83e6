/* ws_test.c - a client's bytes to messages: however they are cut, fragmented and interleaved.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/ws.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/ws_frames.h"

#define MAX_MESSAGE 65536

/* A connection of which only the receiving side is there. */
struct talk {
    struct gw_ws_pool pool;
    struct gw_ws ws;
    struct tw_buf reply, heard;
    unsigned code;
};

static void on_message(struct gw_ws *ws, bool is_text, struct tw_slice message)
{
    struct talk *t = tw_container_of(ws, struct talk, ws);

    tw_buf_text(&t->heard, is_text ? "text<" : "binary<");
    if (message.len > 100) {
        tw_buf_u64(&t->heard, message.len);
        tw_buf_text(&t->heard, " bytes");
    } else {
        tw_buf_append(&t->heard, message);
    }
    tw_buf_text(&t->heard, ">");
}

static void begin(struct talk *t)
{
    *t = (struct talk){ .pool = { .max_message = MAX_MESSAGE },
                        .reply = { .max = 65536 },
                        .heard = { .max = 1048576 } };
    t->ws.pool = &t->pool;
    t->ws.on_message = on_message;
}

/* A copy of exactly the piece's size, so that reading beyond it is noticed. */
static void feed(struct talk *t, struct tw_slice piece)
{
    char *copy = exact_copy(piece);

    if (t->code == 0)
        t->code = gw_ws_feed(&t->ws, tw_slice_from(copy, piece.len), &t->reply);
    free(copy);
}

/* What was heard, what is said back, and the code when it is over. */
static struct tw_buf end(struct talk *t)
{
    struct tw_buf all = { .max = 1048576 };

    tw_buf_append(&all, tw_buf_view(&t->heard));
    ws_read_server(&all, tw_buf_view(&t->reply));
    gw_ws_done(&t->ws);
    assert_int_equal(t->pool.lent.value, 0);
    gw_ws_pool_done(&t->pool);
    tw_buf_done(&t->heard);
    tw_buf_done(&t->reply);
    return all;
}

static void feed_cut(struct talk *t, struct tw_slice bytes, size_t first, size_t step)
{
    feed(t, tw_slice_from(bytes.at, first));
    for (size_t i = first; i < bytes.len; i += step)
        feed(t, tw_slice_from(bytes.at + i, step < bytes.len - i ? step : bytes.len - i));
}

/* `frames` comes to `want` when it is read whole, byte by byte and in two pieces, cut at every
 * place; and each time the context has been given back by then. Ends `frames`. */
static void check_talk(struct tw_buf *frames, const char *want)
{
    struct tw_slice all = tw_buf_view(frames);

    for (size_t cut = 0; cut <= all.len; cut++) { /* 0: byte by byte */
        struct tw_buf text;
        struct talk t;

        begin(&t);
        feed_cut(&t, all, cut, cut == 0 ? 1 : all.len);
        if (t.pool.lent.value != 0)
            fail_msg("cut at %zu, a context was kept", cut);
        text = end(&t);
        if (!tw_slice_is(tw_buf_view(&text), want))
            print_error("cut at %zu\n", cut);
        assert_buf(&text, want);
        tw_buf_done(&text);
    }
    tw_buf_done(frames);
}

static struct tw_buf frames_new(void)
{
    return (struct tw_buf){ .max = (size_t)32 * 1048576 };
}

static void put_text(struct tw_buf *out, unsigned first, const char *text)
{
    ws_put(out, first, tw_slice_of(text));
}

static void the_example_of_the_rfc_is_read(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    tw_buf_append(&f, TW_LIT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")); /* section 5.7 */
    check_talk(&f, "text<Hello>");
}

static void messages_are_handed_out_in_order(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_text(&f, WS_FIN | WS_TEXT, "one");
    put_text(&f, WS_FIN | WS_TEXT, "");
    put_text(&f, WS_FIN | WS_TEXT, "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x8d\x95");
    put_text(&f, WS_FIN | WS_BINARY, "\xff\xfe");
    put_text(&f, WS_FIN | WS_TEXT, "{\"type\":\"ping\"}");
    check_talk(&f, "text<one>text<>text<gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x8d\x95>"
                   "binary<\xff\xfe>text<{\"type\":\"ping\"}>");
}

static void a_ping_is_answered_with_its_payload(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_text(&f, WS_FIN | WS_PING, "beat");
    put_text(&f, WS_FIN | WS_PING, "");
    put_text(&f, WS_FIN | WS_PONG, "unasked for, and legal");
    put_text(&f, WS_FIN | WS_PONG, "");
    check_talk(&f, "pong(beat)pong()");
}

static void control_frames_may_lie_between_fragments(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_text(&f, WS_TEXT, "a");
    put_text(&f, WS_FIN | WS_PING, "1");
    put_text(&f, WS_MORE, "b");
    put_text(&f, WS_MORE, "");
    put_text(&f, WS_FIN | WS_PONG, "");
    put_text(&f, WS_FIN | WS_PING, "2");
    put_text(&f, WS_FIN | WS_MORE, "c");
    put_text(&f, WS_FIN | WS_TEXT, "d");
    put_text(&f, WS_BINARY, "");
    put_text(&f, WS_FIN | WS_MORE, "");
    check_talk(&f, "text<abc>text<d>binary<>pong(1)pong(2)");
}

static void a_character_may_be_split_over_fragments(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_text(&f, WS_TEXT, "\xf0");
    put_text(&f, WS_MORE, "\x9f\x8d");
    put_text(&f, WS_FIN | WS_MORE, "\x95");
    check_talk(&f, "text<\xf0\x9f\x8d\x95>");
}

static void every_length_form_is_read(void **state)
{
    static const size_t sizes[] = { 124, 125, 126, 127, 128, 4095, 4096, 4097, 65535, 65536 };
    char *bytes = calloc(1, MAX_MESSAGE);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', MAX_MESSAGE);
    for (size_t i = 0; i < TW_COUNT(sizes); i++) {
        struct tw_buf f = frames_new(), want = { .max = 64 }, text;

        ws_put(&f, WS_FIN | WS_TEXT, tw_slice_from(bytes, sizes[i]));
        tw_buf_text(&want, "text<");
        tw_buf_u64(&want, sizes[i]);
        tw_buf_text(&want, " bytes>");
        tw_buf_char(&want, '\0');
        for (size_t step = 1; step < 200000; step = step * 7 + 1) {
            struct talk t;

            begin(&t);
            feed_cut(&t, tw_buf_view(&f), 0, step);
            assert_int_equal(t.pool.lent.value, 0);
            text = end(&t);
            assert_buf(&text, want.at);
            tw_buf_done(&text);
        }
        tw_buf_done(&want);
        tw_buf_done(&f);
    }
    free(bytes);
}

static void a_context_is_lent_only_while_something_is_incomplete(void **state)
{
    struct tw_buf f = frames_new();
    struct talk t;
    struct tw_buf text;

    (void)state;
    begin(&t);
    put_text(&f, WS_FIN | WS_TEXT, "whole");
    for (size_t i = 0; i < f.len; i++) {
        assert_int_equal(t.pool.lent.value, i == 0 ? 0 : 1);
        feed(&t, tw_slice_from(f.at + i, 1));
    }
    assert_int_equal(t.pool.lent.value, 0);
    assert_int_equal(t.pool.spare_count, 1); /* for the next who needs one */
    tw_buf_clear(&f);
    put_text(&f, WS_TEXT, "first part");
    put_text(&f, WS_FIN | WS_PING, "");
    feed(&t, tw_buf_view(&f));
    assert_int_equal(t.pool.lent.value, 1); /* a message is under way, at a frame's boundary */
    assert_int_equal(t.pool.spare_count, 0);
    tw_buf_clear(&f);
    put_text(&f, WS_FIN | WS_MORE, "");
    feed(&t, tw_buf_view(&f));
    assert_int_equal(t.pool.lent.value, 0);
    text = end(&t);
    assert_buf(&text, "text<whole>text<first part>pong()");
    tw_buf_done(&text);
    tw_buf_done(&f);
}

static void a_context_goes_from_hand_to_hand_without_memory(void **state)
{
    struct tw_buf f = frames_new();
    struct talk a, b;
    struct tw_buf text;

    (void)state;
    begin(&a);
    begin(&b);
    b.ws.pool = &a.pool;
    for (int i = 0; i < 3; i++) {
        tw_buf_clear(&f);
        put_text(&f, WS_TEXT, "\xc3"); /* half a character */
        put_text(&f, WS_FIN | WS_MORE, "\xbc");
        feed(&a, tw_buf_view(&f));
        tw_buf_clear(&f);
        put_text(&f, WS_FIN | WS_TEXT, "b");
        feed(&b, tw_buf_view(&f));
        assert_int_equal(a.pool.spare_count, 1);
    }
    assert_buf(&b.heard, "text<b>text<b>text<b>");
    tw_buf_done(&b.heard);
    gw_ws_done(&b.ws);
    text = end(&a);
    assert_buf(&text, "text<\xc3\xbc>text<\xc3\xbc>text<\xc3\xbc>");
    tw_buf_done(&text);
    tw_buf_done(&f);
}

static void a_connection_that_breaks_gives_its_context_back(void **state)
{
    struct tw_buf f = frames_new(), text;
    struct talk t;

    (void)state;
    begin(&t);
    put_text(&f, WS_TEXT, "never");
    feed(&t, tw_buf_view(&f));
    feed(&t, TW_LIT("\x81"));
    assert_int_equal(t.pool.lent.value, 1);
    text = end(&t); /* asks that none is lent */
    assert_int_equal(text.len, 0);
    tw_buf_done(&text);
    tw_buf_done(&f);
}

static void no_more_than_64_spare_contexts_are_kept(void **state)
{
    struct gw_ws_pool pool = { .max_message = MAX_MESSAGE };
    struct gw_ws ws[200];
    struct tw_buf reply = { .max = 1024 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(ws); i++) {
        ws[i] = (struct gw_ws){ .pool = &pool, .on_message = on_message };
        assert_int_equal(gw_ws_feed(&ws[i], TW_LIT("\x8a"), &reply), 0);
    }
    assert_int_equal(pool.lent.value, TW_COUNT(ws));
    for (size_t i = 0; i < TW_COUNT(ws); i++) /* the rest of an empty pong */
        assert_int_equal(gw_ws_feed(&ws[i], TW_LIT("\x80mask"), &reply), 0);
    assert_int_equal(pool.lent.value, 0);
    assert_int_equal(pool.spare_count, 64);
    gw_ws_pool_done(&pool);
    tw_buf_done(&reply);
}

static void put_random(struct dice *dice, struct tw_buf *f, struct tw_buf *heard,
                       struct tw_buf *said)
{
    char bytes[80];
    size_t n = (size_t)dice_roll(dice, sizeof(bytes)), parts = (size_t)dice_roll(dice, 4) + 1;
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + dice_roll(dice, 26));
    for (size_t i = 0; i < parts; i++) {
        size_t len = i + 1 == parts ? n - at : (size_t)dice_roll(dice, n - at + 1);

        ws_put(f, (i == 0 ? WS_TEXT : WS_MORE) | (i + 1 == parts ? WS_FIN : 0u),
               tw_slice_from(bytes + at, len));
        at += len;
        if (dice_roll(dice, 3) == 0) {
            ws_put(f, WS_FIN | WS_PING, tw_slice_from(bytes, len));
            tw_buf_text(said, "pong(");
            tw_buf_append(said, tw_slice_from(bytes, len));
            tw_buf_text(said, ")");
        }
    }
    tw_buf_text(heard, "text<");
    tw_buf_append(heard, tw_slice_from(bytes, n));
    tw_buf_text(heard, ">");
}

static void any_conversation_is_understood_in_any_pieces(void **state)
{
    struct dice dice = dice_new();

    (void)state;
    for (int round = 0; round < 1500; round++) {
        struct tw_buf f = frames_new(), heard = { .max = 65536 }, said = { .max = 65536 };
        size_t at = 0;
        struct tw_buf text;
        struct talk t;

        begin(&t);
        for (uint64_t n = dice_roll(&dice, 12); n > 0; n--)
            put_random(&dice, &f, &heard, &said);
        while (at < f.len) {
            size_t n = (size_t)dice_roll(&dice, 60) + 1;

            n = n < f.len - at ? n : f.len - at;
            feed(&t, tw_slice_from(f.at + at, n));
            at += n;
        }
        assert_int_equal(t.code, 0);
        assert_int_equal(t.pool.lent.value, 0);
        tw_buf_append(&heard, tw_buf_view(&said));
        text = end(&t);
        assert_true(tw_slice_eq(tw_buf_view(&text), tw_buf_view(&heard)));
        tw_buf_done(&text);
        tw_buf_done(&heard);
        tw_buf_done(&said);
        tw_buf_done(&f);
    }
}

static bool until_something_is_heard(const struct gw_ws *ws)
{
    return tw_container_of((uintptr_t)ws, struct talk, ws)->heard.len == 0;
}

/* Wherever the bytes are cut: the frames after it stay unread, and are read when they are fed
 * again. */
static void it_stops_before_a_frame_that_is_not_to_be_read_now(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_text(&f, 0x81, "one");
    ws_put(&f, 0x89, TW_LIT("ping"));
    put_text(&f, 0x81, "two");
    for (size_t cut = 1; cut < f.len; cut++) {
        struct tw_slice rest = tw_buf_view(&f);
        struct tw_buf text;
        struct talk t;

        begin(&t);
        t.ws.may_go_on = until_something_is_heard;
        assert_int_equal(gw_ws_feed(&t.ws, tw_slice_from(rest.at, cut), &t.reply), 0);
        rest = tw_slice_skip(rest, cut - t.ws.unread);
        assert_int_equal(gw_ws_feed(&t.ws, rest, &t.reply), 0);
        rest = tw_slice_skip(rest, rest.len - t.ws.unread);
        assert_buf(&t.heard, "text<one>");
        assert_int_equal(rest.len, 2 * (size_t)6 + 4 + 3);
        assert_int_equal(t.reply.len, 0);
        assert_int_equal(t.pool.lent.value, 0);
        t.ws.may_go_on = NULL;
        feed(&t, rest);
        assert_int_equal(t.ws.unread, 0);
        text = end(&t);
        assert_buf(&text, "text<one>text<two>pong(ping)");
        tw_buf_done(&text);
    }
    tw_buf_done(&f);
}

/* However many connections have one under way. */
static void messages_that_are_arriving_may_hold_so_many_bytes_at_all(void **state)
{
    struct tw_buf reply = { .max = 1000 }, text = { .max = 1000 };
    struct gw_ws_pool pool = { .max_message = MAX_MESSAGE, .max_held = 250 };
    struct gw_ws ws[4] = { 0 };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ws[i].pool = &pool;
        ws[i].on_message = on_message;
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(gw_ws_feed(&ws[i], TW_LIT("\x81\xe4mask123"), &reply), 0);
    assert_int_equal(pool.held.value, 200);
    pool.free_bytes = 100; /* what anybody sends does not wait for those */
    assert_int_equal(gw_ws_feed(&ws[3], TW_LIT("\x81\xe4mask1"), &reply), 0);
    assert_int_equal(pool.held.value, 200);
    pool.free_bytes = 99;
    assert_int_equal(gw_ws_feed(&ws[2], TW_LIT("\x81\xe4mask1"), &reply), 1013);
    ws_read_server(&text, tw_buf_view(&reply));
    assert_buf(&text,
               "close(1013 too many large messages arrive at once; connect again and send "
               "it once more)");
    gw_ws_done(&ws[0]); /* it has left: there is room again */
    assert_int_equal(pool.held.value, 100);
    gw_ws_done(&ws[1]);
    gw_ws_done(&ws[2]);
    gw_ws_done(&ws[3]);
    assert_int_equal(pool.held.value, 0);
    gw_ws_pool_done(&pool);
    tw_buf_done(&reply);
    tw_buf_done(&text);
}

static void what_frames_make_us_do_is_counted(void **state)
{
    struct tw_buf f = frames_new();
    struct talk t;

    (void)state;
    put_text(&f, 0x81, "hello");
    ws_put(&f, 0x89, TW_LIT("ping"));
    begin(&t);
    feed(&t, tw_buf_view(&f));
    assert_int_equal(t.ws.work, 2 * 64 + 5);
    tw_buf_clear(&t.heard);
    t.ws.is_deaf = true; /* nothing is handed out any more */
    feed(&t, tw_buf_view(&f));
    assert_buf(&t.heard, "");
    t.code = 1;
    f.len = 0;
    tw_buf_done(&f);
    f = end(&t);
    tw_buf_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_read),
        cmocka_unit_test(messages_are_handed_out_in_order),
        cmocka_unit_test(a_ping_is_answered_with_its_payload),
        cmocka_unit_test(control_frames_may_lie_between_fragments),
        cmocka_unit_test(a_character_may_be_split_over_fragments),
        cmocka_unit_test(every_length_form_is_read),
        cmocka_unit_test(a_context_is_lent_only_while_something_is_incomplete),
        cmocka_unit_test(a_context_goes_from_hand_to_hand_without_memory),
        cmocka_unit_test(a_connection_that_breaks_gives_its_context_back),
        cmocka_unit_test(no_more_than_64_spare_contexts_are_kept),
        cmocka_unit_test(any_conversation_is_understood_in_any_pieces),
        cmocka_unit_test(it_stops_before_a_frame_that_is_not_to_be_read_now),
        cmocka_unit_test(messages_that_are_arriving_may_hold_so_many_bytes_at_all),
        cmocka_unit_test(what_frames_make_us_do_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
