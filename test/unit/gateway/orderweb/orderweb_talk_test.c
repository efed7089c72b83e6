/* orderweb_talk_test.c - docs/protocols/orderweb.md: the frames that are no events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"
#include "test/unit/support/check.h"

static struct tw_buf said = { .max = 65536 }; /* frames, a line each */

static bool is_writable(const struct gw_transport *w)
{
    (void)w;
    return true;
}

/* The time of day becomes <time>, once it has been found to be one. */
static void send_frame(struct gw_transport *w, struct gw_frame *f)
{
    struct tw_slice json = gw_frame_payload(f), time;
    size_t before;

    (void)w;
    assert_true(tw_json_get(json, "timestamp", &time));
    assert_int_equal(time.len, 26); /* "2026-01-05T18:00:02.117Z" with its quotes */
    assert_true(time.at[1] == '2' && time.at[11] == 'T' && time.at[24] == 'Z');
    before = (size_t)(time.at - json.at);
    tw_buf_append(&said, tw_slice_from(json.at, before));
    tw_buf_text(&said, "<time>");
    tw_buf_append(&said, tw_slice_skip(json, before + time.len));
    tw_buf_char(&said, '\n');
}

static void close_transport(struct gw_transport *w, unsigned code, const char *reason)
{
    (void)w;
    fail_msg("nothing that a till says closes: %u %s", code, reason);
}

static void on_changed(struct gw_hub *h)
{
    (void)h;
}

static const struct gw_transport_ops ops = { .is_writable = is_writable,
                                             .send = send_frame,
                                             .close = close_transport };

/* One till in its tenant's stream, at seq 40. */
struct line {
    struct gw_memory memory;
    struct gw_hub hub;
    struct gw_dialects dialects;
    struct gw_sessions all;
    struct gw_sync_log log;
    struct gw_transport transport;
    struct gw_session *till;
};

static void connect_till(struct line *l, uint64_t head, uint64_t oldest)
{
    static const struct gw_tenant kitchen = { .slug = "kitchen" };
    static const struct gw_hello hello;
    static const struct gw_identity who;

    *l = (struct line){ .log = { .is_stopped = true },
                        .dialects = { .rows = { { &gw_orderweb, NULL } }, .count = 1 },
                        .transport = { &ops } };
    tw_buf_clear(&said);
    gw_sessions_start(&l->all, &(struct gw_sessions_options){ .dialects = &l->dialects,
                                                              .log = &l->log,
                                                              .queue_bytes = 10000,
                                                              .message_bytes = 1000 });
    gw_memory_init(&l->memory, 1000000);
    gw_hub_init(&l->hub, &kitchen, &l->memory, 100000, on_changed);
    l->till = gw_dialect_open(&l->dialects, &gw_orderweb, &hello, &who);
    gw_session_start(l->till, &l->all,
                     &(struct gw_session_options){
                         .dialect = &gw_orderweb, .transport = &l->transport, .who = &who });
    gw_hub_join(&l->hub, l->till);
    gw_hub_begin(&l->hub, head, oldest);
}

static void hang_up(struct line *l)
{
    gw_session_free(l->till, 0, NULL);
    gw_hub_done(&l->hub);
    gw_sessions_done(&l->all);
    tw_buf_done(&said);
}

static void check_answer(struct line *l, const char *json, const char *want)
{
    tw_buf_clear(&said);
    gw_session_text(l->till, tw_slice_of(json));
    gw_hub_fan_out(&l->hub);
    assert_buf(&said, want);
}

static void the_greeting_is_the_documents(void **state)
{
    struct line l;

    (void)state;
    connect_till(&l, 40, 3);
    assert_buf(&said, "{\"type\":\"connected\",\"tenant\":\"kitchen\",\"message\":"
                      "\"Connected to POS WebSocket\",\"timestamp\":<time>,\"seq\":40,"
                      "\"oldestSeq\":3}\n");
    hang_up(&l);
}

static void a_ping_is_answered_with_the_servers_time(void **state)
{
    struct line l;

    (void)state;
    connect_till(&l, 40, 1);
    check_answer(&l, "{\"type\":\"ping\"}", "{\"type\":\"pong\",\"timestamp\":<time>}\n");
    check_answer(&l, "{\"type\":\"ping\",\"timestamp\":\"2020-01-01T00:00:00.000Z\"}",
                 "{\"type\":\"pong\",\"timestamp\":<time>}\n");
    check_answer(&l, "{\"type\":\"p\\u0069ng\"}", "{\"type\":\"pong\",\"timestamp\":<time>}\n");
    check_answer(&l, "{\"type\":\"pong\"}", "");
    hang_up(&l);
}

