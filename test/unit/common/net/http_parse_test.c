/* http_parse_test.c - bytes to requests: what is taken and what is refused, however it is cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_parse.h"

#include "common/util/base.h"
#include "test/unit/support/http_reading.h"

static const struct tw_http_limits limits = { .target_bytes = 4096,
                                              .head_bytes = 16384,
                                              .body_bytes = 1048576 };

static void check(struct tw_slice text, const char *want)
{
    check_reading(&limits, text, want, text.len);
}

static const struct {
    const char *text, *want;
} requests[] = {
    { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /|Host=a|" },
    { "GET /x HTTP/1.0\r\n\r\n", "GET /x||closes" },
    { "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /x|Connection=keep-alive|" },
    { "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "GET /x|Host=a|Connection=close||closes" },
    { "GET /api/kitchen/orders?status=new&limit=5 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /api/kitchen/orders?status=new&limit=5|Host=a|" },
    { "GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?|Host=a|" },
    { "GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?b?c|Host=a|" },
    { "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", "GET //a//b|Host=a|" },
    { "GET /loyalty/+447700900111/points HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /loyalty/+447700900111/points|Host=a|" },
    { "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /|Host=a|" },
    { "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT /|Host=a|" },
    { "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /|Host=a|" },
    { "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /|Host=a|" },
    { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS |Host=a|" },
    { "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER /|Host=a|" },
    { "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER /|Host=a|" },
    /* RFC 9112 section 2.2: empty lines before a request */
    { "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /|Host=a|" },
    /* section 3.2.2: the absolute form */
    { "GET http://till.example/a?b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a?b|Host=a|" },
    { "GET https://till.example:8443/a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a|Host=a|" },
    { "GET http://till.example HTTP/1.1\r\nHost: a\r\n\r\n", "GET /|Host=a|" },
    /* values lose the blanks around them, and may be empty or of eight bits */
    { "GET / HTTP/1.1\r\nHost:  a \t\r\nX-A:\r\nX-B: \r\nX-C:c\r\n\r\n",
      "GET /|Host=a|X-A=|X-B=|X-C=c|" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX-A: caf\xc3\xa9\xff\r\n\r\n",
      "GET /|Host=a|X-A=caf\xc3\xa9\xff|" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX-A: b: c, d\r\nX-A: e\r\n\r\n",
      "GET /|Host=a|X-A=b: c, d|X-A=e|" },
    /* bodies */
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST /|Host=a|Content-Length=5|hello" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
      "POST /|Host=a|Content-Length=0|" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello",
      "POST /|Host=a|Content-Length=0005|hello" },
    { "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /|Host=a|" },
    { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
      "GET /|Host=a|Content-Length=2|{}" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0a\r\n0123456789\r\n000\r\n\r\n",
      "POST /|Host=a|Transfer-Encoding=chunked|abc0123456789" },
    { "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: "
      "CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
      "POST /|Host=a|transfer-encoding=CHUNKED|0123456789" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
      "POST /|Host=a|Content-Length=4|\r\n\r\n" },
};

static void a_valid_request_is_read_however_it_is_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(requests); i++)
        check(tw_slice_of(requests[i].text), requests[i].want);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n"

