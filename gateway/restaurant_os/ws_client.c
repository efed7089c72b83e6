/* ws_client.c - Restaurant OS over a plain WebSocket, as the published client speaks it:
 * docs/protocols/restaurantos_ws.md.
 *
 *     ours    {"type":"connected","auth_required":true}    when the handshake had no credential
 *     its     {"type":"auth","token":…,"restaurant_id":…}
 *     ours    {"type":"auth:success"}, then events and answers: {"type":…,"payload":…}
 *
 * Rooms, rights, events and requests are those of the Socket.IO client; only the framing is its
 * own. A client is in its restaurant from the beginning: this protocol knows no join.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/domain/credential.h"
#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/screen.h"
#include "gateway/websocket/frame.h"

#define FRAME_BYTES ((size_t)64 * 1024 * 1024) /* whatever an event has */

#define NOT_REQUIRED ",\"auth_required\":false"
#define NO_SINCE                                                                               \
    ",\"warnings\":[{\"code\":\"SINCE_EMPTY\",\"message\":\"since has no value, so you hear "  \
    "what "                                                                                    \
    "happens from now on.\"}]"

struct ws_client {
    struct gw_screen screen;
    bool by_message;  /* its credential came in its first message, which it has not read yet */
    bool was_greeted; /* in an earlier restaurant */
    bool since_is_empty; /* which its greeting says */
};

static struct ws_client *client_of(struct gw_session *s)
{
    return tw_container_of(gw_screen_of(s), struct ws_client, screen);
}

/* --- Its words -------------------------------------------------------------------------------
 */

static void put_type(struct tw_buf *out, const char *type)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "type", tw_slice_of(type));
}

static void put_time(struct tw_buf *out)
{
    char text[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), text);
    tw_json_member(out, "timestamp", tw_slice_of(text));
}

static void put(struct tw_buf *out, const char *event, struct tw_slice payload)
{
    put_type(out, event);
    tw_json_member_raw(out, "payload", payload);
    put_time(out);
    tw_buf_char(out, '}');
}

static bool cut(const struct gw_frame *f, struct tw_slice *name, struct tw_slice *payload)
{
    struct tw_slice message = gw_frame_payload(f);

    return tw_json_get(message, "type", name) && tw_json_get(message, "payload", payload);
}

