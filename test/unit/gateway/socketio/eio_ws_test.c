/* eio_ws_test.c - Engine.IO over a WebSocket, and the way there from polling
 * (docs/protocols/socketio.md 2.5).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "test/unit/gateway/support/socket_site.h"

#define UPGRADE_MS 10000
#define DIRECT "/engine.io/?EIO=4&transport=websocket"

/* A socket that polls at `target`, and a WebSocket that is to replace that. */
static struct end *begin(struct socket_site *s, char target[160])
{
    char upgrade[160];

    open_polling(s, "/engine.io", target);
    (void)snprintf(upgrade, sizeof(upgrade), DIRECT "%.40s", strstr(target, "&sid="));
    return visit_websocket(s, upgrade, TW_EMPTY);
}

static struct end *begin_probed(struct socket_site *s, char target[160])
{
    struct end *e = begin(s, target);

    end_say_text(e, "2probe");
    await(s->loop, end_has(e, "3probe"));
    return e;
}

static void poll_once(struct socket_site *s, const char *target, const char *want)
{
    struct end *e = request(s, "GET", target, NULL);

    await_answer(s, e);
    assert_answer(e, " 200 OK", want);
    end_close(e);
}

/* --- Without polling --- */

static void a_websocket_begins_with_the_open_packet(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, DIRECT, TW_EMPTY);

    await(s->loop, end_has(e, "maxPayload"));
    assert_true(end_has(e, "\"upgrades\":[],"));
    assert_int_equal(s->engine.websocket.value, 1);
    assert_int_equal(s->engine.polling.value, 0);
    end_close(e);
}

static void messages_pass_both_ways(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, DIRECT, TW_EMPTY);
    struct tw_buf frame = { .max = 64 };

    end_say_text(e, "4hello");
    ws_put(&frame, WS_FIN | WS_BINARY, TW_LIT("\x01"));
    end_send(e, tw_buf_view(&frame));
    speaker_send(&s->speaker, "4world");
    await(s->loop, end_has(e, "4world") && s->speaker.heard.len > 12);
    assert_buf(&s->speaker.heard, "text(hello) binary(\x01)");
    tw_buf_done(&frame);
    end_close(e);
}

static void a_packet_that_is_none_closes_the_websocket(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, DIRECT, TW_EMPTY);

    end_say_text(e, "9");
    await(s->loop, end_has(e, "broke the Engine.IO protocol"));
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 broke the Engine.IO protocol)");
    end_close(e);
}

static void a_lost_websocket_ends_the_socket(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, DIRECT, TW_EMPTY);

    end_reset(e);
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard, "closing ended(0 the connection was lost)");
    assert_int_equal(s->engine.websocket.value, 0);
}

static void a_close_is_said_in_the_close_frame(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_websocket(s, DIRECT, TW_EMPTY);

    speaker_send(&s->speaker, "4bye");
    gw_eio_close(s->speaker.eio, gw_closes.no_namespace);
    await(s->loop, end_has(e, "no namespace was connected in time"));
    assert_true(end_has(e, "4bye"));
    assert_int_equal(s->engine.by_sid.count, 0);
    end_close(e);
}

/* --- From polling --- */

static void an_upgrade_is_probed_and_then_takes_over(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin_probed(s, target);

    end_say_text(e, "5");
    await(s->loop, s->engine.upgraded.value == 1);
    speaker_send(&s->speaker, "4after");
    await(s->loop, end_has(e, "4after"));
    assert_frames(e, "text(3probe)text(4after)");
    assert_int_equal(s->engine.polling.value, 0);
    assert_int_equal(s->engine.websocket.value, 1);
    end_close(e);
}

static void up_to_the_five_events_go_to_polling(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin_probed(s, target);

    speaker_send(&s->speaker, "4before");
    poll_once(s, target, "4before");
    assert_frames(e, "text(3probe)");
    end_close(e);
}

static void what_waits_for_polling_goes_to_the_websocket(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin_probed(s, target);

    speaker_send(&s->speaker, "4one");
    speaker_send(&s->speaker, "4two");
    end_say_text(e, "5");
    await(s->loop, end_has(e, "4two"));
    assert_frames(e, "text(3probe)text(4one)text(4two)");
    end_close(e);
}

static void a_probe_ends_a_held_get(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin(s, target), *get = request(s, "GET", target, NULL);

    end_say_text(e, "2probe");
    await_answer(s, get);
    assert_answer(get, " 200 OK", "6");
    end_close(get);
    end_close(e);
}

