/* redact.c - one walk over a body that the scanner has passed; it ends where enough is written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/redact.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"

#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
#define ELLIPSIS "\xe2\x80\xa6"
#define NAME_BYTES                                                                             \
    64 /* of a member: longer ones are cut, so that nobody writes a letter there */

/* Members whose values say nothing about a person and open nothing, in strcmp's order. */
static const char *const harmless[] = {
    "action",
    "amount",
    "available",
    "category",
    "count",
    "createdAt",
    "currency",
    "deliveryFee",
    "delivery_fee",
    "device",
    "deviceId",
    "device_id",
    "discount",
    "expiryDate",
    "fulfillment",
    "id",
    "initialBalance",
    "itemId",
    "item_id",
    "kind",
    "method",
    "operation",
    "order",
    "orderId",
    "orderNumber",
    "orderSource",
    "orderType",
    "order_id",
    "order_number",
    "order_source",
    "order_type",
    "paymentMethod",
    "payment_method",
    "pending_acks_count",
    "pending_orders_count",
    "points",
    "price",
    "printed_at",
    "profile",
    "qty",
    "quantity",
    "received_at",
    "registerId",
    "reportDate",
    "report_date",
    "requestId",
    "scheduledFor",
    "scheduled_for",
    "scopes",
    "seats",
    "since",
    "source",
    "state",
    "status",
    "stock",
    "subtotal",
    "tableId",
    "tableNumber",
    "table_id",
    "table_number",
    "tax",
    "timestamp",
    "tip",
    "total",
    "totalAmount",
    "totalSales",
    "total_amount",
    "total_sales",
    "type",
    "unit",
    "updatedAt",
    "version",
};

/* Where the walk is: for each depth, whether its values are shown. */
struct walk {
    struct tw_slice json;
    size_t at, depth;
    bool is_object[TW_JSON_DEPTH + 1], is_shown[TW_JSON_DEPTH + 1];
    bool expects_name;
};

static int compare(const void *name, const void *element)
{
    return strcmp(name, *(const char *const *)element);
}

static bool is_harmless(struct tw_slice name)
{
    char text[32];

    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    return bsearch(text, harmless, TW_COUNT(harmless), sizeof(harmless[0]), compare) != NULL;
}

/* The string, number or word at the walk's place, which moves behind it. */
static struct tw_slice take_scalar(struct walk *w)
{
    const char *s = w->json.at;
    size_t i = w->at + 1, begin = w->at;

    if (s[begin] == '"') {
        while (i < w->json.len && s[i] != '"')
            i += s[i] == '\\' ? 2 : 1;
        i++;
    } else {
        while (i < w->json.len && strchr(",]}", s[i]) == NULL)
            i++;
    }
    w->at = i < w->json.len ? i : w->json.len;
    return tw_slice_from(s + begin, w->at - begin);
}

/* Quotes included. */
static struct tw_slice take_name(struct walk *w, bool *is_long)
{
    struct tw_slice raw = take_scalar(w);

    w->is_shown[w->depth] = is_harmless(tw_slice_from(raw.at + 1, raw.len - 2));
    w->expects_name = false;
    *is_long = raw.len > NAME_BYTES;
    return *is_long ? TW_LIT("\"" DOTS "\"") : raw;
}

static struct tw_slice take_value(struct walk *w)
{
    struct tw_slice raw = take_scalar(w);
    char c = raw.at[0];

    if (w->is_shown[w->depth] || c == 't' || c == 'f' || c == 'n')
        return raw;
    return TW_LIT("\"" DOTS "\"");
}

static struct tw_slice take_mark(struct walk *w)
{
    char c = w->json.at[w->at];

    if (c == '{' || c == '[') {
        bool inherits = c == '[' && w->depth > 0 && w->is_shown[w->depth];

        if (w->depth < TW_JSON_DEPTH)
            w->depth++;
        w->is_object[w->depth] = c == '{';
        w->is_shown[w->depth] = inherits;
        w->expects_name = c == '{';
    } else if (c == '}' || c == ']') {
        w->depth -= w->depth > 0 ? 1 : 0;
        w->expects_name = false;
    } else {
        w->expects_name = c == ',' && w->is_object[w->depth];
    }
    return tw_slice_from(w->json.at + w->at++, 1);
}

void api_redact_body(struct tw_buf *out, struct tw_slice json)
{
    struct walk w = { .json = json };
    size_t begin = out->len;

    while (w.at < json.len) {
        struct tw_slice piece;
        bool is_long;

        if (strchr("{}[],:", json.at[w.at]) != NULL)
            piece = take_mark(&w);
        else if (w.expects_name)
            piece = take_name(&w, &is_long);
        else
            piece = take_value(&w);
        if (out->len - begin + piece.len > API_REDACTED_BYTES - sizeof(ELLIPSIS)) {
            tw_buf_text(out, ELLIPSIS);
            return;
        }
        tw_buf_append(out, piece);
    }
}

static void put_tail(struct tw_buf *out, struct tw_slice text, size_t kept)
{
    tw_buf_text(out, DOTS);
    if (text.len > 2 * kept)
        tw_buf_append(out, tw_slice_skip(text, text.len - kept));
}

static void put_parameter(struct tw_buf *out, struct tw_slice name, struct tw_slice tenant,
                          struct tw_slice path)
{
    struct tw_buf text = { .max = 256 };
    struct tw_slice given = { "", 0 }, raw, rest = path, member;

    if (tw_slice_is(name, "tenant"))
        given = tenant;
    while (tw_json_pair(&rest, &member, &raw))
        if (member.len == name.len + 2 && memcmp(member.at + 1, name.at, name.len) == 0 &&
            tw_json_string(&text, raw))
            given = tw_buf_view(&text);
    if (text.failed)
        tw_buf_text(out, DOTS);
    else if (tw_slice_is(name, "cardNumber"))
        put_tail(out, given, 4);
    else if (tw_slice_is(name, "phone"))
        put_tail(out, given, 2);
    else
        tw_buf_append(out, given);
    tw_buf_done(&text);
}

void api_redact_path(struct tw_buf *out, const char *pattern, struct tw_slice tenant,
                     struct tw_slice path)
{
    struct tw_slice rest = tw_slice_of(pattern), piece;

    while (tw_slice_split(&rest, '{', &piece)) {
        tw_buf_append(out, piece);
        if (rest.at != NULL && tw_slice_split(&rest, '}', &piece))
            put_parameter(out, piece, tenant, path);
    }
}
