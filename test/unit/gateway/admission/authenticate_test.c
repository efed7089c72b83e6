/* authenticate_test.c - a key, a token or nothing: how each is checked, and whose it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/authenticate.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_pool.h"
#include "test/unit/gateway/support/rendering.h"

/* HS256 with this secret, until the year 2100: {"restaurant_id":"kitchen","role":"kitchen"} and
 * {"restaurants":["kitchen","bakery"],"sub":"eve"}. */
#define SECRET "a secret of thirty-two characters"
#define TOKEN                                                                                  \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                    \
    "eyJyZXN0YXVyYW50X2lkIjoia2l0Y2hlbiIsImV4cCI6NDEwMjQ0NDgwMCwicm9sZSI6ImtpdGNoZW4ifQ."      \
    "afh2UQSudC6Fr0vXpvYDr8ortjMjdRFLeroDTfBvvc0"
#define TOKEN_FOR_TWO                                                                          \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                    \
    "eyJyZXN0YXVyYW50cyI6WyJraXRjaGVuIiwiYmFrZXJ5Il0sImV4cCI6NDEwMjQ0NDgwMCwic3ViIjoiZXZlIn0"  \
    ".veu-1uBWQqG-atSeZ91wdojaXTMNTGFVsNiKGa-Wcsg"
#define EXPIRES_MS 4102444800000
#define ALL_POLICIES (GW_TAKES_TOKENS | GW_TAKES_NO_KEY | GW_TAKES_FIRST_MESSAGES)
#define KEY_ID "3f1d0d1e-0000-4000-8000-000000000001"

struct fixture {
    struct tw_loop loop; /* only what is noted in it is looked at */
    struct tw_pg_pool pool;
    struct tw_metrics metrics;
    struct gw_key_auth keys;
    struct tw_tokens tokens;
    struct gw_authenticator all;
    struct gw_authentication authentication;
    bool is_answered, is_admitted;
    struct gw_identity who;
    char refusal[40];
    int status;
};

static int open_fixture(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    tw_loop_init(&f->loop);
    fake_pool_start(&f->pool, &f->loop);
    gw_key_auth_start(&f->keys,
                      &(struct gw_key_auth_options){ .pool = &f->pool, .cache_ms = 60000 });
    tw_tokens_start(&f->tokens, &(struct tw_tokens_options){
                                    .pool = &f->pool, .keys = { .secret = TW_LIT(SECRET) } });
    f->all = (struct gw_authenticator){ &f->keys, &f->tokens };
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    gw_authentication_done(&f->authentication);
    gw_key_auth_done(&f->keys);
    tw_tokens_done(&f->tokens);
    tw_loop_done(&f->loop);
    free(f);
    return 0;
}

static void on_answer(struct gw_authentication *a, const struct gw_authenticated *result)
{
    struct fixture *f = tw_container_of(a, struct fixture, authentication);

    assert_false(f->is_answered);
    f->is_answered = true;
    f->is_admitted = result->who != NULL;
    f->status = result->status;
    if (result->who != NULL)
        f->who = *result->who;
    else
        (void)stpcpy(f->refusal, result->refusal);
}

/* An authentication of which the test may change what it asks for. */
static struct gw_authentication *prepare(struct fixture *f, unsigned policy)
{
    gw_authentication_done(&f->authentication);
    f->is_answered = false;
    f->authentication = (struct gw_authentication){ .all = &f->all,
                                                    .answered = on_answer,
                                                    .policy = policy,
                                                    .scope = "pos",
                                                    .request_id = "r-1" };
    return &f->authentication;
}

static void start(struct fixture *f, const char *credential)
{
    gw_authenticate(&f->authentication, tw_slice_of(credential));
    assert_false(f->is_answered); /* never before the call has returned */
}

static void end_turn(struct fixture *f)
{
    struct tw_list *link;

    while ((link = tw_list_shift(&f->loop.later)) != NULL) {
        struct tw_later *l = tw_container_of(link, struct tw_later, link);

        l->run(l);
    }
}

static void find_tenant(struct fixture *f, const char *status)
{
    fake_pool_row(&f->pool, KITCHEN_ID, "kitchen", "Kitchen", status, NULL, NULL);
}

