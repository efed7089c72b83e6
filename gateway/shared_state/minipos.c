/* minipos.c - MiniPOS tablets: docs/protocols/minipos.md.
 *
 * Every message has a `clientId`: the originator's for what others have changed, "server" for
 * ours; without one the public client throws. It drops messages with its own, so nobody is
 * answered with the asker's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/dialect.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/frame.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024)
#define REFUSAL_BYTES ((size_t)1024 * 1024) /* the current row may be in it */

/* --- What we send ----------------------------------------------------------------------------
 */

static void open_message(struct tw_buf *out, const char *type)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "type", tw_slice_of(type));
    tw_json_member_raw(out, "data", (struct tw_slice){ NULL, 0 });
}

/* Behind the data. */
static void close_message(struct tw_buf *out, struct tw_slice client, uint64_t seq)
{
    tw_json_member(out, "clientId", client);
    tw_json_member_raw(out, "timestamp", (struct tw_slice){ NULL, 0 });
    tw_buf_i64(out, tw_wall_ms());
    if (seq > 0) {
        tw_json_member_raw(out, "seq", (struct tw_slice){ NULL, 0 });
        tw_buf_u64(out, seq);
    }
    tw_buf_char(out, '}');
}

static void send_message(struct gw_session *s, const char *type, struct tw_slice data)
{
    struct tw_buf out = { .max = data.len + 512 };

    open_message(&out, type);
    tw_buf_append(&out, data);
    close_message(&out, TW_LIT("server"), 0);
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf data = { .max = 1024 };

    tw_buf_char(&data, '{');
    tw_json_member(&data, "code", tw_slice_of(code));
    tw_json_member(&data, "message", tw_slice_of(message));
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

/* The state twice, once inside itself: the public client looks for it one level too deep. */
static struct gw_frame *render_state(struct tw_slice body)
{
    struct tw_buf out = { .max = 2 * body.len + 1024 };
    struct gw_frame *f;

    open_message(&out, "SYNC_RESPONSE");
    tw_buf_append(&out, tw_slice_from(body.at, body.len - 1)); /* without its brace */
    tw_json_member_raw(&out, "data", body);
    tw_buf_char(&out, '}');
    close_message(&out, TW_LIT("server"), 0);
    f = gw_frame_text(tw_buf_view(&out));
    tw_buf_done(&out);
    return f;
}

static const struct gw_snapshot_kind snapshot_kind = { "minipos_state", render_state, refused };

/* --- Events ----------------------------------------------------------------------------------
 */

static void put(struct tw_buf *out, struct tw_slice from, const char *name, const char *as)
{
    struct tw_slice raw;

    if (tw_json_get(from, name, &raw))
        tw_json_member_raw(out, as, raw);
}

static struct tw_slice status_word(struct tw_slice raw)
{
    static const struct {
        const char *ours, *theirs;
    } words[] = { { "\"new\"", "\"pending\"" },
                  { "\"confirmed\"", "\"pending\"" },
                  { "\"picked_up\"", "\"served\"" },
                  { "\"out_for_delivery\"", "\"served\"" },
                  { "\"rejected\"", "\"cancelled\"" } };

    for (size_t i = 0; i < TW_COUNT(words); i++)
        if (tw_slice_is(raw, words[i].ours))
            return tw_slice_of(words[i].theirs);
    return raw;
}

static void put_items(struct tw_buf *out, struct tw_slice items)
{
    struct tw_slice one;
    const char *before = "";

    tw_json_member_raw(out, "items", TW_LIT("["));
    while (tw_json_element(&items, &one)) {
        tw_buf_text(out, before);
        tw_buf_char(out, '{');
        put(out, one, "id", "id");
        put(out, one, "name", "name");
        put(out, one, "price", "price");
        put(out, one, "quantity", "quantity");
        tw_buf_char(out, '}');
        before = ",";
    }
    tw_buf_char(out, ']');
}

/* {action: "add", data: <whole order>}: an upsert by id in the client. */
static void put_order(struct tw_buf *out, const struct tw_event *ev)
{
    struct tw_slice raw, text;

    tw_buf_text(out, "{\"action\":\"add\",\"data\":{");
    put(out, ev->data, "orderId", "id");
    put(out, ev->data, "orderNumber", "orderNumber");
    if (tw_json_get(ev->data, "tableNumber", &raw))
        tw_json_member_raw(out, "tableNumber", gw_shape_number(raw));
    put(out, ev->data, "customerName", "customerName");
    if (tw_json_get(ev->data, "createdAt", &raw) && tw_json_plain(raw, &text) && text.len >= 10)
        tw_json_member(out, "orderDate", tw_slice_from(text.at, 10));
    if (tw_slice_is(ev->type, "order.deleted"))
        tw_json_member(out, "status", TW_LIT("cancelled"));
    else if (tw_json_get(ev->data, "status", &raw))
        tw_json_member_raw(out, "status", status_word(raw));
    put(out, ev->data, "totalAmount", "total");
    if (tw_json_get(ev->data, "items", &raw))
        put_items(out, raw);
    put(out, ev->data, "createdAt", "createdAt");
    tw_buf_text(out, "}}");
}

/* A row without what is ours; a table that is cleaned is not free yet. */
static void put_row(struct tw_buf *out, struct tw_slice row, bool is_settings)
{
    struct tw_slice name, raw;
    const char *before = "";

    tw_buf_char(out, '{');
    while (tw_json_pair(&row, &name, &raw)) {
        if (tw_slice_is(name, "\"version\"") || (is_settings && tw_slice_is(name, "\"id\"")))
            continue;
        if (tw_slice_is(name, "\"number\""))
            raw = gw_shape_number(raw);
        if (tw_slice_is(name, "\"status\"") && tw_slice_is(raw, "\"cleaning\""))
            raw = TW_LIT("\"occupied\"");
        tw_buf_text(out, before);
        tw_buf_append(out, name);
        tw_buf_char(out, ':');
        tw_buf_append(out, raw);
        before = ",";
    }
    tw_buf_char(out, '}');
}

static bool action_is(const struct tw_event *ev, const char *first, const char *second)
{
    struct tw_slice raw, text;

    return tw_json_get(ev->data, "action", &raw) && tw_json_plain(raw, &text) &&
           (tw_slice_is(text, first) || tw_slice_is(text, second));
}

static const char *word_of(const struct tw_event *ev, const char *add, const char *update,
                           const char *delete)
{
    if (action_is(ev, "created", "item_added"))
        return add;
    return action_is(ev, "deleted", "item_removed") ? delete : update;
}

static void put_action(struct tw_buf *out, const char *action, struct tw_slice row)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "action", tw_slice_of(action));
    tw_json_member_raw(out, "data", (struct tw_slice){ NULL, 0 });
    put_row(out, row, false);
    tw_buf_char(out, '}');
}

