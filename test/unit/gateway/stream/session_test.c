/* session_test.c - a client by itself: what it says, what it is told, and how it ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"
#include "test/unit/support/check.h"
#include "test/unit/support/stream_events.h"

#define TILLS 3
#define QUEUE_BYTES 10000
#define MESSAGE_BYTES 1000

/* A client's end: what it was told, and how much room its socket has. */
struct till {
    struct gw_transport transport; /* first, so that it is the till */
    struct gw_session *session;
    struct tw_buf heard;
    uint64_t room;         /* frames that still fit */
    struct gw_frame *last; /* held */
    unsigned close_code;   /* 0: open */
};

static struct till *till_of(const struct gw_transport *w)
{
    return (struct till *)(uintptr_t)w;
}

static bool is_writable(const struct gw_transport *w)
{
    return till_of(w)->room > 0;
}

static void send_frame(struct gw_transport *w, struct gw_frame *f)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    heard_add(&t->heard, gw_frame_payload(f));
    gw_frame_unref(t->last);
    t->last = gw_frame_ref(f);
    t->room -= t->room > 0 ? 1 : 0;
}

static void close_wire(struct gw_transport *w, unsigned code, const char *reason)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    assert_true(strlen(reason) > 0 && strlen(reason) <= 123);
    t->close_code = code;
}

static const struct gw_transport_ops ops = { .is_writable = is_writable,
                                             .send = send_frame,
                                             .close = close_wire };

/* A process with one tenant. */
struct house {
    struct gw_hub hub;
    struct gw_sessions all;
    struct gw_sync_log log;
    struct tw_metrics metrics;
    struct tw_buf text; /* of the last event */
    struct till tills[TILLS];
};

static uint64_t changes; /* a hub's callback has no argument of ours */

static void on_changed(struct gw_hub *h)
{
    (void)h;
    changes++;
}

static int open_house(void **state)
{
    struct house *h = tw_new(struct house);

    h->text.max = 1048576;
    h->log.rows.max = 65536;
    h->log.instance = "g1";
    gw_sessions_start(&h->all, &h->log, QUEUE_BYTES, MESSAGE_BYTES, &h->metrics);
    gw_hub_init(
        &h->hub,
        (struct gw_tenant){ .id = "69fb5687-044a-48af-ac0e-d6b817aec684", .slug = "kitchen" },
        1000000, on_changed);
    h->all.now_ms = 1000000;
    for (size_t i = 0; i < TILLS; i++)
        h->tills[i] = (struct till){ .transport = { &ops }, .heard = { .max = 1048576 } };
    changes = 0;
    *state = h;
    return 0;
}

static void leave(struct till *t)
{
    gw_session_free(t->session, 0, NULL);
    t->session = NULL;
}

static int close_house(void **state)
{
    struct house *h = *state;

    for (size_t i = 0; i < TILLS; i++) {
        leave(&h->tills[i]);
        gw_frame_unref(h->tills[i].last);
        tw_buf_done(&h->tills[i].heard);
    }
    gw_hub_done(&h->hub);
    gw_sessions_done(&h->all);
    gw_sync_log_done(&h->log);
    tw_buf_done(&h->text);
    free(h);
    return 0;
}

static struct till *come(struct house *h, size_t i)
{
    struct till *t = &h->tills[i];

    tw_buf_clear(&t->heard);
    t->close_code = 0;
    t->room = UINT64_MAX;
    t->session = gw_session_new(&h->all, &gw_orderweb, &t->transport);
    return t;
}

static struct till *come_live(struct house *h, size_t i)
{
    struct till *t = come(h, i);

    gw_hub_join(&h->hub, t->session);
    gw_hub_fan_out(&h->hub);
    return t;
}

static struct till *come_since(struct house *h, size_t i, uint64_t since)
{
    struct till *t = come(h, i);

    t->session->resumes = true;
    t->session->since = since;
    gw_hub_join(&h->hub, t->session);
    gw_hub_fan_out(&h->hub);
    return t;
}

static void say(struct house *h, struct till *t, const char *json)
{
    gw_session_text(t->session, tw_slice_of(json));
    gw_hub_fan_out(&h->hub);
}

