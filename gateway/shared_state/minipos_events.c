/* minipos_events.c - events as MiniPOS tablets hear them: docs/protocols/minipos.md section 3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos_events.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024)

void gw_minipos_open(struct tw_buf *out, const char *type)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "type", tw_slice_of(type));
    tw_json_member_raw(out, "data", TW_EMPTY);
}

void gw_minipos_close(struct tw_buf *out, struct tw_slice client, uint64_t seq)
{
    tw_json_member(out, "clientId", client);
    tw_json_member_raw(out, "timestamp", TW_EMPTY);
    tw_buf_i64(out, tw_wall_ms());
    if (seq > 0) {
        tw_json_member_u64(out, "seq", seq);
    }
    tw_buf_char(out, '}');
}

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

/* The text between the quotes, to be put into another one; its escapes stay as they are. */
static struct tw_slice inside(struct tw_slice raw)
{
    return raw.len >= 2 && raw.at[0] == '"' ? tw_slice_from(raw.at + 1, raw.len - 2) : TW_EMPTY;
}

/* Between two parts of the notes; before the first one, their name. */
static void begin_note(struct tw_buf *out, bool *is_begun, const char *between)
{
    if (*is_begun)
        tw_buf_text(out, between);
    else
        tw_json_member_raw(out, "notes", TW_LIT("\""));
    *is_begun = true;
}

/* What a cook has to read besides the name, which a tablet shows as `notes`; the same words as
 * those of pos.line_notes. */
static void put_notes(struct tw_buf *out, struct tw_slice line)
{
    struct tw_slice addons, one, raw;
    bool is_begun = false;

    if (tw_json_get(line, "selectedAddons", &addons))
        while (tw_json_element(&addons, &one)) {
            begin_note(out, &is_begun, ", ");
            if (tw_json_get(one, "quantity", &raw) && !tw_slice_is(raw, "1")) {
                tw_buf_append(out, raw);
                tw_buf_text(out, " x ");
            }
            if (tw_json_get(one, "name", &raw))
                tw_buf_append(out, inside(raw));
        }
    if (tw_json_get(line, "specialInstructions", &raw) && inside(raw).len > 0) {
        begin_note(out, &is_begun, "; ");
        tw_buf_append(out, inside(raw));
    }
    if (is_begun)
        tw_buf_char(out, '"');
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
        put_notes(out, one);
        tw_buf_char(out, '}');
        before = ",";
    }
    tw_buf_char(out, ']');
}

/* The page calls methods of texts on it, so it is one, and never null. */
static void put_text(struct tw_buf *out, struct tw_slice from, const char *name, const char *as)
{
    struct tw_slice raw;

    if (tw_json_get(from, name, &raw) && !tw_slice_is(raw, "null"))
        gw_shape_text(out, as, raw);
    else
        tw_json_member(out, as, TW_EMPTY);
}

/* {action: "add", data: <whole order>}: an upsert by id in the client. */
static void put_order(struct tw_buf *out, const struct tw_event *ev)
{
    struct tw_slice raw, text;

    tw_buf_text(out, "{\"action\":\"add\",\"data\":{");
    put_text(out, ev->data, tw_json_get(ev->data, "tabletId", &raw) ? "tabletId" : "orderId",
             "id");
    put_text(out, ev->data, "orderNumber", "orderNumber");
    put_text(out, ev->data, "tableNumber", "tableNumber");
    put_text(out, ev->data, "customerName", "customerName");
    if (tw_json_get_text(ev->data, "createdAt", &text) && text.len >= 10)
        tw_json_member(out, "orderDate", tw_slice_from(text.at, 10));
    if (tw_slice_is(ev->type, "order.deleted"))
        tw_json_member(out, "status", TW_LIT("cancelled"));
    else if (tw_json_get(ev->data, "status", &raw))
        tw_json_member_raw(out, "status", status_word(raw));
    put(out, ev->data, "totalAmount", "total");
    put_items(out, tw_json_get(ev->data, "items", &raw) ? raw : TW_LIT("[]"));
    put(out, ev->data, "createdAt", "createdAt");
    tw_buf_text(out, "}}");
}

