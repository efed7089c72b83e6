/* stream_events.h - canonical events of a tenant's stream, and in a word what tills hear of
 * them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/event.h"
#include "common/util/buf.h"

/* An online order's event with this seq, `extra` bytes longer than it need be; its text goes
 * to `text`, which lends it. */
struct tw_event event_of(struct tw_buf *text, uint64_t seq, size_t extra);

/* The same for an order from another source, which OrderWeb tills do not hear of. */
struct tw_event event_unheard(struct tw_buf *text, uint64_t seq);

/* What a frame tells a till, behind a blank: "connected@5", "6", "resync@9", "pong", or an
 * error's code. */
void heard_add(struct tw_buf *heard, struct tw_slice json);