enum what { ORDER, TABLE, ITEM, CATEGORY, SETTINGS, CLEARED };

static const struct row {
    const char *event, *type;
    enum what what;
} rows[] = {
    { "order.created", "UPDATE_ORDER", ORDER },
    { "order.updated", "UPDATE_ORDER", ORDER },
    { "order.status_changed", "UPDATE_ORDER", ORDER },
    { "order.deleted", "UPDATE_ORDER", ORDER },
    { "table.updated", "UPDATE_TABLE", TABLE },
    { "menu.updated", "UPDATE_MENU", ITEM },
    { "category.updated", "UPDATE_MENU", CATEGORY },
    { "settings.updated", "UPDATE_SETTINGS", SETTINGS },
    { "history.cleared", "UPDATE_ORDER", CLEARED },
};

static const struct row *row_of(const struct tw_event *ev)
{
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        if (tw_slice_is(ev->type, rows[i].event))
            return &rows[i];
    return NULL;
}

static void put_data(struct tw_buf *out, const struct row *row, const struct tw_event *ev)
{
    struct tw_slice stored = TW_LIT("{}");

    (void)tw_json_get(ev->data, "row", &stored);
    switch (row->what) {
    case ORDER:
        put_order(out, ev);
        break;
    case TABLE:
        put_action(out, word_of(ev, "add", "update", "delete"), stored);
        break;
    case ITEM:
        put_action(out, word_of(ev, "add_item", "update_item", "delete_item"), stored);
        break;
    case CATEGORY:
        put_action(out, word_of(ev, "add_category", "add_category", "delete_category"), stored);
        break;
    case SETTINGS:
        put_row(out, stored, true);
        break;
    case CLEARED:
        tw_buf_text(out, "{\"action\":\"clear\",\"data\":{}}");
        break;
    }
}

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    const struct row *row = row_of(ev);
    struct tw_slice raw, client = TW_LIT("server");

    (void)tenant;
    if (row == NULL)
        return;
    if (tw_json_get(ev->origin, "device", &raw))
        (void)tw_json_plain(raw, &client);
    open_message(&out, row->type);
    put_data(&out, row, ev);
    close_message(&out, client, ev->seq);
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