/* --- Rows ------------------------------------------------------------------------------------
 *
 * The page shows what a row has without asking whether it is there: a row without a price, or a
 * customer that is an object, would leave it blank. */

/* Members that a row must have, with what they are when it has none. */
struct needed {
    const char *name, *raw;
};

static const struct needed of_table[] = {
    { "number", "0" }, { "seats", "0" }, { "status", "\"available\"" }, { NULL, NULL }
};
static const struct needed of_item[] = { { "name", "\"\"" },
                                         { "price", "0" },
                                         { "category", "\"\"" },
                                         { "description", "\"\"" },
                                         { NULL, NULL } };
static const struct needed of_line[] = { { "id", "\"\"" },
                                         { "quantity", "1" },
                                         { NULL, NULL } };
static const struct needed of_nothing[] = { { NULL, NULL } };

static void put_needed(struct tw_buf *out, struct tw_slice row, const struct needed *needed)
{
    struct tw_slice raw;

    for (; needed->name != NULL; needed++)
        if (!tw_json_get(row, needed->name, &raw))
            tw_json_member_raw(out, needed->name, tw_slice_of(needed->raw));
}

static void put_name(struct tw_buf *out, struct tw_slice name) /* raw */
{
    if (!out->failed && out->at[out->len - 1] != '{')
        tw_buf_char(out, ',');
    tw_buf_append(out, name);
    tw_buf_char(out, ':');
}

/* The dish of a line that has its name and price itself, as other devices write them. */
static void put_dish(struct tw_buf *out, struct tw_slice line)
{
    struct tw_slice raw;

    put_text(out, line, tw_json_get(line, "menuItemId", &raw) ? "menuItemId" : "id", "id");
    for (const struct needed *one = of_item; one->name != NULL; one++)
        put(out, line, one->name, one->name);
}

/* A line of a table's order. */
static void put_line(struct tw_buf *out, struct tw_slice line)
{
    struct tw_slice rest = line, name, raw, dish;
    bool has_dish = tw_json_get(line, "menuItem", &dish) && dish.at[0] == '{';

    tw_buf_char(out, '{');
    while (tw_json_pair(&rest, &name, &raw))
        if (!tw_slice_is(name, "\"menuItem\"")) {
            put_name(out, name);
            tw_buf_append(out, raw);
        }
    put_needed(out, line, of_line);
    tw_json_member_raw(out, "menuItem", TW_LIT("{"));
    if (has_dish) {
        rest = dish;
        while (tw_json_pair(&rest, &name, &raw)) {
            put_name(out, name);
            tw_buf_append(out, raw);
        }
    } else {
        put_dish(out, line);
    }
    put_needed(out, has_dish ? dish : line, of_item);
    tw_buf_text(out, "}}");
}

static void put_lines(struct tw_buf *out, struct tw_slice lines)
{
    struct tw_slice one;
    const char *before = "[";

    while (tw_json_element(&lines, &one)) {
        tw_buf_text(out, before);
        if (one.at[0] == '{')
            put_line(out, one);
        else
            put_line(out, TW_LIT("{}"));
        before = ",";
    }
    tw_buf_text(out, before[0] == '[' ? "[]" : "]");
}

/* A customer as a text: other devices keep an object with a name. */
static void put_customer(struct tw_buf *out, struct tw_slice raw)
{
    struct tw_slice name;

    if (raw.at[0] == '{' && tw_json_get(raw, "name", &name) && name.at[0] == '"')
        raw = name;
    if (raw.at[0] == '"')
        tw_buf_append(out, raw);
    else
        tw_buf_text(out, "\"\"");
}

static void put_value(struct tw_buf *out, struct tw_slice name, struct tw_slice raw)
{
    if (tw_slice_is(name, "\"number\""))
        tw_buf_append(out, gw_shape_number(raw));
    else if (tw_slice_is(name, "\"status\"") && tw_slice_is(raw, "\"cleaning\""))
        tw_buf_text(out, "\"occupied\""); /* it is not free yet */
    else if (tw_slice_is(name, "\"orderItems\""))
        put_lines(out, raw);
    else if (tw_slice_is(name, "\"customer\""))
        put_customer(out, raw);
    else
        tw_buf_append(out, raw);
}

