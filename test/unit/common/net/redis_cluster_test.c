/* redis_cluster_test.c - channels and keys on a cluster, while slots move and nodes come and
 * go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/redis.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_cluster.h"
#include "test/unit/support/fake_names.h"

/* By their slots 15495, 3300 and 7365 they are at the third, the first and the second node. */
#define THIRD "a"
#define FIRST "b"
#define SECOND "c"

struct fixture {
    struct tw_loop *loop;
    struct fake_cluster cluster;
    struct tw_redis redis;
    int ups, downs, subscribed, lost, messages;
    struct tw_buf told; /* what was confirmed, lost and said, a line each */
};

static struct fixture *fixture_of(struct tw_redis *r)
{
    return tw_container_of(r, struct fixture, redis);
}

static void tell(struct fixture *f, const char *what, struct tw_slice channel)
{
    tw_buf_text(&f->told, what);
    tw_buf_append(&f->told, channel);
    tw_buf_char(&f->told, '\n');
}

static void on_up(struct tw_redis *r)
{
    fixture_of(r)->ups++;
}

static void on_down(struct tw_redis *r)
{
    fixture_of(r)->downs++;
}

static void on_subscribed(struct tw_redis *r, struct tw_slice channel)
{
    fixture_of(r)->subscribed++;
    tell(fixture_of(r), "+", channel);
}

static void on_lost(struct tw_redis *r, struct tw_slice channel)
{
    fixture_of(r)->lost++;
    tell(fixture_of(r), "-", channel);
}

static void on_message(struct tw_redis *r, struct tw_slice channel, char *at, size_t len)
{
    fixture_of(r)->messages++;
    tell(fixture_of(r), "", channel);
    tell(fixture_of(r), "=", tw_slice_from(at, len));
}

static const struct tw_redis_events events = { on_up, on_down, on_subscribed, on_message,
                                               on_lost };

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    f->told.max = (size_t)8 * 1024 * 1024;
    fake_names_begin();
    fake_cluster_start(&f->cluster, f->loop);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->redis);
    fake_cluster_stop(&f->cluster);
    net_loop_free(f->loop);
    fake_names_end();
    tw_buf_done(&f->told);
    free(f);
    caught_log_end();
    return 0;
}

static void start(struct fixture *f)
{
    assert_int_equal(
        tw_redis_start(&f->redis,
                       &(struct tw_redis_options){ .loop = f->loop,
                                                   .url = fake_cluster_url(&f->cluster),
                                                   .name = "test",
                                                   .events = &events }),
        0);
    assert_false(tw_redis_is_up(&f->redis));
}

static void start_up(struct fixture *f)
{
    start(f);
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_int_equal(f->ups, 1);
}

static void subscribe(struct fixture *f, const char *channel)
{
    int before = f->subscribed;

    assert_int_equal(tw_redis_subscribe(&f->redis, tw_slice_of(channel)), 0);
    await(f->loop, f->subscribed == before + 1);
}

static void subscribe_all(struct fixture *f)
{
    start_up(f);
    subscribe(f, FIRST);
    subscribe(f, SECOND);
    subscribe(f, THIRD);
    tw_buf_clear(&f->told);
}

/* Of the first host of the URL, which then has a connection like the others. */
static void who_has_what_is_asked_once_and_each_master_has_a_link(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_int_equal(f->redis.counts.up.value, 1);
    assert_null(tw_redis_problem(&f->redis));
    net_idle(f->loop, 300);
    for (int i = 0; i < FAKE_NODES; i++)
        assert_int_equal(f->cluster.nodes[i].redis.host.accepted, i == 0 ? 2 : 1);
    assert_int_equal(fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS"), 1);
    assert_int_equal(caught_log_count("event=redis.up link=\"test 127.0.0.1:"), FAKE_NODES);
    assert_int_equal(caught_log_count("level=warn"), 0);
}

static void each_channel_is_subscribed_to_where_its_slot_is(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    assert_int_equal(fake_cluster_count(&f->cluster, -1, "SSUBSCRIBE"), 3);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "SSUBSCRIBE " FIRST), 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 1, "SSUBSCRIBE " SECOND), 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 2, "SSUBSCRIBE " THIRD), 1);
    fake_cluster_push(&f->cluster, SECOND, "hello");
    await(f->loop, f->messages == 1);
    assert_buf(&f->told, SECOND "\n=hello\n");
}

