/* client.c - a client on Socket.IO connects (credential, then its record if it wants to be
 * recovered), is put into its restaurant's stream, and leaves. Each event that it is shown is
 * one EVENT of the main namespace whose last argument is its seq: the offset that an unmodified
 * client remembers and comes back with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/restaurant_os/client.h"

#include <stdlib.h>

#include "common/domain/credential.h"
#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/stream/early.h"
#include "gateway/stream/hubs.h"
#include "gateway/websocket/frame.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024) /* whatever an event has */

static struct gw_restaurant_os *all_of(struct gw_sio_socket *k)
{
    return tw_container_of(gw_sio_of(k), struct gw_restaurant_os, sio);
}

static struct gw_sio_client *client_of_transport(const struct gw_transport *t)
{
    return tw_container_of((uintptr_t)t, struct gw_sio_client, transport);
}

static struct gw_sio_client *client_of(const struct gw_screen *c)
{
    return tw_container_of((uintptr_t)c, struct gw_sio_client, screen);
}

static struct gw_sio_client *client_of_session(const struct gw_session *s)
{
    return client_of(gw_screen_of(s));
}

/* --- What it is told -------------------------------------------------------------------------
 */

static void say_status(struct gw_sio_client *c, const char *state, const char *more,
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
    gw_sio_emit(c->socket, tw_buf_view(&json));
    tw_buf_done(&json);
}

/* As a new client, in no room, at the head. */
static void start_new(struct gw_sio_client *c, uint64_t seq)
{
    c->screen.all->started_anew.value++;
    c->screen.has_joined = false;
    c->screen.stations = 0;
    c->turn = 0;
    gw_sio_new_sid(c->sid);
    gw_recovery_new_pid(c->pid);
    gw_sio_accept(c->socket, tw_slice_of(c->sid), tw_slice_of(c->pid));
    say_status(c, "connected", "", seq);
    gw_recovery_save(c);
}

static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct gw_sio_client *c = client_of_session(s);

    (void)oldest;
    if (c->socket->is_accepted) { /* it has moved to this restaurant */
        say_status(c, "connected", "", seq);
        gw_screen_joined(&c->screen);
    } else if (!s->resumes) {
        start_new(c, seq);
    } else if (gw_session_can_resume(s)) {
        c->screen.all->recovered.value++;
        gw_sio_accept(c->socket, tw_slice_of(c->sid), tw_slice_of(c->pid));
        say_status(c, "connected", "", s->since); /* it has not heard later events yet */
        if (c->screen.has_joined)
            gw_room_enter(&c->screen);
        gw_recovery_save(c);
    } /* else `resync` follows at once */
}

static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)oldest;
    start_new(client_of_session(s), seq);
}

/* --- Its words -------------------------------------------------------------------------------
 */

static void put(struct tw_buf *out, const char *event, struct tw_slice payload)
{
    tw_buf_text(out, "42[\"");
    tw_buf_text(out, event);
    tw_buf_text(out, "\",");
    tw_buf_append(out, payload);
    tw_buf_char(out, ']');
}

/* `42["order:created",{…},"41"]` */
static bool cut(const struct gw_frame *f, struct tw_slice *name, struct tw_slice *payload)
{
    struct tw_slice rest = tw_slice_skip(gw_frame_payload(f), 2);

    return tw_json_element(&rest, name) && tw_json_element(&rest, payload);
}

static void acknowledge(struct gw_screen *screen, struct tw_slice ack, struct tw_slice object)
{
    struct gw_sio_client *c = client_of(screen);
    struct tw_buf json = { .max = object.len + 16 };

    if (ack.len == 0 || c->socket == NULL)
        return;
    tw_buf_char(&json, '[');
    tw_buf_append(&json, object);
    tw_buf_char(&json, ']');
    gw_sio_ack(c->socket, ack, tw_buf_view(&json));
    tw_buf_done(&json);
}

static void changed(struct gw_screen *c)
{
    gw_recovery_save(client_of(c));
}

