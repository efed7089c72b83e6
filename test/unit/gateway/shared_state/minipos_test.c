/* minipos_test.c - docs/protocols/minipos.md section 2: what tablets say, what becomes of it,
 * and what they are answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "gateway/shared_state/device.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define SERVER(type, data)                                                                     \
    "{\"type\":\"" type "\",\"data\":" data ",\"clientId\":\"server\",\"timestamp\":now}\n"
#define ERROR(code, message)                                                                   \
    SERVER("ERROR", "{\"code\":\"" code "\",\"message\":\"" message                            \
                    "\",\"help\":\"/docs/errors#" code "\"}")

static void a_heartbeat_is_answered_and_an_answer_is_not(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"HEARTBEAT\",\"data\":{},\"clientId\":\"client_1\"}");
    assert_heard(one, SERVER("HEARTBEAT", "{\"response\":true}"));
    tell(g, one, "{\"type\":\"HEARTBEAT\"}");
    assert_heard(one, SERVER("HEARTBEAT", "{\"response\":true}"));
    tell(g, one, "{\"type\":\"HEARTBEAT\",\"data\":{\"response\":true}}");
    assert_heard(one, "");
}

static void a_tablet_is_called_by_the_first_name_that_it_gives(void **state)
{
    static const struct {
        const char *said, *name;
    } rows[] = {
        { "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":\"client_1\"}}", "client_1" },
        { "{\"type\":\"CLIENT_CONNECTED\",\"data\":{},\"clientId\":\"client_1\"}", "client_1" },
        { "{\"type\":\"HEARTBEAT\",\"data\":{\"response\":true},\"clientId\":\"client_1\"}",
          "client_1" },
        { "{\"type\":\"CLIENT_CONNECTED\",\"data\":{\"clientId\":7}}", "" },
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct client *one = connect_tablet(g, 0);

        tell(g, one, rows[i].said);
        assert_row(tw_slice_is(gw_session_device(one->session), rows[i].name), rows[i].said);
        assert_heard(one, ""); /* no answer */
        tell(g, one, "{\"type\":\"CLIENT_DISCONNECTED\",\"data\":{}}");
        assert_heard(one, "");
        assert_int_equal(one->close_code, 0); /* it may stay */
        leave_gateway(one);
    }
}

static void each_update_is_one_change_of_the_shared_state(void **state)
{
    static const struct {
        const char *type, *data, *body;
    } rows[] = {
        { "UPDATE_TABLE", "{\"action\":\"add\",\"data\":{\"id\":\"t5\",\"number\":5}}",
          "{\"kind\":\"tables\",\"action\":\"created\",\"id\":\"t5\",\"data\":{\"id\":\"t5\","
          "\"number\":5}}" },
        { "UPDATE_TABLE", "{\"action\":\"update\",\"data\":{\"id\":5,\"seats\":2}}",
          "{\"kind\":\"tables\",\"action\":\"updated\",\"id\":\"5\",\"data\":{\"id\":5,"
          "\"seats\":2}}" },
        { "UPDATE_TABLE", "{\"action\":\"delete\",\"data\":{\"id\":\"t5\"}}",
          "{\"kind\":\"tables\",\"action\":\"deleted\",\"id\":\"t5\",\"data\":{\"id\":\"t5\"}"
          "}" },
        { "UPDATE_MENU", "{\"action\":\"add_item\",\"data\":{\"id\":\"m1\",\"price\":10.70}}",
          "{\"kind\":\"menu_items\",\"action\":\"created\",\"id\":\"m1\",\"data\":{\"id\":"
          "\"m1\",\"price\":10.70}}" },
        { "UPDATE_MENU", "{\"action\":\"update_item\",\"data\":{\"id\":\"m1\"}}",
          "{\"kind\":\"menu_items\",\"action\":\"updated\",\"id\":\"m1\",\"data\":{\"id\":"
          "\"m1\"}}" },
        { "UPDATE_MENU", "{\"action\":\"delete_item\",\"data\":{\"id\":\"m1\"}}",
          "{\"kind\":\"menu_items\",\"action\":\"deleted\",\"id\":\"m1\",\"data\":{\"id\":"
          "\"m1\"}}" },
        { "UPDATE_MENU", "{\"action\":\"add_category\",\"data\":{\"name\":\"Noodles\"}}",
          "{\"kind\":\"categories\",\"action\":\"created\",\"id\":\"Noodles\",\"data\":{"
          "\"name\":\"Noodles\"}}" },
        { "UPDATE_MENU", "{\"action\":\"delete_category\",\"data\":{\"name\":\"Noodles\"}}",
          "{\"kind\":\"categories\",\"action\":\"deleted\",\"id\":\"Noodles\",\"data\":{"
          "\"name\":\"Noodles\"}}" },
        { "UPDATE_ORDER", "{\"action\":\"add\",\"data\":{\"id\":\"o-1\",\"total\":21.4}}",
          "{\"kind\":\"orders\",\"action\":\"upsert\",\"id\":\"o-1\",\"data\":{\"id\":\"o-1\","
          "\"total\":21.4}}" },
        { "UPDATE_ORDER", "{\"action\":\"clear\",\"data\":{}}",
          "{\"kind\":\"orders\",\"action\":\"clear\",\"data\":{}}" },
        { "UPDATE_ORDER", "{\"action\":\"clear\"}",
          "{\"kind\":\"orders\",\"action\":\"clear\",\"data\":{}}" },
        { "UPDATE_SETTINGS", "{\"taxRate\":8}",
          "{\"kind\":\"settings\",\"action\":\"updated\",\"data\":{\"taxRate\":8}}" },
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf said = { .max = 1000 }, want = { .max = 1000 };

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tw_buf_clear(&said);
        tw_buf_text(&said, "{\"type\":\"");
        tw_buf_text(&said, rows[i].type);
        tw_buf_text(&said, "\",\"data\":");
        tw_buf_text(&said, rows[i].data);
        tw_buf_append(&said, TW_LIT(",\"clientId\":\"client_1\"}\0"));
        tw_buf_clear(&want);
        tw_buf_text(&want, "{\"dialect\":\"minipos\",\"changes\":[");
        tw_buf_text(&want, rows[i].body);
        tw_buf_append(&want, tw_slice_from("]}", 3));
        tell(g, one, said.at);
        assert_operation(&g->pool, "shared_state_change", want.at);
        assert_slice(operation_context(&g->pool, "device"), "\"client_1\"");
        answer_operation(&g->pool, "200", "{\"status\":\"success\",\"seq\":17}");
        assert_heard(one, ""); /* the others hear it */
    }
    tw_buf_done(&said);
    tw_buf_done(&want);
}

