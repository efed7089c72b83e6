/* ops_test.c - what an operator's tools ask a process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/ops.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

struct fixture {
    struct tw_ops ops; /* first: its callbacks find the rest by it */
    struct tw_loop *loop;
    struct tw_metrics metrics;
    struct tw_metric sessions;
    char address[32];
    const char *missing, *degraded;
};

static void tell_missing(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded)
{
    struct fixture *f = tw_container_of(ops, struct fixture, ops);

    tw_buf_text(missing, f->missing);
    tw_buf_text(degraded, f->degraded);
}

static const struct tw_metric_row metric_rows[] = {
    { "sessions", NULL, "Open sessions.", TW_METRIC_AT(struct fixture, sessions) },
};
static const struct tw_metric_table table = { .rows = metric_rows,
                                              .count = TW_COUNT(metric_rows) };
static const struct tw_metric_part parts[] = { { &table, 0, NULL } };

static int start(struct fixture *f, struct tw_ops *ops, struct tw_slice address)
{
    return tw_ops_start(ops, &(struct tw_ops_options){ .loop = f->loop,
                                                       .address = address,
                                                       .metrics = &f->metrics,
                                                       .missing = tell_missing });
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = net_loop_new();
    f->missing = f->degraded = "";
    f->sessions.value = 42;
    tw_metrics_init(&f->metrics, f, parts, TW_COUNT(parts));
    (void)snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", net_closed_port());
    assert_int_equal(start(f, &f->ops, tw_slice_of(f->address)), 0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_ops_stop(&f->ops);
    tw_ops_stop(&f->ops);
    net_loop_free(f->loop);
    free(f);
    return 0;
}

/* The whole answer to a request for this. */
static struct end *ask(struct fixture *f, const char *method, const char *path)
{
    struct end *e = end_connect(f->loop, f->address);
    char text[256];

    (void)snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                   method, path);
    await(f->loop, e->is_connected);
    end_say(e, text);
    await(f->loop, e->has_ended);
    return e;
}

static void a_process_whose_loop_turns_is_healthy(void **state)
{
    struct end *e = ask(*state, "GET", "/healthz");

    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    assert_true(end_has(e, "\r\n\r\n{\"status\":\"ok\"}"));
    end_close(e);
}

static void it_is_ready_when_nothing_is_missing(void **state)
{
    struct fixture *f = *state;
    struct end *e;

    f->degraded = "\"redis\"";
    e = ask(f, "GET", "/readyz");
    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    assert_true(
        end_has(e, "\r\n\r\n{\"status\":\"ready\",\"missing\":[],\"degraded\":[\"redis\"]}"));
    end_close(e);
}

static void it_is_not_ready_while_something_is_missing(void **state)
{
    struct fixture *f = *state;
    struct end *e;

    f->missing = "\"database\",\"schema\"";
    e = ask(f, "GET", "/readyz");
    assert_true(end_has(e, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_true(end_has(e, "{\"status\":\"not ready\",\"missing\":[\"database\",\"schema\"],"
                           "\"degraded\":[]}"));
    end_close(e);
}

static void metrics_are_those_of_the_process(void **state)
{
    struct end *e = ask(*state, "GET", "/metrics");

    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    assert_true(end_has(e, "Content-Type: text/plain; version=0.0.4"));
    assert_true(end_has(e, "\ntillwire_sessions 42\n"));
    assert_true(end_has(e, "\nprocess_resident_memory_bytes "));
    assert_false(
        end_has(e, "http_received_total")); /* the listener's own are nobody's business */
    end_close(e);
}

static void head_is_answered_without_a_body(void **state)
{
    struct end *e = ask(*state, "HEAD", "/healthz");

    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    assert_false(end_has(e, "status"));
    end_close(e);
}

static void other_pages_are_not_there(void **state)
{
    static const char *const paths[] = { "/",        "/healthz/", "/healthzz",
                                         "/Healthz", "/metric",   "/api/kitchen/health" };

    for (size_t i = 0; i < TW_COUNT(paths); i++) {
        struct end *e = ask(*state, "GET", paths[i]);

        assert_row(end_has(e, "HTTP/1.1 404 ") && end_has(e, "NOT_FOUND"), paths[i]);
        end_close(e);
    }
}

static void a_query_changes_nothing(void **state)
{
    struct end *e = ask(*state, "GET", "/healthz?now=1");

    assert_true(end_has(e, "HTTP/1.1 200 OK\r\n"));
    end_close(e);
}

static void other_methods_are_refused_with_the_allowed_ones(void **state)
{
    struct end *e = ask(*state, "POST", "/healthz");

    assert_true(end_has(e, "HTTP/1.1 405 "));
    assert_true(end_has(e, "\r\nAllow: GET, HEAD\r\n")); /* RFC 9110 section 15.5.6 */
    end_close(e);
}

static void without_an_address_it_listens_nowhere(void **state)
{
    struct fixture *f = *state;
    struct tw_ops silent = { 0 };

    assert_int_equal(start(f, &silent, TW_LIT("")), 0);
    tw_ops_stop(&silent);
}

static void a_bad_address_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct tw_ops bad = { 0 };

    assert_int_equal(start(f, &bad, TW_LIT("nonsense")), TW_ESYNTAX);
    tw_ops_stop(&bad);
}

#define OPS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(a_process_whose_loop_turns_is_healthy),
        OPS_TEST(it_is_ready_when_nothing_is_missing),
        OPS_TEST(it_is_not_ready_while_something_is_missing),
        OPS_TEST(metrics_are_those_of_the_process),
        OPS_TEST(head_is_answered_without_a_body),
        OPS_TEST(other_pages_are_not_there),
        OPS_TEST(a_query_changes_nothing),
        OPS_TEST(other_methods_are_refused_with_the_allowed_ones),
        OPS_TEST(without_an_address_it_listens_nowhere),
        OPS_TEST(a_bad_address_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
