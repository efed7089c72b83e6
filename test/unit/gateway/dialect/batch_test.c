/* batch_test.c - the messages that one event becomes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/batch.h"

#include "common/util/base.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/frame.h"
#include "test/unit/support/check.h"

static void messages_are_encoded_once_in_their_order(void **state)
{
    struct gw_batch b = { 0 };

    (void)state;
    gw_batch_add(&b, TW_LIT("one"));
    gw_batch_add(&b, TW_LIT(""));
    assert_int_equal(b.count, 2);
    assert_int_equal(b.bytes, 5 + 2); /* as frames */
    assert_slice(gw_frame_payload(b.frames[0]), "one");
    assert_slice(gw_frame_payload(b.frames[1]), "");
    gw_batch_done(&b);
    assert_int_equal(b.count + b.bytes, 0);
    gw_batch_done(&b);
}

static void it_takes_as_many_as_it_may(void **state)
{
    struct gw_batch b = { 0 };

    (void)state;
    for (size_t i = 0; i < GW_MAX_BATCH; i++)
        gw_batch_add(&b, TW_LIT("x"));
    assert_int_equal(b.count, GW_MAX_BATCH);
    gw_batch_done(&b);
}

static void a_held_frame_outlives_its_batch(void **state)
{
    struct gw_batch b = { 0 };
    struct gw_frame *f;

    (void)state;
    gw_batch_add(&b, TW_LIT("kept"));
    f = gw_frame_ref(b.frames[0]);
    gw_batch_done(&b);
    assert_slice(gw_frame_payload(f), "kept");
    gw_frame_unref(f);
}

static void what_was_compressed_since_is_weighed(void **state)
{
    static char text[3000];
    struct gw_deflate deflate = { 0 };
    struct gw_batch b = { 0 };
    size_t twin;

    (void)state;
    gw_batch_add(&b, TW_LIT("short"));
    gw_batch_add(&b, tw_slice_from(text, sizeof(text)));
    assert_int_equal(gw_batch_weigh(&b), 0);
    twin = gw_frame_deflated(b.frames[1], &deflate)->len;
    assert_int_equal(gw_batch_weigh(&b), twin);
    assert_int_equal(b.bytes, 7 + 4 + sizeof(text) + twin);
    assert_int_equal(gw_batch_weigh(&b), 0);
    gw_batch_done(&b);
    gw_deflate_done(&deflate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_encoded_once_in_their_order),
        cmocka_unit_test(it_takes_as_many_as_it_may),
        cmocka_unit_test(a_held_frame_outlives_its_batch),
        cmocka_unit_test(what_was_compressed_since_is_weighed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
