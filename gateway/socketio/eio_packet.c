/* eio_packet.c - reading and writing Engine.IO packets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio_packet.h"

#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_write.h"

#define SEPARATOR '\x1e'

int gw_eio_read(struct tw_slice message, struct gw_eio_packet *out)
{
    if (message.len == 0 || message.at[0] < GW_EIO_OPEN || message.at[0] > GW_EIO_NOOP)
        return TW_ESYNTAX;
    *out = (struct gw_eio_packet){ .type = message.at[0], .data = tw_slice_skip(message, 1) };
    return 0;
}

static int read_binary(struct tw_slice text, struct tw_buf *scratch, struct gw_eio_packet *out)
{
    tw_buf_clear(scratch);
    if (!tw_base64_decode(scratch, text))
        return TW_ESYNTAX;
    *out = (struct gw_eio_packet){ .type = GW_EIO_MESSAGE,
                                   .is_binary = true,
                                   .data = tw_buf_view(scratch) };
    return 0;
}

int gw_eio_next(struct tw_slice *rest, struct tw_buf *scratch, struct gw_eio_packet *out)
{
    struct tw_slice packet;
    int r;

    if (!tw_slice_split(rest, SEPARATOR, &packet))
        return 0;
    if (packet.len > 0 && packet.at[0] == 'b')
        r = read_binary(tw_slice_skip(packet, 1), scratch, out);
    else
        r = tw_is_utf8(packet) ? gw_eio_read(packet, out) : TW_ESYNTAX;
    return r < 0 ? r : 1;
}

static void begin_packet(struct tw_buf *payload)
{
    if (payload->len > 0)
        tw_buf_char(payload, SEPARATOR);
}

void gw_eio_put(struct tw_buf *payload, char type, struct tw_slice data)
{
    begin_packet(payload);
    tw_buf_char(payload, type);
    tw_buf_append(payload, data);
}

void gw_eio_put_raw(struct tw_buf *payload, struct tw_slice packet)
{
    begin_packet(payload);
    tw_buf_append(payload, packet);
}

void gw_eio_put_binary(struct tw_buf *payload, struct tw_slice bytes)
{
    begin_packet(payload);
    tw_buf_char(payload, 'b');
    tw_base64(payload, bytes);
}

static void put_number(struct tw_buf *out, const char *name, uint64_t value)
{
    tw_json_member_raw(out, name, TW_EMPTY);
    tw_buf_u64(out, value);
}

void gw_eio_put_open(struct tw_buf *out, struct tw_slice sid, bool can_upgrade,
                     uint64_t interval_ms, uint64_t timeout_ms, uint64_t max_payload)
{
    gw_eio_put(out, GW_EIO_OPEN, TW_LIT("{"));
    tw_json_member(out, "sid", sid);
    tw_json_member_raw(out, "upgrades", can_upgrade ? TW_LIT("[\"websocket\"]") : TW_LIT("[]"));
    put_number(out, "pingInterval", interval_ms);
    put_number(out, "pingTimeout", timeout_ms);
    put_number(out, "maxPayload", max_payload);
    tw_buf_char(out, '}');
}
