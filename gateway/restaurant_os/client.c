/* client.c - a client comes (credential, then its record if it wants to be recovered), is put
 * into its restaurant's stream, and goes.
 *
 * Recovery: the record in Redis says which rooms it was in, the event log what it has missed,
 * so any gateway can go on where another one was killed. The credential is checked again; a
 * record alone opens nothing. Without Redis a client is not recovered, and fetches the state
 * anew. Whoever was recovered from a record writes the next turn of it: a gateway that finds
 * out late that its client has gone does not overwrite where that client is now.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/client_state.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"

/* KEYS: the record; ARGV: its turn, its text. */
#define SAVE                                                                                   \
    "local old = redis.call('get', KEYS[1]) "                                                  \
    "local turn = old and tonumber(string.match(old, '\"turn\":(%d+)')) "                      \
    "if not turn or turn <= tonumber(ARGV[1]) then "                                           \
    "redis.call('set', KEYS[1], ARGV[2], 'ex', 120) end"
#define REFRESH_MS 45000 /* well within it, so that a killed gateway leaves a fresh one */
#define RECORD_BYTES 512
#define STORE_TRIES 20
#define STORE_PAUSE_MS 50
#define CLOSE_POLICY 1008

static struct gw_restaurant_os *all_of(struct gw_sio_socket *k)
{
    return tw_container_of(gw_sio_of(k), struct gw_restaurant_os, sio);
}

static struct gw_sio_client *client_of_transport(const struct gw_transport *w)
{
    return tw_container_of((uintptr_t)w, struct gw_sio_client, transport);
}

struct gw_sio_client *gw_client_of(const struct gw_session *s)
{
    return client_of_transport(s->transport);
}

/* --- The record in Redis ---------------------------------------------------------------------
 */

static struct tw_slice record_name(struct tw_slice pid, char out[64])
{
    memcpy(out, "tw:s:", 5);
    memcpy(out + 5, pid.at, pid.len < 58 ? pid.len : 58);
    return tw_slice_from(out, 5 + (pid.len < 58 ? pid.len : 58));
}

static void on_refresh(struct tw_deadline *d)
{
    gw_client_save(tw_container_of(d, struct gw_sio_client, refresh));
}

void gw_client_save(struct gw_sio_client *g)
{
    struct tw_buf record = { .max = RECORD_BYTES }, turn = { .max = 20 };
    char name[64];

    if (g->session == NULL || g->pid[0] == '\0')
        return;
    tw_buf_u64(&turn, g->turn);
    tw_buf_char(&record, '{');
    tw_json_member(&record, "tenant", tw_slice_of(g->identity.tenant.id));
    tw_json_member(&record, "sid", tw_slice_of(g->sid));
    tw_json_member_raw(&record, "joined", g->has_joined ? TW_LIT("1") : TW_LIT("0"));
    tw_json_member_raw(&record, "stations", (struct tw_slice){ NULL, 0 });
    tw_buf_u64(&record, g->stations);
    tw_json_member_raw(&record, "turn", tw_buf_view(&turn));
    tw_buf_char(&record, '}');
    (void)tw_redis_tell(g->all->store,
                        (const struct tw_slice[]){ TW_LIT("EVAL"), TW_LIT(SAVE), TW_LIT("1"),
                                                   record_name(tw_slice_of(g->pid), name),
                                                   tw_buf_view(&turn), tw_buf_view(&record) },
                        6);
    tw_buf_done(&record);
    tw_buf_done(&turn);
    tw_after(g->all->loop, &g->refresh, REFRESH_MS, on_refresh);
}

/* Who has left on purpose does not come back as the same one. */
static void forget_record(struct gw_sio_client *g)
{
    char name[64];

    if (g->pid[0] != '\0')
        (void)tw_redis_tell(
            g->all->store,
            (const struct tw_slice[]){ TW_LIT("DEL"), record_name(tw_slice_of(g->pid), name) },
            2);
}

