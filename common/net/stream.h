/* stream.h - a TCP or Unix stream on libuv, perhaps with TLS: read on demand, write, close; may
 * change its owner.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/loop.h"
#include "common/util/slice.h"

struct tw_handshakes;
struct tw_stream;
struct tw_stream_owner;
struct tw_tls_context;

/* The events of an owner. None of these comes before the call that caused it has returned. */
struct tw_stream_events {
    void (*on_read)(struct tw_stream_owner *o, struct tw_slice bytes); /* lent */
    /* No more bytes will come: the peer ended (0) or the connection broke (negative). */
    void (*on_end)(struct tw_stream_owner *o, int err);
    /* The write that had to wait is done (0) or failed; its parts may go. */
    void (*on_written)(struct tw_stream_owner *o, int err);
    /* The last call: the stream is gone with this. The owner may free itself. */
    void (*on_closed)(struct tw_stream_owner *o);
};

/* Embedded in the stream's owner. */
struct tw_stream_owner {
    const struct tw_stream_events *events;
};

/* All gives: the caller owns the stream until tw_stream_close. */
struct tw_stream *tw_stream_accept(struct tw_loop *loop, uv_stream_t *listener, bool is_unix,
                                   int *err);

/* One that was accepted already: takes `fd`, even if it fails. */
struct tw_stream *tw_stream_adopt(struct tw_loop *loop, int fd, bool is_unix, int *err);

/* An accepted one with TLS, whose handshake is made when it is its turn (handshakes.h, kept),
 * and within ten seconds; the owner notices nothing of it. */
struct tw_stream *tw_stream_accept_tls(struct tw_loop *loop, uv_stream_t *listener,
                                       struct tw_tls_context *context,
                                       struct tw_handshakes *handshakes, int *err);

/* Small writes are sent at once (TCP_NODELAY). */
void tw_stream_no_delay(struct tw_stream *s);

/* It has inherited its limits, of which it need not be told then (listener.h). */
void tw_stream_has_inherited(struct tw_stream *s);

/* Connect to an address of tw_address_parse; the answer comes by on_written (0 or an error). */
struct tw_address;
struct tw_stream *tw_stream_connect(struct tw_loop *loop, const struct tw_address *address,
                                    struct tw_stream_owner *owner, int *err);

/* The same with TLS, to a server that has a certificate for `server` (a name or a numeric
 * address); on_written comes when that is certain. */
struct tw_stream *tw_stream_connect_tls(struct tw_loop *loop, const struct tw_address *address,
                                        struct tw_stream_owner *owner,
                                        struct tw_tls_context *context, const char *server,
                                        int *err);

/* Why it failed, or takes so long, as a text for logs: what TLS has against the peer, or else
 * that of `err`. Lent. */
const char *tw_stream_why(const struct tw_stream *s, int err);

/* Its client should have spoken TLS and did not. It is answered without, and that should say
 * so.
 */
bool tw_stream_lacks_tls(const struct tw_stream *s);

void tw_stream_set_owner(struct tw_stream *s, struct tw_stream_owner *owner); /* keeps */
struct tw_loop *tw_stream_loop(const struct tw_stream *s);

void tw_stream_want_read(struct tw_stream *s, bool wants); /* idempotent */

#define TW_STREAM_PARTS 128

/* Write `n` (at most TW_STREAM_PARTS) parts in one system call. 1: all is written. 0: the
 * kernel's buffer is full; the parts must stay as they are until on_written, and no other
 * write may be made before. Negative: the connection is broken. */
int tw_stream_write(struct tw_stream *s, const struct tw_slice *parts, size_t n);

/* Bytes of the write that waits which the kernel has not taken yet. */
size_t tw_stream_pending(const struct tw_stream *s);

/* The kernel takes no more while it has so many bytes that are not sent yet
 * (TCP_NOTSENT_LOWAT): what waits stays here, where it can be judged. */
void tw_stream_unsent_limit(struct tw_stream *s, int bytes);

/* Sends FIN after what is written; reading continues. Only when no write waits. */
void tw_stream_finish(struct tw_stream *s);

/* Ends it. on_closed follows from the loop; nothing else does. */
void tw_stream_close(struct tw_stream *s);

/* The peer's address as text ("unix" for Unix sockets; empty once it is gone), lent until the
 * next call for any stream of the loop; and whether it is on this machine. The kernel is asked
 * each time: few want to know. */
struct tw_slice tw_stream_peer(const struct tw_stream *s);
bool tw_stream_peer_is_local(const struct tw_stream *s);

/* Its limit for data that stays unacknowledged (TCP_USER_TIMEOUT). */
void tw_stream_user_timeout(struct tw_stream *s, unsigned ms);
