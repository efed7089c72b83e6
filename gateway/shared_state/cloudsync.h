/* cloudsync.h - AI-POS cloud sync devices: their row, and what its two files share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

/* Its family is the struct gw_shared_state. */
extern const struct gw_dialect gw_cloudsync;

#define GW_CLOUDSYNC_KINDS 6

/* One kind of data: as the state calls it, and as typed frames do. */
struct gw_cloudsync_kind {
    const char *event; /* canonical; null: several */
    const char *kind;  /* data_type */
    const char *type, *id;
    bool is_person; /* from a device, the id beside the data is who did it */
};
extern const struct gw_cloudsync_kind gw_cloudsync_kinds[GW_CLOUDSYNC_KINDS];

/* Whether devices are shown events of this type, and as which messages. */
bool gw_cloudsync_shows(const struct tw_event *ev);
void gw_cloudsync_render(const struct gw_tenant *tenant, const struct tw_event *ev,
                         struct gw_batch *batch);
