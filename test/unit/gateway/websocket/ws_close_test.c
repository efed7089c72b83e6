/* ws_close_test.c - how a client's frames end a connection: with which code, and said how.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/ws.h"
#include "test/unit/support/check.h"
#include "test/unit/support/ws_frames.h"

#define MAX_MESSAGE 1000
#define MAX_REPLY 4096

struct talk {
    struct gw_ws_pool pool;
    struct gw_ws ws;
    struct tw_buf reply, heard;
};

static void on_message(struct gw_ws *ws, bool is_text, struct tw_slice message)
{
    struct talk *t = tw_container_of(ws, struct talk, ws);

    tw_buf_text(&t->heard, is_text ? "text<" : "binary<");
    tw_buf_append(&t->heard, message);
    tw_buf_text(&t->heard, ">");
}

static void begin(struct talk *t)
{
    *t = (struct talk){ .pool = { .max_message = MAX_MESSAGE },
                        .reply = { .max = MAX_REPLY },
                        .heard = { .max = 1048576 } };
    t->ws.pool = &t->pool;
    t->ws.on_message = on_message;
}

static void end(struct talk *t)
{
    gw_ws_done(&t->ws);
    assert_int_equal(t->pool.lent.value, 0);
    gw_ws_pool_done(&t->pool);
    tw_buf_done(&t->heard);
    tw_buf_done(&t->reply);
}

/* Reads the bytes in pieces of `step`, up to the close; what was heard and said. */
static unsigned read_all(struct talk *t, struct tw_slice bytes, size_t step)
{
    unsigned code = 0;

    for (size_t i = 0; i < bytes.len && code == 0; i += step) {
        struct tw_slice piece =
            tw_slice_from(bytes.at + i, step < bytes.len - i ? step : bytes.len - i);
        char *copy = exact_copy(piece);

        code = gw_ws_feed(&t->ws, tw_slice_from(copy, piece.len), &t->reply);
        free(copy);
    }
    return code;
}

/* `frames` ends with `code`, heard and said being `want`, in pieces of any size; nothing is
 * read after the end, and the context is given back. Ends `frames`. */
static void check_end(struct tw_buf *frames, unsigned code, const char *want)
{
    static const size_t steps[] = { 100000000, 1, 2, 3, 5, 7, 11 };

    for (size_t i = 0; i < TW_COUNT(steps); i++) {
        struct tw_buf text = { .max = 1048576 };
        struct talk t;

        begin(&t);
        assert_int_equal(read_all(&t, tw_buf_view(frames), steps[i]), code);
        assert_true(t.ws.is_over);
        assert_int_equal(t.pool.lent.value, 0);
        tw_buf_append(&text, tw_buf_view(&t.heard));
        ws_read_server(&text, tw_buf_view(&t.reply));
        assert_buf(&text, want);
        assert_int_equal(gw_ws_feed(&t.ws, TW_LIT("\x81\x80mask"), &t.reply), 0);
        assert_int_equal(t.pool.lent.value, 0);
        tw_buf_done(&text);
        end(&t);
    }
    tw_buf_done(frames);
}

static struct tw_buf after(const char *text)
{
    struct tw_buf f = { .max = (size_t)32 * 1048576 };

    if (text != NULL)
        ws_put(&f, WS_FIN | WS_TEXT, tw_slice_of(text));
    return f;
}

static void a_frame_without_a_mask_is_1002(void **state)
{
    struct tw_buf f = after("good");

    (void)state;
    ws_put_unmasked(&f, WS_FIN | WS_TEXT, TW_LIT("bad"));
    check_end(&f, 1002, "text<good>close(1002)");
    f = after(NULL);
    ws_put_unmasked(&f, WS_FIN | WS_PING, TW_LIT(""));
    check_end(&f, 1002, "close(1002)");
}