#define ERROR(code, message)                                                                   \
    "{\"type\":\"error\",\"code\":\"" code "\",\"message\":\"" message                         \
    "\",\"help\":\"/docs/errors#" code "\",\"timestamp\":<time>}\n"

static void a_message_that_is_not_understood_is_refused(void **state)
{
    static const char *const no_messages[] = { "[]",
                                               "1",
                                               "null",
                                               "\"ping\"",
                                               "{}",
                                               "{\"type\":1}",
                                               "{\"type\":null}",
                                               "{\"kind\":\"ping\"}",
                                               "[{\"type\":\"ping\"}]" };
    static const char *const unknown[] = { "{\"type\":\"\"}", "{\"type\":\"PING\"}",
                                           "{\"type\":\"new_order\"}", "{\"type\":\"ping \"}" };
    struct line l;

    (void)state;
    connect_till(&l, 40, 1);
    for (size_t i = 0; i < TW_COUNT(no_messages); i++)
        check_answer(
            &l, no_messages[i],
            ERROR("INVALID_MESSAGE", "A message is a JSON object with a \\\"type\\\"."));
    for (size_t i = 0; i < TW_COUNT(unknown); i++)
        check_answer(&l, unknown[i],
                     ERROR("UNKNOWN_TYPE",
                           "This message type is not known; a till may send ping, "
                           "resume or order_ack."));
    hang_up(&l);
}

static void a_message_that_is_not_json_is_refused_with_the_reason(void **state)
{
    struct line l;

    (void)state;
    connect_till(&l, 40, 1);
    check_answer(
        &l, "{\"type\":\"ping\",\"type\":\"ping\"}",
        ERROR("INVALID_JSON", "The message is not acceptable JSON: a member is given twice."));
    tw_buf_clear(&said);
    gw_orderweb.malformed(l.till, "too long");
    assert_buf(&said, ERROR("INVALID_JSON", "The message is not acceptable JSON: too long."));
    hang_up(&l);
}

static void a_resume_needs_a_whole_number(void **state)
{
    static const char *const bad[] = {
        "{\"type\":\"resume\"}",
        "{\"type\":\"resume\",\"since\":null}",
        "{\"type\":\"resume\",\"since\":\"40\"}",
        "{\"type\":\"resume\",\"since\":-1}",
        "{\"type\":\"resume\",\"since\":1.5}",
        "{\"type\":\"resume\",\"since\":1e300}",
        "{\"type\":\"resume\",\"since\":[40]}",
    };
    struct line l;

    (void)state;
    connect_till(&l, 40, 1);
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        tw_buf_clear(&said);
        gw_session_text(l.till, tw_slice_of(bad[i]));
        assert_row(tw_slice_starts(tw_buf_view(&said),
                                   TW_LIT("{\"type\":\"error\",\"code\":\"INVALID_SINCE\","
                                          "\"message\":\"")),
                   bad[i]);
    }
    check_answer(&l, "{\"type\":\"resume\",\"since\":40}", ""); /* and then it is heard */
    check_answer(&l, "{\"type\":\"resume\",\"since\":40}",
                 ERROR("RESUME_TOO_LATE", "Events were sent already, or it was resumed before. "
                                          "Connect again with ?since=."));
    hang_up(&l);
}

static void a_till_that_was_away_too_long_is_told_to_fetch_the_state(void **state)
{
    struct line l;

    (void)state;
    connect_till(&l, 40, 30);
    check_answer(&l, "{\"type\":\"resume\",\"since\":28}",
                 "{\"type\":\"resync_required\",\"tenant\":\"kitchen\",\"timestamp\":<time>,"
                 "\"oldestSeq\":30,\"seq\":40}\n");
    hang_up(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_is_the_documents),
        cmocka_unit_test(a_ping_is_answered_with_the_servers_time),
        cmocka_unit_test(a_message_that_is_not_understood_is_refused),
        cmocka_unit_test(a_message_that_is_not_json_is_refused_with_the_reason),
        cmocka_unit_test(a_resume_needs_a_whole_number),
        cmocka_unit_test(a_till_that_was_away_too_long_is_told_to_fetch_the_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
