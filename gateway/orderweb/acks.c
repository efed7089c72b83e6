/* acks.c - acknowledgements, one after the other: each is an operation, and its answer goes to
 * the till.
 *
 * Most tills never say a word, so what speaking needs is made with the first one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/orderweb/acks.h"

#include <stdlib.h>
#include <string.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define CONTEXT_BYTES 1024
#define ANSWER_BYTES ((size_t)8 * 1024)

/* The queue, and whose it is: the answer has to find the till. */
struct speaker {
    struct gw_commands commands; /* first: the till has a pointer to it */
    struct gw_till *till;
};

struct gw_till *gw_till_of(struct gw_session *s)
{
    return tw_container_of(s, struct gw_till, session);
}

static struct gw_till *till_of_queue(struct gw_commands *q)
{
    return tw_container_of(q, struct speaker, commands)->till;
}

void gw_till_put_time(struct tw_buf *out)
{
    char text[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), text);
    tw_json_member(out, "timestamp", tw_slice_of(text));
}

void gw_till_put_error(struct tw_buf *out, struct tw_slice code, struct tw_slice message)
{
    tw_buf_char(out, '{');
    tw_json_member(out, "type", TW_LIT("error"));
    tw_json_member(out, "code", code);
    tw_json_member(out, "message", message);
    tw_refusal_help(out, code);
    gw_till_put_time(out);
}

/* Of the acknowledgement that it is about, as the till wrote it. */
static void put_order(struct tw_buf *out, struct tw_slice said)
{
    struct tw_slice id;

    if (tw_json_get(said, "orderId", &id))
        tw_json_member_raw(out, "orderId", id);
}

static void refuse(struct gw_session *s, struct tw_slice said, struct tw_slice code,
                   struct tw_slice message)
{
    struct tw_buf out = { .max = ANSWER_BYTES };

    gw_till_put_error(&out, code, message);
    put_order(&out, said);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void refuse_as(struct gw_session *s, struct tw_slice said, const char *code)
{
    refuse(s, said, tw_slice_of(code), tw_slice_of(tw_refusal_of(code)->message));
}

static void tell_refusal(struct gw_session *s, struct tw_slice said, struct tw_slice body)
{
    struct tw_slice error, code, raw;
    struct tw_buf message = { .max = ANSWER_BYTES };

    if (!tw_json_get(body, "error", &error) || !tw_json_get_text(error, "code", &code) ||
        !tw_json_get(error, "message", &raw) || !tw_json_string(&message, raw)) {
        refuse_as(s, said, "INTERNAL");
    } else {
        refuse(s, said, code, tw_buf_view(&message));
    }
    tw_buf_done(&message);
}

/* The answer of pos.order_answer, with a type and a time. */
static void tell_success(struct gw_session *s, struct tw_slice body)
{
    struct tw_buf out = { .max = body.len + 128 };

    tw_buf_text(&out, "{\"type\":\"order_ack\",");
    tw_buf_append(&out, tw_slice_from(body.at + 1, body.len - 2));
    gw_till_put_time(&out);
    tw_buf_char(&out, '}');
    if (!out.failed)
        gw_session_send(s, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_answered(struct gw_commands *q, const struct gw_command *c,
                        const struct tw_outcome *outcome)
{
    struct gw_session *s = &till_of_queue(q)->session;
    struct tw_slice said = tw_buf_view(&c->body);

    if (gw_session_is_closing(s))
        return;
    if (outcome->refusal != NULL) {
        refuse_as(s, said, outcome->refusal);
    } else if (outcome->status >= 300 || outcome->body.len < 2) {
        tell_refusal(s, said, outcome->body);
    } else {
        s->own |= GW_TILL_ACKS_ORDERS;
        tell_success(s, outcome->body);
    }
    gw_session_read_again(s);
}

static struct gw_commands *speak(struct gw_till *t)
{
    struct speaker *speaker;

    if (t->commands != NULL)
        return t->commands;
    speaker = tw_new(struct speaker);
    speaker->till = t;
    gw_commands_init(&speaker->commands, t->all->operations, GW_TILL_ALL_ACKS);
    t->commands = &speaker->commands;
    return t->commands;
}

/* Its key is known to what let it in; a ticket with fewer rights than its key is not. */
static void put_context(const struct gw_session *s, struct gw_command *c)
{
    struct gw_principal who = { .has_key = true };

    memcpy(who.key_hash, s->holder->key_hash, sizeof(who.key_hash));
    gw_principal_context(&who, tw_slice_of(gw_session_tenant(s)->id), gw_session_device(s),
                         TW_EMPTY, tw_slice_of(c->request_id), &c->context);
}

void gw_till_ack(struct gw_session *s, struct tw_slice json)
{
    struct gw_command *c;

    if ((s->own & GW_TILL_ONLY_LISTENS) != 0) {
        refuse_as(s, json, "PERMISSION_DENIED");
        return;
    }
    c = gw_command_new("order_answer", true,
                       json.len > CONTEXT_BYTES ? json.len : CONTEXT_BYTES, on_answered);
    put_context(s, c);
    tw_buf_append(&c->body, json);
    if (!gw_commands_add(speak(gw_till_of(s)), c))
        refuse_as(s, json, "BUSY");
}

bool gw_till_may_read(const struct gw_session *s)
{
    const struct gw_commands *q =
        tw_container_of((uintptr_t)s, struct gw_till, session)->commands;

    return q == NULL || q->count < GW_TILL_ACKS;
}

void gw_till_acks_leave(struct gw_till *t)
{
    if (t->commands == NULL)
        return;
    gw_commands_outlive(t->commands);
    free(tw_container_of(t->commands, struct speaker, commands));
    t->commands = NULL;
}
