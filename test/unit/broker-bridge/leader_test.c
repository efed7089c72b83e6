/* leader_test.c - which of several bridges is the active one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/leader.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"

#define LOCK "select pg_try_advisory_lock(7214460001)"
#define UNLOCK "select pg_advisory_unlock_all()"
#define LISTEN "listen tillwire_control"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct br_leader leader;
    struct tw_buf said; /* what its owner was told */
    char url[64];
};

static void note(struct br_leader *l, const char *word)
{
    struct fixture *f = tw_container_of(l, struct fixture, leader);

    tw_buf_text(&f->said, f->said.len > 0 ? " " : "");
    tw_buf_text(&f->said, word);
}

static void on_active(struct br_leader *l)
{
    note(l, "active");
}

static void on_passive(struct br_leader *l)
{
    note(l, "passive");
}

static void on_notify(struct br_leader *l, struct tw_slice channel, struct tw_slice payload)
{
    struct fixture *f = tw_container_of(l, struct fixture, leader);

    note(l, "");
    tw_buf_append(&f->said, channel);
    tw_buf_char(&f->said, '=');
    tw_buf_append(&f->said, payload);
}

static const struct br_leader_events events = { on_active, on_passive, on_notify };

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->said.max = 1000;
    f->pg.holds = true;
    fake_postgres_start(&f->pg, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "postgresql://u@127.0.0.1:%d/db", f->pg.host.port);
    br_leader_start(&f->leader, &(struct br_leader_options){
                                    .loop = f->loop, .url = f->url, .events = &events });
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    br_leader_stop(&f->leader);
    fake_postgres_stop(&f->pg);
    net_loop_free(f->loop);
    tw_buf_done(&f->said);
    free(f);
    caught_log_end();
    return 0;
}

/* Answer this statement, once it has come, with this row, or with this error. */
static void answer(struct fixture *f, const char *sql, const char *says, const char *fails_as)
{
    await(f->loop, fake_postgres_find(&f->pg, sql) >= 0);
    f->pg.says = says;
    f->pg.fails_as = fails_as;
    fake_postgres_release_at(&f->pg, fake_postgres_find(&f->pg, sql));
    f->pg.fails_as = NULL;
}

static void who_has_the_lock_listens_and_is_active(void **state)
{
    struct fixture *f = *state;

    answer(f, LOCK, "t", NULL);
    answer(f, "listen tillwire", NULL, NULL);
    answer(f, LISTEN, NULL, NULL);
    await(f->loop, f->said.len > 0);
    assert_buf(&f->said, "active");
    assert_int_equal(f->leader.active.value, 1);
    fake_postgres_notify(&f->pg, "tillwire", "1");
    await(f->loop, f->said.len > sizeof("active"));
    assert_buf(&f->said, "active tillwire=1");
    host_drop_all(&f->pg.host);
    await(f->loop, f->leader.active.value == 0);
    assert_buf(&f->said, "active tillwire=1 passive");
    answer(f, LOCK, "t", NULL); /* and from the beginning */
}

static void who_does_not_get_the_lock_tries_again(void **state)
{
    struct fixture *f = *state;

    answer(f, LOCK, "f", NULL);
    answer(f, LOCK, NULL, "57014");
    answer(f, LOCK, "t", NULL);
    await(f->loop, fake_postgres_find(&f->pg, LISTEN) >= 0);
    assert_buf(&f->said, "");
}

static void who_cannot_listen_gives_the_lock_back(void **state)
{
    static const char *const refused[] = { "listen tillwire", LISTEN };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(refused); i++) {
        answer(f, LOCK, "t", NULL);
        answer(f, "listen tillwire", NULL, i == 0 ? "53000" : NULL);
        answer(f, LISTEN, NULL, i == 1 ? "53000" : NULL);
        answer(f, UNLOCK, "t", NULL);
        assert_buf(&f->said, "");
        assert_int_equal(f->leader.active.value, 0);
    }
    assert_int_equal(caught_log_count("event=bridge.listen"), 2);
    answer(f, LOCK, "t", NULL); /* once it can, it is the active one */
    answer(f, "listen tillwire", NULL, NULL);
    answer(f, LISTEN, NULL, NULL);
    await(f->loop, f->said.len > 0);
    assert_buf(&f->said, "active");
}

/* Its server may be given to others, with the lock. */
static void behind_a_pooler_the_lock_is_not_tried(void **state)
{
    struct fixture *f = *state;

    await(f->loop, fake_postgres_find(&f->pg, LOCK) >= 0);
    assert_string_equal(br_leader_problem(&f->leader), "not connected yet");
    f->pg.backend = 4711;
    host_drop_all(&f->pg.host);
    fake_postgres_forget(&f->pg);
    await(f->loop, f->pg.asked == 3);
    await(f->loop, strstr(br_leader_problem(&f->leader), "a pooler answers there") != NULL);
    assert_int_equal(f->pg.pending_count, 0);
    assert_int_equal(caught_log_count("event=pg.down"), 1);
    f->pg.backend = 0;
    answer(f, LOCK, "t", NULL); /* the connection goes to PostgreSQL itself by now */
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(behind_a_pooler_the_lock_is_not_tried),
        test(who_has_the_lock_listens_and_is_active),
        test(who_does_not_get_the_lock_tries_again),
        test(who_cannot_listen_gives_the_lock_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
