/* listener.h - accepting connections on several addresses, up to a limit.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/address.h"
#include "common/net/handed_over.h"
#include "common/net/handshakes.h"
#include "common/net/loop.h"
#include "common/util/slice.h"

struct tw_stream;
struct tw_listener;
struct tw_tls_context;

/* A new connection; the stream is given and has no owner yet. */
typedef void (*tw_accept_cb)(struct tw_listener *l, struct tw_stream *stream);

#define TW_LISTENER_SOCKETS 8

/* Who may connect. */
enum tw_listener_for { TW_LISTENS_FOR_CLIENTS, TW_LISTENS_FOR_OPERATORS };

struct tw_listener_options {
    struct tw_loop *loop;
    struct tw_slice addresses;          /* with commas between them; see tw_listener_address */
    struct tw_handed_over *handed_over; /* sockets to be used where they fit; may be null */
    enum tw_listener_for listens_for;   /* of those, whose it serves */
    struct tw_tls_context *tls;         /* kept; null: no address may want it */
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
    struct tw_tls_context *tls;
    struct tw_handshakes handshakes;
    tw_accept_cb accept;
    struct tw_listener_socket *sockets[TW_LISTENER_SOCKETS];
    size_t count, handed_over_count;
};

/* One of the addresses: as in address.h, and with "tls:" before it where TLS is spoken. 0, or
 * TW_ESYNTAX. */
int tw_listener_address(struct tw_slice text, struct tw_address *address, bool *has_tls);

/* Listen on a comma-separated list of addresses, TCP with SO_REUSEPORT, so that a new instance
 * serves before the old one is gone. An address at which a socket was handed over is not opened
 * again: that one is used, and so are those that the list does not name. TLS is spoken where
 * either says so. 0, or a negative error with `*which` (lent from `addresses`) saying where;
 * what was opened is then closed by tw_listener_stop. */
int tw_listener_start(struct tw_listener *l, const struct tw_listener_options *options,
                      struct tw_slice *which);

/* Other certificates for those who connect from now on; keeps them. */
void tw_listener_set_tls(struct tw_listener *l, struct tw_tls_context *tls);

/* Whether sockets outlive it, which others have opened: whoever connects is not refused. */
bool tw_listener_is_kept(const struct tw_listener *l);

/* Accept what the kernel has accepted, since a request may have come with it, and stop. */
void tw_listener_drain(struct tw_listener *l);

/* Accept no more; connections live on. Fine when it never started. */
void tw_listener_stop(struct tw_listener *l);
