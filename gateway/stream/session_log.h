/* session_log.h - what the sync log says of a session that begins or ends: `row` has who it is,
 * and the rest is added here.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "gateway/stream/early.h"
#include "gateway/stream/holders.h"
#include "gateway/stream/sync_log.h"

void gw_session_log_connect(struct gw_sync_log *log, struct gw_sync_log_row row,
                            const struct gw_holder *holder, const struct gw_origin *from);

/* `row` has the close code and the reason, one of gw_closes or null, and `since`;
 * `heartbeat_ms` is of its gateway (sessions.h). */
void gw_session_log_disconnect(struct gw_sync_log *log, struct gw_sync_log_row row,
                               uint64_t heartbeat_ms);