static const struct gw_framing framing = {
    .dialect = &gw_restaurant_os_dialect,
    .put = put,
    .cut = cut,
    .acknowledge = acknowledge,
    .changed = changed,
};

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    const char *name = gw_event_name(ev);

    if (name == NULL)
        return;
    tw_buf_text(&out, "42[\"");
    tw_buf_text(&out, name);
    tw_buf_text(&out, "\",");
    gw_event_put(&out, tenant, ev, false);
    tw_buf_text(&out, ",\"");
    tw_buf_u64(&out, ev->seq);
    tw_buf_text(&out, "\"]");
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* Its clients come through Engine.IO and speak Socket.IO, so it claims no handshake. */
const struct gw_dialect gw_restaurant_os_dialect = {
    .name = "restaurantos",
    .labels = "dialect=\"restaurantos\"",
    .policy = GW_TAKES_TOKENS,
    .greet = greet,
    .resync = resync,
    .audience = gw_screen_audience,
    .hears = gw_screen_hears,
    .sent = gw_room_sent,
    .render = render,
};

/* --- The session's transport -----------------------------------------------------------------
 */

static bool transport_is_writable(const struct gw_transport *t)
{
    const struct gw_sio_client *c = client_of_transport(t);

    return c->socket != NULL && gw_sio_is_writable(c->socket);
}

static void transport_send(struct gw_transport *t, struct gw_frame *f)
{
    const struct gw_sio_client *c = client_of_transport(t);

    if (c->socket != NULL)
        gw_sio_send(c->socket, f);
}

/* When its key is no longer valid, the client must not come back by itself, as it does after
 * any other close. */
static void transport_close(struct gw_transport *t, unsigned code, const char *reason)
{
    struct gw_sio_client *c = client_of_transport(t);

    if (c->socket == NULL)
        return;
    if (code == GW_CLOSE_POLICY && c->socket->is_accepted) {
        say_status(c, "disconnected",
                   reason == gw_closes.tenant_suspended.reason
                       ? ",\"reason\":\"TENANT_SUSPENDED\""
                       : ",\"reason\":\"AUTH_FAILED\"",
                   0);
        gw_sio_expel(c->socket, (struct gw_close){ code, reason });
    } else {
        gw_sio_close(c->socket, (struct gw_close){ code, reason });
    }
}

static const struct gw_transport_ops transport_ops = { .is_writable = transport_is_writable,
                                                       .send = transport_send,
                                                       .close = transport_close };

/* --- Coming in -------------------------------------------------------------------------------
 */

/* `message`: null for the code's own. */
static void refuse(struct gw_sio_client *c, const char *code, const char *message)
{
    struct tw_buf json = { .max = 1024 };

    c->screen.all->refused.value++;
    if (strcmp(code, "UNAVAILABLE") == 0 || strcmp(code, "TENANT_MOVING") == 0) {
        /* A CONNECT_ERROR would end it for good; after a close it tries again. */
        gw_sio_close(c->socket, gw_closes.cannot_check);
        return;
    }
    tw_buf_char(&json, '{');
    tw_json_member(&json, "message", TW_LIT("Authentication error"));
    tw_json_member_raw(&json, "data", TW_LIT("{"));
    tw_json_member(&json, "code", tw_slice_of(code));
    tw_json_member(&json, "message",
                   tw_slice_of(message != NULL ? message : tw_refusal_of(code)->message));
    tw_buf_text(&json, "}}");
    gw_sio_refuse(c->socket, tw_buf_view(&json));
    tw_buf_done(&json);
}

