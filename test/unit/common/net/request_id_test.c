/* request_id_test.c - the id that a request is known by.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/request_id.h"

#include "common/net/http_message.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"

static void id_for(struct tw_slice given, char out[TW_REQUEST_ID])
{
    struct tw_http_request req = { .method = TW_GET };

    if (given.at != NULL)
        req.headers[req.header_count++] =
            (struct tw_http_header){ TW_LIT("x-request-ID"), given };
    memset(out, '#', TW_REQUEST_ID);
    tw_request_id(&req, out);
}

static void a_client_s_own_id_is_kept_when_it_is_harmless(void **state)
{
    static const char *const good[] = {
        "a", "0", "69fb5687-044a-48af-ac0e-d6b817aec684", "Till_1.2026-01-05",
        "0123456789012345678901234567890123456789012345678901234567890123"
    };
    char id[TW_REQUEST_ID];

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        id_for(tw_slice_of(good[i]), id);
        assert_string_equal(id, good[i]);
    }
}

static void any_other_is_replaced_by_a_new_one(void **state)
{
    static const char *const bad[] = { "",
                                       "a b",
                                       "a\"b",
                                       "a/b",
                                       "a:b",
                                       "caf\xc3\xa9",
                                       "a\n",
                                       "{}",
                                       ("01234567890123456789012345678901234567890123456789"
                                        "012345678901234") };
    char id[TW_REQUEST_ID], before[TW_REQUEST_ID] = "";

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        id_for(tw_slice_of(bad[i]), id);
        assert_row(strlen(id) == 24 && strspn(id, "0123456789abcdef") == 24, bad[i]);
        assert_string_not_equal(id, before);
        memcpy(before, id, sizeof(before));
    }
    id_for(TW_EMPTY, id);
    assert_int_equal(strspn(id, "0123456789abcdef"), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_s_own_id_is_kept_when_it_is_harmless),
        cmocka_unit_test(any_other_is_replaced_by_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
