/* request_log_test.c - which requests are written down, and what of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/request_log.h"

#include <string.h>

#include "api/routes.h"
#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "test/unit/support/check.h"

#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
#define TENANT "69fb5687-044a-48af-ac0e-d6b817aec684"

/* As if an earlier batch were under way: rows gather. */
static void start(struct api_request_log *log)
{
    *log = (struct api_request_log){ .is_sending = true };
    api_request_log_start(log, &(struct api_request_log_options){ .instance = "a1" });
}

static const struct api_route *route_of(const char *operation)
{
    for (size_t i = 0; i < api_route_count; i++)
        if (api_routes[i].operation != NULL && strcmp(api_routes[i].operation, operation) == 0)
            return &api_routes[i];
    fail_msg("no route for %s", operation);
    return NULL;
}

static struct api_request_row row_of(const char *operation, int status)
{
    return (struct api_request_row){ .route = route_of(operation),
                                     .tenant = TW_LIT(TENANT),
                                     .request_id = TW_LIT("r-1"),
                                     .status = status,
                                     .took_us = 7900 };
}

static void check_member(struct tw_slice row, const char *name, const char *want)
{
    struct tw_slice raw = { NULL, 0 };

    assert_row(tw_json_get(row, name, &raw) == (want != NULL), name);
    if (want != NULL)
        assert_slice(raw, want);
}

static void a_row_has_what_happened_and_no_secret(void **state)
{
    struct api_request_row row = row_of("gift_card_deduct", 400);
    struct api_request_log log;
    struct tw_json_fault fault;
    size_t len;

    (void)state;
    start(&log);
    row.context = TW_LIT("{\"attempt\":\"x\",\"device\":\"till "
                         "\\\"1\\\"\",\"tenant\":\"kitchen\",\"path\":{\"cardNumber\":"
                         "\"GC-1000000001\"},\"query\":{}}");
    row.code = TW_LIT("INSUFFICIENT_BALANCE");
    row.body = TW_LIT("{\"amount\":25,\"note\":\"Ada\"}");
    api_request_log_add(&log, &row);
    check_member(tw_buf_view(&log.first), "tenant", "\"" TENANT "\"");
    check_member(tw_buf_view(&log.first), "slug", "\"kitchen\"");
    check_member(tw_buf_view(&log.first), "device", "\"till \\\"1\\\"\"");
    check_member(tw_buf_view(&log.first), "method", "\"POST\"");
    check_member(tw_buf_view(&log.first), "path",
                 "\"/api/kitchen/gift-cards/" DOTS "0001/deduct\"");
    check_member(tw_buf_view(&log.first), "status", "400");
    check_member(tw_buf_view(&log.first), "code", "\"INSUFFICIENT_BALANCE\"");
    check_member(tw_buf_view(&log.first), "ms", "7");
    check_member(tw_buf_view(&log.first), "body",
                 "\"{\\\"amount\\\":25,\\\"note\\\":\\\"" DOTS "\\\"}\"");
    check_member(tw_buf_view(&log.first), "key", NULL);
    len = log.first.len;
    assert_int_equal(tw_json_scan(log.first.at, &len, &tw_json_narrow, &fault), '{');
    api_request_log_done(&log);
}

/* One that was given up while its context was made has no more than its route. */
static void half_a_context_is_not_read(void **state)
{
    struct api_request_row row = row_of("gift_card_deduct", 400);
    struct api_request_log log;

    (void)state;
    start(&log);
    row.context = TW_LIT("{\"attempt\":\"x\",\"tenant\":\"kitchen\"");
    api_request_log_add(&log, &row);
    check_member(tw_buf_view(&log.first), "slug", NULL);
    check_member(tw_buf_view(&log.first), "path", "\"/api//gift-cards/" DOTS "/deduct\"");
    api_request_log_done(&log);
}

static void reads_that_succeed_make_room_for_what_fails_or_changes(void **state)
{
    struct api_request_row good = row_of("orders_pending", 200),
                           bad = row_of("orders_pending", 503),
                           change = row_of("order_create", 201);
    struct api_request_log log;

    (void)state;
    start(&log);
    for (int i = 0; i < API_LOGGED_PER_SECOND + 50; i++)
        api_request_log_add(&log, &good);
    assert_int_equal(log.others_count, API_LOGGED_PER_SECOND);
    assert_int_equal(log.dropped.value, 50);
    assert_int_equal(log.left_out[0].count, 50);
    assert_string_equal(log.left_out[0].tenant, TENANT);
    for (int i = 0; i < API_LOGGED_PER_SECOND; i++)
        api_request_log_add(&log, i % 2 == 0 ? &bad : &change);
    assert_int_equal(log.first_count, API_LOGGED_PER_SECOND);
    assert_int_equal(log.dropped.value, 50);
    api_request_log_add(&log, &bad);
    assert_int_equal(log.dropped.value, 51);
    api_request_log_done(&log);
}

static void a_console_that_polls_and_health_are_no_news(void **state)
{
    static const struct {
        const char *operation;
        int status;
        bool is_kept;
    } rows[] = {
        { "console_now", 200, false },
        { "console_now", 403, true },
        { "health", 200, false },
        { "health", 401, true },
        { "console_key_create", 201, true },
        { "events_list", 200, true },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct api_request_row row = row_of(rows[i].operation, rows[i].status);
        struct api_request_log log;

        start(&log);
        api_request_log_add(&log, &row);
        assert_row((log.first_count + log.others_count == 1) == rows[i].is_kept,
                   rows[i].operation);
        api_request_log_done(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_what_happened_and_no_secret),
        cmocka_unit_test(half_a_context_is_not_read),
        cmocka_unit_test(reads_that_succeed_make_room_for_what_fails_or_changes),
        cmocka_unit_test(a_console_that_polls_and_health_are_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
