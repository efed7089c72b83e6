/* cloudsync.c - AI-POS cloud sync devices: docs/protocols/cloudsync.md.
 *
 * Each change goes out twice: as `sync_update`, which the document names, and as the typed
 * frame that the public client acts on. Names are in snake_case here; the restaurant is called
 * as the client has called it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/dialect.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/session.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024)
#define REFUSAL_BYTES ((size_t)1024 * 1024) /* the current row may be in it */

/* One kind of data: as the state calls it, and as typed frames do. */
static const struct kind {
    const char *event; /* canonical; null: several */
    const char *kind;  /* data_type */
    const char *type, *id;
} kinds[] = {
    { NULL, "orders", "order_update", "order_id" },
    { "menu.updated", "menu_items", "menu_update", "item_id" },
    { "inventory.updated", "inventory", "inventory_update", "item_id" },
    { "table.updated", "tables", "table_update", "table_id" },
    { "staff.updated", "users", "user_update", "user_id" },
    { "printer.updated", "printers", "printer_update", "printer_id" },
};

/* Orders: what the typed frame calls an event, and what sync_update does. */
static const struct {
    const char *event, *typed, *synced;
} order_words[] = {
    { "order.created", "created", "created" },
    { "order.updated", "updated", "updated" },
    { "order.status_changed", "status_changed", "updated" },
    { "order.deleted", "deleted", "deleted" },
};

static const struct kind *kind_of(const struct tw_event *ev)
{
    if (tw_slice_starts(ev->type, TW_LIT("order.")))
        return &kinds[0];
    for (size_t i = 1; i < TW_COUNT(kinds); i++)
        if (tw_slice_is(ev->type, kinds[i].event))
            return &kinds[i];
    return NULL;
}

/* --- Data ------------------------------------------------------------------------------------
 */

/* specialInstructions as special_instructions; quotes come with it. */
static void put_snake(struct tw_buf *out, struct tw_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];

        if (c >= 'A' && c <= 'Z') {
            tw_buf_char(out, '_');
            c = tw_ascii_lower(c);
        }
        tw_buf_char(out, c);
    }
}

/* Stored names that have others here, as in the state (pos.cloudsync_row). */
static const struct {
    const char *kind, *stored, *name, *also;
} names[] = {
    { "tables", "\"seats\"", "capacity", "seats" },
    { "tables", "\"customer\"", "customer_name", NULL },
    { "menu_items", "\"available\"", "is_available", NULL },
    { "menu_items", "\"image\"", "image_url", NULL },
    { "menu_items", "\"category\"", "category", "category_id" },
    { "inventory", "\"stock\"", "current_stock", NULL },
    { "users", "\"active\"", "is_active", NULL },
};

static void put_member(struct tw_buf *out, const struct kind *kind, struct tw_slice name,
                       struct tw_slice raw)
{
    if (tw_slice_is(name, "\"number\""))
        raw = gw_shape_number(raw);
    for (size_t i = 0; i < TW_COUNT(names); i++)
        if (tw_slice_is(name, names[i].stored) && strcmp(kind->kind, names[i].kind) == 0) {
            tw_json_member_raw(out, names[i].name, raw);
            if (names[i].also != NULL)
                tw_json_member_raw(out, names[i].also, raw);
            return;
        }
    tw_buf_char(out, ',');
    put_snake(out, name);
    tw_buf_char(out, ':');
    tw_buf_append(out, raw);
}

static void put_members(struct tw_buf *out, const struct kind *kind, struct tw_slice object)
{
    struct tw_slice name, raw;

    while (tw_json_pair(&object, &name, &raw))
        if (!tw_slice_is(name, "\"id\""))
            put_member(out, kind, name, raw);
}

static const struct {
    const char *from, *name;
    bool always; /* else only of a new order, or when it has changed */
} order_fields[] = {
    { "orderNumber", "order_number", true },
    { "status", "status", true },
    { "orderType", "type", false },
    { "totalAmount", "total_amount", true },
    { "items", "items", false },
    { "customerName", "customer_name", false },
    { "customerPhone", "customer_phone", false },
    { "tableNumber", "table_number", false },
    { "createdAt", "created_at", false },
    { "updatedAt", "updated_at", true },
};

