/* credential_test.c - docs/protocols/minipos.md section 1: in which ways a credential may come,
 * and which of several counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/credential.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct tw_http_request request(const char *query)
{
    return (struct tw_http_request){ .method = TW_GET,
                                     .path = TW_LIT("/ws"),
                                     .query = tw_slice_of(query) };
}

static void add_header(struct tw_http_request *req, const char *name, const char *value)
{
    req->headers[req->header_count++] =
        (struct tw_http_header){ tw_slice_of(name), tw_slice_of(value) };
}

static void check_credential(const struct tw_http_request *req, const char *path_key,
                             const char *origins, const char *want)
{
    struct tw_buf out = { .max = 100 };
    bool is_there = gw_credential_read(req, tw_slice_of(path_key), tw_slice_of(origins), &out);

    assert_int_equal(is_there, want != NULL);
    if (want != NULL)
        assert_buf(&out, want);
    tw_buf_done(&out);
}

/* --- In the path -----------------------------------------------------------------------------
 */

static void a_key_is_cut_off_the_path(void **state)
{
    static const struct {
        const char *path, *key, *rest;
    } rows[] = {
        { "/k/pos_1/ws", "pos_1", "/ws" },
        { "/k/pos%201/ws/pos/kitchen", "pos%201", "/ws/pos/kitchen" },
        { "/k/pos_1/", "pos_1", "/" },
        { "/k/pos_1", "", "/k/pos_1" },
        { "/k/", "", "/k/" },
        { "/k", "", "/k" },
        { "/ws/k/pos_1/", "", "/ws/k/pos_1/" },
        { "/K/pos_1/ws", "", "/K/pos_1/ws" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .path = tw_slice_of(rows[i].path) };

        assert_row(tw_slice_is(gw_credential_cut(&req), rows[i].key), rows[i].path);
        assert_row(tw_slice_is(req.path, rows[i].rest), rows[i].path);
    }
}

/* --- Which one counts ------------------------------------------------------------------------
 */

static void of_several_the_first_way_counts(void **state)
{
    static const struct {
        const char *api_key, *authorization, *path_key, *query, *cookie, *want;
    } rows[] = {
        { "1", "Bearer 2", "3", "apiKey=4&api_key=5&token=6", "tillwire_key=7", "1" },
        { "", "Bearer 2", "3", "apiKey=4&api_key=5&token=6", "tillwire_key=7", "2" },
        { "", "", "3", "apiKey=4&api_key=5&token=6", "tillwire_key=7", "3" },
        { "", "", "", "token=6&api_key=5&apiKey=4", "tillwire_key=7", "4" },
        { "", "", "", "token=6&api_key=5", "tillwire_key=7", "5" },
        { "", "", "", "token=6", "tillwire_key=7", "6" },
        { "", "", "", "", "tillwire_key=7", "7" },
        { "", "", "", "", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = request(rows[i].query);

        add_header(&req, "X-API-Key", rows[i].api_key);
        add_header(&req, "Authorization", rows[i].authorization);
        add_header(&req, "Cookie", rows[i].cookie);
        check_credential(&req, rows[i].path_key, "", rows[i].want);
    }
}

static void only_bearer_is_read_of_an_authorization(void **state)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        { "Bearer pos_1", "pos_1" },
        { "bearer pos_1", "pos_1" },
        { "BEARER   pos_1", "pos_1" },
        { "Basic cG9z", NULL },
        { "Bearer", NULL },
        { "Bearer ", NULL },
        { "pos_1", NULL },
        { "Bearerpos_1 pos_2", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = request("");

        add_header(&req, "Authorization", rows[i].value);
        check_credential(&req, "", "", rows[i].want);
    }
}

static void path_and_query_are_decoded(void **state)
{
    struct tw_http_request req = request("api_key=a%2Bb%26");

    (void)state;
    check_credential(&req, "", "", "a+b&");
    check_credential(&req, "a%2Fb", "", "a/b");
    check_credential(&req, "a%zz", "", NULL);
    req = request("apiKey=%zz&token=good");
    check_credential(&req, "", "", "good");
    req = request("apiKey=&api_key=good");
    check_credential(&req, "", "", "good");
}

static void one_that_is_too_long_is_none(void **state)
{
    char text[102];
    struct tw_http_request req = request("");

    (void)state;
    memset(text, 'x', sizeof(text));
    text[101] = '\0';
    add_header(&req, "X-API-Key", text);
    check_credential(&req, "", "", NULL);
    text[100] = '\0';
    req.headers[0].value = tw_slice_of(text);
    check_credential(&req, "", "", text);
}

/* --- Cookies ---------------------------------------------------------------------------------
 */

static void the_cookie_is_found_among_others(void **state)
{
    static const struct {
        const char *cookie, *want;
    } rows[] = {
        { "tillwire_key=pos_1", "pos_1" },
        { "a=b; tillwire_key=pos_1; c=d", "pos_1" },
        { "a=tillwire_key=no;tillwire_key=a=b", "a=b" },
        { "my_tillwire_key=no; tillwire_key2=no", NULL },
        { "tillwire_key", NULL },
        { "tillwire_key=", NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = request("");

        add_header(&req, "Cookie", rows[i].cookie);
        check_credential(&req, "", "", rows[i].want);
    }
}

static void a_cookie_counts_for_pages_of_the_same_host_or_of_an_allowed_origin(void **state)
{
    static const struct {
        const char *host, *origin, *allowed;
        bool counts;
    } rows[] = {
        { "till.example", "https://till.example", "", true },
        { "till.example:9010", "http://till.example:8080", "", true },
        { "[::1]:9010", "http://[::1]", "", true },
        { "[::1]:9010", "http://[::2]:9010", "", false },
        { "till.example", NULL, "", true }, /* no browser's, or of the page itself */
        { "till.example", "https://evil.example", "", false },
        { "till.example", "https://till.example.evil.example", "", false },
        { "till.example", "https://eviltill.example", "", false },
        { "till.example", "null", "", false },
        { "till.example", "https://menu.example", "https://menu.example", true },
        { "till.example", "https://menu.example", "https://a.example, https://menu.example",
          true },
        { "till.example", "http://menu.example", "https://menu.example", false },
        { "till.example", "https://menu.example:444", "https://menu.example", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = request("");

        add_header(&req, "Host", rows[i].host);
        add_header(&req, "Cookie", "tillwire_key=pos_1");
        if (rows[i].origin != NULL)
            add_header(&req, "Origin", rows[i].origin);
        check_credential(&req, "", rows[i].allowed, rows[i].counts ? "pos_1" : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_cut_off_the_path),
        cmocka_unit_test(of_several_the_first_way_counts),
        cmocka_unit_test(only_bearer_is_read_of_an_authorization),
        cmocka_unit_test(path_and_query_are_decoded),
        cmocka_unit_test(one_that_is_too_long_is_none),
        cmocka_unit_test(the_cookie_is_found_among_others),
        cmocka_unit_test(a_cookie_counts_for_pages_of_the_same_host_or_of_an_allowed_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
