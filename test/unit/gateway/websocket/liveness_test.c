/* liveness_test.c - when a silent peer is pinged, and when it is given up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/liveness.h"

#include "test/unit/support/check.h"

#define PING_MS 25000
#define PONG_MS 10000

/* Looks at `now_ms`; fails the test when it is not `want`. Returns when to look again. */
static uint64_t look(struct gw_liveness *l, uint64_t now_ms, enum gw_liveness_verdict want)
{
    uint64_t again_ms = 0;

    assert_int_equal(gw_liveness_look(l, now_ms, PING_MS, PONG_MS, &again_ms), want);
    return again_ms;
}

static void a_peer_that_was_heard_is_looked_at_when_a_ping_could_be_due(void **state)
{
    struct gw_liveness l = { 0 };

    (void)state;
    gw_liveness_heard(&l, 1000);
    assert_int_equal(look(&l, 1000, GW_LIVENESS_WAIT), PING_MS);
    gw_liveness_heard(&l, 21000);
    assert_int_equal(look(&l, 26000, GW_LIVENESS_WAIT), PING_MS - 5000);
}

static void silence_is_answered_with_one_ping(void **state)
{
    struct gw_liveness l = { .heard_ms = 1000 };

    (void)state;
    assert_int_equal(look(&l, 1000 + PING_MS, GW_LIVENESS_PING), PONG_MS);
    assert_int_equal(look(&l, 1000 + PING_MS + 4000, GW_LIVENESS_WAIT), PONG_MS - 4000);
}

static void silence_after_a_ping_is_the_end(void **state)
{
    struct gw_liveness l = { .heard_ms = 1000 };

    (void)state;
    (void)look(&l, 1000 + PING_MS, GW_LIVENESS_PING);
    (void)look(&l, 1000 + PING_MS + PONG_MS, GW_LIVENESS_SILENT);
}

static void any_sign_of_life_after_a_ping_starts_again(void **state)
{
    struct gw_liveness l = { .heard_ms = 1000 };

    (void)state;
    (void)look(&l, 1000 + PING_MS, GW_LIVENESS_PING);
    gw_liveness_heard(&l, 30000);
    assert_int_equal(look(&l, 1000 + PING_MS + PONG_MS, GW_LIVENESS_WAIT), PING_MS - 6000);
    (void)look(&l, 30000 + PING_MS, GW_LIVENESS_PING);
}

/* Bytes are read with a later reading of the clock than the one that a timer brings. */
static void a_sign_of_life_that_is_newer_than_the_look_is_no_silence(void **state)
{
    struct gw_liveness l = { .heard_ms = 5000, .is_pinged = true };

    (void)state;
    assert_int_equal(look(&l, 4990, GW_LIVENESS_WAIT), PING_MS);
}

/* The process was stopped, or its machine slept. */
static void a_look_that_comes_late_still_gives_the_peer_its_time_to_answer(void **state)
{
    struct gw_liveness l = { .heard_ms = 1000 };

    (void)state;
    assert_int_equal(look(&l, 3600000, GW_LIVENESS_PING), PONG_MS);
    (void)look(&l, 3600000 + PONG_MS, GW_LIVENESS_SILENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_was_heard_is_looked_at_when_a_ping_could_be_due),
        cmocka_unit_test(silence_is_answered_with_one_ping),
        cmocka_unit_test(silence_after_a_ping_is_the_end),
        cmocka_unit_test(any_sign_of_life_after_a_ping_starts_again),
        cmocka_unit_test(a_sign_of_life_that_is_newer_than_the_look_is_no_silence),
        cmocka_unit_test(a_look_that_comes_late_still_gives_the_peer_its_time_to_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