static bool hears(const struct gw_session *s, const struct tw_event *ev)
{
    (void)s; /* its own: gw_device_needs */
    return row_of(ev) != NULL;
}

/* --- What tablets say ------------------------------------------------------------------------
 */

/* A message, its parts raw. */
struct said {
    struct tw_slice whole, type, data, client;
};

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *m = gw_device_of(q);
    struct tw_slice raw;

    if (outcome->refusal != NULL || outcome->status >= 300)
        send_refusal(m->session, outcome, tw_buf_view(&c->note));
    else if (tw_json_get(outcome->body, "seq", &raw))
        (void)tw_json_u64(raw, &m->own_seq);
}

static void change(struct gw_session *s, const struct said *said, const char *kind,
                   const char *action, struct tw_slice data, const char *id_member)
{
    struct tw_buf body = { .max = data.len + 1024 };
    struct tw_slice raw;

    tw_buf_text(&body, "{\"dialect\":\"minipos\",\"changes\":[{");
    tw_json_member(&body, "kind", tw_slice_of(kind));
    tw_json_member(&body, "action", tw_slice_of(action));
    if (id_member != NULL && tw_json_get(data, id_member, &raw) && raw.len > 0)
        gw_shape_text(&body, "id", raw);
    if (tw_json_get(said->whole, "version", &raw))
        tw_json_member_raw(&body, "version", raw);
    tw_json_member_raw(&body, "data", data);
    tw_buf_text(&body, "}]}");
    if (body.failed ||
        !gw_device_change(s->device_state, tw_buf_view(&body), said->type, on_changed))
        send_error(s, "RATE_LIMIT", "Too many changes wait; send this one again in a moment.");
    tw_buf_done(&body);
}

static void on_connected(struct gw_session *s, const struct said *said)
{
    struct tw_slice raw, text = said->client;

    if (tw_json_get(said->data, "clientId", &raw))
        (void)tw_json_plain(raw, &text);
    if (text.len > 0 && text.len < sizeof(s->device)) {
        memcpy(s->device, text.at, text.len);
        s->device[text.len] = '\0';
    }
}

static void on_disconnected(struct gw_session *s, const struct said *said)
{
    (void)s; /* presence ends with the socket, which may stay open */
    (void)said;
}

/* Never an answer to an answer, or the two would go on for ever. */
static void on_heartbeat(struct gw_session *s, const struct said *said)
{
    struct tw_slice raw;

    if (!tw_json_get(said->data, "response", &raw) || !tw_slice_is(raw, "true"))
        send_message(s, "HEARTBEAT", TW_LIT("{\"response\":true}"));
}

