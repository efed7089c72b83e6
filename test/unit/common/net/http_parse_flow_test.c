/* http_parse_flow_test.c - one request after another: limits, pipelines, upgrades.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/http_parse.h"
#include "common/util/base.h"
#include "test/unit/support/http_reading.h"

static const struct tw_http_limits limits = { .target_bytes = 4096,
                                              .head_bytes = 16384,
                                              .body_bytes = 1048576 };
static const struct tw_http_limits small = { .target_bytes = 32,
                                             .head_bytes = 128,
                                             .body_bytes = 16 };

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n"

static void put_many(struct tw_buf *out, char c, size_t n)
{
    for (; n > 0; n--)
        tw_buf_char(out, c);
}

static void a_target_over_the_limit_is_414(void **state)
{
    static const size_t lengths[] = { 31, 32, 33, 100, 300, 2000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(lengths); i++) {
        struct tw_buf text = { .max = 10000 }, want = { .max = 10000 };

        tw_buf_text(&text, "GET /");
        put_many(&text, 'x', lengths[i] - 1);
        tw_buf_text(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
        tw_buf_text(&want, "GET /");
        put_many(&want, 'x', lengths[i] - 1);
        tw_buf_text(&want, "|Host=a|");
        tw_buf_char(&want, '\0');
        check_reading(&small, tw_buf_view(&text), lengths[i] <= 32 ? want.at : "URI_TOO_LONG",
                      text.len);
        tw_buf_done(&text);
        tw_buf_done(&want);
    }
}

static void a_target_over_all_limits_is_414_also_when_it_comes_at_once(void **state)
{
    struct tw_buf text = { .max = 100000 };
    struct reading whole, bytes;

    (void)state;
    tw_buf_text(&text, "GET /");
    put_many(&text, 'x', 60000); /* one read of the socket */
    tw_buf_text(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
    whole = reading_of(&limits, tw_buf_view(&text), 0, text.len);
    bytes = reading_of(&limits, tw_buf_view(&text), 0, 1);
    assert_buf(&bytes.text, "URI_TOO_LONG");
    assert_buf(&whole.text, "URI_TOO_LONG");
    tw_buf_done(&whole.text);
    tw_buf_done(&bytes.text);
    tw_buf_done(&text);
}

