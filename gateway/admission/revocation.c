/* revocation.c - the messages key.revoked {keyId}, key.expires {keyId, expiresAtMs} and
 * tenant.suspended, tenant.leaving, tenant.frozen, tenant.left {tenantId}, and device.kick and
 * device.resync {tenantId, device} or {tenantId, all: true}, device.fault {tenantId, device,
 * and what is to go wrong}, and console.watch {tenantId}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/revocation.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/log.h"
#include "gateway/stream/faults.h"
#include "gateway/stream/session.h"
#include "gateway/stream/stream.h"

/* The longest name that a device may have, with room for its escapes. */
#define DEVICE_BYTES 1024

static struct gw_session *session_of(struct tw_list *held)
{
    return tw_container_of(held, struct gw_session, held);
}

/* How many sessions of it were closed; closing one frees nothing yet. */
static uint64_t close_all(struct gw_holder *h, struct gw_close why)
{
    uint64_t closed = 0;

    if (h == NULL)
        return 0;
    tw_list_each(&h->sessions, link)
    {
        closed += session_of(link)->phase != GW_CLOSING;
        gw_session_close(session_of(link), why);
    }
    return closed;
}

struct ended {
    struct tw_slice tenant;
    struct gw_close why;
    uint64_t closed;
};

static void close_ended(struct gw_session *s, void *arg)
{
    struct ended *t = arg;

    if (s->phase != GW_CLOSING && s->stream != NULL &&
        tw_slice_is(t->tenant, s->stream->tenant.id)) {
        gw_session_close(s, t->why);
        t->closed++;
    }
}

void gw_revocation_set_expiry(struct gw_revocation *r, struct tw_slice key_id,
                              int64_t expires_ms)
{
    struct gw_holder *h = gw_holders_find(&r->sessions->holders, GW_HOLDS_KEY, key_id);

    if (h != NULL && h->expires_ms == expires_ms)
        return;
    gw_key_auth_forget(r->auth, key_id);
    if (h != NULL)
        h->expires_ms = expires_ms;
}

void gw_revocation_end_tokens(struct gw_revocation *r, struct tw_slice tenant_id)
{
    if (close_all(gw_holders_find(&r->sessions->holders, GW_HOLDS_TOKEN, tenant_id),
                  gw_closes.tenant_suspended) > 0)
        tw_tokens_forget(r->tokens);
}

static bool is_among(struct tw_slice allowed, const char *slug)
{
    struct tw_slice one;

    while (tw_slice_split(&allowed, ' ', &one))
        if (tw_slice_is(one, slug))
            return true;
    return false;
}

void gw_revocation_keyless(struct gw_revocation *r, struct tw_slice allowed)
{
    tw_list_each(&r->sessions->holders.of_kind[GW_HOLDS_NOTHING], link)
    {
        struct gw_holder *h = tw_container_of(link, struct gw_holder, link);

        if (!is_among(allowed, h->slug))
            (void)close_all(h, gw_closes.keyless_off);
    }
}

void gw_revocation_expire(struct gw_revocation *r)
{
    int64_t now_ms = tw_wall_ms();

    tw_list_each(&r->sessions->holders.of_kind[GW_HOLDS_KEY], link)
    {
        struct gw_holder *h = tw_container_of(link, struct gw_holder, link);

        if (h->expires_ms != 0 && h->expires_ms <= now_ms)
            (void)close_all(h, gw_closes.key_expired);
    }
    tw_list_each(&r->sessions->holders.of_kind[GW_HOLDS_TOKEN], link)
        tw_list_each(&tw_container_of(link, struct gw_holder, link)->sessions, held)
    {
        struct gw_session *s = session_of(held);

        if (s->expires_ms != 0 && s->expires_ms <= now_ms)
            gw_session_close(s, gw_closes.key_expired);
    }
}

/* Rare, so that a look at all sessions will do: of its keys we know only those of sessions. */
static uint64_t end_tenant(struct gw_revocation *r, struct tw_slice tenant_id,
                           struct gw_close why)
{
    struct ended t = { .tenant = tenant_id, .why = why };

