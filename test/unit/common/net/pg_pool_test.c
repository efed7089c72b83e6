/* pg_pool_test.c - who goes where, who waits, for how long; against a small PostgreSQL of our
 * own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

#define DEPTH 16 /* calls that the pool puts on one connection */
#define ASKS 80

struct fixture;

struct ask {
    struct tw_pg_call call;
    struct fixture *f;
    char sql[32];
    int answered, err;
    uint64_t answered_ms;
    bool asks_again; /* once more, when the first answer is an error */
};

struct fixture {
    struct tw_pg_pool pool; /* first: its callbacks find the rest by it */
    struct tw_loop *loop;
    struct fake_postgres pg;
    char url[128];
    struct ask asks[ASKS];
    size_t count;
    int changes;
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_postgres_start(&f->pg, f->loop, 0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_pool_close(&f->pool);
    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    free(f);
    caught_log_end();
    return 0;
}

static void on_change(struct tw_pg_pool *pool)
{
    tw_container_of(pool, struct fixture, pool)->changes++;
}

static void start_at(struct fixture *f, int port, size_t connections, size_t max_waiting)
{
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", port);
    tw_pg_pool_start(&f->pool, &(struct tw_pg_pool_options){ .loop = f->loop,
                                                             .url = f->url,
                                                             .program = "test",
                                                             .connections = connections,
                                                             .max_waiting = max_waiting,
                                                             .on_change = on_change });
}

/* A pool whose connections are all up, and whose server holds its answers. */
static void start_up(struct fixture *f, size_t connections)
{
    start_at(f, f->pg.host.port, connections, 1000);
    await(f->loop, f->pool.up_count == connections);
    f->pg.holds = true;
}

static void on_done(struct tw_pg_call *call, const struct tw_pg_result *r)
{
    struct ask *a = tw_container_of(call, struct ask, call);

    a->answered++;
    a->err = tw_pg_error(r);
    a->answered_ms = tw_now_ms();
    if (a->asks_again && a->err != 0) { /* as the api does after a lost connection */
        a->asks_again = false;
        tw_pg_pool_call(&a->f->pool, &a->call);
    }
}

/* Ask for something: the text names it, so that the server can tell who came. */
static struct ask *ask(struct fixture *f, bool writes, uint64_t affinity)
{
    struct ask *a = &f->asks[f->count];