/* A request whose header lines, with their ends, have `bytes` bytes; "Host: a" is the first. */
static void put_headers(struct tw_buf *text, size_t bytes)
{
    tw_buf_text(text, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ");
    put_many(text, 'x', bytes - strlen("Host: a\r\nX-Long: \r\n"));
    tw_buf_text(text, "\r\n\r\n");
}

static void headers_over_the_limit_are_431(void **state)
{
    struct tw_buf text = { .max = 100000 };
    struct reading r;

    (void)state;
    put_headers(&text, 16384);
    r = reading_of(&limits, tw_buf_view(&text), 0, text.len);
    assert_int_equal(r.progress, TW_HTTP_REQUEST);
    tw_buf_done(&r.text);
    tw_buf_clear(&text);
    put_headers(&text, 16384 + 1024); /* a few bytes more or less are nobody's business */
    r = reading_of(&limits, tw_buf_view(&text), 0, text.len);
    assert_buf(&r.text, "HEADERS_TOO_LARGE");
    tw_buf_done(&r.text);
    tw_buf_done(&text);
}

static void far_too_many_header_bytes_are_431_however_they_are_cut(void **state)
{
    struct tw_buf text = { .max = 100000 };

    (void)state;
    put_headers(&text, 1000);
    check_reading(&small, tw_buf_view(&text), "HEADERS_TOO_LARGE", 0);
    tw_buf_clear(&text);
    tw_buf_text(&text, "GET / HTTP/1.1\r\n"); /* one endless name */
    put_many(&text, 'x', 1000);
    check_reading(&small, tw_buf_view(&text), "HEADERS_TOO_LARGE", 0);
    tw_buf_done(&text);
}

static void empty_lines_before_a_request_have_an_end(void **state)
{
    struct tw_buf text = { .max = 100000 };
    struct reading r;

    (void)state;
    for (int i = 0; i < 40000; i++)
        tw_buf_text(&text, "\r\n");
    r = reading_of(&limits, tw_buf_view(&text), 0, 1000);
    assert_int_equal(r.progress, TW_HTTP_BAD);
    tw_buf_done(&r.text);
    tw_buf_done(&text);
}

static void the_hundred_and_first_header_is_431(void **state)
{
    (void)state;
    for (size_t count = 99; count <= 101; count++) {
        struct tw_buf text = { .max = 100000 };
        struct reading r;

        tw_buf_text(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (size_t i = 1; i < count; i++)
            tw_buf_text(&text, "X: y\r\n");
        tw_buf_text(&text, "\r\n");
        r = reading_of(&limits, tw_buf_view(&text), 0, text.len);
        assert_int_equal(r.progress, count <= 100 ? TW_HTTP_REQUEST : TW_HTTP_BAD);
        if (count > 100)
            assert_buf(&r.text, "HEADERS_TOO_LARGE");
        tw_buf_done(&r.text);
        tw_buf_done(&text);
    }
}

static void a_body_over_the_limit_is_413(void **state)
{
    (void)state;
    check_reading(&small, TW_LIT(POST "Content-Length: 16\r\n\r\n0123456789abcdef"),
                  "POST /|Host=a|Content-Length=16|0123456789abcdef",
                  strlen(POST "Content-Length: 16\r\n\r\n") + 16);
    check_reading(&small, TW_LIT(POST "Content-Length: 17\r\n\r\n"), "BODY_TOO_LARGE", 0);
    check_reading(&small, TW_LIT(POST "Content-Length: 17\r\n\r\n0123456789abcdefg"),
                  "BODY_TOO_LARGE", 0);
    check_reading(&small, TW_LIT(CHUNKED "\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"),
                  "POST /|Host=a|Transfer-Encoding=chunked|0123456789abcdef",
                  strlen(CHUNKED "\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"));
    check_reading(&small, TW_LIT(CHUNKED "\r\n10\r\n0123456789abcdef\r\n1\r\ng\r\n0\r\n\r\n"),
                  "BODY_TOO_LARGE", 0);
    check_reading(&small, TW_LIT(CHUNKED "\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n"),
                  "BODY_TOO_LARGE", 0);
}

static size_t sixteen_more_at_long(const struct tw_http_request *req)
{
    return tw_slice_is(req->path, "/long") && req->method == TW_POST ? 32 : 16;
}

static void a_request_may_have_a_limit_of_its_own(void **state)
{
    static const struct tw_http_limits own = { .target_bytes = 32,
                                               .head_bytes = 128,
                                               .body_bytes_of = sixteen_more_at_long };
    struct tw_buf text = { .max = 1000 };

    (void)state;
    check_reading(&own, TW_LIT(POST "Content-Length: 17\r\n\r\n"), "BODY_TOO_LARGE", 0);
    check_reading(&own, TW_LIT("POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n"),
                  "BODY_TOO_LARGE", 0);
    tw_buf_text(&text, "POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 32\r\n\r\n");
    put_many(&text, 'x', 32);
    check_reading(&own, tw_buf_view(&text),
                  "POST /long|Host=a|Content-Length=32|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                  text.len);
    tw_buf_clear(&text);
    tw_buf_text(&text,
                "POST /long HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n");
    put_many(&text, 'x', 32);
    tw_buf_text(&text, "\r\n1\r\nx\r\n0\r\n\r\n");
    check_reading(&own, tw_buf_view(&text), "BODY_TOO_LARGE", 0);
    tw_buf_done(&text);
}

static void trailers_are_read_and_mean_nothing(void **state)
{
    static const char text[] = CHUNKED "\r\n5\r\nhello\r\n0\r\nX-API-Key: stolen\r\nHost: b\r\n"
                                       "X-Tenant-ID: bistro\r\nX-Tenant-ID: kitchen\r\n\r\n";

    (void)state;
    check_reading(&limits, TW_LIT(text), "POST /|Host=a|Transfer-Encoding=chunked|hello",
                  sizeof(text) - 1);
}

/* One that speaks of framing is refused or ignored; the request ends where it would without. */
static void no_trailer_moves_the_end_of_a_request(void **state)
{
    static const char *const trailers[] = { "Content-Length: 9", "Transfer-Encoding: gzip",
                                            "Transfer-Encoding: chunked", "Connection: close",
                                            "Connection: Upgrade\r\nUpgrade: websocket" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(trailers); i++) {
        struct tw_buf text = { .max = 1000 };
        struct reading r;

        tw_buf_text(&text, CHUNKED "\r\n5\r\nhello\r\n0\r\n");
        tw_buf_text(&text, trailers[i]);
        tw_buf_text(&text, "\r\n\r\n");
        r = reading_of(&limits, tw_buf_view(&text), 0, text.len);
        if (r.progress == TW_HTTP_REQUEST)
            assert_int_equal(r.used, text.len);
        else
            assert_int_equal(r.progress, TW_HTTP_BAD);
        tw_buf_text(&text, "123456789GET / HTTP/1.1\r\n");
        tw_buf_done(&r.text);
        r = reading_of(&limits, tw_buf_view(&text), 0, text.len);
        if (r.progress == TW_HTTP_REQUEST)
            assert_int_equal(r.used, text.len - strlen("123456789GET / HTTP/1.1\r\n"));
        tw_buf_done(&r.text);
        tw_buf_done(&text);
    }
}

static void pipelined_requests_come_one_after_the_other(void **state)
{
    struct tw_slice rest =
        TW_LIT("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
               "POST /2 HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}"
               "\r\n\r\nGET /3 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"
               "GET /4");
    static const char *const wanted[] = { "GET /1|Host=a|",
                                          "POST /2|Host=b|Content-Length=2|{}",
                                          "GET /3|Host=c|Connection=close||closes" };
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(wanted); i++) {
        struct tw_buf text = { .max = 1000 };

        assert_int_equal(tw_http_parse(p, rest, &used), TW_HTTP_REQUEST);
        reading_put_request(&text, p);
        assert_buf(&text, wanted[i]);
        rest = tw_slice_skip(rest, used);
        tw_http_parser_next(p);
        tw_buf_done(&text);
    }
    assert_slice(rest, "GET /4");
    assert_int_equal(tw_http_parse(p, rest, &used), TW_HTTP_MORE);
    assert_int_equal(used, 6);
    tw_http_parser_free(p);
}

/* What stands after a request is another's business, be it only one byte. */
static void no_byte_after_a_request_is_used(void **state)
{
    static const char *const firsts[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        POST "Content-Length: 5\r\n\r\nhello",
        CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n",
        CHUNKED "\r\n5\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    };
    static const char *const behinds[] = {
        "G", "\r\n", "\n", "x", " ", "\x81\x85", "GET / HTTP/1.1\r\n"
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(firsts); i++) {
        for (size_t k = 0; k < TW_COUNT(behinds); k++) {
            struct tw_buf text = { .max = 1000 };
            struct reading r;

            tw_buf_text(&text, firsts[i]);
            tw_buf_text(&text, behinds[k]);
            for (size_t cut = 0; cut < text.len; cut++) {
                r = reading_of(&limits, tw_buf_view(&text), cut, cut == 0 ? 1 : text.len);
                assert_int_equal(r.progress, TW_HTTP_REQUEST);
                assert_int_equal(r.used, strlen(firsts[i]));
                tw_buf_done(&r.text);
            }
            tw_buf_done(&text);
        }
    }
}

#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"

static void an_upgrade_is_noticed_with_and_without_a_body(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "GET /ws HTTP/1.1\r\nHost: a\r\n" UPGRADE "\r\n",
          "GET /ws|Host=a|Connection=keep-alive, Upgrade|Upgrade=websocket||upgrade" },
        { "POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE "Content-Length: 2\r\n\r\n{}",
          "POST /|Host=a|Connection=keep-alive, "
          "Upgrade|Upgrade=websocket|Content-Length=2|{}|upgrade" },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
          "GET /|Host=a|Connection=upgrade|Upgrade=h2c||upgrade" },
        /* either header alone asks for nothing, nor does HTTP/1.0 */
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n",
          "GET /|Host=a|Connection=upgrade|" },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
          "GET /|Host=a|Upgrade=websocket|" },
    };
    struct reading r;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        check_reading(&limits, tw_slice_of(rows[i].text), rows[i].want, strlen(rows[i].text));
    r = reading_of(&limits, TW_LIT("GET / HTTP/1.0\r\n" UPGRADE "\r\n"), 0, 1000);
    assert_int_equal(r.progress, TW_HTTP_REQUEST);
    assert_null(memmem(r.text.at, r.text.len, "|upgrade", 8));
    tw_buf_done(&r.text);
}

