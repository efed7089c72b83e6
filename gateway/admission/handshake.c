/* handshake.c - from a handshake to a session.
 *
 * While the credential is being checked, the request waits on its HTTP connection, where a
 * refusal is an ordinary HTTP answer with the JSON error body. Only then the stream changes
 * hands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/handshake.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/net/request_id.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/log.h"
#include "gateway/admission/credential.h"
#include "gateway/admission/first_message.h"
#include "gateway/websocket/upgrade.h"

#define MAX_HEADER 200

/* A handshake that waits for its credential to be checked. */
struct pending {
    struct tw_http_waiter waiter;
    struct gw_key_auth_query query;
    struct tw_token_check check; /* of a signed token */
    struct gw_handshakes *all;
    struct tw_http_conn *conn; /* null once the client has left */
    const struct gw_dialect *dialect;
    struct gw_hello hello;
    struct tw_buf answer; /* the 101 */
    bool is_deflating, is_connected, is_asking;
    struct gw_first_message first; /* when it says its key in its first message */
    char tenant_header[MAX_HEADER];
    struct tw_slice claim; /* of the token, lent while it is admitted */ /* as it says */
    struct tw_buf tenant;
    char request_id[TW_REQUEST_ID];
    char device[128]; /* X-Device-Id, when it is short and plain */
};

void gw_handshakes_start(struct gw_handshakes *all, struct tw_metrics *metrics)
{
    all->http.handle = gw_handshakes_handle;
    tw_http_server_init(&all->http, metrics);
    tw_metric_add(metrics, &all->admitted, "ws_handshakes_total", "result=\"admitted\"",
                  "WebSocket handshakes.");
    tw_metric_add(metrics, &all->refused, "ws_handshakes_total", "result=\"refused\"",
                  "WebSocket handshakes.");
    tw_metric_add(metrics, &all->waiting, "ws_handshakes_waiting", NULL,
                  "Handshakes whose credential is being checked.");
}

static void pending_free(struct pending *v)
{
    v->all->waiting.value--;
    tw_buf_done(&v->answer);
    tw_buf_done(&v->tenant);
    free(v);
}

static void refuse(struct gw_handshakes *all, struct tw_http_conn *conn, const char *code,
                   const char *request_id)
{
    all->refused.value++;
    tw_http_refuse(conn, code, tw_slice_of(request_id));
}

/* RFC 9110 section 15.5.22. */
static void refuse_upgrade(struct gw_handshakes *all, struct tw_http_conn *conn,
                           const char *request_id)
{
    const struct tw_http_header extra[] = { { TW_LIT("Upgrade"), TW_LIT("websocket") },
                                            { TW_LIT("Sec-WebSocket-Version"), TW_LIT("13") } };

    all->refused.value++;
    tw_http_refuse_with(conn, "UPGRADE_REQUIRED", tw_slice_of(request_id), extra,
                        TW_COUNT(extra));
}

static void refuse_method(struct gw_handshakes *all, struct tw_http_conn *conn,
                          const char *request_id)
{
    const struct tw_http_header extra = { TW_LIT("Allow"), TW_LIT("GET") };

    all->refused.value++;
    tw_http_refuse_with(conn, "METHOD_NOT_ALLOWED", tw_slice_of(request_id), &extra, 1);
}

/* How the client calls its restaurant, unless it is as we do. */
static void name_restaurant(struct gw_device *m, const char *named, const char *slug)
{
    if (strcmp(named, slug) != 0)
        memcpy(m->named, named, sizeof(m->named));
}

static void make_device(struct pending *v, struct gw_session *s,
                        const struct gw_identity *identity)
{
    struct gw_device *m = gw_device_new(v->all->shared_state, s);

    m->principal.has_key = v->query.has_key;
    m->principal.is_keyless = v->query.is_keyless;
    memcpy(m->principal.key_hash, v->query.key_hash, sizeof(m->principal.key_hash));
    m->principal.claim.max = TW_JWT_TEXT_BYTES;
    tw_buf_append(&m->principal.claim, v->claim);
    memcpy(m->user, v->hello.user, sizeof(m->user));
    name_restaurant(m, v->hello.named, identity->tenant.slug);
    if (v->hello.device[0] != '\0')
        memcpy(s->device, v->hello.device, sizeof(s->device));
    s->device_state = m;
}

static struct gw_session *new_session(struct pending *v, const struct gw_identity *identity,
                                      struct gw_transport *transport)
{
    struct gw_session *s = gw_session_new(v->all->sessions, v->dialect, transport);

    s->hears_all = v->hello.hears_all;
    s->resumes = v->hello.resumes;
    s->since = v->hello.since;
    memcpy(s->key_id, identity->key_id, sizeof(s->key_id));
    s->expires_ms = identity->expires_ms;
    memcpy(s->device, v->device, sizeof(s->device));
    if (v->hello.is_device)
        make_device(v, s, identity);
    v->all->admitted.value++;
    return s;
}

