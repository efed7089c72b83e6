/* transport.h - what an object that speaks needs of the connection below it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/websocket/close.h"

struct gw_frame;
struct gw_transport;

struct gw_transport_ops {
    /* Whether more may be sent now; after a false the handler hears `writable`. */
    bool (*is_writable)(const struct gw_transport *t);
    /* How many bytes it has passed on so far: as long as this grows, its client reads. May be
     * null: then only that it becomes writable shows that. */
    uint64_t (*taken)(const struct gw_transport *t);
    /* Queue a frame (takes another reference); what one turn queues leaves in one write. */
    void (*send)(struct gw_transport *t, struct gw_frame *f);
    /* Say goodbye after all that is queued; `reason` is static. Only noted: nothing is freed
     * before this returns. Callers have gw_transport_close. */
    void (*close)(struct gw_transport *t, unsigned code, const char *reason);
    /* The handler has become ready: the client's messages are wanted from now on. May be null:
     * then it need not be told. */
    void (*begin)(struct gw_transport *t);
};

/* Embedded in the connection. */
struct gw_transport {
    const struct gw_transport_ops *ops;
};

static inline void gw_transport_close(struct gw_transport *t, struct gw_close why)
{
    t->ops->close(t, why.code, why.reason);
}
