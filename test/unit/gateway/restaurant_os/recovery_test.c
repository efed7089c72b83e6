/* recovery_test.c - docs/protocols/socketio.md: a client that comes back continues where it
 * was, at any gateway.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "gateway/stream/feed.h"
#include "test/unit/gateway/support/fake_screens.h"

#define PID "0123456789abcdefghijklmnopqrstuv"
#define SID "0123456789abcdefghij"
#define CONNECT(pid, offset)                                                                   \
    "0{\"token\":\"" KITCHEN_TOKEN "\",\"pid\":\"" pid "\",\"offset\":\"" offset "\"}"
#define RECORD(tenant, joined, stations, turn)                                                 \
    "{\"tenant\":\"" tenant "\",\"sid\":\"" SID "\",\"joined\":" joined                        \
    ",\"stations\":" stations ",\"turn\":" turn "}"
#define CONNECTED(offset)                                                                      \
    "40\n42[\"connection:status\",{\"state\":\"connected\"},\"" offset "\"]\n"
#define COMPLETED(seq)                                                                         \
    "42[\"table:completed\",{\"tableNumber\":\"5\",\"orderIds\":[],\"completedAt\":"           \
    "\"" EVENT_AT "\",\"restaurant_id\":\"" KITCHEN_ID "\",\"seq\":" seq "},\"" seq "\"]\n"

/* The last command to Redis ends like this; all are forgotten. */
static void check_last(struct screens *s, const char *want)
{
    struct tw_slice said = tw_buf_view(&s->store.link.out);
    size_t n = strlen(want);

    assert_true(said.len > n);
    assert_slice(tw_slice_from(said.at + said.len - 1 - n, n), want);
    tw_buf_clear(&s->store.link.out);
}

/* A stream at 16 with 15 and 16 in memory. */
static void begin_at_16(struct screens *s)
{
    (void)connect_screen(s, 0, KITCHEN_TOKEN); /* its stream begins */
    tw_buf_clear(&s->store.link.out);
}

static void complete_table(struct screens *s, uint64_t seq)
{
    struct tw_buf data = { .max = 200 };

    tw_buf_text(&data,
                "{\"tableNumber\":\"5\",\"orderIds\":[],\"completedAt\":\"" EVENT_AT "\"}");
    tw_buf_char(&data, '\0');
    publish(s->gateway, seq, "table.completed", "{\"kind\":\"api\"}", data.at);
    tw_buf_done(&data);
}

static void a_new_client_gets_a_record_and_its_rooms_follow(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);
    struct tw_buf want = { .max = 500 };

    tw_buf_text(&want, " 1 tw:s:{" KITCHEN_ID "}:");
    tw_buf_text(&want, one->pid);
    tw_buf_text(&want, " 0 {\"tenant\":\"" KITCHEN_ID "\",\"sid\":\"");
    tw_buf_text(&want, one->sid);
    tw_buf_append(&want, TW_LIT("\",\"joined\":0,\"stations\":0,\"turn\":0}\0"));
    check_last(s, want.at);
    emit(s, one, "2[\"join:station\",{\"station\":\"bar\"}]");
    check_last(s, "\"joined\":1,\"stations\":4,\"turn\":0}");
    tw_buf_done(&want);
}

static void a_client_that_comes_back_hears_what_it_has_missed(void **state)
{
    struct screens *s = *state;
    struct screen *one;

    begin_at_16(s);
    complete_table(s, 17);
    complete_table(s, 18);
    one = open_screen(s, 1);
    emit(s, one, CONNECT(PID, "16"));
    find_kitchen(s);
    assert_commands(&s->store, "GET tw:s:{" KITCHEN_ID "}:" PID "\n");
    assert_packets(one, "");
    fake_link_answer(&s->store, RECORD(KITCHEN_ID, "1", "4", "3"));
    end_turn(s->gateway);
    assert_packets(one, CONNECTED("16") COMPLETED("17") COMPLETED("18"));
    assert_string_equal(one->sid, SID);
    assert_string_equal(one->pid, PID);
    check_last(s, "\"joined\":1,\"stations\":4,\"turn\":4}");
    assert_int_equal(s->all.recovered.value, 1);
    complete_table(s, 19);
    assert_packets(one, COMPLETED("19"));
}

static void one_that_was_in_no_room_hears_nothing(void **state)
{
    struct screens *s = *state;
    struct screen *one;

    begin_at_16(s);
    complete_table(s, 17);
    one = open_screen(s, 1);
    emit(s, one, CONNECT(PID, "16"));
    find_kitchen(s);
    fake_link_answer(&s->store, RECORD(KITCHEN_ID, "0", "0", "0"));
    end_turn(s->gateway);
    assert_packets(one, CONNECTED("16"));
}

static void a_record_that_is_none_of_this_restaurant_counts_for_nothing(void **state)
{
    static const char *const records[] = {
        NULL,
        "",
        "nonsense",
        "{}",
        RECORD(BAKERY_ID, "1", "15", "0"),
        "{\"tenant\":\"" KITCHEN_ID "\",\"sid\":\"short\",\"joined\":1,\"stations\":0,"
        "\"turn\":0}",
        "{\"tenant\":\"" KITCHEN_ID "\",\"sid\":\"" SID "\",\"joined\":1,\"stations\":0}",
    };
    struct screens *s = *state;

    begin_at_16(s);
    complete_table(s, 17);
    for (size_t i = 0; i < TW_COUNT(records); i++) {
        struct screen *one = open_screen(s, 1);

        emit(s, one, CONNECT(PID, "16"));
        find_kitchen(s);
        fake_link_answer(&s->store, records[i]);
        end_turn(s->gateway);
        assert_packets(one, CONNECTED("17"));
        assert_string_not_equal(one->sid, SID);
        assert_string_not_equal(one->pid, PID);
        cut_off(s, one);
    }
    assert_int_equal(s->all.recovered.value, 0);
}

