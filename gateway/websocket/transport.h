/* transport.h - what a session needs of its transport.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct gw_frame;
struct gw_transport;

struct gw_transport_ops {
    /* Whether more may be sent now; when it turns true again, gw_session_writable is called. */
    bool (*is_writable)(const struct gw_transport *w);
    /* Queue a frame (takes another reference); what one turn queues leaves in one write. */
    void (*send)(struct gw_transport *w, struct gw_frame *f);
    /* Say goodbye behind all that is queued. Only noted: nothing is freed before this returns.
     */
    void (*close)(struct gw_transport *w, unsigned code, const char *reason);
    /* The session has been greeted: what its client says is wanted from now on. May be null. */
    void (*begin)(struct gw_transport *w);
};

/* Embedded in the transport's connection. */
struct gw_transport {
    const struct gw_transport_ops *ops;
};
