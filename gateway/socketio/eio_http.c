/* eio_http.c - Engine.IO's requests: their checks, and what each of them is.
 *
 *     GET without sid   a new socket, answered with the open packet
 *     GET with sid      held until there is something to send (eio_poll.c)
 *     POST with sid     packets from the client, in order
 *     with Upgrade      a WebSocket, of a new socket or of one that polls (eio_ws.c)
 *
 * Section 2.4 of docs/protocols/socketio.md orders the checks and numbers the errors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/cors.h"
#include "common/util/base.h"
#include "common/util/json_write.h"
#include "common/util/map.h"
#include "gateway/socketio/eio_socket.h"
#include "gateway/websocket/arrivals.h"
#include "gateway/websocket/upgrade.h"

/* A request while it is looked at. */
struct visit {
    struct gw_eio *engine;
    struct tw_http_conn *conn;
    struct tw_http_request *req;
    struct tw_buf origin; /* a copy: it is needed when the request is gone */
    bool wants_upgrade;
};

enum { TRANSPORT_UNKNOWN, SID_UNKNOWN, BAD_METHOD, BAD_REQUEST, FORBIDDEN, BAD_VERSION };

static const char *const fault_texts[] = {
    "Transport unknown", "Session ID unknown", "Bad handshake method",
    "Bad request",       "Forbidden",          "Unsupported protocol version"
};

bool gw_eio_claims(const struct gw_eio *e, const struct tw_http_request *req)
{
    return tw_slice_starts(req->path, e->options.path) &&
           (req->path.len == e->options.path.len || req->path.at[e->options.path.len] == '/');
}

/* Section 2.7: CORS on errors too. */
static void answer(const struct visit *v, int status, const char *type, struct tw_slice body)
{
    struct tw_http_response res = {
        .status = status, .content_type = type, .body = body, .closes = v->wants_upgrade
    };

    tw_http_add(&res, "Cache-Control", TW_LIT("no-store"));
    if (status == 503)
        tw_http_add(&res, "Retry-After", tw_slice_of(gw_arrivals_pause()));
    tw_cors_add(&res, v->engine->options.origins, tw_buf_view(&v->origin));
    tw_http_answer(v->conn, &res);
}

static void refuse(const struct visit *v, unsigned fault)
{
    struct tw_buf body = { .max = 256 };

    v->engine->refused.value++;
    if (v->wants_upgrade) {
        answer(v, fault == FORBIDDEN ? 403 : 400, "text/plain",
               tw_slice_of(fault_texts[fault]));
        return;
    }
    tw_buf_text(&body, "{\"code\":");
    tw_buf_u64(&body, fault);
    tw_json_member(&body, "message", tw_slice_of(fault_texts[fault]));
    tw_buf_char(&body, '}');
    answer(v, fault == FORBIDDEN ? 403 : 400, "application/json", tw_buf_view(&body));
    tw_buf_done(&body);
}

static void refuse_plainly(const struct visit *v, int status)
{
    v->engine->refused.value++;
    answer(v, status, "text/plain", TW_EMPTY);
}

/* A new socket; null, and answered, when there can be none. */
static struct gw_eio_socket *open_socket(const struct visit *v)
{
    struct gw_eio *e = v->engine;
    struct gw_eio_socket *s = NULL;

    if (!e->is_closed && gw_arrivals_take(e->options.arrivals, e->options.loop->now_ms))
        s = gw_eio_socket_new(e, v->req);
    if (s == NULL)
        refuse_plainly(v, 503);
    return s;
}

/* A preflight says what may be sent; the request itself is checked when it comes. */
static void answer_preflight(const struct visit *v)
{
    struct tw_http_response res = { .status = 204 };
    struct tw_slice headers = tw_http_header(v->req, "access-control-request-headers");

    tw_cors_add(&res, v->engine->options.origins, tw_buf_view(&v->origin));
    tw_cors_add_preflight(&res, TW_LIT("GET, POST, OPTIONS"), headers);
    tw_http_answer(v->conn, &res);
}

static void open_polling(const struct visit *v)
{
    struct gw_eio *e = v->engine;
    struct gw_eio_socket *s = open_socket(v);
    struct tw_buf body = { .max = 512 };

    if (s == NULL)
        return;
    gw_eio_put_open(&body, tw_slice_of(s->sid), true, e->options.interval_ms,
                    e->options.timeout_ms, e->options.max_payload);
    answer(v, 200, "text/plain; charset=UTF-8", tw_buf_view(&body));
    tw_buf_done(&body);
    gw_eio_socket_begin(s, &gw_eio_polling);
}

/* Clients give each request another `t`, so one that comes again was sent again by nginx or a
 * browser, when the connection broke on which its answer was on its way. What that said is
 * lost. */
static bool is_repeated(const struct visit *v, struct gw_eio_socket *s)
{
    struct tw_buf t = { .max = 64 };
    uint64_t mark = 0;
    bool repeated;

    if (tw_http_query(v->req, "t", &t) != 0 && t.len > 0)
        mark = tw_hash(tw_buf_view(&t)) | 1;
    tw_buf_done(&t);
    repeated = mark != 0 && mark == s->poll.mark && s->poll.conn == NULL;
    s->poll.mark = mark;
    return repeated;
}

