/* cloudsync_events.c - events as cloud sync devices hear them: docs/protocols/cloudsync.md.
 *
 * Each change goes out twice: as `sync_update`, which the document names, and as the typed
 * frame that the public client acts on. What these devices wrote comes back in their words,
 * which the event has with it; the restaurant is called as the client has called it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/cloudsync.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024)

const struct gw_cloudsync_kind gw_cloudsync_kinds[GW_CLOUDSYNC_KINDS] = {
    { NULL, "orders", "order_update", "order_id", false },
    { "menu.updated", "menu_items", "menu_update", "item_id", false },
    { "inventory.updated", "inventory", "inventory_update", "item_id", false },
    { "table.updated", "tables", "table_update", "table_id", false },
    { "staff.updated", "users", "user_update", "user_id", true },
    { "printer.updated", "printers", "printer_update", "printer_id", false },
};

/* Orders: what the typed frame calls an event, and what sync_update does. Others are not shown:
 * an acknowledgement, or an order that is offered again, has no version and changes no row. */
static const struct {
    const char *event, *typed, *synced;
} order_words[] = {
    { "order.created", "created", "created" },
    { "order.updated", "updated", "updated" },
    { "order.status_changed", "status_changed", "updated" },
    { "order.deleted", "deleted", "deleted" },
};

static const struct gw_cloudsync_kind *kind_of(const struct tw_event *ev)
{
    for (size_t i = 0; i < TW_COUNT(order_words); i++)
        if (tw_slice_is(ev->type, order_words[i].event))
            return &gw_cloudsync_kinds[0];
    for (size_t i = 1; i < GW_CLOUDSYNC_KINDS; i++)
        if (tw_slice_is(ev->type, gw_cloudsync_kinds[i].event))
            return &gw_cloudsync_kinds[i];
    return NULL;
}

static void put_member(struct tw_buf *out, struct tw_slice name, struct tw_slice raw)
{
    if (out->len > 0 && out->at[out->len - 1] != '{')
        tw_buf_char(out, ',');
    tw_buf_append(out, name);
    tw_buf_char(out, ':');
    tw_buf_append(out, raw);
}

/* The words of a field (docs/events.md): a list of names for its value, or an object with the
 * members that stand in its place. */
static void put_words(struct tw_buf *out, struct tw_slice words, struct tw_slice raw)
{
    struct tw_slice name, value;

    if (words.len > 0 && words.at[0] == '[')
        while (tw_json_element(&words, &name))
            put_member(out, name, raw);
    else
        while (tw_json_pair(&words, &name, &value))
            put_member(out, name, value);
}

/* The value of a member by its raw name. */
static bool find(struct tw_slice object, struct tw_slice wanted, struct tw_slice *raw)
{
    struct tw_slice name;

    while (tw_json_pair(&object, &name, raw))
        if (tw_slice_eq(name, wanted))
            return true;
    return false;
}

/* The fields of a row as these devices know them, as in the state (pos.cloudsync_shown). */
static void put_fields(struct tw_buf *out, struct tw_slice fields, struct tw_slice words)
{
    struct tw_slice rest = fields, name, raw, said;

    while (tw_json_pair(&rest, &name, &raw)) {
        if (tw_slice_is(name, "\"id\""))
            continue;
        if (find(words, name, &said))
            put_words(out, said, raw);
        else
            put_member(out, name, raw);
    }
    rest = words; /* members that stand for a field without a value */
    while (tw_json_pair(&rest, &name, &said))
        if (said.len > 0 && said.at[0] == '{' && !find(fields, name, &raw))
            put_words(out, said, TW_EMPTY);
}

/* Fields of an order that no such device has written: others come with their words. */
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
    { "specialInstructions", "special_instructions", false },
    { "scheduledFor", "scheduled_for", false },
    { "updatedAt", "updated_at", true },
    { "version", "version", true },
};

/* As pos.cloudsync_status has it. */
static struct tw_slice status_word(struct tw_slice raw)
{
    if (tw_slice_is(raw, "\"new\""))
        return TW_LIT("\"pending\"");
    if (tw_slice_is(raw, "\"picked_up\"") || tw_slice_is(raw, "\"out_for_delivery\""))
        return TW_LIT("\"served\"");
    return tw_slice_is(raw, "\"rejected\"") ? TW_LIT("\"cancelled\"") : raw;
}

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

/* Their types are names of Dart: "dine_in" as "dineIn". */
static void put_type(struct tw_buf *out, struct tw_slice raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if (raw.at[i] == '_' && i + 1 < raw.len && raw.at[i + 1] >= 'a' && raw.at[i + 1] <= 'z')
            tw_buf_char(out, (char)(raw.at[++i] - 'a' + 'A'));
        else
            tw_buf_char(out, raw.at[i]);
}

static void put_order_field(struct tw_buf *out, const char *name, struct tw_slice raw)
{
    if (strcmp(name, "type") == 0) {
        tw_json_member_raw(out, name, TW_EMPTY);
        put_type(out, raw);
        return;
    }
    if (strcmp(name, "table_number") == 0)
        raw = gw_shape_number(raw);
    else if (strcmp(name, "status") == 0)
        raw = status_word(raw);
    tw_json_member_raw(out, name, raw);
}

