/* frame.h - a message encoded once, shared by reference.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

struct gw_deflate;

/* Its bytes never change. Each holder has a reference; the last one frees it. */
struct gw_frame {
    uint32_t references;
    uint32_t head; /* bytes before the payload: the WebSocket header */
    size_t len;
    struct gw_frame *deflated; /* owned; null: not needed yet; itself: it goes plain */
    char bytes[];
};

/* A text message as one WebSocket frame (RFC 6455 section 5.2, unmasked). Gives a reference. */
struct gw_frame *gw_frame_text(struct tw_slice payload);

/* The same with any opcode; control frames take at most 125 bytes of payload. */
struct gw_frame *gw_frame_control(unsigned opcode, struct tw_slice payload);

/* Bytes that are not a WebSocket frame: the answer to a handshake. */
struct gw_frame *gw_frame_raw(struct tw_slice bytes);

/* The frame for connections that agreed to permessage-deflate: the same message compressed,
 * made by the first call, or `f` itself when it is short or does not get shorter. Lent with
 * `f`. */
struct gw_frame *gw_frame_deflated(struct gw_frame *f, struct gw_deflate *deflate);

struct gw_frame *gw_frame_ref(struct gw_frame *f);
void gw_frame_unref(struct gw_frame *f); /* fine with null */

struct tw_slice gw_frame_bytes(const struct gw_frame *f); /* lent with the frame */
struct tw_slice gw_frame_payload(const struct gw_frame *f);

/* Bytes that it holds, the compressed ones included if there are any by now. */
size_t gw_frame_weight(const struct gw_frame *f);

#define GW_OPCODE_TEXT 1u
#define GW_OPCODE_BINARY 2u
#define GW_OPCODE_CLOSE 8u
#define GW_OPCODE_PING 9u

bool gw_frame_is_binary(const struct gw_frame *f);

/* A close frame with a code (0: none) and a reason of at most 123 bytes. */
struct gw_frame *gw_frame_close(unsigned code, struct tw_slice reason);
