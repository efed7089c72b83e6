/* handshakes_test.c - whose turn it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/handshakes.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

#define WAITING 10

struct fixture {
    struct tw_loop *loop;
    struct tw_deadline alive; /* a loop without anything to wait for does not turn */
    struct tw_handshakes all;
    struct tw_handshake waiting[WAITING];
    struct tw_handshake *ran[2 * WAITING];
    size_t count;
};

static struct fixture *the_fixture;

static void note(struct tw_handshake *h)
{
    struct fixture *f = the_fixture;

    f->ran[f->count++] = h;
    if (f->count == 1)
        tw_handshakes_wait(&f->all, h); /* its next step comes after all others */
}

static void on_alive(struct tw_deadline *d)
{
    (void)d;
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = net_loop_new();
    tw_after(f->loop, &f->alive, 3600000, on_alive);
    tw_handshakes_start(&f->all, f->loop);
    for (size_t i = 0; i < WAITING; i++)
        f->waiting[i].run = note;
    *state = the_fixture = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_after_cancel(f->loop, &f->alive);
    tw_handshakes_stop(&f->all);
    net_loop_free(f->loop);
    free(f);
    return 0;
}

static void four_run_in_a_turn_in_the_order_of_asking(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < WAITING; i++) {
        tw_handshakes_wait(&f->all, &f->waiting[i]);
        tw_handshakes_wait(&f->all, &f->waiting[i]); /* once is enough */
    }
    assert_int_equal(f->count, 0);
    (void)uv_run(&f->loop->uv, UV_RUN_NOWAIT);
    assert_int_equal(f->count, 4);
    await(f->loop, f->count == WAITING + 1);
    for (size_t i = 0; i < WAITING; i++)
        assert_ptr_equal(f->ran[i], &f->waiting[i]);
    assert_ptr_equal(f->ran[WAITING], &f->waiting[0]);
}

static void who_leaves_has_no_turn(void **state)
{
    struct fixture *f = *state;

    tw_handshakes_wait(&f->all, &f->waiting[0]);
    tw_handshakes_wait(&f->all, &f->waiting[1]);
    tw_handshakes_leave(&f->waiting[0]);
    tw_handshakes_leave(&f->waiting[0]);
    await(f->loop, f->count > 0);
    assert_ptr_equal(f->ran[0], &f->waiting[1]);
}

static void an_address_has_a_bucket_of_its_own(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < TW_HANDSHAKES_AT_ONCE; i++)
        assert_true(tw_handshakes_allows(&f->all, TW_LIT("10.0.0.1")));
    assert_false(tw_handshakes_allows(&f->all, TW_LIT("10.0.0.1")));
    assert_true(tw_handshakes_allows(&f->all, TW_LIT("10.0.0.2")));
    f->loop->now_ms += 1000;
    for (int i = 0; i < TW_HANDSHAKES_A_SECOND; i++)
        assert_true(tw_handshakes_allows(&f->all, TW_LIT("10.0.0.1")));
    assert_false(tw_handshakes_allows(&f->all, TW_LIT("10.0.0.1")));
    assert_int_equal(f->all.refused.value, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(four_run_in_a_turn_in_the_order_of_asking, begin, end),
        cmocka_unit_test_setup_teardown(who_leaves_has_no_turn, begin, end),
        cmocka_unit_test_setup_teardown(an_address_has_a_bucket_of_its_own, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