static enum gw_admit arrive(struct house *h, uint64_t seq)
{
    struct tw_event ev = event_of(&h->text, seq, 0);
    enum gw_admit r = gw_hub_arrive(&h->hub, &ev);

    gw_hub_fan_out(&h->hub);
    return r;
}

static void arrive_all(struct house *h, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_int_equal(arrive(h, seq), GW_ADMIT_NOW);
}

static void messages_are_scanned_and_go_to_the_dialect(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    say(h, t, " { \"type\" : \"ping\" , \"timestamp\" : 1 } ");
    say(h, t, "{\"type\":\"pong\"}");
    say(h, t, "{\"type\":\"dance\"}");
    assert_buf(&t->heard, "connected@5 pong UNKNOWN_TYPE");
    assert_int_equal(h->all.messages_in.value, 3);
    assert_int_equal(h->all.messages_out.value, 3);
    assert_int_equal(h->all.malformed.value, 0);
}

static void what_is_no_json_is_answered_and_closes_nothing(void **state)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "ping",
                                         "{\"type\":\"ping\"}{}",
                                         "{\"type\":\"ping\",\"type\":\"ping\"}",
                                         "{\"type\":\"\\ud800\"}" };
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        tw_buf_clear(&t->heard);
        say(h, t, texts[i]);
        assert_buf(&t->heard, "INVALID_JSON");
    }
    assert_int_equal(h->all.malformed.value, TW_COUNT(texts));
    assert_int_equal(t->close_code, 0);
}

static void a_message_is_as_long_as_the_limit_at_most(void **state)
{
    struct house *h = *state;
    char text[MESSAGE_BYTES + 2];
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"type\":\"ping\"}", 15);
    text[MESSAGE_BYTES] = '\0';
    say(h, t, text);
    text[MESSAGE_BYTES] = ' ';
    text[MESSAGE_BYTES + 1] = '\0';
    say(h, t, text);
    text[MESSAGE_BYTES] = '\0';
    say(h, t, text); /* the one before has left nothing behind */
    assert_buf(&t->heard, "connected@5 pong INVALID_JSON pong");
}

static void what_a_client_says_is_not_changed_in_its_own_memory(void **state)
{
    static const char said[] = "{ \"type\" : \"ping\\u0007\" }";
    struct house *h = *state;
    char *copy = exact_copy(TW_LIT(said));
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    gw_session_text(t->session, tw_slice_from(copy, sizeof(said) - 1));
    assert_memory_equal(copy, said, sizeof(said) - 1);
    assert_buf(&t->heard, "connected@5 pong"); /* control characters are taken out */
    free(copy);
}

static void a_closing_session_neither_hears_nor_says_anything(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    gw_session_close(t->session, 1008, "the API key was revoked");
    assert_int_equal(t->close_code, 1008);
    gw_session_close(t->session, 1001, "the server goes away"); /* the first one counts */
    gw_session_send(t->session, TW_LIT("{\"type\":\"pong\"}"));
    say(h, t, "{\"type\":\"ping\"}");
    say(h, t, "{");
    arrive_all(h, 6, 6);
    assert_buf(&t->heard, "connected@5");
    assert_int_equal(t->close_code, 1008);
    assert_int_equal(h->all.messages_in.value, 0);
}

static void a_message_resumes_as_the_address_does(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 3);
    arrive_all(h, 6, 8);
    t = come_live(h, 0);
    say(h, t, "{\"type\":\"resume\",\"since\":6}");
    assert_buf(&t->heard, "connected@8 7 8");
    t = come_live(h, 1);
    say(h, t, "{\"type\":\"ping\"}");
    say(h, t, "{\"type\":\"resume\",\"since\":1}");
    assert_buf(&t->heard, "connected@8 pong resync@8");
    arrive_all(h, 9, 9);
    assert_buf(&t->heard, "connected@8 pong resync@8 9");
}

static void it_is_too_late_to_resume_behind_an_event_or_a_second_time(void **state)
{
    struct house *h = *state;
    struct till *t;

    gw_hub_begin(&h->hub, 5, 1);
    t = come_live(h, 0);
    arrive_all(h, 6, 6);
    say(h, t, "{\"type\":\"resume\",\"since\":5}");
    assert_buf(&t->heard, "connected@5 6 RESUME_TOO_LATE");
    t = come_since(h, 1, 6);
    say(h, t, "{\"type\":\"resume\",\"since\":5}");
    assert_buf(&t->heard, "connected@6 RESUME_TOO_LATE");
    assert_int_equal(t->close_code, 0);
}

