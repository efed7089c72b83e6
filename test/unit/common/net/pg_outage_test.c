/* pg_outage_test.c - an outage is said once, and again for another reason, but not each time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_outage.h"

#include "test/unit/support/check.h"

static bool fails(struct tw_pg_outage *o, const char *why, uint64_t now_ms)
{
    tw_pg_outage_note(o, why);
    return tw_pg_outage_is_news(o, now_ms);
}

static void an_outage_is_said_once_and_each_one_anew(void **state)
{
    struct tw_pg_outage o = { 0 };

    (void)state;
    assert_true(fails(&o, "refused", 1000));
    assert_false(fails(&o, "refused", 2000));
    assert_false(fails(&o, "refused", 900000));
    tw_pg_outage_end(&o, true);
    assert_true(fails(&o, "refused", 900001));
}

static void another_reason_is_said_after_a_while(void **state)
{
    struct tw_pg_outage o = { 0 };
    int said = 0;

    (void)state;
    assert_true(fails(&o, "refused", 1000));
    assert_false(fails(&o, "a wrong certificate", 2000));
    assert_string_equal(o.why, "a wrong certificate"); /* who asks is told at once */
    assert_true(fails(&o, "a wrong certificate", 31000));
    assert_false(fails(&o, "a wrong certificate", 90000));
    for (uint64_t now = 100000; now < 400000; now += 500) /* two reasons in turn */
        said += fails(&o, now % 1000 == 0 ? "refused" : "a wrong certificate", now) ? 1 : 0;
    assert_in_range(said, 1, 10);
}

static void the_reason_is_kept_until_all_is_well(void **state)
{
    struct tw_pg_outage o = { 0 };

    (void)state;
    (void)fails(&o, "too many clients", 1000);
    tw_pg_outage_end(&o, false);
    assert_string_equal(o.why, "too many clients");
    tw_pg_outage_end(&o, true);
    assert_string_equal(o.why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_is_said_once_and_each_one_anew),
        cmocka_unit_test(another_reason_is_said_after_a_while),
        cmocka_unit_test(the_reason_is_kept_until_all_is_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