static void reserved_bits_and_opcodes_are_1002(void **state)
{
    static const unsigned firsts[] = {
        WS_FIN | WS_RSV1 | WS_TEXT,
        WS_FIN | WS_RSV2 | WS_TEXT,
        WS_FIN | WS_RSV3 | WS_TEXT,
        WS_FIN | WS_RSV1 | WS_PING,
        WS_FIN | 0x03u,
        WS_FIN | 0x04u,
        WS_FIN | 0x05u,
        WS_FIN | 0x06u,
        WS_FIN | 0x07u,
        WS_FIN | 0x0bu,
        WS_FIN | 0x0cu,
        WS_FIN | 0x0du,
        WS_FIN | 0x0eu,
        WS_FIN | 0x0fu,
        0xffu,
        WS_RSV2 | WS_TEXT,
        WS_RSV1 | WS_BINARY,
        0x03u,
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(firsts); i++) {
        struct tw_buf f = after("good");

        ws_put(&f, firsts[i], TW_LIT("x"));
        check_end(&f, 1002, "text<good>close(1002)");
    }
}

static void a_continuation_of_nothing_is_1002(void **state)
{
    struct tw_buf f = after("good");

    (void)state;
    ws_put(&f, WS_FIN | WS_MORE, TW_LIT("x"));
    check_end(&f, 1002, "text<good>close(1002)");
    f = after(NULL);
    ws_put(&f, WS_MORE, TW_LIT("x"));
    check_end(&f, 1002, "close(1002)");
}

static void a_message_within_a_message_is_1002(void **state)
{
    static const unsigned seconds[] = { WS_TEXT, WS_FIN | WS_TEXT, WS_BINARY,
                                        WS_FIN | WS_BINARY };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(seconds); i++) {
        struct tw_buf f = after(NULL);

        ws_put(&f, WS_TEXT, TW_LIT("begun"));
        ws_put(&f, WS_FIN | WS_PONG, TW_LIT("p"));
        ws_put(&f, seconds[i], TW_LIT("another"));
        check_end(&f, 1002, "close(1002)");
    }
}

static void control_frames_are_short_and_whole_else_1002(void **state)
{
    static const unsigned opcodes[] = { WS_CLOSE, WS_PING, WS_PONG };
    char long_payload[126];

    (void)state;
    memset(long_payload, 'x', sizeof(long_payload));
    for (size_t i = 0; i < TW_COUNT(opcodes); i++) {
        struct tw_buf f = after("good");

        ws_put(&f, WS_FIN | opcodes[i], tw_slice_from(long_payload, sizeof(long_payload)));
        check_end(&f, 1002, "text<good>close(1002)");
        f = after("good");
        ws_put(&f, opcodes[i], TW_LIT("\x03\xe8"));
        check_end(&f, 1002, "text<good>close(1002)");
    }
}

static void a_length_in_a_longer_form_than_it_needs_is_1002(void **state)
{
    static const struct {
        uint64_t length;
        int form;
    } heads[] = { { 0, 2 },     { 125, 2 },        { 0, 8 },         { 126, 8 },
                  { 65535, 8 }, { 1ULL << 63, 8 }, { UINT64_MAX, 8 } };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(heads); i++) {
        struct tw_buf f = after(NULL);

        ws_put_head(&f, WS_FIN | WS_TEXT, heads[i].length, heads[i].form);
        check_end(&f, 1002, "close(1002)");
    }
}

static const char *const no_utf8[] = {
    "\xff",         "caf\xe9",          "\xc0\xaf",         "\x80",
    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "end\xc3",
    "\xe2\x82",     "\xf0\x9f\x8d",     "\xe0\x80\xaf",     "\xf0\x80\x80\xaf",
};

static void text_that_is_no_utf8_is_1007(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(no_utf8); i++) {
        struct tw_slice text = tw_slice_of(no_utf8[i]);
        struct tw_buf f = after("good");

        ws_put(&f, WS_FIN | WS_TEXT, text);
        check_end(&f, 1007, "text<good>close(1007)");
        for (size_t cut = 0; cut <= text.len; cut++) { /* over two fragments */
            f = after(NULL);
            ws_put(&f, WS_TEXT, tw_slice_from(text.at, cut));
            ws_put(&f, WS_FIN | WS_PONG, TW_LIT(""));
            ws_put(&f, WS_FIN | WS_MORE, tw_slice_from(text.at + cut, text.len - cut));
            check_end(&f, 1007, "close(1007)");
        }
    }
}

static void bytes_that_are_no_utf8_are_fine_in_binary_and_control_frames(void **state)
{
    struct tw_buf f = after(NULL);

    (void)state;
    ws_put(&f, WS_BINARY, TW_LIT("\xff"));
    ws_put(&f, WS_FIN | WS_PONG, TW_LIT("\xfe"));
    ws_put(&f, WS_FIN | WS_MORE, TW_LIT("\xfd"));
    ws_put_close(&f, 1000, TW_LIT(""));
    check_end(&f, 1000, "binary<\xff\xfd>close(1000)");
}

