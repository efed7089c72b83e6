/* session_test.c - a client by itself: what it says, what it is told, and how it ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"
#include "test/unit/gateway/support/fake_till.h"

static int open_logged_tenant(void **state)
{
    struct tenant *t;

    (void)open_tenant(state);
    t = *state;
    t->log.is_stopped = false; /* its rows are looked at */
    return 0;
}

static void messages_are_scanned_and_go_to_the_dialect(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    say(t, till, " { \"type\" : \"ping\" , \"timestamp\" : 1 } ");
    say(t, till, "{\"type\":\"pong\"}");
    say(t, till, "{\"type\":\"dance\"}");
    assert_buf(&till->heard, "connected@5 pong UNKNOWN_TYPE");
    assert_int_equal(t->all.messages_in.value, 3);
    assert_int_equal(t->all.messages_out.value, 3);
    assert_int_equal(t->all.malformed.value, 0);
}

static void a_message_that_is_not_json_is_answered_and_closes_nothing(void **state)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "ping",
                                         "{\"type\":\"ping\"}{}",
                                         "{\"type\":\"ping\",\"type\":\"ping\"}",
                                         "{\"type\":\"\\ud800\"}" };
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        tw_buf_clear(&till->heard);
        say(t, till, texts[i]);
        assert_buf(&till->heard, "INVALID_JSON");
    }
    assert_int_equal(t->all.malformed.value, TW_COUNT(texts));
    assert_int_equal(till->close_code, 0);
}

static void a_message_is_as_long_as_the_limit_at_most(void **state)
{
    struct tenant *t = *state;
    char text[MESSAGE_BYTES + 2];
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"type\":\"ping\"}", 15);
    text[MESSAGE_BYTES] = '\0';
    say(t, till, text);
    text[MESSAGE_BYTES] = ' ';
    text[MESSAGE_BYTES + 1] = '\0';
    say(t, till, text);
    text[MESSAGE_BYTES] = '\0';
    say(t, till, text); /* the one before has left nothing behind */
    assert_buf(&till->heard, "connected@5 pong INVALID_JSON pong");
}

static void what_a_client_says_is_not_changed_in_its_own_memory(void **state)
{
    static const char said[] = "{ \"type\" : \"ping\\u0007\" }";
    struct tenant *t = *state;
    char *copy = exact_copy(TW_LIT(said));
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    gw_session_text(till->session, tw_slice_from(copy, sizeof(said) - 1));
    assert_memory_equal(copy, said, sizeof(said) - 1);
    assert_buf(&till->heard, "connected@5 pong"); /* control characters are taken out */
    free(copy);
}

static void a_closing_session_neither_hears_nor_says_anything(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    gw_session_close(till->session, gw_closes.key_revoked);
    assert_int_equal(till->close_code, 1008);
    gw_session_close(till->session, gw_closes.going_away); /* the first one counts */
    gw_session_send(till->session, TW_LIT("{\"type\":\"pong\"}"));
    say(t, till, "{\"type\":\"ping\"}");
    say(t, till, "{");
    arrive_all(t, 6, 6);
    assert_buf(&till->heard, "connected@5");
    assert_int_equal(till->close_code, 1008);
    assert_int_equal(t->all.messages_in.value, 0);
}

static void a_message_resumes_as_the_address_does(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 3);
    arrive_all(t, 6, 8);
    till = join_live(t, 0);
    say(t, till, "{\"type\":\"resume\",\"since\":6}");
    assert_buf(&till->heard, "connected@8 7 8");
    till = join_live(t, 1);
    say(t, till, "{\"type\":\"ping\"}");
    say(t, till, "{\"type\":\"resume\",\"since\":1}");
    assert_buf(&till->heard, "connected@8 pong resync@8");
    arrive_all(t, 9, 9);
    assert_buf(&till->heard, "connected@8 pong resync@8 9");
}

static void a_resume_after_an_event_or_a_second_resume_is_too_late(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    arrive_all(t, 6, 6);
    say(t, till, "{\"type\":\"resume\",\"since\":5}");
    assert_buf(&till->heard, "connected@5 6 RESUME_TOO_LATE");
    till = join_since(t, 1, 6);
    say(t, till, "{\"type\":\"resume\",\"since\":5}");
    assert_buf(&till->heard, "connected@6 RESUME_TOO_LATE");
    assert_int_equal(till->close_code, 0);
}

static void open_sessions_are_counted(void **state)
{
    struct gw_session never_started = { 0 };
    struct tenant *t = *state;

    gw_hub_begin(&t->hub, 5, 1);
    for (size_t i = 0; i < TILLS; i++) {
        assert_int_equal(t->all.open[0].value, i);
        (void)join_live(t, i);
    }
    for (size_t i = TILLS; i > 0; i--) {
        assert_int_equal(t->all.open[0].value, i);
        leave(&t->tills[i - 1]);
    }
    assert_int_equal(t->all.open[0].value, 0);
    gw_session_end(&never_started, 0, NULL);
}

