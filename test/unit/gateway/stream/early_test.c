/* early_test.c - an address behind early messages, and off again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/early.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct tw_buf *said(const char *text)
{
    struct tw_buf *b = tw_new(struct tw_buf);

    b->max = 100;
    tw_buf_text(b, text);
    return b;
}

static void an_address_is_added_and_taken_off_again(void **state)
{
    char address[GW_ADDRESS_BYTES];
    struct tw_buf *alone = gw_early_with_address(NULL, "192.0.2.7");
    struct tw_buf *behind =
        gw_early_with_address(said("{\"a\":1}\x1e{\"b\":2}"), "2001:db8::1");

    (void)state;
    gw_early_take_address(alone, address);
    assert_string_equal(address, "192.0.2.7");
    assert_int_equal(alone->len, 0);
    gw_early_take_address(behind, address);
    assert_string_equal(address, "2001:db8::1");
    assert_buf(behind, "{\"a\":1}\x1e{\"b\":2}");
    gw_early_take_address(behind, address);
    assert_string_equal(address, "");
    gw_early_free(alone);
    gw_early_free(behind);
}

static void what_a_client_says_itself_is_no_address(void **state)
{
    char address[GW_ADDRESS_BYTES];
    struct tw_buf *said_so = said("{}\x1f"
                                  "10.0.0.1");

    (void)state;
    gw_early_take_address(said_so, address);
    assert_string_equal(address, "");
    assert_buf(said_so, "{}\x1f"
                        "10.0.0.1");
    gw_early_take_address(NULL, address);
    assert_string_equal(address, "");
    gw_early_free(said_so);
    gw_early_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_added_and_taken_off_again),
        cmocka_unit_test(what_a_client_says_itself_is_no_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
