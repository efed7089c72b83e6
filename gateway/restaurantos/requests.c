/* requests.c - what Restaurant OS clients ask for: a table of events, each a room or an
 * operation.
 *
 * A client's operations run one after the other, in its order. Each answer goes to the event's
 * acknowledgement, when it has one, and what it changed comes to everybody through the log.
 * docs/protocols/restaurantos.md sections 2 and 4.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/base.h"
#include "common/crypto.h"
#include "common/json_view.h"
#include "common/json_write.h"
#include "common/refusal.h"
#include "gateway/hub.h"
#include "gateway/restaurantos/state.h"
#include "gateway/session.h"

#define WINDOW_MS 1000
#define WINDOW_MOST 10
#define COMMANDS_MOST 64 /* that one client may have waiting */
#define NAME_BYTES 128

struct row;

/* An operation that was asked for, until it is answered. */
struct command {
    struct tw_operation operation;
    struct tw_list link;
    struct gw_sio_guest *guest;
    const struct row *row;
    struct tw_buf context, body, ack;
    char request_id[37];
};

/* What came with an event. */
struct call {
    const struct row *row;
    struct tw_slice payload; /* raw; empty: none */
    struct tw_slice ack;
};

struct row {
    const char *event;
    void (*act)(struct gw_sio_guest *g, const struct call *call);
    const char *operation; /* of pos.dispatch */
    bool writes;
    bool takes_text;    /* else an object */
    const char *answer; /* an event that carries the answer, besides the acknowledgement */
};

/* --- Answers ---------------------------------------------------------------------------------
 */

static void ack_with(struct gw_sio_guest *g, struct tw_slice ack, struct tw_slice object)
{
    struct tw_buf json = { .max = object.len + 16 };

    if (ack.len == 0 || g->k == NULL)
        return;
    tw_buf_char(&json, '[');
    tw_buf_append(&json, object);
    tw_buf_char(&json, ']');
    gw_sio_ack(g->k, ack, tw_buf_view(&json));
    tw_buf_done(&json);
}

static void emit(struct gw_sio_guest *g, const char *event, struct tw_slice object)
{
    struct tw_buf json = { .max = object.len + 128 };

    if (g->k == NULL)
        return;
    tw_buf_text(&json, "[\"");
    tw_buf_text(&json, event);
    tw_buf_text(&json, "\",");
    tw_buf_append(&json, object);
    tw_buf_char(&json, ']');
    gw_sio_emit(g->k, tw_buf_view(&json));
    tw_buf_done(&json);
}

/* Both shapes that the document shows, in one: to the acknowledgement, and as `error`. */
static void refuse_raw(struct gw_sio_guest *g, struct tw_slice ack, struct tw_slice code,
                       struct tw_slice message, struct tw_slice error)
{
    struct tw_buf json = { .max = 4096 };

    tw_buf_text(&json, "{\"success\":false");
    tw_json_member_raw(&json, "code", code);
    tw_json_member_raw(&json, "message", message);
    tw_json_member_raw(&json, "error", error);
    tw_buf_char(&json, '}');
    if (!json.failed) {
        ack_with(g, ack, tw_buf_view(&json));
        emit(g, "error", tw_buf_view(&json));
    }
    tw_buf_done(&json);
}

static void refuse(struct gw_sio_guest *g, const struct call *call, const char *code,
                   const char *message, const char *field)
{
    struct tw_buf said = { .max = 512 }, named = { .max = 128 }, error = { .max = 1024 };

    tw_json_put(&said, tw_slice_of(message));
    tw_json_put(&named, tw_slice_of(code));
    tw_buf_char(&error, '{');
    tw_json_member_raw(&error, "code", tw_buf_view(&named));
    tw_json_member_raw(&error, "message", tw_buf_view(&said));
    tw_json_member_raw(&error, "details", TW_LIT("{"));
    if (call->row != NULL)
        tw_json_member(&error, "event", tw_slice_of(call->row->event));
    if (field != NULL)
        tw_json_member(&error, "field", tw_slice_of(field));
    tw_buf_text(&error, "}}");
    refuse_raw(g, call->ack, tw_buf_view(&named), tw_buf_view(&said), tw_buf_view(&error));
    tw_buf_done(&said);
    tw_buf_done(&named);
    tw_buf_done(&error);
}