static void one_that_never_joined_can_go(void **state)
{
    struct tenant *t = *state;
    struct till *till = connect_till(t, 0); /* its handshake's connection broke */

    leave(till);
    assert_int_equal(t->all.open[0].value, 0);
    assert_int_equal(t->log.rows.len, 0);
}

static bool was_logged(const struct tenant *t, const char *text)
{
    return memmem(t->log.rows.at, t->log.rows.len, text, strlen(text)) != NULL;
}

static void coming_and_going_is_logged_with_the_place_and_the_reason(void **state)
{
    struct tenant *t = *state;
    struct till *till = connect_till(t, 0);

    gw_hub_begin(&t->hub, 5, 1);
    assert_true(gw_session_name(till->session, TW_LIT("till-7")));
    gw_hub_join(&t->hub, till->session);
    assert_true(was_logged(t, "\"instance\":\"g1\",\"kind\":\"connect\",\"tenant_id\":"
                              "\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"dialect\":"
                              "\"orderweb\",\"device\":\"till-7\",\"seq\":5,\"count\":1}"));
    arrive_all(t, 6, 7);
    gw_session_free(till->session, 1013, "reading too slowly");
    till->session = NULL;
    assert_true(was_logged(t, "\"kind\":\"disconnect\""));
    assert_true(was_logged(t, "\"seq\":7,\"count\":1,\"detail\":{\"code\":1013,\"reason\":"
                              "\"reading too slowly\"}}"));
}

/* Two heartbeats, of which a ping without its pong is one; nobody waits for who says goodbye or
 * may not come back. */
static void an_end_says_in_how_long_it_is_to_be_back(void **state)
{
    const struct {
        struct gw_close why;
        const char *want; /* null: nobody waits */
    } ends[] = {
        { gw_closes.lost, "\"expected_ms\":50000" },
        { gw_closes.silent, "\"expected_ms\":25000" },
        { gw_closes.going_away, "\"expected_ms\":50000" },
        { gw_closes.lags, "\"expected_ms\":50000" },
        { gw_closes.kicked, "\"expected_ms\":50000" },
        { gw_closes.by_client, NULL },
        { gw_closes.left, NULL },
        { gw_closes.moved, NULL },
        { gw_closes.key_revoked, NULL },
        { gw_closes.tenant_suspended, NULL },
    };
    struct tenant *t = *state;

    gw_hub_begin(&t->hub, 5, 1);
    t->all.heartbeat_ms = 25000;
    for (size_t i = 0; i < TW_COUNT(ends); i++) {
        struct till *till = join_live(t, 0);

        tw_buf_clear(&t->log.rows);
        gw_session_free(till->session, ends[i].why.code, ends[i].why.reason);
        till->session = NULL;
        assert_true(was_logged(t, "\"since\":1"));
        assert_int_equal(was_logged(t, ends[i].want == NULL ? "expected_ms" : ends[i].want),
                         ends[i].want != NULL);
    }
}

static void deliveries_are_logged_once_a_minute(void **state)
{
    struct tenant *t = *state;
    struct tw_event ev;

    gw_hub_begin(&t->hub, 5, 1);
    (void)join_live(t, 0);
    (void)join_live(t, 1);
    arrive_all(t, 6, 6);
    ev = event_unheard(&t->text, 7);
    assert_int_equal(gw_stream_arrive(&t->hub.stream, &ev), GW_ADMIT_NOW);
    arrive_all(t, 8, 8);
    tw_buf_clear(&t->log.rows);
    gw_hub_log_deliveries(&t->hub, &t->log, 1000000);
    assert_true(was_logged(t, "\"kind\":\"delivery\",\"tenant_id\":"
                              "\"69fb5687-044a-48af-ac0e-d6b817aec684\",\"seq\":8,"
                              "\"count\":4}")); /* 7 was heard by nobody */
    arrive_all(t, 9, 9);
    tw_buf_clear(&t->log.rows);
    gw_hub_log_deliveries(&t->hub, &t->log, 1059999);
    assert_int_equal(t->log.rows.len, 0);
    gw_hub_log_deliveries(&t->hub, &t->log, 1060000);
    assert_true(was_logged(t, "\"seq\":9,\"count\":2}"));
    tw_buf_clear(&t->log.rows);
    gw_hub_log_deliveries(&t->hub, &t->log, 2000000);
    assert_int_equal(t->log.rows.len, 0); /* there were none */
}

#define test(function)                                                                         \
    cmocka_unit_test_setup_teardown(function, open_logged_tenant, close_tenant)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages_are_scanned_and_go_to_the_dialect),
        test(a_message_that_is_not_json_is_answered_and_closes_nothing),
        test(a_message_is_as_long_as_the_limit_at_most),
        test(what_a_client_says_is_not_changed_in_its_own_memory),
        test(a_closing_session_neither_hears_nor_says_anything),
        test(a_message_resumes_as_the_address_does),
        test(a_resume_after_an_event_or_a_second_resume_is_too_late),
        test(open_sessions_are_counted),
        test(one_that_never_joined_can_go),
        test(coming_and_going_is_logged_with_the_place_and_the_reason),
        test(an_end_says_in_how_long_it_is_to_be_back),
        test(deliveries_are_logged_once_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
