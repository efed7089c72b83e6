/* publish_test.c - channels and tenants, and events on their way to Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/publish.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/redis.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_redis.h"

#define TENANT "69fb5687-044a-48af-ac0e-d6b817aec684"

static void a_channel_names_its_tenant(void **state)
{
    struct tw_slice id = TW_LIT(TENANT), back, channel;
    char text[TW_CHANNEL_BYTES];

    (void)state;
    channel = tw_event_channel(id, text);
    assert_slice(channel, "tw:t:" TENANT);
    assert_int_equal(channel.len, TW_CHANNEL_BYTES);
    assert_true(tw_event_tenant(channel, &back));
    assert_true(tw_slice_eq(back, id));
}

static void other_channels_belong_to_no_tenant(void **state)
{
    static const char *const others[] = { "",
                                          "tw:t:",
                                          TW_CONTROL_CHANNEL,
                                          "tw:t:kitchen",
                                          "tw:t:69fb5687-044a-48af-ac0e-d6b817aec68",
                                          "tw:t:69fb5687-044a-48af-ac0e-d6b817aec6844",
                                          "tw:x:69fb5687-044a-48af-ac0e-d6b817aec684",
                                          TENANT };
    struct tw_slice tenant = TW_LIT("untouched");

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_row(!tw_event_tenant(tw_slice_of(others[i]), &tenant), others[i]);
    assert_slice(tenant, "untouched");
}

static void a_message_is_unwrapped_for_its_own_tenant_only(void **state)
{
    struct tw_buf message = { .max = 200 };
    size_t start;

    (void)state;
    tw_event_wrap(&message, TW_LIT(TENANT), TW_LIT("{\"seq\":1}"));
    start = tw_event_unwrap(tw_buf_view(&message), TW_LIT(TENANT));
    assert_slice(tw_slice_skip(tw_buf_view(&message), start), "{\"seq\":1}");
    assert_int_equal(
        tw_event_unwrap(tw_buf_view(&message), TW_LIT("79fb5687-044a-48af-ac0e-d6b817aec684")),
        0);
    tw_buf_done(&message);
}

static void a_message_without_an_event_is_not_unwrapped(void **state)
{
    static const char *const bad[] = { "", TENANT, (TENANT " "), (TENANT "{}"), "{\"seq\":1}" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(tw_event_unwrap(tw_slice_of(bad[i]), TW_LIT(TENANT)) == 0, bad[i]);
}

struct fixture {
    struct tw_loop *loop;
    struct fake_redis redis;
    struct tw_redis link;
    struct tw_metrics metrics;
    char url[64];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d", f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->url,
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
    free(f);
    caught_log_end();
    return 0;
}

static void an_event_is_published_on_its_tenant_s_channel_with_its_tenant_s_name(void **state)
{
    struct fixture *f = *state;

    await(f->loop, tw_redis_is_up(&f->link));
    assert_int_equal(tw_publish_event(&f->link, TW_LIT(TENANT), TW_LIT("{\"seq\":1}")), 0);
    await(f->loop,
          fake_redis_count(&f->redis, "PUBLISH tw:t:" TENANT " " TENANT " {\"seq\":1}") == 1);
}

static void an_event_is_not_published_while_redis_is_away(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tw_publish_event(&f->link, TW_LIT(TENANT), TW_LIT("{\"seq\":1}")),
                     TW_EDOWN);
}

static void an_event_of_more_than_two_megabytes_is_left_to_the_log(void **state)
{
    struct fixture *f = *state;
    size_t len = (size_t)2 * 1024 * 1024;
    char *large = malloc(len);

    assert_non_null(large);
    memset(large, 'x', len);
    await(f->loop, tw_redis_is_up(&f->link));
    assert_int_equal(tw_publish_event(&f->link, TW_LIT(TENANT), tw_slice_from(large, len)),
                     TW_EFULL);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_names_its_tenant),
        cmocka_unit_test(other_channels_belong_to_no_tenant),
        cmocka_unit_test(a_message_is_unwrapped_for_its_own_tenant_only),
        cmocka_unit_test(a_message_without_an_event_is_not_unwrapped),
        cmocka_unit_test_setup_teardown(
            an_event_is_published_on_its_tenant_s_channel_with_its_tenant_s_name, begin, end),
        cmocka_unit_test_setup_teardown(an_event_is_not_published_while_redis_is_away, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_event_of_more_than_two_megabytes_is_left_to_the_log,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
