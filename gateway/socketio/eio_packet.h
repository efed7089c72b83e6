/* eio_packet.h - Engine.IO v4 packets: single ones, and the payloads of long-polling.
 *
 * A packet is one type digit and its data. A WebSocket message carries one packet (a binary
 * message has no digit); in long-polling packets are joined by 0x1e and binary data are `b` and
 * base64 (engine.io-protocol v4, "Protocol").
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* The type digits of Engine.IO v4. */
enum gw_eio_type {
    GW_EIO_OPEN = '0',
    GW_EIO_CLOSE = '1',
    GW_EIO_PING = '2',
    GW_EIO_PONG = '3',
    GW_EIO_MESSAGE = '4',
    GW_EIO_UPGRADE = '5',
    GW_EIO_NOOP = '6'
};

struct gw_eio_packet {
    char type;            /* an enum gw_eio_type */
    bool is_binary;       /* then the type is GW_EIO_MESSAGE */
    struct tw_slice data; /* may be empty */
};

/* Read a WebSocket text message. 0, or TW_ESYNTAX when it is empty or of an unknown type. The
 * data are lent with the message, whose UTF-8 the caller has checked. */
int gw_eio_read(struct tw_slice message, struct gw_eio_packet *out);

/* Cut the next packet off a long-polling payload; `rest` starts as all of it and moves on. The
 * data are lent with the payload, or, if binary, with `scratch`, which each call clears.
 *
 * 1 for a packet, 0 at the end, or TW_ESYNTAX: an empty packet (also one after a last
 * separator), an unknown type, bad base64, more bytes than `scratch` takes, not UTF-8. Then the
 * session is over, and so is this walk. A payload of no bytes is an empty packet too, unless
 * its slice has no address: then it is the end. */
int gw_eio_next(struct tw_slice *rest, struct tw_buf *scratch, struct gw_eio_packet *out);

/* Append a packet to a long-polling payload, with the separator when it is not the first. On
 * an empty buf that makes the text of a WebSocket message as well. Text must not contain 0x1e:
 * JSON that we write or have scanned never does. */
void gw_eio_put(struct tw_buf *payload, char type, struct tw_slice data);
void gw_eio_put_raw(struct tw_buf *payload, struct tw_slice packet);   /* digit included */
void gw_eio_put_binary(struct tw_buf *payload, struct tw_slice bytes); /* `b` and base64 */

/* Append the open packet, digit included: a JSON object of exactly the members `sid`,
 * `upgrades`, `pingInterval`, `pingTimeout` and `maxPayload`, in this order. `upgrades` names
 * "websocket" when the session can go there. */
void gw_eio_put_open(struct tw_buf *out, struct tw_slice sid, bool can_upgrade,
                     uint64_t interval_ms, uint64_t timeout_ms, uint64_t max_payload);
