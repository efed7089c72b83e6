/* presence_test.c - what Redis is told of the devices that are connected here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/presence.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "test/unit/gateway/support/fake_gateway.h"

static struct gw_presence presence;
static struct gateway *gateway;

static int open_presence(void **state)
{
    (void)open_gateway(state);
    gateway = *state;
    presence = (struct gw_presence){ 0 };
    gw_presence_start(&presence,
                      &(struct gw_presence_options){ .loop = gateway->loop,
                                                     .shared_state = &gateway->shared_state,
                                                     .store = &gateway->publisher,
                                                     .instance = TW_LIT("g1") });
    return 0;
}

static int close_presence(void **state)
{
    gw_presence_stop(&presence);
    gw_presence_done(&presence);
    return close_gateway(state);
}

/* The commands so far, with moments near now as `soon` and as `since`. */
static void check_told(const char *want)
{
    struct tw_slice rest = tw_buf_view(&gateway->publisher.out);
    struct tw_buf told = { .max = 10000 };
    char year[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), year);
    while (rest.len > 0) {
        struct tw_slice number = { rest.at, 0 };
        uint64_t ms = 0;

        while (number.len < rest.len && rest.at[number.len] >= '0' &&
               rest.at[number.len] <= '9')
            number.len++;
        if (number.len == 13 && tw_slice_u64(number, &ms) &&
            (int64_t)ms <= tw_wall_ms() + 15000 && (int64_t)ms > tw_wall_ms() + 5000) {
            tw_buf_text(&told, "soon");
            rest = tw_slice_skip(rest, 13);
        } else if (tw_slice_starts(rest, tw_slice_from(year, 10))) {
            tw_buf_text(&told, "since");
            rest = tw_slice_skip(rest, strlen(year));
        } else {
            tw_buf_char(&told, rest.at[0]);
            rest = tw_slice_skip(rest, 1);
        }
    }
    assert_buf(&told, want);
    tw_buf_done(&told);
    tw_buf_clear(&gateway->publisher.out);
}

#define ALL(minipos, cloudsync)                                                                \
    "HSET tw:p:all g1 {\"until\":soon,\"minipos\":" minipos ",\"cloudsync\":" cloudsync "}\n"  \
    "EXPIRE tw:p:all 30\n"

static void without_devices_there_are_none(void **state)
{
    struct gateway *g = *state;

    come_to(g, &presence.tick);
    check_told(ALL("0", "0"));
    assert_true(tw_deadline_is_set(&presence.tick)); /* and again later */
}

static void devices_with_a_name_are_listed_and_tablets_are_counted(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    (void)connect_device(g, 1, "pos_2", "kitchen");
    (void)connect_tablet(g, 2);
    tell(g, till, "{\"type\":\"register\",\"user_id\":\"eve\"}");
    come_to(g, &presence.tick);
    check_told("HSET tw:p:" KITCHEN_ID " g1 {\"until\":soon,\"minipos\":1,\"devices\":[{"
               "\"device_id\":\"pos_1\",\"user_id\":\"eve\",\"connected_at\":\"since\"},{"
               "\"device_id\":\"pos_2\",\"user_id\":null,\"connected_at\":\"since\"}]}\n"
               "EXPIRE tw:p:" KITCHEN_ID " 30\n"
               "ZADD tw:p:tenants soon " KITCHEN_ID "\n" ALL("1", "2"));
}

static void the_same_is_told_again_each_time(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    for (int i = 0; i < 2; i++) {
        come_to(g, &presence.tick);
        check_told("HSET tw:p:" KITCHEN_ID " g1 {\"until\":soon,\"minipos\":1,\"devices\":[]}\n"
                   "EXPIRE tw:p:" KITCHEN_ID " 30\n" ALL("1", "0"));
    }
}

static void a_tenant_whose_last_device_has_gone_is_taken_back(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to(g, &presence.tick);
    tw_buf_clear(&g->publisher.out);
    leave_gateway(&g->clients[0]);
    come_to(g, &presence.tick);
    check_told("HDEL tw:p:" KITCHEN_ID " g1\n" ALL("0", "0"));
    come_to(g, &presence.tick);
    check_told(ALL("0", "0"));
}

static void one_that_is_closing_does_not_count(void **state)
{
    struct gateway *g = *state;
    struct client *tablet = connect_tablet(g, 0);

    gw_session_close(tablet->session, gw_closes.key_revoked);
    come_to(g, &presence.tick);
    check_told(ALL("0", "0"));
}

static void a_change_is_told_soon(void **state)
{
    struct gateway *g = *state;
    uint64_t before;

    come_to(g, &presence.tick);
    before = presence.tick.at_ms;
    gw_presence_touch(&presence);
    assert_true(presence.tick.at_ms < before);
    before = presence.tick.at_ms;
    gw_presence_touch(&presence); /* one after the other puts nothing off */
    assert_int_equal(presence.tick.at_ms, before);
}

static void a_gateway_that_stops_takes_back_what_it_told(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to(g, &presence.tick);
    tw_buf_clear(&g->publisher.out);
    gw_presence_stop(&presence);
    check_told("HDEL tw:p:" KITCHEN_ID " g1\nHDEL tw:p:all g1\n");
    gw_presence_touch(&presence);
    assert_false(tw_deadline_is_set(&presence.tick));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_presence, close_presence)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_devices_there_are_none),
        test(devices_with_a_name_are_listed_and_tablets_are_counted),
        test(the_same_is_told_again_each_time),
        test(a_tenant_whose_last_device_has_gone_is_taken_back),
        test(one_that_is_closing_does_not_count),
        test(a_change_is_told_soon),
        test(a_gateway_that_stops_takes_back_what_it_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
