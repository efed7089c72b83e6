/* presence.c - adding up what gateways say, and asking Redis for it.
 *
 * When Redis is away or slow there is still an answer, and it says so ("degraded").
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/presence.h"

#include <stdio.h>

#include "common/domain/presence_keys.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define LIMIT_MS 700
#define RECORD_BYTES ((size_t)4 * 1024 * 1024)
#define DEVICES_BYTES ((size_t)8 * 1024 * 1024)

static uint64_t number_of(struct tw_slice record, const char *name)
{
    struct tw_slice raw;
    uint64_t number = 0;

    if (tw_json_get(record, name, &raw))
        (void)tw_json_u64(raw, &number);
    return number;
}

static void add_devices(struct api_presence_sum *sum, struct tw_slice record)
{
    struct tw_slice rest, one;

    if (!tw_json_get(record, TW_PRESENCE_DEVICES, &rest))
        return;
    while (tw_json_element(&rest, &one)) {
        size_t before = sum->devices.len;

        if (before > 0)
            tw_buf_char(&sum->devices, ',');
        tw_buf_append(&sum->devices, one);
        if (sum->devices.failed) { /* the list ends here, the number does not */
            sum->devices.failed = false;
            sum->devices.len = before;
        }
        sum->device_count++;
    }
}

void api_presence_add(struct api_presence_sum *sum, struct tw_slice record, int64_t now_ms)
{
    struct tw_buf copy = { .max = RECORD_BYTES };
    struct tw_json_fault fault;
    size_t len = record.len;

    tw_buf_append(&copy, record);
    if (!copy.failed && len > 0 && tw_json_scan(copy.at, &len, &tw_json_wide, &fault) == '{') {
        struct tw_slice json = tw_slice_from(copy.at, len);

        if (number_of(json, TW_PRESENCE_UNTIL) > (uint64_t)now_ms) {
            sum->tablets += number_of(json, TW_PRESENCE_MINIPOS);
            sum->cloud_devices += number_of(json, TW_PRESENCE_CLOUDSYNC);
            add_devices(sum, json);
        }
    }
    tw_buf_done(&copy);
}

void api_presence_put(const struct api_presence_sum *sum, enum api_presence kind,
                      struct tw_buf *out)
{
    switch (kind) {
    case API_NOBODY:
        return;
    case API_TABLETS:
        tw_json_member_u64(out, "clients", sum->tablets);
        break;
    case API_TOTALS:
        tw_json_member_u64(out, "connectedRestaurants", sum->restaurants);
        tw_json_member_u64(out, "totalConnections", sum->cloud_devices);
        break;
    case API_DEVICES:
        tw_json_member_raw(out, "connected_devices", TW_LIT("["));
        tw_buf_append(out, tw_buf_view(&sum->devices));
        tw_buf_char(out, ']');
        tw_json_member_u64(out, "device_count", sum->device_count);
        break;
    }
    if (sum->is_degraded)
        tw_json_member_raw(out, "degraded", TW_LIT("true"));
}

static void finish(struct api_presence_query *q)
{
    tw_redis_forget(&q->records);
    tw_redis_forget(&q->restaurants);
    tw_after_cancel(q->redis->loop, &q->limit);
    q->answered(q); /* `q` may be gone after this */
}

static void take_one(struct api_presence_query *q)
{
    q->waiting--;
    if (q->waiting == 0)
        finish(q);
}

static void on_records(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct api_presence_query *q = tw_container_of(ask, struct api_presence_query, records);

    for (size_t i = 0; i < value->count; i++)
        api_presence_add(&q->sum, tw_redis_element(value, i), tw_wall_ms());
    q->sum.is_degraded = q->sum.is_degraded || !value->is_there;
    take_one(q);
}

static void on_restaurants(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct api_presence_query *q = tw_container_of(ask, struct api_presence_query, restaurants);

    q->sum.restaurants = value->number > 0 ? (uint64_t)value->number : 0;
    q->sum.is_degraded = q->sum.is_degraded || !value->is_there;
    take_one(q);
}

static void on_limit(struct tw_deadline *d)
{
    struct api_presence_query *q = tw_container_of(d, struct api_presence_query, limit);

    q->sum.is_degraded = true;
    finish(q);
}

static void on_later(struct tw_later *l)
{
    finish(tw_container_of(l, struct api_presence_query, later));
}

static bool ask_records(struct api_presence_query *q)
{
    char key[TW_PRESENCE_KEY_BYTES];
    struct tw_slice hash = TW_LIT(TW_PRESENCE_ALL);

    if (q->kind == API_DEVICES)
        hash = tw_presence_key(tw_slice_of(q->tenant), key);
    q->records.answered = on_records;
    return tw_redis_ask(q->redis, &q->records,
                        (const struct tw_slice[]){ TW_LIT("HVALS"), hash }, 2) == 0;
}

static bool ask_restaurants(struct api_presence_query *q)
{
    char from[24];

    (void)snprintf(from, sizeof(from), "(%lld", (long long)tw_wall_ms());
    q->restaurants.answered = on_restaurants;
    return tw_redis_ask(q->redis, &q->restaurants,
                        (const struct tw_slice[]){ TW_LIT("ZCOUNT"),
                                                   TW_LIT(TW_PRESENCE_TENANTS),
                                                   tw_slice_of(from), TW_LIT("+inf") },
                        4) == 0;
}

void api_presence_ask(struct api_presence_query *q)
{
    int wanted = q->kind == API_TOTALS ? 2 : 1;

    q->sum.devices.max = DEVICES_BYTES;
    q->waiting = ask_records(q) ? 1 : 0;
    if (wanted == 2)
        q->waiting += ask_restaurants(q) ? 1 : 0;
    q->sum.is_degraded = q->waiting < wanted;
    if (q->waiting == 0)
        tw_later(q->redis->loop, &q->later, on_later);
    else
        tw_after(q->redis->loop, &q->limit, LIMIT_MS, on_limit);
}

void api_presence_done(struct api_presence_query *q)
{
    tw_buf_done(&q->sum.devices);
}
