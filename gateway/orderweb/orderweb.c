/* orderweb.c - the OrderWeb tills: docs/protocols/orderweb.md.
 *
 * What events look like is in events.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/orderweb/orderweb.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/orderweb/events.h"
#include "gateway/stream/session.h"

/* /ws/pos/{tenant} */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    static const struct tw_slice prefix = { "/ws/pos/", 8 };
    struct tw_buf events = { .max = 64 };
    struct tw_slice tenant;

    if (!tw_slice_starts(req->path, prefix))
        return false;
    tenant = tw_slice_skip(req->path, prefix.len);
    if (tenant.len == 0 || memchr(tenant.at, '/', tenant.len) != NULL)
        return false;
    hello->tenant = tenant;
    hello->scope = "pos,console,console:write"; /* it can only listen */
    gw_hello_read_since(req, hello);
    hello->hears_all =
        tw_http_query(req, "events", &events) == 1 && tw_slice_is(tw_buf_view(&events), "all");
    tw_buf_done(&events);
    return true;
}

/* A till's own flags. */
enum {
    HEARS_ALL = 1,      /* it asked for events that its documents do not name */
    SINCE_IS_EMPTY = 2, /* which its greeting says */
};

static struct gw_session *open_till(void *family, const struct gw_hello *hello,
                                    const struct gw_identity *who)
{
    struct gw_session *s = tw_new(struct gw_session);

    (void)family;
    (void)who;
    s->own = (hello->hears_all ? HEARS_ALL : 0) | (hello->since_is_empty ? SINCE_IS_EMPTY : 0);
    return s;
}

static void closed(struct gw_session *s)
{
    free(s);
}

static void put_time(struct tw_buf *out)
{
    char text[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), text);
    tw_json_member(out, "timestamp", tw_slice_of(text));
}

static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_expect(&out, 256);
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("connected"));
    tw_json_member(&out, "tenant", tw_slice_of(gw_session_tenant(s)->slug));
    tw_json_member(&out, "message", TW_LIT("Connected to POS WebSocket"));
    put_time(&out);
    tw_json_member_u64(&out, "seq", seq);
    tw_json_member_u64(&out, "oldestSeq", oldest);
    if ((s->own & SINCE_IS_EMPTY) != 0)
        tw_json_member_raw(
            &out, "warnings",
            TW_LIT("[{\"code\":\"SINCE_EMPTY\",\"message\":\"since has no value, so "
                   "you hear what happens from now on.\"}]"));
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("resync_required"));
    tw_json_member(&out, "tenant", tw_slice_of(gw_session_tenant(s)->slug));
    put_time(&out);
    tw_json_member_u64(&out, "oldestSeq", oldest);
    tw_json_member_u64(&out, "seq", seq);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("error"));
    tw_json_member(&out, "code", tw_slice_of(code));
    tw_json_member(&out, "message", tw_slice_of(message));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void malformed(struct gw_session *s, const char *why)
{
    struct tw_buf text = { .max = 256 };

    tw_buf_text(&text, "The message is not acceptable JSON: ");
    tw_buf_text(&text, why);
    tw_buf_char(&text, '.');
    tw_buf_char(&text, '\0');
    send_error(s, "INVALID_JSON",
               text.failed ? "The message is not acceptable JSON." : text.at);
    tw_buf_done(&text);
}

static void on_ping(struct gw_session *s, const struct tw_json *root)
{
    (void)root;
    struct tw_buf out = { .max = 128 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("pong"));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_pong(struct gw_session *s, const struct tw_json *root)
{
    (void)s; /* legal and ignored */
    (void)root;
}

static void on_resume(struct gw_session *s, const struct tw_json *root)
{
    int64_t since;

    if (!tw_json_integer_of(tw_json_at(root, "since"), &since) || since < 0)
        send_error(s, "INVALID_SINCE", tw_refusal_of("INVALID_SINCE")->message);
    else if (!gw_session_resume(s, (uint64_t)since))
        send_error(
            s, "RESUME_TOO_LATE",
            "Events were sent already, or it was resumed before. Connect again with ?since=.");
}

static const struct {
    const char *type;
    void (*act)(struct gw_session *s, const struct tw_json *root);
} messages[] = { { "ping", on_ping }, { "pong", on_pong }, { "resume", on_resume } };

static void message(struct gw_session *s, struct tw_slice json)
{
    struct tw_json *root = tw_json_parse(json);
    struct tw_slice type = { NULL, 0 };

    if (!tw_json_is_object(root) || !tw_json_text_of(tw_json_at(root, "type"), &type)) {
        send_error(s, "INVALID_MESSAGE", "A message is a JSON object with a \"type\".");
    } else {
        size_t i = 0;

        while (i < TW_COUNT(messages) && !tw_slice_is(type, messages[i].type))
            i++;
        if (i < TW_COUNT(messages))
            messages[i].act(s, root);
        else
            send_error(s, "UNKNOWN_TYPE",
                       "This message type is not known; a till may send ping or resume.");
    }
    tw_json_free(root);
}

static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev, unsigned audience)
{
    (void)ev;
    return gw_orderweb_hearing(audience, (s->own & HEARS_ALL) != 0);
}

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = GW_ORDERWEB_FRAME_BYTES };

    if (gw_orderweb_type(ev) == NULL)
        return;
    tw_buf_char(&out, '{');
    gw_orderweb_write(&out, tenant, ev);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

const struct gw_dialect gw_orderweb = {
    .name = "orderweb",
    .labels = "dialect=\"orderweb\"",
    .claims = claims,
    .open = open_till,
    .closed = closed,
    .greet = greet,
    .resync = resync,
    .message = message,
    .malformed = malformed,
    .audience = gw_orderweb_audience,
    .hears = hears,
    .render = render,
};
