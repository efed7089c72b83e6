/* first_message.c - from a connection without a credential to one whose first message has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/first_message.h"

#include "common/domain/credential.h"
#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/jwt.h"
#include "gateway/dialect/dialect.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define WAIT_MS 10000

static struct gw_first_message *waiting_of(const struct gw_handler *h)
{
    return tw_container_of((uintptr_t)h, struct gw_first_message, handler);
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

static bool find(struct gw_first_message *f, struct tw_slice json, struct tw_buf *out)
{
    return f->words != NULL ? f->words->find(json, f->hello, out) : find_credential(json, out);
}

static void say(struct gw_first_message *f, const struct tw_buf *text)
{
    struct gw_transport *t = gw_conn_transport(f->conn);
    struct gw_frame *frame = gw_frame_text(tw_buf_view(text));

    t->ops->send(t, frame);
    gw_frame_unref(frame);
}

static void arrive(struct gw_first_message *f, struct tw_slice message)
{
    struct tw_buf copy = { .max = GW_STRANGER_BYTES }, credential = { .max = TW_JWT_BYTES };
    struct tw_json_fault fault;
    size_t len = message.len;

    tw_buf_append(&copy, message);
    f->has_arrived = true;
    tw_after_cancel(f->loop, &f->limit);
    if (!copy.failed && tw_json_scan(copy.at, &len, &tw_json_wide, &fault) == '{' &&
        find(f, tw_slice_from(copy.at, len), &credential))
        f->arrived(f, tw_credential_bare(tw_buf_view(&credential)));
    else
        gw_first_message_refuse(f, NULL, gw_closes.no_credential);
    tw_buf_done(&copy);
    tw_buf_done(&credential);
}

/* Every message is kept for the session, which hears them in their order. */
static void on_text(struct gw_handler *h, struct tw_slice message)
{
    struct gw_first_message *f = waiting_of(h);

    if (f->is_over)
        return;
    if (f->early.len > 0)
        tw_buf_char(&f->early, '\x1e');
    tw_buf_append(&f->early, message);
    if (f->early.failed)
        gw_first_message_refuse(f, NULL, gw_closes.early_flood);
    else if (!f->has_arrived)
        arrive(f, message);
}

static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    struct gw_first_message *f = waiting_of(h);

    (void)message;
    gw_transport_close(gw_conn_transport(f->conn), gw_closes.text_only);
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    struct gw_first_message *f = waiting_of(h);

    (void)code;
    (void)reason;
    tw_after_cancel(f->loop, &f->limit);
    tw_buf_done(&f->early);
    f->conn = NULL;
    f->left(f);
}

static const struct gw_handler_ops ops = {
    .text = on_text,
    .binary = on_binary,
    .ended = on_ended,
};

static void on_limit(struct tw_deadline *d)
{
    gw_first_message_refuse(tw_container_of(d, struct gw_first_message, limit), NULL,
                            gw_closes.late_credential);
}

void gw_first_message_await(struct gw_first_message *f,
                            const struct gw_first_message_options *options,
                            struct gw_conn *conn)
{
    *f = (struct gw_first_message){
        .handler = { &ops },
        .loop = options->loop,
        .arrived = options->arrived,
        .left = options->left,
        .conn = conn,
        .early = { .max = GW_STRANGER_BYTES },
        .words = options->words,
        .hello = options->hello,
    };
    tw_after(f->loop, &f->limit, WAIT_MS, on_limit);
    gw_conn_start(conn, &f->handler);
    if (f->words != NULL) {
        struct tw_buf text = { .max = 1024 };

        f->words->invite(&text);
        say(f, &text);
        tw_buf_done(&text);
    }
}

struct tw_buf *gw_first_message_take(struct gw_first_message *f)
{
    struct tw_buf *early = tw_new(struct tw_buf);

    *early = f->early;
    f->early = (struct tw_buf){ 0 };
    return early;
}

void gw_first_message_admit(struct gw_first_message *f, struct gw_handler *handler)
{
    gw_conn_hand_over(f->conn, handler);
    f->conn = NULL;
}

void gw_first_message_close(struct gw_first_message *f, struct gw_close why)
{
    if (f->is_over || f->conn == NULL)
        return;
    f->is_over = true;
    gw_transport_close(gw_conn_transport(f->conn), why);
}

void gw_first_message_refuse(struct gw_first_message *f, const char *code, struct gw_close why)
{
    struct tw_buf text = { .max = 1024 };

    if (f->words != NULL && !f->is_over && f->conn != NULL) {
        f->words->refuse(code, &text);
        say(f, &text);
    }
    tw_buf_done(&text);
    gw_first_message_close(f, why);
}