static void a_change_may_carry_the_version_that_it_has_seen(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one,
         "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"update\",\"data\":{\"id\":\"t5\","
         "\"version\":9}},\"version\":3}");
    assert_operation(&g->pool, "shared_state_change",
                     "{\"dialect\":\"minipos\",\"changes\":[{\"kind\":\"tables\",\"action\":"
                     "\"updated\",\"id\":\"t5\",\"version\":3,\"data\":{\"id\":\"t5\","
                     "\"version\":9}}]}");
}

static void what_is_refused_is_said_and_the_socket_stays(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"UPDATE_SETTINGS\",\"data\":{\"taxRate\":8}}");
    answer_operation(&g->pool, "409",
                     "{\"error\":{\"code\":\"STALE_VERSION\",\"message\":\"Look again.\","
                     "\"details\":{\"current\":{\"taxRate\":7}}}}");
    assert_heard(one, SERVER("ERROR", "{\"code\":\"STALE_VERSION\",\"message\":\"Look again.\","
                                      "\"details\":{\"current\":{\"taxRate\":7}},\"request\":"
                                      "\"UPDATE_SETTINGS\"}"));
    assert_int_equal(one->close_code, 0);
}

#define NO_ACTION                                                                              \
    ERROR("VALIDATION_ERROR",                                                                  \
          "This update has no action that is known, or no object as its data.")

static void what_makes_no_sense_is_answered_and_asks_for_nothing(void **state)
{
    static const struct {
        const char *said, *heard;
    } rows[] = {
        { "{nope", ERROR("INVALID_JSON", "The message is not acceptable JSON.") },
        { "[]", ERROR("INVALID_MESSAGE", "A message is a JSON object with a \\\"type\\\".") },
        { "{\"type\":7}",
          ERROR("INVALID_MESSAGE", "A message is a JSON object with a \\\"type\\\".") },
        { "{\"type\":\"NOPE\"}", ERROR("UNKNOWN_TYPE", "This message type is not known.") },
        { "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"explode\",\"data\":{}}}",
          NO_ACTION },
        { "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"add_item\",\"data\":{}}}",
          NO_ACTION },
        { "{\"type\":\"UPDATE_TABLE\",\"data\":{\"action\":\"add\",\"data\":[]}}", NO_ACTION },
        { "{\"type\":\"UPDATE_TABLE\",\"data\":7}", NO_ACTION },
        { "{\"type\":\"UPDATE_SETTINGS\",\"data\":[]}",
          ERROR("VALIDATION_ERROR", "The settings must be an object.") },
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tell(g, one, rows[i].said);
        assert_heard(one, rows[i].heard);
        assert_row(fake_pool_count(&g->pool) == 0, rows[i].said);
    }
    assert_int_equal(one->close_code, 0);
}

#define STATE                                                                                  \
    "\"tables\":[],\"menuItems\":[],\"categories\":[],\"settings\":{},\"orderHistory\":[],"    \
    "\"seq\":16"
#define MASTERED ",\"mastered\":[\"tables\",\"menuItems\",\"categories\",\"settings\"]"

static void the_state_comes_whole_and_once_more_inside_itself(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{}}");
    assert_operation(&g->pool, "minipos_state", "");
    answer_operation(&g->pool, "200", "{" STATE MASTERED "}");
    assert_heard(one, SERVER("SYNC_RESPONSE", "{" STATE MASTERED ",\"data\":{" STATE "}}"));
}

