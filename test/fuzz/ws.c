/* ws.c (fuzz) - any bytes to a connection, with and without permessage-deflate, in pieces of
 * any size. The first byte chooses:
 *
 *     bit 0      permessage-deflate was agreed on
 *     bit 1      the rest is no frames but the payload of one compressed text
 *     bits 2..7  bytes of a piece; 0: all at once
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/ws.h"

#define MAX_MESSAGE 4096
#define MAX_REPLY 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(struct gw_ws *ws, bool is_text, struct tw_slice message)
{
    TW_ASSERT(message.len <= ws->pool->max_message);
    TW_ASSERT(!is_text || tw_is_utf8(message));
    TW_ASSERT(!ws->is_over);
}

static void talk(struct gw_ws *ws, struct tw_slice bytes, size_t piece, struct tw_buf *reply)
{
    unsigned code = 0;

    while (bytes.len > 0 && code == 0) {
        size_t n = piece == 0 || piece > bytes.len ? bytes.len : piece;
        char *copy = malloc(n); /* reading beyond it is noticed */

        TW_ASSERT(copy != NULL);
        memcpy(copy, bytes.at, n);
        code = gw_ws_feed(ws, tw_slice_from(copy, n), reply);
        free(copy);
        bytes = tw_slice_skip(bytes, n);
    }
    TW_ASSERT((code != 0) == ws->is_over);
    TW_ASSERT(code == 0 || (code >= 1000 && code < 5000));
    TW_ASSERT(code == 0 || reply->len > 0); /* the end is said */
}

/* The payload as one frame: FIN, RSV1, text, and a mask of zeros (RFC 6455 section 5.2). */
static void put_frame(struct tw_buf *out, struct tw_slice payload)
{
    tw_buf_char(out, (char)0xc1);
    if (payload.len < 126) {
        tw_buf_char(out, (char)(0x80 | payload.len));
    } else {
        tw_buf_char(out, (char)(payload.len < 65536 ? 0xfe : 0xff));
        for (int i = payload.len < 65536 ? 1 : 7; i >= 0; i--)
            tw_buf_char(out, (char)((uint64_t)payload.len >> (8 * i) & 255));
    }
    tw_buf_append(out, TW_LIT("\0\0\0\0"));
    tw_buf_append(out, payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_deflate deflate = { 0 };
    struct gw_ws_pool pool = { .max_message = MAX_MESSAGE, .deflate = &deflate };
    struct gw_ws ws = { .pool = &pool, .on_message = on_message };
    struct tw_buf reply = { .max = MAX_REPLY }, frame = { .max = size + 16 };
    struct tw_slice bytes;

    if (size < 1)
        return 0;
    ws.is_deflating = (data[0] & 1) != 0;
    bytes = tw_slice_from((const char *)data + 1, size - 1);
    if ((data[0] & 2) != 0) {
        put_frame(&frame, bytes);
        bytes = tw_buf_view(&frame);
    }
    talk(&ws, bytes, data[0] >> 2, &reply);
    gw_ws_done(&ws);
    TW_ASSERT(pool.lent.value == 0);
    gw_ws_pool_done(&pool);
    gw_deflate_done(&deflate);
    tw_buf_done(&frame);
    tw_buf_done(&reply);
    return 0;
}
