/* cloudsync_test.c - docs/protocols/cloudsync.md sections 1 and 2: which addresses are a
 * device's, what devices say, and what they are answered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/cloudsync.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "gateway/shared_state/device.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define ERROR(code, message)                                                                   \
    "{\"type\":\"error\",\"code\":\"" code "\",\"message\":\"" message                         \
    "\",\"help\":\"/docs/errors#" code "\",\"timestamp\":now}\n"

/* --- Its addresses ---------------------------------------------------------------------------
 */

static bool claims(const char *path, const char *query, struct gw_hello *hello)
{
    struct tw_http_request req = { .method = TW_GET,
                                   .path = tw_slice_of(path),
                                   .query = tw_slice_of(query) };

    *hello = (struct gw_hello){ .scope = "pos" };
    return gw_cloudsync.claims(&req, hello);
}

static void the_query_names_the_device_and_its_restaurant_on_any_of_the_paths(void **state)
{
    static const char *const paths[] = { "/", "/ws", "/ws/sync" };
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(paths); i++) {
        assert_row(
            claims(paths[i], "device_id=pos%201&restaurant_id=kitchen&user_id=eve", &hello),
            paths[i]);
        assert_row(hello.refusal == NULL, paths[i]);
        assert_string_equal(hello.device, "pos 1");
        assert_string_equal(hello.restaurant, "kitchen");
        assert_string_equal(hello.user, "eve");
    }
    assert_false(claims("/ws/pos/kitchen", "device_id=a&restaurant_id=b", &hello));
    assert_false(claims("/ws/sync/", "device_id=a&restaurant_id=b", &hello));
}

static void one_of_the_two_without_the_other_is_a_refusal(void **state)
{
    static const char *const queries[] = { "device_id=a", "restaurant_id=kitchen",
                                           "device_id=&restaurant_id=kitchen" };
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(queries); i++) {
        assert_row(claims("/ws", queries[i], &hello), queries[i]);
        assert_string_equal(hello.refusal, "MISSING_DEVICE");
    }
    assert_true(claims("/", NULL, &hello));
    assert_string_equal(hello.refusal, "MISSING_DEVICE");
    assert_false(claims("/ws", NULL, &hello)); /* it may be a tablet */
}

/* --- What it says ----------------------------------------------------------------------------
 */

static void registering_is_answered_with_the_names_that_the_device_has(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "restaurant_123");

    tell(g, till,
         "{\"type\":\"register\",\"device_id\":\"other\",\"restaurant_id\":\"restaurant_123\","
         "\"user_id\":\"eve\"}");
    assert_heard(till, "{\"type\":\"registered\",\"device_id\":\"pos_1\",\"restaurant_id\":"
                       "\"restaurant_123\",\"timestamp\":now}\n");
    assert_string_equal(gw_device_of(till->session)->user, "eve");
}

static void a_heartbeat_is_answered(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    tell(g, till, "{\"type\":\"heartbeat\"}");
    assert_heard(till, "{\"type\":\"heartbeat_response\",\"device_id\":\"pos_1\","
                       "\"timestamp\":now}\n");
}

static void a_device_speaks_for_its_own_restaurant_however_it_spells_it(void **state)
{
    static const struct {
        const char *said;
        bool is_own;
    } rows[] = {
        { "{\"type\":\"heartbeat\",\"restaurant_id\":\"restaurant_123\"}", true },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":\"kitchen\"}", true },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":\"" KITCHEN_ID "\"}", true },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":"
          "\"69FB5687-044A-48AF-AC0E-D6B817AEC684\"}",
          true },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":null}", true },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":\"bakery\"}", false },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":7}", false },
    };
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "restaurant_123");

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        bool is_refused;

        tell(g, till, rows[i].said);
        is_refused = memmem(till->heard.at, till->heard.len, "PERMISSION_DENIED", 17) != NULL;
        assert_row(is_refused != rows[i].is_own, rows[i].said);
        tw_buf_clear(&till->heard);
    }
}

