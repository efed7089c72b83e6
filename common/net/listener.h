/* listener.h - accepting connections on several addresses, up to a limit.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/loop.h"
#include "common/util/slice.h"

struct tw_stream;
struct tw_listener;

/* A new connection; the stream is given and has no owner yet. */
typedef void (*tw_accept_cb)(struct tw_listener *l, struct tw_stream *stream);

#define TW_LISTENER_SOCKETS 8

struct tw_listener_options {
    struct tw_loop *loop;
    struct tw_slice addresses; /* with commas between them (address.h) */
    bool inherits; /* sockets that systemd hands over (LISTEN_FDS) are used instead */
    tw_accept_cb accept;
};

struct tw_listener_socket; /* one address */

/* Embedded in whoever accepts. */
struct tw_listener {
    /* See stream.h; set before the start, or 0: not limited. Both are told once, to the socket
     * that listens, and connections inherit them. */
    int unsent_bytes;
    unsigned user_timeout_ms;
    struct tw_loop *loop;
    tw_accept_cb accept;
    struct tw_listener_socket *sockets[TW_LISTENER_SOCKETS];
    size_t count;
};

/* Listen on a comma-separated list of addresses (address.h), TCP with SO_REUSEPORT, so that a
 * new instance serves before the old one is gone. Sockets that systemd hands over (LISTEN_FDS)
 * are used instead when `inherits`. 0, or a negative error with `*which` (lent from
 * `addresses`) saying where; what was opened is then closed by tw_listener_stop. */
int tw_listener_start(struct tw_listener *l, const struct tw_listener_options *options,
                      struct tw_slice *which);

/* Accept no more; connections live on. Fine when it never started. */
void tw_listener_stop(struct tw_listener *l);
