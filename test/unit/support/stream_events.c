/* stream_events.c - making events, and reading frames.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/stream_events.h"

#include "common/util/json_view.h"
#include "test/unit/support/check.h"

static struct tw_event make(struct tw_buf *text, uint64_t seq, const char *source, size_t extra)
{
    struct tw_event ev = { 0 };

    tw_buf_clear(text);
    tw_buf_text(text, "{\"seq\":");
    tw_buf_u64(text, seq);
    tw_buf_text(text, ",\"type\":\"order.created\",\"at\":\"2026-01-05T18:00:02.117Z\","
                      "\"origin\":{\"kind\":\"api\"},\"data\":{\"orderId\":");
    tw_buf_u64(text, seq);
    tw_buf_text(text, ",\"orderSource\":\"");
    tw_buf_text(text, source);
    tw_buf_text(text, "\",\"customerName\":\"");
    for (size_t i = 0; i < extra; i++)
        tw_buf_char(text, 'x');
    tw_buf_text(text, "\"}}");
    assert_int_equal(tw_event_read(tw_buf_view(text), &ev), 0);
    return ev;
}

struct tw_event event_of(struct tw_buf *text, uint64_t seq, size_t extra)
{
    return make(text, seq, "online", extra);
}

struct tw_event event_unheard(struct tw_buf *text, uint64_t seq)
{
    return make(text, seq, "pos", 0);
}

void heard_add(struct tw_buf *heard, struct tw_slice json)
{
    struct tw_slice raw = { NULL, 0 }, type = { NULL, 0 }, seq = { NULL, 0 };

    assert_true(tw_json_get(json, "type", &raw) && tw_json_plain(raw, &type));
    tw_buf_text(heard, heard->len > 0 ? " " : "");
    if (tw_slice_is(type, "error")) {
        assert_true(tw_json_get(json, "code", &raw) && tw_json_plain(raw, &type));
        tw_buf_append(heard, type);
        return;
    }
    (void)tw_json_get(json, "seq", &seq);
    if (tw_slice_is(type, "connected") || tw_slice_is(type, "pong"))
        tw_buf_append(heard, type);
    else if (tw_slice_is(type, "resync_required"))
        tw_buf_text(heard, "resync");
    if (seq.len > 0 && !tw_slice_is(type, "new_order"))
        tw_buf_char(heard, '@');
    tw_buf_append(heard, seq);
}
