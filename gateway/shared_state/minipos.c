/* minipos.c - what MiniPOS tablets say, and what they are answered: docs/protocols/minipos.md.
 *
 * Every message has a `clientId`: the originator's for what others have changed, "server" for
 * ours; without one the public client throws. It drops messages with its own, so an answer
 * never carries it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos.h"
#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/device.h"
#include "gateway/shared_state/minipos_lists.h"
#include "gateway/shared_state/minipos_staff.h"
#include "gateway/shared_state/relay.h"
#include "gateway/stream/session.h"

#define REFUSAL_BYTES ((size_t)1024 * 1024) /* the current row may be in it */

/* --- What we send ----------------------------------------------------------------------------
 */

static void send_message(struct gw_session *s, const char *type, struct tw_slice data)
{
    struct tw_buf out = { .max = data.len + 512 };

    gw_minipos_open(&out, type);
    tw_buf_append(&out, data);
    gw_minipos_close(&out, TW_LIT("server"), 0);
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf data = { .max = 1024 };

    tw_buf_char(&data, '{');
    tw_json_member(&data, "code", tw_slice_of(code));
    tw_json_member(&data, "message", tw_slice_of(message));
    tw_refusal_help(&data, tw_slice_of(code));
    tw_buf_char(&data, '}');
    send_message(s, "ERROR", tw_buf_view(&data));
    tw_buf_done(&data);
}

/* A refused outcome, and which message it was for. */
static void send_refusal(struct gw_session *s, const struct tw_outcome *outcome,
                         struct tw_slice note)
{
    struct tw_buf data = { .max = REFUSAL_BYTES };

    tw_buf_char(&data, '{');
    gw_device_put_refusal(&data, outcome);
    if (note.len > 0)
        tw_json_member(&data, "request", note);
    tw_buf_char(&data, '}');
    send_message(s, "ERROR", tw_buf_view(&data));
    tw_buf_done(&data);
}

static void refused(struct gw_session *s, const struct tw_outcome *outcome)
{
    send_refusal(s, outcome, TW_LIT("SYNC_REQUEST"));
}

static const struct gw_snapshot_kind state_kind = { .operation = "minipos_state",
                                                    .render = gw_minipos_render_state,
                                                    .refused = refused,
                                                    .keeps_trying = true };

/* --- What tablets say ------------------------------------------------------------------------
 */

/* A message, its parts raw. */
struct message {
    struct tw_slice whole, type, data, client;
};

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *d = gw_device_of_commands(q);

    if (outcome->refusal == NULL && outcome->status < 300)
        return;
    send_refusal(&d->session, outcome, tw_buf_view(&c->note));
    /* One that names versions knows what to do; and orders are merged, not replaced. */
    if (outcome->status != 409 && !tw_slice_is(tw_buf_view(&c->note), "UPDATE_ORDER"))
        gw_device_hold(d);
}

static void change(struct gw_session *s, const struct message *m, const char *kind,
                   const char *action, struct tw_slice data, const char *id_member)
{
    struct tw_buf body = { .max = data.len + 1024 };
    struct tw_slice raw;

    tw_buf_text(&body, "{\"dialect\":\"minipos\",\"changes\":[{");
    tw_json_member(&body, "kind", tw_slice_of(kind));
    tw_json_member(&body, "action", tw_slice_of(action));
    if (id_member != NULL && tw_json_get(data, id_member, &raw) && raw.len > 0)
        gw_shape_text(&body, "id", raw);
    if (tw_json_get(m->whole, "version", &raw))
        tw_json_member_raw(&body, "version", raw);
    tw_json_member_raw(&body, "data", data);
    tw_buf_text(&body, "}]}");
    if (body.failed ||
        !gw_device_change(gw_device_of(s), tw_buf_view(&body), m->type, on_changed))
        send_error(s, "RATE_LIMIT", "Too many changes wait; send this one again in a moment.");
    tw_buf_done(&body);
}

static void on_connected(struct gw_session *s, const struct message *m)
{
    struct tw_slice text = m->client;

    (void)tw_json_get_text(m->data, "clientId", &text);
    if (gw_session_name(s, text))
        gw_device_named(gw_device_of(s));
}

static void on_disconnected(struct gw_session *s, const struct message *m)
{
    (void)s; /* presence ends with the socket, which may stay open */
    (void)m;
}

/* An answer is never answered, or the two would continue forever. */
static void on_heartbeat(struct gw_session *s, const struct message *m)
{
    struct tw_slice raw;

    if (!tw_json_get(m->data, "response", &raw) || !tw_slice_is(raw, "true"))
        send_message(s, "HEARTBEAT", TW_LIT("{\"response\":true}"));
}

