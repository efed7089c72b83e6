/* conn_test.c - a WebSocket from its 101 to its close, over a socket.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/conn.h"

#include <stdlib.h>

#include "test/unit/gateway/support/socket_site.h"

#define CLOSE_MS 5000

static struct end *visit(struct socket_site *s)
{
    return visit_websocket(s, "/ws", TW_EMPTY);
}

static void say_close(struct end *e, unsigned code)
{
    struct tw_buf frame = { .max = 256 };

    ws_put_close(&frame, code, TW_EMPTY);
    end_send(e, tw_buf_view(&frame));
    tw_buf_done(&frame);
}

/* --- Messages --- */

static void a_message_reaches_the_handler(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    assert_true(end_has(e, "HTTP/1.1 101 "));
    end_say_text(e, "hello");
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "text(hello)");
    end_close(e);
}

static void a_frame_reaches_the_client(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    speaker_send(&s->speaker, "one");
    speaker_send(&s->speaker, "two");
    await(s->loop, end_has(e, "two"));
    assert_frames(e, "text(one)text(two)");
    end_close(e);
}

static void what_comes_with_the_request_is_a_message(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf frame = { .max = 256 };
    struct end *e;

    ws_put(&frame, WS_FIN | WS_TEXT, TW_LIT("early"));
    e = visit_websocket(s, "/ws", tw_buf_view(&frame));
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "text(early)");
    tw_buf_done(&frame);
    end_close(e);
}

static void a_handler_that_is_busy_is_given_no_messages(void **state)
{
    struct socket_site *s = *state;
    struct end *e;

    s->speaker.is_busy = true;
    e = visit(s);
    end_say_text(e, "hello");
    speaker_send(&s->speaker, "first");
    await(s->loop, end_has(e, "first"));
    assert_int_equal(s->speaker.heard.len, 0);
    s->speaker.is_busy = false;
    s->speaker.transport->ops->begin(s->speaker.transport);
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "text(hello)");
    end_close(e);
}

/* One read may bring many: those that it is not ready for wait, and so does the peer. */
static void a_handler_that_becomes_busy_is_given_the_rest_later(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf frames = { .max = 100 };
    struct end *e;

    ws_put(&frames, WS_FIN | WS_TEXT, TW_LIT("one"));
    ws_put(&frames, WS_FIN | WS_TEXT, TW_LIT("two"));
    ws_put(&frames, WS_FIN | WS_TEXT, TW_LIT("three"));
    s->speaker.tires = true;
    e = visit_websocket(s, "/ws", tw_buf_view(&frames));
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "text(one)");
    for (int i = 0; i < 2; i++) {
        s->speaker.is_busy = false;
        s->speaker.transport->ops->begin(s->speaker.transport);
        await(s->loop, s->speaker.is_busy);
    }
    assert_buf(&s->speaker.heard, "text(one) text(two) text(three)");
    tw_buf_done(&frames);
    end_close(e);
}

/* Messages of 200 kB, so that each turn reads one: all arrive, and so does the close. */
static void much_work_is_done_in_several_turns(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf frames = { .max = 200000 }, want = { .max = 200000 };
    char text[10001];
    struct end *e;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 15; i++) {
        ws_put(&frames, WS_FIN | WS_TEXT, tw_slice_of(text));
        tw_buf_text(&want, i > 0 ? " text(" : "text(");
        tw_buf_text(&want, text);
        tw_buf_char(&want, ')');
    }
    ws_put(&frames, WS_FIN | WS_CLOSE, TW_LIT("\x03\xe8"));
    tw_buf_text(&want, " closing ended(1000 ");
    e = visit_websocket(s, "/ws", tw_buf_view(&frames));
    await(s->loop, s->speaker.has_ended);
    assert_true(
        tw_slice_starts(tw_buf_view(&s->speaker.heard), tw_slice_from(want.at, want.len - 20)));
    tw_buf_done(&frames);
    tw_buf_done(&want);
    end_close(e);
}

/* Whoever sends without end is not read for a moment; then all the rest is, and so is its
 * close. Empty binary messages cost 64 bytes of work and six of the line. */
static void who_makes_us_do_too_much_waits(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf frames = { .max = (size_t)4 * 1024 * 1024 };
    struct end *e;

    for (uint64_t i = 0; i < (GW_WORK_AT_ONCE + GW_WORK_PER_SECOND / 4) / 64; i++)
        ws_put(&frames, WS_FIN | WS_BINARY, TW_EMPTY);
    ws_put(&frames, WS_FIN | WS_CLOSE, TW_LIT("\x03\xe8"));
    e = visit(s);
    end_send(e, tw_buf_view(&frames));
    await(s->loop, s->conns.rests.value > 0);
    assert_false(s->speaker.has_ended);
    await(s->loop, s->speaker.has_ended);
    end_close(e);
    tw_buf_done(&frames);
}

