/* credential_test.c - the places of a credential, which of several counts, and what is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/credential.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

struct row {
    const char *path, *query;
    const char *name, *value; /* a header; null: none */
    const char *name2, *value2;
    const char *found; /* null: `answer` is not FOUND */
    enum tw_credential answer;
};

static void add(struct tw_http_request *req, const char *name, const char *value)
{
    if (name != NULL)
        req->headers[req->header_count++] =
            (struct tw_http_header){ tw_slice_of(name), tw_slice_of(value) };
}

static void check(unsigned places, struct tw_slice origins, const struct row *row)
{
    struct tw_http_request req = { .path = tw_slice_of(row->path),
                                   .query = tw_slice_of(row->query) };
    struct tw_buf out = { .max = places & TW_CREDENTIAL_TICKET ? 70 : 64 };
    struct tw_slice path_key = tw_credential_cut(&req.path);
    enum tw_credential answer;

    add(&req, row->name, row->value);
    add(&req, row->name2, row->value2);
    answer = tw_credential_read(&req, places, path_key, origins, &out);
    assert_row(answer == (row->found != NULL ? TW_CREDENTIAL_FOUND : row->answer), row->path);
    assert_false(out.failed);
    assert_slice(tw_buf_view(&out), row->found != NULL ? row->found : "");
    tw_buf_done(&out);
}

static void check_all(unsigned places, const char *origins, const struct row *rows,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(places, tw_slice_of(origins), &rows[i]);
}

#define KEY "X-API-Key"
#define BEARER "Authorization"
#define COOKIE "Cookie"
#define ORIGIN "Origin"

#define CHECK(places, origins, rows) check_all(places, origins, rows, TW_COUNT(rows))