    assert_true(f->count < ASKS);
    a->f = f;
    (void)snprintf(a->sql, sizeof(a->sql), "%s %zu", writes ? "write" : "read", f->count);
    f->count++;
    a->call = (struct tw_pg_call){
        .sql = a->sql, .writes = writes, .affinity = affinity, .done = on_done
    };
    tw_pg_pool_call(&f->pool, &a->call);
    assert_int_equal(a->answered, 0); /* never before the call has returned */
    return a;
}

static struct ask *ask_read(struct fixture *f)
{
    return ask(f, false, 0);
}

static struct ask *ask_write(struct fixture *f, uint64_t affinity)
{
    return ask(f, true, affinity);
}

static bool is_sent(const struct fixture *f, const struct ask *a)
{
    return fake_postgres_find(&f->pg, a->sql) >= 0;
}

/* Once the server has got `n` statements and a moment has passed, no more have come. */
static void check_pending(struct fixture *f, size_t n)
{
    await(f->loop, f->pg.pending_count >= n);
    net_idle(f->loop, 30);
    assert_int_equal(f->pg.pending_count, n);
}

static void release(struct fixture *f, struct ask *a)
{
    int i = fake_postgres_find(&f->pg, a->sql);

    assert_true(i >= 0);
    fake_postgres_release_at(&f->pg, i);
    await(f->loop, a->answered == 1);
}

static void it_is_up_with_its_first_connection(void **state)
{
    struct fixture *f = *state;

    start_at(f, f->pg.host.port, 3, 10);
    assert_false(tw_pg_pool_is_up(&f->pool));
    await(f->loop, f->pool.up_count == 3);
    assert_true(tw_pg_pool_is_up(&f->pool));
    assert_int_equal(f->changes, 1);
    assert_int_equal(f->pool.up.value, 3);
    assert_int_equal(f->pool.reconnects.value, 3);
    assert_int_equal(caught_log_count("event=pg.up"), 1);
    assert_int_equal(caught_log_count("event=pg.down"), 0);
}

static void reads_share_the_connections_evenly(void **state)
{
    struct fixture *f = *state;

    start_up(f, 2);
    for (int i = 0; i < 2 * DEPTH; i++)
        (void)ask_read(f);
    check_pending(f, (size_t)2 * DEPTH);
    assert_int_equal(fake_postgres_beside(&f->pg, 0), DEPTH);
    assert_int_equal(f->pool.queued.value, 0);
    assert_int_equal(f->pool.calls.value, 2 * DEPTH);
    assert_false(tw_pg_pool_is_idle(&f->pool));
    fake_postgres_release(&f->pg, (size_t)2 * DEPTH);
    await(f->loop, f->asks[2 * DEPTH - 1].answered == 1);
    assert_true(tw_pg_pool_is_idle(&f->pool));
}

static void reads_beyond_that_wait_in_their_order(void **state)
{
    struct fixture *f = *state;

    start_up(f, 2);
    for (int i = 0; i < 2 * DEPTH + 3; i++)
        (void)ask_read(f);
    check_pending(f, (size_t)2 * DEPTH);
    assert_int_equal(f->pool.queued.value, 3);
    release(f, &f->asks[0]);
    check_pending(f, (size_t)2 * DEPTH);
    assert_true(is_sent(f, &f->asks[2 * DEPTH]));
    assert_false(is_sent(f, &f->asks[2 * DEPTH + 1]));
    while (f->pg.pending_count > 0 || f->pool.queued.value > 0) {
        fake_postgres_release(&f->pg, 100);
        net_idle(f->loop, 5);
    }
    for (size_t i = 0; i < f->count; i++) {
        await(f->loop, f->asks[i].answered == 1);
        assert_int_equal(f->asks[i].err, 0);
    }
}

static void nothing_is_sent_after_a_write(void **state)
{
    struct fixture *f = *state;
    struct ask *write;

    start_up(f, 2);
    write = ask_write(f, 0);
    for (int i = 0; i < DEPTH + 2; i++)
        (void)ask_read(f);
    check_pending(f, DEPTH + 1);
    assert_int_equal(fake_postgres_beside(&f->pg, fake_postgres_find(&f->pg, write->sql)), 1);
    assert_int_equal(f->pool.queued.value, 2);
    release(f, write); /* its connection takes reads again */
    check_pending(f, DEPTH + 2);
    assert_int_equal(f->pool.queued.value, 0);
}

static void one_connection_is_left_to_reads(void **state)
{
    struct fixture *f = *state;
    struct ask *first, *second, *third, *read;

    start_up(f, 3);
    first = ask_write(f, 1);
    second = ask_write(f, 2);
    third = ask_write(f, 3);
    read = ask_read(f);
    check_pending(f, 3);
    assert_true(is_sent(f, first) && is_sent(f, second) && is_sent(f, read));
    assert_false(is_sent(f, third));
    release(f, second);
    check_pending(f, 3);
    assert_true(is_sent(f, third));
}

static void a_single_connection_serves_both(void **state)
{
    struct fixture *f = *state;
    struct ask *write, *read;

    start_up(f, 1);
    write = ask_write(f, 1);
    read = ask_read(f);
    check_pending(f, 1);
    assert_true(is_sent(f, write));
    release(f, write);
    check_pending(f, 1);
    assert_true(is_sent(f, read));
}

static void rivals_go_one_after_the_other_and_others_pass_them(void **state)
{
    struct fixture *f = *state;
    struct ask *first, *rival, *second_rival, *other;

    start_up(f, 4);
    first = ask_write(f, 17);
    rival = ask_write(f, 17);
    second_rival = ask_write(f, 17);
    other = ask_write(f, 18);
    check_pending(f, 2);
    assert_true(is_sent(f, first) && is_sent(f, other));
    release(f, first);
    check_pending(f, 2);
    assert_true(is_sent(f, rival));
    assert_false(is_sent(f, second_rival));
    release(f, rival);
    check_pending(f, 2);
    assert_true(is_sent(f, second_rival));
}

static void writes_without_an_affinity_have_no_rivals(void **state)
{
    struct fixture *f = *state;

    start_up(f, 3);
    (void)ask_write(f, 0);
    (void)ask_write(f, 0);
    check_pending(f, 2);
}

static struct ask *ask_for(struct fixture *f, bool writes, uint64_t share)
{
    struct ask *a = &f->asks[f->count];

