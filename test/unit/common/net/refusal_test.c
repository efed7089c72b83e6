/* refusal_test.c - what clients are told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/refusal.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

/* Every code that the C side speaks, with the status that the contract gives it. */
static const struct {
    const char *code;
    int status;
} rows[] = {
    { "BAD_REQUEST", 400 },      { "DUPLICATE_HEADER", 400 },
    { "HTTP_VERSION", 505 },     { "EXPECTATION_FAILED", 417 },
    { "URI_TOO_LONG", 414 },     { "HEADERS_TOO_LARGE", 431 },
    { "BODY_TOO_LARGE", 413 },   { "REQUEST_TIMEOUT", 408 },
    { "INVALID_ENCODING", 400 }, { "INVALID_JSON", 400 },
    { "DUPLICATE_FIELD", 400 },  { "UNSUPPORTED_MEDIA_TYPE", 415 },
    { "NOT_FOUND", 404 },        { "METHOD_NOT_ALLOWED", 405 },
    { "MISSING_TENANT", 400 },   { "INVALID_TENANT", 400 },
    { "INVALID_HEADER", 400 },   { "UNAUTHORIZED", 401 },
    { "RATE_LIMITED", 429 },     { "BUSY", 503 },
    { "UNAVAILABLE", 503 },      { "OVERLOADED", 503 },
    { "OUTCOME_UNKNOWN", 500 },  { "DRAINING", 503 },
    { "UPGRADE_REQUIRED", 426 }, { "BAD_HANDSHAKE", 400 },
    { "INVALID_TICKET", 401 },   { "ORIGIN_NOT_ALLOWED", 403 },
    { "INTERNAL", 500 },
};

static void every_code_has_a_row_with_the_contract_s_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        const struct tw_refusal *r = tw_refusal_of(rows[i].code);

        assert_string_equal(r->code, rows[i].code);
        assert_int_equal(r->status, rows[i].status);
        assert_true(strlen(r->message) > 10);
        assert_string_not_equal(tw_http_reason(r->status), "Unknown");
    }
}

static void an_unknown_code_is_a_bug_of_ours(void **state)
{
    (void)state;
    assert_string_equal(tw_refusal_of("NO_SUCH_CODE")->code, "INTERNAL");
    assert_int_equal(tw_refusal_of("")->status, 500);
}

static void the_body_has_the_shape_of_the_contract(void **state)
{
    static const struct tw_refusal row = { "CODE", 400, "Say \"it\" again." };
    struct tw_buf out = { .max = 1000 };

    (void)state;
    tw_refusal_body(&out, &row, TW_EMPTY, TW_LIT("r-1"));
    assert_buf(&out, "{\"success\":false,\"error\":{\"code\":\"CODE\","
                     "\"message\":\"Say \\\"it\\\" again.\","
                     "\"help\":\"/docs/errors#CODE\"},"
                     "\"message\":\"Say \\\"it\\\" again.\",\"requestId\":\"r-1\"}");
    tw_buf_done(&out);
}

static void a_message_of_the_caller_s_replaces_the_row_s(void **state)
{
    struct tw_buf out = { .max = 1000 };

    (void)state;
    tw_refusal_body(&out, tw_refusal_of("INVALID_JSON"), TW_LIT("At byte 7."), TW_EMPTY);
    assert_buf(&out, "{\"success\":false,\"error\":{\"code\":\"INVALID_JSON\","
                     "\"message\":\"At byte 7.\",\"help\":\"/docs/errors#INVALID_JSON\"},"
                     "\"message\":\"At byte 7.\"}");
    tw_buf_done(&out);
}

static void check_headers(int status, const char *name)
{
    struct tw_http_response res = { 0 };

    tw_refusal_head(&res, status);
    assert_int_equal(res.status, status);
    assert_string_equal(res.content_type, "application/json");
    assert_int_equal(res.extra_count, name == NULL ? 0 : 1);
    if (name != NULL) {
        assert_slice(res.extra[0].name, name);
        assert_true(res.extra[0].value.len > 0);
    }
}

static void some_statuses_must_have_a_header_of_their_own(void **state)
{
    (void)state;
    check_headers(400, NULL);
    check_headers(401, "WWW-Authenticate");
    check_headers(403, NULL);
    check_headers(429, "Retry-After");
    check_headers(500, NULL);
    check_headers(503, "Retry-After");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_row_with_the_contract_s_status),
        cmocka_unit_test(an_unknown_code_is_a_bug_of_ours),
        cmocka_unit_test(the_body_has_the_shape_of_the_contract),
        cmocka_unit_test(a_message_of_the_caller_s_replaces_the_row_s),
        cmocka_unit_test(some_statuses_must_have_a_header_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
