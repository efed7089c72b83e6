/* route_test.c - hosts and their addresses in turn, with names of our own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/route.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_names.h"
#include "test/unit/support/net.h"

struct fixture {
    struct tw_loop *loop;
    struct tw_deadline awake; /* a process has always something to wait for */
    struct walk {
        struct tw_route route;
        int steps;
        bool has_ended, is_only;
        char at[400]; /* the last place */
    } one, other;
};

static void on_place(struct tw_route *r, const struct tw_place *place)
{
    struct walk *w = tw_container_of(r, struct walk, route);
    char ip[128] = "";
    const void *a;

    w->steps++;
    w->has_ended = place == NULL;
    if (place == NULL)
        return;
    w->is_only = place->is_only;
    a = &place->address.tcp;
    if (place->address.is_unix)
        (void)snprintf(ip, sizeof(ip), "%s", place->address.path);
    else if (place->address.tcp.ss_family == AF_INET6)
        (void)uv_ip6_name(a, ip, sizeof(ip));
    else
        (void)uv_ip4_name(a, ip, sizeof(ip));
    (void)snprintf(w->at, sizeof(w->at), "%s %s %d %d", place->host, ip, place->port,
                   place->address.is_unix ? 0
                                          : ntohs(((const struct sockaddr_in *)a)->sin_port));
}

static void on_awake(struct tw_deadline *d)
{
    (void)d;
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = net_loop_new();
    fake_names_begin();
    tw_after(f->loop, &f->awake, 60000, on_awake);
    tw_route_init(&f->one.route, f->loop, on_place);
    tw_route_init(&f->other.route, f->loop, on_place);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_route_stop(&f->one.route);
    tw_route_stop(&f->other.route);
    tw_after_cancel(f->loop, &f->awake);
    net_loop_free(f->loop);
    fake_names_end();
    free(f);
    return 0;
}

static void add(struct walk *w, const char *host, int port)
{
    assert_int_equal(tw_route_add(&w->route, tw_slice_of(host), NULL, port), 0);
}

static void step(struct fixture *f, struct walk *w)
{
    int before = w->steps;

    tw_route_next(&w->route);
    assert_int_equal(w->steps, before); /* never before it has returned */
    await(f->loop, w->steps == before + 1);
}

static void expect(struct fixture *f, const char *const *places)
{
    for (; *places != NULL; places++) {
        step(f, &f->one);
        assert_false(f->one.has_ended);
        assert_string_equal(f->one.at, *places);
        assert_false(f->one.is_only);
    }
    step(f, &f->one);
    assert_true(f->one.has_ended);
}

static void each_address_of_each_host_is_tried_in_turn(void **state)
{
    struct fixture *f = *state;

    fake_names_set("db.example", "10.0.0.7 2001:db8::7");
    add(&f->one, "db.example", 5432);
    add(&f->one, "10.0.0.9", 5433);
    add(&f->one, "::1", 5434);
    add(&f->one, "/run/postgresql", 5432);
    expect(f, (const char *const[]){ "db.example 10.0.0.7 5432 5432",
                                     "db.example 2001:db8::7 5432 5432",
                                     "10.0.0.9 10.0.0.9 5433 5433", "::1 ::1 5434 5434",
                                     "/run/postgresql /run/postgresql 5432 0", NULL });
}

static void a_round_asks_again_because_names_move(void **state)
{
    struct fixture *f = *state;

    fake_names_set("db.example", "10.0.0.7");
    add(&f->one, "db.example", 5432);
    step(f, &f->one);
    assert_string_equal(f->one.at, "db.example 10.0.0.7 5432 5432");
    assert_true(f->one.is_only);
    fake_names_set("db.example", "10.0.0.8 10.0.0.7");
    tw_route_restart(&f->one.route);
    step(f, &f->one);
    assert_string_equal(f->one.at, "db.example 10.0.0.8 5432 5432");
    assert_false(f->one.is_only);
    assert_int_equal(fake_names_asked("db.example"), 2);
}

static void a_known_address_is_not_looked_up(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tw_route_add(&f->one.route, TW_LIT("db.example"), "10.0.0.1", 5432), 0);
    step(f, &f->one);
    assert_string_equal(f->one.at, "db.example 10.0.0.1 5432 5432");
    assert_int_equal(fake_names_asked("db.example"), 0);
}

static void a_name_that_is_not_there_is_passed_over(void **state)
{
    struct fixture *f = *state;

    fake_names_set("b.example", "10.0.0.2");
    add(&f->one, "a.example", 1);
    add(&f->one, "b.example", 2);
    expect(f, (const char *const[]){ "b.example 10.0.0.2 2 2", NULL });
    assert_int_equal(f->one.route.err, UV_EAI_NONAME);
    tw_route_restart(&f->one.route);
    assert_int_equal(f->one.route.err, 0);
}

