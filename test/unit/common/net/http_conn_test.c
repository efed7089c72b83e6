/* http_conn_test.c - requests in, answers out, in order; and what may go wrong on the way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/stream.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/http_site.h"

#define HOST "Host: a\r\n"

static int begin(void **state)
{
    *state = site_new();
    return 0;
}

static int end(void **state)
{
    site_free(*state);
    return 0;
}

/* The bodies of all answers heard, which end in these texts, one after the other. */
static void check_order(const struct end *e, const char *const *texts, size_t n)
{
    struct tw_slice rest = tw_buf_view(&e->heard);

    for (size_t i = 0; i < n; i++) {
        const char *found = memmem(rest.at, rest.len, texts[i], strlen(texts[i]));

        assert_row(found != NULL, texts[i]);
        rest = tw_slice_skip(rest, (size_t)(found - rest.at) + strlen(texts[i]));
    }
}

static void a_connection_carries_one_request_after_the_other(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(e, "\r\n\r\nGET /a "));
    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    assert_true(end_has(e, "Connection: keep-alive\r\n"));
    end_say(e, "POST /b HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhel");
    net_idle(s->loop, 20);
    end_say(e, "lo");
    await(s->loop, end_has(e, "POST /b hello"));
    assert_false(e->has_ended);
    assert_int_equal(s->http.requests.value, 2);
    assert_int_equal(s->http.connections.value, 1);
    end_close(e);
    await(s->loop, s->http.connections.value == 0);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char text[] = "POST /b HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello";
    struct site *s = *state;
    struct end *e = site_visit(s);

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        end_send(e, tw_slice_from(text + i, 1));
        await(s->loop, uv_stream_get_write_queue_size(&e->uv.stream) == 0);
    }
    await(s->loop, end_has(e, "POST /b hello"));
    end_close(e);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char *const wanted[] = { "GET /1 ", "/wait-2", "POST /3 {}", "HTTP/1.1 200 OK",
                                          "GET /5 " };
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /wait-2 HTTP/1.1\r\n" HOST "\r\n"
               "POST /3 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}\r\n"
               "HEAD /4 HTTP/1.1\r\n" HOST "\r\nGET /5 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->waiting_count == 1 && end_has(e, "GET /1 "));
    net_idle(s->loop, 20);
    assert_int_equal(s->handled, 2); /* those after wait for their turn */
    site_release(s);
    await(s->loop, end_has(e, "GET /5 "));
    check_order(e, wanted, TW_COUNT(wanted));
    assert_false(end_has(e, "HEAD /4")); /* a HEAD has no body */
    assert_int_equal(end_count(e, "HTTP/1.1 200 OK\r\n"), 5);
    end_close(e);
}

static void ten_thousand_pipelined_requests_are_all_answered(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);
    struct tw_buf text = { .max = 1048576 };

    for (int i = 0; i < 10000; i++)
        tw_buf_text(&text, "GET /p HTTP/1.1\r\n" HOST "\r\n");
    end_send(e, tw_buf_view(&text));
    tw_buf_done(&text);
    await(s->loop, s->handled == 10000);
    await(s->loop, end_count(e, "GET /p ") == 10000);
    assert_int_equal(end_count(e, "HTTP/1.1 200 OK\r\n"), 10000);
    end_close(e);
}

static void a_client_that_keeps_sending_before_its_answer_is_not_read(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);
    char *flood = calloc(1, SITE_LARGE);

    end_say(e, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->waiting_count == 1);
    end_send(e, tw_slice_from(flood, SITE_LARGE));
    net_idle(s->loop, 100);
    assert_true(uv_stream_get_write_queue_size(&e->uv.stream) > SITE_LARGE / 4);
    free(flood);
    site_release(s);
    await(s->loop, end_has(e, "/wait") && end_has(e, "BAD_REQUEST"));
    end_close(e);
}

static void a_requested_close_follows_the_answer(void **state)
{
    static const char *const asking[] = { "GET /x HTTP/1.1\r\n" HOST
                                          "Connection: close\r\n\r\n",
                                          "GET /x HTTP/1.0\r\n\r\n",
                                          "GET /close HTTP/1.1\r\n" HOST "\r\n" };
    struct site *s = *state;

    for (size_t i = 0; i < TW_COUNT(asking); i++) {
        struct end *e = site_visit(s);

        end_say(e, asking[i]);
        await(s->loop, e->has_ended);
        assert_int_equal(e->err, 0);
        assert_true(end_has(e, "Connection: close\r\n"));
        assert_true(end_has(e, "\r\n\r\nGET /"));
        end_close(e);
        await(s->loop, s->http.connections.value == 0);
    }
}