/* --- Telling the client ----------------------------------------------------------------------
 */

static void say_status(struct gw_sio_client *g, const char *state, const char *more,
                       uint64_t offset)
{
    struct tw_buf json = { .max = 256 };

    tw_buf_text(&json, "[\"connection:status\",{");
    tw_json_member(&json, "state", tw_slice_of(state));
    tw_buf_text(&json, more);
    tw_buf_char(&json, '}');
    if (offset > 0 || more[0] == '\0') {
        tw_buf_text(&json, ",\"");
        tw_buf_u64(&json, offset);
        tw_buf_char(&json, '"');
    }
    tw_buf_char(&json, ']');
    gw_sio_emit(g->k, tw_buf_view(&json));
    tw_buf_done(&json);
}

static void new_pid(char out[GW_PID])
{
    uint8_t random[24];
    struct tw_buf text = { .max = GW_PID - 1 };

    tw_random(random, sizeof(random));
    tw_base64url(&text, tw_slice_from((const char *)random, sizeof(random)));
    memcpy(out, text.at, GW_PID - 1);
    out[GW_PID - 1] = '\0';
    tw_buf_done(&text);
}

/* As somebody new, in no room, at the head. */
static void start_anew(struct gw_sio_client *g, uint64_t seq)
{
    g->all->started_anew.value++;
    g->has_joined = false;
    g->stations = 0;
    g->turn = 0;
    gw_sio_new_sid(g->sid);
    new_pid(g->pid);
    gw_sio_accept(g->k, tw_slice_of(g->sid), tw_slice_of(g->pid));
    say_status(g, "connected", "", seq);
    gw_client_save(g);
}

void gw_client_greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct gw_sio_client *g = gw_client_of(s);

    if (g->k->is_accepted) { /* it has moved to this restaurant */
        say_status(g, "connected", "", seq);
        return;
    }
    if (!s->resumes) {
        start_anew(g, seq);
    } else if (gw_session_can_resume(s, seq, oldest)) {
        g->all->recovered.value++;
        gw_sio_accept(g->k, tw_slice_of(g->sid), tw_slice_of(g->pid));
        say_status(g, "connected", "", s->since); /* what follows, it has not heard yet */
        if (g->has_joined)
            gw_room_enter(g);
        gw_client_save(g);
    } /* else gw_client_resync follows at once */
}

void gw_client_resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)oldest;
    start_anew(gw_client_of(s), seq);
}

bool gw_client_hears(const struct gw_session *s, struct tw_slice station)
{
    static const struct {
        const char *name;
        enum gw_station bit;
    } stations[] = {
        { "kitchen", GW_KITCHEN }, { "expo", GW_EXPO }, { "bar", GW_BAR }, { "pos", GW_POS }
    };
    const struct gw_sio_client *g = gw_client_of(s);

    if (!g->has_joined || station.len == 0)
        return g->has_joined;
    for (size_t i = 0; i < TW_COUNT(stations); i++)
        if (tw_slice_is(station, stations[i].name))
            return (g->stations & stations[i].bit) != 0;
    return true;
}

/* --- Its end ---------------------------------------------------------------------------------
 */

static void client_free(struct gw_sio_client *g)
{
    tw_after_cancel(g->all->loop, &g->refresh);
    tw_buf_done(&g->token);
    tw_buf_done(&g->token_claim);
    free(g);
}

void gw_client_release(struct gw_sio_client *g)
{
    TW_ASSERT(g->busy > 0);
    g->busy--;
    if (g->busy == 0 && g->k == NULL)
        client_free(g);
}

static void on_left(struct gw_sio_socket *k, bool is_left, unsigned code, const char *reason)
{
    struct gw_sio_client *g = k->client;

    if (k->is_accepted && (is_left || code == CLOSE_POLICY))
        forget_record(g);
    else
        gw_client_save(g);
    tw_after_cancel(g->all->loop, &g->refresh);
    gw_room_leave(g);
    gw_session_free(g->session, code, reason);
    g->session = NULL;
    g->k = NULL;
    gw_client_drop_commands(g);
    if (g->busy == 0)
        client_free(g);
}

