/* principal_test.c - the ctx of pos.call for a client: who it is, and what it is called.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/principal.h"

#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "test/unit/support/check.h"

#define TENANT "69fb5687-044a-48af-ac0e-d6b817aec684"
#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* The ctx with "attempt" for its attempt, which is a UUID. */
static void put_context(const struct gw_principal *p, const char *device, const char *session,
                        struct tw_buf *out)
{
    struct tw_buf json = { .max = 10000 };
    struct tw_slice attempt;

    gw_principal_context(p, TW_LIT(TENANT), tw_slice_of(device), tw_slice_of(session),
                         TW_LIT("r-1"), &json);
    assert_true(tw_json_get(tw_buf_view(&json), "attempt", &attempt));
    assert_true(tw_is_uuid(tw_slice_from(attempt.at + 1, attempt.len - 2)));
    out->max = 10000;
    tw_buf_append(out, tw_slice_from(json.at, (size_t)(attempt.at - json.at)));
    tw_buf_text(out, "attempt");
    tw_buf_append(
        out, tw_slice_skip(tw_buf_view(&json), (size_t)(attempt.at - json.at) + attempt.len));
    tw_buf_done(&json);
}

static void check_context(const struct gw_principal *p, const char *want)
{
    struct tw_buf out = { 0 };

    put_context(p, NULL, NULL, &out);
    assert_buf(&out, want);
    tw_buf_done(&out);
}

#define REST                                                                                   \
    "\"kind\":\"socket\",\"attempt\":attempt,\"requestId\":\"r-1\",\"path\":{},\"query\":{}}"

static void a_key_is_known_by_its_hash(void **state)
{
    struct gw_principal p = { .has_key = true };

    (void)state;
    memcpy(p.key_hash, HASH, sizeof(p.key_hash));
    check_context(&p, "{\"keyHash\":\"" HASH "\"," REST);
}

static void a_ticket_with_fewer_scopes_says_which_and_so_does_a_copy(void **state)
{
    struct gw_principal p = { .has_key = true, .only = { .max = 100 } }, copy = { 0 };

    (void)state;
    memcpy(p.key_hash, HASH, sizeof(p.key_hash));
    tw_buf_text(&p.only, "[\"pos\"]");
    gw_principal_copy(&copy, &p);
    gw_principal_done(&p);
    check_context(&copy, "{\"keyHash\":\"" HASH "\",\"only\":[\"pos\"]," REST);
    gw_principal_done(&copy);
}

static void a_token_is_known_by_its_claims_even_beside_a_key(void **state)
{
    struct gw_principal p = { .has_key = true, .claim = { .max = 100 } };

    (void)state;
    memcpy(p.key_hash, HASH, sizeof(p.key_hash));
    tw_buf_text(&p.claim, "{\"restaurant\":\"kitchen\"}");
    check_context(&p, "{\"token\":{\"restaurant\":\"kitchen\"}," REST);
    gw_principal_done(&p);
}

static void a_device_without_a_key_is_one_of_its_tenant(void **state)
{
    struct gw_principal p = { .is_keyless = true };

    (void)state;
    check_context(&p, "{\"keyless\":\"" TENANT "\"," REST);
}

static void nobody_has_no_credential(void **state)
{
    struct gw_principal p = { 0 };

    (void)state;
    check_context(&p, "{" REST);
}

static void the_device_and_the_session_are_named_where_there_are_any(void **state)
{
    struct gw_principal p = { .is_keyless = true };
    struct tw_buf out = { 0 };

    (void)state;
    put_context(&p, "Ada's \"till\"", "ab12", &out);
    assert_buf(&out, "{\"keyless\":\"" TENANT "\",\"kind\":\"socket\",\"device\":\"Ada's "
                     "\\\"till\\\"\",\"session\":\"ab12\",\"attempt\":attempt,\"requestId\":"
                     "\"r-1\",\"path\":{},\"query\":{}}");
    tw_buf_done(&out);
}

static void each_ctx_is_an_attempt_of_its_own(void **state)
{
    struct gw_principal p = { .is_keyless = true };
    struct tw_buf one = { .max = 1000 }, two = { .max = 1000 };

    (void)state;
    gw_principal_context(&p, TW_LIT(TENANT), TW_LIT(""), TW_LIT(""), TW_LIT("r"), &one);
    gw_principal_context(&p, TW_LIT(TENANT), TW_LIT(""), TW_LIT(""), TW_LIT("r"), &two);
    assert_false(tw_slice_eq(tw_buf_view(&one), tw_buf_view(&two)));
    tw_buf_done(&one);
    tw_buf_done(&two);
}

static void a_copy_lives_without_what_it_was_copied_from(void **state)
{
    struct gw_principal from = { .claim = { .max = 100 } }, to = { 0 };

    (void)state;
    tw_buf_text(&from.claim, "{\"restaurant\":\"kitchen\"}");
    gw_principal_copy(&to, &from);
    gw_principal_done(&from);
    check_context(&to, "{\"token\":{\"restaurant\":\"kitchen\"}," REST);
    from = (struct gw_principal){ .has_key = true }; /* and may become another's */
    memcpy(from.key_hash, HASH, sizeof(from.key_hash));
    gw_principal_copy(&to, &from);
    check_context(&to, "{\"keyHash\":\"" HASH "\"," REST);
    gw_principal_done(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_known_by_its_hash),
        cmocka_unit_test(a_ticket_with_fewer_scopes_says_which_and_so_does_a_copy),
        cmocka_unit_test(a_token_is_known_by_its_claims_even_beside_a_key),
        cmocka_unit_test(a_device_without_a_key_is_one_of_its_tenant),
        cmocka_unit_test(nobody_has_no_credential),
        cmocka_unit_test(the_device_and_the_session_are_named_where_there_are_any),
        cmocka_unit_test(each_ctx_is_an_attempt_of_its_own),
        cmocka_unit_test(a_copy_lives_without_what_it_was_copied_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
