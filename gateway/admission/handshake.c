/* handshake.c - from a handshake to a session.
 *
 *     request -> dialect -> checks -> authentication -> admitted: the stream changes hands
 *                                  \-> first message -> authentication -> admitted
 *
 * While the credential is checked, the request waits on its HTTP connection, where a refusal is
 * an ordinary HTTP answer with the JSON error body. A client that gives its credential in its
 * first message (?auth=message, or by its dialect) is connected before that, and refused with a
 * close code.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/handshake.h"

#include <stdlib.h>

#include "common/domain/credential.h"
#include "common/net/cors.h"
#include "common/net/refusal.h"
#include "common/net/request_id.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/log.h"
#include "gateway/admission/first_message.h"
#include "gateway/stream/early.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/arrivals.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/upgrade.h"

#define MAX_HEADER 200
#define MAX_DEVICE 127

/* A handshake that waits for its authentication. */
struct pending {
    struct gw_handshakes *all;
    struct tw_http_waiter waiter;
    struct tw_http_conn *conn; /* null once the client has left, or the stream was taken */
    struct gw_authentication authentication;
    const struct gw_dialect *dialect;
    struct gw_hello hello;
    struct tw_buf answer; /* the 101, or the head of an event stream */
    bool is_deflating;
    bool is_connected; /* it gives its credential in its first message */
    bool is_asking;    /* the authentication is under way */
    struct gw_first_message first;
    char *tenant_header;  /* X-Tenant-ID; null: it has none */
    struct tw_buf tenant; /* as the client names it, ended by a NUL */
    char request_id[TW_REQUEST_ID];
    char *device;  /* X-Device-Id or ?device_id=, when it is short and plain; else null */
    char *address; /* as nginx names it; may be null */
    char *client;  /* User-Agent, when it is short and plain; else null */
};

#define AT(field) TW_METRIC_AT(struct gw_handshakes, field)

static const struct tw_metric_row metric_rows[] = {
    { "ws_handshakes_total", "result=\"admitted\"", "WebSocket handshakes, by result.",
      AT(admitted) },
    { "ws_handshakes_total", "result=\"refused\"", NULL, AT(refused) },
    { "ws_handshakes_waiting", NULL, "WebSocket handshakes whose credential is being checked.",
      AT(waiting) },
    { "ws_strangers", NULL,
      "Open WebSockets that are to send their credential in the first message, and are not "
      "admitted yet: at most a tenth of all that there may be, and a hundred.",
      AT(strangers) },
};

const struct tw_metric_table gw_handshakes_metrics = { .rows = metric_rows,
                                                       .count = TW_COUNT(metric_rows) };

void gw_handshakes_start(struct gw_handshakes *all, const struct gw_handshakes_options *options)
{
    all->options = *options;
}

static void pending_free(struct pending *p)
{
    p->all->waiting.value--;
    p->all->strangers.value -= p->is_connected;
    gw_authentication_done(&p->authentication);
    tw_buf_done(&p->answer);
    tw_buf_done(&p->tenant);
    free(p->tenant_header);
    free(p->device);
    free(p->address);
    free(p->client);
    free(p);
}

/* --- Refused ---------------------------------------------------------------------------------
 */

static void refuse(struct gw_handshakes *all, struct tw_http_conn *conn, const char *code,
                   const char *request_id)
{
    static const struct tw_http_header upgrade[] = {
        { { "Upgrade", 7 }, { "websocket", 9 } },
        { { "Sec-WebSocket-Version", 21 }, { "13", 2 } }
    }; /* RFC 9110 section 15.5.22 */
    static const struct tw_http_header allow[] = { { { "Allow", 5 }, { "GET", 3 } } };

    const struct tw_http_header later[] = { { TW_LIT("Retry-After"),
                                              tw_slice_of(gw_arrivals_pause()) } };

    all->refused.value++;
    if (strcmp(code, "UPGRADE_REQUIRED") == 0)
        tw_http_refuse_with(conn, code, tw_slice_of(request_id), upgrade, TW_COUNT(upgrade));
    else if (strcmp(code, "OVERLOADED") == 0)
        tw_http_refuse_with(conn, code, tw_slice_of(request_id), later, TW_COUNT(later));
    else if (strcmp(code, "METHOD_NOT_ALLOWED") == 0)
        tw_http_refuse_with(conn, code, tw_slice_of(request_id), allow, TW_COUNT(allow));
    else
        tw_http_refuse(conn, code, tw_slice_of(request_id));
}

