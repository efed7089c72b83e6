/* upgrade_test.c - WebSocket handshakes: the RFC's own, and every one that is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/upgrade.h"

#include "common/net/http_parse.h"
#include "common/net/refusal.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"

static const struct tw_http_limits limits = { .target_bytes = 8192,
                                              .head_bytes = 16384,
                                              .body_bytes = 65536 };

/* What becomes of a request's text: "null" for a valid handshake, else the code. */
static void check(const char *text, bool is_asked, const char *want)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    const struct tw_http_request *req;
    const char *code;
    size_t used;

    assert_row(tw_http_parse(p, tw_slice_of(text), &used) == TW_HTTP_REQUEST, text);
    req = tw_http_parser_request(p);
    assert_row(gw_upgrade_is_asked(req) == is_asked, text);
    code = gw_upgrade_check(req);
    assert_row(tw_slice_is(tw_slice_of(code == NULL ? "null" : code), want), text);
    if (code != NULL)
        assert_string_equal(tw_refusal_of(code)->code, code);
    tw_http_parser_free(p);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define GET "GET /ws/pos/kitchen HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n"

static void the_example_of_the_rfc_is_answered(void **state)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    struct tw_slice text =
        TW_LIT("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n" UPGRADE KEY
               "Origin: http://example.com\r\n"
               "Sec-WebSocket-Protocol: chat, superchat\r\n" VERSION END);
    struct tw_buf out = { .max = 4096 };
    struct tw_slice answer;
    size_t used;

    (void)state;
    assert_int_equal(tw_http_parse(p, text, &used), TW_HTTP_REQUEST);
    assert_null(gw_upgrade_check(tw_http_parser_request(p)));
    assert_false(gw_upgrade_answer(tw_http_parser_request(p), 0, &out));
    answer = tw_buf_view(&out);
    assert_true(tw_slice_starts(answer, TW_LIT("HTTP/1.1 101 Switching Protocols\r\nDate: ")));
    answer = tw_slice_skip(answer, sizeof("HTTP/1.1 101 Switching Protocols\r\n"
                                          "Date: Mon, 05 Jan 2026 18:00:02 GMT\r\n") -
                                       1);
    assert_slice(answer, "Upgrade: websocket\r\n"
                         "Connection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                         "Sec-WebSocket-Protocol: chat\r\n"
                         "\r\n");
    tw_buf_done(&out);
    tw_http_parser_free(p);
}

/* What the answer to this header says; empty: nothing. */
static void check_subprotocol(const char *headers, const char *want)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    struct tw_buf text = { .max = 20000 }, out = { .max = 1024 + GW_MAX_SUBPROTOCOL };
    static const char name[] = "\r\nSec-WebSocket-Protocol: ";
    const char *at;
    size_t used;

    tw_buf_text(&text, GET UPGRADE KEY VERSION);
    tw_buf_text(&text, headers);
    tw_buf_text(&text, END);
    assert_row(tw_http_parse(p, tw_buf_view(&text), &used) == TW_HTTP_REQUEST, headers);
    assert_row(gw_upgrade_check(tw_http_parser_request(p)) == NULL, headers);
    (void)gw_upgrade_answer(tw_http_parser_request(p), 0, &out);
    tw_buf_char(&out, '\0');
    assert_false(out.failed);
    at = strstr(out.at, name);
    assert_row((at == NULL) == (want[0] == '\0'), headers);
    if (at != NULL)
        assert_row(strncmp(at + sizeof(name) - 1, want, strlen(want)) == 0 &&
                       strncmp(at + sizeof(name) - 1 + strlen(want), "\r\n", 2) == 0,
                   headers);
    tw_buf_done(&text);
    tw_buf_done(&out);
    tw_http_parser_free(p);
}

static void the_first_subprotocol_comes_back(void **state)
{
    struct tw_buf longest = { .max = 9000 }, header = { .max = 9000 };
    const char *want;

    (void)state;
    check_subprotocol("", "");
    check_subprotocol("Sec-WebSocket-Protocol: kitchen\r\n", "kitchen");
    check_subprotocol("sec-websocket-protocol:  v1.kitchen ,bearer\r\n", "v1.kitchen");
    check_subprotocol("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", "a");
    check_subprotocol("Sec-WebSocket-Protocol: !#$%&'*+-.^_`|~09azAZ\r\n",
                      "!#$%&'*+-.^_`|~09azAZ");
    tw_buf_text(&longest, "Sec-WebSocket-Protocol: "); /* a token of 8 KiB, as some send it */
    for (size_t i = 0; i < 8192; i++)
        tw_buf_char(&longest, 'x');
    tw_buf_char(&longest, '\0');
    want = longest.at + sizeof("Sec-WebSocket-Protocol: ") - 1;
    tw_buf_append(&header, tw_slice_of(longest.at));
    tw_buf_append(&header, tw_slice_from("\r\n", 3));
    check_subprotocol(header.at, want);
    tw_buf_done(&header);
    tw_buf_done(&longest);
}