/* What llhttp's strict mode refuses by itself. */
static const char *const refused_by_llhttp[] = {
    POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED "Content-Length: 5\r\n\r\n0\r\n\r\n",
    POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    POST "Content-Length: 5, 5\r\n\r\nhello",
    POST "Content-Length: +5\r\n\r\nhello",
    POST "Content-Length: -5\r\n\r\nhello",
    POST "Content-Length: 1 2\r\n\r\nhello",
    POST "Content-Length:\r\n\r\nhello",
    POST "Content-Length: 0x5\r\n\r\nhello",
    POST "Content-Length: 18446744073709551616\r\n\r\nhello",
    POST "Content-Length: 99999999999999999999999\r\n\r\nhello",
    POST "Content-Length : 5\r\n\r\nhello",
    "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    POST "Transfer-Encoding: chunked, gzip\r\n\r\n",
    POST "Transfer-Encoding: gzip\r\n\r\nabc",
    CHUNKED "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    CHUNKED "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\rHost: a\r\r",
    GET "X-A: a\rb\r\n\r\n",
    GET "X-A: \rTransfer-Encoding: chunked\r\n\r\n",
    GET "\r\r\n",
    GET "X-A: a\x01"
        "b\r\n\r\n",
    GET "X-A: a\x7f"
        "b\r\n\r\n",
    "GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    GET "X-\xc3\xa9: a\r\n\r\n",
    GET "X A: a\r\n\r\n",
    GET "X\r\n\r\n",
    CHUNKED "\r\n5 \r\nhello\r\n0\r\n\r\n",
    CHUNKED "\r\n0x5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "\r\n-5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "\r\n\r\nhello\r\n0\r\n\r\n",
    CHUNKED "\r\ng\r\n",
    CHUNKED "\r\n10000000000000000\r\n",
    CHUNKED "\r\n5\r\nhello0\r\n\r\n",
    CHUNKED "\r\n5\r\nhello!\r\n0\r\n\r\n",
    CHUNKED "\r\n5\nhello\r\n0\r\n\r\n",
    "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "FOO / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "GET /\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "GET / HTTP/0.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/1\r\nHost: a\r\n\r\n",
    "GET / HTTP/11\r\nHost: a\r\n\r\n",
    "GET / http/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTX/1.1\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00", /* TLS */
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "{\"not\":\"http\"}",
};