static void a_message_over_the_limit_is_1009(void **state)
{
    char bytes[MAX_MESSAGE + 1];
    struct tw_buf f = after("good");

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    ws_put(&f, WS_FIN | WS_TEXT, tw_slice_from(bytes, sizeof(bytes)));
    check_end(&f, 1009, "text<good>close(1009)");
    f = after(NULL); /* the head and a byte are enough */
    ws_put_head(&f, WS_FIN | WS_BINARY, (1ULL << 63) - 1, 8);
    tw_buf_char(&f, 'x');
    check_end(&f, 1009, "close(1009)");
    f = after(NULL); /* fragments count together */
    ws_put(&f, WS_TEXT, tw_slice_from(bytes, MAX_MESSAGE - 1));
    ws_put(&f, WS_MORE, TW_LIT("1"));
    ws_put(&f, WS_FIN | WS_PONG, TW_LIT("does not count"));
    ws_put(&f, WS_FIN | WS_MORE, TW_LIT("2"));
    check_end(&f, 1009, "close(1009)");
}

static void a_message_as_long_as_the_limit_is_read(void **state)
{
    char bytes[MAX_MESSAGE];
    struct tw_buf f = after(NULL);
    struct talk t;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    ws_put(&f, WS_FIN | WS_TEXT, tw_slice_from(bytes, sizeof(bytes)));
    ws_put(&f, WS_TEXT, tw_slice_from(bytes, sizeof(bytes) - 1));
    ws_put(&f, WS_FIN | WS_MORE, TW_LIT("y"));
    begin(&t);
    assert_int_equal(read_all(&t, tw_buf_view(&f), f.len), 0);
    assert_int_equal(t.heard.len, 2 * (MAX_MESSAGE + 6));
    end(&t);
    tw_buf_done(&f);
}

static void a_peers_close_is_answered_with_its_code(void **state)
{
    static const unsigned codes[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                      1010, 1011, 3000, 3999, 4000, 4999 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(codes); i++) {
        struct tw_buf f = after("last words"), want = { .max = 64 };

        ws_put_close(&f, codes[i], TW_LIT("bye"));
        ws_put(&f, WS_FIN | WS_TEXT, TW_LIT("not heard any more"));
        tw_buf_text(&want, "text<last words>close(");
        tw_buf_u64(&want, codes[i]);
        tw_buf_text(&want, " bye)");
        tw_buf_char(&want, '\0');
        check_end(&f, codes[i], want.at);
        tw_buf_done(&want);
    }
}

static void codes_that_must_not_be_sent_are_1002(void **state)
{
    static const unsigned codes[] = { 0,    1,    999,  1004, 1005, 1006, 1015,
                                      1016, 1100, 2000, 2999, 5000, 65535 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(codes); i++) {
        struct tw_buf f = after(NULL);
        unsigned code;
        struct talk t;

        begin(&t);
        ws_put_close(&f, codes[i], TW_LIT(""));
        code = read_all(&t, tw_buf_view(&f), f.len);
        if (code != 1002)
            fail_msg("a close with %u is taken as %u; section 7.4 forbids it", codes[i], code);
        end(&t);
        tw_buf_done(&f);
    }
}

static void a_peer_may_close_without_a_code(void **state)
{
    struct tw_buf f = after("last words");
    struct talk t;

    (void)state;
    ws_put(&f, WS_FIN | WS_CLOSE, TW_LIT(""));
    begin(&t);
    assert_int_equal(read_all(&t, tw_buf_view(&f), 1), 1005);
    assert_true(t.ws.peer_closed);
    end(&t);
    check_end(&f, 1005, "text<last words>close()");
}

static void a_close_of_one_byte_is_1002(void **state)
{
    struct tw_buf f = after("good");
    struct talk t;

    (void)state;
    ws_put(&f, WS_FIN | WS_CLOSE, TW_LIT("\x03"));
    begin(&t);
    assert_int_equal(read_all(&t, tw_buf_view(&f), f.len), 1002);
    assert_false(t.ws.peer_closed);
    end(&t);
    check_end(&f, 1002, "text<good>close(1002)");
}