static void admit(struct pending *v, const struct gw_identity *identity)
{
    struct gw_handshakes *all = v->all;
    struct tw_buf rest = { .max = 1048576 };
    struct tw_stream *stream = tw_http_take_stream(v->conn, &rest);
    struct gw_conn *conn =
        gw_conn_new(all->conns, stream, tw_buf_view(&v->answer), v->is_deflating);
    struct gw_session *s = new_session(v, identity, gw_conn_transport(conn));

    gw_hubs_join(all->hubs, &identity->tenant, s);
    gw_conn_start(conn, &s->handler, tw_buf_view(&rest));
    tw_buf_done(&rest);
}

static void send_refusal(struct pending *v, int status, struct tw_slice body)
{
    struct tw_http_response res = { 0 };
    struct gw_sync_log_row row = { .kind = "auth_failed",
                                   .dialect = v->dialect->name,
                                   .device = tw_slice_of(v->device),
                                   .reason = v->tenant.at,
                                   .code = (unsigned)status };

    gw_sync_log_add(v->all->log, &row);
    v->all->refused.value++;
    tw_refusal_head(&res, status);
    tw_http_add(&res, "X-Request-Id", tw_slice_of(v->request_id));
    res.body = body;
    tw_http_answer(v->conn, &res);
}

/* --- Those who say it in their first message -------------------------------------------------
 */

static void settle_first_message(struct pending *v, const struct gw_identity *identity)
{
    struct gw_session *s;

    v->is_asking = false;
    if (v->first.conn == NULL) { /* it has left meanwhile */
        pending_free(v);
    } else if (identity == NULL || v->all->is_closed) {
        v->all->refused.value++;
        gw_first_message_refuse(&v->first, "the key or token is not good here");
    } else {
        s = new_session(v, identity, gw_conn_transport(v->first.conn));
        gw_first_message_admit(&v->first, &s->handler, &s->device_state->first);
        gw_hubs_join(v->all->hubs, &identity->tenant, s);
        pending_free(v);
    }
}

static void ask(struct pending *v, struct tw_slice credential);

static void on_arrived(struct gw_first_message *l, struct tw_slice credential)
{
    struct pending *v = tw_container_of(l, struct pending, first);

    v->is_asking = true;
    ask(v, credential);
}

static void on_left(struct gw_first_message *l)
{
    struct pending *v = tw_container_of(l, struct pending, first);

    if (!v->is_asking)
        pending_free(v);
}

static void await_first_message(struct pending *v)
{
    struct tw_buf rest = { .max = 1048576 };
    struct tw_stream *stream = tw_http_take_stream(v->conn, &rest);
    struct gw_conn *conn =
        gw_conn_new(v->all->conns, stream, tw_buf_view(&v->answer), v->is_deflating);

    v->conn = NULL;
    v->is_connected = true;
    v->first.loop = v->all->tokens->pool->loop;
    v->first.arrived = on_arrived;
    v->first.left = on_left;
    gw_first_message_open(&v->first, conn, tw_buf_view(&rest));
    tw_buf_done(&rest);
}

static void on_identity(struct gw_key_auth_query *q, int status,
                        const struct gw_identity *identity, struct tw_slice body)
{
    struct pending *v = tw_container_of(q, struct pending, query);

    if (v->is_connected) {
        settle_first_message(v, status == 200 ? identity : NULL);
        return;
    }
    if (v->conn == NULL)
        tw_log_debug("ws.left", tw_str("dialect", v->dialect->name));
    else if (status == 200 && v->all->is_closed)
        refuse(v->all, v->conn, "DRAINING", v->request_id);
    else if (status == 200)
        admit(v, identity);
    else if (body.len == 0)
        refuse(v->all, v->conn, "UNAVAILABLE", v->request_id);
    else
        send_refusal(v, status, body);
    pending_free(v);
}

static void on_gone(struct tw_http_waiter *w)
{
    tw_container_of(w, struct pending, waiter)->conn = NULL;
}

/* A signed token: its restaurant must be the one that the address names. */
static void on_token(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct pending *v = tw_container_of(check, struct pending, check);
    struct gw_identity identity = { 0 };
    const char *named = v->hello.named;

    if (refusal == NULL) {
        memcpy(identity.tenant.id, grant->tenant.id, sizeof(identity.tenant.id));
        memcpy(identity.tenant.slug, grant->tenant.slug, sizeof(identity.tenant.slug));
        identity.expires_ms = grant->expires_ms;
        v->claim = grant->context;
        if (named[0] != '\0' && strcmp(named, grant->tenant.slug) != 0 &&
            !tw_slice_is_nocase(tw_slice_of(named), grant->tenant.id))
            refusal = "PERMISSION_DENIED";
    } else if (strcmp(refusal, "AUTH_FAILED") == 0) {
        refusal = "UNAUTHORIZED";
    }
    if (v->is_connected) {
        settle_first_message(v, refusal == NULL ? &identity : NULL);
        return;
    }
    if (v->conn != NULL && refusal == NULL && v->all->is_closed)
        refusal = "DRAINING";
    if (v->conn != NULL && refusal != NULL)
        refuse(v->all, v->conn, refusal, v->request_id);
    else if (v->conn != NULL)
        admit(v, &identity);
    pending_free(v);
}

