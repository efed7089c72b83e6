/* token_test.c - which tokens are accepted for which restaurant, and what happens while
 * PostgreSQL is away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

#define TENANT "aaaaaaaa-0000-4000-8000-000000000001"
#define SECRET "the secret of this deployment"
#define OWN_SECRET "a secret of the kitchen alone"
#define KITCHEN_ROW TENANT "\tkitchen\tKitchen\tactive\t\t" /* its secret follows */
#define KITCHEN_ROW_NAMED(id) TENANT "\tkitchen\tKitchen\tactive\t" id "\t"
#define LATER "\"exp\":4102444800" /* 2100 */

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct tw_pg_pool pool;
    struct tw_tokens all;
    struct tw_token_check check;
    int answers;
    struct tw_buf shown; /* the refusal's code, or slug and context */
    bool is_named;
    char url[64];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->shown.max = 1000;
    fake_postgres_start(&f->pg, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->url,
                                                             .program = "test",
                                                             .connections = 1,
                                                             .max_waiting = 100 });
    tw_tokens_start(&f->all, &(struct tw_tokens_options){ .pool = &f->pool,
                                                          .keys = { .secret = TW_LIT(SECRET) },
                                                          .cache_ms = 600000 });
    await(f->loop, f->pool.up_count == 1);
    f->pg.says = KITCHEN_ROW;
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    tw_tokens_done(&f->all);
    tw_buf_done(&f->shown);
    free(f);
    caught_log_end();
    return 0;
}

static void on_answered(struct tw_token_check *check, const char *refusal,
                        const struct tw_token_grant *grant)
{
    struct fixture *f = tw_container_of(check, struct fixture, check);

    f->answers++;
    tw_buf_clear(&f->shown);
    if (refusal != NULL) {
        tw_buf_text(&f->shown, refusal);
        return;
    }
    f->is_named = grant->is_named;
    tw_buf_text(&f->shown, grant->tenant.slug);
    tw_buf_char(&f->shown, ' ');
    tw_buf_append(&f->shown, grant->context);
}

/* A token with these claims, signed with HS256. */
static void make_token(struct tw_buf *out, const char *claims, const char *secret)
{
    uint8_t mac[TW_SHA256_BYTES];

    tw_base64url(out, TW_LIT("{\"alg\":\"HS256\"}"));
    tw_buf_char(out, '.');
    tw_base64url(out, tw_slice_of(claims));
    tw_hmac_sha256(tw_slice_of(secret), tw_buf_view(out), mac);
    tw_buf_char(out, '.');
    tw_base64url(out, tw_slice_from((const char *)mac, sizeof(mac)));
}

static void check_text(struct fixture *f, struct tw_slice token, const char *restaurant,
                       const char *want)
{
    f->answers = 0;
    f->check = (struct tw_token_check){ .all = &f->all,
                                        .restaurant = tw_slice_of(restaurant),
                                        .answered = on_answered };
    tw_token_check(&f->check, token);
    assert_int_equal(f->answers, 0);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, want);
}

static void check(struct fixture *f, const char *claims, const char *secret,
                  const char *restaurant, const char *want)
{
    struct tw_buf token = { .max = TW_JWT_BYTES };

    make_token(&token, claims, secret);
    check_text(f, tw_buf_view(&token), restaurant, want);
    tw_buf_done(&token);
}

#define CLAIMS "{\"restaurant_id\":\"kitchen\"," LATER "}"
#define GRANTED "kitchen {\"restaurant\":\"kitchen\"}"

static void three_parts_are_a_token_and_anything_else_is_a_key(void **state)
{
    (void)state;
    assert_true(tw_token_is_jwt(TW_LIT("a.b.c")));
    assert_true(tw_token_is_jwt(TW_LIT("..")));
    assert_false(tw_token_is_jwt(TW_LIT("pos_0123")));
    assert_false(tw_token_is_jwt(TW_LIT("a.b")));
    assert_false(tw_token_is_jwt(TW_LIT("a.b.c.d")));
    assert_false(tw_token_is_jwt(TW_EMPTY));
}