static void each_message_is_published_where_its_slot_is(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("one")), 0);
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(THIRD), TW_LIT("two")), 0);
    await(f->loop, fake_cluster_count(&f->cluster, -1, "SPUBLISH") == 2);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "SPUBLISH " FIRST " one"), 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 2, "SPUBLISH " THIRD " two"), 1);
    assert_int_equal(f->redis.counts.dropped.value, 0);
}

static void what_is_subscribed_to_before_it_is_known_where_is_asked_for_then(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(tw_redis_subscribe(&f->redis, TW_LIT(SECOND)), TW_EDOWN);
    assert_false(tw_redis_serves(&f->redis, TW_LIT(SECOND)));
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(SECOND), TW_LIT("m")), TW_EDOWN);
    await(f->loop, f->subscribed == 1);
    assert_true(tw_redis_serves(&f->redis, TW_LIT(SECOND)));
}

static void a_slot_that_has_moved_is_published_to_at_its_new_owner(void **state)
{
    struct fixture *f = *state;

    start_up(f);
    f->cluster.owner[tw_redis_slot(TW_LIT(FIRST))] = 1;
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("one")), 0);
    await(f->loop, fake_cluster_count(&f->cluster, 1, "SPUBLISH " FIRST " one") == 1);
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("two")), 0);
    await(f->loop, fake_cluster_count(&f->cluster, 1, "SPUBLISH " FIRST " two") == 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "SPUBLISH"), 1); /* it has learned it */
    await(f->loop, fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS") == 2);
    assert_int_equal(f->redis.counts.dropped.value, 0);
}

struct asker {
    struct tw_redis_ask ask;
    int calls;
    char heard[16];
};

static void on_answer(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct asker *a = tw_container_of(ask, struct asker, ask);

    a->calls++;
    (void)snprintf(a->heard, sizeof(a->heard), "%.*s", (int)value->text.len,
                   value->text.len > 0 ? value->text.at : "");
}

static void ask(struct fixture *f, struct asker *a, const char *key)
{
    a->ask.answered = on_answer;
    assert_int_equal(tw_redis_ask(&f->redis, &a->ask,
                                  (const struct tw_slice[]){ TW_LIT("GET"), tw_slice_of(key) },
                                  2),
                     0);
    assert_int_equal(a->calls, 0);
}

static void a_key_that_is_on_its_way_is_asked_for_where_it_goes(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 }, b = { .calls = 0 };

    start_up(f);
    f->cluster.asks_at[tw_redis_slot(TW_LIT(FIRST))] = 3;
    ask(f, &a, FIRST);
    await(f->loop, a.calls == 1);
    assert_string_equal(a.heard, "value");
    assert_int_equal(fake_cluster_count(&f->cluster, 3, "ASKING"), 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 3, "GET " FIRST), 1);
    ask(f, &b, FIRST); /* the slot is still where it was */
    await(f->loop, b.calls == 1);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "GET " FIRST), 2);
    assert_int_equal(fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS"), 1);
}

static void a_question_follows_its_slot_and_may_be_forgotten_on_the_way(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 }, gone = { .calls = 0 };

    start_up(f);
    f->cluster.owner[tw_redis_slot(TW_LIT(FIRST))] = 2;
    ask(f, &gone, FIRST);
    ask(f, &a, FIRST);
    tw_redis_forget(&gone.ask);
    await(f->loop, a.calls == 1);
    assert_string_equal(a.heard, "value");
    assert_int_equal(fake_cluster_count(&f->cluster, 2, "GET " FIRST), 2);
    assert_int_equal(gone.calls, 0);
}

static void a_question_is_answered_when_its_node_goes(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 };

    start_up(f);
    f->cluster.nodes[0].redis.is_silent = true;
    ask(f, &a, FIRST);
    net_idle(f->loop, 20);
    host_drop_all(&f->cluster.nodes[0].redis.host);
    await(f->loop, a.calls == 1);
    assert_string_equal(a.heard, "");
}

static void nodes_that_do_not_agree_are_not_asked_for_ever(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 };

    start_up(f);
    f->cluster.nodes[0].moved_to = 1;
    f->cluster.nodes[1].moved_to = 0;
    ask(f, &a, FIRST);
    await(f->loop, a.calls == 1);
    assert_in_range(fake_cluster_count(&f->cluster, -1, "GET"), 2, 6);
    assert_int_equal(f->redis.counts.dropped.value, 1);
    (void)tw_redis_subscribe(&f->redis, TW_LIT(FIRST));
    net_idle(f->loop, 1000);
    assert_in_range(fake_cluster_count(&f->cluster, -1, "SSUBSCRIBE"), 4, 40);
    assert_in_range(fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS"), 2, 8);
    f->cluster.nodes[0].moved_to = f->cluster.nodes[1].moved_to = -1;
    await(f->loop, f->subscribed == 1);
}