static void succeed(struct gw_sio_guest *g, struct tw_slice ack)
{
    struct tw_buf json = { .max = 256 };

    tw_buf_text(&json, "{\"success\":true");
    tw_json_member(&json, "restaurantId", tw_slice_of(g->identity.tenant.id));
    tw_buf_char(&json, '}');
    ack_with(g, ack, tw_buf_view(&json));
    tw_buf_done(&json);
}

/* --- Rooms -----------------------------------------------------------------------------------
 */

static void join(struct gw_sio_guest *g, unsigned station, struct tw_slice ack)
{
    g->has_joined = true;
    g->stations |= station;
    gw_room_enter(g);
    gw_guest_save(g);
    succeed(g, ack);
}

/* What it waits for while a restaurant that it named is looked up. */
static void hold_wish(struct gw_sio_guest *g, struct tw_slice name, struct tw_slice ack)
{
    tw_buf_clear(&g->wanted);
    tw_buf_clear(&g->wanted_ack);
    g->wanted.max = NAME_BYTES;
    g->wanted_ack.max = GW_SIO_ACK_DIGITS;
    tw_buf_append(&g->wanted, name);
    tw_buf_append(&g->wanted_ack, ack);
}

static void refuse_wish(struct gw_sio_guest *g, const char *code)
{
    static const struct row join_restaurant = { .event = "join:restaurant" };
    const struct call call = { .row = &join_restaurant, .ack = tw_buf_view(&g->wanted_ack) };
    const char *message =
        strcmp(code, "INVALID_RESTAURANT") == 0  ? "There is no such restaurant."
        : strcmp(code, "PERMISSION_DENIED") == 0 ? "Your token is not for this restaurant."
                                                 : tw_refusal_of(code)->message;

    refuse(g, &call, code, message, "restaurantId");
}

static void end_wish(struct gw_sio_guest *g)
{
    tw_buf_clear(&g->wanted);
    gw_guest_release(g);
}

static void on_grant(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct gw_sio_guest *g = tw_container_of(check, struct gw_sio_guest, check);

    if (g->k != NULL && refusal != NULL) {
        refuse_wish(g, refusal);
    } else if (g->k != NULL) {
        gw_guest_move(g, grant);
        succeed(g, tw_buf_view(&g->wanted_ack));
    }
    end_wish(g);
}

/* It exists, then: does its token grant it? An API key is for one restaurant. */
static void on_lookup(struct tw_pg_call *lookup, const struct tw_pg_result *result)
{
    struct gw_sio_guest *g = tw_container_of(lookup, struct gw_sio_guest, lookup);

    if (g->k == NULL) {
        end_wish(g);
    } else if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1 || g->token.len == 0) {
        refuse_wish(g, tw_pg_error(result) != 0  ? "UNAVAILABLE"
                       : tw_pg_rows(result) != 1 ? "INVALID_RESTAURANT"
                                                 : "PERMISSION_DENIED");
        end_wish(g);
    } else {
        g->check = (struct tw_token_check){ .all = g->all->tokens,
                                            .restaurant = tw_buf_view(&g->wanted),
                                            .answered = on_grant };
        tw_token_check(&g->check, tw_buf_view(&g->token));
    }
}

static bool is_own(const struct gw_sio_guest *g, struct tw_slice name)
{
    return tw_slice_is_nocase(name, g->identity.tenant.id) ||
           tw_slice_is(name, g->identity.tenant.slug);
}

static void join_restaurant(struct gw_sio_guest *g, const struct call *call)
{
    struct tw_buf name = { .max = NAME_BYTES };

    if (!tw_json_string(&name, call->payload) || name.failed || name.len == 0) {
        refuse(g, call, "INVALID_RESTAURANT", "There is no such restaurant.", "restaurantId");
    } else if (is_own(g, tw_buf_view(&name))) {
        join(g, 0, call->ack);
    } else if (g->wanted.len > 0) { /* one at a time */
        refuse(g, call, "RATE_LIMIT", "Rate limit exceeded", NULL);
    } else {
        hold_wish(g, tw_buf_view(&name), call->ack);
        g->busy++;
        g->lookup = (struct tw_pg_call){
            .sql = "select tenant_id from pos.token_tenant($1)",
            .params = { { tw_buf_view(&g->wanted), false } },
            .param_count = 1,
            .done = on_lookup,
        };
        tw_pg_pool_call(g->all->operations->pool, &g->lookup);
    }
    tw_buf_done(&name);
}

