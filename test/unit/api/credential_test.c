/* credential_test.c - the places of a credential, which of several counts, and where none does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/credential.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

struct row {
    const char *path, *query;
    const char *name, *value; /* a header; null: none */
    const char *name2, *value2;
    const char *found, *refusal;
};

static void check(const struct row *row)
{
    struct tw_http_request req = { .path = tw_slice_of(row->path),
                                   .query = tw_slice_of(row->query) };
    struct tw_buf out = { .max = 64 };
    struct api_match match;
    const char *refusal;

    if (row->name != NULL)
        req.headers[req.header_count++] =
            (struct tw_http_header){ tw_slice_of(row->name), tw_slice_of(row->value) };
    if (row->name2 != NULL)
        req.headers[req.header_count++] =
            (struct tw_http_header){ tw_slice_of(row->name2), tw_slice_of(row->value2) };
    api_route_find(TW_GET, req.path, &match);
    assert_row(match.route != NULL, row->path);
    refusal = api_credential_read(&req, &match, TW_LIT("https://shop.example"), &out);
    assert_row((refusal == NULL) == (row->refusal == NULL), row->path);
    if (row->refusal != NULL)
        assert_string_equal(refusal, row->refusal);
    else
        assert_slice(tw_buf_view(&out), row->found);
    tw_buf_done(&out);
}

#define KEY "X-API-Key"
#define BEARER "Authorization"

static void the_first_place_that_has_one_counts(void **state)
{
    static const struct row rows[] = {
        { "/k/p/api/sync", "apiKey=q", KEY, "h", "Cookie", "tillwire_key=c", "h", NULL },
        { "/k/p/api/sync", "apiKey=q", BEARER, "Bearer b", NULL, NULL, "b", NULL },
        { "/k/p/api/sync", "apiKey=q", "Cookie", "tillwire_key=c", NULL, NULL, "p", NULL },
        { "/api/sync", "apiKey=q&token=t", "Cookie", "tillwire_key=c", NULL, NULL, "q", NULL },
        { "/api/sync", "token=t&api_key=q&apiKey=", NULL, NULL, NULL, NULL, "q", NULL },
        { "/api/sync", "token=e30.e30.x", NULL, NULL, NULL, NULL, "e30.e30.x", NULL },
        { "/api/sync", "x=1", "Cookie", "a=b; tillwire_key=c;d=e", NULL, NULL, "c", NULL },
        { "/api/sync", "", "Cookie", "tillwire_key", NULL, NULL, "", NULL },
        { "/api/sync", "", "Cookie", "Tillwire_Key=c; xtillwire_key=d", NULL, NULL, "", NULL },
        { "/api/sync", "", "Cookie", "tillwire_key=", NULL, NULL, "", NULL },
        { "/api/sync", "", NULL, NULL, NULL, NULL, "", NULL },
        { "/api/sync", "", KEY, "a", BEARER, "Bearer a", "a", NULL },
        { "/api/sync", "", KEY, "a", BEARER, "Bearer b", NULL, "UNAUTHORIZED" },
        { "/k/p%5F1/api/health", "", NULL, NULL, NULL, NULL, "p_1", NULL },
        { "/k/p%5/api/health", "", NULL, NULL, NULL, NULL, NULL, "INVALID_ENCODING" },
        { "/api/sync", "apiKey=%", NULL, NULL, NULL, NULL, NULL, "INVALID_ENCODING" },
        { "/api/sync", "", KEY,
          "1234567890123456789012345678901234567890123456789012345678901234x", NULL, NULL, NULL,
          "UNAUTHORIZED" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        check(&rows[i]);
}

static void a_cookie_that_another_page_made_the_browser_send_does_not_count(void **state)
{
    static const struct row rows[] = {
        { "/api/sync", "", "Cookie", "tillwire_key=c", "Origin", "https://shop.example", "c",
          NULL },
        { "/api/sync", "", "Cookie", "tillwire_key=c", "Origin", "https://evil.example", "",
          NULL },
        { "/api/sync", "", "Cookie", "tillwire_key=c", "Origin", "null", "", NULL },
        { "/api/sync", "apiKey=q", "Origin", "https://evil.example", NULL, NULL, "q", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        check(&rows[i]);
}

static void other_addresses_look_at_headers_only(void **state)
{
    static const struct row rows[] = {
        { "/api/kitchen/health", "apiKey=q&api_key=q&token=q", "Cookie", "tillwire_key=c", NULL,
          NULL, "", NULL },
        { "/api/kitchen/health", "apiKey=%", KEY, "h", NULL, NULL, "h", NULL },
        { "/api/v1/orders", "apiKey=q", BEARER, "Bearer b", NULL, NULL, "b", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        check(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_place_that_has_one_counts),
        cmocka_unit_test(a_cookie_that_another_page_made_the_browser_send_does_not_count),
        cmocka_unit_test(other_addresses_look_at_headers_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
