/* handler.h - what a WebSocket connection needs of whoever speaks over it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/slice.h"

struct gw_handler;

/* A session, or an engine between the connection and a session. All are called from the loop,
 * never from within one of its own calls to the transport. */
struct gw_handler_ops {
    /* It may be given messages; until then the connection is not read. */
    bool (*is_ready)(const struct gw_handler *t);
    void (*text)(struct gw_handler *t, struct tw_slice message); /* lent; good UTF-8 */
    void (*binary)(struct gw_handler *t, struct tw_slice message);
    void (*writable)(struct gw_handler *t, uint64_t now_ms); /* its wire has room again */
    void (*closing)(struct gw_handler *t);  /* nothing that it sends will arrive any more */
    void (*farewell)(struct gw_handler *t); /* this process goes: the last words, if any */
    /* The connection is over, and this the last call: why, and our close code or 0. */
    void (*ended)(struct gw_handler *t, unsigned code, const char *reason);
};

/* Embedded in whoever it is. */
struct gw_handler {
    const struct gw_handler_ops *ops;
};