static void on_farewell(struct gw_sio_socket *k)
{
    if (k->client->session != NULL)
        say_status(k->client, "reconnecting", ",\"nextRetry\":1000", 0);
}

static void on_writable(struct gw_sio_socket *k, uint64_t now_ms)
{
    if (k->client->session != NULL)
        gw_session_writable(k->client->session, now_ms);
}

/* --- The session's wire ----------------------------------------------------------------------
 */

static bool transport_is_writable(const struct gw_transport *w)
{
    const struct gw_sio_client *g = client_of_transport(w);

    return g->k != NULL && gw_sio_is_writable(g->k);
}

static void transport_send(struct gw_transport *w, struct gw_frame *f)
{
    const struct gw_sio_client *g = client_of_transport(w);

    if (g->k != NULL)
        gw_sio_send(g->k, f);
}

/* A key that is good no longer: the client shall not come back by itself, as it does from
 * everything else. */
static void transport_close(struct gw_transport *w, unsigned code, const char *reason)
{
    struct gw_sio_client *g = client_of_transport(w);

    if (g->k == NULL)
        return;
    if (code == CLOSE_POLICY && g->k->is_accepted) {
        say_status(g, "disconnected", ",\"reason\":\"AUTH_FAILED\"", 0);
        gw_sio_expel(g->k, code, reason);
    } else {
        gw_sio_close(g->k, code, reason);
    }
}

static const struct gw_transport_ops transport_ops = { .is_writable = transport_is_writable,
                                                       .send = transport_send,
                                                       .close = transport_close };

/* --- Coming in -------------------------------------------------------------------------------
 */

static void refuse(struct gw_sio_client *g, const char *code)
{
    bool is_away = strcmp(code, "UNAVAILABLE") == 0;
    struct tw_buf json = { .max = 1024 };

    g->all->refused.value++;
    if (is_away) { /* a CONNECT_ERROR would end it for good; so it tries again */
        gw_sio_close(g->k, 1013, "credentials cannot be checked right now");
        return;
    }
    tw_buf_char(&json, '{');
    tw_json_member(&json, "message", TW_LIT("Authentication error"));
    tw_json_member_raw(&json, "data", TW_LIT("{"));
    tw_json_member(&json, "code", tw_slice_of(code));
    tw_json_member(&json, "message", tw_slice_of(tw_refusal_of(code)->message));
    tw_buf_text(&json, "}}");
    gw_sio_refuse(g->k, tw_buf_view(&json));
    tw_buf_done(&json);
}

static void open_session(struct gw_sio_client *g)
{
    struct gw_session *s =
        gw_session_new(g->all->sessions, &gw_restaurant_os_dialect, &g->transport);

    g->session = s;
    s->resumes = g->wants_recovery;
    s->since = g->offset;
    s->expires_ms = g->expires_ms;
    memcpy(s->key_id, g->identity.key_id, sizeof(s->key_id));
    memcpy(s->device, g->sid, sizeof(g->sid));
    g->wants_recovery = false;
    gw_hubs_join(g->all->hubs, &g->identity.tenant, s);
}

