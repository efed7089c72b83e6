/* sio_test.c - namespaces, events and attachments of a client, and what breaks the rules.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/sio.h"

#include "test/unit/gateway/support/socket_site.h"

#define CONNECT_MS 45000

/* A client over a WebSocket, whose Engine.IO handshake is done. */
static struct end *visit(struct socket_site *s)
{
    struct end *e = visit_websocket(s, "/socket.io/?EIO=4&transport=websocket", TW_EMPTY);

    await(s->loop, end_has(e, "maxPayload"));
    return e;
}

static struct end *visit_connected(struct socket_site *s)
{
    struct end *e = visit(s);

    end_say_text(e, "40");
    await(s->loop, end_has(e, "40{\"sid\":\""));
    tw_buf_clear(&s->said);
    return e;
}

static void end_say_binary(struct end *e, struct tw_slice bytes)
{
    struct tw_buf frame = { .max = 256 };

    ws_put(&frame, WS_FIN | WS_BINARY, bytes);
    end_send(e, tw_buf_view(&frame));
    tw_buf_done(&frame);
}

/* The client sends this, and is closed for it. */
static void check_broken(struct socket_site *s, struct end *e, const char *text)
{
    end_say_text(e, text);
    await(s->loop, end_has(e, "broke the Socket.IO protocol"));
    assert_int_equal(s->sio.engine.broken.value, 1);
    end_close(e);
}

/* --- CONNECT --- */

static void a_client_connects_with_its_auth(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    end_say_text(e, "40{\"token\":\"x\"}");
    await(s->loop, end_has(e, "40{\"sid\":\""));
    assert_buf(&s->said, "connect({\"token\":\"x\"})");
    assert_non_null(s->socket);
    assert_true(s->socket->is_accepted);
    end_close(e);
}

static void a_client_may_connect_to_several_namespaces(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_text(e, "40/custom,");
    await(s->loop, end_has(e, "40/custom,{\"sid\":\""));
    assert_string_equal(s->socket->nsp, "/custom");
    end_close(e);
}

static void an_unknown_namespace_is_refused(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    end_say_text(e, "40/none,");
    await(s->loop, end_has(e, "44/none,{\"message\":\"Invalid namespace\"}"));
    assert_int_equal(s->said.len, 0);
    end_close(e);
}

static void a_client_that_is_refused_may_try_again(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    end_say_text(e, "40{\"no\":1}");
    await(s->loop, end_has(e, "44{\"message\":\"no\"}"));
    assert_buf(&s->said, "connect({\"no\":1}) left(0 refused)");
    end_say_text(e, "40");
    await(s->loop, end_has(e, "40{\"sid\":\""));
    end_close(e);
}

static void without_a_connect_the_transport_is_closed(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit(s);

    socket_site_pass(s, CONNECT_MS);
    await(s->loop, end_has(e, "no namespace was connected in time"));
    end_close(e);
}

static void a_recoverable_client_is_given_its_pid(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    gw_sio_accept(s->socket, TW_LIT("aaaaaaaaaaaaaaaaaaaa"), TW_LIT("p1"));
    await(s->loop, end_has(e, "40{\"sid\":\"aaaaaaaaaaaaaaaaaaaa\",\"pid\":\"p1\"}"));
    end_close(e);
}

/* --- Events --- */

static void an_event_reaches_the_app(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_text(e, "42[\"order\", 1]");
    await(s->loop, s->said.len > 0);
    assert_buf(&s->said, "event([\"order\",1])");
    end_close(e);
}

static void an_event_is_acknowledged(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    gw_sio_ack(s->socket, TW_LIT("17"), TW_LIT("[true]"));
    gw_sio_ack(s->socket, TW_EMPTY, TW_LIT("[false]")); /* it asked for none */
    gw_sio_emit(s->socket, TW_LIT("[\"end\"]"));
    await(s->loop, end_has(e, "42[\"end\"]"));
    assert_true(end_has(e, "4317[true]"));
    assert_false(end_has(e, "[false]"));
    end_close(e);
}