static void a_malformed_subprotocol_is_refused(void **state)
{
    (void)state;
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol:\r\n" END, true, "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: ,\r\n" END, true, "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a,,b\r\n" END, true,
          "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a, b c\r\n" END, true,
          "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a\r\n"
                                  "Sec-WebSocket-Protocol: b/c\r\n" END,
          true, "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: \"a\"\r\n" END, true,
          "BAD_HANDSHAKE");
    check(GET UPGRADE KEY VERSION "Sec-WebSocket-Protocol: k\xc3\xbc"
                                  "che\r\n" END,
          true, "BAD_HANDSHAKE");
}

static void handshakes_of_real_clients_are_valid(void **state)
{
    (void)state;
    check(GET UPGRADE KEY VERSION END, true, "null");
    check(GET
          "upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" /* Firefox */
          "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n" END,
          true, "null");
    check(GET "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version:13\r\n"
              "Sec-WebSocket-Key:  +/z9AZ09az09+/AAAAAAAA==  \r\n"
              "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" END,
          true, "null");
    check(GET UPGRADE KEY VERSION "Content-Length: 0\r\n" END, true, "null");
}

static void other_methods_are_refused(void **state)
{
    (void)state;
    check("POST /ws/pos/kitchen HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UPGRADE KEY
              VERSION END,
          true, "METHOD_NOT_ALLOWED");
    check("PUT /ws/pos/kitchen HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" END, false,
          "METHOD_NOT_ALLOWED");
    check("HEAD /ws/pos/kitchen HTTP/1.1\r\nHost: a\r\n" END, false, "METHOD_NOT_ALLOWED");
}

static void a_request_that_does_not_ask_for_a_websocket_is_told_how(void **state)
{
    (void)state;
    check(GET END, false, "UPGRADE_REQUIRED");
    check(GET KEY VERSION END, false, "UPGRADE_REQUIRED");
    check(GET "Upgrade: websocket\r\n" KEY VERSION END, false, "UPGRADE_REQUIRED");
    check(GET "Connection: Upgrade\r\n" KEY VERSION END, false, "UPGRADE_REQUIRED");
    check(GET "Connection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION END, false,
          "UPGRADE_REQUIRED");
    check(GET "Connection: Upgrade\r\nUpgrade: websockets\r\n" KEY VERSION END, false,
          "UPGRADE_REQUIRED");
    check(GET "Connection: close\r\nUpgrade: websocket\r\n" KEY VERSION END, false,
          "UPGRADE_REQUIRED");
    check("GET /ws/pos/kitchen HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION END, false,
          "UPGRADE_REQUIRED");
}

static void another_version_than_13_is_refused(void **state)
{
    (void)state;
    check(GET UPGRADE KEY END, true, "UPGRADE_REQUIRED");
    check(GET UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" END, true, "UPGRADE_REQUIRED");
    check(GET UPGRADE KEY "Sec-WebSocket-Version: 013\r\n" END, true, "UPGRADE_REQUIRED");
    check(GET UPGRADE KEY "Sec-WebSocket-Version: 130\r\n" END, true, "UPGRADE_REQUIRED");
    check(GET UPGRADE KEY "Sec-WebSocket-Version: \r\n" END, true, "UPGRADE_REQUIRED");
    check(GET UPGRADE KEY "Sec-WebSocket-Version: x\r\n" END, true, "UPGRADE_REQUIRED");
}

static void a_key_is_sixteen_bytes_in_base64(void **state)
{
    static const char *const bad[] = {
        "",
        "\r\n",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQx=",
        "dGhlIHNhbXBsZSBub25j====",
        "dGhlIHNhbXBsZSBub25jZQ-_",
        "dGhlIHNhbXBsZSBub25j-_==",
        "dGhlIHNhbXBs ZSBub25jZ==",
        "=Ghl=HNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQAAAAAAAAAAAAAAAAAAAA==",
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_buf text = { .max = 4096 };

        tw_buf_text(&text, GET UPGRADE VERSION);
        if (bad[i][0] != '\0') { /* else there is none at all */
            tw_buf_text(&text, "Sec-WebSocket-Key: ");
            tw_buf_text(&text, bad[i][0] == '\r' ? "" : bad[i]);
            tw_buf_text(&text, "\r\n");
        }
        tw_buf_text(&text, END);
        tw_buf_char(&text, '\0');
        check(text.at, true, "BAD_HANDSHAKE");
        tw_buf_done(&text);
    }
}

static void a_handshake_has_no_body(void **state)
{
    (void)state;
    check(GET UPGRADE KEY VERSION "Content-Length: 2\r\n" END "{}", true, "BAD_HANDSHAKE");
}

/* What a handshake with these header lines is answered about extensions; "" for nothing. */
static void check_offer(const char *lines, const char *want)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    struct tw_buf text = { .max = 8192 }, out = { .max = 4096 }, header = { .max = 300 };
    size_t used;
    bool is_agreed;

    tw_buf_text(&text, GET UPGRADE KEY VERSION);
    tw_buf_text(&text, lines);
    tw_buf_text(&text, END);
    assert_row(tw_http_parse(p, tw_buf_view(&text), &used) == TW_HTTP_REQUEST, lines);
    assert_null(gw_upgrade_check(tw_http_parser_request(p)));
    is_agreed = gw_upgrade_answer(tw_http_parser_request(p), 0, &out);
    assert_row(is_agreed == (want[0] != '\0'), lines);
    tw_buf_text(&header, want[0] == '\0' ? "Sec-WebSocket-Extensions" : "\r\n");
    tw_buf_text(&header, want[0] == '\0' ? "" : "Sec-WebSocket-Extensions: ");
    tw_buf_text(&header, want);
    tw_buf_text(&header, want[0] == '\0' ? "" : "\r\n");
    tw_buf_char(&header, '\0');
    tw_buf_char(&out, '\0');
    assert_row((strstr(out.at, header.at) != NULL) == is_agreed, lines);
    tw_http_parser_free(p);
    tw_buf_done(&text);
    tw_buf_done(&out);
    tw_buf_done(&header);
}