/* What the record says counts only for the restaurant that the credential is for. */
static void read_record(struct gw_sio_client *g, struct tw_slice text)
{
    struct tw_buf copy = { .max = RECORD_BYTES };
    struct tw_slice raw, json, tenant, sid;
    struct tw_json_fault fault;
    uint64_t joined = 0, stations = 0, turn = 0;
    size_t len = text.len;

    g->wants_recovery = false;
    tw_buf_append(&copy, text);
    if (!copy.failed && tw_json_scan(copy.at, &len, &tw_json_narrow, &fault) == '{') {
        json = tw_slice_from(copy.at, len);
        if (tw_json_get(json, "tenant", &raw) && tw_json_plain(raw, &tenant) &&
            tw_slice_is(tenant, g->identity.tenant.id) && tw_json_get(json, "sid", &raw) &&
            tw_json_plain(raw, &sid) && sid.len == GW_SIO_SID - 1 &&
            tw_json_get(json, "joined", &raw) && tw_json_u64(raw, &joined) &&
            tw_json_get(json, "stations", &raw) && tw_json_u64(raw, &stations) &&
            tw_json_get(json, "turn", &raw) && tw_json_u64(raw, &turn)) {
            memcpy(g->sid, sid.at, sid.len);
            g->has_joined = joined == 1;
            g->stations = (unsigned)(stations & 15);
            g->turn = turn + 1;
            g->wants_recovery = true;
        }
    }
    tw_buf_done(&copy);
}

static void on_record(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct gw_sio_client *g = tw_container_of(ask, struct gw_sio_client, ask);

    if (g->k != NULL) {
        read_record(g, value->is_there ? value->text : (struct tw_slice){ NULL, 0 });
        if (!g->wants_recovery) /* the name that it gave is not its own */
            g->pid[0] = '\0';
        open_session(g);
    }
    gw_client_release(g);
}

static void admit(struct gw_sio_client *g);

static void on_store(struct tw_deadline *d)
{
    admit(tw_container_of(d, struct gw_sio_client, refresh));
}

static void admit(struct gw_sio_client *g)
{
    char name[64];

    /* A process that has just begun is found by clients before it has found Redis. */
    if (g->wants_recovery && !tw_redis_is_up(g->all->store) && g->patience++ < STORE_TRIES) {
        tw_after(g->all->loop, &g->refresh, STORE_PAUSE_MS, on_store);
        return;
    }
    g->ask.answered = on_record;
    if (g->wants_recovery &&
        tw_redis_ask(
            g->all->store, &g->ask,
            (const struct tw_slice[]){ TW_LIT("GET"), record_name(tw_slice_of(g->pid), name) },
            2) == 0) {
        g->busy++;
        return;
    }
    g->wants_recovery = false;
    g->pid[0] = '\0';
    open_session(g);
}

static void take_grant(struct gw_sio_client *g, const struct tw_token_grant *grant)
{
    g->expires_ms = grant->expires_ms;
    memcpy(g->identity.tenant.id, grant->tenant.id, sizeof(grant->tenant.id));
    memcpy(g->identity.tenant.slug, grant->tenant.slug, sizeof(grant->tenant.slug));
    tw_buf_clear(&g->token_claim);
    g->token_claim.max = TW_JWT_TEXT_BYTES;
    tw_buf_append(&g->token_claim, grant->context);
}

static void on_token(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct gw_sio_client *g = tw_container_of(check, struct gw_sio_client, check);

    if (g->k != NULL && refusal != NULL) {
        refuse(g, refusal);
    } else if (g->k != NULL) {
        take_grant(g, grant);
        admit(g);
    }
    gw_client_release(g);
}

static void on_key(struct gw_key_auth_query *q, int status, const struct gw_identity *identity,
                   struct tw_slice body)
{
    struct gw_sio_client *g = tw_container_of(q, struct gw_sio_client, key_query);

    if (g->k != NULL && status == 200) {
        g->identity = *identity;
        g->expires_ms = identity->expires_ms;
        admit(g);
    } else if (g->k != NULL) {
        refuse(g, body.len == 0 ? "UNAVAILABLE" : "AUTH_FAILED");
    }
    gw_client_release(g);
}

void gw_client_move(struct gw_sio_client *g, const struct tw_token_grant *grant)
{
    gw_room_leave(g);
    gw_session_free(g->session, 0, "joined another restaurant");
    take_grant(g, grant);
    g->stations = 0;
    g->has_joined = true;
    open_session(g);
    gw_room_enter(g);
    gw_client_save(g);
}

