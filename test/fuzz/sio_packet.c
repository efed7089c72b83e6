/* sio_packet.c - fuzzing Socket.IO packets: what is read can be written, and reads the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/sio_packet.h"

#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "test/fuzz/fuzz.h"

static void check_packet(const struct gw_sio_packet *p, struct tw_slice text)
{
    bool is_event = p->type == GW_SIO_EVENT || p->type == GW_SIO_BINARY_EVENT;

    fuzz_within(p->ack, text);
    fuzz_within(p->json, text);
    fuzz_within(p->name, p->json);
    TW_ASSERT(p->nsp.len > 0 && p->nsp.len <= GW_SIO_NSP_BYTES && p->nsp.at[0] == '/');
    TW_ASSERT(memchr(p->nsp.at, ',', p->nsp.len) == NULL && tw_is_utf8(p->nsp));
    TW_ASSERT(p->ack.len <= GW_SIO_ACK_DIGITS);
    TW_ASSERT(p->attachments <= GW_SIO_ATTACHMENTS);
    TW_ASSERT((p->name.len > 0) == is_event);
    TW_ASSERT(p->type != GW_SIO_CONNECT_ERROR);
    TW_ASSERT(p->json.len == 0 || p->json.at[0] == (p->type == GW_SIO_CONNECT ? '{' : '['));
}

/* That name and arguments together are the whole payload. */
static void check_args(const struct gw_sio_packet *p)
{
    struct tw_buf again = { .max = p->json.len };
    struct tw_slice rest = gw_sio_args(p), arg;

    if (p->json.len == 0 || p->json.at[0] != '[')
        return;
    tw_buf_char(&again, '[');
    tw_buf_append(&again, p->name);
    while (gw_sio_arg(&rest, &arg)) {
        fuzz_within(arg, p->json);
        if (again.len > 1)
            tw_buf_char(&again, ',');
        tw_buf_append(&again, arg);
    }
    tw_buf_char(&again, ']');
    TW_ASSERT(tw_slice_eq(tw_buf_view(&again), p->json));
    tw_buf_done(&again);
}

/* The slow way: every value is cut out, and each object asked for its members. */
static void check_placeholders(struct tw_slice raw, unsigned attachments)
{
    struct tw_slice rest = raw, name, value;
    uint64_t index;

    if (raw.at[0] == '[')
        while (tw_json_element(&rest, &value))
            check_placeholders(value, attachments);
    if (raw.at[0] != '{')
        return;
    if (tw_json_get(raw, "_placeholder", &value) && tw_slice_is(value, "true"))
        TW_ASSERT(tw_json_get(raw, "num", &value) && tw_json_u64(value, &index) &&
                  index < attachments);
    while (tw_json_pair(&rest, &name, &value))
        check_placeholders(value, attachments);
}

static void check_again(const struct gw_sio_packet *p, size_t len)
{
    struct tw_buf text = { .max = len + 2 }; /* the `4`, and a comma that was left out */
    struct gw_sio_packet again;

    gw_sio_put_head(&text, p->type, p->attachments, p->nsp, p->ack);
    tw_buf_append(&text, p->json);
    TW_ASSERT(!text.failed && text.at[0] == '4');
    TW_ASSERT(gw_sio_read(text.at + 1, text.len - 1, &again) == 0);
    TW_ASSERT(again.type == p->type && again.attachments == p->attachments);
    TW_ASSERT(tw_slice_eq(again.nsp, p->nsp) && tw_slice_eq(again.ack, p->ack));
    TW_ASSERT(tw_slice_eq(again.json, p->json) && tw_slice_eq(again.name, p->name));
    tw_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = fuzz_copy(tw_slice_from((const char *)bytes, len));
    struct gw_sio_packet p;

    if (gw_sio_read(copy, len, &p) == 0) {
        check_packet(&p, tw_slice_from(copy, len));
        check_args(&p);
        if (p.attachments > 0)
            check_placeholders(p.json, p.attachments);
        check_again(&p, len);
    }
    free(copy);
    return 0;
}
