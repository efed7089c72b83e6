/* revocation_test.c - news about keys and tenants: whose sessions end, and whose stay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/revocation.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/shared_state/minipos.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define KEY_1 "3f1d0d1e-0000-4000-8000-000000000001"
#define KEY_2 "3f1d0d1e-0000-4000-8000-000000000002"
#define BAKERY_ID "3f1d0d1e-0000-4000-8000-00000000000b"
#define POLICY 1008

/* Clients 0 and 1 with the kitchen's keys, 2 without a key at the kitchen, 3 without a key at
 * the bakery. */
static const struct gw_tenant bakery = { .id = BAKERY_ID, .slug = "bakery" };
static struct gw_key_auth auth;
static struct tw_tokens tokens;
static struct gw_revocation revocation;

static void let_in(struct gateway *g, size_t i, const struct gw_tenant *tenant, const char *key)
{
    struct gw_principal principal = { .has_key = key != NULL, .is_keyless = key == NULL };
    struct gw_identity who = { .tenant = *tenant, .principal = &principal };
    struct gw_hello hello = { .scope = "pos" };

    if (key != NULL)
        memcpy(who.key_id, key, strlen(key));
    (void)admit(g, i, key != NULL ? &gw_orderweb : &gw_minipos, &hello, &who);
}

static int open_four(void **state)
{
    struct gateway *g;

    (void)open_gateway(state);
    g = *state;
    gw_key_auth_start(&auth,
                      &(struct gw_key_auth_options){ .pool = &g->pool, .cache_ms = 60000 });
    tw_tokens_start(&tokens, &(struct tw_tokens_options){ .pool = &g->pool });
    revocation = (struct gw_revocation){ &g->sessions, &auth, &tokens, NULL };
    let_in(g, 0, &kitchen, KEY_1);
    let_in(g, 1, &kitchen, KEY_2);
    let_in(g, 2, &kitchen, NULL);
    let_in(g, 3, &bakery, NULL);
    return 0;
}

static int close_four(void **state)
{
    gw_key_auth_done(&auth);
    tw_tokens_done(&tokens);
    return close_gateway(state);
}

static void let_in_by_token(struct gateway *g, size_t i, const struct gw_tenant *tenant,
                            int64_t expires_ms)
{
    struct gw_principal principal = { 0 };
    struct gw_identity who = { .tenant = *tenant,
                               .principal = &principal,
                               .expires_ms = expires_ms };
    struct gw_hello hello = { .scope = "pos" };

    (void)admit(g, i, &gw_minipos, &hello, &who);
}

/* Which clients have been closed, as "01-3". */
static void check_closed(struct gateway *g, const char *want)
{
    char have[CLIENTS + 1] = { 0 };

    for (size_t i = 0; i < CLIENTS; i++) {
        have[i] = g->clients[i].close_code == 0 ? '-' : (char)('0' + i);
        assert_true(g->clients[i].close_code == 0 || g->clients[i].close_code == POLICY);
    }
    assert_string_equal(have, want);
}

static void say(const char *json)
{
    char *copy = exact_copy(tw_slice_of(json));

    gw_revocation_read(&revocation, copy, strlen(json));
    free(copy);
}

static void on_answer(struct gw_key_auth_query *q, int status,
                      const struct gw_identity *identity, struct tw_slice body)
{
    (void)q;
    (void)identity;
    (void)body;
    assert_int_equal(status, 200);
}

static void a_revoked_key_ends_its_sessions_and_no_others(void **state)
{
    struct gateway *g = *state;

    say("{ \"type\" : \"key.revoked\" , \"keyId\" : \"" KEY_1 "\" }");
    check_closed(g, "0---");
    say("{\"type\":\"key.revoked\",\"keyId\":\"" KEY_1 "\"}"); /* once is enough */
    check_closed(g, "0---");
}

static void a_suspended_tenant_loses_all_its_sessions(void **state)
{
    struct gateway *g = *state;

    say("{\"type\":\"tenant.suspended\",\"tenantId\":\"" KITCHEN_ID "\"}");
    check_closed(g, "012-");
}

static void the_sessions_of_a_tenant_that_moves_are_told_to_connect_again(void **state)
{
    static const char *const types[] = { "leaving", "frozen", "left" };
    struct gateway *g = *state;
    char text[160];

    (void)snprintf(text, sizeof(text), "{\"type\":\"tenant.arriving\",\"tenantId\":\"%s\"}",
                   KITCHEN_ID);
    say(text);
    check_closed(g, "----");
    for (size_t i = 0; i < TW_COUNT(types); i++) {
        (void)snprintf(text, sizeof(text), "{\"type\":\"tenant.%s\",\"tenantId\":\"%s\"}",
                       types[i], KITCHEN_ID);
        say(text);
        for (size_t c = 0; c < CLIENTS; c++)
            assert_int_equal(g->clients[c].close_code, c < 3 ? GW_CLOSE_GOING_AWAY : 0);
    }
}