/* A text of its request that may not be there. */
static struct tw_slice text_of(const char *text)
{
    return text == NULL ? TW_EMPTY : tw_slice_of(text);
}

static void log_refusal(struct pending *p, const char *code, int status)
{
    struct gw_sync_log_row row = { .kind = "auth_failed",
                                   .dialect = p->dialect->name,
                                   .device = text_of(p->device),
                                   .reason = code,
                                   .address = p->address,
                                   .named = p->tenant.at,
                                   .code = (unsigned)status };

    gw_sync_log_add(p->all->options.log, &row);
}

/* The answer of pos.authenticate, as it is. */
static void send_refusal(struct pending *p, int status, struct tw_slice body)
{
    struct tw_http_response res = { 0 };

    p->all->refused.value++;
    tw_refusal_head(&res, status);
    tw_http_add(&res, "X-Request-Id", tw_slice_of(p->request_id));
    res.body = body;
    tw_http_answer(p->conn, &res);
}

/* Many clients show nobody why they are not admitted, so the operator is told. */
static void tell_refusal(const struct pending *p, const char *code, int status)
{
    tw_log_info("handshake.refused", tw_str("dialect", p->dialect->name),
                tw_str("address", p->address), tw_str("code", code == NULL ? "" : code),
                tw_i64("status", status), tw_str("req", p->request_id));
}

static void refuse_pending(struct pending *p, const struct gw_authenticated *result)
{
    /* a handshake's 401 has a code of its own */
    const char *code =
        strcmp(result->refusal, "AUTH_FAILED") == 0 ? "UNAUTHORIZED" : result->refusal;

    tell_refusal(p, code, result->body.len > 0 ? result->status : 0);
    if (result->body.len > 0) {
        log_refusal(p, code, result->status);
        send_refusal(p, result->status, result->body);
    } else {
        refuse(p->all, p->conn, code, p->request_id);
    }
}

/* --- Admitted --------------------------------------------------------------------------------
 */

static struct gw_session *start_session(struct pending *p, const struct gw_identity *who,
                                        struct gw_transport *transport, struct tw_buf *early)
{
    const struct gw_handshakes_options *o = &p->all->options;
    struct gw_session *s = gw_dialect_open(o->dialects, p->dialect, &p->hello, who);
    struct tw_slice device = p->hello.device[0] != '\0' ? tw_slice_of(p->hello.device)
                             : who->device.len > 0      ? who->device
                             : p->device != NULL        ? tw_slice_of(p->device)
                                                        : who->own_device;

    gw_session_start(s, o->sessions,
                     &(struct gw_session_options){
                         .dialect = p->dialect,
                         .transport = transport,
                         .who = who,
                         .device = device,
                         .resumes = p->hello.resumes,
                         .since = p->hello.since,
                         .early = gw_early_with_origin(early, p->address, p->client),
                     });
    p->all->admitted.value++;
    return s;
}

/* The request's connection becomes a WebSocket or an event stream. */
static struct gw_conn *upgrade(struct pending *p)
{
    struct tw_http_conn *http = p->conn;

    p->conn = NULL;
    if (p->dialect->heartbeat != NULL)
        return gw_conn_event_stream(p->all->options.conns, http, tw_buf_view(&p->answer),
                                    p->dialect->heartbeat);
    return gw_conn_upgrade(p->all->options.conns, http, tw_buf_view(&p->answer),
                           p->is_deflating);
}

static void admit(struct pending *p, const struct gw_identity *who)
{
    struct gw_conn *conn = upgrade(p);
    struct gw_session *s = start_session(p, who, gw_conn_transport(conn), NULL);

    gw_hubs_join(p->all->options.hubs, &who->tenant, s);
    gw_conn_start(conn, &s->handler);
}

/* Its first message had the credential. */
static void admit_connected(struct pending *p, const struct gw_identity *who)
{
    struct gw_session *s = start_session(p, who, gw_conn_transport(p->first.conn),
                                         gw_first_message_take(&p->first));

    gw_first_message_admit(&p->first, &s->handler);
    gw_hubs_join(p->all->options.hubs, &who->tenant, s);
}

/* --- Authentication --------------------------------------------------------------------------
 */

/* One that is not at fault may come again. */
static void refuse_connected(struct pending *p, const char *code)
{
    p->all->refused.value++;
    if (strcmp(code, "DRAINING") == 0)
        gw_first_message_close(&p->first, gw_closes.going_away);
    else if (strcmp(code, "UNAVAILABLE") == 0 || strcmp(code, "RATE_LIMITED") == 0 ||
             strcmp(code, "TENANT_MOVING") == 0)
        gw_first_message_close(&p->first, gw_closes.cannot_check);
    else
        gw_first_message_refuse(&p->first, code,
                                strcmp(code, "TENANT_SUSPENDED") == 0
                                    ? gw_closes.tenant_suspended
                                    : gw_closes.bad_credential);
}

