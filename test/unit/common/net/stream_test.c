/* stream_test.c - a stream of ours against a plain socket.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"
#include "test/unit/support/stream_owner.h"

#define LARGE                                                                                  \
    ((size_t)24 * 1024 * 1024) /* more than the kernel takes for a peer that sleeps            \
                                */

struct fixture {
    struct tw_loop *loop;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    bool is_unix;
    char address[64];
    struct end *peer;
    struct stream_owner own;
};

static void on_connection(uv_stream_t *listener, int status)
{
    struct fixture *f = listener->data;
    int err = 0;

    assert_int_equal(status, 0);
    stream_owner_take(&f->own, tw_stream_accept(f->loop, listener, f->is_unix, &err));
}

static struct fixture *begin_listening(bool is_unix)
{
    struct fixture *f = tw_new(struct fixture);
    struct sockaddr_in a;
    int len = sizeof(a);

    f->loop = net_loop_new();
    f->is_unix = is_unix;
    stream_owner_init(&f->own, 2 * LARGE);
    if (is_unix) {
        (void)snprintf(f->address, sizeof(f->address), "unix:/tmp/stream_test.%d",
                       (int)getpid());
        (void)uv_pipe_init(&f->loop->uv, &f->listener.pipe, 0);
        assert_int_equal(uv_pipe_bind(&f->listener.pipe, f->address + 5), 0);
    } else {
        (void)uv_ip4_addr("127.0.0.1", 0, &a);
        (void)uv_tcp_init(&f->loop->uv, &f->listener.tcp);
        assert_int_equal(uv_tcp_bind(&f->listener.tcp, (struct sockaddr *)(void *)&a, 0), 0);
        (void)uv_tcp_getsockname(&f->listener.tcp, (struct sockaddr *)(void *)&a, &len);
        (void)snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", ntohs(a.sin_port));
    }
    f->listener.handle.data = f;
    assert_int_equal(uv_listen(&f->listener.stream, 8, on_connection), 0);
    return f;
}

/* A stream that was accepted, and its peer. */
static int begin(void **state)
{
    struct fixture *f = begin_listening(false);

    f->peer = end_connect(f->loop, f->address);
    await(f->loop, f->own.stream != NULL && f->peer->is_connected);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    stream_owner_close(&f->own);
    end_close(f->peer);
    uv_close(&f->listener.handle, NULL);
    net_loop_free(f->loop);
    stream_owner_done(&f->own);
    free(f);
    return 0;
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
    struct tw_slice part = TW_LIT("pong");

    end_say(f->peer, "ping");
    await(f->loop, f->own.heard.len == 4);
    assert_buf(&f->own.heard, "ping");
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 1);
    await(f->loop, f->peer->heard.len == 4);
    assert_buf(&f->peer->heard, "pong");
    assert_int_equal(f->own.writes, 0); /* what was written at once is not told again */
}

static void parts_leave_together_also_empty_ones(void **state)
{
    struct fixture *f = *state;
    struct tw_slice parts[TW_STREAM_PARTS] = { { NULL, 0 } };

    parts[1] = TW_LIT("ab");
    parts[2] = TW_LIT("c");
    parts[TW_STREAM_PARTS - 1] = TW_LIT("d");
    assert_int_equal(tw_stream_write(f->own.stream, parts, TW_STREAM_PARTS), 1);
    await(f->loop, f->peer->heard.len == 4);
    assert_buf(&f->peer->heard, "abcd");
    assert_int_equal(tw_stream_write(f->own.stream, parts, 1), 1); /* nothing at all */
}

static void it_reads_only_when_it_is_wanted(void **state)
{
    struct fixture *f = *state;

    tw_stream_want_read(f->own.stream, false);
    tw_stream_want_read(f->own.stream, false);
    end_say(f->peer, "early");
    net_idle(f->loop, 50);
    assert_int_equal(f->own.reads, 0);
    tw_stream_want_read(f->own.stream, true);
    tw_stream_want_read(f->own.stream, true);
    assert_int_equal(f->own.reads, 0); /* not from within the call */
    await(f->loop, f->own.heard.len == 5);
}

static void the_peer_s_end_is_reported_once_and_writing_continues(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("answer");

    end_say(f->peer, "last words");
    end_finish(f->peer);
    await(f->loop, f->own.ends == 1);
    assert_buf(&f->own.heard, "last words");
    assert_int_equal(f->own.end_err, 0);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 1);
    await(f->loop, f->peer->heard.len == 6);
    net_idle(f->loop, 30);
    assert_int_equal(f->own.ends, 1);
    assert_int_equal(f->own.closes, 0); /* to close is the owner's business */
}