void gw_client_open_session(struct gw_sio_client *c)
{
    struct gw_screen *screen = &c->screen;

    c->is_admitted = true;
    gw_session_start(&screen->session, screen->all->options.sessions,
                     &(struct gw_session_options){
                         .dialect = &gw_restaurant_os_dialect,
                         .transport = &c->transport,
                         .who = &screen->identity,
                         .device = c->device != NULL ? tw_slice_of(c->device) : TW_EMPTY,
                         .resumes = c->wants_recovery,
                         .since = c->offset,
                         .early = gw_early_with_origin(NULL, gw_sio_address(c->socket),
                                                       gw_sio_program(c->socket)),
                     });
    c->wants_recovery = false;
    free(c->device);
    c->device = NULL;
    gw_hubs_join(screen->all->options.hubs, &screen->identity.tenant, &screen->session);
}

/* As a page fills it in when it has none, it is no name. */
static bool is_name(struct tw_slice text)
{
    return text.len > 0 && text.len < GW_DEVICE_NAME && tw_is_plain_line(text) &&
           !tw_slice_is(text, "undefined") && !tw_slice_is(text, "null");
}

static void take_name(struct gw_sio_client *c, struct tw_slice name)
{
    if (c->device == NULL && is_name(name))
        c->device = tw_copy_text(name.at, name.len);
}

static void take_names(struct gw_sio_client *c, const struct gw_identity *who)
{
    const char *given = gw_sio_device(c->socket);

    take_name(c, who->device);
    take_name(c, given != NULL ? tw_slice_of(given) : TW_EMPTY);
    take_name(c, who->own_device);
}

/* auth.deviceId: what it calls itself on each connection. */
static void read_name(struct gw_sio_client *c, struct tw_slice auth)
{
    static const char *const names[] = { "deviceId", "device_id" };

    for (size_t i = 0; i < TW_COUNT(names); i++) {
        struct tw_buf text = { .max = GW_DEVICE_NAME };
        struct tw_slice raw;

        if (tw_json_get(auth, names[i], &raw) && tw_json_string(&text, raw) && !text.failed)
            take_name(c, tw_buf_view(&text));
        tw_buf_done(&text);
    }
}

static void on_authenticated(struct gw_authentication *a, const struct gw_authenticated *result)
{
    struct gw_sio_client *c = tw_container_of(a, struct gw_sio_client, authentication);

    if (c->socket != NULL && result->who == NULL) {
        refuse(c, result->refusal, NULL);
    } else if (c->socket != NULL) {
        take_names(c, result->who);
        gw_screen_identify(&c->screen, result->who);
        gw_recovery_admit(c);
    }
    gw_client_release(c);
}

static void authenticate(struct gw_sio_client *c, struct tw_slice credential)
{
    c->busy++;
    c->authentication = (struct gw_authentication){
        .all = c->screen.all->options.authenticator,
        .answered = on_authenticated,
        .policy = gw_restaurant_os_dialect.policy,
        .scope = "pos",
        .request_id = "socket",
    };
    gw_authenticate(&c->authentication, credential);
}

/* auth.token, which may be written as in a header, or auth.ticket; without them, what the
 * connection's first request had. */
static struct tw_slice find_credential(struct gw_sio_socket *k, struct tw_slice auth,
                                       struct tw_buf *text)
{
    static const char *const names[] = { "token", "ticket" };
    struct tw_slice raw = TW_EMPTY;

    for (size_t i = 0; i < TW_COUNT(names) && raw.len == 0; i++)
        if (!tw_json_get(auth, names[i], &raw) || tw_slice_is(raw, "null") ||
            tw_slice_is(raw, "\"\""))
            raw = TW_EMPTY;
    if (raw.len == 0)
        return gw_sio_credential(k);
    return tw_json_string(text, raw) && !text->failed ? tw_credential_bare(tw_buf_view(text))
                                                      : TW_EMPTY;
}

static void on_connect(struct gw_sio_socket *k, struct tw_slice auth)
{
    struct gw_sio_client *c = tw_new(struct gw_sio_client);
    struct tw_buf text = { .max = TW_JWT_BYTES };
    struct tw_slice credential;

    gw_screen_init(&c->screen, all_of(k), &framing);
    c->socket = k;
    c->transport.ops = &transport_ops;
    k->client = c;
    credential = find_credential(k, auth, &text);
    if (credential.len == 0) {
        refuse(
            c, "AUTH_FAILED",
            "There is no token, or it is no text. Connect with io(url, { auth: { token } }); "
            "an Authorization: Bearer header and ?token= are read too.");
    } else {
        gw_recovery_read_auth(c, auth);
        read_name(c, auth);
        authenticate(c, credential);
    }
    tw_buf_done(&text);
}

