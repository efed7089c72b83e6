/* batches.c - the orders:batch_update that the clients of a restaurant share: it follows the
 * single events when a tenth of a second had two changes of orders or more (section 5 of
 * docs/protocols/restaurantos.md). It carries no offset and is not replayed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/screen.h"
#include "gateway/websocket/frame.h"

#define TICK_MS 100
#define BATCH_BYTES                                                                            \
    ((size_t)1024 * 1024) /* a larger one is left out: the single events have it all */

/* Of the clients of one restaurant that share a framing. */
struct gw_room {
    struct gw_restaurant_os *all;
    const struct gw_framing *framing;
    char name[64]; /* the dialect, and the tenant */
    struct tw_list clients;
    struct tw_buf items; /* of the batch under way */
    unsigned count;
    uint64_t first_seq; /* in the batch */
    uint64_t last_seq;  /* that was sent to any client here */
    struct tw_deadline tick;
};

static struct gw_room *room_new(struct gw_screen *c, const char *name)
{
    struct gw_room *room = tw_new(struct gw_room);

    room->all = c->all;
    room->framing = c->framing;
    room->items.max = BATCH_BYTES;
    memcpy(room->name, name, sizeof(room->name));
    tw_list_init(&room->clients);
    (void)tw_map_set(&c->all->rooms, tw_slice_of(name), room);
    return room;
}

void gw_room_enter(struct gw_screen *c)
{
    char name[sizeof(c->room->name)] = "";
    struct gw_room *room;

    if (c->room != NULL)
        return;
    (void)snprintf(name, sizeof(name), "%s %s", c->framing->dialect->name,
                   c->identity.tenant.id);
    room = tw_map_get(&c->all->rooms, tw_slice_of(name));
    if (room == NULL)
        room = room_new(c, name);
    c->room = room;
    c->entered_seq = room->last_seq;
    tw_list_append(&room->clients, &c->in_room);
}

void gw_room_leave(struct gw_screen *c)
{
    struct gw_room *room = c->room;

    if (room == NULL)
        return;
    c->room = NULL;
    tw_list_remove(&c->in_room);
    if (!tw_list_empty(&room->clients))
        return;
    (void)tw_map_remove(&c->all->rooms, tw_slice_of(room->name));
    tw_after_cancel(c->all->options.loop, &room->tick);
    tw_buf_done(&room->items);
    free(room);
}

/* To all clients that were sent the single events. */
static void send_batch(struct gw_room *room)
{
    struct tw_buf text = { .max = BATCH_BYTES + 256 };
    struct gw_frame *f;

    tw_buf_char(&room->items, ']');
    if (room->items.failed)
        return;
    room->framing->put(&text, "orders:batch_update", tw_buf_view(&room->items));
    f = gw_frame_text(tw_buf_view(&text));
    tw_list_each(&room->clients, link)
    {
        struct gw_screen *c = tw_container_of(link, struct gw_screen, in_room);
        struct gw_transport *transport = c->session.transport;

        if (c->entered_seq < room->first_seq && c->session.next_seq > room->last_seq &&
            transport->ops->is_writable(transport))
            gw_session_send_frame(&c->session, f);
    }
    gw_frame_unref(f);
    tw_buf_done(&text);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_room *room = tw_container_of(d, struct gw_room, tick);

    if (room->count >= 2)
        send_batch(room);
    room->count = 0;
    tw_buf_done(&room->items);
    room->items.failed = false;
}

void gw_room_sent(struct gw_session *s, const struct tw_event *ev, const struct gw_batch *batch)
{
    struct gw_room *room = gw_screen_of(s)->room;
    struct tw_slice name, payload, id;

    if (room == NULL || s->phase == GW_REPLAYING || ev->seq <= room->last_seq)
        return;
    room->last_seq = ev->seq;
    /* What was offered again is no change, and not for all of the room. */
    if (!tw_slice_starts(ev->type, TW_LIT("order.")) ||
        tw_slice_is(ev->type, "order.offered") || batch->count == 0 ||
        !room->framing->cut(batch->frames[0], &name, &payload) ||
        !tw_json_get(ev->data, "orderId", &id))
        return;
    if (room->count == 0)
        room->first_seq = ev->seq;
    tw_buf_char(&room->items, room->count++ == 0 ? '[' : ',');
    tw_buf_text(&room->items, "{\"type\":");
    tw_buf_append(&room->items, name);
    if (id.at[0] == '"')
        tw_json_member_raw(&room->items, "orderId", id);
    else
        tw_json_member(&room->items, "orderId", id);
    tw_json_member_u64(&room->items, "seq", ev->seq);
    tw_json_member_raw(&room->items, "data", payload);
    tw_buf_char(&room->items, '}');
    if (!tw_deadline_is_set(&room->tick))
        tw_after(room->all->options.loop, &room->tick, TICK_MS, on_tick);
}
