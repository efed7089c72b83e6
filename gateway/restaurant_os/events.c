/* events.c - what Restaurant OS clients are shown of an event: docs/protocols/restaurantos.md
 * section 3. Values are copied raw; members that have another name in the document are renamed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/restaurant_os/screen.h"

/* How a member is written. */
enum form {
    RAW,    /* as it is */
    TEXT,   /* ids are strings here, whatever their creator wrote */
    STATUS, /* in the document's words */
    TYPE,   /* of an order: dine-in, drive-thru */
    MAYBE,  /* left out when it is null, empty or absent */
    LINES,  /* an order's items */
    NAMES   /* names of fields, in snake_case */
};

struct field {
    const char *name, *from;
    enum form form;
};

#define FIELDS 12

struct row {
    const char *event, *name; /* canonical, and on the wire */
    bool holds_order;         /* an `order` with all its fields comes first */
    struct field fields[FIELDS];
};

static const struct field order_fields[FIELDS] = {
    { "id", "orderId", TEXT },
    { "order_number", "orderNumber", RAW },
    { "status", "status", STATUS },
    { "type", "orderType", TYPE },
    { "table_number", "tableNumber", MAYBE },
    { "items", "items", LINES },
    { "total", "totalAmount", RAW },
    { "created_at", "createdAt", RAW },
};

/* After the restaurant's id, which is not a member of the event. */
static const struct field order_extras[] = {
    { "customer_name", "customerName", RAW },
    { "order_source", "orderSource", RAW },
    { "notes", "specialInstructions", MAYBE },
};

static const struct row rows[] = {
    { .event = "order.created", .name = "order:created" },
    { .event = "order.offered", .name = "order:created" },
    { .event = "order.updated",
      .name = "order:updated",
      .holds_order = true,
      .fields = { { "changes", "changes", NAMES }, { "updatedBy", "updatedBy", MAYBE } } },
    { .event = "order.status_changed",
      .name = "order:status_changed",
      .fields = { { "orderId", "orderId", TEXT },
                  { "previousStatus", "previousStatus", STATUS },
                  { "status", "status", STATUS },
                  { "timestamp", "updatedAt", RAW } } },
    { .event = "order.deleted",
      .name = "order:deleted",
      .fields = { { "orderId", "orderId", TEXT },
                  { "reason", "reason", MAYBE },
                  { "timestamp", "updatedAt", RAW } } },
    { .event = "table.ready",
      .name = "table:ready",
      .fields = { { "tableNumber", "tableNumber", RAW },
                  { "orderIds", "orderIds", RAW },
                  { "readyAt", "readyAt", RAW } } },
    { .event = "table.completed",
      .name = "table:completed",
      .fields = { { "tableNumber", "tableNumber", RAW },
                  { "orderIds", "orderIds", RAW },
                  { "completedAt", "completedAt", RAW } } },
    { .event = "kitchen.alert",
      .name = "kitchen:alert",
      .fields = { { "type", "type", RAW },
                  { "message", "message", RAW },
                  { "orderId", "orderId", MAYBE },
                  { "tableNumber", "tableNumber", MAYBE },
                  { "severity", "severity", RAW } } },
};

static const struct row *row_of(const struct tw_event *ev)
{
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        if (tw_slice_is(ev->type, rows[i].event))
            return &rows[i];
    return NULL;
}

static bool is_null(struct tw_slice raw)
{
    return raw.len == 0 || tw_slice_is(raw, "null");
}

/* The words of pos.status_word. */
static struct tw_slice status_word(struct tw_slice raw)
{
    if (tw_slice_is(raw, "\"picked_up\"") || tw_slice_is(raw, "\"served\"") ||
        tw_slice_is(raw, "\"out_for_delivery\""))
        return TW_LIT("\"picked-up\"");
    if (tw_slice_is(raw, "\"rejected\""))
        return TW_LIT("\"cancelled\"");
    return raw;
}

/* As pos.type_word writes it. */
static void put_type(struct tw_buf *out, struct tw_slice raw)
{
    for (size_t i = 0; i < raw.len; i++)
        tw_buf_char(out, raw.at[i] == '_' ? '-' : raw.at[i]);
}

/* ["specialInstructions"] as ["special_instructions"]. */
static void put_names(struct tw_buf *out, struct tw_slice raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];

        if (c >= 'A' && c <= 'Z') {
            tw_buf_char(out, '_');
            c = tw_ascii_lower(c);
        }
        tw_buf_char(out, c);
    }
}