static void join_station(struct gw_sio_guest *g, const struct call *call)
{
    static const struct {
        const char *name;
        enum gw_station bit;
    } stations[] = {
        { "kitchen", GW_KITCHEN }, { "expo", GW_EXPO }, { "bar", GW_BAR }, { "pos", GW_POS }
    };
    struct tw_slice raw, text = { NULL, 0 };
    unsigned station = 0;

    if (tw_json_get(call->payload, "station", &raw) && tw_json_plain(raw, &text))
        for (size_t i = 0; i < TW_COUNT(stations); i++)
            if (tw_slice_is(text, stations[i].name))
                station = stations[i].bit;
    if (!tw_json_get(call->payload, "station", &raw))
        refuse(g, call, "VALIDATION_ERROR", "\"station\" is required", "station");
    else if (station == 0)
        refuse(g, call, "VALIDATION_ERROR",
               "\"station\" must be one of [kitchen, expo, bar, pos]", "station");
    else if (tw_json_get(call->payload, "restaurantId", &raw) &&
             (!tw_json_plain(raw, &text) || !is_own(g, text)))
        refuse(g, call, "PERMISSION_DENIED",
               "This is another restaurant's. Join that restaurant first.", "restaurantId");
    else
        join(g, station, call->ack);
}

/* --- Operations ------------------------------------------------------------------------------
 */

static void start_next(struct gw_sio_guest *g);

static void command_free(struct command *c)
{
    tw_buf_done(&c->context);
    tw_buf_done(&c->body);
    tw_buf_done(&c->ack);
    free(c);
}

static void tell_refusal(struct command *c, const struct tw_outcome *outcome)
{
    const struct call call = { .row = c->row, .ack = tw_buf_view(&c->ack) };
    struct tw_slice error, code, message;

    if (outcome->refusal != NULL)
        refuse(c->guest, &call, outcome->refusal, tw_refusal_of(outcome->refusal)->message,
               NULL);
    else if (tw_json_get(outcome->body, "error", &error) && tw_json_get(error, "code", &code) &&
             tw_json_get(error, "message", &message))
        refuse_raw(c->guest, tw_buf_view(&c->ack), code, message, error);
}

/* SQL's answer as it is, with `success` first when it is not there. */
static void tell_success(struct command *c, struct tw_slice body)
{
    struct tw_buf json = { .max = body.len + 32 };
    struct tw_slice raw;

    if (tw_json_get(body, "success", &raw)) {
        ack_with(c->guest, tw_buf_view(&c->ack), body);
    } else if (c->ack.len > 0) {
        tw_buf_text(&json, "{\"success\":true,");
        tw_buf_append(&json, tw_slice_skip(body, 1));
        ack_with(c->guest, tw_buf_view(&c->ack), tw_buf_view(&json));
        tw_buf_done(&json);
    }
    if (c->row->answer != NULL)
        emit(c->guest, c->row->answer, body);
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct command *c = tw_container_of(op, struct command, operation);
    struct gw_sio_guest *g = c->guest;

    if (outcome->refusal != NULL || outcome->status >= 300)
        tell_refusal(c, outcome);
    else
        tell_success(c, outcome->body);
    tw_list_remove(&c->link);
    g->command_count--;
    command_free(c);
    if (g->k != NULL)
        start_next(g);
    gw_guest_release(g);
}

/* The first is under way; the others wait for it. */
static void start_next(struct gw_sio_guest *g)
{
    struct command *c = tw_container_of(g->commands.next, struct command, link);

    if (tw_list_empty(&g->commands))
        return;
    g->busy++;
    c->operation.all = g->all->operations;
    c->operation.name = c->row->operation;
    c->operation.context = tw_buf_view(&c->context);
    c->operation.body = tw_buf_view(&c->body);
    c->operation.request_id = c->request_id;
    c->operation.writes = c->row->writes;
    c->operation.done = on_done;
    tw_operation_start(&c->operation);
}

void gw_guest_drop_commands(struct gw_sio_guest *g)
{
    struct tw_list *link, *next;

    /* The one under way stays: its transaction ends, and so do its answers. */
    for (link = g->commands.next; link != &g->commands; link = next) {
        struct command *c = tw_container_of(link, struct command, link);

        next = link->next;
        if (c->operation.all != NULL)
            continue;
        tw_list_remove(&c->link);
        g->command_count--;
        command_free(c);
    }
}