/* The clients that were told to connect again, as "01-3". */
static void check_sent_away(struct gateway *g, const char *want)
{
    char have[CLIENTS + 1] = { 0 };

    for (size_t i = 0; i < CLIENTS; i++) {
        unsigned code = g->clients[i].close_code;

        assert_true(code == 0 || code == GW_CLOSE_GOING_AWAY);
        have[i] = code == 0 ? '-' : (char)('0' + i);
    }
    assert_string_equal(have, want);
}

static void an_operator_sends_a_device_away_by_its_name(void **state)
{
    struct gateway *g = *state;

    for (size_t i = 0; i < CLIENTS; i += 2) /* nobody has told its name but these */
        assert_true(gw_session_name(g->clients[i].session, TW_LIT("the \"till\"")));
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID "\",\"device\":\"till\"}");
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID "\"}");
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID "\",\"device\":7}");
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID "\",\"all\":false}");
    check_sent_away(g, "----");
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID
        "\",\"device\":\"the \\\"till\\\"\"}");
    check_sent_away(g, "0-2-");
    say("{\"type\":\"device.kick\",\"tenantId\":\"" BAKERY_ID "\",\"device\":\"\"}");
    check_sent_away(g, "0-23");
}

static void an_operator_sends_all_devices_of_a_tenant_away(void **state)
{
    struct gateway *g = *state;

    assert_true(gw_session_name(g->clients[1].session, TW_LIT("till")));
    say("{\"type\":\"device.kick\",\"tenantId\":\"" KITCHEN_ID "\",\"all\":true}");
    check_sent_away(g, "012-");
}

static void an_operator_has_a_device_fetch_its_state(void **state)
{
    struct gateway *g = *state;

    begin_stream(g, "16", "1"); /* of the kitchen, whose head was asked for first */
    end_turn(g);
    for (size_t i = 0; i < CLIENTS; i++)
        tw_buf_clear(&g->clients[i].heard);
    assert_true(gw_session_name(g->clients[1].session, TW_LIT("till")));
    say("{\"type\":\"device.resync\",\"tenantId\":\"" KITCHEN_ID "\",\"device\":\"bar\"}");
    say("{\"type\":\"device.resync\",\"tenantId\":\"" BAKERY_ID "\",\"device\":\"till\"}");
    say("{\"type\":\"device.resync\",\"tenantId\":\"" KITCHEN_ID "\"}");
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(g->clients[i].heard.len, 0);
    say("{\"type\":\"device.resync\",\"tenantId\":\"" KITCHEN_ID "\",\"device\":\"till\"}");
    check_sent_away(g, "----");
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(g->clients[i].heard.len > 0, i == 1);
}

/* A disturbed delivery itself: faults_test.c. */
static void a_sandbox_closes_a_device_with_any_code(void **state)
{
    static const char *const refused[] = { "999", "5000", "-1", "1.5", "\"1013\"", "{}" };
    struct gateway *g = *state;
    char text[200];

    assert_true(gw_session_name(g->clients[1].session, TW_LIT("till")));
    for (size_t i = 0; i < TW_COUNT(refused); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"type\":\"device.fault\",\"tenantId\":\"%s\",\"device\":\"till\","
                       "\"closeCode\":%s}",
                       KITCHEN_ID, refused[i]);
        say(text);
    }
    say("{\"type\":\"device.fault\",\"tenantId\":\"" BAKERY_ID
        "\",\"device\":\"till\",\"closeCode\":4123}");
    say("{\"type\":\"device.fault\",\"tenantId\":\"" KITCHEN_ID
        "\",\"device\":\"till\",\"drop\":1}");
    check_closed(g, "----"); /* this process disturbs nobody */
    say("{\"type\":\"device.fault\",\"tenantId\":\"" KITCHEN_ID
        "\",\"device\":\"till\",\"drop\":null,\"closeCode\":4123}");
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(g->clients[i].close_code, i == 1 ? 4123 : 0);
}

static void what_is_remembered_of_a_suspended_tenants_tokens_is_forgotten(void **state)
{
    (void)state;
    tw_lru_put(&tokens.known, TW_LIT("kitchen"), tw_alloc(1, 1024)); /* zeroes will do */
    say("{\"type\":\"tenant.suspended\",\"tenantId\":\"" KITCHEN_ID "\"}");
    assert_int_equal(tokens.known.map.count, 0);
}

static void devices_without_a_key_go_when_their_tenant_lets_none_in_any_more(void **state)
{
    struct gateway *g = *state;

    say("{\"type\":\"keyless.off\",\"tenantId\":\"" KITCHEN_ID "\"}");
    check_closed(g, "--2-");
}

static void devices_without_a_key_stay_where_they_are_allowed(void **state)
{
    struct gateway *g = *state;

    gw_revocation_keyless(&revocation, TW_LIT("bar kitchen bakery"));
    check_closed(g, "----");
    gw_revocation_keyless(&revocation, TW_LIT("bar bakery"));
    check_closed(g, "--2-");
    gw_revocation_keyless(&revocation, TW_LIT(""));
    check_closed(g, "--23");
}

