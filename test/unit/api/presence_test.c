/* presence_test.c - gateways' records added up; and what is said while Redis says nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/presence.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_redis.h"

#define NOW 1767636000000

/* What an address of this kind shows of these records. */
static void check_shown(const char *const *records, size_t n, enum api_presence kind,
                        const char *want)
{
    struct api_presence_sum sum = { .restaurants = 2, .devices = { .max = 4096 } };
    struct tw_buf text = { .max = 4096 };

    for (size_t i = 0; i < n; i++)
        api_presence_add(&sum, tw_slice_of(records[i]), NOW);
    tw_buf_char(&text, '{');
    api_presence_put(&sum, kind, &text);
    tw_buf_char(&text, '}');
    assert_buf(&text, want);
    tw_buf_done(&text);
    tw_buf_done(&sum.devices);
}

static void records_of_living_gateways_are_added_up(void **state)
{
    static const char *const totals[] = {
        "{\"until\":1767636000001,\"minipos\":3,\"cloudsync\":2}",
        "{\"until\":1767636015000,\"minipos\":4,\"cloudsync\":5}",
        "{\"until\":1767636000000,\"minipos\":100,\"cloudsync\":100}", /* it is gone */
        "{\"minipos\":100,\"cloudsync\":100}",
    };
    static const char *const devices[] = {
        ("{\"until\":1767636015000,\"minipos\":1,\"devices\":[{\"device_id\":\"a\"},"
         " {\"device_id\":\"b\",\"user_id\":null}]}"),
        "{\"until\":1767636015000,\"minipos\":1,\"devices\":[]}",
        "{\"until\":1767636015000,\"devices\":[{\"device_id\":\"c\"}]}",
        "{\"until\":1,\"devices\":[{\"device_id\":\"d\"}]}",
    };

    (void)state;
    check_shown(totals, TW_COUNT(totals), API_TABLETS, "{\"clients\":7}");
    check_shown(totals, TW_COUNT(totals), API_TOTALS,
                "{\"connectedRestaurants\":2,\"totalConnections\":7}");
    check_shown(devices, TW_COUNT(devices), API_DEVICES,
                "{\"connected_devices\":[{\"device_id\":\"a\"},{\"device_id\":\"b\","
                "\"user_id\":null},{\"device_id\":\"c\"}],\"device_count\":3}");
    check_shown(totals, 0, API_TABLETS, "{\"clients\":0}");
    check_shown(totals, 0, API_DEVICES, "{\"connected_devices\":[],\"device_count\":0}");
}

static void what_is_no_record_is_left_out(void **state)
{
    static const char *const records[] = {
        "",
        "x",
        "[]",
        "7",
        "{\"until\":1767636015000,\"minipos\":1",
        "{\"until\":\"1767636015000\",\"minipos\":1}",
        "{\"until\":1767636015000,\"minipos\":-1,\"devices\":7}",
        "{\"until\":1767636015000,\"minipos\":1.5,\"devices\":{\"a\":1}}",
        "{\"until\":1767636015000,\"minipos\":99999999999999999999999}",
    };

    (void)state;
    check_shown(records, TW_COUNT(records), API_TABLETS, "{\"clients\":0}");
    check_shown(records, TW_COUNT(records), API_DEVICES,
                "{\"connected_devices\":[],\"device_count\":0}");
}

static void a_list_that_does_not_fit_ends_and_the_number_stays_true(void **state)
{
    struct api_presence_sum sum = { .devices = { .max = 9 } };

    (void)state;
    api_presence_add(&sum, TW_LIT("{\"until\":1767636015000,\"devices\":[1000,2000,3000]}"),
                     NOW);
    assert_buf(&sum.devices, "1000,2000");
    assert_int_equal(sum.device_count, 3);
    tw_buf_done(&sum.devices);
}