static void a_reset_is_reported_as_an_error(void **state)
{
    struct fixture *f = *state;

    end_reset(f->peer);
    f->peer = NULL;
    await(f->loop, f->own.ends == 1);
    assert_true(f->own.end_err < 0);
    tw_stream_close(f->own.stream);
    await(f->loop, f->own.closes == 1);
    assert_int_equal(f->own.ends, 1);
}

static void writing_to_a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("anybody there?");
    int r = 1;

    end_reset(f->peer);
    f->peer = NULL;
    await(f->loop, (r = tw_stream_write(f->own.stream, &part, 1)) < 0);
    assert_true(r == UV_EPIPE || r == UV_ECONNRESET);
}

static void a_write_that_the_kernel_does_not_take_waits_and_is_reported_when_done(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice parts[3] = { { bytes, 1000 },
                                 { bytes + 1000, LARGE - 2000 },
                                 { bytes + LARGE - 1000, 1000 } };

    end_want_read(f->peer, false);
    assert_int_equal(tw_stream_write(f->own.stream, parts, 3), 0);
    net_idle(f->loop, 50);
    assert_int_equal(f->own.writes, 0);
    end_want_read(f->peer, true);
    await(f->loop, f->peer->heard.len == LARGE);
    await(f->loop, f->own.writes == 1);
    assert_int_equal(f->own.write_err, 0);
    assert_memory_equal(f->peer->heard.at, bytes, LARGE);
    assert_int_equal(tw_stream_write(f->own.stream, parts, 1), 1);
    free(bytes);
}

static void a_waiting_write_fails_when_the_peer_goes(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice part = { bytes, LARGE };

    end_want_read(f->peer, false);
    tw_stream_want_read(f->own.stream, false);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 0);
    end_reset(f->peer);
    f->peer = NULL;
    await(f->loop, f->own.writes == 1);
    assert_true(f->own.write_err < 0);
    free(bytes);
}

static void closing_is_the_last_event_even_while_a_write_waits(void **state)
{
    struct fixture *f = *state;
    char *bytes = large_bytes();
    struct tw_slice part = { bytes, LARGE };

    end_want_read(f->peer, false);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 0);
    end_say(f->peer, "more");
    tw_stream_close(f->own.stream);
    tw_stream_close(f->own.stream); /* twice is fine */
    assert_int_equal(f->own.closes, 0);
    await(f->loop, f->own.closes == 1);
    net_idle(f->loop, 30);
    assert_int_equal(f->own.closes, 1);
    assert_int_equal(f->own.writes + f->own.reads + f->own.ends, 0);
    free(bytes);
}

static void it_may_be_closed_by_what_it_has_read(void **state)
{
    struct fixture *f = *state;

    f->own.closes_at_read = true;
    end_say(f->peer, "bye");
    await(f->loop, f->own.closes == 1);
    assert_int_equal(f->own.reads, 1);
    await(f->loop, f->peer->has_ended);
}

static void finishing_ends_our_side_and_reading_continues(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("last words");

    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 1);
    tw_stream_finish(f->own.stream);
    tw_stream_finish(f->own.stream);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), UV_EPIPE);
    await(f->loop, f->peer->has_ended);
    assert_int_equal(f->peer->err, 0);
    assert_buf(&f->peer->heard, "last words");
    end_say(f->peer, "I see");
    await(f->loop, f->own.heard.len == 5);
}

static void it_may_change_its_owner(void **state)
{
    struct fixture *f = *state;
    struct stream_owner other;

    stream_owner_init(&other, 100);
    end_say(f->peer, "one");
    await(f->loop, f->own.heard.len == 3);
    assert_ptr_equal(tw_stream_loop(f->own.stream), f->loop);
    other.stream = f->own.stream;
    tw_stream_set_owner(f->own.stream, &other.owner);
    end_say(f->peer, "two");
    await(f->loop, other.heard.len == 3);
    assert_buf(&f->own.heard, "one");
    tw_stream_close(other.stream);
    await(f->loop, other.closes == 1);
    assert_int_equal(f->own.closes, 0);
    f->own.stream = NULL;
    stream_owner_done(&other);
}

static void a_tcp_peer_is_shown_by_its_address(void **state)
{
    struct fixture *f = *state;

    assert_slice(tw_stream_peer(f->own.stream), "127.0.0.1");
    assert_true(tw_stream_peer_is_local(f->own.stream));
    tw_stream_user_timeout(f->own.stream, 5000);
}

static int begin_unix(void **state)
{
    struct fixture *f = begin_listening(true);

    f->peer = end_connect(f->loop, f->address);
    await(f->loop, f->own.stream != NULL && f->peer->is_connected);
    *state = f;
    return 0;
}

