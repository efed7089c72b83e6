/* dialects.h - the rows: which dialects this gateway speaks.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

struct gw_restaurant_os;
struct gw_shared_state;
struct gw_tills;

/* All dialects, in the order in which handshakes are offered to them. The families are kept. */
struct gw_dialects gw_all_dialects(struct gw_tills *tills, struct gw_shared_state *shared_state,
                                   struct gw_restaurant_os *restaurant_os);