static void a_key_is_asked_for_by_its_hash(void **state)
{
    struct fixture *f = *state;

    prepare(f, ALL_POLICIES)->tenant = TW_LIT("kitchen");
    start(f, "test");
    assert_slice(fake_pool_param(&f->pool, 0),
                 "[{\"keyHash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f0"
                 "0a08\",\"unshaped\":true,\"tenant\":\"kitchen\",\"scope\":\"pos\","
                 "\"requestId\":\"r-1\"}]");
    fake_pool_row(&f->pool, "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen", KEY_ID, NULL,
                  NULL);
    assert_true(f->is_admitted);
    assert_string_equal(f->who.tenant.slug, "kitchen");
    assert_string_equal(f->who.key_id, KEY_ID);
    assert_true(f->who.principal->has_key);
}

static void nothing_is_a_device_without_a_key_where_that_is_allowed(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, GW_TAKES_NO_KEY);
    start(f, "");
    assert_slice(fake_pool_param(&f->pool, 0),
                 "[{\"keyless\":true,\"scope\":\"pos\",\"requestId\":\"r-1\"}]");
    fake_pool_row(&f->pool, "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen", NULL, NULL,
                  NULL);
    assert_true(f->is_admitted && f->who.principal->is_keyless);
    (void)prepare(f, GW_TAKES_TOKENS);
    start(f, "");
    assert_slice(fake_pool_param(&f->pool, 0), "[{\"scope\":\"pos\",\"requestId\":\"r-1\"}]");
    fake_pool_row(&f->pool, "1", "401", "{}", NULL, NULL, NULL, NULL, NULL);
    assert_false(f->is_admitted);
}

static void
a_key_that_is_refused_has_failed_and_one_that_cannot_be_checked_has_not(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, ALL_POLICIES);
    start(f, "test");
    fake_pool_row(&f->pool, "1", "403", "{\"error\":{}}", NULL, NULL, NULL, NULL, NULL);
    assert_string_equal(f->refusal, "AUTH_FAILED");
    assert_int_equal(f->status, 403); /* with the body that says why */
    (void)prepare(f, ALL_POLICIES);
    start(f, "test");
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    assert_string_equal(f->refusal, "UNAVAILABLE");
}

/* The code of pos.authenticate, and what it becomes where clients have no body to read. */
static void what_is_wrong_with_a_key_is_said(void **state)
{
    static const struct {
        const char *body, *refusal;
    } rows[] = {
        { "{\"error\":{\"code\":\"UNAUTHORIZED\",\"message\":\"m\"}}", "AUTH_FAILED" },
        { "{\"error\":{\"code\":\"TENANT_SUSPENDED\"}}", "TENANT_SUSPENDED" },
        { "{\"error\":{\"code\":\"TENANT_MISMATCH\"}}", "PERMISSION_DENIED" },
        { "{\"error\":{\"code\":\"FORBIDDEN\"}}", "PERMISSION_DENIED" },
        { "{\"error\":7}", "AUTH_FAILED" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        (void)prepare(f, ALL_POLICIES);
        start(f, "test");
        fake_pool_row(&f->pool, "1", "403", rows[i].body, NULL, NULL, NULL, NULL, NULL);
        assert_string_equal(f->refusal, rows[i].refusal);
    }
}

static void of_several_restaurants_the_named_one_is_opened(void **state)
{
    struct fixture *f = *state;

    prepare(f, ALL_POLICIES)->tenant = TW_LIT("bakery");
    start(f, TOKEN_FOR_TWO);
    assert_slice(fake_pool_param(&f->pool, 0), "bakery");
    fake_pool_row(&f->pool, "3f1d0d1e-0000-4000-8000-00000000000b", "bakery", "Bakery",
                  "active", NULL, NULL);
    assert_true(f->is_admitted);
    assert_string_equal(f->who.tenant.slug, "bakery");
}

static void a_token_is_read_as_one_only_where_tokens_are_taken(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, 0);
    start(f, TOKEN);
    assert_non_null(strstr(fake_pool_sql(&f->pool), "pos.authenticate"));
    fake_pool_row(&f->pool, "1", "401", "{}", NULL, NULL, NULL, NULL, NULL);
    (void)prepare(f, GW_TAKES_TOKENS);
    start(f, TOKEN);
    assert_non_null(strstr(fake_pool_sql(&f->pool), "pos.token_tenant"));
    assert_slice(fake_pool_param(&f->pool, 0), "kitchen");
    find_tenant(f, "active");
}