/* A tablet that shows what we have refused keeps its lists. */
static void want_state(struct gw_session *s)
{
    struct gw_device *d = gw_device_of(s);

    if (d->is_held)
        gw_device_want_snapshot(d, &gw_minipos_list, gw_minipos_list_body(GW_ORDERS_LIST));
    else
        gw_device_want_snapshot(d, &state_kind, "");
}

/* A tablet says this on each connection, behind the changes that it has queued. For its staff
 * it asks only when it is loaded, so what others have changed while it was away is said here.
 */
static void on_sync(struct gw_session *s, const struct message *m)
{
    (void)m;
    want_state(s);
    gw_minipos_staff_show(s);
}

static const struct action {
    const char *type, *action, *kind, *as, *id;
} actions[] = {
    { "UPDATE_TABLE", "add", "tables", "created", "id" },
    { "UPDATE_TABLE", "update", "tables", "updated", "id" },
    { "UPDATE_TABLE", "delete", "tables", "deleted", "id" },
    { "UPDATE_MENU", "add_item", "menu_items", "created", "id" },
    { "UPDATE_MENU", "update_item", "menu_items", "updated", "id" },
    { "UPDATE_MENU", "delete_item", "menu_items", "deleted", "id" },
    { "UPDATE_MENU", "add_category", "categories", "created", "name" },
    { "UPDATE_MENU", "delete_category", "categories", "deleted", "name" },
    { "UPDATE_ORDER", "add", "orders", "upsert", "id" },
    { "UPDATE_ORDER", "clear", "orders", "clear", NULL },
};

static void on_update(struct gw_session *s, const struct message *m)
{
    struct tw_slice action = { NULL, 0 }, data = TW_LIT("{}");

    (void)tw_json_get_text(m->data, "action", &action);
    (void)tw_json_get(m->data, "data", &data);
    for (size_t i = 0; i < TW_COUNT(actions); i++)
        if (tw_slice_is(m->type, actions[i].type) && tw_slice_is(action, actions[i].action)) {
            if (data.len == 0 || data.at[0] != '{')
                break;
            change(s, m, actions[i].kind, actions[i].as, data, actions[i].id);
            return;
        }
    send_error(s, "VALIDATION_ERROR",
               "This update has no action that is known, or no object as its data.");
}

static void on_settings(struct gw_session *s, const struct message *m)
{
    if (m->data.len > 0 && m->data.at[0] == '{')
        change(s, m, "settings", "updated", m->data, NULL);
    else
        send_error(s, "VALIDATION_ERROR", "The settings must be an object.");
}

static bool may_relay(struct gw_session *s, const struct message *m)
{
    const char *code = gw_device_relay_refusal(s, m->whole);

    if (code != NULL)
        send_error(s, code, GW_RELAY_REFUSED);
    return code == NULL;
}

/* Passed on to the other tablets as it came, neither stored nor logged. */
static void on_session(struct gw_session *s, const struct message *m)
{
    if (may_relay(s, m))
        gw_device_relay(s, m->whole);
}

static void on_staff(struct gw_session *s, const struct message *m)
{
    if (may_relay(s, m) && !gw_minipos_staff(s, m->type, m->data, m->whole))
        gw_device_relay(s, m->whole);
}

static const struct {
    const char *type;
    void (*act)(struct gw_session *s, const struct message *m);
} messages[] = {
    { "CLIENT_CONNECTED", on_connected },
    { "CLIENT_DISCONNECTED", on_disconnected },
    { "HEARTBEAT", on_heartbeat },
    { "SYNC_REQUEST", on_sync },
    { "UPDATE_TABLE", on_update },
    { "UPDATE_MENU", on_update },
    { "UPDATE_ORDER", on_update },
    { "UPDATE_SETTINGS", on_settings },
    { "SESSION_UPDATE", on_session },
    { "USER_LOGIN", on_session },
    { "USER_LOGOUT", on_session },
    { "UPDATE_USERS", on_staff },
    { "TERMINATE_SESSION", on_session },
    { "FORCE_LOGOUT", on_session },
    { "REFRESH_SESSIONS", on_session },
    { "SESSION_SYNC", on_session },
    { "USER_SYNC", on_staff },
};

