/* presence_keys_test.c - the names under which gateways and the api find each other's records.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/presence_keys.h"

#include "test/unit/support/check.h"

static void each_tenant_has_a_key_of_its_own(void **state)
{
    char out[TW_PRESENCE_KEY_BYTES];

    (void)state;
    assert_slice(tw_presence_key(TW_LIT("69fb5687-044a-48af-ac0e-d6b817aec684"), out),
                 "tw:p:{69fb5687-044a-48af-ac0e-d6b817aec684}");
}

static void a_text_that_is_too_long_is_cut(void **state)
{
    char out[TW_PRESENCE_KEY_BYTES];

    (void)state;
    assert_slice(tw_presence_key(TW_LIT("69fb5687-044a-48af-ac0e-d6b817aec684-and-more"), out),
                 "tw:p:{69fb5687-044a-48af-ac0e-d6b817aec684}");
    assert_slice(tw_presence_key(TW_EMPTY, out), "tw:p:{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tenant_has_a_key_of_its_own),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
