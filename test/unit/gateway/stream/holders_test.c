/* holders_test.c - which sessions belong together, and until when.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/holders.h"

#include <string.h>

#include "common/util/base.h"
#include "gateway/dialect/principal.h"
#include "test/unit/support/check.h"

#define KITCHEN "69fb5687-044a-48af-ac0e-d6b817aec684"
#define KEY "3f1d0d1e-0000-4000-8000-000000000001"

static struct gw_identity who_with(const char *key, const struct gw_principal *principal,
                                   int64_t expires_ms)
{
    struct gw_identity who = { .tenant = { .id = KITCHEN, .slug = "kitchen" },
                               .expires_ms = expires_ms,
                               .principal = principal };

    memcpy(who.key_id, key, strlen(key));
    return who;
}

static void sessions_are_held_by_what_has_let_them_in(void **state)
{
    static const struct gw_principal keyless = { .is_keyless = true }, other = { 0 };
    struct gw_holders all = { 0 };
    struct tw_list sessions[5] = { 0 };
    struct gw_holder *key, *token, *nothing;
    struct gw_identity who;

    (void)state;
    gw_holders_start(&all);
    who = who_with(KEY, &other, 7);
    key = gw_holders_join(&all, &who, &sessions[0]);
    who = who_with(KEY, &other, 8);
    assert_ptr_equal(gw_holders_join(&all, &who, &sessions[1]), key);
    who = who_with("", &other, 9);
    token = gw_holders_join(&all, &who, &sessions[2]);
    assert_ptr_equal(gw_holders_join(&all, &who, &sessions[3]), token);
    who = who_with("", &keyless, 0);
    nothing = gw_holders_join(&all, &who, &sessions[4]);

    assert_ptr_equal(gw_holders_find(&all, GW_HOLDS_KEY, TW_LIT(KEY)), key);
    assert_int_equal(key->expires_ms, 8); /* what was said last */
    assert_ptr_equal(gw_holders_find(&all, GW_HOLDS_TOKEN, TW_LIT(KITCHEN)), token);
    assert_int_equal(token->expires_ms, 0);
    assert_ptr_equal(gw_holders_find(&all, GW_HOLDS_NOTHING, TW_LIT(KITCHEN)), nothing);
    assert_null(gw_holders_find(&all, GW_HOLDS_KEY, TW_LIT(KITCHEN)));
    assert_ptr_equal(all.of_kind[GW_HOLDS_TOKEN].next, &token->link);

    gw_holders_leave(&all, key, &sessions[0]);
    assert_ptr_equal(gw_holders_find(&all, GW_HOLDS_KEY, TW_LIT(KEY)), key);
    gw_holders_leave(&all, key, &sessions[1]);
    assert_null(gw_holders_find(&all, GW_HOLDS_KEY, TW_LIT(KEY)));
    gw_holders_leave(&all, token, &sessions[2]);
    gw_holders_leave(&all, token, &sessions[3]);
    gw_holders_leave(&all, nothing, &sessions[4]);
    for (size_t i = 0; i < TW_COUNT(all.of_kind); i++)
        assert_true(tw_list_empty(&all.of_kind[i]));
    gw_holders_done(&all);
}

static void a_long_id_is_nobodys(void **state)
{
    struct gw_holders all = { 0 };
    char id[200];

    (void)state;
    gw_holders_start(&all);
    memset(id, 'k', sizeof(id));
    assert_null(gw_holders_find(&all, GW_HOLDS_KEY, tw_slice_from(id, sizeof(id))));
    gw_holders_done(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_held_by_what_has_let_them_in),
        cmocka_unit_test(a_long_id_is_nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
