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
    struct api_allowance said;
    int n = 0;

    while (n < MAX_ASKED && api_limiter_allows(l, key, now_ms, &said))
        n++;
    return n;
}

static void know(struct api_limiter *l, uint64_t number, uint64_t now_ms)
{
    char text[TW_SHA256_HEX];

    api_limiter_know(l, hash_of(number, text), TW_EMPTY, now_ms);
}

static void a_known_key_may_ask_so_often(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 10, 5 } });
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
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 3 } });
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
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 3 } });
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
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 1 } });
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(ask_until_refused(&l, i, 0), MAX_ASKED);
    assert_int_equal(l.buckets.count, 0);
    assert_int_equal(l.limited.value, 0);
    api_limiter_done(&l);
}

static void a_full_table_takes_no_new_key_until_some_have_rested(void **state)
{
    struct api_limiter l = { 0 };
    struct api_allowance said;
    char text[TW_SHA256_HEX];

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 10 } });
    for (uint64_t i = 0; i < MAX_TABLE; i++) {
        know(&l, i, 0);
        assert_true(api_limiter_allows(&l, hash_of(i, text), 0, &said));
    }
    assert_int_equal(l.buckets.count, MAX_TABLE);
    know(&l, MAX_TABLE, 0); /* all are in use: this one is let through uncounted */
    assert_int_equal(l.buckets.count, MAX_TABLE);
    assert_true(api_limiter_allows(&l, hash_of(MAX_TABLE, text), 0, &said));
    know(&l, MAX_TABLE, 2000); /* by now every bucket is full again, and can be forgotten */
    assert_true(l.buckets.count < MAX_TABLE);
    assert_int_equal(ask_until_refused(&l, MAX_TABLE, 2000), 10);
    api_limiter_done(&l);
}

static void a_key_over_its_limit_is_not_forgotten_when_the_table_is_full(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 100 } });
    know(&l, 0, 0);
    assert_int_equal(ask_until_refused(&l, 0, 0), 100);
    for (uint64_t i = 1; i < MAX_TABLE + 5000; i++)
        know(&l, i, 0);
    assert_true(l.buckets.count <= MAX_TABLE);
    assert_int_equal(ask_until_refused(&l, 0, 0), 0);
    api_limiter_done(&l);
}

#define KITCHEN "69fb5687-044a-48af-ac0e-d6b817aec684"
#define BAKERY "69fb5687-044a-48af-ac0e-d6b817aec685"

static void know_of(struct api_limiter *l, uint64_t number, const char *tenant, uint64_t now_ms)
{
    char text[TW_SHA256_HEX];

    api_limiter_know(l, hash_of(number, text), tw_slice_of(tenant), now_ms);
}

static void keys_of_a_tenant_share_its_rate(void **state)
{
    struct api_limiter l = { 0 };
    struct api_allowance said;
    char text[TW_SHA256_HEX];

    (void)state;
    api_limiter_start(&l,
                      &(struct api_limiter_options){ .key = { 10, 5 }, .tenant = { 1, 8 } });
    know_of(&l, 1, KITCHEN, 0);
    know_of(&l, 2, "", 0);
    know_of(&l, 2, KITCHEN, 0); /* it was not known at first */
    know_of(&l, 3, BAKERY, 0);
    assert_int_equal(ask_until_refused(&l, 1, 0), 5);
    assert_int_equal(ask_until_refused(&l, 2, 0), 3);
    assert_int_equal(ask_until_refused(&l, 3, 0), 5);
    assert_int_equal(l.limited.value, 2);
    assert_int_equal(l.limited_tenants.value, 1);
    assert_false(api_limiter_allows(&l, hash_of(2, text), 0, &said));
    assert_true(said.is_of_tenant);
    assert_int_equal(said.again_in_ms, 1000);
    assert_int_equal(said.key.left, 2); /* it was not taken from there */
    assert_int_equal(ask_until_refused(&l, 2, 1000), 1);
    api_limiter_done(&l);
    assert_int_equal(l.tenants.count, 0);
}