/* --- Leaving ---------------------------------------------------------------------------------
 */

static void client_free(struct gw_sio_client *c)
{
    tw_after_cancel(c->screen.all->options.loop, &c->refresh);
    gw_authentication_done(&c->authentication);
    gw_screen_done(&c->screen);
    free(c->device);
    free(c);
}

void gw_client_release(struct gw_sio_client *c)
{
    TW_ASSERT(c->busy > 0);
    c->busy--;
    if (c->busy == 0 && c->socket == NULL)
        client_free(c);
}

static void on_left(struct gw_sio_socket *k, bool is_left, unsigned code, const char *reason)
{
    struct gw_sio_client *c = k->client;

    if (k->is_accepted && (is_left || code == GW_CLOSE_POLICY))
        gw_recovery_forget(c);
    else
        gw_recovery_save(c);
    tw_after_cancel(c->screen.all->options.loop, &c->refresh);
    gw_room_leave(&c->screen);
    gw_session_end(&c->screen.session, code, reason);
    c->is_admitted = false;
    c->socket = NULL;
    gw_screen_leave(&c->screen);
    if (c->busy == 0)
        client_free(c);
}

static void on_farewell(struct gw_sio_socket *k)
{
    if (k->client->is_admitted)
        say_status(k->client, "reconnecting", ",\"nextRetry\":1000", 0);
}

static void on_writable(struct gw_sio_socket *k, uint64_t now_ms)
{
    if (k->client->is_admitted)
        gw_session_writable(&k->client->screen.session, now_ms);
}

static void on_event(struct gw_sio_socket *k, const struct gw_sio_packet *p,
                     const struct tw_buf *attachments)
{
    struct tw_slice rest = gw_sio_args(p);
    struct gw_request request = { .ack = p->ack };

    (void)attachments; /* no event of these has any use for them */
    (void)gw_sio_arg(&rest, &request.payload);
    (void)tw_json_plain(p->name, &request.name);
    gw_screen_request(&k->client->screen, &request);
}

static const char *const namespaces[] = { "/", NULL };
static const struct gw_sio_app app = { namespaces,  on_connect,  on_event,
                                       on_writable, on_farewell, on_left };

#define AT(field) TW_METRIC_AT(struct gw_restaurant_os, field)

static const struct tw_metric_row metric_rows[] = {
    { "sio_connects_total", "how=\"recovered\"",
      "Restaurant OS clients that asked to connect: their earlier session recovered, a new one "
      "begun, or refused.",
      AT(recovered) },
    { "sio_connects_total", "how=\"new\"", NULL, AT(started_anew) },
    { "sio_connects_total", "how=\"refused\"", NULL, AT(refused) },
    { "sio_requests_total", "result=\"taken\"",
      "Requests of Restaurant OS clients: taken, or refused because the client asked too "
      "often.",
      AT(requests) },
    { "sio_requests_total", "result=\"limited\"", NULL, AT(limited) },
};

const struct tw_metric_table gw_restaurant_os_metrics = { .rows = metric_rows,
                                                          .count = TW_COUNT(metric_rows) };

void gw_restaurant_os_start(struct gw_restaurant_os *all,
                            const struct gw_restaurant_os_options *options)
{
    all->options = *options;
    gw_sio_start(&all->sio, &(struct gw_sio_options){ .app = &app,
                                                      .connect_ms = options->connect_ms,
                                                      .engine = options->engine });
}

void gw_restaurant_os_done(struct gw_restaurant_os *all)
{
    gw_eio_done(&all->sio.engine);
    tw_map_done(&all->rooms);
}