static void a_token_says_who_it_is_and_until_when(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, ALL_POLICIES);
    start(f, TOKEN);
    find_tenant(f, "active");
    assert_true(f->is_admitted);
    assert_string_equal(f->who.tenant.id, KITCHEN_ID);
    assert_string_equal(f->who.key_id, "");
    assert_int_equal(f->who.expires_ms, EXPIRES_MS);
    assert_buf(&f->who.principal->claim, "{\"restaurant\":\"kitchen\",\"role\":\"kitchen\"}");
}

static void a_token_is_refused_for_what_is_wrong_with_it(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, ALL_POLICIES);
    start(f, "a.b.c");
    end_turn(f);
    assert_string_equal(f->refusal, "AUTH_FAILED");
    (void)prepare(f, ALL_POLICIES);
    start(f, TOKEN "x"); /* its signature */
    find_tenant(f, "active");
    end_turn(f);
    assert_string_equal(f->refusal, "AUTH_FAILED");
    (void)prepare(f, ALL_POLICIES);
    start(f, TOKEN);
    fake_pool_no_row(&f->pool);
    assert_string_equal(f->refusal, "INVALID_RESTAURANT");
    (void)prepare(f, ALL_POLICIES);
    start(f, TOKEN);
    find_tenant(f, "suspended");
    assert_string_equal(f->refusal, "TENANT_SUSPENDED");
    assert_int_equal(f->status, 0);
}