static void message(struct gw_session *s, struct tw_slice json)
{
    struct message m = { .whole = json, .data = TW_LIT("{}") };

    gw_device_of(s)->has_spoken = true;
    if (!tw_json_get_text(json, "type", &m.type)) {
        send_error(s, "INVALID_MESSAGE", "A message is a JSON object with a \"type\".");
        return;
    }
    (void)tw_json_get(json, "data", &m.data);
    (void)tw_json_get_text(json, "clientId", &m.client);
    if (s->device == NULL && m.client.len > 0)
        on_connected(s, &(struct message){ .client = m.client, .data = TW_LIT("{}") });
    for (size_t i = 0; i < TW_COUNT(messages); i++)
        if (tw_slice_is(m.type, messages[i].type)) {
            messages[i].act(s, &m);
            return;
        }
    send_error(s, "UNKNOWN_TYPE", "This message type is not known.");
}

static void malformed(struct gw_session *s, const char *why)
{
    (void)why;
    send_error(s, "INVALID_JSON", "The message is not acceptable JSON.");
}

/* It lagged so far behind that the log has dropped what it was to hear: the state has it. */
static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)seq;
    (void)oldest;
    want_state(s);
}

static void too_long(struct gw_session *s)
{
    struct tw_buf text = { .max = 256 };

    gw_device_put_too_long(&text, s);
    send_error(s, "MESSAGE_TOO_LARGE", text.at);
    tw_buf_done(&text);
    gw_device_hold(gw_device_of(s));
}

/* It does not send again what was refused for the moment. */
static struct gw_session *open_tablet(void *family, const struct gw_hello *hello,
                                      const struct gw_identity *who)
{
    struct gw_session *s = gw_device_open(family, hello, who);

    gw_device_of(s)->keeps_trying = true;
    return s;
}

/* /ws, where the query does not name a device and a restaurant: that is cloud sync. */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    if (!tw_slice_is(req->path, "/ws"))
        return false;
    (void)hello;
    return true;
}

/* What all tablets have to know of an event: whether it is shown, whether its list has to be
 * sent instead, and which list it belongs to. */
enum { IS_SHOWN = 1, NEEDS_LIST = 2, LIST = 2 };

static unsigned audience_of(const struct tw_event *ev)
{
    return (gw_minipos_shows(ev) ? IS_SHOWN : 0U) |
           (gw_minipos_needs_list(ev) ? NEEDS_LIST : 0U) |
           (unsigned)(gw_minipos_list_of(ev) - GW_NO_LIST) << LIST;
}

/* Whether the tablet is sent the list in place of the event. */
static bool wants_list(struct gw_session *s, const struct tw_event *ev, unsigned audience,
                       int list)
{
    if (list == GW_NO_LIST || (gw_device_of(s)->is_held && list != GW_ORDERS_LIST))
        return false;
    /* It has drawn an id that was taken, and shows its own order by it. */
    if (list == GW_ORDERS_LIST)
        return gw_device_made(s, ev);
    return (audience & NEEDS_LIST) != 0;
}

/* An event that is contained in the list which it was sent would show it an older row. */
static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev, unsigned audience)
{
    struct gw_device *d = gw_device_of(s);
    int list = (int)(audience >> LIST) + GW_NO_LIST;
    enum gw_hearing hearing = GW_SKIP;

    if (list != GW_NO_LIST && ev->seq <= d->shown[list].seq)
        return GW_SKIP;
    if ((audience & IS_SHOWN) != 0) {
        hearing = gw_device_hears(s, ev, list);
        if (hearing == GW_SKIP && list != GW_ORDERS_LIST)
            return GW_SKIP;
    }
    if (!wants_list(s, ev, audience, list))
        return gw_device_hears_pictures(d, ev, hearing);
    gw_device_follow(d, &gw_minipos_list, gw_minipos_list_body(list), ev->seq);
    return GW_SKIP;
}

const struct gw_dialect gw_minipos = {
    .name = "minipos",
    .labels = "dialect=\"minipos\"",
    .policy = GW_TAKES_TOKENS | GW_TAKES_NO_KEY | GW_TAKES_FIRST_MESSAGES,
    .claims = claims,
    .open = open_tablet,
    .closed = gw_device_closed,
    .greet = gw_device_greet,
    .resync = resync,
    .may_read = gw_device_may_read,
    .may_send = gw_device_may_send,
    .longest = gw_device_longest,
    .too_long = too_long,
    .message = message,
    .malformed = malformed,
    .audience = audience_of,
    .hears = hears,
    .relayed = gw_device_relayed,
    .render = gw_minipos_render,
    .variant = gw_device_variant,
    .render_private = gw_device_render_private,
};
