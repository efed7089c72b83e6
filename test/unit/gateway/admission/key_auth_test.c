/* key_auth_test.c - what PostgreSQL is asked of a key, and what is remembered for outages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/key_auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_pool.h"
#include "test/unit/gateway/support/rendering.h"

#define KEY_ID "3f1d0d1e-0000-4000-8000-000000000001"
#define BAKERY_ID "3f1d0d1e-0000-4000-8000-00000000000b"
#define CACHE_MS 60000

struct fixture {
    struct tw_loop loop; /* only its time is looked at */
    struct tw_pg_pool pool;
    struct gw_key_auth auth;
    struct tw_metrics metrics;
    struct gw_principal key, keyless;
    struct gw_key_auth_query query;
    int status; /* 0: not answered */
    struct gw_identity identity;
    char own_device[16];
    struct tw_buf body;
};

static int open_fixture(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    tw_loop_init(&f->loop);
    f->loop.now_ms = 1000;
    f->body.max = 1000;
    f->key.has_key = f->keyless.is_keyless = true;
    memset(f->key.key_hash, 'a', sizeof(f->key.key_hash));
    fake_pool_start(&f->pool, &f->loop);
    gw_key_auth_start(&f->auth,
                      &(struct gw_key_auth_options){ .pool = &f->pool, .cache_ms = CACHE_MS });
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    gw_key_auth_done(&f->auth);
    tw_loop_done(&f->loop);
    tw_buf_done(&f->body);
    free(f);
    return 0;
}

static void on_answer(struct gw_key_auth_query *q, int status,
                      const struct gw_identity *identity, struct tw_slice body)
{
    struct fixture *f = tw_container_of(q, struct fixture, query);

    assert_int_equal(f->status, 0);
    f->status = status;
    f->identity = identity == NULL ? (struct gw_identity){ .key_id = "" } : *identity;
    (void)snprintf(f->own_device, sizeof(f->own_device), "%.*s",
                   (int)f->identity.own_device.len, f->identity.own_device.at);
    tw_buf_clear(&f->body);
    tw_buf_append(&f->body, body);
}

static void ask_as(struct fixture *f, const struct gw_principal *who, const char *tenant,
                   const char *header)
{
    f->status = 0;
    f->query = (struct gw_key_auth_query){ .auth = &f->auth,
                                           .answered = on_answer,
                                           .principal = who,
                                           .tenant = tw_slice_of(tenant),
                                           .tenant_header = tw_slice_of(header),
                                           .scope = "pos",
                                           .request_id = "r-1" };
    gw_key_auth_ask(&f->query);
    assert_int_equal(f->status, 0); /* never before the call has returned */
}

static void ask(struct fixture *f)
{
    ask_as(f, &f->key, "kitchen", NULL);
}

static void admit_until(struct fixture *f, const char *expires_ms)
{
    fake_pool_row(&f->pool, "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen", KEY_ID,
                  expires_ms, "till 7");
}

static void refuse(struct fixture *f)
{
    fake_pool_row(&f->pool, "1", "401", "{\"error\":{}}", NULL, NULL, NULL, NULL, NULL, NULL);
}

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void the_question_has_the_hash_of_the_key_and_what_it_is_for(void **state)
{
    struct fixture *f = *state;

    ask(f);
    assert_slice(fake_pool_param(&f->pool, 0), "[{\"keyHash\":\"" HASH "\",\"tenant\":"
                                               "\"kitchen\",\"scope\":\"pos\",\"requestId\":"
                                               "\"r-1\"}]");
    admit_until(f, NULL);
    ask_as(f, &f->key, NULL, "bakery");
    assert_slice(fake_pool_param(&f->pool, 0), "[{\"keyHash\":\"" HASH "\",\"tenantHeader\":"
                                               "\"bakery\",\"scope\":\"pos\",\"requestId\":"
                                               "\"r-1\"}]");
    admit_until(f, NULL);
    ask_as(f, &f->keyless, "kitchen", NULL);
    assert_slice(fake_pool_param(&f->pool, 0), "[{\"keyless\":true,\"tenant\":\"kitchen\","
                                               "\"scope\":\"pos\",\"requestId\":\"r-1\"}]");
    admit_until(f, NULL);
    assert_int_equal(f->auth.asked.value, 3);
}

/* More queries, beside that of the fixture. */
struct more {
    struct gw_key_auth_query query;
    int status;
    char slug[80], body[64];
    struct gw_key_auth_query *asks_again; /* in its answer; null: nobody */
};

static void on_more(struct gw_key_auth_query *q, int status, const struct gw_identity *identity,
                    struct tw_slice body)
{
    struct more *m = tw_container_of(q, struct more, query);

    assert_int_equal(m->status, 0);
    m->status = status;
    (void)snprintf(m->slug, sizeof(m->slug), "%s",
                   identity == NULL ? "" : identity->tenant.slug);
    (void)snprintf(m->body, sizeof(m->body), "%.*s", (int)body.len, body.at);
    if (m->asks_again != NULL)
        gw_key_auth_ask(m->asks_again);
}

