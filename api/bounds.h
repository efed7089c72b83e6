/* bounds.h - what an api process lets its clients hold and ask for (common/daemon/bounds.h).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/daemon/bounds.h"

#define API_TARGET_BYTES 4096
#define API_HEAD_BYTES 16384
#define API_BODIES_BYTES ((uint64_t)128 * 1024 * 1024)
/* In a drain; nginx keeps a connection for two thirds of it (deploy/nginx/upstreams), so that
 * it is nginx who closes. */
#define API_LAST_MS 3000

extern const struct tw_bound api_bounds[];
