/* upgrade.h - the WebSocket handshake, RFC 6455 section 4.2.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_message.h"
#include "common/util/buf.h"

/* Whether the request asks for a WebSocket. */
bool gw_upgrade_is_asked(const struct tw_http_request *req);

/* The longest header that a request may have. */
#define GW_MAX_SUBPROTOCOL ((size_t)16384)

/* Null when the handshake is valid, else the code of a refusal: UPGRADE_REQUIRED for another
 * version or none, BAD_HANDSHAKE, METHOD_NOT_ALLOWED. */
const char *gw_upgrade_check(const struct tw_http_request *req);

/* Appends a whole "101 Switching Protocols" for a valid handshake to `out`: up to 1024 bytes,
 * and the first subprotocol that the client asks for. We speak what our addresses say, whatever
 * it is called; a browser closes the connection when none of its names comes back. True when it
 * agrees to permessage-deflate (RFC 7692), without context takeover on either side. */
bool gw_upgrade_answer(const struct tw_http_request *req, int64_t wall_ms, struct tw_buf *out);
