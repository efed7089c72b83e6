/* ws_frames.h - a client's WebSocket frames, good and broken ones, and a server's frames read.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* The first byte of a frame: FIN, RSV1 to RSV3 and the opcode (RFC 6455 section 5.2). */
#define WS_FIN 0x80u
#define WS_RSV1 0x40u
#define WS_RSV2 0x20u
#define WS_RSV3 0x10u
#define WS_MORE 0x00u /* a continuation */
#define WS_TEXT 0x01u
#define WS_BINARY 0x02u
#define WS_CLOSE 0x08u
#define WS_PING 0x09u
#define WS_PONG 0x0au

/* A masked frame in the shortest length form; and one without a mask, which is an error. */
void ws_put(struct tw_buf *out, unsigned first, struct tw_slice payload);
void ws_put_unmasked(struct tw_buf *out, unsigned first, struct tw_slice payload);

/* A masked frame's head alone, in the length form of `form` bytes (0, 2 or 8), shortest or not.
 */
void ws_put_head(struct tw_buf *out, unsigned first, uint64_t length, int form);

/* A close frame with a code and a reason. */
void ws_put_close(struct tw_buf *out, unsigned code, struct tw_slice reason);

/* The server's frames as text: "pong(beat)", "close(1000 bye)", "close()", "text(…)"; fails the
 * test when they are no whole, unmasked frames. */
void ws_read_server(struct tw_buf *out, struct tw_slice bytes);