static void a_channel_whose_slot_moves_is_lost_and_subscribed_to_at_its_new_owner(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    fake_cluster_move(&f->cluster, tw_redis_slot(TW_LIT(FIRST)), 3);
    await(f->loop, f->subscribed == 4);
    assert_true(f->lost >= 1);
    assert_true(tw_slice_starts(tw_buf_view(&f->told), TW_LIT("-" FIRST "\n")));
    assert_int_equal(fake_cluster_count(&f->cluster, 3, "SSUBSCRIBE " FIRST), 1);
    assert_null(memmem(f->told.at, f->told.len, "-" SECOND, 2));
    fake_cluster_push(&f->cluster, FIRST, "there");
    await(f->loop, f->messages == 1);
    assert_true(tw_redis_is_up(&f->redis));
    assert_int_equal(f->downs, 0);
}

static void back_and_forth(void **state)
{
    struct fixture *f = *state;
    unsigned slot = tw_redis_slot(TW_LIT(FIRST));

    subscribe_all(f);
    for (int i = 0; i < 5; i++) {
        int before = f->subscribed;

        fake_cluster_move(&f->cluster, slot, i % 2 == 0 ? 1 : 0);
        await(f->loop, f->subscribed == before + 1);
    }
    for (int i = 0; i < 4; i++) /* faster than it can follow */
        fake_cluster_move(&f->cluster, slot, i % 2 == 0 ? 2 : 1);
    await(f->loop, fake_cluster_count(&f->cluster, 1, "SSUBSCRIBE " FIRST) > 3);
    fake_cluster_push(&f->cluster, FIRST, "here");
    await(f->loop, f->messages == 1);
}

static void what_is_not_wanted_any_more_does_not_come_back(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    assert_int_equal(tw_redis_unsubscribe(&f->redis, TW_LIT(FIRST)), 0);
    await(f->loop, fake_cluster_count(&f->cluster, 0, "SUNSUBSCRIBE " FIRST) == 1);
    fake_cluster_move(&f->cluster, tw_redis_slot(TW_LIT(FIRST)), 1);
    net_idle(f->loop, 50);
    assert_int_equal(fake_cluster_count(&f->cluster, -1, "SSUBSCRIBE " FIRST), 1);
    assert_buf(&f->told, "");
    assert_int_equal(tw_redis_unsubscribe(&f->redis, TW_LIT(FIRST)), 0); /* nor twice */
    subscribe(f, FIRST);
    assert_int_equal(fake_cluster_count(&f->cluster, 1, "SSUBSCRIBE " FIRST), 1);
}

static void a_node_that_goes_takes_its_own_channels_only(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    fake_cluster_kill(&f->cluster, 1);
    await(f->loop, f->lost == 1);
    assert_buf(&f->told, "-" SECOND "\n");
    assert_false(tw_redis_serves(&f->redis, TW_LIT(SECOND)));
    assert_true(tw_redis_serves(&f->redis, TW_LIT(FIRST)));
    assert_false(tw_redis_is_up(&f->redis));
    assert_int_equal(f->redis.counts.up.value, 0);
    assert_non_null(tw_redis_problem(&f->redis));
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(SECOND), TW_LIT("m")), TW_EDOWN);
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("m")), 0);
    fake_cluster_push(&f->cluster, THIRD, "still");
    await(f->loop, f->messages == 1);
    net_idle(f->loop, 50);
    fake_cluster_revive(&f->cluster, 1);
    await(f->loop, f->subscribed == 4);
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_int_equal(f->lost, 1);
    assert_int_equal(f->downs, 0);
    assert_int_equal(caught_log_count("event=redis.down link=\"test 127.0.0.1:"), 1);
}