/* Which of the two codes is told here depends on the pieces; what is said to the peer does not.
 */
static void a_reason_that_is_no_utf8_is_1007(void **state)
{
    struct tw_buf f = after(NULL);

    (void)state;
    ws_put_close(&f, 1000, TW_LIT("bye\xff"));
    for (size_t step = 1; step <= f.len; step++) {
        struct tw_buf text = { .max = 1024 };
        struct talk t;

        begin(&t);
        assert_int_not_equal(read_all(&t, tw_buf_view(&f), step), 0);
        assert_int_equal(t.pool.lent.value, 0);
        ws_read_server(&text, tw_buf_view(&t.reply));
        assert_buf(&text, "close(1007)");
        tw_buf_done(&text);
        end(&t);
    }
    tw_buf_done(&f);
}

static void a_close_of_the_peer_and_one_of_ours_are_told_apart(void **state)
{
    struct tw_buf f = after(NULL);
    struct talk t;

    (void)state;
    begin(&t);
    ws_put_close(&f, 1001, TW_LIT(""));
    assert_int_equal(read_all(&t, tw_buf_view(&f), 1), 1001);
    assert_true(t.ws.peer_closed);
    end(&t);
    tw_buf_clear(&f);
    begin(&t);
    ws_put(&f, WS_FIN | 0x03u, TW_LIT(""));
    assert_int_equal(read_all(&t, tw_buf_view(&f), 1), 1002);
    assert_false(t.ws.peer_closed);
    end(&t);
    tw_buf_done(&f);
}

static void a_context_that_was_closed_is_not_lent_again(void **state)
{
    struct tw_buf bad = after(NULL), closing = after(NULL), good = after("next");
    struct gw_ws other = { .on_message = on_message };
    struct talk t;

    (void)state;
    ws_put(&bad, WS_FIN | 0x03u, TW_LIT(""));
    ws_put_close(&closing, 1000, TW_LIT(""));
    begin(&t);
    other.pool = &t.pool;
    assert_int_equal(gw_ws_feed(&other, tw_buf_view(&bad), &t.reply), 1002);
    assert_int_equal(t.pool.spare_count, 0);
    other = (struct gw_ws){ .pool = &t.pool, .on_message = on_message };
    assert_int_equal(gw_ws_feed(&other, tw_buf_view(&closing), &t.reply), 1000);
    assert_int_equal(t.pool.spare_count, 0);
    assert_int_equal(read_all(&t, tw_buf_view(&good), 1), 0);
    assert_buf(&t.heard, "text<next>");
    end(&t);
    tw_buf_done(&bad);
    tw_buf_done(&closing);
    tw_buf_done(&good);
}

static void a_flood_of_pings_in_one_reading_stays_bounded_and_is_1008(void **state)
{
    char beat[125];
    struct tw_buf f = after("good"), text = { .max = 65536 };
    struct talk t;

    (void)state;
    memset(beat, 'b', sizeof(beat));
    for (int i = 0; i < 8000; i++) /* a megabyte of pings, a megabyte of pongs */
        ws_put(&f, WS_FIN | WS_PING, tw_slice_from(beat, sizeof(beat)));
    begin(&t);
    assert_int_equal(read_all(&t, tw_buf_view(&f), f.len), 1008);
    assert_true(t.reply.cap <= 2UL * MAX_REPLY);
    ws_read_server(&text, tw_buf_view(&t.reply));
    assert_buf(&text, "close(1008 too many control frames or fragments)");
    assert_int_equal(t.pool.lent.value, 0);
    end(&t);
    tw_buf_done(&text);
    tw_buf_done(&f);
}

static void pings_whose_pongs_are_taken_are_no_flood(void **state)
{
    struct tw_buf ping = after(NULL);
    struct talk t;

    (void)state;
    ws_put(&ping, WS_FIN | WS_PING, TW_LIT("beat"));
    begin(&t);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(read_all(&t, tw_buf_view(&ping), ping.len), 0);
        assert_buf(&t.reply, "\x8a\x04"
                             "beat");
        tw_buf_clear(&t.reply);
    }
    assert_int_equal(t.pool.lent.value + t.pool.spare_count, 1);
    end(&t);
    tw_buf_done(&ping);
}

