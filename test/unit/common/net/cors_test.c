/* cors_test.c - whose pages may read, and whose cookies count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/cors.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define NAMED "https://shop.example, http://till.example:3000"

static void origins_are_those_of_the_list(void **state)
{
    static const struct {
        const char *list, *origin;
        bool is_allowed;
    } rows[] = {
        { "*", "https://any.example", true },
        { "*", "null", true },
        { "*", "", true },
        { NAMED, "", true }, /* no browser's page */
        { NAMED, "https://shop.example", true },
        { NAMED, "http://till.example:3000", true },
        { NAMED, "http://shop.example", false },
        { NAMED, "https://shop.example:8443", false },
        { NAMED, "https://shop.example.evil", false },
        { NAMED, "https://SHOP.example", false }, /* browsers write it in lower case */
        { NAMED, "null", false },
        { NAMED, "*", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(tw_cors_allows(tw_slice_of(rows[i].list), tw_slice_of(rows[i].origin)) ==
                       rows[i].is_allowed,
                   rows[i].origin);
}

/* The headers that were added, as lines. */
static void check_headers(const struct tw_http_response *res, const char *want)
{
    struct tw_buf text = { .max = 1024 };

    for (size_t i = 0; i < res->extra_count; i++) {
        tw_buf_append(&text, res->extra[i].name);
        tw_buf_text(&text, ": ");
        tw_buf_append(&text, res->extra[i].value);
        tw_buf_char(&text, '\n');
    }
    if (want[0] == '\0')
        assert_int_equal(text.len, 0);
    else
        assert_buf(&text, want);
    tw_buf_done(&text);
}

static void credentials_go_with_named_origins_only(void **state)
{
    struct tw_http_response any = { 0 }, named = { 0 }, other = { 0 }, none = { 0 };

    (void)state;
    tw_cors_add(&any, TW_LIT("*"), TW_LIT("https://a.example"));
    check_headers(&any, "Access-Control-Allow-Origin: https://a.example\nVary: Origin\n");
    tw_cors_add(&named, TW_LIT(NAMED), TW_LIT("https://shop.example"));
    check_headers(&named, "Access-Control-Allow-Origin: https://shop.example\nVary: Origin\n"
                          "Access-Control-Allow-Credentials: true\n");
    tw_cors_add(&other, TW_LIT(NAMED), TW_LIT("https://a.example"));
    check_headers(&other, "");
    tw_cors_add(&none, TW_LIT("*"), TW_LIT(""));
    check_headers(&none, "");
}

static void a_preflight_is_told_methods_and_headers(void **state)
{
    struct tw_http_response both = { 0 }, one = { 0 };

    (void)state;
    tw_cors_add_preflight(&both, TW_LIT("GET, POST"), TW_LIT("X-API-Key"));
    check_headers(&both, "Access-Control-Allow-Methods: GET, POST\n"
                         "Access-Control-Allow-Headers: X-API-Key\n"
                         "Access-Control-Max-Age: 600\n");
    tw_cors_add_preflight(&one, TW_LIT("GET"), TW_LIT(""));
    check_headers(&one, "Access-Control-Allow-Methods: GET\nAccess-Control-Max-Age: 600\n");
}

static void cookies_count_for_pages_of_our_own_host(void **state)
{
    static const struct {
        const char *list, *host, *origin;
        bool is_trusted;
    } rows[] = {
        { "*", "till.example", "", true },
        { "*", "till.example", "http://till.example", true },
        { "*", "till.example:81", "http://till.example", true },
        { "*", "till.example:81", "http://till.example:3000", true }, /* MiniPOS' own page */
        { "*", "Till.Example", "https://till.example:3000", true },
        { "*", "[::1]:81", "http://[::1]:3000", true },
        { "*", "127.0.0.1", "http://127.0.0.1:3000", true },
        { "*", "till.example", "http://evil.example", false },
        { "*", "till.example", "http://till.example.evil", false },
        { "*", "till.example", "http://evil.example:till.example", false },
        { "*", "till.example", "null", false },
        { "*", "till.example", "://", false },
        { "*", "", "http://", false },
        { "*", "[::1]", "http://[::2]", false },
        { NAMED, "till.example", "https://shop.example", true },
        { NAMED, "till.example", "https://other.example", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = {
            .headers = { { TW_LIT("Host"), tw_slice_of(rows[i].host) },
                         { TW_LIT("Origin"), tw_slice_of(rows[i].origin) } },
            .header_count = 2,
        };

        assert_row(tw_cors_trusts_cookies(tw_slice_of(rows[i].list), &req) ==
                       rows[i].is_trusted,
                   rows[i].origin);
    }
}

static void sockets_open_for_listed_origins_own_pages_and_programs(void **state)
{
    static const struct {
        const char *list, *host, *origin;
        bool is_admitted;
    } rows[] = {
        { "*", "till.example", "http://evil.example", true },
        { "*", "till.example", "null", true },
        { NAMED, "till.example", "", true },
        { NAMED, "till.example", "https://shop.example", true },
        { NAMED, "till.example:81", "http://till.example:3000", true },
        { NAMED, "till.example", "https://other.example", false },
        { NAMED, "till.example", "https://shop.example.evil", false },
        { NAMED, "till.example", "null", false },
        { NAMED, "till.example", "file://", false },
        { NAMED, "", "http://", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = {
            .headers = { { TW_LIT("Host"), tw_slice_of(rows[i].host) },
                         { TW_LIT("Origin"), tw_slice_of(rows[i].origin) } },
            .header_count = 2,
        };

        assert_row(tw_cors_admits(tw_slice_of(rows[i].list), &req) == rows[i].is_admitted,
                   rows[i].origin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_are_those_of_the_list),
        cmocka_unit_test(credentials_go_with_named_origins_only),
        cmocka_unit_test(a_preflight_is_told_methods_and_headers),
        cmocka_unit_test(cookies_count_for_pages_of_our_own_host),
        cmocka_unit_test(sockets_open_for_listed_origins_own_pages_and_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
