/* handler.h - what a connection needs of the object that speaks over it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

struct gw_handler;

/* A connection below is a WebSocket (conn.h) or an Engine.IO socket (socketio/eio.h). Every
 * call comes from the loop; none but `closing` comes from within a call of the handler's own to
 * its transport. What may be null has a default, so that a handler names only what it does. */
struct gw_handler_ops {
    /* Whether it may be given messages; until then the connection is not read. Null: always.
     * An Engine.IO socket does not ask: its client sends by requests that are answered. */
    bool (*is_ready)(const struct gw_handler *h);
    void (*text)(struct gw_handler *h, struct tw_slice message); /* lent; valid UTF-8 */
    /* The longest message that it takes, where that is longer than others' (0: it is not); one
     * that is longer still is skipped, and `too_long` tells. Null, both: as others. */
    size_t (*longest)(const struct gw_handler *h);
    void (*too_long)(struct gw_handler *h);
    void (*binary)(struct gw_handler *h, struct tw_slice message);
    /* Its transport is writable again. Null: it never waits for that. */
    void (*writable)(struct gw_handler *h, uint64_t now_ms);
    /* Nothing that it sends arrives from now on; may come more than once. Null: no matter. */
    void (*closing)(struct gw_handler *h);
    /* This process ends: the last words, if any. Null: none. */
    void (*farewell)(struct gw_handler *h);
    /* The connection is over, and this is the last call: why, and our close code or 0. */
    void (*ended)(struct gw_handler *h, unsigned code, const char *reason);
};

/* Embedded in the object that speaks. */
struct gw_handler {
    const struct gw_handler_ops *ops;
};

static inline bool gw_handler_is_ready(const struct gw_handler *h)
{
    return h->ops->is_ready == NULL || h->ops->is_ready(h);
}

static inline void gw_handler_writable(struct gw_handler *h, uint64_t now_ms)
{
    if (h->ops->writable != NULL)
        h->ops->writable(h, now_ms);
}

static inline void gw_handler_closing(struct gw_handler *h)
{
    if (h->ops->closing != NULL)
        h->ops->closing(h);
}

static inline void gw_handler_farewell(struct gw_handler *h)
{
    if (h->ops->farewell != NULL)
        h->ops->farewell(h);
}
