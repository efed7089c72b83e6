/* sio_packet.h - Socket.IO v5 packets: what is inside an Engine.IO message, without the `4`.
 *
 *     <type>[<attachments>-][<namespace>,][<ack id>][JSON]
 *
 * (socket.io-protocol v5, "Packet encoding"). Reading is for what clients send: it holds them
 * to the rules for payloads, so that a packet that was read can be acted upon.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* In the order of their digits. */
enum gw_sio_type {
    GW_SIO_CONNECT,
    GW_SIO_DISCONNECT,
    GW_SIO_EVENT,
    GW_SIO_ACK,
    GW_SIO_CONNECT_ERROR,
    GW_SIO_BINARY_EVENT,
    GW_SIO_BINARY_ACK
};

#define GW_SIO_ATTACHMENTS 10 /* of one packet */
#define GW_SIO_ACK_DIGITS 20
#define GW_SIO_NSP_BYTES 128

struct gw_sio_packet {
    enum gw_sio_type type;
    struct tw_slice nsp;  /* without a query; "/" when none is named */
    struct tw_slice ack;  /* its digits as they came; empty: none */
    unsigned attachments; /* binary messages that follow */
    struct tw_slice json; /* the payload, compact; empty: none */
    struct tw_slice name; /* of an event: raw JSON, a string with its quotes or a number */
};

/* Read one packet from a client. The `len` bytes at `at` are changed in place; all slices are
 * lent with them. A namespace may come without its comma when nothing follows. An
 * acknowledgement without an id passes: no caller waits for it.
 *
 * 0, or what tw_json_scan returns for a bad payload, TW_ETOOBIG for more than the limits above,
 * TW_ESYNTAX for all else that a client may not send; `out` is untouched then. The rules:
 * - CONNECT has an object or nothing, DISCONNECT nothing, an ack an array;
 * - an event has an array whose first item is a number, or a string that is no reserved name;
 * - CONNECT_ERROR comes from servers only;
 * - a binary packet announces 1 attachment or more, and its placeholders name those. */
int gw_sio_read(char *at, size_t len, struct gw_sio_packet *out);

/* Where the arguments of an event (after its name) or an ack begin, for gw_sio_arg. */
struct tw_slice gw_sio_args(const struct gw_sio_packet *p);

/* Cuts the next argument off, as raw JSON that is lent with the packet; false at the end. */
bool gw_sio_arg(struct tw_slice *rest, struct tw_slice *out);

/* Append the head of a packet as an Engine.IO message, its `4` included; the caller appends the
 * JSON. The namespace "/" is left out, as is the number of attachments of what is not binary:
 * `42`, `42/custom,`, `431`, `451-`. */
void gw_sio_put_head(struct tw_buf *out, enum gw_sio_type type, unsigned attachments,
                     struct tw_slice nsp, struct tw_slice ack);
