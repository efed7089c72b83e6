/* close_test.c - the reasons fit into a close frame, and their codes may be sent.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/close.h"

#include "gateway/websocket/frame.h"
#include "test/unit/support/check.h"
#include "test/unit/support/ws_frames.h"

#define ROWS (sizeof(struct gw_closes) / sizeof(struct gw_close))

/* The struct has rows as its only members. */
static const struct gw_close *row_at(size_t i)
{
    return (const struct gw_close *)(const void *)&gw_closes + i;
}

static void every_reason_has_a_text_that_fits_a_close_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_non_null(row_at(i)->reason);
        assert_row(row_at(i)->reason[0] != '\0', row_at(i)->reason);
        assert_row(strlen(row_at(i)->reason) <= 123, row_at(i)->reason); /* 125 with the code */
    }
}

static void every_code_is_none_or_one_that_an_endpoint_may_send(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        unsigned code = row_at(i)->code;

        assert_row(code == GW_CLOSE_NONE ||
                       (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)),
                   row_at(i)->reason);
    }
}

static void no_two_reasons_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < i; k++)
            assert_row(strcmp(row_at(i)->reason, row_at(k)->reason) != 0, row_at(i)->reason);
}

static void a_client_sees_the_code_and_the_text(void **state)
{
    struct gw_frame *f =
        gw_frame_close(gw_closes.slow.code, tw_slice_of(gw_closes.slow.reason));
    struct tw_buf text = { .max = 256 };

    (void)state;
    ws_read_server(&text, gw_frame_bytes(f));
    assert_buf(&text, "close(1013 reading too slowly; connect again)");
    tw_buf_done(&text);
    gw_frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_text_that_fits_a_close_frame),
        cmocka_unit_test(every_code_is_none_or_one_that_an_endpoint_may_send),
        cmocka_unit_test(no_two_reasons_say_the_same),
        cmocka_unit_test(a_client_sees_the_code_and_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
