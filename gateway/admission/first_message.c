/* first_message.c - from a connection without a credential to one whose first message has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/first_message.h"

#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/transport.h"

#define WAIT_MS 10000
#define SAID_BYTES 131072
#define CLOSE_UNSUPPORTED 1003
#define CLOSE_POLICY 1008

static struct gw_first_message *waiting_of(const struct gw_handler *t)
{
    return tw_container_of((uintptr_t)t, struct gw_first_message, handler);
}

static bool is_ready(const struct gw_handler *t)
{
    (void)t;
    return true;
}

/* A member api_key, apiKey or token, of the message or of its data. */
static bool find_credential(struct tw_slice json, struct tw_buf *out)
{
    static const char *const names[] = { "api_key", "apiKey", "token" };
    struct tw_slice raw, data;

    for (size_t i = 0; i < TW_COUNT(names); i++)
        if ((tw_json_get(json, names[i], &raw) ||
             (tw_json_get(json, "data", &data) && tw_json_get(data, names[i], &raw))) &&
            tw_json_string(out, raw) && out->len > 0 && !out->failed)
            return true;
    return false;
}

static void arrive(struct gw_first_message *l, struct tw_slice message)
{
    struct tw_buf copy = { .max = SAID_BYTES }, credential = { .max = 8192 };
    struct tw_json_fault fault;
    size_t len = message.len;

    tw_buf_append(&copy, message);
    l->has_arrived = true;
    tw_after_cancel(l->loop, &l->limit);
    if (!copy.failed && tw_json_scan(copy.at, &len, &tw_json_wide, &fault) == '{' &&
        find_credential(tw_slice_from(copy.at, len), &credential))
        l->arrived(l, tw_buf_view(&credential));
    else
        gw_first_message_refuse(l, "the first message must have an api_key or a token");
    tw_buf_done(&copy);
    tw_buf_done(&credential);
}

/* All are kept for the session, which hears them in their order. */
static void on_text(struct gw_handler *t, struct tw_slice message)
{
    struct gw_first_message *l = waiting_of(t);

    if (l->is_over)
        return;
    if (l->said.len > 0)
        tw_buf_char(&l->said, '\x1e');
    tw_buf_append(&l->said, message);
    if (l->said.failed)
        gw_first_message_refuse(l, "too much said before the credential was checked");
    else if (!l->has_arrived)
        arrive(l, message);
}

static void on_binary(struct gw_handler *t, struct tw_slice message)
{
    struct gw_first_message *l = waiting_of(t);
    struct gw_transport *w = gw_conn_transport(l->conn);

    (void)message;
    w->ops->close(w, CLOSE_UNSUPPORTED, "only text messages are understood here");
}

static void on_writable(struct gw_handler *t, uint64_t now_ms)
{
    (void)t;
    (void)now_ms;
}

static void on_nothing(struct gw_handler *t)
{
    (void)t;
}

static void on_ended(struct gw_handler *t, unsigned code, const char *reason)
{
    struct gw_first_message *l = waiting_of(t);

    (void)code;
    (void)reason;
    tw_after_cancel(l->loop, &l->limit);
    tw_buf_done(&l->said);
    l->conn = NULL;
    l->left(l);
}

static const struct gw_handler_ops ops = { is_ready,   on_text,    on_binary, on_writable,
                                           on_nothing, on_nothing, on_ended };

static void on_limit(struct tw_deadline *d)
{
    gw_first_message_refuse(
        tw_container_of(d, struct gw_first_message, limit),
        "the first message, with an api_key or a token, did not come in time");
}

void gw_first_message_open(struct gw_first_message *l, struct gw_conn *conn,
                           struct tw_slice rest)
{
    l->handler.ops = &ops;
    l->conn = conn;
    l->said.max = SAID_BYTES;
    tw_after(l->loop, &l->limit, WAIT_MS, on_limit);
    gw_conn_start(conn, &l->handler, rest);
}

void gw_first_message_admit(struct gw_first_message *l, struct gw_handler *t,
                            struct tw_buf *said)
{
    *said = l->said;
    l->said = (struct tw_buf){ 0 };
    gw_conn_hand_over(l->conn, t);
    l->conn = NULL;
}

void gw_first_message_refuse(struct gw_first_message *l, const char *reason)
{
    struct gw_transport *w;

    if (l->is_over || l->conn == NULL)
        return;
    l->is_over = true;
    w = gw_conn_transport(l->conn);
    w->ops->close(w, CLOSE_POLICY, reason);
}
