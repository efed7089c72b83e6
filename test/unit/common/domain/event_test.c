/* event_test.c - canonical events and their channels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

static const char example[] =
    "{\"seq\":17,\"type\":\"order.created\",\"at\":\"2025-10-10T22:00:00.123Z\","
    "\"origin\":{\"kind\":\"api\",\"device\":\"till-1\"},"
    "\"data\":{\"orderId\":12345,\"totalAmount\":21.40}}";

static void an_event_is_read_into_its_parts(void **state)
{
    struct tw_event ev;

    (void)state;
    assert_int_equal(tw_event_read(TW_LIT(example), &ev), 0);
    assert_int_equal(ev.seq, 17);
    assert_slice(ev.type, "order.created");
    assert_slice(ev.at, "2025-10-10T22:00:00.123Z");
    assert_slice(ev.origin, "{\"kind\":\"api\",\"device\":\"till-1\"}");
    assert_slice(ev.data, "{\"orderId\":12345,\"totalAmount\":21.40}");
    assert_slice(ev.raw, example);
    assert_true(ev.data.at > ev.raw.at && ev.data.at < ev.raw.at + ev.raw.len);
}

static void the_order_of_members_and_further_ones_do_not_matter(void **state)
{
    struct tw_event ev;

    (void)state;
    assert_int_equal(
        tw_event_read(TW_LIT("{\"data\":{},\"later\":[1],\"at\":\"t\",\"origin\":{},"
                             "\"type\":\"x\",\"seq\":18446744073709551615}"),
                      &ev),
        0);
    assert_int_equal(ev.seq, UINT64_MAX);
    assert_slice(ev.data, "{}");
    assert_slice(ev.origin, "{}");
    assert_true(ev.origin.at > ev.raw.at && ev.origin.at < ev.raw.at + ev.raw.len);
}

static void an_event_with_a_part_missing_or_of_another_type_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "1",
        "\"seq\"",
        "{\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":5,\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":[],\"data\":{}}",
        "{\"seq\":0,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":-1,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1.5,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1e3,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":\"1\",\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":null,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":18446744073709551616,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":\"\",\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":5,\"at\":\"t\",\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":5,\"origin\":{},\"data\":{}}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":[]}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":null}",
        "{\"seq\":1,\"type\":\"x\",\"at\":\"t\",\"origin\":{},\"data\":\"{\"}",
    };
    struct tw_event ev = { .seq = 7 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        assert_row(tw_event_read(tw_slice_of(bad[i]), &ev) == TW_ESYNTAX, bad[i]);
        assert_int_equal(ev.seq, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_read_into_its_parts),
        cmocka_unit_test(the_order_of_members_and_further_ones_do_not_matter),
        cmocka_unit_test(an_event_with_a_part_missing_or_of_another_type_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