static void the_replica_that_takes_its_place_is_found(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    fake_cluster_kill(&f->cluster, 1);
    await(f->loop, fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS") >= 3);
    fake_cluster_promote(&f->cluster, 1, 3);
    await(f->loop, f->subscribed == 4);
    assert_int_equal(fake_cluster_count(&f->cluster, 3, "SSUBSCRIBE " SECOND), 1);
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_null(tw_redis_problem(&f->redis));
}

static void slots_without_a_node_are_said_once_and_waited_for(void **state)
{
    struct fixture *f = *state;
    unsigned slot = tw_redis_slot(TW_LIT(FIRST));
    int asked;

    subscribe_all(f);
    fake_cluster_move(&f->cluster, slot, TW_REDIS_NOBODY);
    await(f->loop, caught_log_count("event=redis.cluster link=test") == 1);
    assert_int_equal(caught_log_count("why=\"1 of 16384 slots have no node\""), 1);
    assert_string_equal(tw_redis_problem(&f->redis), "1 of 16384 slots have no node");
    assert_false(tw_redis_serves(&f->redis, TW_LIT(FIRST)));
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("m")), TW_EDOWN);
    asked = fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS");
    net_idle(f->loop, 1500);
    assert_in_range(fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS") - asked, 1, 6);
    assert_int_equal(caught_log_count("why=\"1 of 16384 slots have no node\""), 1);
    fake_cluster_move(&f->cluster, slot, 2);
    await(f->loop, f->subscribed == 4);
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_int_equal(fake_cluster_count(&f->cluster, 2, "SSUBSCRIBE " FIRST), 1);
    assert_int_equal(caught_log_count("state=whole"), 1);
}

static void a_redis_that_is_no_cluster_is_said_once(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < FAKE_NODES; i++)
        f->cluster.nodes[i].is_no_cluster = true;
    start(f);
    net_idle(f->loop, 1500);
    assert_string_equal(tw_redis_problem(&f->redis),
                        "this Redis is no cluster: its URL is redis://");
    assert_int_equal(caught_log_count("level=warn"), 1);
    assert_in_range(fake_cluster_count(&f->cluster, -1, "CLUSTER SHARDS"), 2, 8);
    for (int i = 0; i < FAKE_NODES; i++)
        f->cluster.nodes[i].is_no_cluster = false;
    await(f->loop, tw_redis_is_up(&f->redis));
}

static void a_cluster_that_is_away_is_said_once_and_found_when_it_is_there(void **state)
{
    struct fixture *f = *state;

    for (uint8_t i = 0; i < FAKE_NODES; i++)
        fake_cluster_kill(&f->cluster, i);
    net_idle(f->loop, 20);
    start(f);
    await(f->loop, caught_log_count("event=redis.down link=\"test cluster\"") == 1);
    net_idle(f->loop, 500);
    assert_int_equal(caught_log_count("level=warn"), 1);
    assert_string_equal(tw_redis_problem(&f->redis), "connection refused");
    for (uint8_t i = 0; i < FAKE_NODES; i++)
        fake_cluster_revive(&f->cluster, i);
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_int_equal(f->ups, 1);
}

static void one_host_of_the_url_is_enough(void **state)
{
    struct fixture *f = *state;

    fake_cluster_promote(&f->cluster, 0, 3);
    fake_cluster_kill(&f->cluster, 0);
    net_idle(f->loop, 20);
    start(f);
    await(f->loop, f->ups == 1);
    assert_int_equal(tw_redis_subscribe(&f->redis, TW_LIT(FIRST)), TW_EDOWN);
    await(f->loop, f->subscribed == 1);
    assert_int_equal(caught_log_count("link=\"test cluster\""), 0); /* that is no news */
}

static void nodes_are_looked_up_by_the_names_that_they_announce(void **state)
{
    struct fixture *f = *state;

    f->cluster.nodes[1].name = "redis-1.example";
    f->cluster.nodes[3].name = "redis-3.example";
    fake_names_set("redis-1.example", "127.0.0.1");
    fake_names_set("redis-3.example", "127.0.0.1");
    subscribe_all(f);
    assert_true(fake_names_asked("redis-1.example") >= 1);
    fake_cluster_move(&f->cluster, tw_redis_slot(TW_LIT(FIRST)), 3); /* MOVED names it, too */
    await(f->loop, f->subscribed == 4);
    assert_int_equal(fake_cluster_count(&f->cluster, 3, "SSUBSCRIBE " FIRST), 1);
    assert_int_equal(f->cluster.nodes[3].redis.host.accepted, 1);
}

static void many_channels_are_asked_for_in_pieces(void **state)
{
    struct fixture *f = *state;
    char name[32];

    start_up(f);
    f->cluster.nodes[0].redis.is_silent = true;
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), "{" FIRST "}%d", i);
        assert_int_equal(tw_redis_subscribe(&f->redis, tw_slice_of(name)), 0);
    }
    net_idle(f->loop, 100);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "SSUBSCRIBE"), 512);
    f->cluster.nodes[0].redis.is_silent = false;
    host_drop_all(&f->cluster.nodes[0].redis.host);
    await(f->loop, f->lost == 20000);
    await(f->loop, f->subscribed == 20000);
    assert_int_equal(fake_cluster_count(&f->cluster, 0, "SSUBSCRIBE"), 20512);
}

