/* online.c - looks through the hubs, and tells of those whose number is another one.
 *
 * Once in a while all are told again: the row of a process that was paused for so long that it
 * seemed to be gone has been deleted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/online.h"

#include "common/util/base.h"
#include "common/util/json_write.h"
#include "gateway/stream/feed.h"
#include "gateway/stream/session.h"

#define TICK_MS 500
#define AGAIN_MS 60000
#define FAILED_MS 2000
#define TEXT_BYTES ((size_t)256 * 1024)

static void on_tick(struct tw_deadline *d);

void gw_online_start(struct gw_online *o, const struct gw_online_options *options)
{
    o->options = *options;
    o->text.max = TEXT_BYTES;
    tw_after(options->loop, &o->tick, TICK_MS, on_tick);
}

void gw_online_stop(struct gw_online *o)
{
    if (o->options.loop == NULL)
        return;
    o->is_stopped = true;
    tw_after_cancel(o->options.loop, &o->tick);
}

void gw_online_done(struct gw_online *o)
{
    tw_buf_done(&o->text);
}

/* A page of the console looks, and makes nothing. */
static uint64_t tills_of(const struct gw_hub *hub)
{
    static const struct tw_slice console = { "console:", 8 };
    uint64_t n = 0;

    tw_list_each(&hub->sessions, link)
    {
        const struct gw_session *s = tw_container_of(link, struct gw_session, link);

        if (!gw_session_is_closing(s) && !tw_slice_starts(gw_session_device(s), console))
            n++;
    }
    return n;
}

static size_t put_changed(struct gw_online *o)
{
    size_t count = 0;

    tw_buf_clear(&o->text);
    tw_buf_char(&o->text, '{');
    tw_list_each(&o->options.hubs->all, link)
    {
        struct gw_feed *f = tw_container_of(link, struct gw_feed, link);

        if (f->hub.session_count == f->told_sessions || count == GW_ONLINE_TOLD)
            continue;
        f->told_sessions = f->hub.session_count;
        tw_json_member_u64(&o->text, f->hub.stream.tenant.id, tills_of(&f->hub));
        count++;
    }
    tw_buf_char(&o->text, '}');
    return count;
}

/* Of those that were told, all are to be told again. */
static void forget_told(struct gw_online *o)
{
    tw_list_each(&o->options.hubs->all, link)
    {
        struct gw_feed *f = tw_container_of(link, struct gw_feed, link);

        if (f->told_sessions != 0)
            f->told_sessions = SIZE_MAX;
    }
}

static void on_written(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_online *o = tw_container_of(call, struct gw_online, call);

    o->is_sending = false;
    tw_buf_done(&o->text);
    if (tw_pg_error(result) != 0)
        o->again_ms = o->options.loop->now_ms + FAILED_MS;
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_online *o = tw_container_of(d, struct gw_online, tick);
    uint64_t now_ms = o->options.loop->now_ms;

    tw_after(o->options.loop, &o->tick, TICK_MS, on_tick);
    if (o->is_sending || !tw_pg_pool_is_up(o->options.pool))
        return;
    if (now_ms >= o->again_ms) {
        o->again_ms = now_ms + AGAIN_MS;
        forget_told(o);
    }
    if (put_changed(o) == 0)
        return;
    o->is_sending = true;
    o->call = (struct tw_pg_call){
        .sql = "select pos.tills_online_write($1::uuid, $2)",
        .function = "tills_online_write",
        .params = { { tw_slice_of(o->options.process_id), false },
                    { tw_buf_view(&o->text), true } },
        .param_count = 2,
        .writes = true,
        .done = on_written,
    };
    tw_pg_pool_call(o->options.pool, &o->call);
}