    gw_key_auth_forget_all(r->auth);
    tw_tokens_forget(r->tokens);
    gw_sessions_each(r->sessions, close_ended, &t);
    return t.closed;
}

struct moving {
    const struct tw_map *tenants;
    uint64_t closed;
};

static void close_moving(struct gw_session *s, void *arg)
{
    struct moving *m = arg;

    if (s->phase != GW_CLOSING && s->stream != NULL &&
        tw_map_get(m->tenants, tw_slice_of(s->stream->tenant.id)) != NULL) {
        gw_session_close(s, gw_closes.tenant_moving);
        m->closed++;
    }
}

void gw_revocation_move(struct gw_revocation *r, const struct tw_map *tenants)
{
    struct moving m = { .tenants = tenants };

    gw_sessions_each(r->sessions, close_moving, &m);
    if (m.closed == 0)
        return;
    gw_key_auth_forget_all(r->auth);
    tw_tokens_forget(r->tokens);
}

/* Somebody does something to a device, on each of its sockets: true when it was done. */
struct named {
    struct tw_slice tenant;
    struct tw_buf device; /* empty: those that have not said their name */
    bool all;
    bool (*act)(struct gw_session *s, const struct gw_fault_wish *wish);
    struct gw_fault_wish wish;
    uint64_t done;
};

static void act_if_named(struct gw_session *s, void *arg)
{
    struct named *n = arg;

    if (s->phase == GW_CLOSING || s->stream == NULL ||
        !tw_slice_is(n->tenant, s->stream->tenant.id) ||
        !(n->all || tw_slice_eq(gw_session_device(s), tw_buf_view(&n->device))))
        return;
    if (n->act(s, &n->wish))
        n->done++;
}

/* It may come back at once, and with the same key: what it holds here is what it is rid of. */
static bool kick(struct gw_session *s, const struct gw_fault_wish *wish)
{
    (void)wish;
    gw_session_close(s, gw_closes.kicked);
    return true;
}

static bool refetch(struct gw_session *s, const struct gw_fault_wish *wish)
{
    (void)wish;
    return gw_session_refetch(s);
}

static bool disturb(struct gw_session *s, const struct gw_fault_wish *wish)
{
    struct gw_close why = gw_closes.made_up;

    if (wish->close_code != 0) {
        why.code = (unsigned)wish->close_code;
        gw_session_close(s, why);
        return true;
    }
    if (gw_session_all(s)->faults == NULL ||
        !gw_faults_disturb(gw_session_all(s)->faults, s, wish))
        return false;
    s->is_disturbed = true;
    return true;
}

void gw_revocation_undisturb(struct gw_session *s)
{
    s->is_disturbed = false;
}

/* A number that is not there, or null, is 0; false: one is something else. */
static bool read_wish(struct tw_slice json, struct gw_fault_wish *out)
{
    struct tw_slice raw;
    const struct {
        const char *name;
        uint64_t *at;
    } members[] = { { "drop", &out->drop },
                    { "duplicate", &out->duplicate },
                    { "delayMs", &out->delay_ms },
                    { "silentMs", &out->silent_ms },
                    { "closeCode", &out->close_code } };

    for (size_t i = 0; i < TW_COUNT(members); i++)
        if (tw_json_get(json, members[i].name, &raw) && !tw_slice_is(raw, "null") &&
            !tw_json_u64(raw, members[i].at))
            return false;
    return out->silent_ms <= GW_FAULT_MS && out->delay_ms <= GW_FAULT_MS &&
           (out->close_code == 0 ||
            (out->close_code >= GW_FAULT_CLOSE_MIN && out->close_code <= GW_FAULT_CLOSE_MAX));
}

/* The messages that name a device. `closed` counts those that end its sockets. */
static const struct {
    const char *type;
    bool (*act)(struct gw_session *s, const struct gw_fault_wish *wish);
    bool closes;
} device_messages[] = { { "device.kick", kick, true },
                        { "device.resync", refetch, false },
                        { "device.fault", disturb, false } };

