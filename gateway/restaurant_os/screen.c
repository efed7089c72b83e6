/* screen.c - a client in its restaurant: who it is, what it hears, and how it moves to another
 * restaurant or leaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/restaurant_os/screen.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "gateway/stream/hubs.h"

struct gw_screen *gw_screen_of(const struct gw_session *s)
{
    return tw_container_of((uintptr_t)s, struct gw_screen, session);
}

unsigned gw_station_of(struct tw_slice name)
{
    static const struct {
        const char *name;
        enum gw_station bit;
    } stations[] = {
        { "kitchen", GW_KITCHEN }, { "expo", GW_EXPO }, { "bar", GW_BAR }, { "pos", GW_POS }
    };

    for (size_t i = 0; i < TW_COUNT(stations); i++)
        if (tw_slice_is(name, stations[i].name))
            return stations[i].bit;
    return 0;
}

#define ACKING (1U << 8) /* for those that acknowledge orders */

/* 0: nobody; else the station, if it is for one, above the lowest bit. */
unsigned gw_screen_audience(const struct tw_event *ev)
{
    struct tw_slice raw, station = { NULL, 0 };

    if (gw_event_name(ev) == NULL)
        return 0;
    if (tw_slice_is(ev->type, "kitchen.alert") && tw_json_get(ev->data, "station", &raw))
        (void)tw_json_plain(raw, &station);
    return 1U | gw_station_of(station) << 1 |
           (tw_slice_is(ev->type, "order.offered") ? ACKING : 0);
}

enum gw_hearing gw_screen_hears(struct gw_session *s, const struct tw_event *ev,
                                unsigned audience)
{
    const struct gw_screen *c = gw_screen_of(s);
    unsigned station = (audience & ~ACKING) >> 1;

    if (!c->has_joined || audience == 0)
        return GW_SKIP;
    if ((audience & ACKING) != 0 && !c->acks_orders && !gw_session_is_addressed(s, ev))
        return GW_SKIP;
    return station == 0 || (c->stations & station) != 0 ? GW_SHARED : GW_SKIP;
}

void gw_screen_emit(struct gw_screen *c, const char *event, struct tw_slice payload)
{
    struct tw_buf text = { .max = payload.len + 256 };

    c->framing->put(&text, event, payload);
    if (!text.failed)
        gw_session_send(&c->session, tw_buf_view(&text));
    tw_buf_done(&text);
}

void gw_screen_init(struct gw_screen *c, struct gw_restaurant_os *all,
                    const struct gw_framing *framing)
{
    c->all = all;
    c->framing = framing;
    c->token.max = TW_JWT_BYTES;
    gw_commands_init(&c->commands, all->options.operations, GW_SCREEN_REQUESTS);
}

void gw_screen_identify(struct gw_screen *c, const struct gw_identity *who)
{
    struct tw_slice token = who->token;

    gw_principal_copy(&c->principal, who->principal);
    c->identity = *who;
    c->identity.principal = &c->principal;
    c->identity.token = TW_EMPTY; /* lent: kept beside it */
    c->identity.device = c->identity.own_device = TW_EMPTY;
    if (c->token.len == 0)
        tw_buf_append(&c->token, token);
}

void gw_screen_leave(struct gw_screen *c)
{
    gw_room_leave(c);
    gw_commands_leave(&c->commands);
    gw_screen_joined(c);
}

void gw_screen_done(struct gw_screen *c)
{
    gw_principal_done(&c->principal);
    tw_buf_done(&c->token);
}

void gw_screen_move(struct gw_screen *c, const struct gw_identity *who)
{
    struct gw_session *s = &c->session;
    struct gw_transport *transport = s->transport;
    char *device = s->device;

    s->device = NULL; /* it takes its name along */
    gw_room_leave(c);
    gw_session_end(s, gw_closes.moved.code, gw_closes.moved.reason);
    gw_screen_identify(c, who);
    c->stations = 0;
    c->has_joined = true;
    gw_session_start(s, c->all->options.sessions,
                     &(struct gw_session_options){
                         .dialect = c->framing->dialect,
                         .transport = transport,
                         .who = &c->identity,
                         .device = device != NULL ? tw_slice_of(device) : TW_EMPTY,
                     });
    free(device);
    gw_hubs_join(c->all->options.hubs, &c->identity.tenant, s);
    gw_room_enter(c);
    if (c->framing->changed != NULL)
        c->framing->changed(c);
}
