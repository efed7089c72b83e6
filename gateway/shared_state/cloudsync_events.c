/* cloudsync_events.c - events as cloud sync devices hear them: docs/protocols/cloudsync.md.
 *
 * Each change goes out twice: as `sync_update`, which the document names, and as the typed
 * frame that the public client acts on. Names are in snake_case here; the restaurant is called
 * as the client has called it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/cloudsync.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024)

const struct gw_cloudsync_kind gw_cloudsync_kinds[GW_CLOUDSYNC_KINDS] = {
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

static const struct gw_cloudsync_kind *kind_of(const struct tw_event *ev)
{
    if (tw_slice_starts(ev->type, TW_LIT("order.")))
        return &gw_cloudsync_kinds[0];
    for (size_t i = 1; i < GW_CLOUDSYNC_KINDS; i++)
        if (tw_slice_is(ev->type, gw_cloudsync_kinds[i].event))
            return &gw_cloudsync_kinds[i];
    return NULL;
}

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

static void put_member(struct tw_buf *out, const struct gw_cloudsync_kind *kind,
                       struct tw_slice name, struct tw_slice raw)
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

static void put_members(struct tw_buf *out, const struct gw_cloudsync_kind *kind,
                        struct tw_slice object)
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
    { "specialInstructions", "special_instructions", false },
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
    } else {
        tw_json_member_raw(out, name,
                           strcmp(name, "table_number") == 0 ? gw_shape_number(raw) : raw);
    }
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
            put_order_field(out, order_fields[i].name, raw);
    tw_json_member(out, "restaurant_id", tw_slice_of(tenant->slug));
    tw_buf_char(out, '}');
}

/* All of a new row, what has changed of another. */
static void put_row(struct tw_buf *out, const struct gw_cloudsync_kind *kind,
                    const struct tw_event *ev, struct tw_slice action)
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
                     const struct gw_cloudsync_kind *kind, const struct tw_event *ev,
                     struct tw_slice action)
{
    if (kind == &gw_cloudsync_kinds[0])
        put_order(out, tenant, ev);
    else
        put_row(out, kind, ev, action);
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

static void words_of(const struct tw_event *ev, struct tw_slice *typed, struct tw_slice *synced)
{

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
    tw_json_member_raw(&out, "data", TW_EMPTY);
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
                      const struct gw_cloudsync_kind *kind, const struct tw_event *ev,
                      struct tw_slice action)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    struct tw_slice raw, device = TW_LIT("tillwire");

    (void)tw_json_get_text(ev->origin, "device", &device);
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(kind->type));
    if (tw_json_get(ev->data, kind == &gw_cloudsync_kinds[0] ? "orderId" : "id", &raw))
        gw_shape_text(&out, kind->id, raw);
    tw_json_member(&out, "action", action);
    tw_json_member_raw(&out, "data", TW_EMPTY);
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

void gw_cloudsync_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                         struct gw_batch *batch)
{
    const struct gw_cloudsync_kind *kind = kind_of(ev);
    struct tw_slice typed, synced;

    if (kind == NULL)
        return;
    words_of(ev, &typed, &synced);
    add_sync_update(batch, tenant, kind, ev, synced);
    add_typed(batch, tenant, kind, ev, typed);
}

bool gw_cloudsync_shows(const struct tw_event *ev)
{
    return kind_of(ev) != NULL;
}