static void a_binary_event_waits_for_its_attachments(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_text(e, "452-[\"a\",{\"_placeholder\":true,\"num\":0},"
                    "{\"_placeholder\":true,\"num\":1}]");
    end_say_binary(e, TW_LIT("one"));
    end_say_binary(e, TW_LIT("two"));
    await(s->loop, s->said.len > 0);
    assert_buf(&s->said, "event([\"a\",{\"_placeholder\":true,\"num\":0},"
                         "{\"_placeholder\":true,\"num\":1}]) "
                         "attachment(one) attachment(two)");
    end_close(e);
}

static void text_while_attachments_are_due_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_text(e, "451-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    check_broken(s, e, "42[\"b\"]");
    assert_false(memmem(s->said.at, s->said.len, "event", 5) != NULL);
}

static void an_attachment_that_was_not_announced_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_binary(e, TW_LIT("one"));
    await(s->loop, end_has(e, "broke the Socket.IO protocol"));
    end_close(e);
}

static void an_event_before_the_connect_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;

    check_broken(s, visit(s), "42[\"order\"]");
}

static void an_event_for_another_namespace_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;

    check_broken(s, visit_connected(s), "42/custom,[\"order\"]");
}

static void a_second_connect_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;

    check_broken(s, visit_connected(s), "40");
}

static void a_packet_that_is_none_breaks_the_rules(void **state)
{
    struct socket_site *s = *state;

    check_broken(s, visit_connected(s), "49");
}

/* --- Its end --- */

static void a_client_may_leave_its_namespace_and_stay_connected(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    end_say_text(e, "41");
    await(s->loop, s->said.len > 0);
    assert_buf(&s->said, "left(0 left by the client)");
    assert_int_equal(s->sio.engine.by_sid.count, 1);
    end_close(e);
}

static void a_lost_transport_takes_its_namespaces_along(void **state)
{
    struct socket_site *s = *state;

    end_reset(visit_connected(s));
    await(s->loop, s->said.len > 0);
    assert_buf(&s->said, "lost(0 the connection was lost)");
}

static void a_client_that_is_expelled_is_told_so(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    gw_sio_expel(s->socket, gw_closes.key_revoked);
    await(s->loop, end_has(e, "the API key was revoked") && s->said.len > 0);
    assert_true(end_has(e, "41"));
    assert_buf(&s->said, "lost(1008 the API key was revoked)");
    end_close(e);
}

static void a_close_alone_is_no_disconnect(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    gw_sio_close(s->socket, gw_closes.cannot_check);
    await(s->loop, end_has(e, "credentials cannot be checked right now"));
    assert_false(end_has(e, "\x81\x02"
                            "41"));
    end_close(e);
}

static void the_last_words_go_to_accepted_clients(void **state)
{
    struct socket_site *s = *state;
    struct end *e = visit_connected(s);

    assert_int_equal(gw_conns_send_home(&s->conns, 1), 1);
    await(s->loop, end_has(e, "goes away"));
    assert_true(end_has(e, "42[\"farewell\"]"));
    end_close(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_connects_with_its_auth),
        TEST(a_client_may_connect_to_several_namespaces),
        TEST(an_unknown_namespace_is_refused),
        TEST(a_client_that_is_refused_may_try_again),
        TEST(without_a_connect_the_transport_is_closed),
        TEST(a_recoverable_client_is_given_its_pid),
        TEST(an_event_reaches_the_app),
        TEST(an_event_is_acknowledged),
        TEST(a_binary_event_waits_for_its_attachments),
        TEST(text_while_attachments_are_due_breaks_the_rules),
        TEST(an_attachment_that_was_not_announced_breaks_the_rules),
        TEST(an_event_before_the_connect_breaks_the_rules),
        TEST(an_event_for_another_namespace_breaks_the_rules),
        TEST(a_second_connect_breaks_the_rules),
        TEST(a_packet_that_is_none_breaks_the_rules),
        TEST(a_client_may_leave_its_namespace_and_stay_connected),
        TEST(a_lost_transport_takes_its_namespaces_along),
        TEST(a_client_that_is_expelled_is_told_so),
        TEST(a_close_alone_is_no_disconnect),
        TEST(the_last_words_go_to_accepted_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
