/* orderweb.c - the OrderWeb tills: docs/protocols/orderweb.md.
 *
 * Each event is spliced together from the raw members of the canonical one: amounts and ids
 * keep the digits that their creator wrote. A public client reads a frame into one buffer of
 * 4096 bytes, so nothing is sent that no document names, and known fields come first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/orderweb/orderweb.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/stream/session.h"

#define FRAME_BYTES                                                                            \
    ((size_t)64 * 1024 * 1024) /* whatever an event has; SQL writers have no limit */

/* A member of the wire's message, and the member of the canonical data that it is. */
struct field {
    const char *name, *from;
};

struct row {
    const char *event;      /* canonical type */
    const char *type;       /* on the wire */
    bool is_documented;     /* else only for those who asked for all events */
    struct field data[16];  /* inside `data` */
    struct field beside[3]; /* beside `data`: aliases that a public client reads */
};

#define SAME(name)                                                                             \
    {                                                                                          \
        name, name                                                                             \
    }
#define ORDER_UPDATED                                                                          \
    {                                                                                          \
        SAME("orderId"), SAME("orderNumber"), SAME("status"), SAME("previousStatus"),          \
            SAME("updatedAt")                                                                  \
    }
#define ORDER_ALIASES                                                                          \
    {                                                                                          \
        { "order_id", "orderId" }, SAME("status")                                              \
    }

static const struct row rows[] = {
    { "order.created",
      "new_order",
      true,
      { SAME("orderId"), SAME("orderNumber"), SAME("customerName"), SAME("customerPhone"),
        SAME("orderType"), SAME("orderSource"), SAME("status"), SAME("totalAmount"),
        SAME("items"), SAME("specialInstructions"), SAME("scheduledFor"), SAME("createdAt") },
      { { 0 } } },
    { "order.updated", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.status_changed", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.deleted", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.acknowledged",
      "order_acknowledged",
      false,
      { SAME("orderId"), SAME("orderNumber"), SAME("deviceId"), SAME("state"), SAME("at"),
        SAME("reason"), SAME("printStatus") },
      { { "order_id", "orderId" }, { "print_status", "printStatus" } } },
    { "gift_card.purchased",
      "gift_card_purchased",
      true,
      { SAME("cardNumber"), SAME("initialBalance"), SAME("currentBalance"), SAME("purchasedBy"),
        SAME("recipientName"), SAME("recipientEmail"), SAME("expiryDate"),
        SAME("purchasedAt") },
      { { 0 } } },
    { "gift_card.updated",
      "gift_card_updated",
      false,
      { SAME("cardNumber"), SAME("balance"), SAME("amount"), SAME("transactionId"),
        SAME("orderId"), SAME("status"), SAME("updatedAt") },
      { { "card_number", "cardNumber" }, SAME("balance") } },
    { "loyalty.updated",
      "loyalty_updated",
      true,
      { SAME("customerId"), SAME("customerPhone"), SAME("pointsChange"), SAME("newBalance"),
        SAME("transactionType"), SAME("reason"), SAME("updatedAt") },
      { { "customer_phone", "customerPhone" }, { "points", "newBalance" } } },
};

static const struct row *row_of(const struct tw_event *ev)
{
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        if (tw_slice_is(ev->type, rows[i].event))
            return &rows[i];
    return NULL;
}

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
    gw_hello_read_since(req, hello);
    hello->hears_all =
        tw_http_query(req, "events", &events) == 1 && tw_slice_is(tw_buf_view(&events), "all");
    tw_buf_done(&events);
    return true;
}

struct till {
    struct gw_session session;
    bool hears_all;      /* it asked for events that its documents do not name */
    bool since_is_empty; /* which its greeting says */
};

static struct till *till_of(struct gw_session *s)
{
    return tw_container_of(s, struct till, session);
}

static struct gw_session *open_till(void *family, const struct gw_hello *hello,
                                    const struct gw_identity *who)
{
    struct till *t = tw_new(struct till);

    (void)family;
    (void)who;
    t->hears_all = hello->hears_all;
    t->since_is_empty = hello->since_is_empty;
    return &t->session;
}

static void closed(struct gw_session *s)
{
    free(till_of(s));
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

    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", TW_LIT("connected"));
    tw_json_member(&out, "tenant", tw_slice_of(gw_session_tenant(s)->slug));
    tw_json_member(&out, "message", TW_LIT("Connected to POS WebSocket"));
    put_time(&out);
    tw_json_member_u64(&out, "seq", seq);
    tw_json_member_u64(&out, "oldestSeq", oldest);
    if (till_of(s)->since_is_empty)
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

static bool member_is(const struct tw_event *ev, const char *name, const char *value)
{
    struct tw_slice text;

    return tw_json_get_text(ev->data, name, &text) && tw_slice_is(text, value);
}

/* Tills hear of online orders alone. A cancelled order has told its status already, so its
 * deletion is news only when it was deleted out of another status. */
static bool shows(const struct till *t, const struct tw_event *ev)
{
    const struct row *row = row_of(ev);

    if (row == NULL || (!row->is_documented && !t->hears_all))
        return false;
    if (!tw_slice_starts(ev->type, TW_LIT("order.")))
        return true;
    if (!member_is(ev, "orderSource", "online"))
        return false;
    return !tw_slice_is(ev->type, "order.deleted") ||
           !member_is(ev, "previousStatus", "cancelled");
}

static enum gw_hearing hears(struct gw_session *s, const struct tw_event *ev)
{
    return shows(till_of(s), ev) ? GW_SHARED : GW_SKIP;
}

static void put_fields(struct tw_buf *out, const struct tw_event *ev,
                       const struct field *fields, size_t most)
{
    struct tw_slice raw;

    for (size_t i = 0; i < most && fields[i].name != NULL; i++) {
        if (!tw_json_get(ev->data, fields[i].from, &raw))
            raw = TW_LIT("null");
        tw_json_member_raw(out, fields[i].name, raw);
    }
}

static void render(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *batch)
{
    struct tw_buf out = { .max = FRAME_BYTES };
    const struct row *row = row_of(ev);

    if (row == NULL)
        return;
    tw_buf_char(&out, '{');
    tw_json_member(&out, "type", tw_slice_of(row->type));
    tw_json_member(&out, "tenant", tw_slice_of(tenant->slug));
    tw_json_member(&out, "timestamp", ev->at);
    tw_json_member_u64(&out, "seq", ev->seq);
    put_fields(&out, ev, row->beside, TW_COUNT(row->beside));
    tw_json_member_raw(&out, "data", TW_LIT("{"));
    put_fields(&out, ev, row->data, TW_COUNT(row->data));
    tw_buf_text(&out, "}}");
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
    .hears = hears,
    .render = render,
};