static void nothing_after_the_last_request_is_read(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" HOST
               "\r\n");
    await(s->loop, e->has_ended);
    assert_int_equal(s->handled, 1);
    assert_false(end_has(e, "/2"));
    end_close(e);
}

static void http_1_0_may_keep_its_connection(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await(s->loop, end_has(e, "GET /1 "));
    assert_true(end_has(e, "Connection: keep-alive\r\n"));
    end_say(e, "GET /2 HTTP/1.0\r\n\r\n");
    await(s->loop, end_has(e, "GET /2 ") && e->has_ended);
    end_close(e);
}

static void a_client_that_half_closes_after_its_request_still_gets_the_answer(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /wait HTTP/1.1\r\n" HOST "\r\n");
    end_finish(e);
    await(s->loop, s->waiting_count == 1);
    net_idle(s->loop, 50);
    assert_int_equal(s->gone, 0); /* half closed is not gone (RFC 9112 section 9.6) */
    site_release(s);
    await(s->loop, end_has(e, "/wait") && e->has_ended);
    assert_int_equal(e->err, 0);
    await(s->loop, s->http.connections.value == 0);
    end_close(e);
}

static void a_waiter_is_told_once_that_its_client_has_left(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->waiting_count == 1);
    end_reset(e);
    await(s->loop, s->gone == 1);
    assert_int_equal(s->http.connections.value, 0);
    net_idle(s->loop, 20);
    assert_int_equal(s->gone, 1);
}

static void a_client_that_leaves_in_the_middle_of_a_request_is_forgotten(void **state)
{
    static const char *const parts[] = { "", "GE", "GET / HTTP/1.1\r\nHo",
                                         "POST / HTTP/1.1\r\n" HOST
                                         "Content-Length: 5\r\n\r\nhe" };
    struct site *s = *state;

    for (size_t i = 0; i < 2 * TW_COUNT(parts); i++) {
        struct end *e = site_visit(s);

        end_say(e, parts[i / 2]);
        await(s->loop, s->http.connections.value == 1);
        net_idle(s->loop, 10);
        if (i % 2 == 0)
            end_close(e);
        else
            end_reset(e);
        await(s->loop, s->http.connections.value == 0);
    }
    assert_int_equal(s->handled, 0);
}

