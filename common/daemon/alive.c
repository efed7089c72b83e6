/* alive.c - pos.process_seen, again and again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/alive.h"

#include "common/daemon/daemon.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define TICK_MS 5000
#define AGAIN_MS 500 /* when it could not be said */
#define SAID_BYTES ((size_t)16 * 1024)

static void on_tick(struct tw_deadline *d)
{
    tw_alive_say(tw_container_of(d, struct tw_alive, tick));
}

static void plan(struct tw_alive *a, uint64_t after_ms)
{
    if (!a->is_stopped)
        tw_after(&a->options.daemon->loop, &a->tick, after_ms, on_tick);
}

static void on_said(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct tw_alive *a = tw_container_of(call, struct tw_alive, call);
    int error = tw_pg_error(result);

    a->is_sending = false;
    plan(a, error == 0 || error == TW_EQUERY ? TICK_MS : AGAIN_MS);
}

/* One of readyz's lists as text for people, with semicolons. */
static void put_list(struct tw_buf *text, const struct tw_buf *list)
{
    struct tw_buf array = { .max = list->len + 2 };
    struct tw_slice rest, raw;

    tw_buf_char(&array, '[');
    tw_buf_append(&array, tw_buf_view(list));
    tw_buf_char(&array, ']');
    rest = tw_buf_view(&array);
    while (tw_json_element(&rest, &raw)) {
        if (text->len > 0)
            tw_buf_text(text, "; ");
        (void)tw_json_string(text, raw);
    }
    tw_buf_done(&array);
}

/* "up", or what is wrong with it. */
static void put_redis(struct tw_buf *out, const struct tw_buf *degraded)
{
    struct tw_slice text = tw_buf_view(degraded), one;

    while (tw_slice_split(&text, ';', &one)) {
        one = tw_slice_trim(one);
        if (tw_slice_starts(one, TW_LIT("redis"))) {
            tw_json_member(out, "redis", one);
            return;
        }
    }
    tw_json_member(out, "redis", TW_LIT("up"));
}

static void put(struct tw_alive *a)
{
    struct tw_daemon *d = a->options.daemon;
    struct tw_buf missing = { .max = 4096 }, degraded = { .max = 4096 }, why = { .max = 8192 },
                  weak = { .max = 8192 };
    struct tw_buf *out = &a->said;

    d->ops.missing(&d->ops, &missing, &degraded);
    put_list(&why, &missing);
    put_list(&weak, &degraded);
    tw_buf_clear(out);
    tw_buf_char(out, '{');
    tw_json_member(out, "id", tw_slice_of(a->id));
    tw_json_member(out, "kind", tw_slice_skip(tw_slice_of(d->kind->name), 9)); /* tillwire- */
    tw_json_member(out, "instance", tw_slice_of(d->settings.instance));
    tw_json_member(out, "version", TW_LIT(TILLWIRE_VERSION));
    tw_json_member(out, "startedAt", tw_slice_of(a->started_at));
    tw_json_member_raw(out, "ready", missing.len == 0 ? TW_LIT("true") : TW_LIT("false"));
    if (why.len > 0)
        tw_json_member(out, "why", tw_buf_view(&why));
    else if (weak.len > 0)
        tw_json_member(out, "why", tw_buf_view(&weak));
    tw_json_member_raw(out, "detail", TW_LIT("{"));
    put_redis(out, &weak);
    a->options.detail(d, out);
    tw_buf_text(out, "}}");
    tw_buf_done(&missing);
    tw_buf_done(&degraded);
    tw_buf_done(&why);
    tw_buf_done(&weak);
}

void tw_alive_say(struct tw_alive *a)
{
    if (a->options.daemon == NULL || a->is_stopped || a->is_sending)
        return;
    tw_after_cancel(&a->options.daemon->loop, &a->tick);
    put(a);
    if (a->said.failed) {
        plan(a, TICK_MS);
        return;
    }
    a->is_sending = true;
    a->call = (struct tw_pg_call){ .sql = "select pos.process_seen($1)",
                                   .function = "process_seen",
                                   .params = { { tw_buf_view(&a->said), true } },
                                   .param_count = 1,
                                   .done = on_said };
    if (a->options.send(a->options.daemon, &a->call))
        return;
    a->is_sending = false;
    plan(a, AGAIN_MS);
}

void tw_alive_start(struct tw_alive *a, const struct tw_alive_options *options)
{
    a->options = *options;
    a->said.max = SAID_BYTES;
    tw_random_uuid(a->id);
    a->id[36] = '\0';
    tw_time_text(tw_wall_ms(), a->started_at);
    plan(a, 0);
}

static void on_farewell(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    (void)call; /* if it was lost, it is missed in a while */
    (void)result;
}

void tw_alive_leave(struct tw_alive *a)
{
    if (a->options.daemon == NULL || a->is_stopped)
        return;
    tw_alive_stop(a);
    a->farewell = (struct tw_pg_call){ .sql = "select pos.process_leaves($1::uuid)",
                                       .function = "process_leaves",
                                       .params = { { tw_slice_of(a->id), false } },
                                       .param_count = 1,
                                       .done = on_farewell };
    (void)a->options.send(a->options.daemon, &a->farewell);
}

void tw_alive_stop(struct tw_alive *a)
{
    if (a->options.daemon == NULL)
        return;
    a->is_stopped = true;
    tw_after_cancel(&a->options.daemon->loop, &a->tick);
}

void tw_alive_done(struct tw_alive *a)
{
    tw_buf_done(&a->said);
}
