/* stream_tls_test.c - a listener with TLS, streams of ours that connect to it, and plain
 * sockets that should not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/certificates.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"
#include "test/unit/support/stream_owner.h"

/* More than the kernel takes for a peer that sleeps. */
#define LARGE ((size_t)24 * 1024 * 1024)

struct fixture {
    struct tw_loop *loop;
    struct tw_listener listener;
    struct tw_tls_context *server_context, *client_context;
    char address[32], listening[40];
    struct stream_owner server, client;
    int accepted;
    struct end *peer;
    struct host host;
};

static struct fixture *the_fixture;

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    struct stream_owner *s = &the_fixture->server;

    assert_ptr_equal(l, &the_fixture->listener);
    the_fixture->accepted++;
    if (s->stream != NULL) {
        tw_stream_close(stream); /* one is enough */
        return;
    }
    stream_owner_take(s, stream);
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);
    struct tw_slice which;

    f->loop = net_loop_new();
    stream_owner_init(&f->server, 2 * LARGE);
    stream_owner_init(&f->client, 2 * LARGE);
    f->server_context = certificate_server("server");
    f->client_context = certificate_client("ca");
    (void)snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", net_closed_port());
    (void)snprintf(f->listening, sizeof(f->listening), "tls:%s", f->address);
    *state = the_fixture = f;
    assert_int_equal(
        tw_listener_start(&f->listener,
                          &(struct tw_listener_options){ .loop = f->loop,
                                                         .addresses = tw_slice_of(f->listening),
                                                         .tls = f->server_context,
                                                         .accept = on_accept },
                          &which),
        0);
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    stream_owner_close(&f->server);
    stream_owner_close(&f->client);
    end_close(f->peer);
    tw_listener_stop(&f->listener);
    net_loop_free(f->loop);
    stream_owner_done(&f->server);
    stream_owner_done(&f->client);
    tw_tls_context_drop(f->server_context);
    tw_tls_context_drop(f->client_context);
    free(f);
    return 0;
}

static void dial(struct fixture *f, const char *name)
{
    struct tw_address a;
    int err;

    assert_int_equal(tw_address_parse(tw_slice_of(f->address), &a), 0);
    f->client.writes = 0;
    f->client.stream =
        tw_stream_connect_tls(f->loop, &a, &f->client.owner, f->client_context, name, &err);
    assert_non_null(f->client.stream);
}

/* Both ends are there and understand each other. */
static void join(struct fixture *f)
{
    dial(f, "tills.example");
    await(f->loop, f->client.writes == 1);
    assert_int_equal(f->client.write_err, 0);
    f->client.writes = 0;
    tw_stream_want_read(f->client.stream, true);
}

static void hang_up(struct fixture *f)
{
    stream_owner_close(&f->client);
    await(f->loop, f->client.stream == NULL);
    if (f->server.stream != NULL)
        tw_stream_close(f->server.stream);
    await(f->loop, f->server.stream == NULL);
}

static char *large_bytes(void)
{
    char *bytes = malloc(LARGE);

    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 2654435761u >> 24);
    return bytes;
}

static void bytes_go_both_ways(void **state)
{
    struct fixture *f = *state;
    struct tw_slice parts[] = { TW_LIT("pi"), TW_EMPTY, TW_LIT("ng") }, pong = TW_LIT("pong");

    join(f);
    assert_int_equal(tw_stream_write(f->client.stream, parts, 3), 1);
    await(f->loop, f->server.heard.len == 4);
    assert_buf(&f->server.heard, "ping");
    assert_int_equal(tw_stream_write(f->server.stream, &pong, 1), 1);
    await(f->loop, f->client.heard.len == 4);
    assert_buf(&f->client.heard, "pong");
    assert_int_equal(f->client.writes + f->server.writes, 0);
    assert_slice(tw_stream_peer(f->server.stream), "127.0.0.1");
    assert_false(tw_stream_lacks_tls(f->server.stream));
    assert_int_equal(f->listener.handshakes.done.value, 1);
}

