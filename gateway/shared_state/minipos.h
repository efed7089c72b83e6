/* minipos.h - MiniPOS tablets: their row, and what its two files share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

/* Its family is the struct gw_shared_state. */
extern const struct gw_dialect gw_minipos;

/* A message up to its data, and from there to its end. `client` is the originator's id; `seq` 0
 * is left out. */
void gw_minipos_open(struct tw_buf *out, const char *type);
void gw_minipos_close(struct tw_buf *out, struct tw_slice client, uint64_t seq);

/* Whether tablets are shown events of this type, and as which message. */
bool gw_minipos_shows(const struct tw_event *ev);
void gw_minipos_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                       struct gw_batch *batch);
