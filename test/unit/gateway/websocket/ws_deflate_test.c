/* ws_deflate_test.c - compressed messages of clients (RFC 7692), in frames of any shape.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/ws.h"
#include "test/unit/support/check.h"
#include "test/unit/support/ws_frames.h"

#define MAX_MESSAGE 1000
#define PACKED_TEXT (WS_FIN | WS_RSV1 | WS_TEXT)
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00" /* section 7.2.3.1 */

struct talk {
    struct gw_deflate deflate;
    struct gw_ws_pool pool;
    struct gw_ws ws;
    struct tw_buf reply, heard;
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

/* Reads `frames` whole, byte by byte and in two pieces, cut at every place: it comes to `code`
 * (0: still open), heard and said being `want`. Ends `frames`. */
static void check(struct tw_buf *frames, unsigned code, const char *want)
{
    for (size_t cut = 0; cut <= frames->len; cut++) { /* 0: byte by byte */
        struct talk t = { .pool = { .max_message = MAX_MESSAGE },
                          .reply = { .max = 4096 },
                          .heard = { .max = 1048576 } };
        size_t step = cut == 0 ? 1 : cut;
        unsigned have = 0;

        t.pool.deflate = &t.deflate;
        t.ws.pool = &t.pool;
        t.ws.on_message = on_message;
        t.ws.is_deflating = true;
        for (size_t at = 0; at < frames->len && have == 0; at += step) {
            size_t n = step < frames->len - at ? step : frames->len - at;
            char *copy = exact_copy(tw_slice_from(frames->at + at, n));

            have = gw_ws_feed(&t.ws, tw_slice_from(copy, n), &t.reply);
            free(copy);
        }
        ws_read_server(&t.heard, tw_buf_view(&t.reply));
        if (have != code || t.pool.lent.value != 0 || !tw_slice_is(tw_buf_view(&t.heard), want))
            print_error("cut at %zu: %u\n", cut, have);
        assert_buf(&t.heard, want);
        assert_int_equal(have, code);
        assert_int_equal(t.pool.lent.value, 0);
        gw_ws_done(&t.ws);
        gw_ws_pool_done(&t.pool);
        gw_deflate_done(&t.deflate);
        tw_buf_done(&t.heard);
        tw_buf_done(&t.reply);
    }
    tw_buf_done(frames);
}

static struct tw_buf frames_new(void)
{
    return (struct tw_buf){ .max = 1048576 };
}

/* `len` bytes of `c`, compressed. */
static void put_packed(struct tw_buf *out, unsigned first, char c, size_t len)
{
    struct gw_deflate d = { 0 };
    struct tw_buf packed = { .max = len + 64 };
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, c, len);
    assert_true(gw_deflate_pack(&d, tw_slice_from(text, len), &packed));
    ws_put(out, first, tw_buf_view(&packed));
    free(text);
    tw_buf_done(&packed);
    gw_deflate_done(&d);
}

static void compressed_and_plain_messages_may_alternate(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, PACKED_TEXT, TW_LIT(HELLO));
    ws_put(&f, WS_FIN | WS_TEXT, TW_LIT("plain"));
    ws_put(&f, PACKED_TEXT, TW_LIT("\x00\x05\x00\xfa\xffHello\x00")); /* a stored block */
    ws_put(&f, PACKED_TEXT, TW_LIT("\x00"));                          /* an empty message */
    ws_put(&f, WS_FIN | WS_RSV1 | WS_BINARY, TW_LIT(HELLO));
    ws_put(&f, WS_FIN | WS_TEXT, TW_LIT(""));
    check(&f, 0, "text<Hello>text<plain>text<Hello>text<>binary<Hello>text<>");
}

static void fragments_are_put_together_before_they_are_inflated(void **state)
{
    struct tw_slice hello = TW_LIT(HELLO);
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, WS_RSV1 | WS_TEXT, tw_slice_from(hello.at, 3));
    ws_put(&f, WS_FIN | WS_PING, TW_LIT("beat"));
    ws_put(&f, WS_MORE, TW_LIT(""));
    ws_put(&f, WS_FIN | WS_MORE, tw_slice_skip(hello, 3));
    ws_put(&f, WS_RSV1 | WS_TEXT, TW_LIT(""));
    for (size_t i = 0; i < hello.len; i++)
        ws_put(&f, WS_MORE | (i + 1 == hello.len ? WS_FIN : 0u),
               tw_slice_from(hello.at + i, 1));
    check(&f, 0, "text<Hello>text<Hello>pong(beat)");
}

