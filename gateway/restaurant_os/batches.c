/* batches.c - the orders:batch_update that the clients of a restaurant share: it follows the
 * single events when a tenth of a second had two changes of orders or more (section 5 of
 * docs/protocols/restaurantos.md). It carries no offset and is not replayed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/client.h"
#include "gateway/websocket/frame.h"

#define TICK_MS 100
#define BATCH_BYTES                                                                            \
    ((size_t)1024 * 1024) /* a larger one is left out: the single events have it all */

struct gw_room {
    struct gw_restaurant_os *all;
    char tenant[37];
    struct tw_list clients;
    struct tw_buf items; /* of the batch under way */
    unsigned count;
    uint64_t first_seq; /* in the batch */
    uint64_t last_seq;  /* that was sent to any client here */
    struct tw_deadline tick;
};

void gw_room_enter(struct gw_sio_client *c)
{
    const char *tenant = c->identity.tenant.id;
    struct gw_room *room;

    if (c->room != NULL)
        return;
    room = tw_map_get(&c->all->rooms, tw_slice_of(tenant));
    if (room == NULL) {
        room = tw_new(struct gw_room);
        room->all = c->all;
        room->items.max = BATCH_BYTES;
        memcpy(room->tenant, tenant, sizeof(room->tenant));
        tw_list_init(&room->clients);
        (void)tw_map_set(&c->all->rooms, tw_slice_of(tenant), room);
    }
    c->room = room;
    c->entered_seq = room->last_seq;
    tw_list_append(&room->clients, &c->in_room);
}

void gw_room_leave(struct gw_sio_client *c)
{
    struct gw_room *room = c->room;

    if (room == NULL)
        return;
    c->room = NULL;
    tw_list_remove(&c->in_room);
    if (!tw_list_empty(&room->clients))
        return;
    (void)tw_map_remove(&c->all->rooms, tw_slice_of(room->tenant));
    tw_after_cancel(c->all->options.loop, &room->tick);
    tw_buf_done(&room->items);
    free(room);
}

/* To all clients that were sent the single events. */
static void send_batch(struct gw_room *room)
{
    struct tw_buf text = { .max = BATCH_BYTES + 64 };
    struct gw_frame *f;

    tw_buf_text(&text, "42[\"orders:batch_update\",[");
    tw_buf_append(&text, tw_buf_view(&room->items));
    tw_buf_text(&text, "]]");
    f = gw_frame_text(tw_buf_view(&text));
    tw_list_each(&room->clients, link)
    {
        struct gw_sio_client *c = tw_container_of(link, struct gw_sio_client, in_room);

        if (c->is_admitted && !gw_session_is_closing(&c->session) &&
            c->entered_seq < room->first_seq && c->session.next_seq > room->last_seq &&
            c->transport.ops->is_writable(&c->transport))
            gw_sio_send(c->socket, f);
    }
    gw_frame_unref(f);
    tw_buf_done(&text);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_room *room = tw_container_of(d, struct gw_room, tick);

    if (room->count >= 2 && !room->items.failed)
        send_batch(room);
    room->count = 0;
    tw_buf_done(&room->items);
    room->items.failed = false;
}

/* `42["order:created",{…},"41"]`: the name and the payload, as they stand there. */
static bool cut_frame(const struct gw_frame *f, struct tw_slice *name, struct tw_slice *payload)
{
    struct tw_slice rest = tw_slice_skip(gw_frame_payload(f), 2);

    return tw_json_element(&rest, name) && tw_json_element(&rest, payload);
}

void gw_room_sent(struct gw_session *s, const struct tw_event *ev, const struct gw_batch *batch)
{
    struct gw_room *room = gw_client_of(s)->room;
    struct tw_slice name, payload, id;

    if (room == NULL || s->phase == GW_REPLAYING || ev->seq <= room->last_seq)
        return;
    room->last_seq = ev->seq;
    if (!tw_slice_starts(ev->type, TW_LIT("order.")) || batch->count == 0 ||
        !cut_frame(batch->frames[0], &name, &payload) || !tw_json_get(ev->data, "orderId", &id))
        return;
    if (room->count++ > 0)
        tw_buf_char(&room->items, ',');
    else
        room->first_seq = ev->seq;
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