static void a_unix_stream_is_a_stream_as_well(void **state)
{
    struct fixture *f = *state;
    struct tw_slice part = TW_LIT("pong");

    end_say(f->peer, "ping");
    await(f->loop, f->own.heard.len == 4);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 1);
    await(f->loop, f->peer->heard.len == 4);
    assert_slice(tw_stream_peer(f->own.stream), "unix");
    assert_true(tw_stream_peer_is_local(f->own.stream));
    tw_stream_user_timeout(f->own.stream, 5000); /* means nothing here, and does no harm */
}

/* No stream and no peer yet: for those that connect. */
static int begin_alone(void **state)
{
    *state = begin_listening(false);
    return 0;
}

static struct tw_stream *connect_to(struct fixture *f, const char *text)
{
    struct tw_address a;
    int err = 0;

    assert_int_equal(tw_address_parse(tw_slice_of(text), &a), 0);
    return tw_stream_connect(f->loop, &a, &f->own.owner, &err);
}

static void a_connection_is_reported_like_a_write(void **state)
{
    struct fixture *f = *state;
    struct host host = { 0 };
    struct tw_slice part = TW_LIT("hello");
    char address[32];

    host_start(&host, f->loop, 0);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", host.port);
    f->own.stream = connect_to(f, address);
    assert_non_null(f->own.stream);
    assert_int_equal(f->own.writes, 0);
    await(f->loop, f->own.writes == 1 && host.count == 1);
    assert_int_equal(f->own.write_err, 0);
    assert_int_equal(tw_stream_write(f->own.stream, &part, 1), 1);
    await(f->loop, host.ends[0]->heard.len == 5);
    tw_stream_want_read(f->own.stream, true);
    end_say(host.ends[0], "welcome");
    await(f->loop, f->own.heard.len == 7);
    host_stop(&host);
    await(f->loop, f->own.ends == 1);
    tw_stream_close(f->own.stream); /* here: the host is on our stack */
    await(f->loop, f->own.closes == 1);
}

static void a_refused_connection_is_reported_as_an_error(void **state)
{
    struct fixture *f = *state;
    char address[32];

    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", net_closed_port());
    f->own.stream = connect_to(f, address);
    if (f->own.stream != NULL) {
        await(f->loop, f->own.writes == 1);
        assert_int_equal(f->own.write_err, UV_ECONNREFUSED);
    }
    assert_int_equal(f->own.reads + f->own.ends, 0);
}

static void a_missing_unix_socket_is_reported_as_an_error(void **state)
{
    struct fixture *f = *state;

    f->own.stream = connect_to(f, "unix:/tmp/no/such/socket");
    assert_non_null(f->own.stream);
    await(f->loop, f->own.writes == 1);
    assert_int_equal(f->own.write_err, UV_ENOENT);
}

static void a_connection_that_is_given_up_is_only_closed(void **state)
{
    struct fixture *f = *state;

    f->own.stream = connect_to(f, "127.0.0.1:1");
    if (f->own.stream != NULL) {
        tw_stream_close(f->own.stream);
        await(f->loop, f->own.closes == 1);
    }
    assert_int_equal(f->own.writes + f->own.reads + f->own.ends, 0);
}

#define STREAM_TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(bytes_go_both_ways, begin),
        STREAM_TEST(parts_leave_together_also_empty_ones, begin),
        STREAM_TEST(it_reads_only_when_it_is_wanted, begin),
        STREAM_TEST(the_peer_s_end_is_reported_once_and_writing_continues, begin),
        STREAM_TEST(a_reset_is_reported_as_an_error, begin),
        STREAM_TEST(writing_to_a_peer_that_is_gone_is_an_error_and_no_signal, begin),
        STREAM_TEST(a_write_that_the_kernel_does_not_take_waits_and_is_reported_when_done,
                    begin),
        STREAM_TEST(a_waiting_write_fails_when_the_peer_goes, begin),
        STREAM_TEST(closing_is_the_last_event_even_while_a_write_waits, begin),
        STREAM_TEST(it_may_be_closed_by_what_it_has_read, begin),
        STREAM_TEST(finishing_ends_our_side_and_reading_continues, begin),
        STREAM_TEST(it_may_change_its_owner, begin),
        STREAM_TEST(a_tcp_peer_is_shown_by_its_address, begin),
        STREAM_TEST(a_unix_stream_is_a_stream_as_well, begin_unix),
        STREAM_TEST(a_connection_is_reported_like_a_write, begin_alone),
        STREAM_TEST(a_refused_connection_is_reported_as_an_error, begin_alone),
        STREAM_TEST(a_missing_unix_socket_is_reported_as_an_error, begin_alone),
        STREAM_TEST(a_connection_that_is_given_up_is_only_closed, begin_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