static void ask_more(struct fixture *f, struct more *m, const char *tenant)
{
    *m = (struct more){ .query = { .auth = &f->auth,
                                   .answered = on_more,
                                   .principal = &f->key,
                                   .tenant = tw_slice_of(tenant),
                                   .scope = "pos",
                                   .request_id = "r-2" } };
    gw_key_auth_ask(&m->query);
    assert_int_equal(m->status, 0);
}

static void those_that_ask_for_what_is_being_asked_share_its_answer(void **state)
{
    struct fixture *f = *state;
    struct more a, b, other;

    ask(f);
    ask_more(f, &a, "kitchen");
    ask_more(f, &b, "kitchen");
    ask_more(f, &other, "bakery"); /* another wish is another question */
    assert_int_equal(f->auth.shared.value, 2);
    fake_pool_answer(&f->pool,
                     (const char *const[]){ "1", "200", NULL, KITCHEN_ID, "kitchen", "Kitchen",
                                            KEY_ID, NULL, NULL, "2", "200", NULL, BAKERY_ID,
                                            "bakery", "Bakery", KEY_ID, NULL, NULL },
                     2, 9);
    assert_int_equal(f->status, 200);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.slug, "kitchen");
    assert_int_equal(b.status, 200);
    assert_string_equal(b.slug, "kitchen");
    assert_int_equal(other.status, 200);
    assert_string_equal(other.slug, "bakery");
    ask(f); /* whoever comes later asks anew: the key may be revoked by now */
    assert_int_equal(f->auth.shared.value, 2);
    refuse(f);
    assert_int_equal(f->status, 401);
}

static void one_that_shares_may_ask_again_in_its_answer(void **state)
{
    struct fixture *f = *state;
    struct more a, b;

    ask(f);
    ask_more(f, &a, "kitchen");
    b = (struct more){ .query = { .auth = &f->auth,
                                  .answered = on_more,
                                  .principal = &f->key,
                                  .tenant = TW_LIT("kitchen"),
                                  .scope = "pos",
                                  .request_id = "r-3" } };
    a.asks_again = &b.query;
    admit_until(f, NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(b.status, 0); /* a question of its own */
    admit_until(f, NULL);
    assert_int_equal(b.status, 200);
}

static void a_refusal_is_not_shared(void **state)
{
    struct fixture *f = *state;
    struct more a, b;

    ask(f);
    ask_more(f, &a, "kitchen");
    ask_more(f, &b, "kitchen");
    fake_pool_row(&f->pool, "1", "403", "{\"requestId\":\"r-1\"}", NULL, NULL, NULL, NULL,
                  NULL);
    assert_int_equal(f->status, 403);
    assert_int_equal(a.status, 0);
    fake_pool_answer(&f->pool,
                     (const char *const[]){
                         "1", "403", "{\"requestId\":\"r-2\"}", NULL, NULL, NULL, NULL, NULL,
                         "2", "403", "{\"requestId\":\"r-3\"}", NULL, NULL, NULL, NULL, NULL },
                     2, 8);
    assert_int_equal(a.status, 403);
    assert_string_equal(a.body, "{\"requestId\":\"r-2\"}");
    assert_int_equal(b.status, 403);
    assert_string_equal(b.body, "{\"requestId\":\"r-3\"}");
}

static void an_outage_is_shared_too(void **state)
{
    struct fixture *f = *state;
    struct more a;

    ask(f);
    admit_until(f, NULL);
    ask(f);
    ask_more(f, &a, "kitchen");
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    assert_int_equal(f->status, 200); /* from memory */
    assert_int_equal(a.status, 200);
}

static void a_valid_key_says_whose_it_is(void **state)
{
    struct fixture *f = *state;

    ask(f);
    admit_until(f, "4102444800000");
    assert_int_equal(f->status, 200);
    assert_string_equal(f->identity.tenant.id, KITCHEN_ID);
    assert_string_equal(f->identity.tenant.slug, "kitchen");
    assert_string_equal(f->identity.key_id, KEY_ID);
    assert_int_equal(f->identity.expires_ms, 4102444800000);
    assert_string_equal(f->own_device, "till 7");
}

static void a_refusal_passes_on_with_its_body(void **state)
{
    struct fixture *f = *state;

    ask(f);
    refuse(f);
    assert_int_equal(f->status, 401);
    assert_buf(&f->body, "{\"error\":{}}");
    assert_int_equal(f->auth.refused.value, 1);
}

static void check_outage(struct fixture *f, int status)
{
    ask(f);
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    assert_int_equal(f->status, status);
    assert_buf(&f->body, "");
    if (status == 200) {
        assert_string_equal(f->identity.key_id, KEY_ID);
        assert_string_equal(f->own_device, "till 7");
    }
}

static void while_the_database_is_away_a_key_of_the_last_minute_counts(void **state)
{
    struct fixture *f = *state;

    check_outage(f, 503);
    ask(f);
    admit_until(f, NULL);
    f->loop.now_ms += CACHE_MS;
    check_outage(f, 200);
    assert_int_equal(f->auth.from_memory.value, 1);
    f->loop.now_ms += 1;
    check_outage(f, 503);
}

static void only_the_same_question_is_answered_from_memory(void **state)
{
    struct fixture *f = *state;

    ask(f);
    admit_until(f, NULL);
    ask_as(f, &f->key, "bakery", NULL);
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    assert_int_equal(f->status, 503);
    ask_as(f, &f->keyless, "kitchen", NULL);
    fake_pool_fail(&f->pool, TW_ELOST, "");
    assert_int_equal(f->status, 503);
}

static void a_key_that_was_refused_since_is_not_remembered(void **state)
{
    struct fixture *f = *state;

    ask(f);
    admit_until(f, NULL);
    ask(f);
    refuse(f);
    f->loop.now_ms += 2000; /* until then nobody would be asked */
    check_outage(f, 503);
}

static void a_key_that_has_expired_meanwhile_is_not_remembered(void **state)
{
    struct fixture *f = *state;
    struct tw_buf then = { .max = 30 };

    tw_buf_i64(&then, tw_wall_ms() - 1);
    tw_buf_char(&then, '\0');
    ask(f);
    admit_until(f, then.at);
    check_outage(f, 503);
    tw_buf_done(&then);
}

static void what_is_revoked_is_forgotten_and_nothing_else(void **state)
{
    struct fixture *f = *state;

    ask(f);
    admit_until(f, NULL);
    gw_key_auth_forget(&f->auth, TW_LIT("3f1d0d1e-0000-4000-8000-000000000002"));
    check_outage(f, 200);
    gw_key_auth_forget(&f->auth, TW_LIT(KEY_ID));
    check_outage(f, 503);
    ask(f);
    admit_until(f, NULL);
    gw_key_auth_forget_all(&f->auth);
    check_outage(f, 503);
}

/* It cannot push the others out by asking in ever other ways. */
static void of_one_key_the_sixteen_last_questions_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct tw_buf tenant = { .max = 30 };

    for (uint64_t i = 0; i < 150; i++) {
        tw_buf_clear(&tenant);
        tw_buf_u64(&tenant, i);
        tw_buf_char(&tenant, '\0');
        ask_as(f, &f->key, tenant.at, NULL);
        admit_until(f, NULL);
    }
    assert_int_equal(f->auth.known.map.count, 16);
    ask_as(f, &f->key, "149", NULL);
    fake_pool_fail(&f->pool, TW_EDOWN, "");
    assert_int_equal(f->status, 200);
    gw_key_auth_forget(&f->auth, TW_LIT(KEY_ID));
    assert_int_equal(f->auth.known.map.count, 0);
    tw_buf_done(&tenant);
}