static void only_the_first_frame_says_that_a_message_is_compressed(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, WS_TEXT, TW_LIT("a"));
    ws_put(&f, WS_FIN | WS_RSV1 | WS_MORE, TW_LIT("b"));
    check(&f, 1002, "close(1002)");
    f = frames_new();
    ws_put(&f, WS_RSV1 | WS_TEXT, TW_LIT(HELLO));
    ws_put(&f, WS_FIN | WS_RSV1 | WS_MORE, TW_LIT(""));
    check(&f, 1002, "close(1002)");
}

static void control_frames_are_never_compressed(void **state)
{
    static const unsigned opcodes[] = { WS_PING, WS_PONG, WS_CLOSE };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(opcodes); i++) {
        struct tw_buf f = frames_new();

        ws_put(&f, WS_FIN | WS_RSV1 | opcodes[i], TW_LIT(""));
        check(&f, 1002, "close(1002)");
    }
}

static void the_other_reserved_bits_stay_forbidden(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, PACKED_TEXT | WS_RSV2, TW_LIT(HELLO));
    check(&f, 1002, "close(1002)");
    f = frames_new();
    ws_put(&f, WS_FIN | WS_RSV3 | WS_TEXT, TW_LIT(HELLO));
    check(&f, 1002, "close(1002)");
}

static void broken_data_end_it_with_1007_and_nothing_after_them_is_read(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, PACKED_TEXT, TW_LIT(HELLO));
    ws_put(&f, WS_FIN | WS_PING, TW_LIT("1"));
    ws_put(&f, PACKED_TEXT, TW_LIT("\x07no blocks"));
    ws_put(&f, PACKED_TEXT, TW_LIT(HELLO));
    ws_put(&f, WS_FIN | WS_PING, TW_LIT("2"));
    check(&f, 1007, "text<Hello>pong(1)close(1007)");
    f = frames_new();
    ws_put(&f, PACKED_TEXT, TW_LIT("")); /* not even an empty block */
    check(&f, 1007, "close(1007)");
}

static void a_text_is_utf8_when_it_is_inflated(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    ws_put(&f, PACKED_TEXT, TW_LIT("\x00\x02\x00\xfd\xff\xc3\xbc\x00"));
    ws_put(&f, WS_FIN | WS_RSV1 | WS_BINARY, TW_LIT("\x00\x02\x00\xfd\xff\xc3\x28\x00"));
    ws_put(&f, PACKED_TEXT, TW_LIT("\x00\x02\x00\xfd\xff\xc3\x28\x00"));
    check(&f, 1007, "text<\xc3\xbc>binary<\xc3\x28>close(1007)");
    f = frames_new();
    ws_put(&f, PACKED_TEXT, TW_LIT("\x00\x01\x00\xfe\xff\xc3\x00")); /* half a character */
    check(&f, 1007, "close(1007)");
}

static void the_limit_is_for_inflated_bytes(void **state)
{
    struct tw_buf f = frames_new();

    (void)state;
    put_packed(&f, PACKED_TEXT, 'x', MAX_MESSAGE);
    put_packed(&f, PACKED_TEXT, 'x', MAX_MESSAGE + 1);
    check(&f, 1009, "text<1000 bytes>close(1009)");
    f = frames_new();
    put_packed(&f, PACKED_TEXT, '\0', 300000); /* a bomb */
    check(&f, 1009, "close(1009)");
}