struct fixture {
    struct tw_loop *loop;
    struct fake_redis redis;
    struct tw_redis link;
    struct api_presence_query query;
    struct tw_buf shown;
    int answers;
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);
    char url[64];

    caught_log_begin();
    f->loop = net_loop_new();
    f->shown.max = 4096;
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = url,
                                                                          .name = "test" }),
                     0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_redis_stop(&f->link);
    fake_redis_stop(&f->redis);
    net_loop_free(f->loop);
    api_presence_done(&f->query);
    tw_buf_done(&f->shown);
    free(f);
    caught_log_end();
    return 0;
}

static void on_answered(struct api_presence_query *q)
{
    struct fixture *f = tw_container_of(q, struct fixture, query);

    f->answers++;
    api_presence_put(&q->sum, q->kind, &f->shown);
}

static void ask(struct fixture *f, enum api_presence kind)
{
    api_presence_done(&f->query);
    tw_buf_clear(&f->shown);
    f->answers = 0;
    f->query = (struct api_presence_query){ .redis = &f->link,
                                            .kind = kind,
                                            .tenant = "aaaaaaaa-0000-4000-8000-000000000001",
                                            .answered = on_answered };
    api_presence_ask(&f->query);
    assert_int_equal(f->answers, 0);
}

static void redis_is_asked_for_what_is_shown(void **state)
{
    struct fixture *f = *state;

    await(f->loop, tw_redis_is_up(&f->link));
    f->redis.reply =
        "*2\r\n$44\r\n{\"until\":9999999999999,\"minipos\":2,\"x\":1234}\r\n$1\r\n7\r\n";
    ask(f, API_TABLETS);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "\"clients\":2");
    assert_int_equal(fake_redis_count(&f->redis, "HVALS tw:p:all"), 1);
    f->redis.reply = "*0\r\n";
    ask(f, API_DEVICES);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "\"connected_devices\":[],\"device_count\":0");
    assert_int_equal(
        fake_redis_count(&f->redis, "HVALS tw:p:{aaaaaaaa-0000-4000-8000-000000000001}"), 1);
    f->redis.reply = ":3\r\n";
    ask(f, API_TOTALS);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "\"connectedRestaurants\":3,\"totalConnections\":0");
    assert_int_equal(fake_redis_count(&f->redis, "ZCOUNT tw:p:tenants (1"), 1);
}

static void without_redis_the_answer_says_so(void **state)
{
    struct fixture *f = *state;

    ask(f, API_TABLETS); /* not up yet */
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "\"clients\":0,\"degraded\":true");
    await(f->loop, tw_redis_is_up(&f->link));
    ask(f, API_TOTALS); /* and this one does not know such commands */
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown,
               "\"connectedRestaurants\":0,\"totalConnections\":0,\"degraded\":true");
    assert_true(tw_redis_is_up(&f->link));
    f->redis.is_silent = true;
    ask(f, API_DEVICES);
    net_idle(f->loop, 20);
    host_drop_all(&f->redis.host);
    await(f->loop, f->answers == 1);
    assert_buf(&f->shown, "\"connected_devices\":[],\"device_count\":0,\"degraded\":true");
}

static void a_silent_redis_is_not_waited_for_long(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    await(f->loop, tw_redis_is_up(&f->link));
    f->redis.is_silent = true;
    before = tw_now_ms();
    ask(f, API_TOTALS);
    await(f->loop, f->answers == 1);
    assert_in_range(tw_now_ms() - before, 600, 1000);
    assert_buf(&f->shown,
               "\"connectedRestaurants\":0,\"totalConnections\":0,\"degraded\":true");
    host_drop_all(&f->redis.host); /* which answers what was asked, once more */
    net_idle(f->loop, 50);
    assert_int_equal(f->answers, 1);
}

#define REDIS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_living_gateways_are_added_up),
        cmocka_unit_test(what_is_no_record_is_left_out),
        cmocka_unit_test(a_list_that_does_not_fit_ends_and_the_number_stays_true),
        REDIS_TEST(redis_is_asked_for_what_is_shown),
        REDIS_TEST(without_redis_the_answer_says_so),
        REDIS_TEST(a_silent_redis_is_not_waited_for_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
