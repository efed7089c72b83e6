/* minipos.h - MiniPOS tablets: their row.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"
#include "gateway/shared_state/minipos_events.h"

/* Its family is the struct gw_shared_state. */
extern const struct gw_dialect gw_minipos;
