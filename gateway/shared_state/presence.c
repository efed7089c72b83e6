/* presence.c - of each tenant, what has changed is told soon, and everything again once in a
 * while: so what is lost in between is right again, and what a killed gateway told expires.
 * That this process lives at all is told every five seconds, for all tenants at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/presence.h"

#include <stdlib.h>

#include "common/domain/presence_keys.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_write.h"
#include "gateway/shared_state/device.h"

#define SOON_MS 150
#define TOTALS_MS 5000
#define TOTALS_FRESH_MS 15000
#define TOTALS_SECONDS "30"

/* Of one tenant: at most once a second, at least once in twenty. */
#define PAUSE_MS 1000
#define AGAIN_MS 20000
#define FRESH_MS 45000
#define SECONDS "90"
#define AGAIN_AT_ONCE 500 /* tenants in a tick */

#define DEVICES_BYTES ((size_t)1024 * 1024)
#define TENANTS_IN_ONE ((TW_REDIS_WORDS - 2) / 2) /* of a command */

struct gw_presence_group {
    struct tw_list link, dirty;
    struct tw_list devices; /* by their `in_group` */
    char tenant[37];
    uint64_t minipos, cloudsync; /* as they were told */
    uint64_t told_ms;            /* 0: not yet */
};

static void on_tick(struct tw_deadline *d);

static struct gw_presence_group *group_of_link(struct tw_list *link)
{
    return tw_container_of(link, struct gw_presence_group, link);
}

static struct gw_presence_group *group_of(struct gw_presence *p, const char *tenant)
{
    struct gw_presence_group *g = tw_map_get(&p->by_tenant, tw_slice_of(tenant));

    if (g == NULL) {
        g = tw_new(struct gw_presence_group);
        memcpy(g->tenant, tenant, sizeof(g->tenant));
        tw_list_init(&g->devices);
        tw_list_prepend(&p->groups, &g->link);
        (void)tw_map_set(&p->by_tenant, tw_slice_of(tenant), g);
    }
    return g;
}

/* Its totals go out of those of all. */
static void group_free(struct gw_presence *p, struct gw_presence_group *g)
{
    p->minipos -= g->minipos;
    p->cloudsync -= g->cloudsync;
    (void)tw_map_remove(&p->by_tenant, tw_slice_of(g->tenant));
    tw_list_remove(&g->link);
    tw_list_remove(&g->dirty);
    free(g);
}

/* --- What is told ----------------------------------------------------------------------------
 */

static void set_field(struct gw_presence *p, struct tw_slice key, struct tw_slice value,
                      struct tw_slice seconds)
{
    (void)tw_redis_tell(
        p->options.store,
        (const struct tw_slice[]){ TW_LIT("HSET"), key, p->options.instance, value }, 4);
    (void)tw_redis_tell(p->options.store,
                        (const struct tw_slice[]){ TW_LIT("EXPIRE"), key, seconds }, 3);
}

static void open_value(struct tw_buf *out, uint64_t fresh_ms, uint64_t minipos)
{
    tw_buf_char(out, '{');
    tw_json_member_u64(out, TW_PRESENCE_UNTIL, (uint64_t)tw_wall_ms() + fresh_ms);
    tw_json_member_u64(out, TW_PRESENCE_MINIPOS, minipos);
}

/* A cloud sync device; tablets are counted, not listed. */
static void put_device(struct tw_buf *out, const struct gw_device *d)
{
    char since[TW_TIME_TEXT];

    tw_time_text(d->since_ms, since);
    tw_buf_char(out, '{');
    tw_json_member(out, "device_id", gw_session_device(&d->session));
    if (d->user[0] != '\0')
        tw_json_member(out, "user_id", tw_slice_of(d->user));
    else
        tw_json_member_raw(out, "user_id", TW_LIT("null"));
    tw_json_member(out, "connected_at", tw_slice_of(since));
    tw_buf_char(out, '}');
}