static void copy_member(struct tw_buf *out, struct tw_slice from, const char *name,
                        const char *as)
{
    struct tw_slice raw;

    if (tw_json_get(from, name, &raw) && !is_null(raw))
        tw_json_member_raw(out, as, raw);
}

static void put_modifiers(struct tw_buf *out, struct tw_slice addons)
{
    struct tw_slice one;
    const char *before = "";

    tw_json_member_raw(out, "modifiers", TW_LIT("["));
    while (tw_json_element(&addons, &one)) {
        tw_buf_text(out, before);
        tw_buf_char(out, '{');
        copy_member(out, one, "id", "id");
        copy_member(out, one, "name", "name");
        copy_member(out, one, "price", "price");
        copy_member(out, one, "quantity", "quantity");
        tw_buf_char(out, '}');
        before = ",";
    }
    tw_buf_char(out, ']');
}

static void put_lines(struct tw_buf *out, struct tw_slice items)
{
    struct tw_slice one, addons;
    const char *before = "";

    tw_buf_char(out, '[');
    while (tw_json_element(&items, &one)) {
        tw_buf_text(out, before);
        tw_buf_char(out, '{');
        copy_member(out, one, "id", "id");
        copy_member(out, one, "name", "name");
        copy_member(out, one, "quantity", "quantity");
        copy_member(out, one, "price", "price");
        if (tw_json_get(one, "selectedAddons", &addons) && !tw_slice_is(addons, "[]"))
            put_modifiers(out, addons);
        copy_member(out, one, "specialInstructions", "special_instructions");
        tw_buf_char(out, '}');
        before = ",";
    }
    tw_buf_char(out, ']');
}

static void put_fields(struct tw_buf *out, struct tw_slice data, const struct field *fields,
                       size_t most)
{
    struct tw_slice raw;

    for (size_t i = 0; i < most && fields[i].name != NULL; i++) {
        if (!tw_json_get(data, fields[i].from, &raw))
            raw = TW_LIT("null");
        switch (fields[i].form) {
        case RAW:
            tw_json_member_raw(out, fields[i].name, raw);
            break;
        case TEXT:
            gw_shape_text(out, fields[i].name, raw);
            break;
        case STATUS:
            tw_json_member_raw(out, fields[i].name, status_word(raw));
            break;
        case TYPE:
            tw_json_member_raw(out, fields[i].name, TW_EMPTY);
            put_type(out, raw);
            break;
        case MAYBE:
            if (!is_null(raw) && !tw_slice_is(raw, "\"\""))
                gw_shape_text(out, fields[i].name, raw);
            break;
        case LINES:
            tw_json_member_raw(out, fields[i].name, TW_EMPTY);
            put_lines(out, raw);
            break;
        case NAMES:
            tw_json_member_raw(out, fields[i].name, TW_EMPTY);
            put_names(out, raw);
            break;
        }
    }
}

/* The shape of pos.orders_restaurant_os, which lists and answers have. */
static void put_order(struct tw_buf *out, const struct gw_tenant *tenant, struct tw_slice data)
{
    put_fields(out, data, order_fields, FIELDS);
    tw_json_member(out, "restaurant_id", tw_slice_of(tenant->id));
    put_fields(out, data, order_extras, TW_COUNT(order_extras));
}

const char *gw_event_name(const struct tw_event *ev)
{
    const struct row *row = row_of(ev);

    return row == NULL ? NULL : row->name;
}

void gw_event_put(struct tw_buf *out, const struct gw_tenant *tenant, const struct tw_event *ev,
                  bool is_wrapped)
{
    const struct row *row = row_of(ev);
    bool is_order = row->fields[0].name == NULL;

    tw_buf_char(out, '{');
    if (is_order && !is_wrapped) {
        put_order(out, tenant, ev->data);
    } else {
        if (is_order || row->holds_order) {
            tw_json_member_raw(out, "order", TW_LIT("{"));
            put_order(out, tenant, ev->data);
            tw_buf_char(out, '}');
        }
        put_fields(out, ev->data, row->fields, FIELDS);
        tw_json_member(out, "restaurant_id", tw_slice_of(tenant->id));
    }
    tw_json_member_u64(out, "seq", ev->seq);
    tw_buf_char(out, '}');
}