static void something_else_than_a_probe_ends_the_attempt_alone(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin(s, target);

    end_say_text(e, "5");
    await(s->loop, end_has(e, "an upgrade is 2probe, 3probe, 5"));
    speaker_send(&s->speaker, "4still");
    poll_once(s, target, "4still");
    assert_int_equal(s->engine.broken.value, 1);
    assert_int_equal(s->speaker.heard.len, 0);
    end_close(e);
}

static void a_binary_message_ends_the_attempt_alone(void **state)
{
    struct socket_site *s = *state;
    struct tw_buf frame = { .max = 64 };
    char target[160];
    struct end *e = begin_probed(s, target);

    ws_put(&frame, WS_FIN | WS_BINARY, TW_LIT("5"));
    end_send(e, tw_buf_view(&frame));
    await(s->loop, end_has(e, "an upgrade is 2probe, 3probe, 5"));
    assert_int_equal(s->engine.by_sid.count, 1);
    tw_buf_done(&frame);
    end_close(e);
}

static void a_websocket_that_is_lost_leaves_the_socket_polling(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    end_reset(begin_probed(s, target));
    await(s->loop, s->conns.count == 0);
    speaker_send(&s->speaker, "4still");
    poll_once(s, target, "4still");
    assert_false(s->speaker.has_ended);
}

static void an_upgrade_may_be_tried_again(void **state)
{
    struct socket_site *s = *state;
    char target[160], upgrade[160];
    struct end *e;

    end_reset(begin_probed(s, target));
    await(s->loop, s->conns.count == 0);
    (void)snprintf(upgrade, sizeof(upgrade), DIRECT "%.40s", strstr(target, "&sid="));
    e = visit_websocket(s, upgrade, TW_EMPTY);
    end_say_text(e, "2probe");
    end_say_text(e, "5");
    await(s->loop, s->engine.upgraded.value == 1);
    end_close(e);
}

static void an_upgrade_has_its_time(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin_probed(s, target);

    socket_site_pass(s, UPGRADE_MS);
    await(s->loop, end_has(e, "the upgrade took too long"));
    assert_int_equal(s->engine.by_sid.count, 1);
    end_close(e);
}

static void a_second_websocket_is_not_wanted(void **state)
{
    struct socket_site *s = *state;
    char target[160], upgrade[160];
    struct end *first = begin_probed(s, target), *second;

    (void)snprintf(upgrade, sizeof(upgrade), DIRECT "%.40s", strstr(target, "&sid="));
    second = visit_websocket(s, upgrade, TW_EMPTY);
    await(s->loop, end_has(second, "there is a WebSocket already"));
    end_say_text(first, "5");
    await(s->loop, s->engine.upgraded.value == 1);
    end_close(first);
    end_close(second);
}

/* --- While the socket ends --- */

static void a_websocket_that_was_probed_may_fetch_the_last_words(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin_probed(s, target);

    speaker_send(&s->speaker, "4bye");
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    await(s->loop, s->speaker.has_ended);
    end_say_text(e, "5");
    await(s->loop, end_has(e, "shut down"));
    assert_frames(e, "text(3probe)text(4bye)close(1001 shut down)");
    assert_int_equal(s->engine.by_sid.count, 0);
    assert_int_equal(s->engine.websocket.value + s->engine.polling.value, 0);
    end_close(e);
}

static void a_websocket_that_was_not_probed_is_closed_with_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e = begin(s, target);

    speaker_send(&s->speaker, "4bye");
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    await(s->loop, end_has(e, "shut down"));
    poll_once(s, target, "4bye");
    end_close(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_websocket_begins_with_the_open_packet),
        TEST(messages_pass_both_ways),
        TEST(a_packet_that_is_none_closes_the_websocket),
        TEST(a_lost_websocket_ends_the_socket),
        TEST(a_close_is_said_in_the_close_frame),
        TEST(an_upgrade_is_probed_and_then_takes_over),
        TEST(up_to_the_five_events_go_to_polling),
        TEST(what_waits_for_polling_goes_to_the_websocket),
        TEST(a_probe_ends_a_held_get),
        TEST(something_else_than_a_probe_ends_the_attempt_alone),
        TEST(a_binary_message_ends_the_attempt_alone),
        TEST(a_websocket_that_is_lost_leaves_the_socket_polling),
        TEST(an_upgrade_may_be_tried_again),
        TEST(an_upgrade_has_its_time),
        TEST(a_second_websocket_is_not_wanted),
        TEST(a_websocket_that_was_probed_may_fetch_the_last_words),
        TEST(a_websocket_that_was_not_probed_is_closed_with_the_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