    assert_true(f->count < ASKS);
    a->f = f;
    (void)snprintf(a->sql, sizeof(a->sql), "%s %zu", writes ? "write" : "read", f->count);
    f->count++;
    a->call =
        (struct tw_pg_call){ .sql = a->sql, .writes = writes, .share = share, .done = on_done };
    tw_pg_pool_call(&f->pool, &a->call);
    return a;
}

static void one_tenant_waits_in_half_of_the_places(void **state)
{
    struct fixture *f = *state;
    struct ask *one[5], *other;

    start_at(f, f->pg.host.port, 2, 8);
    await(f->loop, f->pool.up_count == 2);
    f->pg.holds = true;
    (void)ask_for(f, true, 9);
    for (size_t i = 0; i < TW_COUNT(one); i++)
        one[i] = ask_for(f, true, 7);
    await(f->loop, one[4]->answered == 1); /* the fifth is one too many */
    assert_int_equal(one[4]->err, TW_EFULL);
    assert_int_equal(one[3]->answered, 0);
    other = ask_for(f, true, 11);
    net_idle(f->loop, 30);
    assert_int_equal(other->answered, 0); /* there is room for others */
    f->pg.holds = false;
    fake_postgres_release(&f->pg, 1);
    await(f->loop, other->answered == 1);
    for (size_t i = 0; i < 4; i++) /* and again, for it too */
        one[i] = ask_for(f, true, 7);
    await(f->loop, one[3]->answered == 1);
    assert_int_equal(one[3]->err, 0);
}

/* Two thousand requests of 1 MiB would be as many bytes here. */
static void what_waits_has_a_limit_in_bytes(void **state)
{
    struct fixture *f = *state;
    struct ask *one[3];
    char text[101];

    memset(text, 'x', 100);
    text[100] = '\0';
    start_at(f, f->pg.host.port, 2, 100);
    f->pool.max_waiting.bytes = 400;
    await(f->loop, f->pool.up_count == 2);
    f->pg.holds = true;
    (void)ask_for(f, true, 9);
    for (size_t i = 0; i < TW_COUNT(one); i++) {
        struct ask *a = one[i] = &f->asks[f->count++];

        a->f = f;
        a->call = (struct tw_pg_call){ .sql = "write",
                                       .params = { { tw_slice_of(text), false } },
                                       .param_count = 1,
                                       .writes = true,
                                       .share = 7,
                                       .done = on_done };
        tw_pg_pool_call(&f->pool, &a->call);
    }
    assert_int_equal(f->pool.queued_bytes.value, 300);
    await(f->loop, one[2]->answered == 1); /* half of it for one tenant */
    assert_int_equal(one[2]->err, TW_EFULL);
    assert_int_equal(one[1]->answered, 0);
    assert_int_equal(f->pool.queued_bytes.value, 200);
}

static void a_call_that_waits_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ask *first, *rival;
    uint64_t before = tw_now_ms();

    start_up(f, 2);
    first = ask_write(f, 17);
    rival = ask_write(f, 17);
    await(f->loop, rival->answered == 1);
    assert_int_equal(rival->err, TW_ETIMEOUT);
    assert_in_range(rival->answered_ms - before, 1400, 2500);
    assert_int_equal(f->pool.refused.value, 1);
    assert_int_equal(f->pool.queued.value, 0);
    release(f, first);
    net_idle(f->loop, 20);
    assert_int_equal(rival->answered, 1); /* and it is not sent afterwards */
    assert_int_equal(f->pg.received, 1);
}

