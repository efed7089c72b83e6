/* answer_test.c - the headers of an answer, its CORS, and refusals in the form of each family
 * of clients.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"

#include <stdio.h>
#include <string.h>

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"
#include "test/unit/support/http_site.h"

struct fixture {
    struct site *site;
    struct api_answers answers;
    enum api_manner manner;
    void (*reply)(struct api_reply *r);
    struct end *client;
};

static struct fixture *now; /* the handler has no other way to find it */

static void handle(struct tw_http_server *server, struct tw_http_conn *conn,
                   struct tw_http_request *req)
{
    struct api_reply reply;

    (void)server;
    api_reply_init(&reply, &now->answers, conn, req);
    reply.manner = now->manner;
    now->reply(&reply);
    assert_null(reply.conn);
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->site = site_new();
    f->site->http.handle = handle;
    api_answers_start(&f->answers, &(struct api_answers_options){
                                       .origins = TW_LIT("https://shop.example") });
    f->client = site_visit(f->site);
    *state = now = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    end_close(f->client);
    site_free(f->site);
    free(f);
    return 0;
}

/* What the client reads when `reply` answers it; `headers` are further lines of its request. */
static void ask(struct fixture *f, void (*reply)(struct api_reply *r), const char *headers)
{
    f->reply = reply;
    end_say(f->client, "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: r-1\r\n");
    end_say(f->client, headers);
    end_say(f->client, "\r\n");
    await(f->site->loop, end_has(f->client, "}") || end_has(f->client, " 204 "));
}

static void reply_ok(struct api_reply *r)
{
    api_reply_send(r, 200, TW_LIT("{\"a\":1}"), false);
}

static void reply_replayed(struct api_reply *r)
{
    api_reply_send(r, 201, TW_LIT("{\"a\":1}"), true);
}

static void reply_conflict(struct api_reply *r)
{
    api_reply_send(r, 409, TW_LIT("{\"code\":\"STALE_VERSION\"}"), false);
}

static void reply_refusal(struct api_reply *r)
{
    api_reply_refuse(r, "RATE_LIMITED", TW_EMPTY);
}

static void reply_limited(struct api_reply *r)
{
    r->allowance = (struct api_allowance){
        .key = { .rate = { 10, 25 }, .left = 0, .full_in_ms = 2501 },
        .tenant = { .rate = { 100, 1000 }, .left = 7, .full_in_ms = 10 },
        .again_in_ms = 1200,
    };
    api_reply_refuse(r, "RATE_LIMITED", TW_EMPTY);
}

static void reply_with_message(struct api_reply *r)
{
    api_reply_refuse(r, "INVALID_JSON", TW_LIT("At byte 7."));
}

static void reply_methods(struct api_reply *r)
{
    api_reply_methods(r, TW_POST, "GET, HEAD, OPTIONS");
}

static void reply_options(struct api_reply *r)
{
    api_reply_methods(r, TW_OPTIONS, "GET, HEAD, OPTIONS");
}

/* Of no route, with this status. */
static uint64_t answered(const struct fixture *f, const char *status)
{
    char labels[TW_METRIC_LABELS], want[TW_METRIC_LABELS];
    size_t i = 0;

    (void)snprintf(want, sizeof(want), "route=\"none\",method=\"none\",status=\"%s\"", status);
    while (api_answers_metrics.labels_of(i, labels) && strcmp(labels, want) != 0)
        i++;
    assert_true(i < TW_COUNT(f->answers.answered));
    return f->answers.answered[i].value;
}

static void each_route_method_and_status_has_a_number(void **state)
{
    char labels[TW_METRIC_LABELS];
    size_t i = 0, last = TW_COUNT(((struct api_answers *)0)->answered) - 1;

    (void)state;
    while (api_answers_metrics.labels_of(i, labels))
        i++;
    assert_int_equal(i, last + 1);
    assert_true(api_answers_metrics.labels_of(API_STATUSES, labels));
    assert_string_equal(labels, "route=\"/health\",method=\"GET\",status=\"200\"");
    assert_true(api_answers_metrics.labels_of(last, labels));
    assert_string_equal(
        labels, "route=\"/api/{tenant}/import/{kind}\",method=\"POST\",status=\"other\"");
}

static void an_answer_names_its_request_and_may_not_be_stored(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_ok, "");
    assert_true(end_has(f->client, "HTTP/1.1 200 OK\r\n"));
    assert_true(end_has(f->client, "\r\nX-Request-Id: r-1\r\n"));
    assert_true(end_has(f->client, "\r\nCache-Control: no-store\r\n"));
    assert_false(end_has(f->client, "Access-Control"));
    assert_true(end_has(f->client, "\r\n\r\n{\"a\":1}"));
    assert_int_equal(answered(f, "200"), 1);
    assert_int_equal(tw_histogram_count(&f->answers.seconds[0]), 1);
}