static bool has_changed(const struct tw_event *ev, const char *field)
{
    struct tw_slice list, raw, text;

    if (!tw_json_get(ev->data, "changes", &list))
        return false;
    while (tw_json_element(&list, &raw))
        if (tw_json_plain(raw, &text) && tw_slice_is(text, field))
            return true;
    return false;
}

static void put_order(struct tw_buf *out, const struct gw_tenant *tenant,
                      const struct tw_event *ev)
{
    bool is_new = tw_slice_is(ev->type, "order.created");
    struct tw_slice raw;

    tw_buf_char(out, '{');
    if (tw_json_get(ev->data, "orderId", &raw))
        gw_shape_text(out, "id", raw);
    for (size_t i = 0; i < TW_COUNT(order_fields); i++)
        if ((is_new || order_fields[i].always || has_changed(ev, order_fields[i].from)) &&
            tw_json_get(ev->data, order_fields[i].from, &raw))
            tw_json_member_raw(
                out, order_fields[i].name,
                strcmp(order_fields[i].name, "table_number") == 0 ? gw_shape_number(raw) : raw);
    tw_json_member(out, "restaurant_id", tw_slice_of(tenant->slug));
    tw_buf_char(out, '}');
}

/* All of a new row, what has changed of another. */
static void put_row(struct tw_buf *out, const struct kind *kind, const struct tw_event *ev,
                    struct tw_slice action)
{
    bool is_new = tw_slice_is(action, "created") || tw_slice_is(action, "item_added") ||
                  tw_slice_is(action, "added");
    struct tw_slice raw, version;

    tw_buf_char(out, '{');
    if (tw_json_get(ev->data, "id", &raw))
        gw_shape_text(out, "id", raw);
    if (tw_json_get(ev->data, is_new ? "row" : "changed", &raw))
        put_members(out, kind, raw);
    if (!is_new && tw_json_get(ev->data, "version", &version))
        tw_json_member_raw(out, "version", version);
    tw_buf_char(out, '}');
}

static void put_data(struct tw_buf *out, const struct gw_tenant *tenant,
                     const struct kind *kind, const struct tw_event *ev, struct tw_slice action)
{
    if (kind == &kinds[0])
        put_order(out, tenant, ev);
    else
        put_row(out, kind, ev, action);
}

/* --- Frames ----------------------------------------------------------------------------------
 */

static void put_time(struct tw_buf *out)
{
    char text[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), text);
    tw_json_member(out, "timestamp", tw_slice_of(text));
}

static void put_seq(struct tw_buf *out, uint64_t seq)
{
    tw_json_member_raw(out, "seq", (struct tw_slice){ NULL, 0 });
    tw_buf_u64(out, seq);
}

static bool is_completed(const struct tw_event *ev)
{
    struct tw_slice raw;

    return tw_slice_is(ev->type, "order.status_changed") &&
           tw_json_get(ev->data, "status", &raw) && tw_slice_is(raw, "\"completed\"");
}

static void words_of(const struct tw_event *ev, struct tw_slice *typed, struct tw_slice *synced)
{
    struct tw_slice raw;

    *typed = *synced = TW_LIT("updated");
    if (is_completed(ev)) {
        *typed = *synced = TW_LIT("completed");
        return;
    }
    for (size_t i = 0; i < TW_COUNT(order_words); i++)
        if (tw_slice_is(ev->type, order_words[i].event)) {
            *typed = tw_slice_of(order_words[i].typed);
            *synced = tw_slice_of(order_words[i].synced);
            return;
        }
    if (tw_json_get(ev->data, "action", &raw) && tw_json_plain(raw, typed))
        *synced = *typed;
}

