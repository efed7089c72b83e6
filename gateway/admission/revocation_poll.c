/* revocation_poll.c - sends the keys of all sessions, once each, to pos.keys_state, and the
 * tenants of those with tokens to pos.tenants_ended; and asks which tenants move.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/revocation_poll.h"

#include "common/net/pg_array.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define TICK_MS 5000
#define KEYS_BYTES ((size_t)16 * 1024 * 1024)

static void on_tick(struct tw_deadline *d);

/* The ids of this kind of holders, as an array; false when there is none. */
static bool list_ids(const struct gw_revocation_poll *k, enum gw_holder_kind kind,
                     struct tw_buf *out)
{
    tw_buf_clear(out);
    tw_list_each(&k->options.revocation->sessions->holders.of_kind[kind], link)
    {
        tw_pg_array_next(out);
        tw_buf_text(out, tw_container_of(link, struct gw_holder, link)->id);
    }
    if (out->len == 0 || out->failed)
        return false;
    tw_pg_array_end(out);
    return true;
}

static void on_states(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_revocation_poll *k = tw_container_of(call, struct gw_revocation_poll, call);

    if (k->is_stopped)
        return;
    tw_buf_done(&k->keys); /* it is long, and not needed for some seconds */
    for (size_t i = 0; tw_pg_error(result) == 0 && i < tw_pg_rows(result); i++)
        gw_revocation_set_expiry(k->options.revocation, tw_pg_text(result, i, 0),
                                 tw_pg_int(result, i, 1));
    tw_after(k->options.loop, &k->tick, TICK_MS, on_tick);
}

static void end_moving(struct gw_revocation_poll *k, struct tw_slice ids)
{
    struct tw_map tenants = { 0 };
    struct tw_slice one;

    while (tw_slice_split(&ids, ' ', &one))
        if (one.len > 0)
            (void)tw_map_set_lent(&tenants, one, k);
    gw_revocation_move(k->options.revocation, &tenants);
    tw_map_done(&tenants);
}

/* Tenants that let in any device: logged once and at each change, since it is unsafe. */
static void on_keyless(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_revocation_poll *k =
        tw_container_of(call, struct gw_revocation_poll, keyless_call);
    struct tw_slice now;

    if (k->is_stopped || tw_pg_error(result) != 0 || tw_pg_rows(result) != 1)
        return;
    now = tw_pg_text(result, 0, 0);
    if (!tw_slice_eq(now, tw_buf_view(&k->keyless))) {
        tw_buf_clear(&k->keyless);
        tw_buf_append(&k->keyless, now);
        tw_log_warn(
            "keyless", tw_slc("tenants", now),
            tw_str("why", "unsafe: whoever reaches this gateway is a device of theirs"));
    }
    gw_revocation_keyless(k->options.revocation, now);
    if (k->options.revocation->reports != NULL)
        gw_reports_watch_all(k->options.revocation->reports, tw_pg_text(result, 0, 2));
    if (tw_pg_text(result, 0, 1).len > 0)
        end_moving(k, tw_pg_text(result, 0, 1));
}

static void ask_keyless(struct gw_revocation_poll *k)
{
    k->keyless_call = (struct tw_pg_call){
        .sql = "select (select coalesce(string_agg(slug, ' '), '') from pos.keyless_tenants() "
               "slug),"
               " (select coalesce(string_agg(id::text, ' '), '') from pos.tenants_moving() id),"
               " pos.console_watched()",
        .function = "tenants_moving",
        .done = on_keyless,
    };
    tw_pg_pool_call(k->options.pool, &k->keyless_call);
}

static void on_tenants(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_revocation_poll *k =
        tw_container_of(call, struct gw_revocation_poll, tenants_call);

    for (size_t i = 0; !k->is_stopped && tw_pg_error(result) == 0 && i < tw_pg_rows(result);
         i++)
        gw_revocation_end_tokens(k->options.revocation, tw_pg_text(result, i, 0));
}

static void ask_tenants(struct gw_revocation_poll *k)
{
    if (!list_ids(k, GW_HOLDS_TOKEN, &k->tenants))
        return;
    k->tenants_call = (struct tw_pg_call){
        .sql = "select ended from pos.tenants_ended($1::uuid[]) ended",
        .function = "tenants_ended",
        .params = { { tw_buf_view(&k->tenants), false } },
        .param_count = 1,
        .done = on_tenants,
    };
    tw_pg_pool_call(k->options.pool, &k->tenants_call);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_revocation_poll *k = tw_container_of(d, struct gw_revocation_poll, tick);

    if (!tw_list_linked(&k->keyless_call.link))
        ask_keyless(k);
    if (!tw_list_linked(&k->tenants_call.link))
        ask_tenants(k);
    if (!list_ids(k, GW_HOLDS_KEY, &k->keys)) {
        tw_after(k->options.loop, &k->tick, TICK_MS, on_tick);
        return;
    }
    k->call = (struct tw_pg_call){
        .sql = "select key_id, expires_at_ms from pos.keys_state($1::uuid[])",
        .function = "keys_state",
        .params = { { tw_buf_view(&k->keys), false } },
        .param_count = 1,
        .done = on_states,
    };
    tw_pg_pool_call(k->options.pool, &k->call);
}

void gw_revocation_poll_start(struct gw_revocation_poll *k,
                              const struct gw_revocation_poll_options *options)
{
    k->options = *options;
    k->keys.max = k->tenants.max = KEYS_BYTES;
    k->keyless.max = KEYS_BYTES;
    tw_after(k->options.loop, &k->tick, TICK_MS, on_tick);
}

void gw_revocation_poll_stop(struct gw_revocation_poll *k)
{
    if (k->options.loop == NULL)
        return;
    k->is_stopped = true;
    tw_after_cancel(k->options.loop, &k->tick);
}

void gw_revocation_poll_done(struct gw_revocation_poll *k)
{
    tw_buf_done(&k->keys);
    tw_buf_done(&k->tenants);
    tw_buf_done(&k->keyless);
}
