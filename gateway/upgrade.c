/* upgrade.c - checking and answering handshakes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/upgrade.h"

#include "common/crypto.h"
#include "common/encode.h"

bool gw_upgrade_is_asked(const struct tw_http_request *req)
{
    return req->wants_upgrade && tw_http_header_has(req, "upgrade", "websocket");
}

/* 16 bytes in base64: 22 characters and "==". */
static bool is_good_key(struct tw_slice key)
{
    if (key.len != 24 || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.at[i];

        if (!((c >= '0' && c <= '9') ||
              (tw_ascii_lower(c) >= 'a' && tw_ascii_lower(c) <= 'z') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

const char *gw_upgrade_check(const struct tw_http_request *req)
{
    if (req->method != TW_GET)
        return "METHOD_NOT_ALLOWED";
    if (!gw_upgrade_is_asked(req) ||
        !tw_slice_is(tw_http_header(req, "sec-websocket-version"), "13"))
        return "UPGRADE_REQUIRED";
    if (req->body.len > 0 || !is_good_key(tw_http_header(req, "sec-websocket-key")))
        return "BAD_HANDSHAKE";
    return NULL;
}

void gw_upgrade_answer(const struct tw_http_request *req, struct tw_buf *out)
{
    struct tw_buf text = { .max = 128 }, accept = { .max = 64 };
    struct tw_http_response res = { .status = 101 };
    uint8_t digest[TW_SHA1_BYTES];

    tw_buf_append(&text, tw_http_header(req, "sec-websocket-key"));
    tw_buf_text(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"); /* section 1.3 */
    tw_sha1(tw_buf_view(&text), digest);
    tw_base64(&accept, tw_slice_from((const char *)digest, sizeof(digest)));
    tw_http_add(&res, "Upgrade", TW_LIT("websocket"));
    tw_http_add(&res, "Connection", TW_LIT("Upgrade"));
    tw_http_add(&res, "Sec-WebSocket-Accept", tw_buf_view(&accept));
    tw_http_write(out, &res, false, true);
    tw_buf_done(&text);
    tw_buf_done(&accept);
}