/* A row without what is ours. */
static void put_row(struct tw_buf *out, struct tw_slice row, const struct needed *needed,
                    bool is_settings)
{
    struct tw_slice rest = row, name, raw;

    tw_buf_char(out, '{');
    while (tw_json_pair(&rest, &name, &raw)) {
        if (tw_slice_is(name, "\"version\"") || (is_settings && tw_slice_is(name, "\"id\"")))
            continue;
        put_name(out, name);
        if (is_settings)
            tw_buf_append(out, raw);
        else
            put_value(out, name, raw);
    }
    put_needed(out, row, needed);
    tw_buf_char(out, '}');
}

/* The actions that make a row, and those that delete one (docs/events.md). */
static const char *const creations[] = { "created", "item_added", "added" };
static const char *const deletions[] = { "deleted", "item_removed", "removed" };

static bool is_one_of(struct tw_slice action, const char *const words[3])
{
    return tw_slice_is(action, words[0]) || tw_slice_is(action, words[1]) ||
           tw_slice_is(action, words[2]);
}

static const char *word_of(const struct tw_event *ev, const char *add, const char *update,
                           const char *delete)
{
    struct tw_slice action = { NULL, 0 };

    (void)tw_json_get_text(ev->data, "action", &action);
    if (is_one_of(action, creations))
        return add;
    return is_one_of(action, deletions) ? delete : update;
}

static void put_action(struct tw_buf *out, const char *action, struct tw_slice row,
                       const struct needed *needed)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "action", tw_slice_of(action));
    tw_json_member_raw(out, "data", TW_EMPTY);
    put_row(out, row, needed, false);
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
        put_action(out, word_of(ev, "add", "update", "delete"), stored, of_table);
        break;
    case ITEM:
        put_action(out, word_of(ev, "add_item", "update_item", "delete_item"), stored, of_item);
        break;
    case CATEGORY:
        put_action(out, word_of(ev, "add_category", "add_category", "delete_category"), stored,
                   of_nothing);
        break;
    case SETTINGS:
        put_row(out, stored, of_nothing, true);
        break;
    case CLEARED:
        tw_buf_text(out, "{\"action\":\"clear\",\"data\":{}}");
        break;
    }
}

void gw_minipos_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                       struct gw_batch *batch)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    const struct row *row = row_of(ev);
    struct tw_slice client = TW_LIT("server");

    (void)tenant;
    if (row == NULL)
        return;
    (void)tw_json_get_text(ev->origin, "device", &client);
    gw_minipos_open(&out, row->type);
    put_data(&out, row, ev);
    gw_minipos_close(&out, client, ev->seq);
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* Tablets count every order that they are sent as a sale, so an online order is shown when it
 * has been accepted; or at once, where the restaurant wants that (`forTablets`); and one that
 * they have cleared (`cleared`) is not shown again. */
static bool is_for_tablets(const struct tw_event *ev)
{
    static const char *const open[] = { "new", "pending", "cancelled", "rejected" };
    struct tw_slice text = { NULL, 0 }, before = { NULL, 0 };
    bool is_open = false, was_open = true;

    if (tw_json_get(ev->data, "cleared", &text))
        return false;
    if (!tw_json_get_text(ev->data, "orderSource", &text) || tw_slice_is(text, "pos") ||
        tw_json_get(ev->data, "forTablets", &before))
        return true;
    (void)tw_json_get_text(ev->data, "status", &text);
    if (tw_json_get_text(ev->data, "previousStatus", &before))
        was_open = false;
    for (size_t i = 0; i < TW_COUNT(open); i++) {
        is_open = is_open || tw_slice_is(text, open[i]);
        was_open = was_open || tw_slice_is(before, open[i]);
    }
    return !is_open || !was_open;
}

bool gw_minipos_shows(const struct tw_event *ev)
{
    const struct row *row = row_of(ev);

    return row != NULL && (row->what != ORDER || is_for_tablets(ev));
}
