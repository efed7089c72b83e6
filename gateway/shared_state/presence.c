/* presence.c - tells everything again every five seconds, and soon after a change: what is
 * lost in between is right after the next tick, and what a killed gateway told expires.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/presence.h"

#include <stdlib.h>

#include "common/domain/presence_keys.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_write.h"
#include "gateway/shared_state/device.h"

#define TICK_MS 5000
#define SOON_MS 150
#define FRESH_MS 15000
#define EXPIRE_SECONDS "30"
#define DEVICES_BYTES ((size_t)1024 * 1024)

struct group {
    char tenant[37];
    uint64_t minipos, cloudsync;
    struct tw_buf devices;
};

static void on_tick(struct tw_deadline *d);

static struct group *group_of(struct gw_presence *p, const char *tenant)
{
    struct group *g = tw_map_get(&p->groups, tw_slice_of(tenant));

    if (g == NULL) {
        g = tw_new(struct group);
        memcpy(g->tenant, tenant, sizeof(g->tenant));
        g->devices.max = DEVICES_BYTES;
        (void)tw_map_set(&p->groups, tw_slice_of(tenant), g);
    }
    return g;
}

static void note_device(struct gw_presence *p, struct gw_device *d)
{
    char since[TW_TIME_TEXT];
    struct group *g;

    if (d->session.stream == NULL || gw_session_is_closing(&d->session))
        return;
    g = group_of(p, gw_session_tenant(&d->session)->id);
    if (!d->is_one_by_name) { /* a tablet: counted, not listed */
        g->minipos++;
        return;
    }
    tw_time_text(d->since_ms, since);
    tw_buf_char(&g->devices, g->cloudsync++ == 0 ? '[' : ',');
    tw_buf_char(&g->devices, '{');
    tw_json_member(&g->devices, "device_id", tw_slice_of(d->session.device));
    if (d->user[0] != '\0')
        tw_json_member(&g->devices, "user_id", tw_slice_of(d->user));
    else
        tw_json_member_raw(&g->devices, "user_id", TW_LIT("null"));
    tw_json_member(&g->devices, "connected_at", tw_slice_of(since));
    tw_buf_char(&g->devices, '}');
}

static void set_field(struct gw_presence *p, struct tw_slice key, struct tw_slice value)
{
    (void)tw_redis_tell(
        p->options.store,
        (const struct tw_slice[]){ TW_LIT("HSET"), key, p->options.instance, value }, 4);
    (void)tw_redis_tell(
        p->options.store,
        (const struct tw_slice[]){ TW_LIT("EXPIRE"), key, TW_LIT(EXPIRE_SECONDS) }, 3);
}

static void open_value(struct tw_buf *out, uint64_t minipos)
{
    tw_buf_clear(out);
    tw_buf_char(out, '{');
    tw_json_member_u64(out, TW_PRESENCE_UNTIL, (uint64_t)(tw_wall_ms() + FRESH_MS));
    tw_json_member_u64(out, TW_PRESENCE_MINIPOS, minipos);
}

static void tell_group(struct gw_presence *p, struct group *g, struct tw_buf *value)
{
    struct tw_buf until = { .max = 32 };
    char key[TW_PRESENCE_KEY_BYTES];

    open_value(value, g->minipos);
    tw_json_member_raw(value, TW_PRESENCE_DEVICES, TW_EMPTY);
    if (g->cloudsync > 0)
        tw_buf_append(value, tw_buf_view(&g->devices));
    tw_buf_text(value, g->cloudsync > 0 ? "]}" : "[]}");
    if (!value->failed && !g->devices.failed)
        set_field(p, tw_presence_key(tw_slice_of(g->tenant), key), tw_buf_view(value));
    if (g->cloudsync > 0) {
        tw_buf_i64(&until, tw_wall_ms() + FRESH_MS);
        (void)tw_redis_tell(
            p->options.store,
            (const struct tw_slice[]){ TW_LIT("ZADD"), TW_LIT(TW_PRESENCE_TENANTS),
                                       tw_buf_view(&until), tw_slice_of(g->tenant) },
            4);
    }
    tw_buf_done(&until);
}

