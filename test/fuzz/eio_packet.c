/* eio_packet.c - fuzzing Engine.IO payloads: what is read can be written, and reads the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio_packet.h"

#include "common/util/encode.h"
#include "test/fuzz/fuzz.h"

#define SCRATCH_BYTES 256 /* small, so that it also gets full */

static void check_packet(const struct gw_eio_packet *p, struct tw_slice payload,
                         const struct tw_buf *scratch)
{
    TW_ASSERT(p->type >= GW_EIO_OPEN && p->type <= GW_EIO_NOOP);
    TW_ASSERT(!p->is_binary || p->type == GW_EIO_MESSAGE);
    TW_ASSERT(p->is_binary || tw_is_utf8(p->data));
    fuzz_within(p->data, p->is_binary ? tw_buf_view(scratch) : payload);
}

/* Reads all packets and writes them onto `out`; the result of the last reading. */
static int copy_packets(struct tw_slice payload, struct tw_buf *out)
{
    struct tw_slice rest = payload;
    struct tw_buf scratch = { .max = SCRATCH_BYTES };
    struct gw_eio_packet p;
    int r;

    while ((r = gw_eio_next(&rest, &scratch, &p)) == 1) {
        check_packet(&p, payload, &scratch);
        if (p.is_binary)
            gw_eio_put_binary(out, p.data);
        else
            gw_eio_put(out, p.type, p.data);
    }
    tw_buf_done(&scratch);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tw_slice input = { (const char *)bytes, len };
    struct tw_buf out = { .max = len }, single = { .max = len };
    struct gw_eio_packet p;

    /* Base64 has one spelling, so a payload comes back byte for byte; of a broken one what
     * stands before the break. */
    if (copy_packets(input, &out) == 0)
        TW_ASSERT(tw_slice_eq(tw_buf_view(&out), input));
    else
        TW_ASSERT(tw_slice_starts(input, tw_buf_view(&out)));
    TW_ASSERT(!out.failed);

    if (gw_eio_read(input, &p) == 0) {
        gw_eio_put(&single, p.type, p.data);
        TW_ASSERT(!p.is_binary && tw_slice_eq(tw_buf_view(&single), input));
    }
    tw_buf_done(&out);
    tw_buf_done(&single);
    return 0;
}