static void open_sessions_are_counted(void **state)
{
    struct house *h = *state;

    gw_hub_begin(&h->hub, 5, 1);
    for (size_t i = 0; i < TILLS; i++) {
        assert_int_equal(h->all.open[gw_dialect_index(&gw_orderweb)].value, i);
        (void)come_live(h, i);
    }
    for (size_t i = TILLS; i > 0; i--) {
        assert_int_equal(h->all.open[gw_dialect_index(&gw_orderweb)].value, i);
        leave(&h->tills[i - 1]);
    }
    assert_int_equal(h->all.open[gw_dialect_index(&gw_orderweb)].value, 0);
    gw_session_free(NULL, 0, NULL);
}

static void one_that_never_joined_can_go(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0); /* its handshake's connection broke */

    leave(t);
    assert_int_equal(h->all.open[gw_dialect_index(&gw_orderweb)].value, 0);
    assert_int_equal(h->log.rows.len, 0);
}

static bool was_logged(const struct house *h, const char *text)
{
    return memmem(h->log.rows.at, h->log.rows.len, text, strlen(text)) != NULL;
}

static void coming_and_going_is_logged_with_the_place_and_the_reason(void **state)
{
    struct house *h = *state;
    struct till *t = come(h, 0);

    gw_hub_begin(&h->hub, 5, 1);
    memcpy(t->session->device, "till-7", 7);
    gw_hub_join(&h->hub, t->session);
    assert_true(was_logged(h, "\"instance\":\"g1\",\"kind\":\"connect\",\"tenant_id\":"
                              "\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"dialect\":"
                              "\"orderweb\",\"device\":\"till-7\",\"seq\":5,\"count\":1}"));
    arrive_all(h, 6, 7);
    gw_session_free(t->session, 1013, "reading too slowly");
    t->session = NULL;
    assert_true(was_logged(h, "\"kind\":\"disconnect\""));
    assert_true(was_logged(h, "\"seq\":7,\"count\":1,\"detail\":{\"code\":1013,\"reason\":"
                              "\"reading too slowly\"}}"));
}

static void each_event_is_logged_once_with_the_number_who_heard_it(void **state)
{
    struct house *h = *state;
    struct tw_event ev;

    gw_hub_begin(&h->hub, 5, 1);
    (void)come_live(h, 0);
    (void)come_live(h, 1);
    arrive_all(h, 6, 6);
    ev = event_unheard(&h->text, 7);
    assert_int_equal(gw_hub_arrive(&h->hub, &ev), GW_ADMIT_NOW);
    arrive_all(h, 8, 8);
    tw_buf_clear(&h->log.rows);
    gw_hub_log_deliveries(&h->hub, &h->log);
    assert_true(was_logged(h, "\"kind\":\"delivery\",\"tenant_id\":"
                              "\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"seq\":6,"
                              "\"count\":2}"));
    assert_true(was_logged(h, "\"seq\":8,\"count\":2}"));
    assert_false(was_logged(h, "\"seq\":7")); /* nobody heard it */
    assert_int_equal(h->hub.logged, 8);
    tw_buf_clear(&h->log.rows);
    gw_hub_log_deliveries(&h->hub, &h->log);
    assert_int_equal(h->log.rows.len, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages_are_scanned_and_go_to_the_dialect),
        test(what_is_no_json_is_answered_and_closes_nothing),
        test(a_message_is_as_long_as_the_limit_at_most),
        test(what_a_client_says_is_not_changed_in_its_own_memory),
        test(a_closing_session_neither_hears_nor_says_anything),
        test(a_message_resumes_as_the_address_does),
        test(it_is_too_late_to_resume_behind_an_event_or_a_second_time),
        test(open_sessions_are_counted),
        test(one_that_never_joined_can_go),
        test(coming_and_going_is_logged_with_the_place_and_the_reason),
        test(each_event_is_logged_once_with_the_number_who_heard_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