static void put_order_fields(struct tw_buf *out, const struct tw_event *ev)
{
    bool is_new = tw_slice_is(ev->type, "order.created");
    struct tw_slice raw;

    if (tw_json_get(ev->data, "orderId", &raw))
        gw_shape_text(out, "id", raw);
    for (size_t i = 0; i < TW_COUNT(order_fields); i++) {
        const char *from = order_fields[i].from;

        if (!(is_new || order_fields[i].always || has_changed(ev, from)) ||
            !tw_json_get(ev->data, from, &raw))
            continue;
        if (!is_new || !tw_slice_is(raw, "null"))
            put_order_field(out, order_fields[i].name, raw);
    }
}

static void put_order(struct tw_buf *out, const struct gw_tenant *tenant,
                      const struct tw_event *ev)
{
    struct tw_slice own;

    tw_buf_char(out, '{');
    if (tw_json_get(ev->data, "cloudsync", &own) && own.len > 2)
        tw_buf_append(out, tw_slice_from(own.at + 1, own.len - 2));
    else
        put_order_fields(out, ev);
    tw_json_member(out, "restaurant_id", tw_slice_of(tenant->slug));
    tw_buf_char(out, '}');
}

/* All of a new row, what has changed of another. */
static void put_row(struct tw_buf *out, const struct tw_event *ev)
{
    struct tw_slice raw, action = { NULL, 0 }, words = TW_LIT("{}");
    bool is_new;

    (void)tw_json_get_text(ev->data, "action", &action);
    is_new = tw_slice_is(action, "created") || tw_slice_is(action, "item_added") ||
             tw_slice_is(action, "added");
    (void)tw_json_get(ev->data, "words", &words);
    tw_buf_char(out, '{');
    if (tw_json_get(ev->data, "id", &raw))
        gw_shape_text(out, "id", raw);
    if (tw_json_get(ev->data, is_new ? "row" : "changed", &raw))
        put_fields(out, raw, words);
    if (!is_new && tw_json_get(ev->data, "version", &raw))
        tw_json_member_raw(out, "version", raw);
    tw_buf_char(out, '}');
}

static void put_data(struct tw_buf *out, const struct gw_tenant *tenant,
                     const struct gw_cloudsync_kind *kind, const struct tw_event *ev)
{
    tw_json_member_raw(out, "data", TW_EMPTY);
    if (kind == &gw_cloudsync_kinds[0])
        put_order(out, tenant, ev);
    else
        put_row(out, ev);
}

static void put_seq(struct tw_buf *out, uint64_t seq)
{
    tw_json_member_u64(out, "seq", seq);
}

static bool is_completed(const struct tw_event *ev)
{
    struct tw_slice raw;

    return tw_slice_is(ev->type, "order.status_changed") &&
           tw_json_get(ev->data, "status", &raw) && tw_slice_is(raw, "\"completed\"");
}

/* The action, for the typed frame and for sync_update: as a device of this family called it. */
static void actions_of(const struct tw_event *ev, struct tw_slice *typed,
                       struct tw_slice *synced)
{
    if (tw_json_get_text(ev->origin, "action", typed)) {
        *synced = *typed;
        return;
    }
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
    if (tw_json_get_text(ev->data, "action", typed))
        *synced = *typed;
}

static void add_sync_update(struct gw_batch *batch, const struct gw_tenant *tenant,
                            const struct gw_cloudsync_kind *kind, const struct tw_event *ev,
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
    put_data(&out, tenant, kind, ev);
    tw_buf_text(&out, "}]");
    tw_json_member(&out, "timestamp", ev->at);
    put_seq(&out, ev->seq);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void add_typed(struct gw_batch *batch, const struct gw_tenant *tenant,
                      const struct gw_cloudsync_kind *kind, const struct tw_event *ev,
                      struct tw_slice action)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    struct tw_slice raw, user = TW_LIT("null"), device = TW_LIT("tillwire");

    (void)tw_json_get_text(ev->origin, "device", &device);
    (void)tw_json_get(ev->origin, "user", &user);
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(kind->type));
    if (tw_json_get(ev->data, kind == &gw_cloudsync_kinds[0] ? "orderId" : "id", &raw))
        gw_shape_text(&out, kind->id, raw);
    tw_json_member(&out, "action", action);
    put_data(&out, tenant, kind, ev);
    tw_json_member(&out, "device_id", device);
    tw_json_member(&out, "restaurant_id", tw_slice_of(tenant->slug));
    if (!kind->is_person) /* user_update names the user that it is about */
        tw_json_member_raw(&out, "user_id", user);
    tw_json_member(&out, "timestamp", ev->at);
    put_seq(&out, ev->seq);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

void gw_cloudsync_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                         struct gw_batch *batch)
{
    const struct gw_cloudsync_kind *kind = kind_of(ev);
    struct tw_slice typed, synced;

    if (kind == NULL)
        return;
    actions_of(ev, &typed, &synced);
    add_sync_update(batch, tenant, kind, ev, synced);
    add_typed(batch, tenant, kind, ev, typed);
}

bool gw_cloudsync_shows(const struct tw_event *ev)
{
    return kind_of(ev) != NULL;
}