/* The ctx of pos.call. */
static void write_context(struct command *c)
{
    const struct gw_sio_guest *g = c->guest;
    struct tw_buf *json = &c->context;
    char attempt[36];

    json->max = TW_JWT_TEXT_BYTES + 1024;
    tw_random_uuid(attempt);
    tw_random_uuid(c->request_id);
    tw_buf_char(json, '{');
    if (g->token_claim.len > 0)
        tw_json_member_raw(json, "token", tw_buf_view(&g->token_claim));
    else
        tw_json_member(json, "keyHash", tw_slice_from(g->key_hash, TW_SHA256_HEX));
    tw_json_member(json, "kind", TW_LIT("socket"));
    tw_json_member(json, "device", tw_slice_of(g->sid));
    tw_json_member(json, "attempt", tw_slice_from(attempt, sizeof(attempt)));
    tw_json_member(json, "requestId", tw_slice_of(c->request_id));
    tw_json_member_raw(json, "path", TW_LIT("{}"));
    tw_json_member_raw(json, "query", TW_LIT("{}"));
    tw_buf_char(json, '}');
}

static void ask(struct gw_sio_guest *g, const struct call *call)
{
    struct command *c;

    if (g->command_count >= COMMANDS_MOST) {
        refuse(g, call, "RATE_LIMIT", "Rate limit exceeded", NULL);
        return;
    }
    c = tw_new(struct command);
    c->guest = g;
    c->row = call->row;
    c->body.max = call->payload.len + 2;
    c->ack.max = GW_SIO_ACK_DIGITS;
    tw_buf_append(&c->body, call->payload.len > 0 ? call->payload : TW_LIT("{}"));
    tw_buf_append(&c->ack, call->ack);
    write_context(c);
    tw_list_append(&g->commands, &c->link);
    g->command_count++;
    if (g->command_count == 1)
        start_next(g);
}

/* --- The table -------------------------------------------------------------------------------
 */

static const struct row rows[GW_EVENTS - 1] = {
    { .event = "join:restaurant", .act = join_restaurant, .takes_text = true },
    { .event = "join:station", .act = join_station },
    { .event = "orders:sync",
      .act = ask,
      .operation = "orders_sync",
      .answer = "orders:sync:complete" },
    { .event = "order:update_status", .act = ask, .operation = "order_status", .writes = true },
    { .event = "table:complete", .act = ask, .operation = "table_complete", .writes = true },
};

/* Ten in a second, counted from the first; the rest has no effect, and the socket stays. */
static bool is_within_limit(struct gw_sio_guest *g, size_t row)
{
    struct gw_window *w = &g->windows[row];
    uint64_t now_ms = g->all->loop->now_ms;

    if (w->count == 0 || now_ms - w->since_ms >= WINDOW_MS) {
        w->since_ms = now_ms;
        w->count = 0;
    }
    w->count++;
    return w->count <= WINDOW_MOST;
}

static bool is_good_payload(const struct call *call)
{
    bool is_text = call->payload.len > 0 && call->payload.at[0] == '"';

    if (call->row->takes_text)
        return is_text;
    return call->payload.len == 0 || call->payload.at[0] == '{' ||
           tw_slice_is(call->payload, "null");
}

static void act(struct gw_sio_guest *g, struct call *call)
{
    if (!is_good_payload(call)) {
        refuse(g, call, "INVALID_PAYLOAD",
               call->row->takes_text ? "\"restaurantId\" must be a string"
                                     : "The payload must be an object.",
               NULL);
        return;
    }
    if (tw_slice_is(call->payload, "null"))
        call->payload = (struct tw_slice){ NULL, 0 };
    g->all->requests.value++;
    call->row->act(g, call);
}

void gw_guest_request(struct gw_sio_guest *g, const struct gw_sio_packet *p)
{
    struct tw_slice rest = gw_sio_args(p), name = { NULL, 0 };
    struct call call = { .ack = p->ack };
    size_t i = 0;

    (void)gw_sio_arg(&rest, &call.payload);
    if (!tw_json_plain(p->name, &name))
        name.len = 0;
    while (i < TW_COUNT(rows) && !tw_slice_is(name, rows[i].event))
        i++;
    if (i < TW_COUNT(rows))
        call.row = &rows[i];
    if (!is_within_limit(g, i)) {
        g->all->limited.value++;
        refuse(g, &call, "RATE_LIMIT", "Rate limit exceeded", NULL);
    } else if (call.row == NULL) {
        refuse(g, &call, "INVALID_PAYLOAD", "There is no such event.", NULL);
    } else {
        act(g, &call);
    }
}
