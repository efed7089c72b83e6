/* early_test.c - where a client came from, behind early messages, and off again.
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

static void check(struct tw_buf *early, const char *address, const char *client,
                  const char *rest)
{
    struct gw_origin from;

    gw_early_take_origin(early, &from);
    assert_string_equal(from.address, address);
    assert_string_equal(from.client, client);
    if (early != NULL)
        assert_buf(early, rest);
    gw_early_free(early);
}

static void an_origin_is_added_and_taken_off_again(void **state)
{
    struct gw_origin from;
    struct tw_buf *twice = gw_early_with_origin(said("{}"), "192.0.2.7", "Till/3");

    (void)state;
    check(gw_early_with_origin(NULL, "192.0.2.7", "Till/3.1 (x; y)"), "192.0.2.7",
          "Till/3.1 (x; y)", "");
    check(gw_early_with_origin(said("{\"a\":1}\x1e{\"b\":2}"), "2001:db8::1", NULL),
          "2001:db8::1", "", "{\"a\":1}\x1e{\"b\":2}");
    check(gw_early_with_origin(said("{}"), NULL, "Till/3"), "", "Till/3", "{}");
    assert_null(gw_early_with_origin(NULL, NULL, NULL));
    gw_early_take_origin(twice, &from);
    check(twice, "", "", "{}");
}

static void what_a_client_says_itself_is_no_origin(void **state)
{
    (void)state;
    check(said("{}\x1f"
               "10.0.0.1\x1f"
               "x"),
          "", "",
          "{}\x1f"
          "10.0.0.1\x1f"
          "x");
    check(said("{}\x1e"), "", "", "{}\x1e");
    check(NULL, "", "", "");
}

static void what_is_too_long_is_left_out(void **state)
{
    char client[GW_CLIENT_BYTES + 1];

    (void)state;
    memset(client, 'x', sizeof(client));
    client[sizeof(client) - 2] = '\0';
    check(gw_early_with_origin(NULL, "192.0.2.7", client), "192.0.2.7", client, "");
    client[sizeof(client) - 2] = 'x';
    client[sizeof(client) - 1] = '\0';
    check(gw_early_with_origin(NULL, "", client), "", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_added_and_taken_off_again),
        cmocka_unit_test(what_a_client_says_itself_is_no_origin),
        cmocka_unit_test(what_is_too_long_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