static void too_much_unanswered_is_refused(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, 1048576);
    int taken = 0, r = 0;

    start_up(f);
    f->cluster.nodes[0].redis.is_silent = true;
    while (r == 0 && taken < 100) {
        r = tw_redis_publish(&f->redis, TW_LIT(FIRST), tw_slice_from(large, 1048576));
        taken += r == 0 ? 1 : 0;
        net_idle(f->loop, 2);
    }
    assert_int_equal(r, TW_EFULL);
    assert_in_range(taken, 4, 8);
    host_drop_all(&f->cluster.nodes[0].redis.host);
    f->cluster.nodes[0].redis.is_silent = false;
    await(f->loop, !tw_redis_is_up(&f->redis));
    await(f->loop, tw_redis_is_up(&f->redis));
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("small")), 0);
    free(large);
}

static void what_is_refused_for_another_reason_breaks_that_link_only(void **state)
{
    struct fixture *f = *state;

    subscribe_all(f);
    fake_redis_say(&f->cluster.nodes[1].redis, TW_LIT("-NOPERM no access to the channel\r\n"));
    await(f->loop, f->lost == 1);
    assert_buf(&f->told, "-" SECOND "\n");
    assert_int_equal(caught_log_count("NOPERM"), 1);
    await(f->loop, f->subscribed == 4);
}

static void it_may_be_stopped_at_any_time(void **state)
{
    struct fixture *f = *state;
    struct asker a = { .calls = 0 };

    start_up(f);
    ask(f, &a, FIRST);
    assert_int_equal(tw_redis_subscribe(&f->redis, TW_LIT(SECOND)), 0);
    tw_redis_stop(&f->redis);
    assert_int_equal(a.calls, 1); /* with nothing */
    assert_false(tw_redis_is_up(&f->redis));
    assert_int_equal(tw_redis_publish(&f->redis, TW_LIT(FIRST), TW_LIT("m")), TW_EDOWN);
    assert_int_equal(tw_redis_subscribe(&f->redis, TW_LIT(FIRST)), TW_EDOWN);
    net_idle(f->loop, 50);
    assert_int_equal(f->subscribed + f->lost, 0);
}

static void also_before_it_knows_anything(void **state)
{
    struct fixture *f = *state;

    start(f);
    tw_redis_stop(&f->redis);
    net_idle(f->loop, 50);
    assert_int_equal(f->ups, 0);
    assert_int_equal(f->cluster.nodes[0].redis.host.accepted, 0);
}

#define CLUSTER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(who_has_what_is_asked_once_and_each_master_has_a_link),
        CLUSTER_TEST(each_channel_is_subscribed_to_where_its_slot_is),
        CLUSTER_TEST(each_message_is_published_where_its_slot_is),
        CLUSTER_TEST(what_is_subscribed_to_before_it_is_known_where_is_asked_for_then),
        CLUSTER_TEST(a_slot_that_has_moved_is_published_to_at_its_new_owner),
        CLUSTER_TEST(a_key_that_is_on_its_way_is_asked_for_where_it_goes),
        CLUSTER_TEST(a_question_follows_its_slot_and_may_be_forgotten_on_the_way),
        CLUSTER_TEST(a_question_is_answered_when_its_node_goes),
        CLUSTER_TEST(nodes_that_do_not_agree_are_not_asked_for_ever),
        CLUSTER_TEST(a_channel_whose_slot_moves_is_lost_and_subscribed_to_at_its_new_owner),
        CLUSTER_TEST(back_and_forth),
        CLUSTER_TEST(what_is_not_wanted_any_more_does_not_come_back),
        CLUSTER_TEST(a_node_that_goes_takes_its_own_channels_only),
        CLUSTER_TEST(the_replica_that_takes_its_place_is_found),
        CLUSTER_TEST(slots_without_a_node_are_said_once_and_waited_for),
        CLUSTER_TEST(a_redis_that_is_no_cluster_is_said_once),
        CLUSTER_TEST(a_cluster_that_is_away_is_said_once_and_found_when_it_is_there),
        CLUSTER_TEST(one_host_of_the_url_is_enough),
        CLUSTER_TEST(nodes_are_looked_up_by_the_names_that_they_announce),
        CLUSTER_TEST(many_channels_are_asked_for_in_pieces),
        CLUSTER_TEST(too_much_unanswered_is_refused),
        CLUSTER_TEST(what_is_refused_for_another_reason_breaks_that_link_only),
        CLUSTER_TEST(it_may_be_stopped_at_any_time),
        CLUSTER_TEST(also_before_it_knows_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
