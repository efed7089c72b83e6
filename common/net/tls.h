/* tls.h - TLS 1.2 (RFC 5246) as bytes in and bytes out, without a socket: mbedTLS's door.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* What the connections of one kind have in common: certificates, whom they trust. Counted: each
 * connection keeps its own, so a new one can take its place at any time. */
struct tw_tls_context;

struct tw_tls_server_options {
    /* PEM files with commas between them, each a certificate and its chain. A client gets the
     * one for the name that it asks for (RFC 6066 section 3), else the first that it can use.
     */
    const char *certificates;
    const char *keys; /* as many PEM files, in the same order: RSA from 2048 bits, or ECDSA on
                         P-256 */
};

struct tw_tls_client_options {
    const char *authorities;       /* PEM file of who is trusted; null: those of the system */
    const char *certificate, *key; /* PEM files, for servers that ask who we are; or null */
};

/* The files are read now. Gives: tw_tls_context_drop. Null, and why in `problem`, when they
 * cannot be used. */
struct tw_tls_context *tw_tls_server_new(const struct tw_tls_server_options *options,
                                         struct tw_buf *problem);
struct tw_tls_context *tw_tls_client_new(const struct tw_tls_client_options *options,
                                         struct tw_buf *problem);

struct tw_tls_context *tw_tls_context_keep(struct tw_tls_context *c);
void tw_tls_context_drop(struct tw_tls_context *c); /* fine on null */

bool tw_tls_context_is_server(const struct tw_tls_context *c);

/* When the first of a server's certificates ends: seconds since 1970. */
int64_t tw_tls_context_expires(const struct tw_tls_context *c);

/* One connection's state; some 36 KB, most of it mbedTLS's buffers for records. */
struct tw_tls;

/* `server` is the name or numeric address that a client's server must have a certificate for;
 * null for servers. Keeps the context. Null when memory is out. */
struct tw_tls *tw_tls_new(struct tw_tls_context *context, const char *server);
void tw_tls_free(struct tw_tls *t); /* fine on null */

/* Bytes of the peer, lent until tw_tls_unread is empty or other bytes take their place. */
void tw_tls_feed(struct tw_tls *t, struct tw_slice bytes);
struct tw_slice tw_tls_unread(const struct tw_tls *t);

/* 1: done, 0: more bytes are needed, or TW_ETLS. What it says to the peer is in tw_tls_out. */
int tw_tls_handshake(struct tw_tls *t);

#define TW_TLS_RECORD_BYTES 16384

/* What the peer said, after the handshake: how many bytes of `to`; 0: more are needed; UV_EOF:
 * it ended; or TW_ETLS. `size` of TW_TLS_RECORD_BYTES leaves nothing behind. */
int tw_tls_read(struct tw_tls *t, char *to, size_t size);

/* Say `bytes`: at most TW_TLS_RECORD_BYTES, one record if the peer takes such long ones. 0 or
 * TW_ETLS. */
int tw_tls_write(struct tw_tls *t, struct tw_slice bytes);

void tw_tls_end(struct tw_tls *t); /* say that nothing follows (close_notify) */

/* What is to be sent to the peer; whoever sends it empties it. */
struct tw_buf *tw_tls_out(struct tw_tls *t);

/* Why it was TW_ETLS, for a log; empty when it was not. Lent. */
const char *tw_tls_problem(const struct tw_tls *t);