/* False: it is none of these, or names no device. */
static bool act_on_device(struct gw_revocation *r, struct tw_slice type, struct tw_slice json,
                          struct tw_slice tenant_id, uint64_t *closed, uint64_t *told)
{
    struct named n = { .tenant = tenant_id, .device = { .max = DEVICE_BYTES } };
    struct tw_slice raw;
    bool is_good;
    size_t i = 0;

    while (i < TW_COUNT(device_messages) && !tw_slice_is(type, device_messages[i].type))
        i++;
    if (i == TW_COUNT(device_messages) || !read_wish(json, &n.wish))
        return false;
    n.act = device_messages[i].act;
    n.all = tw_json_get(json, "all", &raw) && tw_slice_is(raw, "true");
    is_good = n.all || (tw_json_get(json, "device", &raw) && tw_json_string(&n.device, raw) &&
                        !n.device.failed);
    if (is_good)
        gw_sessions_each(r->sessions, act_if_named, &n);
    *(device_messages[i].closes ? closed : told) = n.done;
    tw_buf_done(&n.device);
    return is_good;
}

/* An empty text is none: it would be the key of all sessions that have no key. */
static bool text_member(struct tw_slice json, const char *name, struct tw_slice *out)
{
    return tw_json_get_text(json, name, out) && out->len > 0;
}

void gw_revocation_read(struct gw_revocation *r, char *at, size_t len)
{
    struct gw_holders *holders = &r->sessions->holders;
    struct tw_json_fault fault;
    struct tw_slice json, type, id, raw;
    uint64_t at_ms, closed = 0, told = 0;

    if (tw_json_scan(at, &len, &tw_json_narrow, &fault) != '{' ||
        !text_member(tw_slice_from(at, len), "type", &type)) {
        tw_log_warn("control.malformed", tw_u64("bytes", len));
        return;
    }
    json = tw_slice_from(at, len);
    if (tw_slice_is(type, "key.revoked") && text_member(json, "keyId", &id)) {
        gw_key_auth_forget(r->auth, id);
        closed = close_all(gw_holders_find(holders, GW_HOLDS_KEY, id), gw_closes.key_revoked);
    } else if (tw_slice_is(type, "tenant.suspended") && text_member(json, "tenantId", &id)) {
        closed = end_tenant(r, id, gw_closes.tenant_suspended);
    } else if ((tw_slice_is(type, "tenant.leaving") || tw_slice_is(type, "tenant.frozen") ||
                tw_slice_is(type, "tenant.left")) &&
               text_member(json, "tenantId", &id)) {
        closed = end_tenant(r, id, gw_closes.tenant_moving);
    } else if (tw_slice_starts(type, TW_LIT("device.")) && text_member(json, "tenantId", &id)) {
        if (!act_on_device(r, type, json, id, &closed, &told))
            return; /* or a message of a newer release */
    } else if (tw_slice_is(type, "keyless.off") && text_member(json, "tenantId", &id)) {
        gw_key_auth_forget_all(r->auth);
        closed =
            close_all(gw_holders_find(holders, GW_HOLDS_NOTHING, id), gw_closes.keyless_off);
    } else if (tw_slice_is(type, "console.watch") && text_member(json, "tenantId", &id)) {
        if (r->reports != NULL)
            gw_reports_watch(r->reports, id, GW_WATCH_MS);
        return;
    } else if (tw_slice_is(type, "key.expires") && text_member(json, "keyId", &id) &&
               tw_json_get(json, "expiresAtMs", &raw) && tw_json_u64(raw, &at_ms)) {
        /* a rotated key ends when its overlap is over */
        gw_revocation_set_expiry(r, id, (int64_t)at_ms);
    } else {
        return; /* a message of a newer release */
    }
    tw_log_info("control", tw_slc("type", type), tw_slc("id", id), tw_u64("closed", closed),
                tw_u64("told", told));
}
