/* session_log.h - what the sync log says of a session that begins or ends (sync_log.h).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/stream/early.h"

struct gw_session;

/* It was greeted. */
void gw_session_log_connect(const struct gw_session *s, const struct gw_origin *from);

/* It ends, which its stream is told afterwards; `reason` is one of gw_closes, or null. */
void gw_session_log_disconnect(const struct gw_session *s, unsigned code, const char *reason);
