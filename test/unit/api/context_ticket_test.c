/* context_ticket_test.c - who may ask for a ticket, and until when a token that does so is
 * valid.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"

#include "api/router.h"
#include "test/unit/support/check.h"

static void read(const char *query, const char *cookie, struct api_context *out)
{
    struct tw_http_request req = {
        .method = TW_POST,
        .path = TW_LIT("/api/kitchen/ws-ticket"),
        .query = tw_slice_of(query),
        .headers = { { TW_LIT("Cookie"), tw_slice_of(cookie) } },
        .header_count = 1,
    };
    struct api_match match;

    api_route_find(req.method, req.path, &match);
    assert_non_null(match.route);
    assert_null(api_context_read(&req, &match, out));
}

static void a_page_has_its_key_in_a_cookie_and_nobody_in_the_address(void **state)
{
    struct api_context page = { 0 }, other = { 0 };

    (void)state;
    read("", "tillwire_key=pos_1", &page);
    assert_true(page.has_key);
    read("apiKey=pos_1&ticket=pos_1", "a=b", &other);
    assert_false(other.has_key || other.is_keyless);
    api_context_done(&page);
    api_context_done(&other);
}

static void a_token_says_until_when_it_is_valid(void **state)
{
    struct api_context c = { .json = { .max = 200 } };

    (void)state;
    tw_buf_text(&c.json, "{}");
    api_context_set_token(&c, TW_LIT("{\"restaurant\":\"kitchen\"}"), 4102444800000);
    assert_buf(&c.json, "{\"token\":{\"restaurant\":\"kitchen\"},"
                        "\"tokenExpiresMs\":4102444800000}");
    api_context_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_its_key_in_a_cookie_and_nobody_in_the_address),
        cmocka_unit_test(a_token_says_until_when_it_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
