/* minipos_lists.h - the lists that a MiniPOS tablet keeps, and how it is sent them.
 *
 * A tablet takes every list inside `data.data` of a SYNC_RESPONSE as the whole truth, in place
 * of its own; orders alone it merges by their ids. So only lists that the restaurant has handed
 * over (`mastered` in the state) stand there.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/shared_state/device.h"

struct tw_event;

enum gw_minipos_list {
    GW_TABLES_LIST,
    GW_ITEMS_LIST,
    GW_CATEGORIES_LIST,
    GW_SETTINGS_LIST,
    GW_ORDERS_LIST,
};

/* The list that an event is about, or GW_NO_LIST. */
int gw_minipos_list_of(const struct tw_event *ev);

/* Whether a tablet needs the whole list to follow this event: the list was handed over, or a
 * row is new in it. The public client would give a row that is added an id of its own, once for
 * each part of it that listens. */
bool gw_minipos_needs_list(const struct tw_event *ev);

/* All lists, as SYNC_REQUEST asks for them: what minipos_state has answered. */
struct gw_frame *gw_minipos_render_state(struct tw_slice body, unsigned *shown);

/* One list, whole: which one, the body says. */
extern const struct gw_snapshot_kind gw_minipos_list;
const char *gw_minipos_list_body(int list);