static void a_valid_token_says_restaurant_subject_role_and_scopes(void **state)
{
    struct fixture *f = *state;

    check(f,
          "{\"restaurant_id\":\"kitchen\",\"sub\":\"u-7\",\"role\":\"server\","
          "\"scope\":[\"orders:write\"]," LATER "}",
          SECRET, "",
          "kitchen {\"restaurant\":\"kitchen\",\"subject\":\"u-7\",\"role\":\"server\","
          "\"scopes\":[\"orders:write\"]}");
    assert_int_equal(f->all.good.value, 1);
}

static void a_token_with_another_signature_is_refused(void **state)
{
    struct fixture *f = *state;

    check(f, CLAIMS, "another secret of this length", "", "AUTH_FAILED");
    assert_int_equal(f->all.refused.value, 1);
}

static void an_expired_token_is_refused(void **state)
{
    struct fixture *f = *state;

    check(f, "{\"restaurant_id\":\"kitchen\",\"exp\":1700000000}", SECRET, "", "AUTH_FAILED");
}

static void a_malformed_token_is_refused_without_a_question(void **state)
{
    struct fixture *f = *state;

    check_text(f, TW_LIT("a.b.c"), "", "AUTH_FAILED");
    check(f, "{\"restaurant_id\":\"\"," LATER "}", SECRET, "", "RESTAURANT_REQUIRED");
    check(f, "{" LATER "}", SECRET, "", "RESTAURANT_REQUIRED");
    assert_int_equal(f->pg.received, 0);
}

/* What the client itself calls its restaurant. */
static void check_named(struct fixture *f, const char *claims, const char *secret,
                        const char *named, const char *want)
{
    struct tw_buf token = { .max = TW_JWT_BYTES };

    make_token(&token, claims, secret);
    f->answers = 0;
    f->check = (struct tw_token_check){ .all = &f->all,
                                        .named = tw_slice_of(named),
                                        .answered = on_answered };
    tw_token_check(&f->check, tw_buf_view(&token));
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, want);
    tw_buf_done(&token);
}

static void what_a_client_calls_its_restaurant_counts_only_where_keys_are_bound(void **state)
{
    struct fixture *f = *state;

    f->pg.says = KITCHEN_ROW OWN_SECRET;
    check_named(f, "{" LATER "}", OWN_SECRET, "kitchen", "RESTAURANT_REQUIRED");
    f->all.options.are_bound = true;
    check_named(f, "{" LATER "}", OWN_SECRET, "kitchen", GRANTED);
    check_named(f, "{" LATER "}", OWN_SECRET, "", "RESTAURANT_REQUIRED");
    check_named(f, "{" LATER "}", SECRET, "kitchen", "AUTH_FAILED");
    /* a name beside that of the token says nothing: the token is for its own */
    check_named(f, CLAIMS, OWN_SECRET, "bistro", GRANTED);
}

static void a_client_may_call_its_restaurant_by_any_name_that_postgresql_knows(void **state)
{
    static const struct {
        const char *named, *says;
        bool is_named;
    } rows[] = {
        { "", KITCHEN_ROW, true },
        { "Kitchen", KITCHEN_ROW, true },
        { "old_kitchen", KITCHEN_ROW_NAMED(TENANT), true },
        { "old_kitchen", KITCHEN_ROW, false }, /* nobody's name */
        { "bistro", KITCHEN_ROW_NAMED("bbbbbbbb-0000-4000-8000-000000000002"), false },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        f->pg.says = rows[i].says;
        check_named(f, CLAIMS, SECRET, rows[i].named, GRANTED);
        assert_row(f->is_named == rows[i].is_named, rows[i].named);
    }
    f->pg.fails_as = "57P03"; /* then its id and slug still count */
    check_named(f, CLAIMS, SECRET, "kitchen", GRANTED);
    assert_true(f->is_named);
    check_named(f, CLAIMS, SECRET, "old_kitchen", GRANTED);
    assert_false(f->is_named);
}

