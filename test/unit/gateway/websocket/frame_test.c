/* frame_test.c - frames as RFC 6455 section 5.2 wants them, and who holds them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/frame.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/deflate.h"
#include "test/unit/support/check.h"

static const struct {
    size_t payload;
    size_t head;
    unsigned char bytes[10];
} lengths[] = {
    { 0, 2, { 0x81, 0 } },
    { 1, 2, { 0x81, 1 } },
    { 125, 2, { 0x81, 125 } },
    { 126, 4, { 0x81, 126, 0, 126 } },
    { 127, 4, { 0x81, 126, 0, 127 } },
    { 256, 4, { 0x81, 126, 1, 0 } },
    { 65535, 4, { 0x81, 126, 255, 255 } },
    { 65536, 10, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 } },
    { 1048577, 10, { 0x81, 127, 0, 0, 0, 0, 0, 16, 0, 1 } },
};

static void a_text_has_the_shortest_head_that_fits(void **state)
{
    char *text = malloc(1048577);

    (void)state;
    memset(text, 'x', 1048577);
    for (size_t i = 0; i < TW_COUNT(lengths); i++) {
        struct tw_slice payload = { text, lengths[i].payload };
        struct gw_frame *f = gw_frame_text(payload);
        struct tw_slice bytes = gw_frame_bytes(f);

        assert_int_equal(bytes.len, lengths[i].head + lengths[i].payload);
        assert_memory_equal(bytes.at, lengths[i].bytes, lengths[i].head);
        assert_true(tw_slice_eq(gw_frame_payload(f), payload));
        assert_true(tw_slice_eq(tw_slice_skip(bytes, lengths[i].head), payload));
        gw_frame_unref(f);
    }
    free(text);
}

static void a_frame_has_a_copy_of_its_payload(void **state)
{
    char text[] = "abc";
    struct gw_frame *f = gw_frame_text(tw_slice_of(text));

    (void)state;
    memset(text, 'x', 3);
    assert_slice(gw_frame_payload(f), "abc");
    gw_frame_unref(f);
}

static void a_ping_and_raw_bytes_are_what_they_are(void **state)
{
    struct gw_frame *ping = gw_frame_control(GW_OPCODE_PING, (struct tw_slice){ NULL, 0 });
    struct gw_frame *raw = gw_frame_raw(TW_LIT("HTTP/1.1 101\r\n\r\n"));
    struct gw_frame *empty = gw_frame_raw((struct tw_slice){ NULL, 0 });

    (void)state;
    assert_int_equal(gw_frame_bytes(ping).len, 2);
    assert_memory_equal(gw_frame_bytes(ping).at, "\x89\x00", 2);
    assert_slice(gw_frame_bytes(raw), "HTTP/1.1 101\r\n\r\n");
    assert_slice(gw_frame_payload(raw), "HTTP/1.1 101\r\n\r\n");
    assert_int_equal(gw_frame_bytes(empty).len, 0);
    gw_frame_unref(ping);
    gw_frame_unref(raw);
    gw_frame_unref(empty);
}

static void a_close_has_its_code_and_its_reason(void **state)
{
    struct gw_frame *f = gw_frame_close(1013, TW_LIT("too slow"));
    struct gw_frame *none = gw_frame_close(0, TW_LIT("never seen"));
    struct gw_frame *bare = gw_frame_close(1001, (struct tw_slice){ NULL, 0 });

    (void)state;
    assert_int_equal(gw_frame_bytes(f).len, 12);
    assert_memory_equal(gw_frame_bytes(f).at, "\x88\x0a\x03\xf5too slow", 12);
    assert_int_equal(gw_frame_bytes(none).len, 2);
    assert_memory_equal(gw_frame_bytes(none).at, "\x88\x00", 2);
    assert_int_equal(gw_frame_bytes(bare).len, 4);
    assert_memory_equal(gw_frame_bytes(bare).at, "\x88\x02\x03\xe9", 4);
    gw_frame_unref(f);
    gw_frame_unref(none);
    gw_frame_unref(bare);
}

static void a_reason_is_cut_to_what_a_control_frame_takes(void **state)
{
    char reason[200];
    struct gw_frame *f;

    (void)state;
    memset(reason, 'r', sizeof(reason));
    f = gw_frame_close(1008, tw_slice_from(reason, sizeof(reason)));
    assert_int_equal(gw_frame_payload(f).len, 125);
    assert_int_equal((unsigned char)gw_frame_bytes(f).at[1], 125);
    gw_frame_unref(f);
    f = gw_frame_close(1008, tw_slice_from(reason, 123));
    assert_int_equal(gw_frame_payload(f).len, 125);
    gw_frame_unref(f);
}

static void the_last_reference_frees(void **state)
{
    struct gw_frame *f = gw_frame_text(TW_LIT("shared"));

    (void)state;
    assert_int_equal(f->references, 1);
    assert_ptr_equal(gw_frame_ref(f), f);
    assert_int_equal(f->references, 2);
    gw_frame_unref(f);
    assert_slice(gw_frame_payload(f), "shared");
    gw_frame_unref(f); /* the sanitizer tells when this was not the last one */
    gw_frame_unref(NULL);
}

