/* first_message_test.c - a client that gives its credential in its first message: what it may
 * say, how long it may take, and how it is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/first_message.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/conn.h"
#include "test/unit/support/check.h"
#include "test/unit/support/http_site.h"
#include "test/unit/support/ws_frames.h"

#define ANSWER "HTTP/1.1 101 Switching Protocols\r\n\r\n"
#define POLICY_1008 "close(1008 "

struct fixture {
    struct site *site;
    struct gw_conns conns;
    struct end *client;
    struct gw_first_message first;
    struct tw_buf credential; /* the one that has arrived */
    unsigned arrived, left;
    struct gw_handler handler; /* of the session that follows */
    struct tw_buf heard;
    unsigned ended;
};

static struct fixture *now; /* of the test that runs */

static void on_arrived(struct gw_first_message *f, struct tw_slice credential)
{
    (void)f;
    now->arrived++;
    tw_buf_append(&now->credential, credential);
}

static void on_left(struct gw_first_message *f)
{
    (void)f;
    now->left++;
}

static bool is_ready(const struct gw_handler *h)
{
    (void)h;
    return true;
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    (void)h;
    tw_buf_append(&now->heard, message);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    (void)h;
    (void)now_ms;
}

static void on_nothing(struct gw_handler *h)
{
    (void)h;
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    (void)h;
    (void)code;
    (void)reason;
    now->ended++;
}

static const struct gw_handler_ops session_ops = { .is_ready = is_ready,
                                                   .text = on_text,
                                                   .binary = on_text,
                                                   .writable = on_writable,
                                                   .closing = on_nothing,
                                                   .farewell = on_nothing,
                                                   .ended = on_ended };

static int open_fixture(void **state)
{
    struct fixture *f = tw_new(struct fixture);
    struct gw_conn *conn;

    *state = now = f;
    f->credential.max = f->heard.max = 1000;
    f->handler.ops = &session_ops;
    f->site = site_new();
    gw_conns_start(&f->conns, &(struct gw_conns_options){ .message_bytes = 262144,
                                                          .queue_bytes = 262144,
                                                          .ping_ms = 60000,
                                                          .pong_ms = 60000 });
    f->client = site_visit(f->site);
    end_say(f->client, "GET /take HTTP/1.1\r\nHost: a\r\n\r\n");
    await(f->site->loop, f->site->taken != NULL);
    conn = gw_conn_new(&f->conns, f->site->taken, TW_LIT(ANSWER), false);
    f->site->taken = NULL;
    gw_first_message_await(&f->first,
                           &(struct gw_first_message_options){
                               .loop = f->site->loop, .arrived = on_arrived, .left = on_left },
                           conn);
    await(f->site->loop, end_has(f->client, ANSWER));
    tw_buf_clear(&f->client->heard);
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    gw_conns_shut(&f->conns);
    await(f->site->loop, f->left + f->ended > 0);
    end_close(f->client);
    gw_conns_done(&f->conns);
    tw_buf_done(&f->first.early);
    tw_buf_done(&f->credential);
    tw_buf_done(&f->heard);
    site_free(f->site);
    free(f);
    return 0;
}

static void say(struct fixture *f, unsigned kind, const char *text)
{
    struct tw_buf frame = { .max = 300000 };

    ws_put(&frame, WS_FIN | kind, tw_slice_of(text));
    end_send(f->client, tw_buf_view(&frame));
    tw_buf_done(&frame);
}

static void await_close(struct fixture *f, const char *want)
{
    struct tw_buf out = { .max = 1000 };

    await(f->site->loop, f->client->heard.len > 2);
    ws_read_server(&out, tw_buf_view(&f->client->heard));
    assert_true(tw_slice_starts(tw_buf_view(&out), tw_slice_of(want)));
    tw_buf_done(&out);
}

static void check_arrival(struct fixture *f, const char *message, const char *credential)
{
    say(f, WS_TEXT, message);
    await(f->site->loop, f->arrived > 0);
    assert_buf(&f->credential, credential);
}

static void the_credential_is_a_member_of_the_message(void **state)
{
    check_arrival(*state, "{\"type\":\"x\",\"token\":\"pos_1\",\"data\":{\"token\":\"no\"}}",
                  "pos_1");
}

