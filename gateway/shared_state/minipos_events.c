/* minipos_events.c - events as MiniPOS tablets hear them: docs/protocols/minipos.md section 3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/minipos.h"

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
    if (tw_json_get_text(ev->data, "createdAt", &text) && text.len >= 10)
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

static void put_action(struct tw_buf *out, const char *action, struct tw_slice row)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "action", tw_slice_of(action));
    tw_json_member_raw(out, "data", TW_EMPTY);
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

bool gw_minipos_shows(const struct tw_event *ev)
{
    return row_of(ev) != NULL;
}