/* True when the pending handshake is over. */
static bool settle_connected(struct pending *p, const struct gw_authenticated *result)
{
    p->is_asking = false;
    if (p->first.conn == NULL) /* it has left meanwhile */
        return true;
    if (result->who != NULL && !p->all->is_closed) {
        admit_connected(p, result->who);
        return true;
    }
    refuse_connected(p, p->all->is_closed ? "DRAINING" : result->refusal);
    return false; /* on_left ends it */
}

static void settle(struct pending *p, const struct gw_authenticated *result)
{
    if (p->conn == NULL)
        tw_log_debug("ws.left", tw_str("dialect", p->dialect->name));
    else if (result->who == NULL)
        refuse_pending(p, result);
    else if (p->all->is_closed)
        refuse(p->all, p->conn, "DRAINING", p->request_id);
    else
        admit(p, result->who);
}

static void on_authenticated(struct gw_authentication *a, const struct gw_authenticated *result)
{
    struct pending *p = tw_container_of(a, struct pending, authentication);

    if (p->is_connected) {
        if (!settle_connected(p, result))
            return;
    } else {
        settle(p, result);
    }
    pending_free(p);
}

static void authenticate(struct pending *p, struct tw_slice credential)
{
    const char *restaurant = p->hello.restaurant;

    p->authentication = (struct gw_authentication){
        .all = p->all->options.authenticator,
        .answered = on_authenticated,
        .policy = p->dialect->policy,
        .scope = p->hello.scope,
        .request_id = p->request_id,
        .tenant = restaurant[0] != '\0' ? tw_slice_of(restaurant)
                                        : tw_slice_from(p->tenant.at, p->tenant.len - 1),
        .header = text_of(p->tenant_header),
        .address = text_of(p->address),
    };
    gw_authenticate(&p->authentication, credential);
}

static void on_gone(struct tw_http_waiter *w)
{
    tw_container_of(w, struct pending, waiter)->conn = NULL;
}

static void on_arrived(struct gw_first_message *f, struct tw_slice credential)
{
    struct pending *p = tw_container_of(f, struct pending, first);

    p->is_asking = true;
    p->hello.by_message = true;
    authenticate(p, credential);
}

static void on_left(struct gw_first_message *f)
{
    struct pending *p = tw_container_of(f, struct pending, first);

    if (!p->is_asking)
        pending_free(p);
}

static void await_first_message(struct pending *p)
{
    p->is_connected = true;
    p->all->strangers.value++;
    gw_first_message_await(&p->first,
                           &(struct gw_first_message_options){
                               .loop = p->all->options.loop,
                               .arrived = on_arrived,
                               .left = on_left,
                               .words = p->dialect->first_words,
                               .hello = &p->hello,
                           },
                           upgrade(p));
}

/* --- The request -----------------------------------------------------------------------------
 */

/* ?auth=message, or a dialect whose clients always do so. */
static bool says_later(const struct pending *p, const struct tw_http_request *req)
{
    struct tw_buf text = { .max = 32 };
    bool is_later =
        p->dialect->first_words != NULL ||
        ((p->dialect->policy & GW_TAKES_FIRST_MESSAGES) != 0 &&
         tw_http_query(req, "auth", &text) == 1 && tw_slice_is(tw_buf_view(&text), "message"));

    tw_buf_done(&text);
    return is_later;
}

/* ?device_id=, for a client in which only the address can be set; null like the header's. */
static char *device_in_address(const struct tw_http_request *req)
{
    struct tw_buf text = { .max = MAX_DEVICE };
    struct tw_slice name;
    char *device = NULL;

    if (tw_http_query(req, "device_id", &text) == 1 && !text.failed) {
        name = tw_buf_view(&text);
        if (name.len > 0 && tw_is_plain_line(name))
            device = tw_copy_text(name.at, name.len);
    }
    tw_buf_done(&text);
    return device;
}

