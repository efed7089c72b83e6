/* eio_http_test.c - Engine.IO's requests: which are refused, in which order, with which error
 * (docs/protocols/socketio.md 2.4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio.h"

#include <stdio.h>

#include "common/util/base.h"
#include "test/unit/gateway/support/socket_site.h"

#define POLLING "/engine.io/?EIO=4&transport=polling"

static void check(struct socket_site *s, const char *method, const char *target,
                  const char *status, const char *body)
{
    struct end *e = request(s, method, target, NULL);

    await_answer(s, e);
    assert_row(end_has(e, status), target);
    assert_answer(e, status, body);
    assert_true(end_has(e, "Cache-Control: no-store\r\n"));
    end_close(e);
}

static void an_engine_claims_its_path_and_what_is_below(void **state)
{
    static const struct {
        const char *path;
        bool is_claimed;
    } rows[] = { { "/engine.io", true },   { "/engine.io/", true }, { "/engine.io/x", true },
                 { "/engine.iox", false }, { "/engine", false },    { "/", false } };
    struct socket_site *s = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .path = tw_slice_of(rows[i].path) };

        assert_row(gw_eio_claims(&s->engine, &req) == rows[i].is_claimed, rows[i].path);
    }
}

static void a_transport_must_be_known(void **state)
{
    check(*state, "GET", "/engine.io/?EIO=4&transport=pigeon", " 400 ",
          "{\"code\":0,\"message\":\"Transport unknown\"}");
}

static void a_sid_must_be_known(void **state)
{
    check(*state, "GET", POLLING "&sid=g1-none", " 400 ",
          "{\"code\":1,\"message\":\"Session ID unknown\"}");
}

static void a_handshake_is_a_get(void **state)
{
    check(*state, "POST", POLLING, " 400 ",
          "{\"code\":2,\"message\":\"Bad handshake method\"}");
}

static void a_transport_must_fit_the_request(void **state)
{
    check(*state, "GET", "/engine.io/?EIO=4&transport=websocket", " 400 ",
          "{\"code\":3,\"message\":\"Bad request\"}");
}

static void an_origin_must_be_allowed(void **state)
{
    struct socket_site *s = *state;
    struct end *e = site_visit(s->http);

    s->engine.options.origins = TW_LIT("https://a.example");
    end_say(e, "GET " POLLING " HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n\r\n");
    await_answer(s, e);
    assert_answer(e, " 403 ", "{\"code\":4,\"message\":\"Forbidden\"}");
    end_close(e);
}

static void another_version_is_refused(void **state)
{
    check(*state, "GET", "/engine.io/?EIO=3&transport=polling", " 400 ",
          "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
}

static void an_unknown_transport_comes_before_an_unknown_sid(void **state)
{
    check(*state, "GET", "/engine.io/?EIO=4&transport=pigeon&sid=g1-none", " 400 ",
          "{\"code\":0,\"message\":\"Transport unknown\"}");
}

static void a_refused_request_is_counted(void **state)
{
    struct socket_site *s = *state;

    check(s, "GET", POLLING "&sid=g1-none", " 400 ",
          "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_int_equal(s->engine.refused.value, 1);
    assert_int_equal(s->engine.by_sid.count, 0);
}

static void a_closed_engine_has_no_handshakes(void **state)
{
    struct socket_site *s = *state;

    s->engine.is_closed = true;
    check(s, "GET", POLLING, " 503 ", "");
}

static void only_get_and_post_are_for_a_sid(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    check(s, "DELETE", target, " 405 ", "");
}

static void a_body_over_the_limit_is_refused_and_the_socket_stays(void **state)
{
    static char body[100002];
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    open_polling(s, "/engine.io", target);
    memset(body, 'x', sizeof(body) - 1);
    body[0] = '4';
    e = request(s, "POST", target, body);
    await_answer(s, e);
    assert_answer(e, " 413 ", "");
    assert_int_equal(s->engine.by_sid.count, 1);
    assert_int_equal(s->speaker.heard.len, 0);
    end_close(e);
}

static void packets_before_an_invalid_one_count(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    open_polling(s, "/engine.io", target);
    e = request(s, "POST", target,
                "4a\x1e"
                "9\x1e"
                "4b");
    await_answer(s, e);
    assert_answer(e, " 400 ", "");
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "text(a) closing ended(0 broke the Engine.IO protocol)");
    end_close(e);
}

static void a_socket_that_has_a_websocket_does_not_poll(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, "/engine.io/?EIO=4&transport=websocket", TW_EMPTY);
    char target[160];
    const char *sid;

    await(s->loop, end_has(e, "maxPayload"));
    sid = memmem(e->heard.at, e->heard.len, "\"sid\":\"", 7);
    (void)snprintf(target, sizeof(target), POLLING "&sid=%.27s", sid + 7);
    check(s, "GET", target, " 400 ", "{\"code\":3,\"message\":\"Bad request\"}");
    end_close(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_engine_claims_its_path_and_what_is_below),
        TEST(a_transport_must_be_known),
        TEST(a_sid_must_be_known),
        TEST(a_handshake_is_a_get),
        TEST(a_transport_must_fit_the_request),
        TEST(an_origin_must_be_allowed),
        TEST(another_version_is_refused),
        TEST(an_unknown_transport_comes_before_an_unknown_sid),
        TEST(a_refused_request_is_counted),
        TEST(a_closed_engine_has_no_handshakes),
        TEST(only_get_and_post_are_for_a_sid),
        TEST(a_body_over_the_limit_is_refused_and_the_socket_stays),
        TEST(packets_before_an_invalid_one_count),
        TEST(a_socket_that_has_a_websocket_does_not_poll),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
