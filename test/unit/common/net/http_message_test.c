/* http_message_test.c - looking things up in requests, writing responses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_message.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

static struct tw_http_request request_with(const struct tw_http_header *headers, size_t n)
{
    struct tw_http_request req = { .method = TW_GET };

    for (size_t i = 0; i < n; i++)
        req.headers[req.header_count++] = headers[i];
    return req;
}

static const struct tw_http_header some[] = {
    { { "Host", 4 }, { "a", 1 } },
    { { "X-API-Key", 9 }, { "pos_1", 5 } },
    { { "Connection", 10 }, { "keep-alive, Upgrade", 19 } },
    { { "connection", 10 }, { "x ,\t TE ", 8 } },
    { { "X-Empty", 7 }, { NULL, 0 } },
    { { "x-api-key", 9 }, { "second", 6 } },
};

static void a_header_is_found_whatever_its_case_and_the_first_counts(void **state)
{
    struct tw_http_request req = request_with(some, TW_COUNT(some));

    (void)state;
    assert_slice(tw_http_header(&req, "x-api-key"), "pos_1");
    assert_slice(tw_http_header(&req, "HOST"), "a");
    assert_true(tw_http_has_header(&req, "x-empty"));
    assert_int_equal(tw_http_header(&req, "x-empty").len, 0);
    assert_false(tw_http_has_header(&req, "x-api"));
    assert_false(tw_http_has_header(&req, "x-api-key2"));
    assert_null(tw_http_header(&req, "absent").at);
}

static void a_token_is_found_in_all_headers_of_the_name(void **state)
{
    struct tw_http_request req = request_with(some, TW_COUNT(some));

    (void)state;
    assert_true(tw_http_header_has(&req, "connection", "upgrade"));
    assert_true(tw_http_header_has(&req, "Connection", "KEEP-ALIVE"));
    assert_true(tw_http_header_has(&req, "connection", "te"));
    assert_true(tw_http_header_has(&req, "connection", "x"));
    assert_false(tw_http_header_has(&req, "connection", "keep"));
    assert_false(tw_http_header_has(&req, "connection", "alive"));
    assert_false(tw_http_header_has(&req, "host", "upgrade"));
    assert_false(tw_http_header_has(&req, "absent", "upgrade"));
}

static const struct {
    const char *query, *name;
    int found;
    const char *value;
} queries[] = {
    { "tenant=kitchen", "tenant", 1, "kitchen" },
    { "a=1&tenant=kitchen&b=2", "tenant", 1, "kitchen" },
    { "tenant=a&tenant=b", "tenant", 1, "a" },
    { "since=2025-10-10T00%3A00%3A00%2B01:00", "since", 1, "2025-10-10T00:00:00+01:00" },
    { "q=a+b%20c", "q", 1, "a b c" },
    { "q=", "q", 1, "" },
    { "q", "q", 1, "" },
    { "q=a=b", "q", 1, "a=b" },
    { "&&q=1&", "q", 1, "1" },
    { "qq=1", "q", 0, "" },
    { "Q=1", "q", 0, "" },
    { "", "q", 0, "" },
    { "a=q", "q", 0, "" },
    { "q=%", "q", TW_ESYNTAX, NULL },
    { "q=%00", "q", TW_ESYNTAX, NULL },
    { "q=%ff", "q", TW_ESYNTAX, NULL },
    { "a=%&q=1", "q", 1, "1" }, /* the others are nobody's business */
};

static void a_query_s_value_is_decoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(queries); i++) {
        struct tw_http_request req = { .query = tw_slice_of(queries[i].query) };
        struct tw_buf out = { .max = 100 };

        assert_row(tw_http_query(&req, queries[i].name, &out) == queries[i].found,
                   queries[i].query);
        if (queries[i].value != NULL)
            assert_buf(&out, queries[i].value);
        tw_buf_done(&out);
    }
}

static void a_request_without_a_query_has_no_parameters(void **state)
{
    struct tw_http_request req = { .method = TW_GET };
    struct tw_buf out = { .max = 100 };

    (void)state;
    assert_int_equal(tw_http_query(&req, "q", &out), 0);
    tw_buf_done(&out);
}