#define OFFER "Sec-WebSocket-Extensions: "
#define AGREED "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void permessage_deflate_is_agreed_to_without_context_takeover(void **state)
{
    static const char *const offers[] = {
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits", /* Chrome, and npm's ws */
        "Permessage-Deflate ;client_max_window_bits=15",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate;client_max_window_bits = 9 ; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=\"10\"",
        "permessage-deflate; client_max_window_bits=\"1\\0\"",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        ",, permessage-deflate",
        "foo; bar=\"a, b; \\\" c\", permessage-deflate",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate; x, permessage-deflate; client_max_window_bits, foo",
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(offers); i++) {
        struct tw_buf line = { .max = 300 };

        tw_buf_text(&line, OFFER);
        tw_buf_text(&line, offers[i]);
        tw_buf_text(&line, "\r\n");
        tw_buf_char(&line, '\0');
        check_offer(line.at, AGREED);
        tw_buf_done(&line);
    }
    check_offer(OFFER "foo\r\nsec-websocket-extensions: permessage-deflate\r\n", AGREED);
}

/* Section 7.1.2.1: who demands a window hears that it gets it. */
static void the_largest_window_is_confirmed_when_it_is_demanded(void **state)
{
    (void)state;
    check_offer(OFFER "permessage-deflate; server_max_window_bits=15\r\n",
                AGREED "; server_max_window_bits=15");
    check_offer(OFFER "permessage-deflate; server_max_window_bits=\"15\"; "
                      "client_max_window_bits=12, permessage-deflate\r\n",
                AGREED "; server_max_window_bits=15");
}

static void an_offer_that_we_do_not_understand_is_declined(void **state)
{
    static const char *const offers[] = {
        "",
        "permessage-bzip2",
        "permessage-deflate2",
        "\"permessage-deflate\"",
        "permessage-deflate=1",
        "permessage-deflate;",
        "permessage-deflate; ; client_max_window_bits",
        "permessage-deflate; unknown",
        "permessage-deflate; \"client_max_window_bits\"",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=+9",
        "permessage-deflate; client_max_window_bits=1 0",
        "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; client_max_window_bits=10\"",
        "permessage-deflate; client_max_window_bits=\"\\\"",
        "permessage-deflate; client_max_window_bits=\"10, permessage-deflate",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=14",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15",
        "permessage-deflate client_max_window_bits",
    };

    (void)state;
    check_offer("", "");
    for (size_t i = 0; i < TW_COUNT(offers); i++) {
        struct tw_buf line = { .max = 300 };

        tw_buf_text(&line, OFFER);
        tw_buf_text(&line, offers[i]);
        tw_buf_text(&line, "\r\n");
        tw_buf_char(&line, '\0');
        check_offer(line.at, "");
        tw_buf_done(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_answered),
        cmocka_unit_test(the_first_subprotocol_comes_back),
        cmocka_unit_test(a_malformed_subprotocol_is_refused),
        cmocka_unit_test(handshakes_of_real_clients_are_valid),
        cmocka_unit_test(other_methods_are_refused),
        cmocka_unit_test(a_request_that_does_not_ask_for_a_websocket_is_told_how),
        cmocka_unit_test(another_version_than_13_is_refused),
        cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
        cmocka_unit_test(a_handshake_has_no_body),
        cmocka_unit_test(permessage_deflate_is_agreed_to_without_context_takeover),
        cmocka_unit_test(the_largest_window_is_confirmed_when_it_is_demanded),
        cmocka_unit_test(an_offer_that_we_do_not_understand_is_declined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
