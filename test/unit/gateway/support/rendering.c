/* rendering.c - events from their parts, and frames as text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/rendering.h"

#include "common/util/clock.h"
#include "gateway/websocket/frame.h"

#define PRESENT_MS 60000

const struct gw_tenant kitchen = { .id = KITCHEN_ID, .slug = "kitchen" };

struct tw_event event_with(struct tw_buf *text, uint64_t seq, const char *type,
                           const char *origin, const char *data)
{
    struct tw_event ev = { 0 };

    text->max = 1048576;
    tw_buf_clear(text);
    tw_buf_text(text, "{\"seq\":");
    tw_buf_u64(text, seq);
    tw_buf_text(text, ",\"type\":\"");
    tw_buf_text(text, type);
    tw_buf_text(text, "\",\"at\":\"" EVENT_AT "\",\"origin\":");
    tw_buf_text(text, origin);
    tw_buf_text(text, ",\"data\":");
    tw_buf_text(text, data);
    tw_buf_char(text, '}');
    assert_int_equal(tw_event_read(tw_buf_view(text), &ev), 0);
    return ev;
}

/* Milliseconds since 1970, or RFC 3339: its texts sort as their times do. */
static bool is_present(struct tw_slice value)
{
    int64_t now_ms = tw_wall_ms();
    char first[TW_TIME_TEXT], last[TW_TIME_TEXT];
    uint64_t ms;

    if (tw_slice_u64(value, &ms))
        return (int64_t)ms > now_ms - PRESENT_MS && (int64_t)ms <= now_ms;
    tw_time_text(now_ms - PRESENT_MS, first);
    tw_time_text(now_ms, last);
    return value.len == strlen(last) + 2 && memcmp(value.at + 1, first, value.len - 2) >= 0 &&
           memcmp(value.at + 1, last, value.len - 2) <= 0;
}

void put_without_now(struct tw_buf *out, struct tw_slice json)
{
    static const struct tw_slice name = { "\"timestamp\":", 12 };
    const char *found = memmem(json.at, json.len, name.at, name.len);
    struct tw_slice rest, value;

    if (found == NULL) {
        tw_buf_append(out, json);
        return;
    }
    rest = tw_slice_skip(json, (size_t)(found - json.at) + name.len);
    value = rest;
    value.len = 0;
    while (value.len < rest.len && rest.at[value.len] != ',' && rest.at[value.len] != '}')
        value.len++;
    tw_buf_append(out, tw_slice_from(json.at, json.len - rest.len));
    if (is_present(value))
        tw_buf_text(out, "now");
    else
        tw_buf_append(out, value);
    tw_buf_append(out, tw_slice_skip(rest, value.len));
}

void put_batch(struct tw_buf *out, const struct gw_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        put_without_now(out, gw_frame_payload(batch->frames[i]));
        tw_buf_char(out, '\n');
    }
}

void check_renders(const struct gw_dialect *dialect, const char *type, const char *origin,
                   const char *data, const char *want, const char *file, int line)
{
    struct tw_buf text = { 0 }, out = { .max = 1048576 };
    struct tw_event ev = event_with(&text, 17, type, origin, data);
    struct gw_batch batch = { 0 };

    dialect->render(&kitchen, &ev, &batch);
    put_batch(&out, &batch);
    check_slice(tw_buf_view(&out), want, file, line);
    gw_batch_done(&batch);
    tw_buf_done(&out);
    tw_buf_done(&text);
}
