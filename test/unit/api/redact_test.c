/* redact_test.c - what is left of a body and of a path.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/redact.h"

#include <string.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

static void values_that_may_be_somebodys_are_dots(void **state)
{
    static const struct {
        const char *given, *left;
    } rows[] = {
        { "{}", "{}" },
        { "[]", "[]" },
        { "{\"amount\":25.00,\"orderId\":1007}", "{\"amount\":25.00,\"orderId\":1007}" },
        { "{\"customerName\":\"Ada\",\"customerPhone\":447700900111,\"vip\":true,\"x\":null}",
          "{\"customerName\":\"" DOTS "\",\"customerPhone\":\"" DOTS
          "\",\"vip\":true,\"x\":null}" },
        { "{\"items\":[{\"name\":\"Ramen\",\"price\":10.70,\"note\":\"for \\\"Ada\\\"\"}]}",
          "{\"items\":[{\"name\":\"" DOTS "\",\"price\":10.70,\"note\":\"" DOTS "\"}]}" },
        { "{\"scopes\":[\"pos\",[\"x\"]],\"names\":[\"Ada\",5]}",
          "{\"scopes\":[\"pos\",[\"x\"]],\"names\":[\"" DOTS "\",\"" DOTS "\"]}" },
        { "{\"status\":{\"pin\":\"1234\",\"status\":\"new\"}}",
          "{\"status\":{\"pin\":\"" DOTS "\",\"status\":\"new\"}}" },
        { "{\"amount\":{\"a\":[1]},\"b\":2}",
          "{\"amount\":{\"a\":[\"" DOTS "\"]},\"b\":\"" DOTS "\"}" },
        { "\"secret\"", "\"" DOTS "\"" },
        { "[\"a\",1,false]", "[\"" DOTS "\",\"" DOTS "\",false]" },
        { "{\"a name that is long enough to be a letter to somebody, and says so at some "
          "length\":1}",
          "{\"" DOTS "\":\"" DOTS "\"}" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf out = { .max = API_REDACTED_BYTES };

        api_redact_body(&out, tw_slice_of(rows[i].given));
        assert_buf(&out, rows[i].left);
        tw_buf_done(&out);
    }
}

static void a_long_body_ends_with_an_ellipsis(void **state)
{
    struct tw_buf body = { .max = 100000 }, out = { .max = API_REDACTED_BYTES };

    (void)state;
    tw_buf_text(&body, "{\"items\":[");
    for (size_t i = 0; i < 2000; i++)
        tw_buf_text(&body, i == 0 ? "{\"id\":1}" : ",{\"id\":1}");
    tw_buf_text(&body, "]}");
    api_redact_body(&out, tw_buf_view(&body));
    assert_false(out.failed);
    assert_true(out.len > API_REDACTED_BYTES - 40 && out.len <= API_REDACTED_BYTES);
    assert_memory_equal(out.at + out.len - 3, "\xe2\x80\xa6", 3);
    tw_buf_done(&body);
    tw_buf_done(&out);
}

static void a_path_has_the_ends_of_cards_and_phones(void **state)
{
    static const struct {
        const char *pattern, *path, *left;
    } rows[] = {
        { "/api/{tenant}/orders", "{}", "/api/kitchen/orders" },
        { "/api/{tenant}/orders/{id}", "{\"id\":\"KIT-1\"}", "/api/kitchen/orders/KIT-1" },
        { "/api/{tenant}/gift-cards/{cardNumber}/deduct", "{\"cardNumber\":\"GC-1000000001\"}",
          "/api/kitchen/gift-cards/" DOTS "0001/deduct" },
        { "/api/{tenant}/gift-cards/{cardNumber}", "{\"cardNumber\":\"GC-1\"}",
          "/api/kitchen/gift-cards/" DOTS },
        { "/api/{tenant}/loyalty/{phone}/add", "{\"phone\":\"+447700900456\"}",
          "/api/kitchen/loyalty/" DOTS "56/add" },
        { "/api/{tenant}/x/{id}", "", "/api/kitchen/x/" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf out = { .max = 1000 };

        api_redact_path(&out, rows[i].pattern, TW_LIT("kitchen"), tw_slice_of(rows[i].path));
        assert_buf(&out, rows[i].left);
        tw_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_may_be_somebodys_are_dots),
        cmocka_unit_test(a_long_body_ends_with_an_ellipsis),
        cmocka_unit_test(a_path_has_the_ends_of_cards_and_phones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