static void each_update_is_one_change_of_the_shared_state(void **state)
{
    static const struct {
        const char *said, *body;
    } rows[] = {
        { "{\"type\":\"order_update\",\"order_id\":\"o-1\",\"action\":\"created\",\"data\":{"
          "\"id\":\"o-1\",\"total_amount\":25.5}}",
          "{\"kind\":\"orders\",\"action\":\"created\",\"id\":\"o-1\",\"data\":{\"id\":"
          "\"o-1\",\"total_amount\":25.5}}" },
        { "{\"type\":\"menu_update\",\"item_id\":\"m1\",\"action\":\"availability_changed\","
          "\"data\":{\"is_available\":false}}",
          "{\"kind\":\"menu_items\",\"action\":\"availability_changed\",\"id\":\"m1\","
          "\"data\":{\"is_available\":false}}" },
        { "{\"type\":\"inventory_update\",\"item_id\":\"s1\",\"action\":\"stock_changed\","
          "\"data\":{\"current_stock\":5}}",
          "{\"kind\":\"inventory\",\"action\":\"stock_changed\",\"id\":\"s1\",\"data\":{"
          "\"current_stock\":5}}" },
        { "{\"type\":\"table_update\",\"table_id\":7,\"action\":\"occupied\",\"data\":{"
          "\"status\":\"occupied\"}}",
          "{\"kind\":\"tables\",\"action\":\"occupied\",\"id\":\"7\",\"data\":{\"status\":"
          "\"occupied\"}}" },
        { "{\"type\":\"printer_update\",\"printer_id\":\"p1\",\"action\":\"removed\"}",
          "{\"kind\":\"printers\",\"action\":\"removed\",\"id\":\"p1\",\"data\":{}}" },
        { "{\"type\":\"data_change\",\"data_type\":\"tables\",\"action\":\"reserved\","
          "\"data\":{\"id\":\"t1\",\"status\":\"reserved\"},\"change_id\":\"1767_t1\","
          "\"version\":3}",
          "{\"kind\":\"tables\",\"action\":\"reserved\",\"id\":\"t1\",\"changeId\":"
          "\"1767_t1\",\"version\":3,\"data\":{\"id\":\"t1\",\"status\":\"reserved\"}}" },
        /* whose id nobody gave: refused by the operation */
        { "{\"type\":\"data_change\",\"data_type\":\"users\",\"action\":\"updated\",\"data\":{"
          "\"name\":\"Eve\"}}",
          "{\"kind\":\"users\",\"action\":\"updated\",\"data\":{\"name\":\"Eve\"}}" },
    };
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");
    struct tw_buf want = { .max = 1000 };

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tw_buf_clear(&want);
        tw_buf_text(&want, "{\"dialect\":\"cloudsync\",\"changes\":[");
        tw_buf_text(&want, rows[i].body);
        tw_buf_append(&want, tw_slice_from("]}", 3));
        tell(g, till, rows[i].said);
        assert_operation(&g->pool, "shared_state_change", want.at);
        assert_slice(operation_context(&g->pool, "device"), "\"pos_1\"");
        answer_operation(&g->pool, "200", "{\"status\":\"success\",\"seq\":17}");
        assert_heard(till, ""); /* the others hear it */
    }
    tw_buf_done(&want);
}

static void the_user_id_of_a_user_update_is_the_senders(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    tell(g, till,
         "{\"type\":\"user_update\",\"user_id\":\"u1\",\"action\":\"role_changed\",\"data\":{"
         "\"id\":\"u7\",\"role\":\"manager\"}}");
    assert_operation(&g->pool, "shared_state_change",
                     "{\"dialect\":\"cloudsync\",\"changes\":[{\"kind\":\"users\",\"action\":"
                     "\"role_changed\",\"id\":\"u7\",\"userId\":\"u1\",\"data\":{\"id\":"
                     "\"u7\",\"role\":\"manager\"}}]}");
    answer_operation(&g->pool, "200", "{\"status\":\"success\",\"seq\":17}");
    tell(g, till,
         "{\"type\":\"user_update\",\"user_id\":\"u1\",\"action\":\"deleted\",\"data\":{}}");
    assert_operation(&g->pool, "shared_state_change", /* which refuses it: it names no row */
                     "{\"dialect\":\"cloudsync\",\"changes\":[{\"kind\":\"users\",\"action\":"
                     "\"deleted\",\"userId\":\"u1\",\"data\":{}}]}");
}

static void
a_change_says_who_did_it_and_it_is_the_last_user_of_whom_the_device_has_told(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    tell(g, till, "{\"type\":\"user_changed\",\"user_id\":\"eve\"}");
    assert_heard(till, "");
    assert_string_equal(gw_device_of(till->session)->user, "eve");
    tell(g, till, "{\"type\":\"table_update\",\"table_id\":\"t1\",\"action\":\"occupied\"}");
    assert_operation(&g->pool, "shared_state_change",
                     "{\"dialect\":\"cloudsync\",\"changes\":[{\"kind\":\"tables\",\"action\":"
                     "\"occupied\",\"id\":\"t1\",\"userId\":\"eve\",\"data\":{}}]}");
}

