/* dialect_metrics.h - numbers for each dialect, of all sessions together.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/metrics.h"

/* Of a struct gw_sessions. */
extern const struct tw_metric_table gw_dialect_sessions_metrics, gw_dialect_ends_metrics;