static void on_sync(struct gw_session *s, const struct said *said)
{
    (void)said;
    gw_device_want_snapshot(s->device_state, &snapshot_kind);
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

static void on_update(struct gw_session *s, const struct said *said)
{
    struct tw_slice raw, action = { NULL, 0 }, data = TW_LIT("{}");

    if (tw_json_get(said->data, "action", &raw))
        (void)tw_json_plain(raw, &action);
    (void)tw_json_get(said->data, "data", &data);
    for (size_t i = 0; i < TW_COUNT(actions); i++)
        if (tw_slice_is(said->type, actions[i].type) &&
            tw_slice_is(action, actions[i].action)) {
            if (data.len == 0 || data.at[0] != '{')
                break;
            change(s, said, actions[i].kind, actions[i].as, data, actions[i].id);
            return;
        }
    send_error(s, "VALIDATION_ERROR",
               "This update has no action that is known, or no object as its data.");
}

static void on_settings(struct gw_session *s, const struct said *said)
{
    if (said->data.len > 0 && said->data.at[0] == '{')
        change(s, said, "settings", "updated", said->data, NULL);
    else
        send_error(s, "VALIDATION_ERROR", "The settings must be an object.");
}

/* Staff and sessions: passed on to the other tablets as it came, neither stored nor logged. */
static void on_relayed(struct gw_session *s, const struct said *said)
{
    gw_hubs_relay(s->hub, s->dialect->name, s->device_state->id, said->whole);
}

static const struct {
    const char *type;
    void (*act)(struct gw_session *s, const struct said *said);
} messages[] = {
    { "CLIENT_CONNECTED", on_connected }, { "CLIENT_DISCONNECTED", on_disconnected },
    { "HEARTBEAT", on_heartbeat },        { "SYNC_REQUEST", on_sync },
    { "UPDATE_TABLE", on_update },        { "UPDATE_MENU", on_update },
    { "UPDATE_ORDER", on_update },        { "UPDATE_SETTINGS", on_settings },
    { "SESSION_UPDATE", on_relayed },     { "USER_LOGIN", on_relayed },
    { "USER_LOGOUT", on_relayed },        { "UPDATE_USERS", on_relayed },
    { "TERMINATE_SESSION", on_relayed },  { "FORCE_LOGOUT", on_relayed },
    { "REFRESH_SESSIONS", on_relayed },   { "SESSION_SYNC", on_relayed },
    { "USER_SYNC", on_relayed },
};

static void message(struct gw_session *s, struct tw_slice json)
{
    struct said said = { .whole = json, .data = TW_LIT("{}") };
    struct tw_slice raw;

    if (!tw_json_get(json, "type", &raw) || !tw_json_plain(raw, &said.type)) {
        send_error(s, "INVALID_MESSAGE", "A message is a JSON object with a \"type\".");
        return;
    }
    (void)tw_json_get(json, "data", &said.data);
    if (tw_json_get(json, "clientId", &raw))
        (void)tw_json_plain(raw, &said.client);
    if (s->device[0] == '\0' && said.client.len > 0)
        on_connected(s, &(struct said){ .client = said.client, .data = TW_LIT("{}") });
    for (size_t i = 0; i < TW_COUNT(messages); i++)
        if (tw_slice_is(said.type, messages[i].type)) {
            messages[i].act(s, &said);
            return;
        }
    send_error(s, "UNKNOWN_TYPE", "This message type is not known.");
}

static void malformed(struct gw_session *s, const char *why)
{
    (void)why;
    send_error(s, "INVALID_JSON", "The message is not acceptable JSON.");
}

/* /ws, where the query does not name a device and a restaurant: that is cloud sync. */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    if (!tw_slice_is(req->path, "/ws"))
        return false;
    hello->is_device = true;
    return true;
}

/* No document has a greeting: each client asks for what it wants. */
static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)seq;
    (void)oldest;
    gw_device_hear_first(s->device_state);
}

static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)s; /* they do not resume */
    (void)seq;
    (void)oldest;
}

const struct gw_dialect gw_minipos = {
    .name = "minipos",
    .labels = "dialect=\"minipos\"",
    .claims = claims,
    .greet = greet,
    .resync = resync,
    .message = message,
    .malformed = malformed,
    .hears = hears,
    .render = render,
};
