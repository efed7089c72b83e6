/* staff_keys_test.c - which key seals, which open, and for whom.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/staff_keys.h"

#include "test/unit/support/check.h"

#define OLD "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NEW "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define ADA TW_LIT("{\"id\":\"1\",\"password\":\"lovelace\"}")

static bool opens(const char *setting, const char *tenant, struct tw_slice id,
                  const struct tw_buf *sealed)
{
    struct gw_staff_keys keys;
    struct tw_buf out = { .max = 100 };
    bool ok;

    gw_staff_keys_read(&keys, setting);
    ok = gw_staff_open(&keys, tenant, id, tw_buf_view(sealed), &out);
    assert_true(!ok || tw_slice_eq(tw_buf_view(&out), ADA));
    tw_buf_done(&out);
    return ok;
}

static void the_first_key_seals_and_each_opens(void **state)
{
    struct gw_staff_keys keys;
    struct tw_buf old = { .max = 1000 }, new = { .max = 1000 };

    (void)state;
    gw_staff_keys_read(&keys, OLD);
    gw_staff_seal(&keys, "kitchen", TW_LIT("1"), ADA, &old);
    assert_null(memmem(old.at, old.len, "lovelace", 8));
    gw_staff_keys_read(&keys, NEW "," OLD);
    gw_staff_seal(&keys, "kitchen", TW_LIT("1"), ADA, &new);
    assert_true(opens(OLD, "kitchen", TW_LIT("1"), &old));
    assert_true(opens(NEW "," OLD, "kitchen", TW_LIT("1"), &old));
    assert_true(opens(NEW "," OLD, "kitchen", TW_LIT("1"), &new));
    assert_false(opens(NEW, "kitchen", TW_LIT("1"), &old));
    assert_false(opens(OLD, "kitchen", TW_LIT("1"), &new));
    tw_buf_done(&old);
    tw_buf_done(&new);
}

static void a_person_is_opened_for_its_restaurant_and_id_alone(void **state)
{
    struct gw_staff_keys keys;
    struct tw_buf sealed = { .max = 1000 };

    (void)state;
    gw_staff_keys_read(&keys, OLD);
    gw_staff_seal(&keys, "kitchen", TW_LIT("1"), ADA, &sealed);
    assert_false(opens(OLD, "bistro", TW_LIT("1"), &sealed));
    assert_false(opens(OLD, "kitchen", TW_LIT("2"), &sealed));
    sealed.at[0] = '!';
    assert_false(opens(OLD, "kitchen", TW_LIT("1"), &sealed)); /* no base64 */
    tw_buf_done(&sealed);
}

static void without_a_setting_there_is_no_key(void **state)
{
    struct gw_staff_keys keys;

    (void)state;
    gw_staff_keys_read(&keys, "");
    assert_int_equal(keys.count, 0);
    gw_staff_keys_read(&keys, NULL);
    assert_int_equal(keys.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_key_seals_and_each_opens),
        cmocka_unit_test(a_person_is_opened_for_its_restaurant_and_id_alone),
        cmocka_unit_test(without_a_setting_there_is_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