/* Redis has a bound for all restaurants together. */
static void so_much_is_passed_on_and_no_more(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    for (int i = 0; i < 100; i++)
        tell(g, till, "{\"type\":\"data_change\",\"data_type\":\"weather\",\"data\":{}}");
    assert_heard(till, "");
    tell(g, till, "{\"type\":\"data_change\",\"data_type\":\"weather\",\"data\":{}}");
    assert_heard(
        till, "{\"type\":\"error\",\"code\":\"RATE_LIMIT\",\"message\":\"Messages that are "
              "only passed on have at most 1 MiB, and there may be 10 a second. This one "
              "was not passed on.\",\"help\":\"/docs/errors#RATE_LIMIT\",\"timestamp\":now}\n");
}

static void what_is_refused_is_said_with_the_request_that_it_was(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    tell(g, till,
         "{\"type\":\"table_update\",\"table_id\":\"t1\",\"action\":\"updated\",\"data\":{}}");
    answer_operation(&g->pool, "409",
                     "{\"error\":{\"code\":\"STALE_VERSION\",\"message\":\"Look again.\","
                     "\"details\":{\"fields\":[\"seats\"]}}}");
    assert_heard(till,
                 "{\"type\":\"error\",\"code\":\"STALE_VERSION\",\"message\":\"Look again.\","
                 "\"details\":{\"fields\":[\"seats\"]},\"request\":\"table_update\","
                 "\"timestamp\":now}\n");
    tell(g, till,
         "{\"type\":\"data_change\",\"data_type\":\"tables\",\"action\":\"updated\",\"data\":{"
         "\"id\":\"t1\"}}");
    fake_pool_fail(&g->pool, TW_EFULL, "");
    assert_heard(till, "{\"type\":\"error\",\"code\":\"OVERLOADED\",\"message\":\"There is "
                       "too much to do right now; nothing was done. Try again.\","
                       "\"help\":\"/docs/errors#OVERLOADED\",\"request\":"
                       "\"data_change\",\"timestamp\":now}\n");
    assert_int_equal(till->close_code, 0);
}

static void what_makes_no_sense_is_answered_and_asks_for_nothing(void **state)
{
    static const struct {
        const char *said, *heard;
    } rows[] = {
        { "{nope", ERROR("INVALID_JSON", "The message is not acceptable JSON.") },
        { "[]", ERROR("INVALID_MESSAGE", "A message is a JSON object with a \\\"type\\\".") },
        { "{\"type\":\"nope\"}", ERROR("UNKNOWN_TYPE", "This message type is not known.") },
        { "{\"type\":\"data_change\",\"data\":{}}",
          ERROR("UNKNOWN_TYPE",
                "A \\\"data_change\\\" says of what: send its \\\"data_type\\\".") },
        { "{\"type\":\"table_update\",\"table_id\":\"t1\",\"data\":{\"id\":\"t2\"}}",
          ERROR("VALIDATION_ERROR", "The message names one row, and \\\"data.id\\\" another. "
                                    "Send the same id.") },
        { "{\"type\":\"table_update\",\"table_id\":\"t1\",\"data\":\"text\"}",
          ERROR("VALIDATION_ERROR", "\\\"data\\\" must be an object.") },
        { "{\"type\":\"heartbeat\",\"restaurant_id\":\"bakery\"}",
          ERROR("PERMISSION_DENIED", "This device is connected for another restaurant.") },
    };
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tell(g, till, rows[i].said);
        assert_heard(till, rows[i].heard);
        assert_row(fake_pool_count(&g->pool) == 0, rows[i].said);
    }
    assert_int_equal(till->close_code, 0);
}

static void a_device_that_has_missed_what_is_no_longer_kept_must_connect_again(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    till->session->next_seq = 3;
    gw_session_give_up(till->session, 2, 9);
    assert_int_equal(till->close_code, GW_CLOSE_TRY_AGAIN);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_query_names_the_device_and_its_restaurant_on_any_of_the_paths),
        cmocka_unit_test(one_of_the_two_without_the_other_is_a_refusal),
        test(registering_is_answered_with_the_names_that_the_device_has),
        test(a_heartbeat_is_answered),
        test(a_device_speaks_for_its_own_restaurant_however_it_spells_it),
        test(each_update_is_one_change_of_the_shared_state),
        test(the_user_id_of_a_user_update_is_the_senders),
        test(a_change_says_who_did_it_and_it_is_the_last_user_of_whom_the_device_has_told),
        test(so_much_is_passed_on_and_no_more),
        test(what_is_refused_is_said_with_the_request_that_it_was),
        test(what_makes_no_sense_is_answered_and_asks_for_nothing),
        test(a_device_that_has_missed_what_is_no_longer_kept_must_connect_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