static const struct gw_framing framing = {
    .dialect = &gw_restaurant_os_ws,
    .put = put,
    .cut = cut,
};

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    const char *name = gw_event_name(ev);

    if (name == NULL)
        return;
    put_type(&out, name);
    tw_json_member_raw(&out, "payload", TW_EMPTY);
    gw_event_put(&out, tenant, ev, true);
    tw_json_member(&out, "timestamp", ev->at);
    tw_json_member(&out, "restaurant_id", tw_slice_of(tenant->id));
    tw_json_member_u64(&out, "seq", ev->seq);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_batch_add(batch, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* One about the connection, with where the stream is when that is known. */
static void say(struct ws_client *c, const char *type, const char *more, uint64_t seq,
                uint64_t oldest)
{
    struct tw_buf out = { .max = 512 };

    put_type(&out, type);
    put_time(&out);
    tw_buf_text(&out, more);
    tw_json_member(&out, "restaurant_id", tw_slice_of(c->screen.identity.tenant.id));
    if (oldest > 0) {
        tw_json_member_u64(&out, "seq", seq);
        tw_json_member_u64(&out, "oldestSeq", oldest);
    }
    tw_buf_char(&out, '}');
    gw_session_send(&c->screen.session, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* --- Before it is admitted -------------------------------------------------------------------
 */

/* A name as pages fill it in when they have none. */
static bool is_name(struct tw_slice text)
{
    return text.len > 0 && !tw_slice_is(text, "undefined") && !tw_slice_is(text, "null");
}

static void copy_name(char *out, size_t size, const struct tw_buf *text)
{
    if (is_name(tw_buf_view(text)) && text->len < size) {
        memcpy(out, text->at, text->len);
        out[text->len] = '\0';
    }
}

/* "/" with the restaurant in its query, or at least a token or ticket. With a device it is
 * cloud sync. */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    struct tw_buf text = { .max = sizeof(hello->restaurant) - 1 };
    bool is_ours;

    if (!tw_slice_is(req->path, "/") || tw_http_query(req, "device_id", &text) != 0) {
        tw_buf_done(&text);
        return false;
    }
    is_ours = tw_http_query(req, "restaurant_id", &text) != 0;
    if (text.failed) /* longer than any name */
        hello->refusal = "INVALID_RESTAURANT";
    else
        copy_name(hello->restaurant, sizeof(hello->restaurant), &text);
    tw_buf_clear(&text);
    is_ours = is_ours || tw_http_query(req, "token", &text) != 0 ||
              tw_http_query(req, "ticket", &text) != 0;
    if (is_ours)
        gw_hello_read_since(req, hello);
    tw_buf_done(&text);
    return is_ours;
}

static void invite(struct tw_buf *out)
{
    put_type(out, "connected");
    put_time(out);
    tw_buf_text(out, ",\"auth_required\":true}");
}

/* {"type":"auth","token":…,"restaurant_id":…}: the restaurant as in the address, unless that
 * named none. */
static bool find_credential(struct tw_slice json, struct gw_hello *hello,
                            struct tw_buf *credential)
{
    struct tw_buf text = { .max = TW_JWT_BYTES }, name = { .max = sizeof(hello->restaurant) };
    struct tw_slice raw, type;
    bool is_auth = tw_json_get_text(json, "type", &type) && tw_slice_is(type, "auth") &&
                   tw_json_get(json, "token", &raw) && tw_json_string(&text, raw);

    tw_buf_append(credential, tw_credential_bare(tw_buf_view(&text)));
    if (hello->restaurant[0] == '\0' && tw_json_get(json, "restaurant_id", &raw) &&
        tw_json_string(&name, raw))
        copy_name(hello->restaurant, sizeof(hello->restaurant), &name);
    is_auth = is_auth && !text.failed && credential->len > 0;
    tw_buf_done(&text);
    tw_buf_done(&name);
    return is_auth;
}

/* The published client shows `error` to whoever looks at its log. */
static void refuse(const char *code, struct tw_buf *out)
{
    put_type(out, code == NULL ? "error" : "auth:failed");
    tw_json_member(out, "error",
                   code == NULL
                       ? TW_LIT("Authentication required: the first message must be "
                                "{\"type\":\"auth\",\"token\":\"…\"}. A cloud sync device "
                                "names its device_id in the address.")
                       : tw_slice_of(tw_refusal_of(code)->message));
    tw_json_member(out, "code", tw_slice_of(code == NULL ? "AUTH_REQUIRED" : code));
    put_time(out);
    tw_buf_char(out, '}');
}

static const struct gw_first_words first_words = { invite, find_credential, refuse };

/* --- From its admission on -------------------------------------------------------------------
 */

static struct gw_session *open_client(void *family, const struct gw_hello *hello,
                                      const struct gw_identity *who)
{
    struct ws_client *c = tw_new(struct ws_client);

    gw_screen_init(&c->screen, family, &framing);
    gw_screen_identify(&c->screen, who);
    c->screen.has_joined = true;
    c->by_message = hello->by_message;
    c->since_is_empty = hello->since_is_empty;
    return &c->screen.session;
}

static void closed(struct gw_session *s)
{
    struct ws_client *c = client_of(s);

    gw_screen_leave(&c->screen);
    gw_screen_done(&c->screen);
    free(c);
}

static void greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    struct ws_client *c = client_of(s);

    const char *warning = c->since_is_empty && !c->was_greeted ? NO_SINCE : "";

    if (c->by_message && !c->was_greeted)
        say(c, "auth:success", warning, seq, oldest);
    else if (warning[0] != '\0')
        say(c, "connected", NOT_REQUIRED NO_SINCE, seq, oldest);
    else
        say(c, "connected", NOT_REQUIRED, seq, oldest);
    c->was_greeted = true;
    gw_room_enter(&c->screen);
    gw_screen_joined(&c->screen);
}

static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    say(client_of(s), "resync_required", "", seq, oldest);
}

static void on_ping(struct ws_client *c, struct tw_slice json)
{
    (void)json;
    say(c, "pong", "", 0, 0);
}