static void a_message_that_grew_by_compressing_fits_and_a_plain_one_gets_no_more(void **state)
{
    struct tw_buf f = frames_new(), stored = { .max = 2000 };
    char text[MAX_MESSAGE + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < MAX_MESSAGE; i += 100) { /* blocks of 100 bytes, as they are */
        tw_buf_append(&stored, TW_LIT("\x00\x64\x00\x9b\xff"));
        tw_buf_append(&stored, tw_slice_from(text, 100));
    }
    tw_buf_char(&stored, '\0');
    assert_true(stored.len > MAX_MESSAGE);
    ws_put(&f, PACKED_TEXT, tw_buf_view(&stored));
    ws_put(&f, WS_FIN | WS_TEXT, tw_slice_from(text, MAX_MESSAGE));
    ws_put(&f, WS_FIN | WS_TEXT, tw_slice_from(text, MAX_MESSAGE + 1));
    check(&f, 1009, "text<1000 bytes>text<1000 bytes>close(1009)");
    tw_buf_done(&stored);
}

static void a_close_is_said_in_spite_of_a_flood_of_pings(void **state)
{
    struct gw_deflate deflate = { 0 };
    struct talk t = { .pool = { .max_message = MAX_MESSAGE, .deflate = &deflate },
                      .reply = { .max = 30 } };
    struct tw_buf f = frames_new(), said = { .max = 1000 };

    (void)state;
    t.ws = (struct gw_ws){ .pool = &t.pool, .on_message = on_message, .is_deflating = true };
    for (int i = 0; i < 3; i++)
        ws_put(&f, WS_FIN | WS_PING, TW_LIT("12345678"));
    ws_put(&f, PACKED_TEXT, TW_LIT("\x07"));
    assert_int_equal(gw_ws_feed(&t.ws, tw_buf_view(&f), &t.reply), 1007);
    ws_read_server(&said, tw_buf_view(&t.reply));
    assert_buf(&said, "close(1007)");
    gw_ws_done(&t.ws);
    gw_ws_pool_done(&t.pool);
    gw_deflate_done(&deflate);
    tw_buf_done(&t.reply);
    tw_buf_done(&f);
    tw_buf_done(&said);
}

/* A context that served a connection with the extension, and goes to one without. */
static void a_connection_that_did_not_agree_to_it_may_not_use_it(void **state)
{
    struct gw_deflate deflate = { 0 };
    struct gw_ws_pool pool = { .max_message = MAX_MESSAGE, .deflate = &deflate };
    struct tw_buf f = frames_new(), reply = { .max = 4096 }, said = { .max = 4096 };
    struct talk with = { .heard = { .max = 1000 } }, without = { .heard = { .max = 1000 } };

    (void)state;
    with.ws = (struct gw_ws){ .pool = &pool, .on_message = on_message, .is_deflating = true };
    without.ws = (struct gw_ws){ .pool = &pool, .on_message = on_message };
    ws_put(&f, PACKED_TEXT, TW_LIT(HELLO));
    assert_int_equal(gw_ws_feed(&with.ws, tw_buf_view(&f), &reply), 0);
    assert_int_equal(pool.spare_count, 1);
    assert_int_equal(gw_ws_feed(&without.ws, tw_buf_view(&f), &reply), 1002);
    assert_buf(&with.heard, "text<Hello>");
    assert_int_equal(without.heard.len, 0);
    ws_read_server(&said, tw_buf_view(&reply));
    assert_buf(&said, "close(1002)");
    gw_ws_done(&with.ws);
    gw_ws_done(&without.ws);
    gw_ws_pool_done(&pool);
    gw_deflate_done(&deflate);
    tw_buf_done(&with.heard);
    tw_buf_done(&f);
    tw_buf_done(&reply);
    tw_buf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_and_plain_messages_may_alternate),
        cmocka_unit_test(fragments_are_put_together_before_they_are_inflated),
        cmocka_unit_test(only_the_first_frame_says_that_a_message_is_compressed),
        cmocka_unit_test(control_frames_are_never_compressed),
        cmocka_unit_test(the_other_reserved_bits_stay_forbidden),
        cmocka_unit_test(broken_data_end_it_with_1007_and_nothing_after_them_is_read),
        cmocka_unit_test(a_text_is_utf8_when_it_is_inflated),
        cmocka_unit_test(the_limit_is_for_inflated_bytes),
        cmocka_unit_test(a_message_that_grew_by_compressing_fits_and_a_plain_one_gets_no_more),
        cmocka_unit_test(a_close_is_said_in_spite_of_a_flood_of_pings),
        cmocka_unit_test(a_connection_that_did_not_agree_to_it_may_not_use_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