static void a_repeated_answer_says_so(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_replayed, "");
    assert_true(end_has(f->client, "\r\nIdempotent-Replayed: true\r\n"));
}

static void an_allowed_page_may_read_the_answer(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_ok, "Origin: https://shop.example\r\n");
    assert_true(
        end_has(f->client, "\r\nAccess-Control-Allow-Origin: https://shop.example\r\n"));
    assert_true(end_has(f->client, "\r\nAccess-Control-Expose-Headers: X-Request-Id, "));
}

static void another_page_may_not_read_the_answer(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_ok, "Origin: https://evil.example\r\n");
    assert_false(end_has(f->client, "Access-Control-Allow-Origin"));
}

static void a_refusal_has_the_status_and_sentence_of_its_code(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_refusal, "");
    assert_true(end_has(f->client, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_true(end_has(f->client, "\r\nRetry-After: "));
    assert_true(end_has(f->client, "RATE_LIMITED"));
    assert_true(end_has(f->client, "r-1"));
    assert_int_equal(answered(f, "429"), 1);
}

static void a_counted_client_is_told_its_limits_and_when_to_come_again(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_limited, "Origin: https://shop.example\r\n");
    assert_true(end_has(f->client, "\r\nRateLimit-Policy: \"key\";q=25;w=3, "
                                   "\"tenant\";q=1000;w=10\r\n"));
    assert_true(end_has(f->client, "\r\nRateLimit: \"key\";r=0;t=3, \"tenant\";r=7;t=1\r\n"));
    assert_true(end_has(f->client, "\r\nRetry-After: 2\r\n"));
    assert_true(end_has(f->client, "RateLimit, RateLimit-Policy\r\n")); /* a page may read it */
}

static void one_that_is_not_counted_is_told_no_limits(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_refusal, "");
    assert_false(end_has(f->client, "RateLimit"));
    assert_true(end_has(f->client, "\r\nRetry-After: 1\r\n"));
}

static void a_message_of_its_own_replaces_the_sentence(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_with_message, "");
    assert_true(end_has(f->client, "At byte 7."));
}

static void a_device_reads_status_error_and_400_for_a_conflict(void **state)
{
    struct fixture *f = *state;

    f->manner = API_DEVICE;
    ask(f, reply_conflict, "");
    assert_true(end_has(f->client, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(end_has(f->client, "{\"status\":\"error\",\"code\":\"STALE_VERSION\"}"));
}

static void a_device_reads_an_answer_that_is_no_refusal_unchanged(void **state)
{
    struct fixture *f = *state;

    f->manner = API_DEVICE;
    ask(f, reply_ok, "");
    assert_true(end_has(f->client, "\r\n\r\n{\"a\":1}"));
}

static void a_missing_method_is_405_with_the_allowed_ones(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_methods, "");
    assert_true(end_has(f->client, "HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_true(end_has(f->client, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    assert_true(end_has(f->client, "METHOD_NOT_ALLOWED"));
}

static void a_preflight_is_told_methods_and_headers(void **state)
{
    struct fixture *f = *state;

    ask(f, reply_options, "Origin: https://shop.example\r\n");
    assert_true(end_has(f->client, "HTTP/1.1 204 No Content\r\n"));
    assert_true(end_has(f->client, "\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"));
    assert_true(end_has(f->client, "X-API-Key"));
}

static void nothing_is_sent_once_the_client_has_left(void **state)
{
    struct fixture *f = *state;
    struct api_reply reply = { .all = &f->answers, .conn = NULL };

    reply_ok(&reply);
    assert_int_equal(answered(f, "200"), 0);
    assert_int_equal(tw_histogram_count(&f->answers.seconds[0]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_route_method_and_status_has_a_number),
        TEST(an_answer_names_its_request_and_may_not_be_stored),
        TEST(a_repeated_answer_says_so),
        TEST(an_allowed_page_may_read_the_answer),
        TEST(another_page_may_not_read_the_answer),
        TEST(a_refusal_has_the_status_and_sentence_of_its_code),
        TEST(a_counted_client_is_told_its_limits_and_when_to_come_again),
        TEST(one_that_is_not_counted_is_told_no_limits),
        TEST(a_message_of_its_own_replaces_the_sentence),
        TEST(a_device_reads_status_error_and_400_for_a_conflict),
        TEST(a_device_reads_an_answer_that_is_no_refusal_unchanged),
        TEST(a_missing_method_is_405_with_the_allowed_ones),
        TEST(a_preflight_is_told_methods_and_headers),
        TEST(nothing_is_sent_once_the_client_has_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
