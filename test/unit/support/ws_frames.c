/* ws_frames.c - building what clients send, reading what servers say.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/ws_frames.h"

#include "test/unit/support/check.h"

static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d }; /* as in section 5.7 */

static void put_byte(struct tw_buf *out, unsigned byte)
{
    tw_buf_char(out, (char)(unsigned char)byte);
}

static void put_length(struct tw_buf *out, unsigned mask_bit, uint64_t length, int form)
{
    put_byte(out, mask_bit | (form == 0 ? (unsigned)length : form == 2 ? 126u : 127u));
    for (int i = form - 1; i >= 0; i--)
        put_byte(out, (unsigned)(length >> (8 * i) & 255));
}

static int shortest(size_t length)
{
    return length < 126 ? 0 : length < 65536 ? 2 : 8;
}

void ws_put_head(struct tw_buf *out, unsigned first, uint64_t length, int form)
{
    put_byte(out, first);
    put_length(out, 0x80, length, form);
    tw_buf_append(out, tw_slice_from((const char *)mask, sizeof(mask)));
}

void ws_put(struct tw_buf *out, unsigned first, struct tw_slice payload)
{
    ws_put_head(out, first, payload.len, shortest(payload.len));
    for (size_t i = 0; i < payload.len; i++)
        put_byte(out, (unsigned char)payload.at[i] ^ mask[i % 4]);
    assert_false(out->failed);
}

void ws_put_unmasked(struct tw_buf *out, unsigned first, struct tw_slice payload)
{
    put_byte(out, first);
    put_length(out, 0, payload.len, shortest(payload.len));
    tw_buf_append(out, payload);
    assert_false(out->failed);
}

void ws_put_close(struct tw_buf *out, unsigned code, struct tw_slice reason)
{
    struct tw_buf payload = { .max = 1024 };

    put_byte(&payload, code >> 8);
    put_byte(&payload, code & 255);
    tw_buf_append(&payload, reason);
    ws_put(out, WS_FIN | WS_CLOSE, tw_buf_view(&payload));
    tw_buf_done(&payload);
}

/* One frame off the front of `*rest`. */
static unsigned cut(struct tw_slice *rest, struct tw_slice *payload)
{
    const unsigned char *at = (const unsigned char *)rest->at;
    uint64_t length;
    size_t head = 2;

    assert_true(rest->len >= 2);
    length = at[1]; /* a mask's bit would make it too long */
    if (length >= 126) {
        head += length == 126 ? 2 : 8;
        assert_true(length <= 127 && rest->len >= head);
        length = 0;
        for (size_t i = 2; i < head; i++)
            length = length << 8 | at[i];
    }
    assert_true(rest->len - head >= length);
    *payload = tw_slice_from(rest->at + head, (size_t)length);
    *rest = tw_slice_skip(*rest, head + (size_t)length);
    return at[0];
}

static const char *name_of(unsigned first)
{
    switch (first) {
    case WS_FIN | WS_TEXT:
        return "text";
    case WS_FIN | WS_CLOSE:
        return "close";
    case WS_FIN | WS_PING:
        return "ping";
    case WS_FIN | WS_PONG:
        return "pong";
    default:
        fail_msg("a server sends no frame that begins with 0x%02x", first);
        return "";
    }
}

void ws_read_server(struct tw_buf *out, struct tw_slice bytes)
{
    struct tw_slice payload;

    while (bytes.len > 0) {
        unsigned first = cut(&bytes, &payload);

        tw_buf_text(out, name_of(first));
        tw_buf_char(out, '(');
        if (first == (WS_FIN | WS_CLOSE) && payload.len >= 2) {
            tw_buf_u64(out, (uint64_t)(unsigned char)payload.at[0] << 8 |
                                (unsigned char)payload.at[1]);
            payload = tw_slice_skip(payload, 2);
            tw_buf_text(out, payload.len > 0 ? " " : "");
        }
        tw_buf_append(out, payload);
        tw_buf_char(out, ')');
    }
}
