/* frame.c - encoding frames and counting their holders.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/frame.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "gateway/websocket/deflate.h"

#define RSV1 0x40u /* the message is compressed (RFC 7692 section 6) */

/* FIN, the opcode (RSV1 may be with it) and the shortest length form that fits; server frames
 * carry no mask. */
static uint32_t put_head(unsigned char head[10], unsigned opcode, size_t n)
{
    head[0] = (unsigned char)(0x80u | opcode);
    if (n < 126) {
        head[1] = (unsigned char)n;
        return 2;
    }
    if (n < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(n >> 8);
        head[3] = (unsigned char)(n & 255);
        return 4;
    }
    head[1] = 127;
    for (int i = 0; i < 8; i++)
        head[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i) & 255);
    return 10;
}

static struct gw_frame *frame_new(const unsigned char *head, uint32_t head_len,
                                  struct tw_slice payload)
{
    struct gw_frame *f = tw_alloc_bytes(sizeof(*f) + head_len + payload.len);

    *f = (struct gw_frame){ .references = 1, .head = head_len, .len = head_len + payload.len };
    memcpy(f->bytes, head, head_len);
    if (payload.len > 0)
        memcpy(f->bytes + head_len, payload.at, payload.len);
    return f;
}

struct gw_frame *gw_frame_control(unsigned opcode, struct tw_slice payload)
{
    unsigned char head[10];
    uint32_t n = put_head(head, opcode, payload.len);

    return frame_new(head, n, payload);
}

struct gw_frame *gw_frame_text(struct tw_slice payload)
{
    return gw_frame_control(GW_OPCODE_TEXT, payload);
}

struct gw_frame *gw_frame_raw(struct tw_slice bytes)
{
    unsigned char none[1] = { 0 };

    return frame_new(none, 0, bytes);
}

struct gw_frame *gw_frame_close(unsigned code, struct tw_slice reason)
{
    char payload[125] = { (char)(code >> 8 & 255), (char)(code & 255) };
    size_t n = reason.len < 123 ? reason.len : 123;

    if (code == 0)
        return gw_frame_control(GW_OPCODE_CLOSE, TW_EMPTY);
    if (n > 0)
        memcpy(payload + 2, reason.at, n);
    return gw_frame_control(GW_OPCODE_CLOSE, tw_slice_from(payload, 2 + n));
}

static struct gw_frame *deflate_frame(struct gw_frame *f, struct gw_deflate *deflate)
{
    struct tw_slice payload = gw_frame_payload(f);
    struct tw_buf packed = { .max = payload.len };
    struct gw_frame *twin = f;

    if (gw_deflate_pack(deflate, payload, &packed)) {
        twin = gw_frame_control(RSV1 | GW_OPCODE_TEXT, tw_buf_view(&packed));
        twin->deflated = twin; /* once is enough */
    }
    tw_buf_done(&packed);
    return twin;
}

struct gw_frame *gw_frame_deflated(struct gw_frame *f, struct gw_deflate *deflate)
{
    bool is_text = f->head > 0 && (unsigned char)f->bytes[0] == (0x80u | GW_OPCODE_TEXT);

    if (!is_text || f->len - f->head < GW_DEFLATE_LEAST)
        return f;
    if (f->deflated == NULL)
        f->deflated = deflate_frame(f, deflate);
    return f->deflated;
}

struct gw_frame *gw_frame_ref(struct gw_frame *f)
{
    f->references++;
    return f;
}

void gw_frame_unref(struct gw_frame *f)
{
    if (f == NULL || --f->references > 0)
        return;
    if (f->deflated != f)
        gw_frame_unref(f->deflated);
    free(f);
}

struct tw_slice gw_frame_bytes(const struct gw_frame *f)
{
    return tw_slice_from(f->bytes, f->len);
}

struct tw_slice gw_frame_payload(const struct gw_frame *f)
{
    return tw_slice_from(f->bytes + f->head, f->len - f->head);
}

bool gw_frame_is_binary(const struct gw_frame *f)
{
    return f->head > 0 && ((unsigned char)f->bytes[0] & 15u) == GW_OPCODE_BINARY;
}

size_t gw_frame_weight(const struct gw_frame *f)
{
    bool has_twin = f->deflated != NULL && f->deflated != f;

    return f->len + (has_twin ? f->deflated->len : 0);
}
