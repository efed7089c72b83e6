/* limiter_test.c - how often each key may ask, and that strangers cost no memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/limiter.h"

#include "common/util/crypto.h"
#include "test/unit/support/check.h"

#define MAX_TABLE 10000
#define MAX_ASKED 1000

/* The hash that stands for a key with this number. */
static struct tw_slice hash_of(uint64_t number, char out[TW_SHA256_HEX])
{
    tw_sha256_hex(tw_slice_from((const char *)&number, sizeof(number)), out);
    return tw_slice_from(out, TW_SHA256_HEX);
}

static int ask_until_refused(struct api_limiter *l, uint64_t number, uint64_t now_ms)
{
    char text[TW_SHA256_HEX];
    struct tw_slice key = hash_of(number, text);
    int n = 0;

    while (n < MAX_ASKED && api_limiter_allows(l, key, now_ms))
        n++;
    return n;
}

static void know(struct api_limiter *l, uint64_t number, uint64_t now_ms)
{
    char text[TW_SHA256_HEX];

    api_limiter_know(l, hash_of(number, text), now_ms);
}

static void a_known_key_may_ask_so_often(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 10, .burst = 5 });
    know(&l, 1, 1000);
    assert_int_equal(ask_until_refused(&l, 1, 1000), 5);
    assert_int_equal(l.limited.value, 1);
    assert_int_equal(ask_until_refused(&l, 1, 1100), 1);
    assert_int_equal(ask_until_refused(&l, 1, 1300), 2);
    assert_int_equal(ask_until_refused(&l, 1, 100000), 5);
    assert_int_equal(l.limited.value, 4);
    api_limiter_done(&l);
}

static void keys_do_not_wait_for_each_other(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 3 });
    know(&l, 1, 0);
    know(&l, 2, 0);
    assert_int_equal(ask_until_refused(&l, 1, 0), 3);
    assert_int_equal(ask_until_refused(&l, 2, 0), 3);
    api_limiter_done(&l);
}

static void knowing_a_key_again_gives_it_nothing(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 3 });
    know(&l, 1, 0);
    assert_int_equal(ask_until_refused(&l, 1, 0), 3);
    know(&l, 1, 0);
    assert_int_equal(ask_until_refused(&l, 1, 0), 0);
    api_limiter_done(&l);
}

static void a_stranger_is_not_limited_and_leaves_no_trace(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 1 });
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(ask_until_refused(&l, i, 0), MAX_ASKED);
    assert_int_equal(l.buckets.count, 0);
    assert_int_equal(l.limited.value, 0);
    api_limiter_done(&l);
}

static void a_full_table_takes_no_new_key_until_some_have_rested(void **state)
{
    struct api_limiter l = { 0 };
    char text[TW_SHA256_HEX];

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 10 });
    for (uint64_t i = 0; i < MAX_TABLE; i++) {
        know(&l, i, 0);
        assert_true(api_limiter_allows(&l, hash_of(i, text), 0));
    }
    assert_int_equal(l.buckets.count, MAX_TABLE);
    know(&l, MAX_TABLE, 0); /* all are in use: this one is let through uncounted */
    assert_int_equal(l.buckets.count, MAX_TABLE);
    assert_true(api_limiter_allows(&l, hash_of(MAX_TABLE, text), 0));
    know(&l, MAX_TABLE, 2000); /* by now every bucket is full again, and can be forgotten */
    assert_true(l.buckets.count < MAX_TABLE);
    assert_int_equal(ask_until_refused(&l, MAX_TABLE, 2000), 10);
    api_limiter_done(&l);
}

static void a_key_over_its_limit_is_not_forgotten_when_the_table_is_full(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 100 });
    know(&l, 0, 0);
    assert_int_equal(ask_until_refused(&l, 0, 0), 100);
    for (uint64_t i = 1; i < MAX_TABLE + 5000; i++)
        know(&l, i, 0);
    assert_true(l.buckets.count <= MAX_TABLE);
    assert_int_equal(ask_until_refused(&l, 0, 0), 0);
    api_limiter_done(&l);
}

static void an_ended_limiter_is_empty(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_done(&l);
    api_limiter_start(&l, &(struct api_limiter_options){ .per_second = 1, .burst = 1 });
    know(&l, 1, 0);
    api_limiter_done(&l);
    assert_int_equal(l.buckets.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_key_may_ask_so_often),
        cmocka_unit_test(keys_do_not_wait_for_each_other),
        cmocka_unit_test(knowing_a_key_again_gives_it_nothing),
        cmocka_unit_test(a_stranger_is_not_limited_and_leaves_no_trace),
        cmocka_unit_test(a_full_table_takes_no_new_key_until_some_have_rested),
        cmocka_unit_test(a_key_over_its_limit_is_not_forgotten_when_the_table_is_full),
        cmocka_unit_test(an_ended_limiter_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