static void a_request_after_an_upgrade_is_read_when_the_stream_was_not_taken(void **state)
{
    static const char first[] = "GET /rest HTTP/1.1\r\nHost: a\r\n" UPGRADE "\r\n";
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    assert_int_equal(tw_http_parse(p, TW_LIT(first), &used), TW_HTTP_REQUEST);
    assert_true(tw_http_parser_keeps_alive(p));
    tw_http_parser_next(p);
    assert_int_equal(tw_http_parse(p, TW_LIT("GET /next HTTP/1.1\r\nHost: a\r\n\r\n"), &used),
                     TW_HTTP_REQUEST);
    assert_slice(tw_http_parser_request(p)->path, "/next");
    assert_false(tw_http_parser_request(p)->wants_upgrade);
    tw_http_parser_free(p);
}

static void an_expected_100_is_reported_once_and_not_when_the_body_is_here(void **state)
{
    static const char head[] = POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    assert_int_equal(tw_http_parse(p, TW_LIT(head), &used), TW_HTTP_CONTINUE);
    assert_int_equal(used, sizeof(head) - 1);
    assert_int_equal(tw_http_parse(p, TW_LIT("{"), &used), TW_HTTP_MORE);
    assert_int_equal(tw_http_parse(p, TW_LIT("}"), &used), TW_HTTP_REQUEST);
    tw_http_parser_next(p);
    /* all at once: nothing to wait for */
    assert_int_equal(
        tw_http_parse(p, TW_LIT(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"),
                      &used),
        TW_HTTP_REQUEST);
    tw_http_parser_next(p); /* and no body at all */
    assert_int_equal(
        tw_http_parse(p, TW_LIT("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
                      &used),
        TW_HTTP_REQUEST);
    tw_http_parser_free(p);
}

/* RFC 9110 section 10.1.1: it must be ignored there, since no 100 may be sent to HTTP/1.0. */
static void an_expectation_of_http_1_0_is_ignored(void **state)
{
    static const char head[] =
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    assert_int_equal(tw_http_parse(p, TW_LIT(head), &used), TW_HTTP_MORE);
    tw_http_parser_free(p);
}

static void it_tells_how_far_a_request_has_come(void **state)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    assert_true(tw_http_parser_is_idle(p));
    (void)tw_http_parse(p, TW_LIT("\r\n"), &used);
    assert_true(tw_http_parser_is_idle(p)); /* an empty line is no request yet */
    (void)tw_http_parse(p, TW_LIT("P"), &used);
    assert_false(tw_http_parser_is_idle(p));
    assert_false(tw_http_parser_has_head(p));
    (void)tw_http_parse(p, TW_LIT("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
                        &used);
    assert_true(tw_http_parser_has_head(p));
    assert_int_equal(tw_http_parse(p, TW_LIT("x"), &used), TW_HTTP_REQUEST);
    tw_http_parser_next(p);
    assert_true(tw_http_parser_is_idle(p));
    assert_false(tw_http_parser_has_head(p));
    tw_http_parser_free(p);
    tw_http_parser_free(NULL);
}

static void a_request_has_begun_also_when_empty_lines_came_with_its_first_byte(void **state)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    size_t used;

    (void)state;
    (void)tw_http_parse(p, TW_LIT("\r\n\r\nGET / HT"), &used);
    assert_false(tw_http_parser_is_idle(p));
    tw_http_parser_free(p);
}

/* Random damage: whatever it makes of a request, all cuts of it agree. */
static void a_damaged_request_is_read_the_same_however_it_is_cut(void **state)
{
    static const char good[] =
        CHUNKED "Expect: 100-continue\r\nConnection: keep-alive, Upgrade\r\n"
                "X-API-Key: pos_1\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\nGET ";
    static const char likely[] = "\r\n \t:;,0159aAfF-+/?#%\x80\xff\x7f\x01";
    struct dice dice = dice_new();

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(good) - 1];
        struct reading whole, pieces;

        memcpy(text, good, sizeof(text));
        for (uint64_t n = 1 + dice_roll(&dice, 3); n > 0; n--)
            text[dice_roll(&dice, sizeof(text))] = likely[dice_roll(&dice, sizeof(likely))];
        whole = reading_of(&limits, tw_slice_from(text, sizeof(text)), 0, sizeof(text));
        pieces = reading_of(&limits, tw_slice_from(text, sizeof(text)),
                            (size_t)dice_roll(&dice, sizeof(text)),
                            1 + (size_t)dice_roll(&dice, 20));
        if (whole.progress != pieces.progress || whole.used != pieces.used ||
            !tw_slice_eq(tw_buf_view(&whole.text), tw_buf_view(&pieces.text)))
            fail_msg("whole %d %zu %.*s, in pieces %d %zu %.*s, of\n%.*s", (int)whole.progress,
                     whole.used, (int)whole.text.len, whole.text.at, (int)pieces.progress,
                     pieces.used, (int)pieces.text.len, pieces.text.at, (int)sizeof(text),
                     text);
        tw_buf_done(&whole.text);
        tw_buf_done(&pieces.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_over_the_limit_is_414),
        cmocka_unit_test(a_target_over_all_limits_is_414_also_when_it_comes_at_once),
        cmocka_unit_test(headers_over_the_limit_are_431),
        cmocka_unit_test(far_too_many_header_bytes_are_431_however_they_are_cut),
        cmocka_unit_test(empty_lines_before_a_request_have_an_end),
        cmocka_unit_test(the_hundred_and_first_header_is_431),
        cmocka_unit_test(a_body_over_the_limit_is_413),
        cmocka_unit_test(a_request_may_have_a_limit_of_its_own),
        cmocka_unit_test(trailers_are_read_and_mean_nothing),
        cmocka_unit_test(no_trailer_moves_the_end_of_a_request),
        cmocka_unit_test(pipelined_requests_come_one_after_the_other),
        cmocka_unit_test(no_byte_after_a_request_is_used),
        cmocka_unit_test(an_upgrade_is_noticed_with_and_without_a_body),
        cmocka_unit_test(a_request_after_an_upgrade_is_read_when_the_stream_was_not_taken),
        cmocka_unit_test(an_expected_100_is_reported_once_and_not_when_the_body_is_here),
        cmocka_unit_test(an_expectation_of_http_1_0_is_ignored),
        cmocka_unit_test(it_tells_how_far_a_request_has_come),
        cmocka_unit_test(a_request_has_begun_also_when_empty_lines_came_with_its_first_byte),
        cmocka_unit_test(a_damaged_request_is_read_the_same_however_it_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