static void more_than_may_wait_are_refused(void **state)
{
    struct fixture *f = *state;
    struct ask *over;

    start_at(f, f->pg.host.port, 2, 3);
    await(f->loop, f->pool.up_count == 2);
    f->pg.holds = true;
    for (int i = 0; i < 4; i++) /* one goes, three wait */
        (void)ask_write(f, 17);
    over = ask_write(f, 17);
    await(f->loop, over->answered == 1);
    assert_true(f->asks[1].answered + f->asks[2].answered + f->asks[3].answered == 0);
    assert_int_equal(over->err, TW_EFULL);
    assert_int_equal(f->pool.queued.value, 3);
}

static void without_a_server_calls_are_refused_and_it_is_said_once(void **state)
{
    struct fixture *f = *state;
    uint64_t before = tw_now_ms();

    start_at(f, net_closed_port(), 4, 10);
    (void)ask_read(f);
    (void)ask_write(f, 17);
    (void)ask_write(f, 17);
    await(f->loop, f->asks[0].answered + f->asks[1].answered + f->asks[2].answered == 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f->asks[i].err, TW_EDOWN);
        assert_true(f->asks[i].answered_ms - before < 3000);
    }
    assert_false(tw_pg_pool_is_up(&f->pool));
    net_idle(f->loop, 700); /* several attempts of each connection */
    assert_int_equal(caught_log_count("event=pg.down"), 1);
    assert_int_equal(caught_log_count("event=pg.up"), 0);
    assert_int_equal(f->changes, 1);
}

static void a_call_that_waits_for_a_server_is_sent_when_it_comes(void **state)
{
    struct fixture *f = *state;
    struct fake_postgres *late = tw_new(struct fake_postgres);
    int port = net_closed_port();
    struct ask *a;

    start_at(f, port, 2, 10);
    a = ask_read(f);
    net_idle(f->loop, 100);
    fake_postgres_start(late, f->loop, port);
    await(f->loop, a->answered == 1);
    assert_int_equal(a->err, 0);
    assert_int_equal(caught_log_count("event=pg.down"), 1);
    assert_int_equal(caught_log_count("event=pg.up"), 1);
    tw_pg_pool_close(&f->pool);
    fake_postgres_stop(late);
    net_idle(f->loop, 20);
    free(late);
}

static void a_lost_connection_loses_only_its_own_calls(void **state)
{
    struct fixture *f = *state;
    struct ask *a, *b;

    start_up(f, 2);
    a = ask_read(f);
    b = ask_read(f);
    check_pending(f, 2);
    end_close(f->pg.pending[0].e);
    await(f->loop, a->answered + b->answered == 1);
    assert_int_equal(a->answered == 1 ? a->err : b->err, TW_ELOST);
    assert_true(tw_pg_pool_is_up(&f->pool));
    assert_int_equal(f->changes, 1);
    assert_int_equal(caught_log_count("event=pg.down"), 0); /* the pool is not down */
    f->pg.pending[0] = f->pg.pending[1];
    f->pg.pending_count = 1;
    fake_postgres_release(&f->pg, 1);
    await(f->loop, a->answered + b->answered == 2);
    await(f->loop, f->pool.up_count == 2);
}

static void losing_all_is_said_once_and_so_is_the_return(void **state)
{
    struct fixture *f = *state;
    struct ask *a;

    start_up(f, 3);
    host_drop_all(&f->pg.host);
    await(f->loop, f->pool.up_count == 0);
    assert_int_equal(f->changes, 2);
    assert_int_equal(caught_log_count("event=pg.down"), 1);
    await(f->loop, f->pool.up_count == 3);
    assert_int_equal(f->changes, 3);
    assert_int_equal(caught_log_count("event=pg.up"), 2);
    host_drop_all(&f->pg.host);
    await(f->loop, f->pool.up_count == 0);
    assert_int_equal(f->changes, 4);
    assert_int_equal(caught_log_count("event=pg.down"), 2); /* each time anew */
    await(f->loop, f->pool.up_count == 3);
    f->pg.holds = false;
    a = ask_write(f, 17);
    await(f->loop, a->answered == 1);
    assert_int_equal(a->err, 0);
}

