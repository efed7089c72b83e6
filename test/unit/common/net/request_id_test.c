/* request_id_test.c - the id that a request is known by.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/request_id.h"

#include "common/net/http_message.h"
#include "common/util/base.h"
#include "test/unit/support/check.h"

static void id_for(struct tw_slice given, char out[TW_REQUEST_ID])
{
    struct tw_http_request req = { .method = TW_GET };

    if (given.at != NULL)
        req.headers[req.header_count++] =
            (struct tw_http_header){ TW_LIT("x-request-ID"), given };
    memset(out, '#', TW_REQUEST_ID);
    tw_request_id(&req, out);
}

static void a_client_s_own_id_is_kept_when_it_is_harmless(void **state)
{
    static const char *const good[] = {
        "a", "0", "69fb5687-044a-48af-ac0e-d6b817aec684", "Till_1.2026-01-05",
        "0123456789012345678901234567890123456789012345678901234567890123"
    };
    char id[TW_REQUEST_ID];

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        id_for(tw_slice_of(good[i]), id);
        assert_string_equal(id, good[i]);
    }
}

static void any_other_is_replaced_by_a_new_one(void **state)
{
    static const char *const bad[] = { "",
                                       "a b",
                                       "a\"b",
                                       "a/b",
                                       "a:b",
                                       "caf\xc3\xa9",
                                       "a\n",
                                       "{}",
                                       ("01234567890123456789012345678901234567890123456789"
                                        "012345678901234") };
    char id[TW_REQUEST_ID], before[TW_REQUEST_ID] = "";

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        id_for(tw_slice_of(bad[i]), id);
        assert_row(strlen(id) == 24 && strspn(id, "0123456789abcdef") == 24, bad[i]);
        assert_string_not_equal(id, before);
        memcpy(before, id, sizeof(before));
    }
    id_for(TW_EMPTY, id);
    assert_int_equal(strspn(id, "0123456789abcdef"), 24);
}

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN_ID "00f067aa0ba902b7"

static struct tw_slice trace_for(struct tw_http_request *req, const char *given)
{
    *req = (struct tw_http_request){ .method = TW_GET };
    req->headers[req->header_count++] =
        (struct tw_http_header){ TW_LIT("Traceparent"), tw_slice_of(given) };
    return tw_request_trace(req);
}

static void a_trace_is_taken_when_it_has_its_form(void **state)
{
    static const char *const good[] = { "00-" TRACE_ID "-" SPAN_ID "-01",
                                        "00-" TRACE_ID "-" SPAN_ID "-00",
                                        "cc-" TRACE_ID "-" SPAN_ID "-01",
                                        "cc-" TRACE_ID "-" SPAN_ID "-01-more" };
    struct tw_http_request req = { .method = TW_GET };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        struct tw_slice trace = trace_for(&req, good[i]);

        assert_row(trace.len == 55 && memcmp(trace.at, good[i], 55) == 0, good[i]);
    }
    req = (struct tw_http_request){ .method = TW_GET };
    assert_int_equal(tw_request_trace(&req).len, 0);
}

static void any_other_trace_is_left_out(void **state)
{
    static const char *const bad[] = { "",
                                       "00",
                                       "00-" TRACE_ID "-" SPAN_ID "-0",
                                       "00-" TRACE_ID "-" SPAN_ID "-0g",
                                       "00-" TRACE_ID "_" SPAN_ID "-01",
                                       "00-" TRACE_ID "-" SPAN_ID "-01-more",
                                       "cc-" TRACE_ID "-" SPAN_ID "-01more",
                                       "ff-" TRACE_ID "-" SPAN_ID "-01",
                                       "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_ID "-01",
                                       "00-00000000000000000000000000000000-" SPAN_ID "-01",
                                       "00-" TRACE_ID "-0000000000000000-01" };
    struct tw_http_request req;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(trace_for(&req, bad[i]).len == 0, bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_s_own_id_is_kept_when_it_is_harmless),
        cmocka_unit_test(any_other_is_replaced_by_a_new_one),
        cmocka_unit_test(a_trace_is_taken_when_it_has_its_form),
        cmocka_unit_test(any_other_trace_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
