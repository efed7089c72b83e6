/* client.c - a client connects (credential, then its record if it wants to be recovered), is
 * put into its restaurant's stream, and leaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/restaurant_os/client.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/stream/hubs.h"

#define MAX_COMMANDS 65 /* that one client may have waiting, and one under way */

static struct gw_restaurant_os *all_of(struct gw_sio_socket *k)
{
    return tw_container_of(gw_sio_of(k), struct gw_restaurant_os, sio);
}

static struct gw_sio_client *client_of_transport(const struct gw_transport *t)
{
    return tw_container_of((uintptr_t)t, struct gw_sio_client, transport);
}

struct gw_sio_client *gw_client_of(const struct gw_session *s)
{
    return tw_container_of((uintptr_t)s, struct gw_sio_client, session);
}

unsigned gw_station_of(struct tw_slice name)
{
    static const struct {
        const char *name;
        enum gw_station bit;
    } stations[] = {
        { "kitchen", GW_KITCHEN }, { "expo", GW_EXPO }, { "bar", GW_BAR }, { "pos", GW_POS }
    };

    for (size_t i = 0; i < TW_COUNT(stations); i++)
        if (tw_slice_is(name, stations[i].name))
            return stations[i].bit;
    return 0;
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
    c->all->started_anew.value++;
    c->has_joined = false;
    c->stations = 0;
    c->turn = 0;
    gw_sio_new_sid(c->sid);
    gw_recovery_new_pid(c->pid);
    gw_sio_accept(c->socket, tw_slice_of(c->sid), tw_slice_of(c->pid));
    say_status(c, "connected", "", seq);
    gw_recovery_save(c);
}

void gw_client_greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct gw_sio_client *c = gw_client_of(s);

    (void)oldest;
    if (c->socket->is_accepted) { /* it has moved to this restaurant */
        say_status(c, "connected", "", seq);
        gw_client_joined(c);
    } else if (!s->resumes) {
        start_new(c, seq);
    } else if (gw_session_can_resume(s)) {
        c->all->recovered.value++;
        gw_sio_accept(c->socket, tw_slice_of(c->sid), tw_slice_of(c->pid));
        say_status(c, "connected", "", s->since); /* it has not heard later events yet */
        if (c->has_joined)
            gw_room_enter(c);
        gw_recovery_save(c);
    } /* else gw_client_resync follows at once */
}

void gw_client_resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)oldest;
    start_new(gw_client_of(s), seq);
}

bool gw_client_hears(const struct gw_session *s, struct tw_slice station)
{
    const struct gw_sio_client *c = gw_client_of(s);
    unsigned bit = gw_station_of(station);

    return c->has_joined && (bit == 0 || (c->stations & bit) != 0);
}

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
        say_status(c, "disconnected", ",\"reason\":\"AUTH_FAILED\"", 0);
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

static void refuse(struct gw_sio_client *c, const char *code)
{
    struct tw_buf json = { .max = 1024 };

    c->all->refused.value++;
    if (strcmp(code, "UNAVAILABLE") == 0) {
        /* A CONNECT_ERROR would end it for good; after a close it tries again. */
        gw_sio_close(c->socket, gw_closes.cannot_check);
        return;
    }
    tw_buf_char(&json, '{');
    tw_json_member(&json, "message", TW_LIT("Authentication error"));
    tw_json_member_raw(&json, "data", TW_LIT("{"));
    tw_json_member(&json, "code", tw_slice_of(code));
    tw_json_member(&json, "message", tw_slice_of(tw_refusal_of(code)->message));
    tw_buf_text(&json, "}}");
    gw_sio_refuse(c->socket, tw_buf_view(&json));
    tw_buf_done(&json);
}

void gw_client_open_session(struct gw_sio_client *c)
{
    c->is_admitted = true;
    gw_session_start(&c->session, c->all->options.sessions,
                     &(struct gw_session_options){
                         .dialect = &gw_restaurant_os_dialect,
                         .transport = &c->transport,
                         .who = &c->identity,
                         .device = tw_slice_of(c->sid),
                         .resumes = c->wants_recovery,
                         .since = c->offset,
                     });
    c->wants_recovery = false;
    gw_hubs_join(c->all->options.hubs, &c->identity.tenant, &c->session);
}

static void take_identity(struct gw_sio_client *c, const struct gw_identity *who)
{
    gw_principal_copy(&c->principal, who->principal);
    c->identity = *who;
    c->identity.principal = &c->principal;
}

static void on_authenticated(struct gw_authentication *a, const struct gw_authenticated *result)
{
    struct gw_sio_client *c = tw_container_of(a, struct gw_sio_client, authentication);

    if (c->socket != NULL && result->who == NULL) {
        refuse(c, result->refusal);
    } else if (c->socket != NULL) {
        take_identity(c, result->who);
        gw_recovery_admit(c);
    }
    gw_client_release(c);
}

void gw_client_move(struct gw_sio_client *c, const struct gw_identity *who)
{
    gw_room_leave(c);
    gw_session_end(&c->session, 0, "joined another restaurant");
    take_identity(c, who);
    c->stations = 0;
    c->has_joined = true;
    gw_client_open_session(c);
    gw_room_enter(c);
    gw_recovery_save(c);
}

static void authenticate(struct gw_sio_client *c, struct tw_slice credential)
{
    c->busy++;
    if (gw_is_token(gw_restaurant_os_dialect.policy, credential)) {
        c->token.max = TW_JWT_BYTES;
        tw_buf_append(&c->token, credential);
    }
    c->authentication = (struct gw_authentication){
        .all = c->all->options.authenticator,
        .answered = on_authenticated,
        .policy = gw_restaurant_os_dialect.policy,
        .scope = "pos",
        .request_id = "socket",
    };
    gw_authenticate(&c->authentication, credential);
}

static void on_connect(struct gw_sio_socket *k, struct tw_slice auth)
{
    struct gw_sio_client *c = tw_new(struct gw_sio_client);
    struct tw_buf credential = { .max = TW_JWT_BYTES };
    struct tw_slice raw;

    c->all = all_of(k);
    c->socket = k;
    c->transport.ops = &transport_ops;
    k->client = c;
    gw_commands_init(&c->commands, c->all->options.operations, MAX_COMMANDS);
    if (!tw_json_get(auth, "token", &raw) || !tw_json_string(&credential, raw) ||
        credential.failed || credential.len == 0) {
        refuse(c, "AUTH_FAILED");
    } else {
        gw_recovery_read_auth(c, auth);
        authenticate(c, tw_buf_view(&credential));
    }
    tw_buf_done(&credential);
}

/* --- Leaving ---------------------------------------------------------------------------------
 */

static void client_free(struct gw_sio_client *c)
{
    tw_after_cancel(c->all->options.loop, &c->refresh);
    gw_authentication_done(&c->authentication);
    gw_principal_done(&c->principal);
    tw_buf_done(&c->token);
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
    tw_after_cancel(c->all->options.loop, &c->refresh);
    gw_room_leave(c);
    gw_session_end(&c->session, code, reason);
    c->is_admitted = false;
    c->socket = NULL;
    gw_commands_leave(&c->commands);
    gw_client_joined(c);
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
        gw_session_writable(&k->client->session, now_ms);
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