static void hold(const struct visit *v, struct gw_eio_socket *s)
{
    if (is_repeated(v, s)) {
        gw_eio_close(s, gw_closes.poll_cut); /* it connects anew, and is told what it missed */
        refuse(v, SID_UNKNOWN);
        return;
    }
    if (!gw_eio_poll_hold(s, v->conn, tw_buf_view(&v->origin)))
        refuse_plainly(v, 400);
}

/* Packets in order; the first invalid one ends the socket, and so does an empty body. */
static void take_body(const struct visit *v, struct gw_eio_socket *s)
{
    struct tw_slice rest = v->req->body.len > 0 ? v->req->body : TW_LIT("");
    struct tw_buf scratch = { .max = s->engine->options.max_payload };
    struct gw_eio_packet p;
    int r;

    while ((r = gw_eio_next(&rest, &scratch, &p)) == 1)
        if (!gw_eio_socket_take(s, &p))
            break;
    tw_buf_done(&scratch);
    if (r < 0) {
        s->engine->broken.value++;
        gw_eio_close(s, gw_closes.broke_eio);
    }
    if (r != 0)
        refuse_plainly(v, 400);
    else
        answer(v, 200, "text/html", TW_LIT("ok"));
}

static void take_post(const struct visit *v, struct gw_eio_socket *s)
{
    struct tw_slice type = tw_http_header(v->req, "content-type");

    if (tw_slice_starts(type, TW_LIT("application/octet-stream"))) { /* version 3's binary */
        gw_eio_close(s, gw_closes.broke_eio);
        refuse_plainly(v, 400);
    } else if (v->req->body.len > s->engine->options.max_payload) {
        refuse_plainly(v, 413);
    } else {
        take_body(v, s);
    }
}

static void handle_known(const struct visit *v, struct gw_eio_socket *s)
{
    if (v->wants_upgrade)
        gw_eio_ws_open(v->engine, s, v->conn, v->req);
    else if (s->state == GW_EIO_WEBSOCKET)
        refuse(v, BAD_REQUEST);
    else if (v->req->method == TW_GET)
        hold(v, s);
    else if (v->req->method == TW_POST)
        take_post(v, s);
    else
        refuse_plainly(v, 405);
}

static void handle_new(const struct visit *v, struct tw_slice version)
{
    struct gw_eio_socket *s;

    if (v->req->method != TW_GET) {
        refuse(v, BAD_METHOD);
    } else if (!tw_slice_is(version, "4")) {
        refuse(v, BAD_VERSION);
    } else if (!v->wants_upgrade) {
        open_polling(v);
    } else {
        s = open_socket(v);
        if (s != NULL)
            gw_eio_ws_open(v->engine, s, v->conn, v->req);
    }
}

/* One that is parting may still be polled. */
static bool is_known(const struct gw_eio_socket *s, bool wants_upgrade)
{
    return s != NULL && (!gw_eio_is_over(s) || (s->state == GW_EIO_PARTING && !wants_upgrade));
}

/* The checks in their order; the sid is looked up between them. */
static void handle(struct visit *v)
{
    struct tw_buf transport = { .max = 64 }, sid = { .max = 256 }, version = { .max = 64 };
    struct gw_eio_socket *s = NULL;
    bool is_polling, has_sid, wants_upgrade = v->wants_upgrade;

    (void)tw_http_query(v->req, "transport", &transport);
    (void)tw_http_query(v->req, "EIO", &version);
    has_sid = tw_http_query(v->req, "sid", &sid) != 0;
    is_polling = tw_slice_is(tw_buf_view(&transport), "polling");
    if (has_sid)
        s = tw_map_get(&v->engine->by_sid, tw_buf_view(&sid));
    if (v->req->method == TW_OPTIONS)
        answer_preflight(v);
    else if (!is_polling && !tw_slice_is(tw_buf_view(&transport), "websocket"))
        refuse(v, TRANSPORT_UNKNOWN);
    else if (!tw_cors_admits(v->engine->options.origins, v->req))
        refuse(v, FORBIDDEN);
    else if (has_sid && !is_known(s, wants_upgrade))
        refuse(v, SID_UNKNOWN);
    else if (is_polling == wants_upgrade || (wants_upgrade && gw_upgrade_check(v->req) != NULL))
        refuse(v, v->req->method == TW_GET || has_sid ? BAD_REQUEST : BAD_METHOD);
    else if (has_sid)
        handle_known(v, s);
    else
        handle_new(v, tw_buf_view(&version));
    tw_buf_done(&transport);
    tw_buf_done(&sid);
    tw_buf_done(&version);
}

void gw_eio_handle(struct gw_eio *e, struct tw_http_conn *conn, struct tw_http_request *req)
{
    struct visit v = {
        .engine = e, .conn = conn, .req = req, .origin = { .max = TW_CORS_ORIGIN }
    };

    v.wants_upgrade = gw_upgrade_is_asked(req);
    tw_buf_append(&v.origin, tw_http_header(req, "origin"));
    if (v.origin.failed)
        refuse(&v, BAD_REQUEST);
    else
        handle(&v);
    tw_buf_done(&v.origin);
}