static void add_sync_update(struct gw_batch *batch, const struct gw_tenant *tenant,
                            const struct kind *kind, const struct tw_event *ev,
                            struct tw_slice action)
{
    struct tw_buf out = { .max = FRAME_BYTES };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("sync_update"));
    tw_json_member(&out, "restaurant_id", tw_slice_of(tenant->slug));
    tw_json_member_raw(&out, "changes", TW_LIT("[{"));
    tw_json_member(&out, "type", TW_LIT("data_change"));
    tw_json_member(&out, "data_type", tw_slice_of(kind->kind));
    tw_json_member(&out, "action", action);
    tw_json_member_raw(&out, "data", (struct tw_slice){ NULL, 0 });
    put_data(&out, tenant, kind, ev, action);
    tw_buf_text(&out, "}]");
    tw_json_member(&out, "timestamp", ev->at);
    put_seq(&out, ev->seq);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void add_typed(struct gw_batch *batch, const struct gw_tenant *tenant,
                      const struct kind *kind, const struct tw_event *ev,
                      struct tw_slice action)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    struct tw_slice raw, device = TW_LIT("tillwire");

    if (tw_json_get(ev->origin, "device", &raw))
        (void)tw_json_plain(raw, &device);
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(kind->type));
    if (tw_json_get(ev->data, kind == &kinds[0] ? "orderId" : "id", &raw))
        gw_shape_text(&out, kind->id, raw);
    tw_json_member(&out, "action", action);
    tw_json_member_raw(&out, "data", (struct tw_slice){ NULL, 0 });
    put_data(&out, tenant, kind, ev, action);
    tw_json_member(&out, "device_id", device);
    tw_json_member(&out, "restaurant_id", tw_slice_of(tenant->slug));
    if (kind->id[0] != 'u') /* user_update names the user that it is about */
        tw_json_member_raw(&out, "user_id", TW_LIT("null"));
    tw_json_member(&out, "timestamp", ev->at);
    put_seq(&out, ev->seq);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    const struct kind *kind = kind_of(ev);
    struct tw_slice typed, synced;

    if (kind == NULL)
        return;
    words_of(ev, &typed, &synced);
    add_sync_update(batch, tenant, kind, ev, synced);
    add_typed(batch, tenant, kind, ev, typed);
}

static bool hears(const struct gw_session *s, const struct tw_event *ev)
{
    (void)s; /* its own: gw_device_needs */
    return kind_of(ev) != NULL;
}

/* --- What devices say ------------------------------------------------------------------------
 */

static struct tw_slice named(const struct gw_session *s)
{
    return s->device_state->named[0] != '\0' ? tw_slice_of(s->device_state->named)
                                             : tw_slice_of(gw_session_tenant(s)->slug);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("error"));
    tw_json_member(&out, "code", tw_slice_of(code));
    tw_json_member(&out, "message", tw_slice_of(message));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *m = gw_device_of(q);
    struct tw_buf out = { .max = REFUSAL_BYTES };
    struct tw_slice raw;

    if (outcome->refusal == NULL && outcome->status < 300) {
        if (tw_json_get(outcome->body, "seq", &raw))
            (void)tw_json_u64(raw, &m->own_seq);
        return;
    }
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("error"));
    gw_device_put_refusal(&out, outcome);
    tw_json_member(&out, "request", tw_buf_view(&c->note));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(m->session, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* One change of `kind`, in the words of house_change. */
static void change(struct gw_session *s, struct tw_slice json, struct tw_slice type,
                   struct tw_slice kind, const char *id_member)
{
    struct tw_buf body = { .max = json.len + 1024 };
    struct tw_slice raw, data = TW_LIT("{}"), id = { NULL, 0 };

    (void)tw_json_get(json, "data", &data);
    if (id_member[0] == 'u' || !tw_json_get(json, id_member, &id)) /* user_id is the sender's */
        (void)tw_json_get(data, "id", &id);
    if (id.len == 0)
        (void)tw_json_get(json, id_member, &id);
    tw_buf_text(&body, "{\"dialect\":\"cloudsync\",\"changes\":[{");
    tw_json_member(&body, "kind", kind);
    if (tw_json_get(json, "action", &raw))
        tw_json_member_raw(&body, "action", raw);
    if (id.len > 0)
        gw_shape_text(&body, "id", id);
    if (tw_json_get(json, "change_id", &raw))
        tw_json_member_raw(&body, "changeId", raw);
    if (tw_json_get(json, "version", &raw))
        tw_json_member_raw(&body, "version", raw);
    tw_json_member_raw(&body, "data", data);
    tw_buf_text(&body, "}]}");
    if (data.len == 0 || data.at[0] != '{')
        send_error(s, "VALIDATION_ERROR", "\"data\" must be an object.");
    else if (body.failed ||
             !gw_device_change(s->device_state, tw_buf_view(&body), type, on_changed))
        send_error(s, "RATE_LIMIT", "Too many changes wait; send this one again in a moment.");
    tw_buf_done(&body);
}

static void say(struct gw_session *s, const char *type, bool names_restaurant)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(type));
    tw_json_member(&out, "device_id", tw_slice_of(s->device));
    if (names_restaurant)
        tw_json_member(&out, "restaurant_id", named(s));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_register(struct gw_session *s, struct tw_slice json)
{
    struct tw_slice raw, text;

    if (tw_json_get(json, "user_id", &raw) && tw_json_plain(raw, &text) &&
        text.len < sizeof(s->device_state->user)) {
        memcpy(s->device_state->user, text.at, text.len);
        s->device_state->user[text.len] = '\0';
    }
    say(s, "registered", true);
}