/* Its parts stay as they are until on_written, and what has not left yet is counted. */
static void what_does_not_fit_waits_and_arrives_whole(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice parts[] = { tw_slice_from(bytes, 100),
                                tw_slice_from(bytes + 100, LARGE / 2),
                                tw_slice_from(bytes + 100 + LARGE / 2, LARGE / 2 - 100) };

    join(f);
    tw_stream_want_read(f->client.stream, false);
    assert_int_equal(tw_stream_write(f->server.stream, parts, 3), 0);
    assert_true(tw_stream_pending(f->server.stream) > LARGE / 2);
    net_idle(f->loop, 50);
    assert_int_equal(f->server.writes, 0);
    tw_stream_want_read(f->client.stream, true);
    await(f->loop, f->server.writes == 1);
    assert_int_equal(f->server.write_err, 0);
    await(f->loop, f->client.heard.len == LARGE);
    assert_memory_equal(f->client.heard.at, bytes, LARGE);
    assert_int_equal(tw_stream_pending(f->server.stream), 0);
    assert_int_equal(tw_stream_write(f->server.stream, parts, 1), 1);
    await(f->loop, f->client.heard.len == LARGE + 100);
    free(bytes);
}

/* Also what has been read from the socket already, and was not asked for. */
static void who_does_not_want_to_read_is_not_told(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice part = tw_slice_from(bytes, (size_t)200 * 1024);

    join(f);
    f->client.rests_at = 1;
    assert_true(tw_stream_write(f->server.stream, &part, 1) >= 0);
    await(f->loop, f->client.heard.len > 0);
    net_idle(f->loop, 50); /* on_read fails the test when more comes */
    f->client.rests_at = 100 * 1024;
    tw_stream_want_read(f->client.stream, true);
    await(f->loop, f->client.heard.len >= f->client.rests_at);
    net_idle(f->loop, 50);
    f->client.rests_at = 0;
    tw_stream_want_read(f->client.stream, true);
    await(f->loop, f->client.heard.len == part.len);
    assert_memory_equal(f->client.heard.at, bytes, part.len);
    free(bytes);
}

static void an_end_is_told_and_the_other_way_stays_open(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("the rest");

    join(f);
    tw_stream_finish(f->client.stream);
    await(f->loop, f->server.ends == 1);
    assert_int_equal(f->server.end_err, 0);
    assert_int_equal(tw_stream_write(f->server.stream, &part, 1), 1);
    await(f->loop, f->client.heard.len == part.len);
    assert_int_equal(tw_stream_write(f->client.stream, &part, 1), UV_EPIPE);
    assert_int_equal(f->server.ends, 1);
}

static void it_can_be_closed_at_any_time(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice part = tw_slice_from(bytes, LARGE);

    dial(f, "localhost"); /* while hands are shaken */
    await(f->loop, f->accepted == 1);
    tw_stream_close(f->server.stream);
    await(f->loop, f->client.writes == 1);
    assert_true(f->client.write_err < 0);
    hang_up(f);
    join(f); /* while it writes */
    tw_stream_want_read(f->client.stream, false);
    assert_int_equal(tw_stream_write(f->server.stream, &part, 1), 0);
    tw_stream_close(f->server.stream);
    await(f->loop, f->server.stream == NULL);
    assert_int_equal(f->server.writes, 0);
    hang_up(f);
    join(f); /* while it is told something */
    f->client.closes_at_read = true;
    part.len = (size_t)60 * 1024;
    assert_true(tw_stream_write(f->server.stream, &part, 1) >= 0);
    await(f->loop, f->client.stream == NULL);
    dial(f, "localhost"); /* before it is connected */
    tw_stream_close(f->client.stream);
    await(f->loop, f->client.stream == NULL);
    free(bytes);
}

static void a_server_that_is_not_trusted_is_left_and_why_is_known(void **state)
{
    struct fixture *f = *state;

    dial(f, "bar.example");
    await(f->loop, f->client.writes == 1);
    assert_int_equal(f->client.write_err, TW_ETLS);
    assert_non_null(strstr(tw_stream_why(f->client.stream, TW_ETLS), "does not match"));
    await(f->loop, f->server.ends == 1);
    assert_int_equal(f->server.end_err, TW_ETLS); /* it was told, too */
    assert_int_equal(f->listener.handshakes.failed.value, 1);
}