/* A name that is too long or no plain text is no name. */
static void read_device(const struct tw_http_request *req, char out[128])
{
    struct tw_slice name = tw_http_header(req, "x-device-id");

    if (name.len > 0 && name.len < 128 && tw_is_plain_line(name))
        memcpy(out, name.at, name.len);
}

static bool is_good_header(struct tw_slice value)
{
    return value.len <= MAX_HEADER && tw_is_plain_line(value);
}

/* Who is it? Nobody's credential may still be let in, where a tenant allows it. */
static void ask(struct pending *v, struct tw_slice credential)
{
    bool is_device = v->hello.is_device;

    v->query.auth = v->all->auth;
    v->query.answered = on_identity;
    v->query.has_key = credential.len > 0;
    v->query.is_keyless = is_device && credential.len == 0;
    v->query.tenant = is_device ? tw_slice_of(v->hello.named)
                                : tw_slice_from(v->tenant.at, v->tenant.len - 1);
    v->query.scope = v->hello.scope;
    v->query.request_id = v->request_id;
    if (is_device && tw_token_is_jwt(credential)) {
        v->query.has_key = false;
        v->check = (struct tw_token_check){ .all = v->all->tokens, .answered = on_token };
        tw_token_check(&v->check, credential);
        return;
    }
    if (credential.len > 0)
        tw_sha256_hex(credential, v->query.key_hash);
    gw_key_auth_ask(&v->query);
}

/* ?auth=message */
static bool says_later(const struct tw_http_request *req)
{
    struct tw_buf text = { .max = 32 };
    bool is_later =
        tw_http_query(req, "auth", &text) == 1 && tw_slice_is(tw_buf_view(&text), "message");

    tw_buf_done(&text);
    return is_later;
}

static void check_credential(struct gw_handshakes *all, struct tw_http_conn *conn,
                             const struct tw_http_request *req,
                             const struct gw_dialect *dialect, const struct gw_hello *hello,
                             struct tw_slice path_key, const char *request_id)
{
    struct pending *v = tw_new(struct pending);
    struct tw_buf credential = { .max = TW_JWT_BYTES };
    struct tw_slice header = tw_http_header(req, "x-tenant-id");
    const char *code = NULL;

    all->waiting.value++;
    v->all = all;
    v->conn = conn;
    v->dialect = dialect;
    v->hello = *hello;
    v->waiter.gone = on_gone;
    v->answer.max = 1024;
    v->tenant.max = 256;
    memcpy(v->request_id, request_id, sizeof(v->request_id));
    v->is_deflating = gw_upgrade_answer(req, &v->answer);
    read_device(req, v->device);
    if (!tw_percent_decode(&v->tenant, hello->tenant, false))
        code = "INVALID_TENANT";
    else if (!is_good_header(header))
        code = "INVALID_HEADER";
    if (code != NULL) {
        refuse(all, conn, code, request_id);
        pending_free(v);
        return;
    }
    tw_buf_char(&v->tenant, '\0'); /* also a text for the log */
    (void)gw_credential_read(req, path_key, all->engine->origins, &credential);
    memcpy(v->tenant_header, header.at == NULL ? "" : header.at, header.len);
    v->query.tenant_header = tw_slice_from(v->tenant_header, header.len);
    if (hello->is_device && credential.len == 0 && says_later(req)) {
        await_first_message(v);
    } else {
        tw_http_wait(conn, &v->waiter);
        ask(v, tw_buf_view(&credential));
    }
    tw_buf_done(&credential);
}

void gw_handshakes_handle(struct tw_http_server *server, struct tw_http_conn *conn,
                          struct tw_http_request *req)
{
    struct gw_handshakes *all = tw_container_of(server, struct gw_handshakes, http);
    const struct gw_dialect *dialect;
    struct gw_hello hello;
    char request_id[TW_REQUEST_ID];
    struct tw_slice path_key;
    const char *code;

    if (gw_eio_claims(all->engine, req)) {
        gw_eio_handle(all->engine, conn, req);
        return;
    }
    tw_request_id(req, request_id);
    path_key = gw_credential_cut(req);
    dialect = gw_dialect_of(req, &hello);
    if (dialect == NULL) {
        refuse(all, conn, "NOT_FOUND", request_id);
        return;
    }
    code = gw_upgrade_check(req);
    if (code == NULL)
        code = hello.refusal;
    if (code == NULL && (all->is_closed || all->conns->count >= all->max_sessions))
        code = all->is_closed ? "DRAINING" : "OVERLOADED";
    if (code == NULL)
        check_credential(all, conn, req, dialect, &hello, path_key, request_id);
    else if (strcmp(code, "UPGRADE_REQUIRED") == 0)
        refuse_upgrade(all, conn, request_id);
    else if (strcmp(code, "METHOD_NOT_ALLOWED") == 0)
        refuse_method(all, conn, request_id);
    else
        refuse(all, conn, code, request_id);
}