static void every_method_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(tw_http_method_name(TW_GET), "GET");
    assert_string_equal(tw_http_method_name(TW_HEAD), "HEAD");
    assert_string_equal(tw_http_method_name(TW_POST), "POST");
    assert_string_equal(tw_http_method_name(TW_PUT), "PUT");
    assert_string_equal(tw_http_method_name(TW_PATCH), "PATCH");
    assert_string_equal(tw_http_method_name(TW_DELETE), "DELETE");
    assert_string_equal(tw_http_method_name(TW_OPTIONS), "OPTIONS");
    assert_non_null(tw_http_method_name(TW_OTHER_METHOD));
}

static void every_status_has_a_reason(void **state)
{
    (void)state;
    assert_string_equal(tw_http_reason(200), "OK");
    assert_string_equal(tw_http_reason(404), "Not Found");
    assert_string_equal(tw_http_reason(431), "Request Header Fields Too Large");
    assert_non_null(tw_http_reason(799));
}

/* What is written, with the moment taken out of its Date. */
static void check_written(const struct tw_http_response *res, bool is_head, bool keeps_alive,
                          const char *want)
{
    static const char form[] = "Date: Mon, 05 Jan 2026 18:00:02 GMT\r\n";
    struct tw_buf out = { .max = 10000 }, rest = { .max = 10000 };
    const char *date;
    size_t before;

    tw_http_write(&out, res, 0, is_head, keeps_alive);
    assert_false(out.failed);
    date = memmem(out.at, out.len, "Date: ", 6);
    assert_non_null(date);
    before = (size_t)(date - out.at);
    assert_int_equal(date[sizeof(form) - 3], '\r');
    tw_buf_append(&rest, tw_slice_from(out.at, before));
    tw_buf_append(&rest, tw_slice_skip(tw_buf_view(&out), before + sizeof(form) - 1));
    assert_buf(&rest, want);
    tw_buf_done(&out);
    tw_buf_done(&rest);
}

static void an_answer_is_written_completely(void **state)
{
    struct tw_http_response res = { .status = 200, .content_type = "application/json" };

    (void)state;
    res.body = TW_LIT("{\"a\":1}");
    tw_http_add(&res, "X-Request-Id", TW_LIT("r1"));
    tw_http_add(&res, "Allow", TW_LIT("GET"));
    check_written(&res, false, true,
                  "HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\nAllow: GET\r\n"
                  "Content-Type: application/json\r\nContent-Length: 7\r\n"
                  "Connection: keep-alive\r\n\r\n{\"a\":1}");
    check_written(&res, true, false, /* HEAD: the length of what GET would get, and no body */
                  "HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\nAllow: GET\r\n"
                  "Content-Type: application/json\r\nContent-Length: 7\r\n"
                  "Connection: close\r\n\r\n");
}

static void an_answer_without_a_body_has_length_0_or_none(void **state)
{
    struct tw_http_response none = { .status = 204 }, empty = { .status = 404 };
    struct tw_http_response switching = { .status = 101 };

    (void)state;
    check_written(&none, false, true,
                  "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
    check_written(
        &empty, false, true,
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    tw_http_add(&switching, "Connection", TW_LIT("Upgrade"));
    check_written(&switching, false, true,
                  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n");
}

static void an_answer_that_names_an_upgrade_says_so_in_connection(void **state)
{
    struct tw_http_response res = { .status = 426 };

    (void)state; /* RFC 9110 section 7.8 */
    tw_http_add(&res, "Upgrade", TW_LIT("websocket"));
    check_written(&res, false, true,
                  "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
                  "Connection: upgrade\r\n\r\n");
    check_written(&res, false, false,
                  "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
                  "Connection: upgrade, close\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_found_whatever_its_case_and_the_first_counts),
        cmocka_unit_test(a_token_is_found_in_all_headers_of_the_name),
        cmocka_unit_test(a_query_s_value_is_decoded),
        cmocka_unit_test(a_request_without_a_query_has_no_parameters),
        cmocka_unit_test(every_method_has_its_name),
        cmocka_unit_test(every_status_has_a_reason),
        cmocka_unit_test(an_answer_is_written_completely),
        cmocka_unit_test(an_answer_without_a_body_has_length_0_or_none),
        cmocka_unit_test(an_answer_that_names_an_upgrade_says_so_in_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
