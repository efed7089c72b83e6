/* control.h - news about keys and tenants: whose sessions must end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "gateway/auth.h"
#include "gateway/conn.h"

/* Read a message of the control channel (rewritten in place) and act on it; nonsense is logged
 * and ignored. */
void gw_control_read(struct gw_conns *conns, struct gw_auth *auth, char *at, size_t len);

/* Close sessions whose key has expired by now. */
void gw_control_expire(struct gw_conns *conns);