static void the_first_place_that_has_one_counts(void **state)
{
    static const struct row rows[] = {
        { "/k/p/ws", "apiKey=q", KEY, "h", COOKIE, "tillwire_key=c", .found = "h" },
        { "/k/p/ws", "apiKey=q", BEARER, "Bearer b", .found = "b" },
        { "/k/p/ws", "apiKey=q", COOKIE, "tillwire_key=c", .found = "p" },
        { "/ws", "apiKey=q&token=t", COOKIE, "tillwire_key=c", .found = "q" },
        { "/ws", "token=t&api_key=q&apiKey=", .found = "q" },
        { "/ws", "token=e30.e30.x", .found = "e30.e30.x" },
        { "/ws", "x=1", COOKIE, "a=b; tillwire_key=c;d=e", .found = "c" },
        { "/k/p%5F1/ws", "", .found = "p_1" },
        { "/ws", "apiKey=p%5f1", .found = "p_1" },
        { "/ws", "", KEY, "\"p\"", .found = "p" },
        { "/ws", "", BEARER, "Bearer 'p' ", .found = "p" },
        { "/ws", "", KEY, "\xe2\x80\x9cp\xe2\x80\x9d", .found = "p" },
        { "/ws", "", KEY, "\"p\"", BEARER, "Bearer p", .found = "p" },
        { "/ws", "apiKey=%20p%0D%0A", .found = "p" },
        { "/k/%EF%BB%BFp%0A/ws", "", .found = "p" },
        { "/ws", "", COOKIE, "tillwire_key=\"c\"", .found = "c" },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

static void a_request_without_one_has_none(void **state)
{
    static const struct row rows[] = {
        { "/ws", "", .found = NULL },
        { "/ws", "apiKey=&api_key=&token=", KEY, "", BEARER, "Bearer ", .found = NULL },
        { "/ws", "apikey=q&Token=t&key=k", .found = NULL },
        { "/ws", "", BEARER, "Basic cG9z", .found = NULL },
        { "/ws", "", BEARER, "pos_1", .found = NULL },
        { "/ws", "", COOKIE, "tillwire_key", .found = NULL },
        { "/ws", "", COOKIE, "tillwire_key=", .found = NULL },
        { "/ws", "", COOKIE, "Tillwire_Key=c; xtillwire_key=d", .found = NULL },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

/* docs/rest.md 1: both together only when they are the same. */
static void two_headers_that_differ_conflict(void **state)
{
    static const struct row rows[] = {
        { "/ws", "", KEY, "a", BEARER, "Bearer a", .found = "a" },
        { "/ws", "", KEY, "a", BEARER, "Bearer b", .answer = TW_CREDENTIAL_CONFLICTING },
        { "/k/a/ws", "apiKey=a", KEY, "a", BEARER, "bearer b",
          .answer = TW_CREDENTIAL_CONFLICTING },
        { "/ws", "", KEY, "", BEARER, "Bearer b", .found = "b" },
        { "/ws", "", KEY, "a", BEARER, "Basic b", .found = "a" },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

static void a_broken_escape_is_refused_and_not_skipped(void **state)
{
    static const struct row rows[] = {
        { "/k/p%5/ws", "", .answer = TW_CREDENTIAL_MALFORMED },
        { "/k/%00/ws", "", .answer = TW_CREDENTIAL_MALFORMED },
        { "/k/%ff/ws", "apiKey=q", .answer = TW_CREDENTIAL_MALFORMED },
        { "/ws", "apiKey=%", .answer = TW_CREDENTIAL_MALFORMED },
        { "/ws", "apiKey=%zz&token=t", .answer = TW_CREDENTIAL_MALFORMED },
        { "/ws", "token=%", COOKIE, "tillwire_key=c", .answer = TW_CREDENTIAL_MALFORMED },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

static void what_comes_later_is_not_looked_at(void **state)
{
    static const struct row rows[] = {
        { "/k/p%5/ws", "apiKey=%", KEY, "h", .found = "h" },
        { "/k/p/ws", "apiKey=%", .found = "p" },
        { "/ws", "apiKey=q&token=%", .found = "q" },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

#define LONG "12345678901234567890123456789012345678901234567890123456789012345" /* 65 */

static void one_that_is_too_long_is_neither_cut_nor_skipped(void **state)
{
    static const struct row rows[] = {
        { "/ws", "apiKey=q", KEY, LONG, .answer = TW_CREDENTIAL_TOO_LONG },
        { "/ws", "", BEARER, "Bearer " LONG, .answer = TW_CREDENTIAL_TOO_LONG },
        { "/k/" LONG "/ws", "apiKey=q", .answer = TW_CREDENTIAL_TOO_LONG },
        { "/ws", "apiKey=" LONG "&token=t", .answer = TW_CREDENTIAL_TOO_LONG },
        { "/ws", "", COOKIE, "tillwire_key=" LONG, .answer = TW_CREDENTIAL_TOO_LONG },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "", rows);
}

static void a_cookie_that_another_page_made_the_browser_send_does_not_count(void **state)
{
    static const char cookie[] = "tillwire_key=c";
    static const struct row rows[] = {
        { "/ws", "", COOKIE, cookie, ORIGIN, "https://shop.example", .found = "c" },
        { "/ws", "", COOKIE, cookie, ORIGIN, "https://evil.example", .found = NULL },
        { "/ws", "", COOKIE, cookie, ORIGIN, "https://SHOP.example", .found = NULL },
        { "/ws", "", COOKIE, cookie, ORIGIN, "null", .found = NULL },
        { "/ws", "apiKey=q", ORIGIN, "https://evil.example", .found = "q" },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "https://till.example, https://shop.example", rows);
}

static void allowing_any_origin_makes_no_cookie_count(void **state)
{
    static const struct row rows[] = {
        { "/ws", "", COOKIE, "tillwire_key=c", ORIGIN, "https://evil.example", .found = NULL },
        { "/ws", "", COOKIE, "tillwire_key=c", ORIGIN, "*", .found = NULL },
        { "/ws", "", COOKIE, "tillwire_key=c", .found = "c" },
    };

    (void)state;
    CHECK(TW_CREDENTIAL_ANYWHERE, "*", rows);
}

static void a_page_of_our_own_host_may_use_the_cookie_on_any_port(void **state)
{
    static const struct {
        const char *origin, *host;
        bool counts;
    } rows[] = {
        { "http://till.example:3000", "till.example:81", true },
        { "https://till.example", "TILL.example", true },
        { "http://[::1]:3000", "[::1]:81", true },
        { "http://[::2]:3000", "[::1]:81", false },
        { "http://till.example.evil.example", "till.example", false },
        { "null", "null", false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .path = TW_LIT("/ws") };
        struct tw_buf out = { .max = 64 };

        add(&req, COOKIE, "tillwire_key=c");
        add(&req, ORIGIN, rows[i].origin);
        add(&req, "Host", rows[i].host);
        assert_row(tw_credential_read(&req, TW_CREDENTIAL_ANYWHERE, TW_EMPTY, TW_EMPTY, &out) ==
                       (rows[i].counts ? TW_CREDENTIAL_FOUND : TW_CREDENTIAL_NONE),
                   rows[i].origin);
        tw_buf_done(&out);
    }
}

static void only_the_places_that_are_asked_for_are_looked_at(void **state)
{
    static const struct row full = { "/k/p/ws", "apiKey=%", KEY,          "h",
                                     BEARER,    "Bearer b", .found = NULL };
    static const struct row headers[] = {
        { "/k/p/ws", "apiKey=q&api_key=q&token=q", COOKIE, "tillwire_key=c", .found = NULL },
        { "/k/%/ws", "apiKey=%", KEY, "h", .found = "h" },
        { "/ws", "apiKey=q", BEARER, "Bearer b", .found = "b" },
    };
    static const struct row query[] = {
        { "/k/%/ws", "token=t", KEY, "h", COOKIE, "tillwire_key=c", .found = "t" },
        { "/k/p/ws", "", KEY, "h", BEARER, "Bearer b", .found = NULL },
    };
    struct row one = full;

    (void)state;
    CHECK(TW_CREDENTIAL_HEADERS, "", headers);
    CHECK(TW_CREDENTIAL_QUERY, "", query);
    one.found = "h";
    check(TW_CREDENTIAL_HEADER, TW_EMPTY, &one);
    one.found = "b";
    check(TW_CREDENTIAL_BEARER, TW_EMPTY, &one);
    one.found = "p";
    check(TW_CREDENTIAL_PATH, TW_EMPTY, &one);
    one.found = NULL;
    check(TW_CREDENTIAL_COOKIE, TW_EMPTY, &one);
}

static void a_key_is_cut_off_the_front_of_a_path(void **state)
{
    static const struct {
        const char *path, *key, *rest;
    } rows[] = {
        { "/k/pos_1/ws", "pos_1", "/ws" },
        { "/k/pos_1/ws/sync", "pos_1", "/ws/sync" },
        { "/k/pos_1/", "pos_1", "/" },
        { "/k/p%2F1/ws", "p%2F1", "/ws" },
        { "/k/k/k/ws", "k", "/k/ws" },
        { "/k/pos_1", "", "/k/pos_1" },
        { "/k//ws", "", "/k//ws" },
        { "/k/", "", "/k/" },
        { "/k", "", "/k" },
        { "/K/pos_1/ws", "", "/K/pos_1/ws" },
        { "/ws", "", "/ws" },
        { "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_slice path = tw_slice_of(rows[i].path);
        struct tw_slice key = tw_credential_cut(&path);

        assert_slice(key, rows[i].key);
        assert_slice(path, rows[i].rest);
    }
}

#define HEX_16 "0123456789abcdef"
#define HEX_64 HEX_16 HEX_16 HEX_16 HEX_16

static void a_key_has_its_shape(void **state)
{
    static const char *const others[] = {
        "",
        "pos_",
        HEX_64,
        "pos_" HEX_16,
        "pos_" HEX_64 "0",
        "plat" HEX_64,
        "POS_" HEX_64,
        "pos_" HEX_16 HEX_16 HEX_16 "0123456789ABCDEF",
    };

    (void)state;
    assert_true(tw_credential_is_key(TW_LIT("pos_" HEX_64)));
    assert_true(tw_credential_is_key(TW_LIT("plat_" HEX_64)));
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_row(!tw_credential_is_key(tw_slice_of(others[i])), others[i]);
}

static void a_ticket_counts_for_sockets_and_before_a_cookie(void **state)
{
    static const struct row rows[] = {
        { "/ws", "ticket=tkt_" HEX_64, COOKIE, "tillwire_key=c", .found = "tkt_" HEX_64 },
        { "/ws", "ticket=%20tkt_" HEX_64 "%0A", .found = "tkt_" HEX_64 },
        { "/ws", "ticket=tkt_" HEX_64 "&token=t", .found = "t" },
        { "/ws", "ticket=tkt_" HEX_64, KEY, "h", .found = "h" },
        { "/ws", "ticket=", COOKIE, "tillwire_key=c", .found = "c" },
        { "/ws", "ticket=undefined", COOKIE, "tillwire_key=c",
          .answer = TW_CREDENTIAL_NO_TICKET },
        { "/ws", "ticket=pos_" HEX_64, .answer = TW_CREDENTIAL_NO_TICKET },
        { "/ws", "ticket=tkt_" HEX_64 "0", .answer = TW_CREDENTIAL_NO_TICKET },
        { "/ws", "ticket=tkt_" HEX_64 HEX_64 HEX_64, .answer = TW_CREDENTIAL_TOO_LONG },
        { "/ws", "ticket=%", .answer = TW_CREDENTIAL_MALFORMED },
    };
    static const struct row elsewhere[] = { { "/ws", "ticket=tkt_" HEX_64, .found = NULL },
                                            { "/ws", "ticket=undefined", .found = NULL } };

    (void)state;
    CHECK(TW_CREDENTIAL_SOCKET, "", rows);
    CHECK(TW_CREDENTIAL_ANYWHERE, "", elsewhere);
    assert_string_equal(tw_credential_refusal(TW_CREDENTIAL_NO_TICKET), "INVALID_TICKET");
    assert_false(tw_credential_is_key(TW_LIT("tkt_" HEX_64)));
}

static void a_credential_is_bare_of_its_scheme_and_blanks(void **state)
{
    static const struct {
        const char *text, *bare;
    } rows[] = { { "pos_1", "pos_1" },
                 { " pos_1\t", "pos_1" },
                 { "Bearer pos_1", "pos_1" },
                 { "bearer  pos_1 ", "pos_1" },
                 { "Bearer", "" },
                 { "", "" },
                 { "Basic pos_1", "Basic pos_1" },
                 { "Bearerpos_1", "Bearerpos_1" } };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_slice(tw_credential_bare(tw_slice_of(rows[i].text)), rows[i].bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_place_that_has_one_counts),
        cmocka_unit_test(a_request_without_one_has_none),
        cmocka_unit_test(two_headers_that_differ_conflict),
        cmocka_unit_test(a_broken_escape_is_refused_and_not_skipped),
        cmocka_unit_test(what_comes_later_is_not_looked_at),
        cmocka_unit_test(one_that_is_too_long_is_neither_cut_nor_skipped),
        cmocka_unit_test(a_credential_is_bare_of_its_scheme_and_blanks),
        cmocka_unit_test(a_ticket_counts_for_sockets_and_before_a_cookie),
        cmocka_unit_test(a_cookie_that_another_page_made_the_browser_send_does_not_count),
        cmocka_unit_test(allowing_any_origin_makes_no_cookie_count),
        cmocka_unit_test(a_page_of_our_own_host_may_use_the_cookie_on_any_port),
        cmocka_unit_test(only_the_places_that_are_asked_for_are_looked_at),
        cmocka_unit_test(a_key_is_cut_off_the_front_of_a_path),
        cmocka_unit_test(a_key_has_its_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
