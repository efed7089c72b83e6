/* eio_poll_test.c - long-polling: GETs that are held, and what waits for the next one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "test/unit/gateway/support/socket_site.h"

/* A client that has made its handshake, and where it polls. */
static void begin(struct socket_site *s, char target[160])
{
    open_polling(s, "/engine.io", target);
}

/* A GET that the server has seen, and does not answer yet. */
static struct end *hold(struct socket_site *s, const char *target)
{
    uint64_t before = s->http->http.requests.value;
    struct end *e = request(s, "GET", target, NULL);

    await(s->loop, s->http->http.requests.value > before);
    assert_int_equal(e->heard.len, 0);
    return e;
}

static void a_get_is_held_until_something_is_sent(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    begin(s, target);
    e = hold(s, target);
    speaker_send(&s->speaker, "4hello");
    await_answer(s, e);
    assert_answer(e, " 200 OK", "4hello");
    end_close(e);
}

static void what_was_sent_before_waits_for_the_next_get(void **state)
{
    struct socket_site *s = *state;
    struct gw_frame *f = gw_frame_control(GW_OPCODE_BINARY, TW_LIT("\x01\x02"));
    char target[160];
    struct end *e;

    begin(s, target);
    speaker_send(&s->speaker, "4a");
    gw_eio_send(s->speaker.eio, f);
    speaker_send(&s->speaker, "4b");
    gw_frame_unref(f);
    e = request(s, "GET", target, NULL);
    await_answer(s, e);
    assert_answer(e, " 200 OK",
                  "4a\x1e"
                  "bAQI=\x1e"
                  "4b");
    end_close(e);
}

static void all_that_one_turn_sends_is_one_answer(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    begin(s, target);
    e = hold(s, target);
    speaker_send(&s->speaker, "4a");
    speaker_send(&s->speaker, "4b");
    await_answer(s, e);
    assert_answer(e, " 200 OK",
                  "4a\x1e"
                  "4b");
    end_close(e);
}

static void a_second_get_ends_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *first, *second;

    begin(s, target);
    first = hold(s, target);
    second = request(s, "GET", target, NULL);
    await_answer(s, second);
    await_answer(s, first);
    assert_answer(second, " 400 ", "");
    assert_answer(first, " 200 OK", "1");
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 polled twice at once)");
    end_close(first);
    end_close(second);
}

static void a_get_whose_connection_breaks_ends_the_socket(void **state)
{
    struct socket_site *s = *state;
    char target[160];

    begin(s, target);
    end_reset(hold(s, target));
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 the poll was cut)");
}

static void a_held_get_ends_when_its_client_sends_no_more(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    begin(s, target);
    e = hold(s, target);
    end_finish(e);
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 the poll was cut)");
    end_close(e);
}

static void speak_once(struct socket_site *s, const char *target, const char *t)
{
    char path[200];
    struct end *e;

    (void)snprintf(path, sizeof(path), "%s%s", target, t);
    e = hold(s, path);
    speaker_send(&s->speaker, "4a");
    await_answer(s, e);
    assert_answer(e, " 200 OK", "4a");
    end_close(e);
}

/* nginx and browsers send a GET again when its connection breaks before its answer has come. */
static void a_get_that_comes_again_means_that_its_answer_is_lost(void **state)
{
    struct socket_site *s = *state;
    char target[160], path[200];
    struct end *e;

    begin(s, target);
    speak_once(s, target, "&t=p1");
    speak_once(s, target, "&t=p2");
    speak_once(s, target, "&t=p1"); /* only the last one can be meant */
    speak_once(s, target, "&t=");
    speak_once(s, target, "&t=");
    speak_once(s, target, "");
    speak_once(s, target, "");
    speak_once(s, target, "&t=p3");
    (void)snprintf(path, sizeof(path), "%s&t=p3", target);
    e = request(s, "GET", path, NULL);
    await_answer(s, e);
    assert_answer(e, " 400 ", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    await(s->loop, s->speaker.has_ended);
    assert_buf(&s->speaker.heard, "closing ended(0 the poll was cut)");
    end_close(e);
}

static void a_client_that_does_not_poll_is_closed_when_too_much_waits(void **state)
{
    struct socket_site *s = *state;
    char *text = calloc(s->engine.options.queue_bytes + 2, 1);
    char target[160];

    assert_non_null(text);
    memset(text, '4', s->engine.options.queue_bytes + 1);
    begin(s, target);
    speaker_send(&s->speaker, "4"); /* goes next */
    speaker_send(&s->speaker, text);
    free(text);
    await(s->loop, s->engine.by_sid.count == 0);
    assert_buf(&s->speaker.heard, "closing ended(1013 reading too slowly; connect again)");
}

/* It cannot be left out, and would come again with the next connection: closing would be a
 * loop. */
static void a_packet_of_many_megabytes_is_one_answer(void **state)
{
    struct socket_site *s = *state;
    const size_t size = (size_t)9 * 1024 * 1024;
    char *text = calloc(size + 1, 1);
    char target[160];
    struct end *e;

    assert_non_null(text);
    memset(text, '4', size);
    begin(s, target);
    speaker_send(&s->speaker, text);
    speaker_send(&s->speaker, "4behind it");
    e = request(s, "GET", target, NULL);
    await_answer(s, e);
    assert_answer(e, " 200 OK", text);
    end_close(e);
    e = request(s, "GET", target, NULL);
    await_answer(s, e);
    assert_answer(e, " 200 OK", "4behind it");
    end_close(e);
    free(text);
}

static void a_handler_hears_when_polling_is_writable_again(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    begin(s, target);
    while (gw_eio_is_writable(s->speaker.eio))
        speaker_send(&s->speaker, "4");
    assert_int_equal(s->speaker.heard.len, 0);
    e = request(s, "GET", target, NULL);
    await_answer(s, e);
    await(s->loop, s->speaker.heard.len > 0);
    assert_buf(&s->speaker.heard, "writable");
    end_close(e);
}

static void a_held_get_is_answered_a_close(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *e;

    begin(s, target);
    e = hold(s, target);
    gw_eio_close(s->speaker.eio, gw_closes.shut_down);
    await_answer(s, e);
    assert_answer(e, " 200 OK", "1");
    assert_int_equal(s->engine.by_sid.count, 0);
    end_close(e);
}

static void a_client_that_closes_by_post_has_its_get_answered(void **state)
{
    struct socket_site *s = *state;
    char target[160];
    struct end *get, *post;

    begin(s, target);
    get = hold(s, target);
    post = request(s, "POST", target, "1");
    await_answer(s, get);
    assert_answer(get, " 200 OK", "6");
    end_close(get);
    end_close(post);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_socket_site, close_socket_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_get_is_held_until_something_is_sent),
        TEST(what_was_sent_before_waits_for_the_next_get),
        TEST(all_that_one_turn_sends_is_one_answer),
        TEST(a_second_get_ends_the_socket),
        TEST(a_get_whose_connection_breaks_ends_the_socket),
        TEST(a_held_get_ends_when_its_client_sends_no_more),
        TEST(a_get_that_comes_again_means_that_its_answer_is_lost),
        TEST(a_client_that_does_not_poll_is_closed_when_too_much_waits),
        TEST(a_packet_of_many_megabytes_is_one_answer),
        TEST(a_handler_hears_when_polling_is_writable_again),
        TEST(a_held_get_is_answered_a_close),
        TEST(a_client_that_closes_by_post_has_its_get_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