static void a_tablet_that_has_missed_what_is_no_longer_kept_is_given_the_state(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    one->session->next_seq = 3;
    gw_session_give_up(one->session, 2, 9);
    assert_operation(&g->pool, "minipos_state", "");
    answer_operation(&g->pool, "200", "{" STATE MASTERED "}");
    assert_heard(one, SERVER("SYNC_RESPONSE", "{" STATE MASTERED ",\"data\":{" STATE "}}"));
}

static void a_state_that_cannot_be_read_is_refused(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{}}");
    answer_operation(&g->pool, "403",
                     "{\"error\":{\"code\":\"PERMISSION_DENIED\",\"message\":\"No.\"}}");
    assert_heard(one, SERVER("ERROR", "{\"code\":\"PERMISSION_DENIED\",\"message\":\"No.\","
                                      "\"request\":\"SYNC_REQUEST\"}"));
}

static void staff_messages_pass_on_to_the_other_tablets_as_they_came(void **state)
{
    static const char *const types[] = { "SESSION_UPDATE",    "USER_LOGIN",
                                         "USER_LOGOUT",       "UPDATE_USERS",
                                         "TERMINATE_SESSION", "FORCE_LOGOUT",
                                         "REFRESH_SESSIONS",  "SESSION_SYNC",
                                         "USER_SYNC" };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0), *other = connect_tablet(g, 1);
    struct client *till = connect_device(g, 2, "pos_1", "kitchen");
    struct tw_buf said = { .max = 1000 };

    for (size_t i = 0; i < TW_COUNT(types); i++) {
        struct tw_slice published;

        tw_buf_clear(&said);
        tw_buf_text(&said, "{\"type\":\"");
        tw_buf_text(&said, types[i]);
        tw_buf_append(&said, TW_LIT("\",\"data\":{\"pin\":\"1234\"},\"clientId\":\"a\"}\0"));
        tell(g, one, said.at);
        assert_int_equal(fake_pool_count(&g->pool), 0); /* stored nowhere */
        published = tw_buf_view(&g->publisher.link.out);
        assert_true(tw_slice_starts(published, TW_LIT("PUBLISH " KITCHEN_CHANNEL " ")));
        published = tw_slice_skip(published, sizeof("PUBLISH " KITCHEN_CHANNEL));
        published.len--; /* its line's end */
        fake_link_push(&g->hubs.subscriber, KITCHEN_CHANNEL, published);
        tw_buf_clear(&g->publisher.link.out);
        said.at[said.len - 1] = '\n';
        tw_buf_char(&said, '\0');
        assert_heard(other, said.at);
        assert_heard(one, "");
        assert_heard(till, "");
    }
    tw_buf_done(&said);
}

/* Each of them goes to all tablets. */
static void of_what_is_passed_on_there_may_be_ten_a_second(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (int i = 0; i < 100; i++)
        tell(g, one, "{\"type\":\"REFRESH_SESSIONS\",\"data\":{}}");
    assert_heard(one, "");
    tw_buf_clear(&g->publisher.link.out);
    tell(g, one, "{\"type\":\"REFRESH_SESSIONS\",\"data\":{}}");
    assert_heard(
        one, ERROR("RATE_LIMIT",
                   "Messages that are only passed on have at most 1 MiB, and there may be 10 a "
                   "second. This one was not passed on."));
    assert_buf(&g->publisher.link.out, "");
    g->sessions.now_ms += 100;
    tell(g, one, "{\"type\":\"REFRESH_SESSIONS\",\"data\":{}}");
    assert_heard(one, "");
}

static void it_claims_ws_and_nothing_else(void **state)
{
    static const char *const others[] = { "/",   "/ws/",   "/ws/sync", "/ws/pos/kitchen",
                                          "/WS", "/api/ws" };
    struct tw_http_request req = { .method = TW_GET, .path = TW_LIT("/ws") };
    struct gw_hello hello = { .scope = "pos" };

    (void)state;
    assert_true(gw_minipos.claims(&req, &hello));
    assert_null(hello.refusal);
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        req.path = tw_slice_of(others[i]);
        assert_row(!gw_minipos.claims(&req, &hello), others[i]);
    }
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_heartbeat_is_answered_and_an_answer_is_not),
        test(a_tablet_is_called_by_the_first_name_that_it_gives),
        test(each_update_is_one_change_of_the_shared_state),
        test(a_change_may_carry_the_version_that_it_has_seen),
        test(what_is_refused_is_said_and_the_socket_stays),
        test(what_makes_no_sense_is_answered_and_asks_for_nothing),
        test(the_state_comes_whole_and_once_more_inside_itself),
        test(a_tablet_that_has_missed_what_is_no_longer_kept_is_given_the_state),
        test(a_state_that_cannot_be_read_is_refused),
        test(staff_messages_pass_on_to_the_other_tablets_as_they_came),
        test(of_what_is_passed_on_there_may_be_ten_a_second),
        cmocka_unit_test(it_claims_ws_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