static void what_is_no_longer_kept_begins_a_new_session(void **state)
{
    struct screens *s = *state;
    struct screen *one;

    begin_at_16(s);
    one = open_screen(s, 1);
    emit(s, one, CONNECT(PID, "99")); /* of a stream that went back */
    find_kitchen(s);
    fake_link_answer(&s->store, RECORD(KITCHEN_ID, "1", "4", "3"));
    end_turn(s->gateway);
    assert_packets(one, ""); /* perhaps another gateway knows more: the log is asked */
    tw_buf_clear(&s->store.link.out);
    for (int i = 0; i < 2 && one->heard.len == 0; i++) {
        struct gw_feed *f = tw_map_get(&s->gateway->hubs.by_tenant, TW_LIT(KITCHEN_ID));

        come_to(s->gateway, &f->gap);
        answer_log(s->gateway, 1, 1, 0, false);
    }
    assert_packets(one, CONNECTED("16"));
    assert_string_not_equal(one->sid, SID);
    check_last(s, "\"joined\":0,\"stations\":0,\"turn\":0}");
}

static void a_pid_that_we_never_gave_is_not_looked_for(void **state)
{
    static const char *const packets[] = {
        CONNECT("short", "16"),
        CONNECT(PID "w", "16"),
        CONNECT(PID, ""),
        CONNECT(PID, "-1"),
        CONNECT(PID, "1e3"),
        "0{\"token\":\"" KITCHEN_TOKEN "\",\"pid\":\"" PID "\"}",
        "0{\"token\":\"" KITCHEN_TOKEN "\",\"pid\":7,\"offset\":\"16\"}",
        "0{\"token\":\"" KITCHEN_TOKEN "\",\"pid\":\"" PID "\",\"offset\":16}",
    };
    struct screens *s = *state;

    begin_at_16(s);
    for (size_t i = 0; i < TW_COUNT(packets); i++) {
        struct screen *one = open_screen(s, 1);

        emit(s, one, packets[i]);
        find_kitchen(s);
        assert_row(tw_list_empty(&s->store.link.asks), packets[i]);
        assert_packets(one, CONNECTED("16"));
        assert_string_not_equal(one->pid, PID);
        cut_off(s, one);
    }
}

static struct gw_sio_client *client_of(struct screens *s)
{
    struct gw_screen *c = NULL;

    tw_list_each(&s->gateway->sessions.list, link) c =
        gw_screen_of(tw_container_of(link, struct gw_session, among));
    assert_non_null(c);
    return tw_container_of(c, struct gw_sio_client, screen);
}

static void without_redis_a_client_is_a_new_one(void **state)
{
    struct screens *s = *state;
    struct screen *one;

    begin_at_16(s);
    one = open_screen(s, 1);
    emit(s, one, CONNECT(PID, "16"));
    find_kitchen(s);
    fake_link_goes_down(&s->store); /* while it is asked */
    end_turn(s->gateway);
    assert_packets(one, CONNECTED("16"));
    assert_string_not_equal(one->pid, PID);
}

static void one_that_leaves_on_purpose_is_forgotten(void **state)
{
    struct screens *s = *state;
    struct screen *one = connect_screen(s, 0, KITCHEN_TOKEN);
    struct tw_buf want = { .max = 100 };

    tw_buf_clear(&s->store.link.out);
    emit(s, one, "1");
    tw_buf_text(&want, "DEL tw:s:{" KITCHEN_ID "}:");
    tw_buf_text(&want, one->pid);
    tw_buf_append(&want, tw_slice_from("\n", 2));
    assert_commands(&s->store, want.at);
    tw_buf_done(&want);
}

static void one_whose_connection_breaks_leaves_a_fresh_record(void **state)
{
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0);

    tw_buf_clear(&s->store.link.out);
    cut_off(s, one);
    check_last(s, "\"joined\":1,\"stations\":0,\"turn\":0}");
}

static void a_record_is_written_again_from_time_to_time(void **state)
{
    struct screens *s = *state;
    struct gw_sio_client *c;

    (void)join_screen(s, 0);
    c = client_of(s);
    tw_buf_clear(&s->store.link.out);
    come_to(s->gateway, &c->refresh);
    check_last(s, "\"joined\":1,\"stations\":0,\"turn\":0}");
    assert_true(tw_deadline_is_set(&c->refresh));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_screens, close_screens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_new_client_gets_a_record_and_its_rooms_follow),
        test(a_client_that_comes_back_hears_what_it_has_missed),
        test(one_that_was_in_no_room_hears_nothing),
        test(a_record_that_is_none_of_this_restaurant_counts_for_nothing),
        test(what_is_no_longer_kept_begins_a_new_session),
        test(a_pid_that_we_never_gave_is_not_looked_for),
        test(without_redis_a_client_is_a_new_one),
        test(one_that_leaves_on_purpose_is_forgotten),
        test(one_whose_connection_breaks_leaves_a_fresh_record),
        test(a_record_is_written_again_from_time_to_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