/* Null, or the code of a refusal. */
static const char *read_names(struct pending *p, const struct tw_http_request *req)
{
    struct tw_slice header = tw_http_header(req, "x-tenant-id");

    p->device = tw_http_copy_line(req, "x-device-id", MAX_DEVICE);
    if (p->device == NULL)
        p->device = device_in_address(req);
    p->address = tw_http_copy_line(req, "x-forwarded-for", GW_ADDRESS_BYTES - 1);
    p->client = tw_http_copy_line(req, "user-agent", GW_CLIENT_BYTES - 1);
    p->tenant.max = 256;
    if (!tw_percent_decode(&p->tenant, p->hello.tenant, false))
        return "INVALID_TENANT";
    tw_buf_char(&p->tenant, '\0'); /* also a text for the log */
    if (header.len > MAX_HEADER || !tw_is_plain_line(header))
        return "INVALID_HEADER";
    if (header.len > 0)
        p->tenant_header = tw_copy_text(header.at, header.len);
    return NULL;
}

/* The head of an event stream (HTML Living Standard, section 9.2). No proxy may keep what is
 * sent for later. */
static void write_stream_head(struct pending *p, const struct tw_http_request *req)
{
    struct tw_http_response res = { .status = 200,
                                    .content_type = "text/event-stream",
                                    .is_endless = true };

    tw_http_add(&res, "Cache-Control", TW_LIT("no-store, no-transform"));
    tw_http_add(&res, "X-Accel-Buffering", TW_LIT("no"));
    tw_http_add(&res, "X-Request-Id", tw_slice_of(p->request_id));
    tw_cors_add(&res, p->all->options.origins, tw_http_header(req, "origin"));
    tw_http_write(&p->answer, &res, tw_wall_ms(), false, false);
}

static void begin(struct pending *p, const struct tw_http_request *req,
                  struct tw_slice path_key)
{
    struct tw_buf credential = { .max = TW_JWT_BYTES };
    const char *code = read_names(p, req);

    if (code == NULL)
        code = tw_credential_refusal(tw_credential_read(req, TW_CREDENTIAL_SOCKET, path_key,
                                                        p->all->options.origins, &credential));
    if (code == NULL && credential.len == 0 && says_later(p, req) &&
        p->all->strangers.value >= p->all->options.max_sessions / 10 + GW_STRANGERS)
        code = "OVERLOADED"; /* strangers do not take the place of tills */
    if (code != NULL) {
        refuse(p->all, p->conn, code, p->request_id);
        tw_buf_done(&credential);
        pending_free(p);
        return;
    }
    p->answer.max = 2048 + GW_MAX_SUBPROTOCOL;
    if (p->dialect->heartbeat != NULL)
        write_stream_head(p, req);
    else
        p->is_deflating = gw_upgrade_answer(req, tw_wall_ms(), &p->answer);
    if (credential.len == 0 && says_later(p, req)) {
        await_first_message(p);
    } else {
        p->waiter.gone = on_gone;
        tw_http_wait(p->conn, &p->waiter);
        tw_http_drop_request(p->conn);
        authenticate(p, tw_buf_view(&credential));
    }
    tw_buf_done(&credential);
}

void gw_handshakes_handle(struct gw_handshakes *all, struct tw_http_conn *conn,
                          struct tw_http_request *req)
{
    const struct gw_handshakes_options *o = &all->options;
    const struct gw_dialect *dialect;
    struct gw_hello hello;
    char request_id[TW_REQUEST_ID];
    struct tw_slice path_key;
    const char *code = NULL;
    struct pending *p;

    tw_request_id(req, request_id);
    path_key = tw_credential_cut(&req->path);
    req->path = tw_http_address(req->path);
    dialect = gw_dialect_of(o->dialects, req, &hello);
    if (dialect == NULL)
        code = "NOT_FOUND";
    if (code == NULL)
        code = dialect->heartbeat == NULL ? gw_upgrade_check(req)
               : req->method == TW_GET    ? NULL
                                          : "METHOD_NOT_ALLOWED";
    if (code == NULL && !tw_cors_admits(o->origins, req))
        code = "ORIGIN_NOT_ALLOWED";
    if (code == NULL)
        code = hello.refusal;
    if (code == NULL && all->is_closed)
        code = "DRAINING";
    if (code == NULL && o->conns->count >= o->max_sessions)
        code = "OVERLOADED";
    if (code == NULL && !gw_arrivals_take(o->arrivals, o->loop->now_ms))
        code = "OVERLOADED";
    if (code != NULL) {
        refuse(all, conn, code, request_id);
        return;
    }
    p = tw_new(struct pending);
    all->waiting.value++;
    p->all = all;
    p->conn = conn;
    p->dialect = dialect;
    p->hello = hello;
    memcpy(p->request_id, request_id, sizeof(p->request_id));
    begin(p, req, path_key);
}
