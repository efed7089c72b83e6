/* stream_orders.c - OrderWeb's tills without a WebSocket: GET /api/pos/stream-orders,
 * Server-Sent Events (docs/protocols/orderweb.md 5).
 *
 * The events are those of the WebSocket, each as one `data:` line with its seq as `id:`, so
 * that a browser's EventSource resumes by itself. `event` repeats the type and `order` the
 * order in the words of OrderWeb's own stream.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/crypto.h"
#include "common/util/json_write.h"
#include "gateway/orderweb/events.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/frame.h"

#define RETRY_MS                                                                               \
    2000 /* up to twice that, another one each: all are lost at the same moment                \
          */

struct listener {
    struct gw_session session;
    bool hears_all;
};

static struct listener *listener_of(struct gw_session *s)
{
    return tw_container_of(s, struct listener, session);
}

/* Where it goes on: what a browser says by itself, or the query. */
static void read_since(const struct tw_http_request *req, struct gw_hello *hello)
{
    struct tw_slice given = tw_http_header(req, "last-event-id");

    if (given.len == 0) {
        gw_hello_read_since(req, hello);
        return;
    }
    hello->resumes = tw_slice_u64(given, &hello->since);
    if (!hello->resumes)
        hello->refusal = "INVALID_SINCE";
}

static bool query_is(const struct tw_http_request *req, const char *name, const char *value)
{
    struct tw_buf text = { .max = 64 };
    bool is_so = tw_http_query(req, name, &text) == 1 && tw_slice_is(tw_buf_view(&text), value);

    tw_buf_done(&text);
    return is_so;
}

/* ?tenant= may be left out: then it is the key's own. */
static void read_tenant(const struct tw_http_request *req, struct gw_hello *hello)
{
    struct tw_buf text = { .max = sizeof(hello->restaurant) - 1 };
    int r = tw_http_query(req, "tenant", &text);

    if (r < 0 || text.failed)
        hello->refusal = "INVALID_TENANT";
    else if (text.len > 0)
        memcpy(hello->restaurant, text.at, text.len);
    tw_buf_done(&text);
}

static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    if (!tw_slice_is(req->path, "/api/pos/stream-orders"))
        return false;
    read_since(req, hello);
    read_tenant(req, hello);
    hello->hears_all = query_is(req, "events", "all");
    return true;
}

static struct gw_session *open_listener(void *family, const struct gw_hello *hello,
                                        const struct gw_identity *who)
{
    struct listener *l = tw_new(struct listener);

    (void)family;
    (void)who;
    l->hears_all = hello->hears_all;
    return &l->session;
}

static void closed(struct gw_session *s)
{
    free(listener_of(s));
}

/* The head of the stream's own messages, in an object that stays open. */
static void begin(struct tw_buf *out, struct gw_session *s, const char *type)
{
    char now[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), now);
    tw_buf_text(out, "data: {");
    tw_json_member(out, "event", tw_slice_of(type));
    tw_json_member(out, "type", tw_slice_of(type));
    tw_json_member(out, "tenant", tw_slice_of(gw_session_tenant(s)->slug));
    tw_json_member(out, "timestamp", tw_slice_of(now));
}

static void put_id(struct tw_buf *out, uint64_t seq)
{
    tw_buf_text(out, "id: ");
    tw_buf_u64(out, seq);
    tw_buf_char(out, '\n');
}

static void send(struct gw_session *s, struct tw_buf *out, uint64_t seq, uint64_t oldest)
{
    struct gw_frame *f;

    tw_json_member_u64(out, "seq", seq);
    tw_json_member_u64(out, "oldestSeq", oldest);
    tw_buf_text(out, "}\n\n");
    f = gw_frame_raw(tw_buf_view(out));
    gw_session_send_frame(s, f);
    gw_frame_unref(f);
    tw_buf_done(out);
}

/* A client that begins has an id to resume from at once; one that resumes keeps its own until
 * it has been sent what it missed. */
static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct tw_buf out = { .max = 1024 };
    uint16_t random;

    tw_random(&random, sizeof(random));
    tw_buf_text(&out, "retry: ");
    tw_buf_u64(&out, RETRY_MS + random % RETRY_MS);
    tw_buf_char(&out, '\n');
    if (!s->resumes)
        put_id(&out, seq);
    begin(&out, s, "connected");
    tw_json_member(&out, "message", TW_LIT("Connected to POS event stream"));
    send(s, &out, seq, oldest);
}

static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct tw_buf out = { .max = 1024 };

    put_id(&out, seq);
    begin(&out, s, "resync_required");
    send(s, &out, seq, oldest);
}

static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev, unsigned audience)
{
    if (audience == GW_ACKING_TILLS) /* it can say nothing here, but by REST */
        return gw_session_is_addressed(s, ev) ? GW_SHARED : GW_SKIP;
    return gw_orderweb_hearing(audience, listener_of(s)->hears_all);
}

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = GW_ORDERWEB_FRAME_BYTES };
    const char *type = gw_orderweb_type(ev);

    if (type == NULL)
        return;
    put_id(&out, ev->seq);
    tw_buf_text(&out, "data: {");
    tw_json_member(&out, "event", tw_slice_of(type));
    gw_orderweb_write(&out, tenant, ev);
    if (tw_slice_starts(ev->type, TW_LIT("order.")))
        gw_orderweb_write_order(&out, ev);
    tw_buf_text(&out, "}\n\n");
    if (!out.failed)
        gw_batch_add_raw(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

const struct gw_dialect gw_stream_orders = {
    .name = "orderweb_stream",
    .labels = "dialect=\"orderweb_stream\"",
    .heartbeat = "data: {\"event\":\"heartbeat\"}\n\n",
    .claims = claims,
    .open = open_listener,
    .closed = closed,
    .greet = greet,
    .resync = resync,
    .audience = gw_orderweb_audience,
    .hears = hears,
    .render = render,
};
