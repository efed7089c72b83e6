/* revocation.c - the messages key.revoked {keyId}, key.expires {keyId, expiresAtMs} and
 * tenant.suspended {tenantId}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/revocation.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/log.h"
#include "gateway/stream/session.h"
#include "gateway/stream/stream.h"

struct target {
    int64_t expires_ms;
    struct tw_slice id, allowed;
    struct gw_close why;
    uint64_t closed;
};

static void close_key(struct gw_session *s, void *arg)
{
    struct target *t = arg;

    if (s->phase != GW_CLOSING && tw_slice_is(t->id, s->key_id)) {
        gw_session_close(s, t->why);
        t->closed++;
    }
}

static void set_expiry(struct gw_session *s, void *arg)
{
    struct target *t = arg;

    if (tw_slice_is(t->id, s->key_id))
        s->expires_ms = t->expires_ms;
}

static void close_tenant(struct gw_session *s, void *arg)
{
    struct target *t = arg;

    if (s->phase != GW_CLOSING && s->stream != NULL &&
        tw_slice_is(t->id, s->stream->tenant.id)) {
        gw_session_close(s, t->why);
        t->closed++;
    }
}

static void close_keyless(struct gw_session *s, void *arg)
{
    struct target *t = arg;
    struct tw_slice rest = t->allowed, one;

    if (s->phase == GW_CLOSING || s->stream == NULL || !s->is_keyless)
        return;
    if (t->id.len > 0 && !tw_slice_is(t->id, s->stream->tenant.id))
        return;
    while (t->id.len == 0 && tw_slice_split(&rest, ' ', &one))
        if (tw_slice_is(one, s->stream->tenant.slug))
            return;
    gw_session_close(s, gw_closes.keyless_off);
    t->closed++;
}

static void close_expired(struct gw_session *s, void *arg)
{
    const int64_t *now_ms = arg;

    if (s->expires_ms != 0 && s->expires_ms <= *now_ms)
        gw_session_close(s, gw_closes.key_expired);
}

void gw_revocation_set_expiry(struct gw_sessions *sessions, struct gw_key_auth *auth,
                              struct tw_slice key_id, int64_t expires_ms)
{
    struct target t = { .id = key_id, .expires_ms = expires_ms };

    gw_key_auth_forget(auth, key_id);
    gw_sessions_each(sessions, set_expiry, &t);
}

void gw_revocation_keyless(struct gw_sessions *sessions, struct tw_slice allowed)
{
    struct target t = { .allowed = allowed };

    gw_sessions_each(sessions, close_keyless, &t);
}

void gw_revocation_expire(struct gw_sessions *sessions)
{
    int64_t now_ms = tw_wall_ms();

    gw_sessions_each(sessions, close_expired, &now_ms);
}

/* An empty text is none: it would be the key of all sessions that have no key. */
static bool text_member(struct tw_slice json, const char *name, struct tw_slice *out)
{
    return tw_json_get_text(json, name, out) && out->len > 0;
}

void gw_revocation_read(struct gw_sessions *sessions, struct gw_key_auth *auth, char *at,
                        size_t len)
{
    struct tw_json_fault fault;
    struct tw_slice json, type, raw;
    uint64_t at_ms;
    struct target t = { 0 };

    if (tw_json_scan(at, &len, &tw_json_narrow, &fault) != '{' ||
        !text_member(tw_slice_from(at, len), "type", &type)) {
        tw_log_warn("control.malformed", tw_u64("bytes", len));
        return;
    }
    json = tw_slice_from(at, len);
    if (tw_slice_is(type, "key.revoked") && text_member(json, "keyId", &t.id)) {
        t.why = gw_closes.key_revoked;
        gw_key_auth_forget(auth, t.id);
        gw_sessions_each(sessions, close_key, &t);
    } else if (tw_slice_is(type, "tenant.suspended") && text_member(json, "tenantId", &t.id)) {
        t.why = gw_closes.tenant_suspended;
        gw_key_auth_forget_all(auth);
        gw_sessions_each(sessions, close_tenant, &t);
    } else if (tw_slice_is(type, "keyless.off") && text_member(json, "tenantId", &t.id)) {
        gw_key_auth_forget_all(auth);
        gw_sessions_each(sessions, close_keyless, &t);
    } else if (tw_slice_is(type, "key.expires") && text_member(json, "keyId", &t.id) &&
               tw_json_get(json, "expiresAtMs", &raw) && tw_json_u64(raw, &at_ms)) {
        /* a rotated key ends when its overlap is over */
        gw_revocation_set_expiry(sessions, auth, t.id, (int64_t)at_ms);
    } else {
        return; /* a message of a newer release */
    }
    tw_log_info("control", tw_slc("type", type), tw_slc("id", t.id),
                tw_u64("closed", t.closed));
}