/* The key of the whole deployment may sign for every restaurant, so it must say for which. */
static void the_deployment_s_key_is_bound_to_no_restaurant(void **state)
{
    struct fixture *f = *state;

    f->all.options.are_bound = true;
    check_named(f, "{" LATER "}", SECRET, "kitchen", "AUTH_FAILED");
    check_named(f, "{" LATER "}", "", "kitchen", "AUTH_FAILED");
    f->pg.has_no_row = true; /* nor does an answer show which restaurants there are */
    check_named(f, "{" LATER "}", SECRET, "nowhere", "AUTH_FAILED");
}

static void of_the_restaurants_that_a_token_grants_the_client_may_name_one(void **state)
{
    static const char claims[] =
        "{\"restaurant_id\":\"bistro\",\"restaurants\":[\"kitchen\"]," LATER "}";
    struct fixture *f = *state;

    check_named(f, claims, SECRET, "kitchen", GRANTED);
    check_named(f, claims, SECRET, "bar", "kitchen {\"restaurant\":\"bistro\"}");
}

static void a_restaurant_s_own_secret_replaces_the_deployment_s(void **state)
{
    struct fixture *f = *state;

    f->pg.says = KITCHEN_ROW OWN_SECRET;
    check(f, CLAIMS, OWN_SECRET, "", GRANTED);
    check(f, CLAIMS, SECRET, "", "AUTH_FAILED");
}

static void a_token_serves_the_further_restaurants_that_it_names(void **state)
{
    static const char claims[] =
        "{\"restaurant_id\":\"bistro\",\"restaurants\":[\"kitchen\"]," LATER "}";
    struct fixture *f = *state;

    check(f, claims, SECRET, "kitchen", GRANTED);
    check(f, claims, SECRET, "bar", "PERMISSION_DENIED");
}

static void an_unknown_restaurant_is_refused(void **state)
{
    struct fixture *f = *state;

    f->pg.has_no_row = true;
    check(f, CLAIMS, SECRET, "", "INVALID_RESTAURANT");
    /* but a made-up token does not show which restaurants there are */
    check(f, CLAIMS, "another secret of this length", "", "AUTH_FAILED");
}

static void a_suspended_restaurant_is_refused(void **state)
{
    struct fixture *f = *state;

    f->pg.says = TENANT "\tkitchen\tKitchen\tsuspended\t\t";
    check(f, CLAIMS, SECRET, "", "TENANT_SUSPENDED");
}

static void a_known_restaurant_still_counts_while_postgresql_fails(void **state)
{
    struct fixture *f = *state;

    check(f, CLAIMS, SECRET, "", GRANTED);
    f->pg.fails_as = "57P03";
    check(f, CLAIMS, SECRET, "", GRANTED);
    assert_int_equal(f->all.from_memory.value, 1);
    check(f, CLAIMS, "another secret of this length", "", "AUTH_FAILED");
    tw_tokens_forget(&f->all);
    check(f, CLAIMS, SECRET, "", "UNAVAILABLE");
}

static void what_was_looked_up_does_not_count_for_ever(void **state)
{
    struct fixture *f = *state;

    f->all.options.cache_ms = 0;
    check(f, CLAIMS, SECRET, "", GRANTED);
    f->pg.fails_as = "57P03";
    check(f, CLAIMS, SECRET, "", "UNAVAILABLE");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_parts_are_a_token_and_anything_else_is_a_key),
        TEST(a_valid_token_says_restaurant_subject_role_and_scopes),
        TEST(a_token_with_another_signature_is_refused),
        TEST(an_expired_token_is_refused),
        TEST(a_malformed_token_is_refused_without_a_question),
        TEST(what_a_client_calls_its_restaurant_counts_only_where_keys_are_bound),
        TEST(a_client_may_call_its_restaurant_by_any_name_that_postgresql_knows),
        TEST(the_deployment_s_key_is_bound_to_no_restaurant),
        TEST(of_the_restaurants_that_a_token_grants_the_client_may_name_one),
        TEST(a_restaurant_s_own_secret_replaces_the_deployment_s),
        TEST(a_token_serves_the_further_restaurants_that_it_names),
        TEST(an_unknown_restaurant_is_refused),
        TEST(a_suspended_restaurant_is_refused),
        TEST(a_known_restaurant_still_counts_while_postgresql_fails),
        TEST(what_was_looked_up_does_not_count_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