static void another_handler_may_take_over(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    end_say_text(e, "one");
    await(s->loop, s->speaker.heard.len > 0);
    gw_conn_hand_over(s->speaker.conn, &s->other.handler);
    end_say_text(e, "two");
    await(s->loop, s->other.heard.len > 0);
    assert_buf(&s->speaker.heard, "text(one)");
    assert_buf(&s->other.heard, "text(two)");
    end_close(e);
    await(s->loop, s->other.has_ended);
}

/* --- Space to write --- */

static void fill(struct speaker *p)
{
    size_t len = (size_t)16 * 1024 * 1024; /* more than the kernel takes */
    char *text = calloc(len + 1, 1);

    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = 'x';
    speaker_send(p, text);
    free(text);
}

static void a_handler_hears_when_it_is_writable_again(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);
    struct gw_transport *t = s->speaker.transport;

    assert_true(t->ops->is_writable(t));
    end_want_read(e, false);
    fill(&s->speaker);
    assert_false(t->ops->is_writable(t));
    end_want_read(e, true);
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "writable");
    assert_true(t->ops->is_writable(t));
    end_close(e);
}

static void a_client_that_reads_too_slowly_is_closed(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);
    char *text = calloc((size_t)3 * SITE_QUEUE_BYTES + 2, 1);

    assert_non_null(text);
    memset(text, 'x', (size_t)3 * SITE_QUEUE_BYTES + 1);
    end_want_read(e, false);
    fill(&s->speaker);
    (void)uv_run(&s->loop->uv, UV_RUN_NOWAIT); /* that one is in flight now */
    speaker_send(&s->speaker, text);
    (void)uv_run(&s->loop->uv, UV_RUN_NOWAIT);
    assert_buf(&s->speaker.heard, ""); /* one frame may wait, however large it is */
    speaker_send(&s->speaker, text);
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "closing");
    end_want_read(e, true);
    await(s->loop, end_has(e, "reading too slowly; connect again"));
    free(text);
    end_close(e);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(1013 reading too slowly; connect again)");
}

/* --- Its end --- */

static void a_close_of_the_client_is_answered(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    say_close(e, 1000);
    await(s->loop, e->has_ended && s->speaker.has_ended);
    assert_frames(e, "close(1000)");
    assert_buf(&s->speaker.heard, "closing ended(0 closed by the client)");
    assert_int_equal(s->conns.closed_by_peer.value, 1);
    end_close(e);
}

static void a_close_of_ours_awaits_the_clients(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    speaker_send(&s->speaker, "last");
    gw_transport_close(s->speaker.transport, gw_closes.shut_down);
    await(s->loop, end_has(e, "shut down"));
    assert_frames(e, "text(last)close(1001 shut down)");
    assert_buf(&s->speaker.heard, "closing");
    say_close(e, 1001);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(1001 shut down)");
    assert_int_equal(s->conns.closed_by_us.value, 1);
    end_close(e);
}

static void a_client_that_does_not_answer_a_close_is_cut_off(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    gw_transport_close(s->speaker.transport, gw_closes.shut_down);
    await(s->loop, end_has(e, "shut down"));
    assert_false(s->speaker.has_ended);
    socket_site_pass(s, CLOSE_MS);
    await(s->loop, s->speaker.has_ended);
    end_close(e);
}

static void nothing_is_sent_or_heard_after_a_close(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    gw_transport_close(s->speaker.transport, gw_closes.shut_down);
    speaker_send(&s->speaker, "late");
    end_say_text(e, "late");
    say_close(e, 1000);
    await(s->loop, s->speaker.has_ended);
    await(s->loop, e->has_ended);
    assert_frames(e, "close(1001 shut down)");
    assert_buf(&s->speaker.heard, "closing ended(1001 shut down)");
    end_close(e);
}

static void the_first_reason_counts(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    gw_transport_close(s->speaker.transport, gw_closes.key_revoked);
    gw_transport_close(s->speaker.transport, gw_closes.shut_down);
    say_close(e, 1000);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(1008 the API key was revoked)");
    end_close(e);
}

static void a_frame_that_breaks_the_protocol_ends_it(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);
    struct tw_buf frame = { .max = 256 };

    ws_put_unmasked(&frame, WS_FIN | WS_TEXT, TW_LIT("hello"));
    end_send(e, tw_buf_view(&frame));
    tw_buf_done(&frame);
    await(s->loop, e->has_ended);
    assert_frames(e, "close(1002)");
    end_close(e);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 broke RFC 6455)");
}

static void a_connection_that_breaks_is_lost(void **state)
{
    struct socket_site *s = *state;

    end_reset(visit(s));
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 the connection was lost)");
    assert_int_equal(s->conns.lost.value, 1);
    assert_int_equal(s->conns.count, 0);
}

/* --- Silence --- */

static void a_silent_client_is_pinged(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    end_say_text(e, "hello");
    await(s->loop, s->speaker.heard.len > 0);
    socket_site_pass(s, SITE_PING_MS);
    await(s->loop, end_has(e, "\x89"));
    assert_frames(e, "ping()");
    assert_false(s->speaker.has_ended);
    end_close(e);
}

