/* bounds.h - what a gateway lets its clients hold and ask for (common/daemon/bounds.h).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/daemon/bounds.h"

#define GW_BODIES_BYTES ((uint64_t)64 * 1024 * 1024)
#define GW_LARGE_MESSAGES 64 /* of the longest that may be sent, arriving at once */

extern const struct tw_bound gw_bounds[];