static void a_resolver_that_hangs_stops_nobody(void **state)
{
    struct fixture *f = *state;

    fake_names_set("slow.example", "10.0.0.1");
    fake_names_set("b.example", "10.0.0.2");
    fake_names_hang("slow.example");
    add(&f->one, "slow.example", 1);
    add(&f->one, "b.example", 2);
    add(&f->other, "slow.example", 1);
    tw_route_next(&f->one.route);
    tw_route_next(&f->other.route);
    await(f->loop, f->one.steps == 1 && f->other.steps == 1);
    assert_string_equal(f->one.at, "b.example 10.0.0.2 2 2");
    assert_true(f->other.has_ended);
    assert_int_equal(f->other.route.err, TW_ETIMEOUT);

    /* They ask again while the first question is still under way: it is that one's answer. */
    tw_route_restart(&f->one.route);
    tw_route_restart(&f->other.route);
    tw_route_next(&f->one.route);
    tw_route_next(&f->other.route);
    net_idle(f->loop, 20);
    assert_int_equal(fake_names_asked("slow.example"), 1);
    fake_names_let_go();
    await(f->loop, f->one.steps == 2 && f->other.steps == 2);
    assert_string_equal(f->one.at, "slow.example 10.0.0.1 1 1");
    assert_string_equal(f->other.at, "slow.example 10.0.0.1 1 1");
}

static void what_was_stopped_hears_nothing_more(void **state)
{
    struct fixture *f = *state;

    fake_names_set("slow.example", "10.0.0.1");
    fake_names_hang("slow.example");
    add(&f->one, "slow.example", 1);
    tw_route_next(&f->one.route);
    await(f->loop, fake_names_asked("slow.example") == 1);
    tw_route_stop(&f->one.route);
    fake_names_let_go();
    await(f->loop, tw_list_empty(&f->loop->lookups));
    net_idle(f->loop, 20);
    assert_int_equal(f->one.steps, 0);
}

static void a_host_is_a_name_an_address_or_a_path(void **state)
{
    static const char *const bad[] = {
        "",          ".example",       "a b",  "a/b",     "a:b", "a@b",           "[::1]",
        "10.0.0.1:", "a.example:5432", "a\tb", "ex*mple", "::g", "m\xc3\xbcnchen"
    };
    struct fixture *f = *state;
    char longest[300];

    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(tw_route_add(&f->one.route, tw_slice_of(bad[i]), NULL, 1) == TW_ESYNTAX,
                   bad[i]);
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(tw_route_add(&f->one.route, tw_slice_from(longest, 254), NULL, 1),
                     TW_ESYNTAX);
    assert_int_equal(tw_route_add(&f->one.route, TW_LIT("a"), NULL, 0), TW_ESYNTAX);
    assert_int_equal(tw_route_add(&f->one.route, TW_LIT("a"), NULL, 65536), TW_ESYNTAX);
    assert_int_equal(tw_route_add(&f->one.route, TW_LIT("a"), "b.example", 1), TW_ESYNTAX);
    longest[0] = '/';
    assert_int_equal(tw_route_add(&f->one.route, tw_slice_from(longest, 108), NULL, 1),
                     TW_ESYNTAX);
    assert_int_equal(tw_route_add(&f->one.route, tw_slice_from(longest, 107), NULL, 1), 0);
    assert_int_equal(tw_route_add(&f->one.route, tw_slice_from(longest + 1, 253), NULL, 1), 0);
    for (size_t i = 2; i < TW_ROUTE_HOSTS; i++)
        add(&f->one, "pos-db_1.example.", 5432);
    assert_int_equal(tw_route_add(&f->one.route, TW_LIT("a"), NULL, 1), TW_EFULL);
    tw_route_clear(&f->one.route);
    add(&f->one, "a", 65535);
}

/* Of the system itself: the machine's own name for itself needs no name server. */
static void the_system_knows_localhost(void **state)
{
    struct fixture *f = *state;
    tw_lookup_resolver ours = tw_lookup_use(tw_lookup_system);

    add(&f->one, "localhost", 80);
    step(f, &f->one);
    (void)tw_lookup_use(ours);
    assert_true(strcmp(f->one.at, "localhost 127.0.0.1 80 80") == 0 ||
                strcmp(f->one.at, "localhost ::1 80 80") == 0);
}

#define ROUTE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTE_TEST(each_address_of_each_host_is_tried_in_turn),
        ROUTE_TEST(a_round_asks_again_because_names_move),
        ROUTE_TEST(a_known_address_is_not_looked_up),
        ROUTE_TEST(a_name_that_is_not_there_is_passed_over),
        ROUTE_TEST(a_resolver_that_hangs_stops_nobody),
        ROUTE_TEST(what_was_stopped_hears_nothing_more),
        ROUTE_TEST(a_host_is_a_name_an_address_or_a_path),
        ROUTE_TEST(the_system_knows_localhost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