/* Sends `count` fragments and the last; the code, and how many were taken before it. */
static unsigned send_fragments(size_t count, size_t step)
{
    struct tw_buf f = after(NULL);
    unsigned code;
    struct talk t;

    ws_put(&f, WS_TEXT, TW_LIT(""));
    for (size_t i = 1; i < count; i++)
        ws_put(&f, WS_MORE, TW_LIT(""));
    ws_put(&f, WS_FIN | WS_MORE, TW_LIT("end"));
    begin(&t);
    code = read_all(&t, tw_buf_view(&f), step);
    assert_int_equal(t.heard.len, code == 0 ? 9 : 0);
    assert_int_equal(t.pool.lent.value, 0);
    end(&t);
    tw_buf_done(&f);
    return code;
}

static void more_than_1024_fragments_are_1008(void **state)
{
    (void)state;
    assert_int_equal(send_fragments(1024, 1), 0);
    assert_int_equal(send_fragments(1025, 1), 1008);
    assert_int_equal(send_fragments(2000, 1), 1008);
    assert_int_equal(send_fragments(2000, 100000000), 1008);
    assert_int_equal(send_fragments(100000, 100000000), 1008);
}

static void fragments_are_counted_for_one_message_at_a_time(void **state)
{
    struct tw_buf f = after(NULL);
    struct talk t;

    (void)state;
    begin(&t);
    for (int message = 0; message < 5; message++) {
        tw_buf_clear(&f);
        ws_put(&f, WS_BINARY, TW_LIT(""));
        for (int i = 0; i < 1000; i++)
            ws_put(&f, WS_MORE, TW_LIT(""));
        ws_put(&f, WS_FIN | WS_MORE, TW_LIT(""));
        assert_int_equal(read_all(&t, tw_buf_view(&f), 1000), 0);
    }
    assert_buf(&t.heard, "binary<>binary<>binary<>binary<>binary<>");
    end(&t);
    tw_buf_done(&f);
}

static void bytes_at_random_never_do_harm(void **state)
{
    struct dice dice = dice_new();

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct tw_buf f = after("good");
        struct talk t;

        for (uint64_t n = dice_roll(&dice, 40); n > 0; n--)
            ws_put(&f, (unsigned)dice_roll(&dice, 256), TW_LIT("payload"));
        for (uint64_t n = dice_roll(&dice, 4); n > 0; n--)
            f.at[dice_roll(&dice, f.len)] = (char)dice_roll(&dice, 256);
        begin(&t);
        (void)read_all(&t, tw_buf_view(&f), (size_t)dice_roll(&dice, 50) + 1);
        assert_true(t.reply.cap <= 2UL * MAX_REPLY);
        end(&t);
        tw_buf_done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_without_a_mask_is_1002),
        cmocka_unit_test(reserved_bits_and_opcodes_are_1002),
        cmocka_unit_test(a_continuation_of_nothing_is_1002),
        cmocka_unit_test(a_message_within_a_message_is_1002),
        cmocka_unit_test(control_frames_are_short_and_whole_else_1002),
        cmocka_unit_test(a_length_in_a_longer_form_than_it_needs_is_1002),
        cmocka_unit_test(text_that_is_no_utf8_is_1007),
        cmocka_unit_test(bytes_that_are_no_utf8_are_fine_in_binary_and_control_frames),
        cmocka_unit_test(a_message_over_the_limit_is_1009),
        cmocka_unit_test(a_message_as_long_as_the_limit_is_read),
        cmocka_unit_test(a_peers_close_is_answered_with_its_code),
        cmocka_unit_test(codes_that_must_not_be_sent_are_1002),
        cmocka_unit_test(a_peer_may_close_without_a_code),
        cmocka_unit_test(a_close_of_one_byte_is_1002),
        cmocka_unit_test(a_reason_that_is_no_utf8_is_1007),
        cmocka_unit_test(a_close_of_the_peer_and_one_of_ours_are_told_apart),
        cmocka_unit_test(a_context_that_was_closed_is_not_lent_again),
        cmocka_unit_test(a_flood_of_pings_in_one_reading_stays_bounded_and_is_1008),
        cmocka_unit_test(pings_whose_pongs_are_taken_are_no_flood),
        cmocka_unit_test(more_than_1024_fragments_are_1008),
        cmocka_unit_test(fragments_are_counted_for_one_message_at_a_time),
        cmocka_unit_test(bytes_at_random_never_do_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