/* A text that compresses well, of `len` bytes. */
static struct gw_frame *frame_of(size_t len)
{
    char *text = malloc(len);
    struct gw_frame *f;

    assert_non_null(text);
    memset(text, 'x', len);
    f = gw_frame_text(tw_slice_from(text, len));
    free(text);
    return f;
}

static void a_long_text_is_compressed_once_and_for_all(void **state)
{
    struct gw_frame *f = frame_of(2000), *twin;
    struct tw_buf back = { .max = 5000 };
    struct gw_deflate d = { 0 };

    (void)state;
    assert_int_equal(gw_frame_weight(f), 2004);
    twin = gw_frame_deflated(f, &d);
    assert_ptr_not_equal(twin, f);
    assert_ptr_equal(gw_frame_deflated(f, &d), twin);
    assert_ptr_equal(gw_frame_deflated(twin, &d), twin);
    assert_int_equal(d.packed.value, 1);
    assert_int_equal(gw_frame_weight(f), 2004 + twin->len);
    assert_int_equal((unsigned char)gw_frame_bytes(twin).at[0], 0xc1); /* FIN, RSV1, text */
    assert_int_equal((unsigned char)gw_frame_bytes(twin).at[1], twin->len - 2);
    assert_int_equal(gw_deflate_unpack(&d, gw_frame_payload(twin), &back), 0);
    assert_true(tw_slice_eq(tw_buf_view(&back), gw_frame_payload(f)));

    gw_frame_ref(twin); /* a queue has it */
    gw_frame_unref(f);
    assert_int_equal(twin->references, 1);
    assert_int_equal(gw_frame_weight(twin), twin->len);
    gw_frame_unref(twin);
    tw_buf_done(&back);
    gw_deflate_done(&d);
}

static void short_texts_and_other_frames_go_plain(void **state)
{
    struct gw_frame *small = frame_of(GW_DEFLATE_LEAST - 1);
    struct gw_frame *enough = frame_of(GW_DEFLATE_LEAST), *raw;
    struct gw_deflate d = { 0 };

    (void)state;
    raw = gw_frame_raw(gw_frame_bytes(enough)); /* a pong's burst, an answer to a handshake */
    assert_ptr_equal(gw_frame_deflated(small, &d), small);
    assert_ptr_equal(gw_frame_deflated(raw, &d), raw);
    assert_null(d.deflating);
    assert_ptr_not_equal(gw_frame_deflated(enough, &d), enough);
    gw_frame_unref(small);
    gw_frame_unref(enough);
    gw_frame_unref(raw);
    gw_deflate_done(&d);
}

static void a_text_that_does_not_get_shorter_goes_plain_and_is_tried_once(void **state)
{
    struct dice dice = dice_new();
    struct gw_deflate d = { 0 };
    struct gw_frame *f;
    char text[3000];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)dice_roll(&dice, 256);
    f = gw_frame_text(tw_slice_from(text, sizeof(text)));
    assert_ptr_equal(gw_frame_deflated(f, &d), f);
    gw_deflate_done(&d);
    assert_ptr_equal(gw_frame_deflated(f, &d), f);
    assert_null(d.deflating); /* it was not asked again */
    assert_int_equal(f->references, 1);
    assert_int_equal(gw_frame_weight(f), f->len);
    gw_frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_has_the_shortest_head_that_fits),
        cmocka_unit_test(a_frame_has_a_copy_of_its_payload),
        cmocka_unit_test(a_ping_and_raw_bytes_are_what_they_are),
        cmocka_unit_test(a_close_has_its_code_and_its_reason),
        cmocka_unit_test(a_reason_is_cut_to_what_a_control_frame_takes),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(a_long_text_is_compressed_once_and_for_all),
        cmocka_unit_test(short_texts_and_other_frames_go_plain),
        cmocka_unit_test(a_text_that_does_not_get_shorter_goes_plain_and_is_tried_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
