/* minipos_events.h - events as MiniPOS tablets hear them, and the frame of every message.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

/* A message up to its data, and from there to its end. `client` is the originator's id; `seq` 0
 * is left out. */
void gw_minipos_open(struct tw_buf *out, const char *type);
void gw_minipos_close(struct tw_buf *out, struct tw_slice client, uint64_t seq);

/* Whether tablets are shown this event, and as which message. */
bool gw_minipos_shows(const struct tw_event *ev);
void gw_minipos_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                       struct gw_batch *batch);