static void a_ping_without_an_answer_ends_it(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    socket_site_pass(s, SITE_PING_MS);
    await(s->loop, end_has(e, "\x89"));
    socket_site_pass(s, SITE_PONG_MS);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 left a ping unanswered)");
    assert_int_equal(s->conns.silent.value, 1);
    end_close(e);
}

/* It is not read while a write is under way, so nothing is heard of it either. */
static void a_client_that_takes_a_large_frame_slowly_is_not_silent(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);
    const struct gw_transport *t = s->speaker.transport;
    uint64_t before;

    end_want_read(e, false);
    fill(&s->speaker);
    (void)uv_run(&s->loop->uv, UV_RUN_NOWAIT);
    for (int i = 0; i < 3; i++) {
        before = t->ops->taken(t);
        end_want_read(e, true);
        await(s->loop, t->ops->taken(t) > before);
        socket_site_pass(s, SITE_PING_MS + SITE_PONG_MS);
        (void)uv_run(&s->loop->uv, UV_RUN_NOWAIT);
        assert_false(s->speaker.has_ended);
    }
    end_close(e);
}

/* Nothing is ever heard of it, and it stays open for as long as it takes what it is sent. */
static void an_event_stream_hears_a_heartbeat_at_each_silence_and_stays(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, "/stream", TW_EMPTY);

    for (int i = 1; i <= 4; i++) {
        socket_site_pass(s, SITE_PING_MS + SITE_PONG_MS); /* a look may be late by the latter */
        await(s->loop, end_count(e, SITE_HEARTBEAT) >= i);
    }
    assert_false(s->speaker.has_ended);
    end_close(e);
}

/* It is not read, so its own end would not be noticed either. */
static void one_whose_handler_is_not_ready_for_long_must_come_again(void **state)
{
    struct socket_site *s = *state;
    struct end *e;

    s->speaker.is_busy = true;
    e = visit(s);
    await(s->loop, end_has(e, "HTTP/1.1 101 "));
    for (unsigned passed = 0; passed < 30000; passed += SITE_PING_MS) {
        assert_false(end_has(e, "cannot be read"));
        socket_site_pass(s, SITE_PING_MS);
    }
    await(s->loop, end_has(e, "cannot be read"));
    assert_frames(
        e, "close(1013 the restaurant's events cannot be read right now; connect again)");
    end_close(e);
}

/* --- All of them --- */

static void connections_are_sent_home_with_last_words(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    assert_int_equal(gw_conns_send_home(&s->conns, 10), 1);
    assert_int_equal(gw_conns_send_home(&s->conns, 10), 0);
    await(s->loop, end_has(e, "goes away"));
    assert_frames(e, "close(1001 this server goes away; connect again)");
    assert_buf(&s->speaker.heard, "farewell closing");
    end_close(e);
}

static void so_many_are_sent_home_and_no_more(void **state)
{
    struct socket_site *s = *state;
    struct end *a = visit(s), *b;

    gw_conn_hand_over(s->speaker.conn, &s->other.handler);
    b = visit(s);
    assert_int_equal(gw_conns_send_home(&s->conns, 1), 1);
    assert_int_equal(gw_conns_send_home(&s->conns, 1), 1);
    assert_int_equal(gw_conns_send_home(&s->conns, 1), 0);
    end_close(a);
    end_close(b);
}

static void connections_are_shut_without_a_word(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    gw_conns_shut(&s->conns);
    await(s->loop, e->has_ended);
    assert_frames(e, "");
    assert_buf(&s->speaker.heard, "closing ended(0 the connection was lost)");
    end_close(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_reaches_the_handler),
        TEST(a_frame_reaches_the_client),
        TEST(what_comes_with_the_request_is_a_message),
        TEST(a_handler_that_is_busy_is_given_no_messages),
        TEST(a_handler_that_becomes_busy_is_given_the_rest_later),
        TEST(much_work_is_done_in_several_turns),
        TEST(who_makes_us_do_too_much_waits),
        TEST(another_handler_may_take_over),
        TEST(a_handler_hears_when_it_is_writable_again),
        TEST(a_client_that_reads_too_slowly_is_closed),
        TEST(a_close_of_the_client_is_answered),
        TEST(a_close_of_ours_awaits_the_clients),
        TEST(a_client_that_does_not_answer_a_close_is_cut_off),
        TEST(nothing_is_sent_or_heard_after_a_close),
        TEST(the_first_reason_counts),
        TEST(a_frame_that_breaks_the_protocol_ends_it),
        TEST(a_connection_that_breaks_is_lost),
        TEST(one_whose_handler_is_not_ready_for_long_must_come_again),
        TEST(a_silent_client_is_pinged),
        TEST(a_client_that_takes_a_large_frame_slowly_is_not_silent),
        TEST(an_event_stream_hears_a_heartbeat_at_each_silence_and_stays),
        TEST(a_ping_without_an_answer_ends_it),
        TEST(connections_are_sent_home_with_last_words),
        TEST(so_many_are_sent_home_and_no_more),
        TEST(connections_are_shut_without_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