static void a_key_that_was_just_refused_is_refused_without_asking(void **state)
{
    struct fixture *f = *state;
    struct tw_list *link;

    ask(f);
    refuse(f);
    f->status = 0;
    ask(f);
    assert_int_equal(fake_pool_count(&f->pool), 0);
    assert_int_equal(f->status, 0); /* never before the call has returned */
    while ((link = tw_list_shift(&f->loop.later)) != NULL)
        tw_container_of(link, struct tw_later, link)
            ->run(tw_container_of(link, struct tw_later, link));
    assert_int_equal(f->status, 401);
    assert_buf(&f->body, "");
    f->loop.now_ms += 2000;
    ask(f);
    admit_until(f, NULL); /* it was asked */
    assert_int_equal(f->status, 200);
}

static void nothing_is_remembered_where_that_is_switched_off(void **state)
{
    struct fixture *f = *state;

    f->auth.options.cache_ms = 0;
    ask(f);
    admit_until(f, NULL);
    check_outage(f, 503);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_question_has_the_hash_of_the_key_and_what_it_is_for),
        test(a_valid_key_says_whose_it_is),
        test(those_that_ask_for_what_is_being_asked_share_its_answer),
        test(one_that_shares_may_ask_again_in_its_answer),
        test(a_refusal_is_not_shared),
        test(an_outage_is_shared_too),
        test(a_refusal_passes_on_with_its_body),
        test(while_the_database_is_away_a_key_of_the_last_minute_counts),
        test(only_the_same_question_is_answered_from_memory),
        test(a_key_that_was_refused_since_is_not_remembered),
        test(a_key_that_has_expired_meanwhile_is_not_remembered),
        test(what_is_revoked_is_forgotten_and_nothing_else),
        test(of_one_key_the_sixteen_last_questions_are_remembered),
        test(a_key_that_was_just_refused_is_refused_without_asking),
        test(nothing_is_remembered_where_that_is_switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
