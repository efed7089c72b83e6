/* events.c - the events of OrderWeb's tills: docs/protocols/orderweb.md 2.
 *
 * Each event is spliced together from the raw members of the canonical one: amounts and ids
 * keep the digits that their creator wrote. A public client reads a frame into one buffer of
 * 4096 bytes, so nothing is sent that no document names, and known fields come first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/orderweb/events.h"

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define MOST_FIELDS 16

/* A member of the wire's message, and the member of the canonical data that it is. */
struct field {
    const char *name, *from;
};

struct row {
    const char *event;              /* canonical type */
    const char *type;               /* on the wire */
    bool is_documented;             /* else only for those who asked for all events */
    struct field data[MOST_FIELDS]; /* inside `data` */
    struct field beside[3];         /* beside `data`: aliases that a public client reads */
};

#define SAME(name)                                                                             \
    {                                                                                          \
        name, name                                                                             \
    }
#define NEW_ORDER                                                                              \
    {                                                                                          \
        SAME("orderId"), SAME("orderNumber"), SAME("customerName"), SAME("customerPhone"),     \
            SAME("orderType"), SAME("orderSource"), SAME("status"), SAME("totalAmount"),       \
            SAME("items"), SAME("specialInstructions"), SAME("scheduledFor"),                  \
            SAME("createdAt")                                                                  \
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
    { "order.created", "new_order", true, NEW_ORDER, { { 0 } } },
    { "order.offered", "new_order", true, NEW_ORDER, { { 0 } } },
    { "order.updated", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.status_changed", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.deleted", "order_updated", true, ORDER_UPDATED, ORDER_ALIASES },
    { "order.acknowledged",
      "order_acknowledged",
      false,
      { SAME("orderId"), SAME("orderNumber"), SAME("deviceId"), SAME("state"), SAME("at"),
        SAME("reason"), SAME("printStatus"), SAME("readyAt") },
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
    { "gift_card.hold",
      "gift_card_hold",
      false,
      { SAME("cardNumber"), SAME("holdId"), SAME("state"), SAME("amount"), SAME("available"),
        SAME("orderId"), SAME("expiresAt"), SAME("updatedAt") },
      { { "card_number", "cardNumber" }, SAME("available") } },
    { "device.silent",
      "device_silent",
      false,
      { SAME("deviceId"), SAME("name"), SAME("dialect"), SAME("silentAt"), SAME("lastSeenAt"),
        SAME("lastSeq"), SAME("reason") },
      { { "device_id", "deviceId" } } },
    { "device.back",
      "device_back",
      false,
      { SAME("deviceId"), SAME("name"), SAME("dialect"), SAME("silentAt"), SAME("backAt") },
      { { "device_id", "deviceId" } } },
    { "loyalty.updated",
      "loyalty_updated",
      true,
      { SAME("customerId"), SAME("customerPhone"), SAME("pointsChange"), SAME("newBalance"),
        SAME("transactionType"), SAME("reason"), SAME("updatedAt") },
      { { "customer_phone", "customerPhone" }, { "points", "newBalance" } } },
    { "customer.erased",
      "customer_erased",
      false,
      { SAME("customerId"), SAME("orderIds") },
      { { "customer_id", "customerId" } } },
};

static const struct row *row_of(const struct tw_event *ev)
{
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        if (tw_slice_is(ev->type, rows[i].event))
            return &rows[i];
    return NULL;
}

static bool member_is(const struct tw_event *ev, const char *name, const char *value)
{
    struct tw_slice text;

    return tw_json_get_text(ev->data, name, &text) && tw_slice_is(text, value);
}

/* Tills hear of online orders alone. A cancelled order has told its status already, so its
 * deletion is news only when it was deleted out of another status. */
unsigned gw_orderweb_audience(const struct tw_event *ev)
{
    const struct row *row = row_of(ev);
    unsigned all = row == NULL          ? GW_NO_TILL
                   : row->is_documented ? GW_EACH_TILL
                                        : GW_CURIOUS_TILLS;

    if (row == NULL || !tw_slice_starts(ev->type, TW_LIT("order.")))
        return all;
    if (!member_is(ev, "orderSource", "online") ||
        (tw_slice_is(ev->type, "order.deleted") &&
         member_is(ev, "previousStatus", "cancelled")))
        return GW_NO_TILL;
    return tw_slice_is(ev->type, "order.offered") ? GW_ACKING_TILLS : all;
}

enum gw_hearing gw_orderweb_hearing(unsigned audience, bool hears_all)
{
    return audience == GW_EACH_TILL || (audience == GW_CURIOUS_TILLS && hears_all) ? GW_SHARED
                                                                                   : GW_SKIP;
}

static void put_fields(struct tw_buf *out, const struct tw_event *ev,
                       const struct field *fields, size_t most)
{
    const char *names[MOST_FIELDS] = { 0 };
    struct tw_slice raws[MOST_FIELDS];
    size_t n = 0;

    for (; n < most && fields[n].name != NULL; n++)
        names[n] = fields[n].from;
    (void)tw_json_pick(ev->data, names, raws, n);
    for (size_t i = 0; i < n; i++)
        tw_json_member_raw(out, fields[i].name, raws[i].len > 0 ? raws[i] : TW_LIT("null"));
}

const char *gw_orderweb_type(const struct tw_event *ev)
{
    const struct row *row = row_of(ev);

    return row == NULL ? NULL : row->type;
}

void gw_orderweb_write(struct tw_buf *out, const struct gw_tenant *tenant,
                       const struct tw_event *ev)
{
    const struct row *row = row_of(ev);

    if (row == NULL) /* nobody hears it */
        return;
    (void)tw_buf_room(out, ev->raw.len + 256); /* about as long as it is */
    tw_json_member(out, "type", tw_slice_of(row->type));
    tw_json_member(out, "tenant", tw_slice_of(tenant->slug));
    tw_json_member(out, "timestamp", ev->at);
    tw_json_member_u64(out, "seq", ev->seq);
    put_fields(out, ev, row->beside, TW_COUNT(row->beside));
    tw_json_member_raw(out, "data", TW_LIT("{"));
    put_fields(out, ev, row->data, TW_COUNT(row->data));
    tw_buf_char(out, '}');
}

void gw_orderweb_write_order(struct tw_buf *out, const struct tw_event *ev)
{
    static const struct field fields[] = {
        { "id", "orderId" },   SAME("orderNumber"),        SAME("customerName"),
        SAME("customerPhone"), { "total", "totalAmount" }, SAME("status"),
        SAME("orderType"),     SAME("createdAt"),          SAME("specialInstructions"),
    };

    tw_json_member_raw(out, "order", TW_LIT("{"));
    put_fields(out, ev, fields, TW_COUNT(fields));
    tw_buf_char(out, '}');
}