/* Counts its devices and lists those with a name. */
static void look_at_devices(struct gw_presence *p, struct gw_presence_group *g,
                            struct tw_buf *list)
{
    p->minipos -= g->minipos;
    p->cloudsync -= g->cloudsync;
    g->minipos = g->cloudsync = 0;
    tw_list_each(&g->devices, link)
    {
        const struct gw_device *d = tw_container_of(link, struct gw_device, in_group);

        if (gw_session_is_closing(&d->session))
            continue;
        if (!d->is_one_by_name) {
            g->minipos++;
            continue;
        }
        if (g->cloudsync++ > 0)
            tw_buf_char(list, ',');
        put_device(list, d);
    }
    p->minipos += g->minipos;
    p->cloudsync += g->cloudsync;
}

/* No device of this tenant is here any more. */
static void take_back(struct gw_presence *p, const struct gw_presence_group *g)
{
    char key[TW_PRESENCE_KEY_BYTES];

    (void)tw_redis_tell(p->options.store,
                        (const struct tw_slice[]){ TW_LIT("HDEL"),
                                                   tw_presence_key(tw_slice_of(g->tenant), key),
                                                   p->options.instance },
                        3);
}

/* The group is gone when it is empty. */
static void tell_group(struct gw_presence *p, struct gw_presence_group *g, uint64_t now_ms)
{
    struct tw_buf list = { .max = DEVICES_BYTES }, value = { .max = DEVICES_BYTES + 256 };
    char key[TW_PRESENCE_KEY_BYTES];

    tw_list_remove(&g->dirty);
    look_at_devices(p, g, &list);
    if (g->minipos + g->cloudsync > 0) {
        open_value(&value, FRESH_MS, g->minipos);
        tw_json_member_raw(&value, TW_PRESENCE_DEVICES, TW_LIT("["));
        tw_buf_append(&value, tw_buf_view(&list));
        tw_buf_text(&value, "]}");
        if (!value.failed && !list.failed)
            set_field(p, tw_presence_key(tw_slice_of(g->tenant), key), tw_buf_view(&value),
                      TW_LIT(SECONDS));
        g->told_ms = now_ms;
        tw_list_remove(&g->link);
        tw_list_append(&p->groups, &g->link);
    } else if (g->told_ms != 0) {
        take_back(p, g);
        g->told_ms = 0;
    }
    if (tw_list_empty(&g->devices))
        group_free(p, g);
    tw_buf_done(&list);
    tw_buf_done(&value);
}

/* Which tenants have cloud sync devices here, with as few commands as there may be. */
static void tell_tenants(struct gw_presence *p)
{
    struct tw_slice parts[2 + 2 * TENANTS_IN_ONE];
    struct tw_buf until = { .max = 32 };
    size_t n = 2;

    tw_buf_i64(&until, tw_wall_ms() + TOTALS_FRESH_MS);
    parts[0] = TW_LIT("ZADD");
    parts[1] = TW_LIT(TW_PRESENCE_TENANTS);
    tw_list_each(&p->groups, link)
    {
        struct gw_presence_group *g = group_of_link(link);

        if (g->cloudsync == 0)
            continue;
        parts[n++] = tw_buf_view(&until);
        parts[n++] = tw_slice_of(g->tenant);
        if (n == TW_COUNT(parts)) {
            (void)tw_redis_tell(p->options.store, parts, n);
            n = 2;
        }
    }
    if (n > 2)
        (void)tw_redis_tell(p->options.store, parts, n);
    tw_buf_done(&until);
}

static void tell_totals(struct gw_presence *p, uint64_t now_ms)
{
    struct tw_buf value = { .max = 256 };

    open_value(&value, TOTALS_FRESH_MS, p->minipos);
    tw_json_member_u64(&value, TW_PRESENCE_CLOUDSYNC, p->cloudsync);
    tw_buf_char(&value, '}');
    set_field(p, TW_LIT(TW_PRESENCE_ALL), tw_buf_view(&value), TW_LIT(TOTALS_SECONDS));
    tw_buf_done(&value);
    tell_tenants(p);
    p->totals_ms = now_ms + TOTALS_MS;
}