static void on_data_change(struct gw_session *s, struct tw_slice json, struct tw_slice type)
{
    struct tw_slice raw, text;

    if (tw_json_get(json, "data_type", &raw) && tw_json_plain(raw, &text))
        for (size_t i = 0; i < TW_COUNT(kinds); i++)
            if (tw_slice_is(text, kinds[i].kind)) {
                change(s, json, type, text, "id");
                return;
            }
    send_error(s, "UNKNOWN_TYPE",
               "\"data_type\" must be one of orders, menu_items, inventory, tables, users, "
               "printers.");
}

/* It is trusted for its own restaurant alone, however it spells it. */
static bool names_another(const struct gw_session *s, struct tw_slice json)
{
    const struct gw_tenant *t = gw_session_tenant(s);
    struct tw_slice raw, text;

    if (!tw_json_get(json, "restaurant_id", &raw) || tw_slice_is(raw, "null"))
        return false;
    return !tw_json_plain(raw, &text) ||
           !(tw_slice_eq(text, named(s)) || tw_slice_is(text, t->slug) ||
             tw_slice_is_nocase(text, t->id));
}

static void message(struct gw_session *s, struct tw_slice json)
{
    struct tw_slice raw, type;

    if (!tw_json_get(json, "type", &raw) || !tw_json_plain(raw, &type)) {
        send_error(s, "INVALID_MESSAGE", "A message is a JSON object with a \"type\".");
        return;
    }
    if (names_another(s, json)) {
        send_error(s, "PERMISSION_DENIED", "This device is connected for another restaurant.");
        return;
    }
    if (tw_slice_is(type, "register")) {
        on_register(s, json);
        return;
    }
    if (tw_slice_is(type, "heartbeat")) {
        say(s, "heartbeat_response", false);
        return;
    }
    if (tw_slice_is(type, "data_change")) {
        on_data_change(s, json, type);
        return;
    }
    for (size_t i = 0; i < TW_COUNT(kinds); i++)
        if (tw_slice_is(type, kinds[i].type)) {
            change(s, json, type, tw_slice_of(kinds[i].kind), kinds[i].id);
            return;
        }
    send_error(s, "UNKNOWN_TYPE", "This message type is not known.");
}

static void malformed(struct gw_session *s, const char *why)
{
    (void)why;
    send_error(s, "INVALID_JSON", "The message is not acceptable JSON.");
}

static bool read_query(const struct tw_http_request *req, const char *name, char *out,
                       size_t size)
{
    struct tw_buf text = { .max = size - 1 };
    bool is_there = tw_http_query(req, name, &text) == 1 && !text.failed && text.len > 0;

    if (is_there)
        memcpy(out, text.at, text.len);
    tw_buf_done(&text);
    return is_there;
}

/* The query decides: device_id and restaurant_id on any of its paths. One without the other is
 * a mistake of the caller, except where it may be a tablet. */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    bool has_device, has_restaurant;

    if (!tw_slice_is(req->path, "/") && !tw_slice_is(req->path, "/ws") &&
        !tw_slice_is(req->path, "/ws/sync"))
        return false;
    has_device = read_query(req, "device_id", hello->device, sizeof(hello->device));
    has_restaurant = read_query(req, "restaurant_id", hello->named, sizeof(hello->named));
    (void)read_query(req, "user_id", hello->user, sizeof(hello->user));
    if (!has_device && !has_restaurant && tw_slice_is(req->path, "/ws"))
        return false;
    hello->is_device = true;
    if (!has_device || !has_restaurant)
        hello->refusal = "MISSING_DEVICE";
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

const struct gw_dialect gw_cloudsync = {
    .name = "cloudsync",
    .labels = "dialect=\"cloudsync\"",
    .claims = claims,
    .greet = greet,
    .resync = resync,
    .message = message,
    .malformed = malformed,
    .hears = hears,
    .render = render,
};