/* It may also speak first where a proxy has brought the credential: it waits for the answer. */
static void on_auth(struct ws_client *c, struct tw_slice json)
{
    (void)json;
    if (c->by_message) /* the message that admitted it: it was answered by the greeting */
        c->by_message = false;
    else
        say(c, "auth:success", "", 0, 0);
}

static void on_resume(struct ws_client *c, struct tw_slice json)
{
    struct tw_slice raw, payload;
    uint64_t since;

    if (!(tw_json_get(json, "since", &raw) ||
          (tw_json_get(json, "payload", &payload) && tw_json_get(payload, "since", &raw))) ||
        !tw_json_u64(raw, &since))
        gw_screen_refuse(&c->screen, "INVALID_SINCE", tw_refusal_of("INVALID_SINCE")->message);
    else if (!gw_session_resume(&c->screen.session, since))
        gw_screen_refuse(&c->screen, "RESUME_TOO_LATE",
                         "Events were sent already, or it was resumed before. Connect again "
                         "with ?since=.");
}

static const struct {
    const char *type;
    void (*act)(struct ws_client *c, struct tw_slice json);
} messages[] = { { "ping", on_ping }, { "auth", on_auth }, { "resume", on_resume } };

/* The restaurant stands beside the payload, where the requests of Socket.IO have it inside:
 * what a page says for another restaurant than its socket's is refused. */
static struct tw_slice take_restaurant(struct tw_slice json, struct tw_slice payload,
                                       struct tw_buf *text)
{
    struct tw_slice raw, inner;

    if (!tw_json_get(json, "restaurant_id", &raw) && !tw_json_get(json, "restaurantId", &raw))
        return payload;
    if (payload.len == 0 || tw_slice_is(payload, "null"))
        payload = TW_LIT("{}");
    if (payload.at[0] != '{' || tw_json_get(payload, "restaurantId", &inner) ||
        tw_json_get(payload, "restaurant_id", &inner))
        return payload;
    text->max = payload.len + raw.len + 32;
    tw_buf_text(text, "{\"restaurantId\":");
    tw_buf_append(text, raw);
    if (payload.len > 2)
        tw_buf_char(text, ',');
    tw_buf_append(text, tw_slice_skip(payload, 1));
    return tw_buf_view(text);
}

static void request(struct ws_client *c, struct tw_slice type, struct tw_slice json)
{
    struct gw_request request = { .name = type };
    struct tw_buf text = { 0 };

    (void)tw_json_get(json, "payload", &request.payload);
    request.payload = take_restaurant(json, request.payload, &text);
    gw_screen_request(&c->screen, &request);
    tw_buf_done(&text);
}

static void message(struct gw_session *s, struct tw_slice json)
{
    struct ws_client *c = client_of(s);
    struct tw_slice type;
    size_t i = 0;

    if (!tw_json_get_text(json, "type", &type)) {
        gw_screen_refuse(&c->screen, "INVALID_PAYLOAD",
                         "A message is a JSON object with a \"type\".");
        return;
    }
    while (i < TW_COUNT(messages) && !tw_slice_is(type, messages[i].type))
        i++;
    if (i < TW_COUNT(messages))
        messages[i].act(c, json);
    else
        request(c, type, json);
}

static void malformed(struct gw_session *s, const char *why)
{
    struct tw_buf text = { .max = 256 };

    tw_buf_text(&text, "Invalid message format: ");
    tw_buf_text(&text, why);
    tw_buf_append(&text, tw_slice_from(".", 2));
    gw_screen_refuse(&client_of(s)->screen, "INVALID_JSON",
                     text.failed ? "Invalid message format." : text.at);
    tw_buf_done(&text);
}

const struct gw_dialect gw_restaurant_os_ws = {
    .name = "restaurant_os_ws",
    .labels = "dialect=\"restaurant_os_ws\"",
    .policy = GW_TAKES_TOKENS,
    .first_words = &first_words,
    .claims = claims,
    .open = open_client,
    .closed = closed,
    .greet = greet,
    .resync = resync,
    .message = message,
    .malformed = malformed,
    .audience = gw_screen_audience,
    .hears = gw_screen_hears,
    .sent = gw_room_sent,
    .render = render,
};