static void a_key_ends_at_its_moment(void **state)
{
    struct gateway *g = *state;

    say("{\"type\":\"key.expires\",\"keyId\":\"" KEY_1 "\",\"expiresAtMs\":4102444800000}");
    gw_revocation_expire(&revocation);
    check_closed(g, "----");
    gw_revocation_set_expiry(&revocation, TW_LIT(KEY_2), tw_wall_ms());
    check_closed(g, "----"); /* not before somebody looks */
    gw_revocation_expire(&revocation);
    check_closed(g, "-1--");
}

static void a_key_whose_end_was_taken_back_stays(void **state)
{
    struct gateway *g = *state;

    gw_revocation_set_expiry(&revocation, TW_LIT(KEY_1), tw_wall_ms());
    gw_revocation_set_expiry(&revocation, TW_LIT(KEY_1), 0);
    gw_revocation_expire(&revocation);
    check_closed(g, "----");
}

static void tokens_end_with_their_tenant_or_one_by_one(void **state)
{
    struct gateway *g = *state;

    leave_gateway(&g->clients[2]);
    leave_gateway(&g->clients[3]);
    let_in_by_token(g, 2, &kitchen, 1000);
    let_in_by_token(g, 3, &kitchen, 0);
    gw_revocation_expire(&revocation);
    check_closed(g, "--2-");
    gw_revocation_end_tokens(&revocation, TW_LIT(BAKERY_ID));
    check_closed(g, "--2-");
    gw_revocation_end_tokens(&revocation, TW_LIT(KITCHEN_ID));
    check_closed(g, "--23");
}

/* The database says it of each key again and again; only news makes work. */
static void an_end_that_is_known_does_nothing(void **state)
{
    struct gateway *g = *state;
    struct gw_holder *h = gw_holders_find(&g->sessions.holders, GW_HOLDS_KEY, TW_LIT(KEY_1));
    struct gw_key_auth_query q;
    struct gw_principal principal = { .has_key = true };

    q = (struct gw_key_auth_query){ .auth = &auth,
                                    .answered = on_answer,
                                    .principal = &principal,
                                    .scope = "pos",
                                    .request_id = "r" };
    gw_key_auth_ask(&q);
    fake_pool_row(&g->pool, "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen", KEY_1, NULL,
                  NULL);
    assert_int_equal(auth.known.map.count, 1);
    h->expires_ms = 4102444800000;
    gw_revocation_set_expiry(&revocation, TW_LIT(KEY_1), 4102444800000);
    assert_int_equal(auth.known.map.count, 1);
    gw_revocation_set_expiry(&revocation, TW_LIT(KEY_1), 4102444800001);
    assert_int_equal(auth.known.map.count, 0);
}

static void what_makes_no_sense_closes_nobody(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "\"key.revoked\"",
        "{\"type\":7}",
        "{\"keyId\":\"" KEY_1 "\"}",
        "{\"type\":\"key.revoked\"}",
        "{\"type\":\"key.revoked\",\"keyId\":7}",
        "{\"type\":\"key.revoked\",\"keyId\":\"\"}",
        "{\"type\":\"keyless.off\",\"tenantId\":\"\"}",
        "{\"type\":\"key.expires\",\"keyId\":\"" KEY_1 "\"}",
        "{\"type\":\"key.expires\",\"keyId\":\"" KEY_1 "\",\"expiresAtMs\":-1}",
        "{\"type\":\"tenant.suspended\",\"keyId\":\"" KEY_1 "\"}",
        "{\"type\":\"of.tomorrow\",\"keyId\":\"" KEY_1 "\"}",
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < TW_COUNT(texts); i++)
        say(texts[i]);
    gw_revocation_expire(&revocation);
    check_closed(g, "----");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_four, close_four)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_revoked_key_ends_its_sessions_and_no_others),
        test(a_suspended_tenant_loses_all_its_sessions),
        test(the_sessions_of_a_tenant_that_moves_are_told_to_connect_again),
        test(an_operator_sends_a_device_away_by_its_name),
        test(an_operator_sends_all_devices_of_a_tenant_away),
        test(an_operator_has_a_device_fetch_its_state),
        test(a_sandbox_closes_a_device_with_any_code),
        test(what_is_remembered_of_a_suspended_tenants_tokens_is_forgotten),
        test(devices_without_a_key_go_when_their_tenant_lets_none_in_any_more),
        test(devices_without_a_key_stay_where_they_are_allowed),
        test(a_key_ends_at_its_moment),
        test(a_key_whose_end_was_taken_back_stays),
        test(tokens_end_with_their_tenant_or_one_by_one),
        test(an_end_that_is_known_does_nothing),
        test(what_makes_no_sense_closes_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
