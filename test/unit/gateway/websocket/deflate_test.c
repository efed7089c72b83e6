/* deflate_test.c - messages compressed and back: the RFC's own, broken ones, and bombs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/deflate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

#define MOST ((size_t)64 * 1024)

/* What a payload stands for, when `r` is 0. The payload is read from a copy of its size. */
static int unpack(struct gw_deflate *d, struct tw_slice payload, struct tw_buf *out)
{
    char *copy = exact_copy(payload);
    int r = gw_deflate_unpack(d, tw_slice_from(copy, payload.len), out);

    free(copy);
    return r;
}

static void check_unpacked(struct tw_slice payload, const char *want)
{
    struct gw_deflate d = { 0 };
    struct tw_buf out = { .max = MOST };

    for (int i = 0; i < 2; i++) { /* the second time with a state that was used */
        tw_buf_clear(&out);
        assert_row(unpack(&d, payload, &out) == 0, want);
        assert_buf(&out, want);
    }
    tw_buf_done(&out);
    gw_deflate_done(&d);
}

static void the_examples_of_the_rfc_are_inflated(void **state)
{
    (void)state;
    check_unpacked(TW_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello"); /* section 7.2.3.1 */
    check_unpacked(TW_LIT("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello"); /* .3 */
    check_unpacked(TW_LIT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello");             /* .4 */
    check_unpacked(TW_LIT("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), "Hello");
    check_unpacked(TW_LIT("\x00"), ""); /* section 7.2.3.6 */
}

static void blocks_may_follow_a_final_one(void **state)
{
    (void)state;
    check_unpacked(TW_LIT("\xf3\x48\xcd\xc9\xc9\x07\x00"
                          "\xf3\x48\xcd\xc9\xc9\x07\x00"
                          "\xf2\x48\xcd\xc9\xc9\x07\x00"),
                   "HelloHelloHello");
}

/* Section 7.2.3.2: the second message of a sender that remembers the first one. */
static void no_message_may_refer_to_an_earlier_one(void **state)
{
    struct gw_deflate d = { 0 };
    struct tw_buf out = { .max = MOST };

    (void)state;
    assert_int_equal(unpack(&d, TW_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), &out), 0);
    assert_int_equal(unpack(&d, TW_LIT("\xf2\x00\x11\x00\x00"), &out), TW_ESYNTAX);
    assert_int_equal(d.unpacked.value, 1);
    tw_buf_done(&out);
    gw_deflate_done(&d);
}

static void broken_data_are_refused_and_the_next_message_is_read(void **state)
{
    static const struct tw_slice broken[] = {
        { "", 0 },                         /* no block at all */
        { "\x07", 1 },                     /* the reserved type of block */
        { "\x00\x05\x00\xfa", 4 },         /* a length without its complement */
        { "\x00\x05\x00\xfb\xff", 5 },     /* a wrong complement */
        { "\x00\x06\x00\xf9\xff\x48", 6 }, /* fewer bytes than announced */
        { "\xf2\x48\xcd\xc9\xc9\x07\x00\x01", 8 },
        { "\xf2\x48\xcd\xc9\xc9\x07\x00{}", 9 }, /* text after the blocks */
        { "\xf3\x48\xcd\xc9\xc9\x07\x00", 7 },   /* a final block, and nothing after it */
        { "{\"type\":\"ping\"}", 15 },
        { "\x04\x00\xff\xff\xff\xff\xff\xff", 8 }, /* lengths of codes that cannot be */
    };
    struct gw_deflate d = { 0 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(broken); i++) {
        struct tw_buf out = { .max = MOST };
        char row[20];

        (void)snprintf(row, sizeof(row), "row %zu", i);
        assert_row(unpack(&d, broken[i], &out) == TW_ESYNTAX, row);
        tw_buf_clear(&out);
        assert_int_equal(unpack(&d, TW_LIT("\xf2\x48\xcd\xc9\xc9\x07\x00"), &out), 0);
        assert_buf(&out, "Hello");
        tw_buf_done(&out);
    }
    gw_deflate_done(&d);
}

/* An order as a shop sends it, long enough for compressing. */
static void put_order(struct tw_buf *out, size_t least)
{
    for (uint64_t i = 0; out->len < least; i++) {
        tw_buf_text(out, "{\"id\":\"i");
        tw_buf_u64(out, i * 7919 % 1000);
        tw_buf_text(out, "\",\"name\":\"R\xc3\xa4uchertofu\",\"price\":");
        tw_buf_u64(out, i * 31 % 100);
        tw_buf_text(out, ".50,\"quantity\":1,\"selectedAddons\":[]},");
    }
}

static void a_payload_that_is_cut_short_is_refused(void **state)
{
    struct gw_deflate d = { 0 };
    struct tw_buf text = { .max = MOST }, packed = { .max = MOST };

    (void)state;
    put_order(&text, 3000);
    assert_true(gw_deflate_pack(&d, tw_buf_view(&text), &packed));
    for (size_t n = 0; n < packed.len; n++) {
        struct tw_buf out = { .max = MOST };
        int r = unpack(&d, tw_slice_from(packed.at, n), &out);

        if (r != TW_ESYNTAX)
            fail_msg("cut after %zu of %zu bytes: %d", n, packed.len, r);
        tw_buf_done(&out);
    }
    tw_buf_done(&text);
    tw_buf_done(&packed);
    gw_deflate_done(&d);
}

static void a_message_comes_back_as_it_was(void **state)
{
    struct gw_deflate d = { 0 };
    struct dice dice = dice_new();

    (void)state;
    assert_null(d.deflating); /* a process without such clients has no states */
    for (size_t n = 20; n < 1048576; n = n * 3 / 2) {
        struct tw_buf text = { .max = 2 * 1048576 }, packed = { .max = 2 * 1048576 };
        struct tw_buf back = { .max = 2 * 1048576 };

        put_order(&text, n);
        for (size_t i = 0; i < text.len / 50; i++) /* bytes of any value */
            text.at[dice_roll(&dice, text.len)] = (char)dice_roll(&dice, 256);
        assert_true(gw_deflate_pack(&d, tw_buf_view(&text), &packed));
        assert_int_equal(unpack(&d, tw_buf_view(&packed), &back), 0);
        assert_true(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&text)));
        tw_buf_done(&text);
        tw_buf_done(&packed);
        tw_buf_done(&back);
    }
    assert_int_equal(d.packed.value, d.unpacked.value);
    assert_true(d.plain_bytes.value > 3 * d.packed_bytes.value);
    gw_deflate_done(&d);
    gw_deflate_done(&d);
}

static void a_message_that_does_not_get_smaller_is_not_compressed(void **state)
{
    struct gw_deflate d = { 0 };
    struct dice dice = dice_new();
    struct tw_buf text = { .max = MOST }, order = { .max = MOST };

    (void)state;
    while (text.len < 5000)
        tw_buf_char(&text, (char)dice_roll(&dice, 256));
    for (size_t max = 0; max <= text.len; max += 100) {
        struct tw_buf packed = { .max = max };

        assert_false(gw_deflate_pack(&d, tw_buf_view(&text), &packed));
        tw_buf_done(&packed);
    }
    assert_int_equal(d.packed.value, 0);
    put_order(&order, 1024); /* and the next one is */
    tw_buf_clear(&text);
    assert_true(gw_deflate_pack(&d, tw_buf_view(&order), &text));
    tw_buf_done(&text);
    tw_buf_done(&order);
    gw_deflate_done(&d);
}

static void a_bomb_is_given_up_at_the_limit(void **state)
{
    struct gw_deflate d = { 0 };
    size_t len = (size_t)64 * 1048576;
    char *zeros = calloc(1, len);
    struct tw_buf bomb = { .max = 1048576 };

    (void)state;
    assert_non_null(zeros);
    assert_true(gw_deflate_pack(&d, tw_slice_from(zeros, len), &bomb));
    assert_true(bomb.len < MOST + 1000);
    for (size_t max = 0; max < 300000; max = max * 3 + 1) {
        struct tw_buf out = { .max = max };

        assert_int_equal(unpack(&d, tw_buf_view(&bomb), &out), TW_ETOOBIG);
        assert_true(out.cap <= 2 * max + 64);
        tw_buf_done(&out);
    }
    assert_int_equal(d.unpacked.value, 0);
    free(zeros);
    tw_buf_done(&bomb);
    gw_deflate_done(&d);
}

static void a_message_as_long_as_the_limit_fits_and_one_byte_more_does_not(void **state)
{
    struct gw_deflate d = { 0 };
    static const char zeros[8194];

    (void)state;
    for (size_t n = 4090; n < sizeof(zeros); n += 2049) { /* at pieces' ends and elsewhere */
        struct tw_buf packed = { .max = 1000 }, out = { .max = n };

        assert_true(gw_deflate_pack(&d, tw_slice_from(zeros, n), &packed));
        assert_int_equal(unpack(&d, tw_buf_view(&packed), &out), 0);
        assert_int_equal(out.len, n);
        tw_buf_done(&out);
        out.max = n - 1;
        assert_int_equal(unpack(&d, tw_buf_view(&packed), &out), TW_ETOOBIG);
        tw_buf_done(&out);
        tw_buf_done(&packed);
    }
    gw_deflate_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_are_inflated),
        cmocka_unit_test(blocks_may_follow_a_final_one),
        cmocka_unit_test(no_message_may_refer_to_an_earlier_one),
        cmocka_unit_test(broken_data_are_refused_and_the_next_message_is_read),
        cmocka_unit_test(a_payload_that_is_cut_short_is_refused),
        cmocka_unit_test(a_message_comes_back_as_it_was),
        cmocka_unit_test(a_message_that_does_not_get_smaller_is_not_compressed),
        cmocka_unit_test(a_bomb_is_given_up_at_the_limit),
        cmocka_unit_test(a_message_as_long_as_the_limit_fits_and_one_byte_more_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