static void a_token_opens_the_restaurant_that_the_client_names_when_it_is_its_own(void **state)
{
    static const struct {
        const char *named;
        bool is_own;
    } rows[] = {
        { "kitchen", true },
        { KITCHEN_ID, true },
        { "69FB5687-044A-48AF-AC0E-D6B817AEC684", true },
        { "bakery", false },
        { "KITCHEN", true },
        { "kitchen2", false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        prepare(f, ALL_POLICIES)->tenant = tw_slice_of(rows[i].named);
        start(f, TOKEN);
        find_tenant(f, "active");
        assert_row(f->is_admitted == rows[i].is_own, rows[i].named);
        if (!rows[i].is_own)
            assert_string_equal(f->refusal, "PERMISSION_DENIED");
    }
}

/* Devices that were set up elsewhere name it by an alias; so they do with a key. */
static void a_token_opens_its_restaurant_by_an_alias_too(void **state)
{
    struct fixture *f = *state;

    prepare(f, ALL_POLICIES)->tenant = TW_LIT("restaurant_123");
    start(f, TOKEN);
    assert_slice(fake_pool_param(&f->pool, 1), "restaurant_123");
    fake_pool_row(&f->pool, KITCHEN_ID, "kitchen", "Kitchen", "active", KITCHEN_ID, NULL);
    assert_true(f->is_admitted);
}

static void a_name_that_is_too_long_is_no_restaurants(void **state)
{
    struct fixture *f = *state;
    char named[300];

    memset(named, 'k', sizeof(named));
    named[299] = '\0';
    prepare(f, ALL_POLICIES)->tenant = tw_slice_of(named);
    start(f, TOKEN);
    find_tenant(f, "active");
    assert_false(f->is_admitted);
}

static void a_further_restaurant_must_be_granted_by_the_token(void **state)
{
    struct fixture *f = *state;

    prepare(f, GW_TAKES_TOKENS)->restaurant = TW_LIT("bakery");
    start(f, TOKEN_FOR_TWO);
    assert_slice(fake_pool_param(&f->pool, 0), "bakery");
    fake_pool_row(&f->pool, "3f1d0d1e-0000-4000-8000-00000000000b", "bakery", "Bakery",
                  "active", NULL, NULL);
    assert_true(f->is_admitted);
    assert_string_equal(f->who.tenant.slug, "bakery");
    assert_buf(&f->who.principal->claim, "{\"restaurant\":\"bakery\",\"subject\":\"eve\"}");
    prepare(f, GW_TAKES_TOKENS)->restaurant = TW_LIT("bakery");
    start(f, TOKEN);
    end_turn(f);
    assert_string_equal(f->refusal, "PERMISSION_DENIED");
    assert_int_equal(fake_pool_count(&f->pool), 0);
}

#define HEX_16 "0123456789abcdef"
#define HEX_64 HEX_16 HEX_16 HEX_16 HEX_16
#define TICKET "tkt_" HEX_64

static void a_ticket_is_asked_for_by_its_hash_and_becomes_the_key_behind_it(void **state)
{
    struct fixture *f = *state;

    prepare(f, 0)->tenant = TW_LIT("kitchen");
    start(f, TICKET);
    assert_non_null(strstr(fake_pool_sql(&f->pool), "pos.ticket_take"));
    assert_null(
        memmem(fake_pool_param(&f->pool, 0).at, fake_pool_param(&f->pool, 0).len, TICKET, 20));
    fake_pool_row(&f->pool, "200", NULL, KITCHEN_ID, "kitchen", KEY_ID, "4102444800000", HEX_64,
                  NULL, "[\"pos\"]", "kds-3");
    assert_true(f->is_admitted);
    assert_string_equal(f->who.tenant.id, KITCHEN_ID);
    assert_string_equal(f->who.key_id, KEY_ID);
    assert_int_equal(f->who.expires_ms, EXPIRES_MS);
    assert_true(f->who.principal->has_key);
    assert_memory_equal(f->who.principal->key_hash, HEX_64, TW_SHA256_HEX);
    assert_buf(&f->who.principal->only, "[\"pos\"]");
}

static void a_ticket_of_a_token_counts_only_where_tokens_are_taken(void **state)
{
    struct fixture *f = *state;

    for (unsigned policy = 0; policy <= GW_TAKES_TOKENS; policy++) {
        (void)prepare(f, policy);
        start(f, TICKET);
        fake_pool_row(&f->pool, "200", NULL, KITCHEN_ID, "kitchen", NULL, "4102444800000", NULL,
                      "{\"restaurant\":\"kitchen\"}", NULL, NULL);
        assert_int_equal(f->is_admitted, policy == GW_TAKES_TOKENS);
        if (policy == 0)
            assert_string_equal(f->refusal, "PERMISSION_DENIED");
    }
    assert_buf(&f->who.principal->claim, "{\"restaurant\":\"kitchen\"}");
    assert_false(f->who.principal->has_key);
}

/* Nothing of a ticket is remembered but that it was refused. */
static void a_ticket_is_asked_for_each_time_until_it_is_refused(void **state)
{
    struct fixture *f = *state;

    (void)prepare(f, 0);
    start(f, TICKET);
    fake_pool_row(&f->pool, "200", NULL, KITCHEN_ID, "kitchen", KEY_ID, NULL, HEX_64, NULL,
                  NULL, NULL);
    assert_true(f->is_admitted);
    (void)prepare(f, 0);
    start(f, TICKET);
    fake_pool_fail(&f->pool, TW_ELOST, "");
    assert_string_equal(f->refusal, "UNAVAILABLE");
    (void)prepare(f, 0);
    start(f, TICKET);
    fake_pool_row(&f->pool, "401", "{\"error\":{\"code\":\"INVALID_TICKET\"}}", NULL, NULL,
                  NULL, NULL, NULL, NULL, NULL, NULL);
    assert_string_equal(f->refusal, "INVALID_TICKET");
    assert_int_equal(f->status, 401);
    (void)prepare(f, 0);
    start(f, TICKET);
    assert_int_equal(fake_pool_count(&f->pool), 0);
    end_turn(f);
    assert_string_equal(f->refusal, "INVALID_TICKET");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_key_is_asked_for_by_its_hash),
        test(nothing_is_a_device_without_a_key_where_that_is_allowed),
        test(a_key_that_is_refused_has_failed_and_one_that_cannot_be_checked_has_not),
        test(what_is_wrong_with_a_key_is_said),
        test(of_several_restaurants_the_named_one_is_opened),
        test(a_token_is_read_as_one_only_where_tokens_are_taken),
        test(a_token_says_who_it_is_and_until_when),
        test(a_token_is_refused_for_what_is_wrong_with_it),
        test(a_token_opens_the_restaurant_that_the_client_names_when_it_is_its_own),
        test(a_token_opens_its_restaurant_by_an_alias_too),
        test(a_name_that_is_too_long_is_no_restaurants),
        test(a_further_restaurant_must_be_granted_by_the_token),
        test(a_ticket_is_asked_for_by_its_hash_and_becomes_the_key_behind_it),
        test(a_ticket_of_a_token_counts_only_where_tokens_are_taken),
        test(a_ticket_is_asked_for_each_time_until_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
