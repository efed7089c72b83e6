/* client.h - a Restaurant OS client: from its credential over its rooms to its end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/util/slice.h"
#include "gateway/dialect/batch.h"

struct gw_session;

/* For the dialect's row. */
void gw_client_greet(struct gw_session *s, uint64_t seq, uint64_t oldest);
void gw_client_resync(struct gw_session *s, uint64_t seq, uint64_t oldest);

/* Whether it has joined the restaurant and, when one is named, that station. */
bool gw_client_hears(const struct gw_session *s, struct tw_slice station);

/* An event was handed to it: the room's next orders:batch_update may get it. */
void gw_client_given(struct gw_session *s, const struct tw_event *ev,
                     const struct gw_batch *batch);