/* No device of this tenant is here any more. */
static void take_back(struct gw_presence *p, const struct group *g)
{
    char key[TW_PRESENCE_KEY_BYTES];

    (void)tw_redis_tell(p->options.store,
                        (const struct tw_slice[]){ TW_LIT("HDEL"),
                                                   tw_presence_key(tw_slice_of(g->tenant), key),
                                                   p->options.instance },
                        3);
}

struct round {
    struct gw_presence *presence;
    struct tw_buf value;
    uint64_t minipos, cloudsync;
    struct group *empty; /* one that is to go */
};

static void tell(struct tw_slice name, void *value, void *arg)
{
    struct round *r = arg;
    struct group *g = value;

    (void)name;
    if (g->minipos + g->cloudsync > 0)
        tell_group(r->presence, g, &r->value);
    else
        r->empty = g;
    r->minipos += g->minipos;
    r->cloudsync += g->cloudsync;
    if (r->empty != g) {
        g->minipos = g->cloudsync = 0;
        tw_buf_clear(&g->devices);
    }
}

static void group_free(struct gw_presence *p, struct group *g)
{
    (void)tw_map_remove(&p->groups, tw_slice_of(g->tenant));
    tw_buf_done(&g->devices);
    free(g);
}

static void tell_all(struct gw_presence *p)
{
    struct round r = { .presence = p, .value = { .max = DEVICES_BYTES + 256 } };

    p->is_touched = false;
    tw_list_each(&p->options.shared_state->devices, link)
        note_device(p, tw_container_of(link, struct gw_device, link));
    tw_map_each(&p->groups, tell, &r);
    if (r.empty != NULL) { /* one in each round: the others follow at once */
        take_back(p, r.empty);
        group_free(p, r.empty);
        p->is_touched = true;
    }
    open_value(&r.value, r.minipos);
    tw_json_member_u64(&r.value, TW_PRESENCE_CLOUDSYNC, r.cloudsync);
    tw_buf_char(&r.value, '}');
    set_field(p, TW_LIT(TW_PRESENCE_ALL), tw_buf_view(&r.value));
    tw_buf_done(&r.value);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_presence *p = tw_container_of(d, struct gw_presence, tick);

    tell_all(p);
    tw_after(p->options.loop, &p->tick, p->is_touched ? SOON_MS : TICK_MS, on_tick);
}

void gw_presence_start(struct gw_presence *p, const struct gw_presence_options *options)
{
    p->options = *options;
    tw_after(p->options.loop, &p->tick, SOON_MS, on_tick);
}

void gw_presence_touch(struct gw_presence *p)
{
    if (p->is_touched || p->options.loop == NULL)
        return;
    p->is_touched = true;
    tw_after(p->options.loop, &p->tick, SOON_MS, on_tick);
}

static void take_back_each(struct tw_slice name, void *value, void *arg)
{
    (void)name;
    take_back(arg, value);
}

void gw_presence_stop(struct gw_presence *p)
{
    if (p->options.loop == NULL)
        return;
    tw_after_cancel(p->options.loop, &p->tick);
    p->is_touched = true; /* nothing more is sent */
    tw_map_each(&p->groups, take_back_each, p);
    (void)tw_redis_tell(p->options.store,
                        (const struct tw_slice[]){ TW_LIT("HDEL"), TW_LIT(TW_PRESENCE_ALL),
                                                   p->options.instance },
                        3);
}

void gw_presence_done(struct gw_presence *p)
{
    struct tw_slice name;
    struct group *g;

    while ((g = tw_map_any(&p->groups, &name)) != NULL)
        group_free(p, g);
    tw_map_done(&p->groups);
}