/* --- When ------------------------------------------------------------------------------------
 */

static bool may_tell(const struct gw_presence_group *g, uint64_t now_ms)
{
    return g->told_ms == 0 || now_ms - g->told_ms >= PAUSE_MS;
}

/* Whether anything was told. Those that have to wait stay in the list. */
static bool tell_dirty(struct gw_presence *p, uint64_t now_ms)
{
    struct tw_list waiting;
    struct tw_list *link;
    bool has_told = false;

    tw_list_init(&waiting);
    tw_list_move_all(&waiting, &p->dirty);
    while ((link = tw_list_shift(&waiting)) != NULL) {
        struct gw_presence_group *g = tw_container_of(link, struct gw_presence_group, dirty);

        if (may_tell(g, now_ms)) {
            tell_group(p, g, now_ms);
            has_told = true;
        } else {
            tw_list_append(&p->dirty, &g->dirty);
        }
    }
    return has_told;
}

static void tell_again(struct gw_presence *p, uint64_t now_ms)
{
    for (int i = 0; i < AGAIN_AT_ONCE && !tw_list_empty(&p->groups); i++) {
        struct gw_presence_group *g = group_of_link(p->groups.next);

        if (g->told_ms == 0 || now_ms - g->told_ms < AGAIN_MS)
            return;
        tell_group(p, g, now_ms);
    }
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_presence *p = tw_container_of(d, struct gw_presence, tick);
    uint64_t now_ms = p->options.loop->now_ms;

    if (tell_dirty(p, now_ms) || now_ms >= p->totals_ms) {
        tell_again(p, now_ms);
        tell_totals(p, now_ms);
    }
    tw_after(p->options.loop, &p->tick,
             tw_list_empty(&p->dirty) ? p->totals_ms - now_ms : PAUSE_MS, on_tick);
}

void gw_presence_start(struct gw_presence *p, const struct gw_presence_options *options)
{
    p->options = *options;
    tw_list_init(&p->groups);
    tw_list_init(&p->dirty);
    tw_after(p->options.loop, &p->tick, SOON_MS, on_tick);
}

void gw_presence_note(struct gw_presence *p, struct gw_device *d, bool has_left)
{
    struct gw_presence_group *g = d->group;

    if (p->options.loop == NULL)
        return;
    if (has_left) {
        tw_list_remove(&d->in_group);
        d->group = NULL;
    } else if (g == NULL) {
        g = d->group = group_of(p, gw_session_tenant(&d->session)->id);
        tw_list_append(&g->devices, &d->in_group);
    }
    if (g == NULL)
        return;
    if (p->is_stopped) {
        if (tw_list_empty(&g->devices))
            group_free(p, g);
        return;
    }
    if (tw_list_linked(&g->dirty))
        return;
    if (tw_list_empty(&p->dirty))
        tw_after(p->options.loop, &p->tick, SOON_MS, on_tick);
    tw_list_append(&p->dirty, &g->dirty);
}

void gw_presence_stop(struct gw_presence *p)
{
    if (p->options.loop == NULL)
        return;
    tw_after_cancel(p->options.loop, &p->tick);
    p->is_stopped = true; /* nothing more is sent */
    tw_list_each(&p->groups, link) take_back(p, group_of_link(link));
    (void)tw_redis_tell(p->options.store,
                        (const struct tw_slice[]){ TW_LIT("HDEL"), TW_LIT(TW_PRESENCE_ALL),
                                                   p->options.instance },
                        3);
}

void gw_presence_done(struct gw_presence *p)
{
    while (p->options.loop != NULL && !tw_list_empty(&p->groups))
        group_free(p, group_of_link(p->groups.next));
    tw_map_done(&p->by_tenant);
}