static void or_of_its_data(void **state)
{
    check_arrival(*state, "{\"data\":{\"clientId\":\"a\",\"apiKey\":\"pos\\u005f1\"}}",
                  "pos_1");
}

static void the_first_name_of_several_counts(void **state)
{
    check_arrival(*state, "{\"token\":\"3\",\"apiKey\":\"2\",\"api_key\":\"1\"}", "1");
}

static void a_message_without_one_is_refused(void **state)
{
    struct fixture *f = *state;

    say(f, WS_TEXT, "{\"type\":\"SYNC_REQUEST\",\"token\":7}");
    await_close(f, POLICY_1008 "the first message must have");
    assert_int_equal(f->arrived, 0);
}

static void so_is_one_that_is_no_json(void **state)
{
    say(*state, WS_TEXT, "no json");
    await_close(*state, POLICY_1008 "the first message must have");
}

static void one_that_is_not_text_is_not_understood(void **state)
{
    say(*state, WS_BINARY, "{\"token\":\"pos_1\"}");
    await_close(*state, "close(1003 ");
}

static void a_client_that_says_nothing_is_refused_in_time(void **state)
{
    struct fixture *f = *state;
    struct tw_deadline *limit = &f->first.limit;

    assert_true(tw_deadline_is_set(limit));
    tw_after_cancel(f->site->loop, limit);
    limit->expired(limit);
    await_close(f, POLICY_1008 "the first message, with an api_key or a token, did not come");
}

static void once_it_has_come_there_is_no_limit(void **state)
{
    struct fixture *f = *state;

    check_arrival(f, "{\"token\":\"pos_1\"}", "pos_1");
    assert_false(tw_deadline_is_set(&f->first.limit));
}

static void all_that_was_said_is_kept_for_the_session(void **state)
{
    struct fixture *f = *state;
    struct tw_buf *early;

    check_arrival(f, "{\"token\":\"pos_1\"}", "pos_1");
    say(f, WS_TEXT, "{\"token\":\"pos_2\"}");
    await(f->site->loop, f->first.early.len > sizeof("{\"token\":\"pos_1\"}"));
    assert_int_equal(f->arrived, 1); /* only the first one is asked about */
    early = gw_first_message_take(&f->first);
    assert_buf(early, "{\"token\":\"pos_1\"}\x1e{\"token\":\"pos_2\"}");
    tw_buf_done(early);
    free(early);
    gw_first_message_admit(&f->first, &f->handler);
    say(f, WS_TEXT, "later");
    await(f->site->loop, f->heard.len > 0);
    assert_buf(&f->heard, "later");
    assert_int_equal(f->left, 0);
}

static void a_refusal_ends_it_once(void **state)
{
    struct fixture *f = *state;

    check_arrival(f, "{\"token\":\"pos_1\"}", "pos_1");
    gw_first_message_refuse(&f->first, "AUTH_FAILED", gw_closes.bad_credential);
    gw_first_message_refuse(&f->first, "AUTH_FAILED",
                            gw_closes.early_flood); /* the first one counts */
    await_close(f, POLICY_1008 "the key or token is not good here)");
}

static void one_that_leaves_meanwhile_is_told_of(void **state)
{
    struct fixture *f = *state;

    check_arrival(f, "{\"token\":\"pos_1\"}", "pos_1");
    end_finish(f->client);
    await(f->site->loop, f->left > 0);
    assert_null(f->first.conn);
    gw_first_message_refuse(&f->first, "AUTH_FAILED",
                            gw_closes.bad_credential); /* nobody is there */
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_credential_is_a_member_of_the_message),
        test(or_of_its_data),
        test(the_first_name_of_several_counts),
        test(a_message_without_one_is_refused),
        test(so_is_one_that_is_no_json),
        test(one_that_is_not_text_is_not_understood),
        test(a_client_that_says_nothing_is_refused_in_time),
        test(once_it_has_come_there_is_no_limit),
        test(all_that_was_said_is_kept_for_the_session),
        test(a_refusal_ends_it_once),
        test(one_that_leaves_meanwhile_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