static void a_malformed_request_is_answered_and_is_the_last(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e,
            "GET /1 HTTP/1.1\r\n" HOST "\r\nnonsense\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, e->has_ended);
    assert_int_equal(e->err, 0);
    assert_true(end_has(e, "GET /1 "));
    assert_true(end_has(e, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(end_has(e, "Content-Type: application/json\r\n"));
    assert_true(end_has(e, "\"code\":\"BAD_REQUEST\""));
    assert_true(end_has(e, "Connection: close\r\n"));
    assert_int_equal(s->http.refused.value, 1);
    assert_int_equal(s->handled, 1);
    end_close(e);
}

/* A client that sends all before it reads: a reset would take our answer from it. */
static void a_body_that_is_too_large_is_refused_and_the_client_reads_why(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);
    char *body = calloc(1, 1000000);

    end_want_read(e, false);
    end_say(e, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        end_send(e, tw_slice_from(body, 100000));
        net_idle(s->loop, 10);
    }
    await(s->loop, uv_stream_get_write_queue_size(&e->uv.stream) == 0);
    end_want_read(e, true);
    await(s->loop, e->has_ended);
    assert_int_equal(e->err, 0);
    assert_int_equal(e->write_err, 0); /* the server has read it, and thrown it away */
    assert_true(end_has(e, "HTTP/1.1 413 "));
    assert_true(end_has(e, "\"code\":\"BODY_TOO_LARGE\""));
    end_close(e);
    await(s->loop, s->http.connections.value == 0);
    free(body);
}

static void a_client_that_expects_100_gets_it_before_the_answer(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "POST /b HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    await(s->loop, e->heard.len > 0);
    assert_buf(&e->heard, "HTTP/1.1 100 Continue\r\n\r\n");
    end_say(e, "hello");
    await(s->loop, end_has(e, "POST /b hello"));
    assert_int_equal(end_count(e, "100 Continue"), 1);
    end_close(e);
}

static void a_client_that_expects_100_for_too_large_a_body_gets_413_at_once(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e,
            "POST /b HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    await(s->loop, e->has_ended);
    assert_true(end_has(e, "HTTP/1.1 413 "));
    assert_false(end_has(e, "100 Continue"));
    end_close(e);
}

static void a_request_that_was_dropped_is_answered_all_the_same(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s), *last = site_visit(s);

    end_say(e, "HEAD /wait-dropped HTTP/1.1\r\n" HOST "\r\nGET /wait-dropped HTTP/1.1\r\n" HOST
               "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->waiting_count == 1);
    site_release(s);
    await(s->loop, s->waiting_count == 2); /* which shows that the first was kept alive */
    assert_true(end_has(e, "HTTP/1.1 200 "));
    assert_false(end_has(e, "\r\n\r\n/wait-dropped")); /* a HEAD */
    site_release(s);
    await(s->loop, end_has(e, "GET /2 "));
    assert_true(end_has(e, "\r\n\r\n/wait-dropped"));
    assert_false(e->has_ended);
    end_say(last, "GET /wait-dropped HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    await(s->loop, s->waiting_count == 3);
    site_release(s);
    await(s->loop, last->has_ended);
    assert_true(end_has(last, "/wait-dropped"));
    end_close(e);
    end_close(last);
}

static void a_taken_stream_comes_with_the_bytes_after_the_request(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);
    struct tw_slice part = TW_LIT("not HTTP any more");

    end_say(e, "GET /take HTTP/1.1\r\n" HOST
               "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85 frame");
    await(s->loop, s->taken != NULL);
    assert_int_equal(s->http.connections.value, 0);
    await(s->loop, s->rest.len == 8);
    assert_buf(&s->rest, "\x81\x85 frame");
    assert_int_equal(tw_stream_write(s->taken, &part, 1), 1);
    await(s->loop, e->heard.len == part.len);
    end_say(e, "more");
    await(s->loop, s->rest.len == 12);
    end_close(e);
}

static void an_upgrade_that_is_not_taken_is_answered_and_so_is_the_next_request(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /1 HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
               "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(e, "GET /2 "));
    assert_true(end_has(e, "GET /1 "));
    assert_false(e->has_ended);
    end_close(e);
}

static void a_slow_reader_gets_all_of_a_large_answer(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_want_read(e, false);
    end_say(e, "GET /large HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->handled == 1);
    net_idle(s->loop, 50);
    assert_int_equal(s->handled, 1); /* the next one waits until this one is sent */
    end_want_read(e, true);
    await(s->loop, end_has(e, "GET /2 "));
    assert_true(e->heard.len > SITE_LARGE);
    end_close(e);
}

#define CONN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(a_connection_carries_one_request_after_the_other),
        CONN_TEST(a_request_may_come_byte_by_byte),
        CONN_TEST(pipelined_requests_are_answered_in_order),
        CONN_TEST(ten_thousand_pipelined_requests_are_all_answered),
        CONN_TEST(a_client_that_keeps_sending_before_its_answer_is_not_read),
        CONN_TEST(a_requested_close_follows_the_answer),
        CONN_TEST(nothing_after_the_last_request_is_read),
        CONN_TEST(http_1_0_may_keep_its_connection),
        CONN_TEST(a_client_that_half_closes_after_its_request_still_gets_the_answer),
        CONN_TEST(a_waiter_is_told_once_that_its_client_has_left),
        CONN_TEST(a_client_that_leaves_in_the_middle_of_a_request_is_forgotten),
        CONN_TEST(a_malformed_request_is_answered_and_is_the_last),
        CONN_TEST(a_body_that_is_too_large_is_refused_and_the_client_reads_why),
        CONN_TEST(a_client_that_expects_100_gets_it_before_the_answer),
        CONN_TEST(a_client_that_expects_100_for_too_large_a_body_gets_413_at_once),
        CONN_TEST(a_request_that_was_dropped_is_answered_all_the_same),
        CONN_TEST(a_taken_stream_comes_with_the_bytes_after_the_request),
        CONN_TEST(an_upgrade_that_is_not_taken_is_answered_and_so_is_the_next_request),
        CONN_TEST(a_slow_reader_gets_all_of_a_large_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
