/* eio_test.c - the life of an Engine.IO socket: handshake, pings, packets, end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio.h"

#include "test/unit/gateway/support/socket_site.h"

#define PART_MS 5000

static void poll_once(struct socket_site *s, const char *target, const char *want)
{
    struct end *e = request(s, "GET", target, NULL);

    await_answer(s, e);
    assert_answer(e, " 200 OK", want);
    end_close(e);
}

static void post(struct socket_site *s, const char *target, const char *body)
{
    struct end *e = request(s, "POST", target, body);

    await_answer(s, e);
    assert_answer(e, " 200 OK", "ok");
    end_close(e);
}

static void a_sid_begins_with_the_name_of_the_process(void **state)
{
    struct socket_site *s = *state;
    struct end *e = request(s, "GET", "/engine.io/?EIO=4&transport=polling", NULL);

    await_answer(s, e);
    assert_true(end_has(e, "0{\"sid\":\"g1-"));
    assert_true(end_has(e, "\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"));
    assert_int_equal(s->engine.opened.value, 1);
    assert_int_equal(s->engine.polling.value, 1);
    end_close(e);
}

static void there_are_only_so_many_sockets(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    s->engine.options.max_sockets = 1;
    open_polling(s, "/engine.io", target);
    e = request(s, "GET", "/engine.io/?EIO=4&transport=polling", NULL);
    await_answer(s, e);
    assert_answer(e, " 503 ", "");
    end_close(e);
}

/* Strangers do not take the place of screens. */
static void those_that_were_not_let_in_have_a_part_of_the_places(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    s->engine.options.max_sockets = 2000; /* a tenth, and a hundred */
    s->engine.strangers.value = 299;
    open_polling(s, "/engine.io", target);
    e = request(s, "GET", "/engine.io/?EIO=4&transport=polling", NULL);
    await_answer(s, e);
    assert_answer(e, " 503 ", "");
    end_close(e);
    gw_eio_trust(s->speaker.eio);
    gw_eio_trust(s->speaker.eio); /* once is enough */
    assert_int_equal(s->engine.strangers.value, 299);
}

static void messages_reach_the_handler_without_their_digit(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    post(s, target,
         "4hello\x1e"
         "bAQI="
         "\x1e"
         "4");
    assert_buf(&s->speaker.heard, "text(hello) binary(\x01\x02) text()");
}

static void a_ping_is_sent_when_its_time_has_come(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    socket_site_pass(s, SITE_PING_MS);
    poll_once(s, target, "2");
}

static void a_ping_without_a_pong_ends_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    socket_site_pass(s, SITE_PING_MS);
    poll_once(s, target, "2");
    socket_site_pass(s, SITE_PONG_MS);
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard, "closing ended(0 left a ping unanswered)");
    assert_int_equal(s->engine.polling.value, 0);
}

static void a_pong_keeps_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    socket_site_pass(s, SITE_PING_MS);
    poll_once(s, target, "2");
    post(s, target, "3");
    socket_site_pass(s, SITE_PONG_MS);
    assert_int_equal(s->engine.by_sid.count, 1);
    assert_false(s->speaker.has_ended);
}

static void a_client_may_close(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    post(s, target, "1");
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard, "closing ended(0 closed by the client)");
}

static void a_packet_in_the_wrong_direction_ends_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    open_polling(s, "/engine.io", target);
    e = request(s, "POST", target, "2");
    await_answer(s, e);
    assert_answer(e, " 400 ", "");
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard, "closing ended(0 broke the Engine.IO protocol)");
    assert_int_equal(s->engine.broken.value, 1);
    end_close(e);
}

/* 65 kB of them cost nothing to send, and 200 ms to take. */
static void who_is_not_let_in_may_send_64_packets(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf body = { .max = 200 };
    char target[160];
    struct end *e;

    open_polling(s, "/engine.io", target);
    tw_buf_text(&body, "6");
    for (int i = 1; i < 64; i++)
        tw_buf_text(&body, "\x1e"
                           "6");
    tw_buf_char(&body, '\0');
    post(s, target, body.at);
    e = request(s, "POST", target, "6");
    await_answer(s, e);
    assert_answer(e, " 400 ", "");
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard,
               "closing ended(1008 too much said before the credential was checked)");
    end_close(e);
    tw_buf_done(&body);
}

static void who_was_let_in_may_send_as_many_as_it_likes(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    gw_eio_trust(s->speaker.eio);
    for (int i = 0; i < 70; i++)
        post(s, target, "6");
}

static void polls_fetch_the_last_words_and_then_the_close(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    speaker_send(&s->speaker, "4bye");
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    await(s->loop, s->speaker.has_ended);
    assert_int_equal(s->engine.by_sid.count, 1);
    poll_once(s, target, "4bye");
    poll_once(s, target, "1");
    assert_int_equal(s->engine.by_sid.count, 0);
    assert_buf(&s->speaker.heard, "closing ended(1001 shut down)");
}

static void last_words_that_are_not_fetched_are_dropped(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    speaker_send(&s->speaker, "4bye");
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    await(s->loop, s->speaker.has_ended);
    socket_site_pass(s, PART_MS);
    await(s->loop, s->engine.by_sid.count == 0);
}

static void nothing_is_sent_after_a_close(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    speaker_send(&s->speaker, "4late");
    assert_false(gw_eio_is_writable(s->speaker.eio));
    poll_once(s, target, "1");
}

static void sockets_that_poll_are_sent_home_with_last_words(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    open_polling(s, "/engine.io", target);
    assert_int_equal(gw_eio_send_home(&s->engine, 10), 1);
    assert_int_equal(gw_eio_send_home(&s->engine, 10), 0);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard,
               "farewell closing ended(1001 this server goes away; connect again)");
    poll_once(s, target, "1");
}

static void sockets_with_a_websocket_are_left_to_it(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, "/engine.io/?EIO=4&transport=websocket", TW_EMPTY);

    assert_int_equal(gw_eio_send_home(&s->engine, 10), 0);
    assert_int_equal(gw_conns_send_home(&s->conns, 10), 1);
    assert_buf(&s->speaker.heard, "farewell");
    end_close(e);
    await(s->loop, s->speaker.has_ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sid_begins_with_the_name_of_the_process),
        TEST(there_are_only_so_many_sockets),
        TEST(those_that_were_not_let_in_have_a_part_of_the_places),
        TEST(messages_reach_the_handler_without_their_digit),
        TEST(a_ping_is_sent_when_its_time_has_come),
        TEST(a_ping_without_a_pong_ends_the_socket),
        TEST(a_pong_keeps_the_socket),
        TEST(a_client_may_close),
        TEST(a_packet_in_the_wrong_direction_ends_the_socket),
        TEST(who_is_not_let_in_may_send_64_packets),
        TEST(who_was_let_in_may_send_as_many_as_it_likes),
        TEST(polls_fetch_the_last_words_and_then_the_close),
        TEST(last_words_that_are_not_fetched_are_dropped),
        TEST(nothing_is_sent_after_a_close),
        TEST(sockets_that_poll_are_sent_home_with_last_words),
        TEST(sockets_with_a_websocket_are_left_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