static bool read_text(struct tw_slice auth, const char *name, struct tw_buf *out)
{
    struct tw_slice raw;

    return tw_json_get(auth, name, &raw) && tw_json_string(out, raw) && !out->failed &&
           out->len > 0;
}

/* `pid` and `offset`, when they are what we once gave. */
static void read_recovery(struct gw_sio_client *g, struct tw_slice auth)
{
    struct tw_buf pid = { .max = 64 }, offset = { .max = 32 };

    g->wants_recovery = read_text(auth, "pid", &pid) && pid.len == GW_PID - 1 &&
                        read_text(auth, "offset", &offset) &&
                        tw_slice_u64(tw_buf_view(&offset), &g->offset);
    if (g->wants_recovery)
        memcpy(g->pid, pid.at, GW_PID - 1);
    tw_buf_done(&pid);
    tw_buf_done(&offset);
}

/* The credential is a signed token or an API key. */
static void check_credential(struct gw_sio_client *g, struct tw_slice credential)
{
    g->busy++;
    if (tw_token_is_jwt(credential)) {
        g->token.max = TW_JWT_BYTES;
        tw_buf_append(&g->token, credential);
        g->check = (struct tw_token_check){ .all = g->all->tokens, .answered = on_token };
        tw_token_check(&g->check, credential);
        return;
    }
    tw_sha256_hex(credential, g->key_hash);
    g->key_query = (struct gw_key_auth_query){ .auth = g->all->auth,
                                               .answered = on_key,
                                               .has_key = credential.len > 0,
                                               .scope = "pos",
                                               .request_id = "socket" };
    memcpy(g->key_query.key_hash, g->key_hash, sizeof(g->key_hash));
    gw_key_auth_ask(&g->key_query);
}

static void on_connect(struct gw_sio_socket *k, struct tw_slice auth)
{
    struct gw_sio_client *g = tw_new(struct gw_sio_client);
    struct tw_buf credential = { .max = TW_JWT_BYTES };

    g->all = all_of(k);
    g->k = k;
    g->transport.ops = &transport_ops;
    k->client = g;
    tw_list_init(&g->commands);
    if (!read_text(auth, "token", &credential)) {
        refuse(g, "AUTH_FAILED");
    } else {
        read_recovery(g, auth);
        check_credential(g, tw_buf_view(&credential));
    }
    tw_buf_done(&credential);
}

static void on_event(struct gw_sio_socket *k, const struct gw_sio_packet *p,
                     const struct tw_buf *attachments)
{
    (void)attachments; /* no event of these has any use for them */
    gw_client_request(k->client, p);
}

static const char *const namespaces[] = { "/", NULL };
static const struct gw_sio_app app = { namespaces,  on_connect,  on_event,
                                       on_writable, on_farewell, on_left };

void gw_restaurant_os_start(struct gw_restaurant_os *all, struct tw_metrics *metrics)
{
    static const char connects[] = "Restaurant OS clients that came in.";

    all->sio.app = &app;
    all->sio.engine.open = gw_sio_open;
    tw_metric_add(metrics, &all->recovered, "sio_connects_total", "how=\"recovered\"",
                  connects);
    tw_metric_add(metrics, &all->started_anew, "sio_connects_total", "how=\"new\"", connects);
    tw_metric_add(metrics, &all->refused, "sio_connects_total", "how=\"refused\"", connects);
    tw_metric_add(metrics, &all->requests, "sio_requests_total", "result=\"taken\"",
                  "Events from Restaurant OS clients.");
    tw_metric_add(metrics, &all->limited, "sio_requests_total", "result=\"limited\"",
                  "Events from Restaurant OS clients.");
    gw_eio_start(&all->sio.engine, metrics);
}

void gw_restaurant_os_done(struct gw_restaurant_os *all)
{
    gw_eio_done(&all->sio.engine);
    tw_map_done(&all->rooms);
}
