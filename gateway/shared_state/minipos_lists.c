/* minipos_lists.c - the state of a restaurant as SYNC_RESPONSE.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos_lists.h"

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/shared_state/minipos_events.h"
#include "gateway/websocket/frame.h"

/* Their names, and the type of the events about their rows; in the order of the enumeration. */
static const struct {
    const char *name, *body; /* of minipos_state */
    const char *event;
    const char *kind; /* in list.mastered */
} lists[] = {
    { "tables", "{\"list\":\"tables\"}", "table.updated", "tables" },
    { "menuItems", "{\"list\":\"menuItems\"}", "menu.updated", "menu_items" },
    { "categories", "{\"list\":\"categories\"}", "category.updated", "categories" },
    { "settings", "{\"list\":\"settings\"}", "settings.updated", "settings" },
    { "orderHistory", "{\"list\":\"orderHistory\"}", NULL, NULL },
};

_Static_assert(TW_COUNT(lists) == GW_LISTS, "a list has a name");

static bool is_mastered_event(const struct tw_event *ev)
{
    return tw_slice_is(ev->type, "list.mastered");
}

int gw_minipos_list_of(const struct tw_event *ev)
{
    struct tw_slice kind = { NULL, 0 };

    if (tw_slice_is(ev->type, "order.created") && tw_json_get(ev->data, "drawnId", &kind))
        return GW_ORDERS_LIST;
    if (is_mastered_event(ev))
        (void)tw_json_get_text(ev->data, "kind", &kind);
    for (int i = 0; i < GW_LISTS; i++)
        if (lists[i].event != NULL &&
            (is_mastered_event(ev) ? tw_slice_is(kind, lists[i].kind)
                                   : tw_slice_is(ev->type, lists[i].event)))
            return i;
    return GW_NO_LIST;
}

bool gw_minipos_needs_list(const struct tw_event *ev)
{
    struct tw_slice joins;

    return is_mastered_event(ev) || tw_json_get(ev->data, "joinsList", &joins);
}

static bool is_mastered(struct tw_slice mastered, const char *name)
{
    struct tw_slice one, text;

    while (tw_json_element(&mastered, &one))
        if (tw_json_plain(one, &text) && tw_slice_is(text, name))
            return true;
    return false;
}

/* The lists that replace the tablet's, and which they are. */
static void put_lists(struct tw_buf *out, struct tw_slice body, unsigned *shown)
{
    struct tw_slice mastered = TW_LIT("[]"), raw;

    (void)tw_json_get(body, "mastered", &mastered);
    tw_buf_char(out, '{');
    for (int i = 0; i < GW_LISTS; i++)
        if ((i == GW_ORDERS_LIST || is_mastered(mastered, lists[i].name)) &&
            tw_json_get(body, lists[i].name, &raw) && !tw_slice_is(raw, "null")) {
            tw_json_member_raw(out, lists[i].name, raw);
            *shown |= 1U << i;
        }
    if (tw_json_get(body, "seq", &raw))
        tw_json_member_raw(out, "seq", raw);
    tw_buf_char(out, '}');
}

static struct gw_frame *frame_of(struct tw_buf *out)
{
    struct gw_frame *f;

    gw_minipos_close(out, TW_LIT("server"), 0);
    f = gw_frame_text(tw_buf_view(out));
    tw_buf_done(out);
    return f;
}

/* The whole state stands above `data` too, where its documents have it. */
struct gw_frame *gw_minipos_render_state(struct tw_slice body, unsigned *shown)
{
    struct tw_buf out = { .max = 2 * body.len + 1024 };

    gw_minipos_open(&out, "SYNC_RESPONSE");
    tw_buf_append(&out, tw_slice_from(body.at, body.len - 1)); /* without its brace */
    tw_json_member_raw(&out, "data", TW_EMPTY);
    put_lists(&out, body, shown);
    tw_buf_char(&out, '}');
    return frame_of(&out);
}

static struct gw_frame *render_list(struct tw_slice body, unsigned *shown)
{
    struct tw_buf out = { .max = body.len + 1024 };

    gw_minipos_open(&out, "SYNC_RESPONSE");
    tw_buf_text(&out, "{\"data\":");
    put_lists(&out, body, shown);
    tw_buf_char(&out, '}');
    return frame_of(&out);
}

const struct gw_snapshot_kind gw_minipos_list = { .operation = "minipos_state",
                                                  .render = render_list,
                                                  .refused = gw_device_lost };

const char *gw_minipos_list_body(int list)
{
    return lists[list].body;
}
