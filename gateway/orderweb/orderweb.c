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
#include "gateway/orderweb/acks.h"
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

/* Its key is at hand later on, a token or what a ticket leaves of a key is not. */
static bool may_speak(const struct gw_principal *p)
{
    return p != NULL && p->has_key && p->only.len == 0;
}

static struct gw_session *open_till(void *family, const struct gw_hello *hello,
                                    const struct gw_identity *who)
{
    struct gw_till *t = tw_new(struct gw_till);

    t->all = family;
    t->session.own = (hello->hears_all ? GW_TILL_HEARS_ALL : 0) |
                     (hello->since_is_empty ? GW_TILL_SINCE_IS_EMPTY : 0) |
                     (may_speak(who->principal) ? 0 : GW_TILL_ONLY_LISTENS);
    return &t->session;
}

static void closed(struct gw_session *s)
{
    struct gw_till *t = gw_till_of(s);

    gw_till_acks_leave(t);
    free(t);
}

static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_expect(&out, 256);
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("connected"));
    tw_json_member(&out, "tenant", tw_slice_of(gw_session_tenant(s)->slug));
    tw_json_member(&out, "message", TW_LIT("Connected to POS WebSocket"));
    gw_till_put_time(&out);
    tw_json_member_u64(&out, "seq", seq);
    tw_json_member_u64(&out, "oldestSeq", oldest);
    if ((s->own & GW_TILL_SINCE_IS_EMPTY) != 0)
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
    gw_till_put_time(&out);
    tw_json_member_u64(&out, "oldestSeq", oldest);
    tw_json_member_u64(&out, "seq", seq);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf out = { .max = 1024 };

    gw_till_put_error(&out, tw_slice_of(code), tw_slice_of(message));
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

static void on_ping(struct gw_session *s, const struct tw_json *root, struct tw_slice json)
{
    (void)root;
    (void)json;
    struct tw_buf out = { .max = 128 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("pong"));
    gw_till_put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_pong(struct gw_session *s, const struct tw_json *root, struct tw_slice json)
{
    (void)s; /* legal and ignored */
    (void)root;
    (void)json;
}

static void on_resume(struct gw_session *s, const struct tw_json *root, struct tw_slice json)
{
    int64_t since;

    (void)json;
    if (!tw_json_integer_of(tw_json_at(root, "since"), &since) || since < 0)
        send_error(s, "INVALID_SINCE", tw_refusal_of("INVALID_SINCE")->message);
    else if (!gw_session_resume(s, (uint64_t)since))
        send_error(
            s, "RESUME_TOO_LATE",
            "Events were sent already, or it was resumed before. Connect again with ?since=.");
}

static void on_order_ack(struct gw_session *s, const struct tw_json *root, struct tw_slice json)
{
    (void)root;
    gw_till_ack(s, json);
}

static const struct {
    const char *type;
    void (*act)(struct gw_session *s, const struct tw_json *root, struct tw_slice json);
} messages[] = { { "ping", on_ping },
                 { "pong", on_pong },
                 { "resume", on_resume },
                 { "order_ack", on_order_ack } };

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
            messages[i].act(s, root, json);
        else
            send_error(
                s, "UNKNOWN_TYPE",
                "This message type is not known; a till may send ping, resume or order_ack.");
    }
    tw_json_free(root);
}

static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev, unsigned audience)
{
    if (audience == GW_ACKING_TILLS)
        return (s->own & GW_TILL_ACKS_ORDERS) != 0 || gw_session_is_addressed(s, ev) ? GW_SHARED
                                                                                     : GW_SKIP;
    return gw_orderweb_hearing(audience, (s->own & GW_TILL_HEARS_ALL) != 0);
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
    .may_read = gw_till_may_read,
    .message = message,
    .malformed = malformed,
    .audience = gw_orderweb_audience,
    .hears = hears,
    .render = render,
};