static void a_call_may_be_made_again_out_of_its_answer(void **state)
{
    struct fixture *f = *state;
    struct ask *a;

    start_up(f, 2);
    a = ask_read(f);
    a->asks_again = true;
    check_pending(f, 1);
    host_drop_all(&f->pg.host);
    fake_postgres_forget(&f->pg);
    f->pg.holds = false;
    await(f->loop, a->answered == 2);
    assert_int_equal(a->err, 0);
}

static void closing_answers_all_calls_that_wait_or_are_under_way(void **state)
{
    struct fixture *f = *state;
    struct ask *under_way, *waits;

    start_up(f, 2);
    under_way = ask_write(f, 17);
    waits = ask_write(f, 17);
    check_pending(f, 1);
    tw_pg_pool_close(&f->pool);
    assert_true(under_way->answered == 1 && under_way->err == TW_ELOST);
    assert_true(waits->answered == 1 && waits->err == TW_EDOWN);
    assert_false(tw_pg_pool_is_up(&f->pool));
    assert_true(tw_pg_pool_is_idle(&f->pool));
    fake_postgres_forget(&f->pg);
    net_idle(f->loop, 300);
    assert_int_equal(under_way->answered + waits->answered, 2);
}

/* The api repeats reads that were lost: also when the pool itself has ended them. */
static void what_closing_has_lost_may_be_asked_again_and_is_refused(void **state)
{
    struct fixture *f = *state;

    start_up(f, 4);
    for (int i = 0; i < 8; i++)
        ask_read(f)->asks_again = true;
    check_pending(f, 8);
    tw_pg_pool_close(&f->pool);
    fake_postgres_forget(&f->pg);
    for (int i = 0; i < 8; i++)
        await(f->loop, f->asks[i].answered == 2);
    for (int i = 0; i < 8; i++)
        assert_int_equal(f->asks[i].err, TW_EDOWN);
}

static void a_pool_that_never_started_can_be_closed(void **state)
{
    struct tw_pg_pool pool = { .loop = NULL };

    (void)state;
    tw_pg_pool_close(&pool);
    assert_false(tw_pg_pool_is_up(&pool));
    assert_true(tw_pg_pool_is_idle(&pool));
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(it_is_up_with_its_first_connection),
        POOL_TEST(reads_share_the_connections_evenly),
        POOL_TEST(reads_beyond_that_wait_in_their_order),
        POOL_TEST(nothing_is_sent_after_a_write),
        POOL_TEST(one_connection_is_left_to_reads),
        POOL_TEST(a_single_connection_serves_both),
        POOL_TEST(rivals_go_one_after_the_other_and_others_pass_them),
        POOL_TEST(writes_without_an_affinity_have_no_rivals),
        POOL_TEST(one_tenant_waits_in_half_of_the_places),
        POOL_TEST(what_waits_has_a_limit_in_bytes),
        POOL_TEST(a_call_that_waits_too_long_is_refused),
        POOL_TEST(more_than_may_wait_are_refused),
        POOL_TEST(without_a_server_calls_are_refused_and_it_is_said_once),
        POOL_TEST(a_call_that_waits_for_a_server_is_sent_when_it_comes),
        POOL_TEST(a_lost_connection_loses_only_its_own_calls),
        POOL_TEST(losing_all_is_said_once_and_so_is_the_return),
        POOL_TEST(a_call_may_be_made_again_out_of_its_answer),
        POOL_TEST(closing_answers_all_calls_that_wait_or_are_under_way),
        POOL_TEST(what_closing_has_lost_may_be_asked_again_and_is_refused),
        POOL_TEST(a_pool_that_never_started_can_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
