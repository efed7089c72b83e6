/* strangers_test.c - which wrong keys PostgreSQL is not asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/strangers.h"

#include <stdio.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct tw_strangers s;

static int begin(void **state)
{
    (void)state;
    s = (struct tw_strangers){ 0 };
    tw_strangers_start(&s);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tw_strangers_done(&s);
    return 0;
}

static struct tw_slice key(unsigned number)
{
    static char text[16];

    (void)snprintf(text, sizeof(text), "key %u", number);
    return tw_slice_of(text);
}

#define HERE TW_LIT("192.0.2.7")
#define THERE TW_LIT("192.0.2.8")

static void a_key_that_was_refused_is_refused_from_memory_for_two_seconds(void **state)
{
    (void)state;
    assert_int_equal(tw_strangers_look(&s, key(1), HERE, 1000), TW_STRANGER_ASKS);
    tw_strangers_refused(&s, key(1), HERE, 1000);
    assert_int_equal(tw_strangers_look(&s, key(1), HERE, 2999), TW_STRANGER_REFUSED);
    assert_int_equal(tw_strangers_look(&s, key(1), THERE, 2999), TW_STRANGER_REFUSED);
    assert_int_equal(tw_strangers_look(&s, key(2), HERE, 2999), TW_STRANGER_ASKS);
    assert_int_equal(tw_strangers_look(&s, key(1), HERE, 3000), TW_STRANGER_ASKS);
    assert_int_equal(s.from_memory.value, 2);
}

static void an_address_may_bring_a_hundred_wrong_keys_and_ten_a_second(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(tw_strangers_look(&s, key(i), HERE, 1000), TW_STRANGER_ASKS);
        tw_strangers_refused(&s, key(i), HERE, 1000);
    }
    assert_int_equal(tw_strangers_look(&s, key(100), HERE, 1000), TW_STRANGER_LIMITED);
    assert_int_equal(tw_strangers_look(&s, key(100), THERE, 1000), TW_STRANGER_ASKS);
    assert_int_equal(tw_strangers_look(&s, key(100), TW_EMPTY, 1000), TW_STRANGER_ASKS);
    assert_int_equal(tw_strangers_look(&s, key(100), HERE, 1100), TW_STRANGER_ASKS);
    tw_strangers_refused(&s, key(100), HERE, 1100);
    assert_int_equal(tw_strangers_look(&s, key(101), HERE, 1100), TW_STRANGER_LIMITED);
    assert_int_equal(s.limited.value, 2);
}

static void so_many_are_remembered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12000; i++)
        tw_strangers_refused(&s, key(i), key(i), 1000);
    assert_int_equal(s.refused.map.count, 10000);
    assert_int_equal(s.addresses.lru.map.count, 10000);
    assert_int_equal(tw_strangers_look(&s, key(11999), TW_EMPTY, 1000), TW_STRANGER_REFUSED);
    assert_int_equal(tw_strangers_look(&s, key(1), TW_EMPTY, 1000), TW_STRANGER_ASKS);
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_key_that_was_refused_is_refused_from_memory_for_two_seconds),
        test(an_address_may_bring_a_hundred_wrong_keys_and_ten_a_second),
        test(so_many_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
