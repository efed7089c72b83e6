/* http_conn_limits_test.c - limits of time and number, floods, and the end of a server.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/http_conn.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/http_site.h"

#define SHORT_MS UINT64_C(60)
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

static void an_answer_that_is_too_long_is_refused_and_the_next_one_comes(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "GET /huge HTTP/1.1\r\n" HOST "\r\nGET /next HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(e, "GET /next "));
    assert_true(end_has(e, "HTTP/1.1 500 "));
    assert_true(end_has(e, "ANSWER_TOO_LARGE"));
    end_close(e);
}

/* However many send at once: what they send is held until it is complete. */
static void large_bodies_have_a_budget_together(void **state)
{
    struct site *s = *state;
    struct end *first, *second, *small;
    char *bytes = calloc(1, 300000);

    memset(bytes, 'x', 300000);
    s->http.limits.request.body_bytes = 300000;
    s->http.limits.bodies_bytes = 250000;
    first = site_visit(s);
    end_say(first, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 200001\r\n\r\n");
    end_send(first, tw_slice_from(bytes, 200000));
    await(s->loop, s->http.bodies.value == 200000);
    second = site_visit(s);
    end_say(second, "POST /b HTTP/1.1\r\n" HOST "Content-Length: 200001\r\n\r\n");
    end_send(second, tw_slice_from(bytes, 200000));
    await(s->loop, second->has_ended);
    assert_true(end_has(second, "HTTP/1.1 503 "));
    assert_true(end_has(second, "OVERLOADED"));
    small = site_visit(s);
    end_say(small, "POST /c HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
    end_send(small, tw_slice_from(bytes, 60000));
    await(s->loop, end_has(small, "POST /c xxx"));
    end_send(first, TW_LIT("x"));
    await(s->loop, end_has(first, "HTTP/1.1 200 OK"));
    end_close(first);
    end_close(second);
    end_close(small);
    await(s->loop, s->http.connections.value == 0);
    assert_int_equal(s->http.bodies.value, 0);
    free(bytes);
}

static void a_head_that_is_not_finished_in_time_is_408(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.head_ms = SHORT_MS;
    e = site_visit(s);
    end_say(e, "GET / HTTP/1.1\r\nHost:");
    await(s->loop, e->has_ended);
    assert_true(end_has(e, "HTTP/1.1 408 "));
    assert_true(end_has(e, "REQUEST_TIMEOUT"));
    end_close(e);
}

/* Each byte would renew a limit that is counted from the last one heard. */
static void a_head_that_trickles_is_408_as_well(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.head_ms = 10 * SHORT_MS;
    e = site_visit(s);
    end_say(e, "GET / HTTP/1.1\r\nX:");
    for (int i = 0; i < 1000 && !e->has_ended; i++) {
        end_say(e, "x");
        net_idle(s->loop, 20);
    }
    assert_true(e->has_ended);
    assert_true(end_has(e, "HTTP/1.1 408 "));
    end_close(e);
}

static void a_body_that_is_not_finished_in_time_is_408(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.body_ms = SHORT_MS;
    e = site_visit(s);
    end_say(e, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    await(s->loop, e->has_ended);
    assert_true(end_has(e, "HTTP/1.1 408 "));
    assert_int_equal(s->handled, 0);
    end_close(e);
}

static void a_client_that_sends_nothing_is_closed_without_an_answer(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.head_ms = SHORT_MS;
    e = site_visit(s);
    await(s->loop, e->has_ended);
    assert_int_equal(e->heard.len, 0);
    end_close(e);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    struct site *s = *state;
    struct end *e;
    size_t heard;

    s->http.limits.idle_ms = SHORT_MS;
    e = site_visit(s);
    end_say(e, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(e, "GET /1 "));
    heard = e->heard.len;
    await(s->loop, e->has_ended);
    assert_int_equal(e->heard.len, heard);
    end_close(e);
}

static void no_limit_runs_while_a_request_is_handled(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.head_ms = s->http.limits.body_ms = s->http.limits.idle_ms = SHORT_MS;
    e = site_visit(s);
    end_say(e, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->waiting_count == 1);
    net_idle(s->loop, 4 * SHORT_MS);
    site_release(s);
    await(s->loop, end_has(e, "/wait"));
    end_close(e);
}

static void a_client_that_keeps_sending_after_a_refusal_is_cut_off(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);
    char *flood = calloc(1, SITE_LARGE);

    end_say(e, "nonsense\r\n\r\n");
    end_send(e, tw_slice_from(flood, SITE_LARGE));
    await(s->loop, s->http.connections.value == 0);
    assert_true(end_has(e, "HTTP/1.1 400 "));
    await(s->loop, e->write_err != 0); /* it was not read to its end */
    end_close(e);
    free(flood);
}

static void a_client_that_never_closes_after_a_refusal_is_cut_off_too(void **state)
{
    struct site *s = *state;
    struct end *e = site_visit(s);

    end_say(e, "nonsense\r\n\r\n");
    await(s->loop, e->has_ended);
    await(s->loop, s->http.connections.value == 0);
    end_close(e);
}

static void a_reader_that_never_reads_is_given_up(void **state)
{
    struct site *s = *state;
    struct end *e;

    s->http.limits.body_ms = SHORT_MS;
    e = site_visit(s);
    end_want_read(e, false);
    end_say(e, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, s->handled == 1);
    await(s->loop, s->http.connections.value == 0);
    end_close(e);
}

static void connections_over_the_limit_are_closed_at_once(void **state)
{
    struct site *s = *state;
    struct end *a, *b, *c;

    s->http.limits.connections = 2;
    a = site_visit(s);
    b = site_visit(s);
    await(s->loop, s->http.connections.value == 2);
    c = site_visit(s);
    await(s->loop, c->has_ended);
    assert_int_equal(s->http.refused.value, 1);
    end_close(a);
    await(s->loop, s->http.connections.value == 1);
    end_close(c);
    c = site_visit(s);
    end_say(c, "GET /3 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(c, "GET /3 "));
    end_close(b);
    end_close(c);
}

static void a_drain_closes_the_idle_and_answers_the_others(void **state)
{
    struct site *s = *state;
    struct end *fresh = site_visit(s), *idle = site_visit(s), *waits = site_visit(s);
    struct end *sends = site_visit(s);

    end_say(idle, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    end_say(waits, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    end_say(sends, "GET /2 HTTP/1.1\r\n");
    await(s->loop, end_has(idle, "GET /1 ") && s->waiting_count == 1);
    net_idle(s->loop, 20);
    tw_http_server_drain(&s->http);
    await(s->loop, fresh->has_ended && idle->has_ended);
    assert_false(waits->has_ended || sends->has_ended);
    site_release(s);
    await(s->loop, waits->has_ended);
    assert_true(end_has(waits, "Connection: close\r\n") && end_has(waits, "/wait"));
    end_say(sends, HOST "\r\n");
    await(s->loop, sends->has_ended);
    assert_true(end_has(sends, "Connection: close\r\n") && end_has(sends, "GET /2 "));
    end_close(fresh);
    end_close(idle);
    end_close(waits);
    end_close(sends);
    await(s->loop, s->http.connections.value == 0);
}

/* A request may be on its way when the drain begins: were it cut off, its client would not know
 * what it has done. */
static void a_drain_waits_for_a_last_request(void **state)
{
    struct site *s = *state;
    struct end *idle = site_visit(s), *fresh = site_visit(s);

    s->http.limits.last_ms = 60000;
    end_say(idle, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, end_has(idle, "GET /1 "));
    tw_http_server_drain(&s->http);
    end_say(idle, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    end_say(fresh, "GET /3 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, idle->has_ended && fresh->has_ended);
    assert_true(end_has(idle, "GET /2 ") && end_has(idle, "Connection: close\r\n"));
    assert_true(end_has(fresh, "GET /3 ") && end_has(fresh, "Connection: close\r\n"));
    end_close(idle);
    end_close(fresh);
}

static void a_drain_waits_for_it_only_for_a_while(void **state)
{
    struct site *s = *state;
    struct end *fresh = site_visit(s);

    s->http.limits.last_ms = 20;
    await(s->loop, s->http.connections.value == 1);
    tw_http_server_drain(&s->http);
    await(s->loop, fresh->has_ended);
    assert_int_equal(fresh->heard.len, 0);
    end_close(fresh);
}

/* Where the socket outlives the process, connections come during a drain, too. */
static void whoever_comes_in_a_drain_is_waited_for_no_longer(void **state)
{
    struct site *s = *state;
    struct end *asks, *silent;

    s->http.limits.last_ms = 20;
    tw_http_server_drain(&s->http);
    asks = site_visit(s);
    silent = site_visit(s);
    end_say(asks, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
    await(s->loop, asks->has_ended && silent->has_ended);
    assert_true(end_has(asks, "GET /1 ") && end_has(asks, "Connection: close\r\n"));
    assert_int_equal(silent->heard.len, 0);
    end_close(asks);
    end_close(silent);
}

static void closing_the_server_ends_all_and_tells_the_waiters(void **state)
{
    struct site *s = *state;
    struct end *idle = site_visit(s), *waits = site_visit(s), *lingers = site_visit(s);

    end_say(waits, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    end_say(lingers, "nonsense\r\n\r\n");
    await(s->loop, s->waiting_count == 1 && lingers->has_ended);
    tw_http_server_close(&s->http);
    tw_http_server_close(&s->http);
    await(s->loop, s->http.connections.value == 0);
    assert_int_equal(s->gone, 1);
    await(s->loop, idle->has_ended && waits->has_ended);
    end_close(idle);
    end_close(waits);
    end_close(lingers);
}

#define CONN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(an_answer_that_is_too_long_is_refused_and_the_next_one_comes),
        CONN_TEST(large_bodies_have_a_budget_together),
        CONN_TEST(a_head_that_is_not_finished_in_time_is_408),
        CONN_TEST(a_head_that_trickles_is_408_as_well),
        CONN_TEST(a_body_that_is_not_finished_in_time_is_408),
        CONN_TEST(a_client_that_sends_nothing_is_closed_without_an_answer),
        CONN_TEST(an_idle_connection_is_closed_without_a_word),
        CONN_TEST(no_limit_runs_while_a_request_is_handled),
        CONN_TEST(a_client_that_keeps_sending_after_a_refusal_is_cut_off),
        CONN_TEST(a_client_that_never_closes_after_a_refusal_is_cut_off_too),
        CONN_TEST(a_reader_that_never_reads_is_given_up),
        CONN_TEST(connections_over_the_limit_are_closed_at_once),
        CONN_TEST(a_drain_closes_the_idle_and_answers_the_others),
        CONN_TEST(a_drain_waits_for_a_last_request),
        CONN_TEST(a_drain_waits_for_it_only_for_a_while),
        CONN_TEST(whoever_comes_in_a_drain_is_waited_for_no_longer),
        CONN_TEST(closing_the_server_ends_all_and_tells_the_waiters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
