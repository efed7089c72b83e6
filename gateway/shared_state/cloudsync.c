/* cloudsync.c - what AI-POS cloud sync devices say, and what they are answered:
 * docs/protocols/cloudsync.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/cloudsync.h"
#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/device.h"
#include "gateway/shared_state/relay.h"
#include "gateway/stream/session.h"

#define REFUSAL_BYTES ((size_t)1024 * 1024) /* the current row may be in it */

/* --- What devices say ------------------------------------------------------------------------
 */

static void put_time(struct tw_buf *out)
{
    char text[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), text);
    tw_json_member(out, "timestamp", tw_slice_of(text));
}

/* The restaurant, as the client calls it. */
static struct tw_slice restaurant_of(struct gw_session *s)
{
    const struct gw_device *d = gw_device_of(s);

    return tw_slice_of(d->restaurant[0] != '\0' ? d->restaurant : gw_session_tenant(s)->slug);
}

static void send_error(struct gw_session *s, const char *code, const char *message)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("error"));
    tw_json_member(&out, "code", tw_slice_of(code));
    tw_json_member(&out, "message", tw_slice_of(message));
    tw_refusal_help(&out, tw_slice_of(code));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *d = gw_device_of_commands(q);
    struct tw_buf out = { .max = REFUSAL_BYTES };

    if (outcome->refusal == NULL && outcome->status < 300)
        return;
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("error"));
    gw_device_put_refusal(&out, outcome);
    tw_json_member(&out, "request", tw_buf_view(&c->note));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(&d->session, tw_buf_view(&out));
    tw_buf_done(&out);
}

static bool get_id(struct tw_slice json, const char *name, struct tw_slice *id)
{
    return tw_json_get(json, name, id) && !tw_slice_is(*id, "null");
}

/* Ids may be texts or numbers. */
static bool is_same_id(struct tw_slice a, struct tw_slice b)
{
    (void)tw_json_plain(a, &a);
    (void)tw_json_plain(b, &b);
    return tw_slice_eq(a, b);
}

/* The row that a change is about: `data.id`, or the id beside it. `beside` is null where there
 * is none: `user_id` is who did it, not whom it was done to. False when the two name different
 * rows; without either, SQL refuses. */
static bool find_row(struct tw_slice json, struct tw_slice data, const char *beside,
                     struct tw_slice *id)
{
    struct tw_slice named;
    bool is_inside = get_id(data, "id", id);

    if (beside == NULL || !get_id(json, beside, &named))
        return true;
    if (is_inside)
        return is_same_id(named, *id);
    *id = named;
    return true;
}

/* Who did it: as the message says, or as the device has said before. */
static void put_person(struct gw_session *s, struct tw_slice json, struct tw_buf *body)
{
    struct tw_slice raw;

    if (get_id(json, "user_id", &raw))
        tw_json_member_raw(body, "userId", raw);
    else if (gw_device_of(s)->user[0] != '\0')
        tw_json_member(body, "userId", tw_slice_of(gw_device_of(s)->user));
}

/* One change of `kind`, in the words of shared_state_change. */
static void change(struct gw_session *s, struct tw_slice json, struct tw_slice type,
                   struct tw_slice kind, const char *beside)
{
    struct tw_buf body = { .max = json.len + 1024 };
    struct tw_slice raw, data = TW_LIT("{}"), id = { NULL, 0 };

    (void)tw_json_get(json, "data", &data);
    if (data.len == 0 || data.at[0] != '{') {
        send_error(s, "VALIDATION_ERROR", "\"data\" must be an object.");
        return;
    }
    if (!find_row(json, data, beside, &id)) {
        send_error(s, "VALIDATION_ERROR",
                   "The message names one row, and \"data.id\" another. Send the same id.");
        return;
    }
    tw_buf_text(&body, "{\"dialect\":\"cloudsync\",\"changes\":[{");
    tw_json_member(&body, "kind", kind);
    if (tw_json_get(json, "action", &raw))
        tw_json_member_raw(&body, "action", raw);
    if (id.len > 0)
        gw_shape_text(&body, "id", id);
    if (tw_json_get(json, "change_id", &raw))
        tw_json_member_raw(&body, "changeId", raw);
    if (tw_json_get(json, "version", &raw))
        tw_json_member_raw(&body, "version", raw);
    put_person(s, json, &body);
    tw_json_member_raw(&body, "data", data);
    tw_buf_text(&body, "}]}");
    if (body.failed || !gw_device_change(gw_device_of(s), tw_buf_view(&body), type, on_changed))
        send_error(s, "RATE_LIMIT", "Too many changes wait; send this one again in a moment.");
    tw_buf_done(&body);
}

static void say(struct gw_session *s, const char *type, bool names_restaurant)
{
    struct tw_buf out = { .max = 1024 };

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(type));
    tw_json_member(&out, "device_id", gw_session_device(s));
    if (names_restaurant)
        tw_json_member(&out, "restaurant_id", restaurant_of(s));
    put_time(&out);
    tw_buf_char(&out, '}');
    gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

/* Who uses the device now, as `register` and `user_changed` say. */
static void note_user(struct gw_session *s, struct tw_slice json)
{
    struct tw_slice text;

    if (tw_json_get_text(json, "user_id", &text))
        gw_device_set_user(gw_device_of(s), text);
}

