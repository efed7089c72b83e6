/* event.c - fuzzing what comes from Redis: a tenant, a blank, an event.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"

#include "common/domain/publish.h"
#include "common/util/json_scan.h"
#include "common/util/json_write.h"
#include "test/fuzz/fuzz.h"

static const char tenant_text[] = "69fb5687-044a-48af-ac0e-d6b817aec684";

static void put_string(struct tw_buf *out, const char *name, struct tw_slice text)
{
    tw_json_member_raw(out, name, TW_LIT("\""));
    tw_buf_append(out, text); /* it has no escapes */
    tw_buf_char(out, '"');
}

/* The same event from its parts reads the same. */
static void check_again(const struct tw_event *ev)
{
    struct tw_buf text = { .max = ev->raw.len + 100 };
    struct tw_event again;

    tw_buf_text(&text, "{\"seq\":");
    tw_buf_u64(&text, ev->seq);
    put_string(&text, "type", ev->type);
    put_string(&text, "at", ev->at);
    tw_json_member_raw(&text, "origin", ev->origin);
    tw_json_member_raw(&text, "data", ev->data);
    tw_buf_char(&text, '}');
    TW_ASSERT(!text.failed && tw_event_read(tw_buf_view(&text), &again) == 0);
    TW_ASSERT(again.seq == ev->seq && tw_slice_eq(again.type, ev->type) &&
              tw_slice_eq(again.at, ev->at) && tw_slice_eq(again.origin, ev->origin) &&
              tw_slice_eq(again.data, ev->data));
    tw_buf_done(&text);
}

static void check_event(const struct tw_event *ev)
{
    TW_ASSERT(ev->seq > 0);
    fuzz_within(ev->type, ev->raw);
    fuzz_within(ev->at, ev->raw);
    fuzz_within(ev->origin, ev->raw);
    fuzz_within(ev->data, ev->raw);
    TW_ASSERT(ev->type.len > 0 && ev->origin.at[0] == '{' && ev->data.at[0] == '{');
    check_again(ev);
}

/* As the gateway reads a message on a tenant's channel. */
static void read_message(struct tw_slice message)
{
    char *copy = fuzz_copy(message);
    size_t start = tw_event_unwrap(tw_slice_from(copy, message.len), tw_slice_of(tenant_text));
    struct tw_json_fault fault;
    struct tw_event ev;
    size_t len = message.len - start;

    TW_ASSERT(start < message.len || start == 0);
    if (start > 0 && tw_json_scan(copy + start, &len, &tw_json_wide, &fault) > 0 &&
        tw_event_read(tw_slice_from(copy + start, len), &ev) == 0)
        check_event(&ev);
    free(copy);
}

/* The input as a message, as a channel, and as the event in a message that is wrapped well. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tw_slice input = { (const char *)bytes, len };
    struct tw_buf wrapped = { .max = len + sizeof(tenant_text) };
    char channel[TW_CHANNEL_BYTES];
    struct tw_slice tenant;

    read_message(input);
    tw_event_wrap(&wrapped, tw_slice_of(tenant_text), input);
    TW_ASSERT(!wrapped.failed);
    TW_ASSERT(len == 0 || tw_event_unwrap(tw_buf_view(&wrapped), tw_slice_of(tenant_text)) > 0);
    read_message(tw_buf_view(&wrapped));
    if (tw_event_tenant(input, &tenant))
        TW_ASSERT(tw_slice_eq(tw_event_channel(tenant, channel), input));
    tw_buf_done(&wrapped);
    return 0;
}
