/* rendering.h - an event, and what a dialect makes of it: for the tests of the dialects' words.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/event.h"
#include "gateway/dialect/dialect.h"
#include "test/unit/support/check.h"

/* The tenant of these tests: "kitchen". */
#define KITCHEN_ID "69fb5687-044a-48af-ac0e-d6b817aec684"
extern const struct gw_tenant kitchen;

/* The moment at which these events happened. */
#define EVENT_AT "2026-01-05T18:00:02.117Z"

/* An event with these JSON objects in it; its text goes to `text`, which lends it.
 */
struct tw_event event_with(struct tw_buf *text, uint64_t seq, const char *type,
                           const char *origin, const char *data);

/* The frames that the dialect renders of event 17 for all its sessions are these, one a line; a
 * timestamp that is the present moment stands there as `"timestamp":now`. */
#define assert_renders(dialect, type, origin, data, want)                                      \
    check_renders((dialect), (type), (origin), (data), (want), __FILE__, __LINE__)
void check_renders(const struct gw_dialect *dialect, const char *type, const char *origin,
                   const char *data, const char *want, const char *file, int line);

/* Append JSON with its timestamp replaced by `now`, when that is the present moment. */
void put_without_now(struct tw_buf *out, struct tw_slice json);

/* Append the frames' payloads, each on a line of its own. */
void put_batch(struct tw_buf *out, const struct gw_batch *batch);