static void on_data_change(struct gw_session *s, struct tw_slice json, struct tw_slice type)
{
    struct tw_slice text;
    const char *code;

    if (!tw_json_get_text(json, "data_type", &text)) {
        send_error(s, "UNKNOWN_TYPE",
                   "A \"data_change\" says of what: send its \"data_type\".");
        return;
    }
    for (size_t i = 0; i < GW_CLOUDSYNC_KINDS; i++)
        if (tw_slice_is(text, gw_cloudsync_kinds[i].kind)) {
            change(s, json, type, text, NULL);
            return;
        }
    /* Data that we do not keep is between the devices. */
    code = gw_device_relay_refusal(s, json);
    if (code != NULL)
        send_error(s, code, GW_RELAY_REFUSED);
    else
        gw_device_relay(s, json);
}

/* It is trusted for its own restaurant alone, however it spells it. */
static bool names_another(struct gw_session *s, struct tw_slice json)
{
    const struct gw_tenant *t = gw_session_tenant(s);
    struct tw_slice raw, text;

    if (!tw_json_get(json, "restaurant_id", &raw) || tw_slice_is(raw, "null"))
        return false;
    return !tw_json_plain(raw, &text) ||
           !(tw_slice_eq(text, restaurant_of(s)) || tw_slice_is(text, t->slug) ||
             tw_slice_is_nocase(text, t->id));
}

static void message(struct gw_session *s, struct tw_slice json)
{
    struct tw_slice type;

    if (!tw_json_get_text(json, "type", &type)) {
        send_error(s, "INVALID_MESSAGE", "A message is a JSON object with a \"type\".");
        return;
    }
    if (names_another(s, json)) {
        send_error(s, "PERMISSION_DENIED", "This device is connected for another restaurant.");
        return;
    }
    if (tw_slice_is(type, "register")) {
        note_user(s, json);
        say(s, "registered", true);
        return;
    }
    if (tw_slice_is(type, "user_changed")) {
        note_user(s, json);
        return;
    }
    if (tw_slice_is(type, "heartbeat")) {
        say(s, "heartbeat_response", false);
        return;
    }
    if (tw_slice_is(type, "data_change")) {
        on_data_change(s, json, type);
        return;
    }
    for (size_t i = 0; i < GW_CLOUDSYNC_KINDS; i++)
        if (tw_slice_is(type, gw_cloudsync_kinds[i].type)) {
            change(s, json, type, tw_slice_of(gw_cloudsync_kinds[i].kind),
                   gw_cloudsync_kinds[i].is_person ? NULL : gw_cloudsync_kinds[i].id);
            return;
        }
    send_error(s, "UNKNOWN_TYPE", "This message type is not known.");
}

static void malformed(struct gw_session *s, const char *why)
{
    (void)why;
    send_error(s, "INVALID_JSON", "The message is not acceptable JSON.");
}

static bool read_query(const struct tw_http_request *req, const char *name, char *out,
                       size_t size)
{
    struct tw_buf text = { .max = size - 1 };
    bool is_there = tw_http_query(req, name, &text) == 1 && !text.failed && text.len > 0;

    if (is_there)
        memcpy(out, text.at, text.len);
    tw_buf_done(&text);
    return is_there;
}

/* The query decides: device_id and restaurant_id on any of its paths. One without the other is
 * a mistake of the caller, except where it may be a tablet. */
static bool claims(const struct tw_http_request *req, struct gw_hello *hello)
{
    bool has_device, has_restaurant;

    if (!tw_slice_is(req->path, "/") && !tw_slice_is(req->path, "/ws") &&
        !tw_slice_is(req->path, "/ws/sync"))
        return false;
    has_device = read_query(req, "device_id", hello->device, sizeof(hello->device));
    has_restaurant =
        read_query(req, "restaurant_id", hello->restaurant, sizeof(hello->restaurant));
    (void)read_query(req, "user_id", hello->user, sizeof(hello->user));
    if (!has_device && !has_restaurant && tw_slice_is(req->path, "/ws"))
        return false;
    if (!has_device || !has_restaurant)
        hello->refusal = "MISSING_DEVICE";
    return true;
}

/* It lagged so far behind that the log has dropped what it was to hear. It fetches the data
 * when it connects. */
static void resync(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    (void)seq;
    (void)oldest;
    gw_session_close(s, gw_closes.too_late);
}

/* A device is one on all the connections that give its name. */
static struct gw_session *open_device(void *family, const struct gw_hello *hello,
                                      const struct gw_identity *who)
{
    struct gw_session *s = gw_device_open(family, hello, who);

    gw_device_of(s)->is_one_by_name = true;
    return s;
}

static unsigned audience_of(const struct tw_event *ev)
{
    return gw_cloudsync_shows(ev);
}

static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev, unsigned audience)
{
    if (audience == 0)
        return GW_SKIP;
    return gw_device_hears_pictures(gw_device_of(s), ev, gw_device_hears(s, ev, GW_NO_LIST));
}

static void too_long(struct gw_session *s)
{
    struct tw_buf text = { .max = 256 };

    gw_device_put_too_long(&text, s);
    send_error(s, "MESSAGE_TOO_LARGE", text.at);
    tw_buf_done(&text);
}

const struct gw_dialect gw_cloudsync = {
    .name = "cloudsync",
    .labels = "dialect=\"cloudsync\"",
    .policy = GW_TAKES_TOKENS | GW_TAKES_NO_KEY | GW_TAKES_FIRST_MESSAGES,
    .claims = claims,
    .open = open_device,
    .closed = gw_device_closed,
    .greet = gw_device_greet,
    .resync = resync,
    .may_read = gw_device_may_read,
    .may_send = gw_device_may_send,
    .longest = gw_device_longest,
    .too_long = too_long,
    .message = message,
    .malformed = malformed,
    .audience = audience_of,
    .hears = hears,
    .relayed = gw_device_relayed,
    .render = gw_cloudsync_render,
    .variant = gw_device_variant,
    .render_private = gw_device_render_private,
};
