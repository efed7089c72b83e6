/* presence_test.c - what Redis is told of the devices that are connected here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/presence.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "gateway/shared_state/minipos.h"
#include "test/unit/gateway/support/fake_gateway.h"

static struct gw_presence presence;
static struct gateway *gateway;

static void on_device(struct gw_device *d, bool has_left)
{
    gw_presence_note(&presence, d, has_left);
}

static int open_presence(void **state)
{
    (void)open_gateway(state);
    gateway = *state;
    gateway->on_device = on_device;
    presence = (struct gw_presence){ 0 };
    gw_presence_start(&presence, &(struct gw_presence_options){ .loop = gateway->loop,
                                                                .store = &gateway->publisher,
                                                                .instance = TW_LIT("g1") });
    return 0;
}

static int close_presence(void **state)
{
    int r;

    gw_presence_stop(&presence);
    r = close_gateway(state);
    gw_presence_done(&presence);
    return r;
}

/* The commands so far, with moments as `soon` (15 s), `later` (45 s) and `since`. */
static void check_told(const char *want)
{
    struct tw_slice rest = tw_buf_view(&gateway->publisher.link.out);
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
            (int64_t)ms <= tw_wall_ms() + 45000 && (int64_t)ms > tw_wall_ms() + 5000) {
            tw_buf_text(&told, (int64_t)ms <= tw_wall_ms() + 15000 ? "soon" : "later");
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
    tw_buf_clear(&gateway->publisher.link.out);
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

#define TENANT(rest)                                                                           \
    "HSET tw:p:{" KITCHEN_ID "} g1 {\"until\":later," rest "}\nEXPIRE tw:p:{" KITCHEN_ID       \
    "} 90\n"
#define ONE_TABLET TENANT("\"minipos\":1,\"devices\":[]")

/* The next tick, so much later. */
static void come_to_tick(uint64_t after_ms)
{
    gateway->loop->now_ms += after_ms;
    come_to(gateway, &presence.tick);
}

static void devices_with_a_name_are_listed_and_tablets_are_counted(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_device(g, 0, "pos_1", "kitchen");

    (void)connect_device(g, 1, "pos_2", "kitchen");
    (void)connect_tablet(g, 2);
    tell(g, till, "{\"type\":\"register\",\"user_id\":\"eve\"}");
    come_to_tick(0);
    check_told(
        TENANT("\"minipos\":1,\"devices\":[{"
               "\"device_id\":\"pos_1\",\"user_id\":\"eve\",\"connected_at\":\"since\"},{"
               "\"device_id\":\"pos_2\",\"user_id\":null,\"connected_at\":\"since\"}]")
            ALL("1", "2") "ZADD tw:p:tenants soon " KITCHEN_ID "\n");
}

/* That the process lives is told every five seconds; the rest rarely, so that many tenants with
 * nothing new cost little. */
static void what_has_not_changed_is_told_again_after_twenty_seconds(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to_tick(0);
    check_told(ONE_TABLET ALL("1", "0"));
    for (int i = 0; i < 3; i++) {
        come_to_tick(5000);
        check_told(ALL("1", "0"));
    }
    come_to_tick(5000);
    check_told(ONE_TABLET ALL("1", "0"));
}

#define BAR_ID "3f1d0d1e-0000-4000-8000-00000000000c"

static void connect_tablet_of_the_bar(struct gateway *g, size_t i)
{
    static const struct gw_hello hello;
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = { .id = BAR_ID, .slug = "bar" },
                               .principal = &principal };

    (void)admit(g, i, &gw_minipos, &hello, &who);
    fake_link_confirm(&g->hubs.subscriber, "tw:t:" BAR_ID);
    answer_head(g, "16", "1");
}

static void all_tenants_are_told_again(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    connect_tablet_of_the_bar(g, 1);
    come_to_tick(0);
    for (int i = 0; i < 3; i++) {
        tw_buf_clear(&g->publisher.link.out);
        come_to_tick(20000);
        check_told(ONE_TABLET "HSET tw:p:{" BAR_ID
                              "} g1 {\"until\":later,\"minipos\":1,\"devices\":[]}\n"
                              "EXPIRE tw:p:{" BAR_ID "} 90\n" ALL("2", "0"));
    }
}

/* However often they come and go. */
static void one_tenants_changes_are_told_once_a_second(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to_tick(150);
    check_told(ONE_TABLET ALL("1", "0"));
    for (int i = 0; i < 10; i++) {
        (void)connect_tablet(g, 1);
        come_to_tick(50);
        leave_gateway(&g->clients[1]);
    }
    check_told("");
    (void)connect_tablet(g, 1);
    come_to_tick(500);
    check_told(TENANT("\"minipos\":2,\"devices\":[]") ALL("2", "0"));
}

static void a_tenant_whose_last_device_has_gone_is_taken_back(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to_tick(0);
    tw_buf_clear(&g->publisher.link.out);
    leave_gateway(&g->clients[0]);
    come_to_tick(1000);
    check_told("HDEL tw:p:{" KITCHEN_ID "} g1\n" ALL("0", "0"));
    come_to_tick(5000);
    check_told(ALL("0", "0"));
}

static void one_that_is_closing_does_not_count(void **state)
{
    struct gateway *g = *state;
    struct client *tablet = connect_tablet(g, 0);

    gw_session_close(tablet->session, gw_closes.key_revoked);
    come_to_tick(0);
    check_told(ALL("0", "0"));
}

static void a_change_is_told_soon(void **state)
{
    struct gateway *g = *state;
    uint64_t before;

    come_to_tick(0);
    before = presence.tick.at_ms;
    (void)connect_tablet(g, 0);
    assert_true(presence.tick.at_ms < before);
    before = presence.tick.at_ms;
    (void)connect_tablet(g, 1); /* one after the other puts nothing off */
    assert_int_equal(presence.tick.at_ms, before);
}

static void a_gateway_that_stops_takes_back_what_it_told(void **state)
{
    struct gateway *g = *state;

    (void)connect_tablet(g, 0);
    come_to_tick(0);
    tw_buf_clear(&g->publisher.link.out);
    gw_presence_stop(&presence);
    check_told("HDEL tw:p:{" KITCHEN_ID "} g1\nHDEL tw:p:all g1\n");
    (void)connect_tablet(g, 1);
    assert_false(tw_deadline_is_set(&presence.tick));
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_presence, close_presence)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_devices_there_are_none),
        test(devices_with_a_name_are_listed_and_tablets_are_counted),
        test(what_has_not_changed_is_told_again_after_twenty_seconds),
        test(all_tenants_are_told_again),
        test(one_tenants_changes_are_told_once_a_second),
        test(a_tenant_whose_last_device_has_gone_is_taken_back),
        test(one_that_is_closing_does_not_count),
        test(a_change_is_told_soon),
        test(a_gateway_that_stops_takes_back_what_it_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