static void a_tenant_may_have_a_rate_of_its_own(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_start(&l,
                      &(struct api_limiter_options){ .key = { 100, 100 }, .tenant = { 1, 8 } });
    api_limiter_learn(&l, 1,
                      TW_LIT(KITCHEN " 5 20\n" BAKERY " 0 9\nx\n" BAKERY " 9\n" BAKERY
                                     " 9 x\n\n" BAKERY " 9 1000001"));
    know_of(&l, 1, KITCHEN, 0);
    know_of(&l, 2, BAKERY, 0);
    assert_int_equal(ask_until_refused(&l, 1, 0), 20);
    assert_int_equal(ask_until_refused(&l, 1, 1000), 5);
    assert_int_equal(ask_until_refused(&l, 2, 0), 8); /* what could not be read is none */
    api_limiter_learn(&l, 1, TW_EMPTY);
    assert_int_equal(ask_until_refused(&l, 1, 100000), 8);
    api_limiter_done(&l);
}

static void apis_share_the_rates(void **state)
{
    struct api_limiter l = { 0 };
    struct api_allowance said;
    char text[TW_SHA256_HEX];

    (void)state;
    api_limiter_start(
        &l, &(struct api_limiter_options){ .key = { 10, 40 }, .tenant = { 100, 1000 } });
    know_of(&l, 1, KITCHEN, 0);
    api_limiter_learn(&l, 4, TW_EMPTY);
    assert_int_equal(ask_until_refused(&l, 1, 0), 10);
    assert_int_equal(ask_until_refused(&l, 1, 1200), 3); /* 2.5 a second, of 10 */
    assert_false(api_limiter_allows(&l, hash_of(1, text), 1200, &said));
    assert_int_equal(said.key.left, 0);
    assert_int_equal(said.key.rate.burst, 40);
    assert_int_equal(said.again_in_ms, 400);
    api_limiter_learn(&l, 50,
                      TW_EMPTY); /* more than can be taken at once: one when it is full */
    assert_int_equal(ask_until_refused(&l, 1, 10000), 1);
    assert_int_equal(ask_until_refused(&l, 1, 14900), 0);
    assert_int_equal(ask_until_refused(&l, 1, 15000), 1);
    api_limiter_done(&l);
}

static void an_allowance_says_what_is_left(void **state)
{
    struct api_limiter l = { 0 };
    struct api_allowance said;
    char text[TW_SHA256_HEX];
    struct tw_buf policy = { .max = 200 }, left = { .max = 200 };

    (void)state;
    api_limiter_start(
        &l, &(struct api_limiter_options){ .key = { 10, 25 }, .tenant = { 100, 1000 } });
    assert_true(api_limiter_allows(&l, hash_of(1, text), 0, &said));
    api_allowance_policy(&said, &policy);
    api_allowance_left(&said, &left);
    assert_buf(&policy, "");
    assert_buf(&left, "");
    know_of(&l, 1, KITCHEN, 0);
    assert_true(api_limiter_allows(&l, hash_of(1, text), 0, &said));
    api_allowance_policy(&said, &policy);
    api_allowance_left(&said, &left);
    assert_buf(&policy, "\"key\";q=25;w=3, \"tenant\";q=1000;w=10");
    assert_buf(&left, "\"key\";r=24;t=1, \"tenant\";r=999;t=1");
    tw_buf_done(&policy);
    tw_buf_done(&left);
    api_limiter_done(&l);
}

static void an_ended_limiter_is_empty(void **state)
{
    struct api_limiter l = { 0 };

    (void)state;
    api_limiter_done(&l);
    api_limiter_start(&l, &(struct api_limiter_options){ .key = { 1, 1 } });
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
        cmocka_unit_test(keys_of_a_tenant_share_its_rate),
        cmocka_unit_test(a_tenant_may_have_a_rate_of_its_own),
        cmocka_unit_test(apis_share_the_rates),
        cmocka_unit_test(an_allowance_says_what_is_left),
        cmocka_unit_test(an_ended_limiter_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
