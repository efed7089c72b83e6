/* deflate.c - raw deflate blocks, with and without their last four bytes.
 *
 * A message is compressed into blocks that end on a byte, the last one being an empty stored
 * block (a sync flush). The four bytes that such a block always ends with are not sent: the
 * receiver puts them back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/deflate.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define WINDOW_BITS (-15) /* negative: no header, no checksum */
#define MEMORY_LEVEL 8
#define PIECE_BYTES 4096
#define TAIL TW_LIT("\x00\x00\xff\xff")

struct gw_deflate_state {
    z_stream z;
};

#define AT(field) TW_METRIC_AT(struct gw_deflate, field)

static const struct tw_metric_row metric_rows[] = {
    { "ws_deflate_messages_total", "dir=\"out\"",
      "Messages that were compressed (out: once for all who get them) or decompressed (in).",
      AT(packed) },
    { "ws_deflate_messages_total", "dir=\"in\"", NULL, AT(unpacked) },
    { "ws_deflate_bytes_total", "form=\"plain\"",
      "Bytes of the messages that were compressed, before (plain) and after (packed).",
      AT(plain_bytes) },
    { "ws_deflate_bytes_total", "form=\"packed\"", NULL, AT(packed_bytes) },
};

const struct tw_metric_table gw_deflate_metrics = { .rows = metric_rows,
                                                    .count = TW_COUNT(metric_rows) };

void gw_deflate_done(struct gw_deflate *d)
{
    if (d->deflating != NULL)
        deflateEnd(&d->deflating->z);
    if (d->inflating != NULL)
        inflateEnd(&d->inflating->z);
    free(d->deflating);
    free(d->inflating);
    d->deflating = d->inflating = NULL;
}

static z_stream *ready_to_deflate(struct gw_deflate *d)
{
    int r;

    if (d->deflating == NULL) {
        d->deflating = tw_new(struct gw_deflate_state);
        r = deflateInit2(&d->deflating->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
                         MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    } else {
        r = deflateReset(&d->deflating->z);
    }
    TW_ASSERT(r == Z_OK); /* fails only when memory is out */
    return &d->deflating->z;
}

static z_stream *ready_to_inflate(struct gw_deflate *d)
{
    int r;

    if (d->inflating == NULL) {
        d->inflating = tw_new(struct gw_deflate_state);
        r = inflateInit2(&d->inflating->z, WINDOW_BITS);
    } else {
        r = inflateReset(&d->inflating->z);
    }
    TW_ASSERT(r == Z_OK); /* fails only when memory is out */
    return &d->inflating->z;
}

bool gw_deflate_pack(struct gw_deflate *d, struct tw_slice message, struct tw_buf *out)
{
    size_t space_bytes = out->max - out->len, packed;
    char *space;
    z_stream *z;

    if (message.len > INT_MAX || space_bytes > INT_MAX) /* zlib counts in unsigned int */
        return false;
    space = tw_buf_room(out, space_bytes);
    if (space == NULL)
        return false;
    z = ready_to_deflate(d);
    z->next_in = (const unsigned char *)message.at;
    z->avail_in = (unsigned)message.len;
    z->next_out = (unsigned char *)space;
    z->avail_out = (unsigned)space_bytes;
    /* When space is left, zlib has written everything, the tail included. */
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0)
        return false;
    packed = space_bytes - z->avail_out - TAIL.len;
    tw_buf_grew(out, packed);
    d->packed.value++;
    d->plain_bytes.value += message.len;
    d->packed_bytes.value += packed;
    return true;
}

/* Inflates all of `in`, unless `out` is full before that. */
static int inflate_all(z_stream *z, struct tw_slice in, struct tw_buf *out)
{
    char piece[PIECE_BYTES];
    int r;

    z->next_in = (const unsigned char *)in.at;
    z->avail_in = (unsigned)in.len;
    do {
        z->next_out = (unsigned char *)piece;
        z->avail_out = sizeof(piece);
        r = inflate(z, Z_SYNC_FLUSH);
        TW_ASSERT(r != Z_MEM_ERROR);
        tw_buf_append(out, tw_slice_from(piece, sizeof(piece) - z->avail_out));
        if (out->failed)
            return TW_ETOOBIG;
        if (r == Z_STREAM_END) /* a final block may lie anywhere (RFC 7692 section 7.2.3.4) */
            r = inflateReset(z);
        if (r != Z_OK && r != Z_BUF_ERROR) /* the latter: nothing is left to do */
            return TW_ESYNTAX;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return 0;
}

/* All blocks have ended, and the last one at the end of a byte. */
static bool is_between_blocks(const z_stream *z)
{
    return (z->data_type & 128) != 0 && (z->data_type & 63) == 0;
}

int gw_deflate_unpack(struct gw_deflate *d, struct tw_slice payload, struct tw_buf *out)
{
    z_stream *z;
    int r;

    if (payload.len > INT_MAX)
        return TW_ETOOBIG;
    z = ready_to_inflate(d);
    r = inflate_all(z, payload, out);
    if (r == 0)
        r = inflate_all(z, TAIL, out);
    if (r == 0 && !is_between_blocks(z))
        r = TW_ESYNTAX;
    if (r == 0)
        d->unpacked.value++;
    return r;
}