static void what_breaks_http_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(refused_by_llhttp); i++)
        check(tw_slice_of(refused_by_llhttp[i]), "BAD_REQUEST");
    check(TW_LIT(GET "X-A: a\0b\r\n\r\n"), "BAD_REQUEST");
    check(TW_LIT("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
    check(TW_LIT("\0"), "BAD_REQUEST");
}

/* What llhttp takes and we do not. */
static const struct {
    const char *text, *code;
} refused_by_us[] = {
    /* lines that go on in the next one */
    { GET "X-A: a\r\n b\r\n\r\n", "BAD_REQUEST" },
    { GET "X-A: a\r\n\tb\r\n\r\n", "BAD_REQUEST" },
    { GET "X-A:\r\n b\r\n\r\n", "BAD_REQUEST" },
    { GET "X-A: a\r\n \r\n\r\n", "BAD_REQUEST" },
    { POST "Content-Length:\r\n 5\r\n\r\nhello", "BAD_REQUEST" },
    { POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    { POST "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    /* lengths */
    { POST "Content-Length: 1048577\r\n\r\n", "BODY_TOO_LARGE" },
    { POST "Content-Length: 18446744073709551615\r\n\r\n", "BODY_TOO_LARGE" },
    { POST "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", "BODY_TOO_LARGE" },
    { POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    { POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    { POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "BAD_REQUEST" },
    { CHUNKED "\r\n5;a=b\r\nhello\r\n0\r\n\r\n", "BAD_REQUEST" },
    { CHUNKED "\r\n5;a=\"b\"\r\nhello\r\n0\r\n\r\n", "BAD_REQUEST" },
    { CHUNKED "\r\n5;a\r\nhello\r\n0\r\n\r\n", "BAD_REQUEST" },
    { CHUNKED "\r\n5\r\nhello\r\n0;a\r\n\r\n", "BAD_REQUEST" },
    /* who is meant */
    { "GET / HTTP/1.1\r\n\r\n", "BAD_REQUEST" },
    { "GET / HTTP/1.1\r\nX-A: a\r\n\r\n", "BAD_REQUEST" },
    { GET "Host: a\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "hOST: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "X-API-Key: a\r\nx-api-key: a\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "X-Tenant-ID: a\r\nX-Other: 1\r\nX-Tenant-Id: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "X-Idempotency-Key: a\r\nX-Idempotency-Key: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Content-Type: a\r\nContent-Type: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 13\r\n\r\n", "DUPLICATE_HEADER" },
    { GET "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", "DUPLICATE_HEADER" },
    { GET ": b\r\n\r\n", "BAD_REQUEST" },
    { GET "Expect: 200-ok\r\n\r\n", "EXPECTATION_FAILED" },
    /* versions and protocols */
    { "GET / HTTP/0.9\r\nHost: a\r\n\r\n", "HTTP_VERSION" },
    { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP_VERSION" },
    /* targets */
    { "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "BAD_REQUEST" },
    { "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "BAD_REQUEST" },
    { "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "BAD_REQUEST" },
    { "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "BAD_REQUEST" },
};

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(refused_by_us); i++)
        check(tw_slice_of(refused_by_us[i].text), refused_by_us[i].code);
}

/* RFC 3986 section 3: the authority ends at a question mark as well, where some readers look
 * for a slash. */
static void a_request_line_has_two_blanks(void **state)
{
    (void)state;
    check(TW_LIT("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
    check(TW_LIT("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
}

static void a_host_is_a_name_and_a_port(void **state)
{
    static const char *const wrong[] = { "a b", "a/b", "u@a", "a?b", "a#b", "a\\b", "<a>" };
    static const char *const good[] = { "a", "a:80", "[::1]:80", "xn--a.example", "a_b", "" };
    struct tw_buf text = { .max = 200 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(wrong) + TW_COUNT(good); i++) {
        bool is_good = i >= TW_COUNT(wrong);

        tw_buf_clear(&text);
        tw_buf_text(&text, "GET / HTTP/1.1\r\nHost: ");
        tw_buf_text(&text, is_good ? good[i - TW_COUNT(wrong)] : wrong[i]);
        tw_buf_text(&text, is_good ? "\r\n" : "\r\n\r\n");
        check(tw_buf_view(&text), is_good ? "more" : "BAD_REQUEST");
    }
    tw_buf_done(&text);
}

static void a_chunk_that_cannot_fit_is_refused_when_it_is_announced(void **state)
{
    (void)state;
    check(TW_LIT(CHUNKED "\r\n100000000\r\n"), "BODY_TOO_LARGE"); /* 2^32 */
    check(TW_LIT(CHUNKED "\r\nffffffffffffffff\r\n"), "BODY_TOO_LARGE");
    check(TW_LIT(CHUNKED "\r\n1\r\na\r\n100000\r\n"), "BODY_TOO_LARGE");
}

static void trailers_have_the_limit_of_headers(void **state)
{
    struct tw_buf text = { .max = 100000 };

    (void)state;
    tw_buf_text(&text, CHUNKED "\r\n0\r\n");
    for (int i = 0; i < 1000; i++)
        tw_buf_text(&text, "X-Trailer: 0123456789012345678901234567890\r\n");
    check(tw_buf_view(&text), "HEADERS_TOO_LARGE");
    tw_buf_done(&text);
}

static void an_absolute_target_without_a_path_has_no_query(void **state)
{
    (void)state;
    check(TW_LIT("GET http://till.example?b=1 HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
    check(TW_LIT("GET http://till.example?b=/c HTTP/1.1\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
}

/* llhttp takes RTSP/1.0 and ICE/1.0 for HTTP/1.0, some of them with GET. */
static void another_protocol_with_a_version_1_is_refused(void **state)
{
    static const char *const texts[] = { "GET / RTSP/1.0\r\nHost: a\r\n\r\n",
                                         "OPTIONS / RTSP/1.0\r\nHost: a\r\n\r\n",
                                         "GET / ICE/1.0\r\nHost: a\r\n\r\n",
                                         "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        struct reading o = reading_of(&limits, tw_slice_of(texts[i]), 0, 1000);

        assert_row(o.progress == TW_HTTP_BAD, texts[i]);
        tw_buf_done(&o.text);
    }
}

static void an_unfinished_request_is_awaited(void **state)
{
    static const char *const texts[] = { "G",
                                         "GET",
                                         "GET /",
                                         "GET / HTTP/1.1",
                                         "GET / HTTP/1.1\r",
                                         "GET / HTTP/1.1\r\n",
                                         GET,
                                         GET "\r",
                                         POST "Content-Length: 5\r\n\r\nhell",
                                         CHUNKED "\r\n5\r\nhello\r\n",
                                         CHUNKED "\r\n0\r\n" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        check(tw_slice_of(texts[i]), "more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_request_is_read_however_it_is_split),
        cmocka_unit_test(what_breaks_http_is_refused),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_request_line_has_two_blanks),
        cmocka_unit_test(a_host_is_a_name_and_a_port),
        cmocka_unit_test(a_chunk_that_cannot_fit_is_refused_when_it_is_announced),
        cmocka_unit_test(trailers_have_the_limit_of_headers),
        cmocka_unit_test(an_absolute_target_without_a_path_has_no_query),
        cmocka_unit_test(another_protocol_with_a_version_1_is_refused),
        cmocka_unit_test(an_unfinished_request_is_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