static void a_client_without_tls_is_heard_and_known_to_lack_it(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("HTTP/1.1 400 ");

    f->peer = end_connect(f->loop, f->address);
    end_say(f->peer, "GET / HTTP/1.1\r\n");
    await(f->loop, f->server.heard.len == 16);
    assert_true(tw_stream_lacks_tls(f->server.stream));
    assert_int_equal(tw_stream_write(f->server.stream, &part, 1), 1);
    await(f->loop, f->peer->heard.len == part.len);
    end_finish(f->peer);
    await(f->loop, f->server.ends == 1);
}

static void a_broken_handshake_ends_it(void **state)
{
    struct fixture *f = *state;

    f->peer = end_connect(f->loop, f->address);
    end_say(f->peer, "\x16 that is not how it goes on");
    await(f->loop, f->server.ends == 1);
    assert_int_equal(f->server.end_err, TW_ETLS);
    assert_int_equal(f->server.heard.len, 0);
    assert_int_equal(f->listener.handshakes.failed.value, 1);
}

static void who_never_answers_is_known_to_speak_no_tls(void **state)
{
    struct fixture *f = *state;
    struct host *host = &f->host;

    host_start(host, f->loop, 0);
    (void)snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", host->port);
    dial(f, "localhost");
    await(f->loop, host->accepted == 1 && host->ends[0]->heard.len > 0);
    assert_string_equal(tw_stream_why(f->client.stream, TW_ETIMEOUT),
                        "it does not answer in TLS");
    end_finish(host->ends[0]);
    await(f->loop, f->client.writes == 1);
    assert_int_equal(f->client.write_err, TW_ETLS);
    assert_string_equal(tw_stream_why(f->client.stream, TW_ETLS), "it ended the TLS handshake");
    host_stop(host);
}

/* Who is connected stays, with the old one. */
static void a_new_certificate_is_for_those_who_come_then(void **state)
{
    struct fixture *f = *state;
    struct tw_tls_context *kitchen = certificate_server("kitchen");
    struct tw_slice part = TW_LIT("still here");

    join(f);
    tw_listener_set_tls(&f->listener, kitchen);
    tw_tls_context_drop(kitchen);
    tw_tls_context_drop(f->server_context);
    f->server_context = NULL;
    assert_int_equal(tw_stream_write(f->client.stream, &part, 1), 1);
    await(f->loop, f->server.heard.len == part.len);
    hang_up(f);
    dial(f, "tills.example");
    await(f->loop, f->client.writes == 1);
    assert_int_equal(f->client.write_err, TW_ETLS);
    hang_up(f);
    dial(f, "kitchen.example");
    await(f->loop, f->client.writes == 1);
    assert_int_equal(f->client.write_err, 0);
}

/* One that was never begun costs a connection and no arithmetic. */
static void an_address_may_not_begin_too_many(void **state)
{
    struct fixture *f = *state;

    while (tw_handshakes_allows(&f->listener.handshakes, TW_LIT("127.0.0.1")))
        continue;
    assert_int_equal(f->listener.handshakes.refused.value, 1);
    f->peer = end_connect(f->loop, f->address);
    await(f->loop, f->peer->has_ended);
    assert_int_equal(f->accepted, 0);
    assert_int_equal(f->listener.handshakes.refused.value, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_waits_and_arrives_whole, begin, end),
        cmocka_unit_test_setup_teardown(who_does_not_want_to_read_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(an_end_is_told_and_the_other_way_stays_open, begin,
                                        end),
        cmocka_unit_test_setup_teardown(it_can_be_closed_at_any_time, begin, end),
        cmocka_unit_test_setup_teardown(a_server_that_is_not_trusted_is_left_and_why_is_known,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_client_without_tls_is_heard_and_known_to_lack_it,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_broken_handshake_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(who_never_answers_is_known_to_speak_no_tls, begin, end),
        cmocka_unit_test_setup_teardown(a_new_certificate_is_for_those_who_come_then, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_address_may_not_begin_too_many, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
