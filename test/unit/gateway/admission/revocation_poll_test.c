/* revocation_poll_test.c - news that got lost is found by asking.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/revocation_poll.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/shared_state/minipos.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define KEY_1 "3f1d0d1e-0000-4000-8000-000000000001"
#define KEY_2 "3f1d0d1e-0000-4000-8000-000000000002"

static struct gw_key_auth auth;
static struct tw_tokens tokens;
static struct gw_revocation revocation;
static struct gw_revocation_poll poll_of_keys;

static void let_in(struct gateway *g, size_t i, const char *key)
{
    struct gw_principal principal = { .has_key = key != NULL, .is_keyless = key == NULL };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct gw_hello hello = { .scope = "pos" };

    if (key != NULL)
        memcpy(who.key_id, key, strlen(key));
    (void)admit(g, i, key != NULL ? &gw_orderweb : &gw_minipos, &hello, &who);
}

static int open_poll(void **state)
{
    struct gateway *g;

    (void)open_gateway(state);
    g = *state;
    gw_key_auth_start(&auth,
                      &(struct gw_key_auth_options){ .pool = &g->pool, .cache_ms = 60000 });
    tw_tokens_start(&tokens, &(struct tw_tokens_options){ .pool = &g->pool });
    revocation = (struct gw_revocation){ &g->sessions, &auth, &tokens, NULL };
    poll_of_keys = (struct gw_revocation_poll){ 0 };
    gw_revocation_poll_start(
        &poll_of_keys, &(struct gw_revocation_poll_options){
                           .loop = g->loop, .pool = &g->pool, .revocation = &revocation });
    return 0;
}

static int close_poll(void **state)
{
    struct gateway *g = *state;

    gw_revocation_poll_stop(&poll_of_keys);
    while (fake_pool_count(&g->pool) > 0)
        fake_pool_fail(&g->pool, TW_EDOWN, "");
    gw_revocation_poll_done(&poll_of_keys);
    gw_key_auth_done(&auth);
    tw_tokens_done(&tokens);
    return close_gateway(state);
}

/* The tick asks for the tenants without keys first. */
static void come_to_tick(struct gateway *g, const char *keyless)
{
    come_to(g, &poll_of_keys.tick);
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.keyless_tenants("));
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.tenants_moving("));
    fake_pool_row(&g->pool, keyless, "");
}

static void the_keys_of_all_sessions_are_asked_for_once_each(void **state)
{
    struct gateway *g = *state;

    let_in(g, 0, KEY_2);
    let_in(g, 1, KEY_1);
    let_in(g, 2, KEY_2);
    let_in(g, 3, NULL);
    come_to_tick(g, "kitchen");
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.keys_state("));
    assert_slice(fake_pool_param(&g->pool, 0), "{" KEY_2 "," KEY_1 "}");
}

static void a_key_that_has_ended_closes_its_sessions(void **state)
{
    struct gateway *g = *state;

    let_in(g, 0, KEY_1);
    let_in(g, 1, KEY_2);
    come_to_tick(g, "");
    fake_pool_row(&g->pool, KEY_1, "1000");
    gw_revocation_expire(&revocation);
    assert_int_equal(g->clients[0].close_code, 1008);
    assert_int_equal(g->clients[1].close_code, 0);
    leave_gateway(&g->clients[0]);
    come_to_tick(g, ""); /* those that have left need not be asked for */
    assert_slice(fake_pool_param(&g->pool, 0), "{" KEY_2 "}");
}

static void let_in_by_token(struct gateway *g, size_t i)
{
    struct gw_principal principal = { 0 };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct gw_hello hello = { .scope = "pos" };

    (void)admit(g, i, &gw_minipos, &hello, &who);
}

/* Nobody tells of it while the bridge is away. */
static void a_suspended_tenant_s_tokens_close_their_sessions(void **state)
{
    struct gateway *g = *state;

    let_in_by_token(g, 0);
    let_in_by_token(g, 1);
    come_to_tick(g, "");
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.tenants_ended("));
    assert_slice(fake_pool_param(&g->pool, 0), "{" KITCHEN_ID "}");
    fake_pool_no_row(&g->pool);
    assert_int_equal(g->clients[0].close_code, 0);
    come_to_tick(g, "");
    fake_pool_row(&g->pool, KITCHEN_ID);
    assert_int_equal(g->clients[0].close_code, 1008);
    assert_int_equal(g->clients[1].close_code, 1008);
}

static void a_tenant_that_lets_in_no_devices_any_more_loses_them(void **state)
{
    struct gateway *g = *state;

    let_in(g, 0, NULL);
    come_to_tick(g, "bakery kitchen");
    assert_int_equal(g->clients[0].close_code, 0);
    come_to_tick(g, "bakery");
    assert_int_equal(g->clients[0].close_code, 1008);
}

/* The control message may have been lost. */
static void the_sessions_of_a_tenant_that_moves_are_told_to_connect_again(void **state)
{
    struct gateway *g = *state;

    let_in(g, 0, KEY_1);
    come_to(g, &poll_of_keys.tick);
    fake_pool_row(&g->pool, "", "8d3f2a10-0000-4000-8000-000000000001");
    assert_int_equal(g->clients[0].close_code, 0);
    while (fake_pool_count(&g->pool) > 0)
        fake_pool_no_row(&g->pool);
    come_to(g, &poll_of_keys.tick);
    fake_pool_row(&g->pool, "", "8d3f2a10-0000-4000-8000-000000000001 " KITCHEN_ID);
    assert_int_equal(g->clients[0].close_code, 1001);
}

static void without_keys_there_is_nothing_to_ask_of_them(void **state)
{
    struct gateway *g = *state;

    come_to_tick(g, "");
    assert_int_equal(fake_pool_count(&g->pool), 0);
    assert_true(tw_deadline_is_set(&poll_of_keys.tick));
}

static void a_failure_closes_nobody_and_it_asks_again(void **state)
{
    struct gateway *g = *state;

    let_in(g, 0, NULL);
    let_in(g, 1, KEY_1);
    come_to(g, &poll_of_keys.tick);
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    gw_revocation_expire(&revocation);
    assert_int_equal(g->clients[0].close_code + g->clients[1].close_code, 0);
    assert_true(tw_deadline_is_set(&poll_of_keys.tick));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_poll, close_poll)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_keys_of_all_sessions_are_asked_for_once_each),
        test(a_key_that_has_ended_closes_its_sessions),
        test(a_suspended_tenant_s_tokens_close_their_sessions),
        test(a_tenant_that_lets_in_no_devices_any_more_loses_them),
        test(the_sessions_of_a_tenant_that_moves_are_told_to_connect_again),
        test(without_keys_there_is_nothing_to_ask_of_them),
        test(a_failure_closes_nobody_and_it_asks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
