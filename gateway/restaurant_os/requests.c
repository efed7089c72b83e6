/* requests.c - what Restaurant OS clients ask for: a table of events, each a room or an
 * operation.
 *
 * What a client asks for is done one after the other, in its order: an operation behind a join
 * belongs to the restaurant that was joined. Each answer goes to the event's acknowledgement,
 * when it has one, and what it changed comes to everybody through the log.
 * docs/protocols/restaurantos.md sections 2 and 4.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/client_state.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"

#define WINDOW_MS 1000
#define MAX_WINDOW 10
#define MAX_COMMANDS 64 /* that one client may have waiting */
#define NAME_BYTES 128

struct row;

/* What came with an event. */
struct call {
    const struct row *row;
    struct tw_slice payload; /* raw; empty: none */
    struct tw_slice ack;
};

/* The same, kept from its arrival until it is answered. */
struct command {
    struct tw_list link;
    struct gw_sio_client *client;
    const struct row *row;
    struct tw_buf payload, ack;
    struct tw_operation operation;
    struct tw_buf context;
    char request_id[37];
    struct tw_pg_call lookup; /* of a restaurant, by this name */
    struct tw_buf name;
};

struct row {
    const char *event;
    bool (*act)(struct command *c); /* whether it is done already */
    const char *operation;          /* of pos.dispatch */
    bool writes;
    bool takes_text;    /* else an object */
    const char *answer; /* an event that carries the answer, besides the acknowledgement */
};

static void finish(struct command *c);

/* --- Answers ---------------------------------------------------------------------------------
 */

static void ack_with(struct gw_sio_client *g, struct tw_slice ack, struct tw_slice object)
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

static void emit(struct gw_sio_client *g, const char *event, struct tw_slice object)
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
static void refuse_raw(struct gw_sio_client *g, struct tw_slice ack, struct tw_slice code,
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

static void refuse(struct gw_sio_client *g, const struct call *call, const char *code,
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

static void succeed(struct gw_sio_client *g, struct tw_slice ack)
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

static struct call call_of(const struct command *c)
{
    return (struct call){ c->row, tw_buf_view(&c->payload), tw_buf_view(&c->ack) };
}

static void refuse_command(struct command *c, const char *code, const char *message,
                           const char *field)
{
    struct call call = call_of(c);

    refuse(c->client, &call, code, message, field);
}

static void join(struct command *c, unsigned station)
{
    struct gw_sio_client *g = c->client;

    g->has_joined = true;
    g->stations |= station;
    gw_room_enter(g);
    gw_client_save(g);
    succeed(g, tw_buf_view(&c->ack));
}

static void refuse_join(struct command *c, const char *code)
{
    const char *message =
        strcmp(code, "INVALID_RESTAURANT") == 0  ? "There is no such restaurant."
        : strcmp(code, "PERMISSION_DENIED") == 0 ? "Your token is not for this restaurant."
                                                 : tw_refusal_of(code)->message;

    refuse_command(c, code, message, "restaurantId");
}

static void on_grant(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct gw_sio_client *g = tw_container_of(check, struct gw_sio_client, check);
    struct command *c = g->under_way;

    if (g->k != NULL && refusal != NULL) {
        refuse_join(c, refusal);
    } else if (g->k != NULL) {
        gw_client_move(g, grant);
        succeed(g, tw_buf_view(&c->ack));
    }
    finish(c);
}

/* It exists, then: does its token grant it? An API key is for one restaurant. */
static void on_lookup(struct tw_pg_call *lookup, const struct tw_pg_result *result)
{
    struct command *c = tw_container_of(lookup, struct command, lookup);
    struct gw_sio_client *g = c->client;

    if (g->k == NULL) {
        finish(c);
    } else if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1 || g->token.len == 0) {
        refuse_join(c, tw_pg_error(result) != 0  ? "UNAVAILABLE"
                       : tw_pg_rows(result) != 1 ? "INVALID_RESTAURANT"
                                                 : "PERMISSION_DENIED");
        finish(c);
    } else {
        g->check = (struct tw_token_check){ .all = g->all->tokens,
                                            .restaurant = tw_buf_view(&c->name),
                                            .answered = on_grant };
        tw_token_check(&g->check, tw_buf_view(&g->token));
    }
}

static bool is_own(const struct gw_sio_client *g, struct tw_slice name)
{
    return tw_slice_is_nocase(name, g->identity.tenant.id) ||
           tw_slice_is(name, g->identity.tenant.slug);
}

static bool join_restaurant(struct command *c)
{
    struct gw_sio_client *g = c->client;

    c->name.max = NAME_BYTES;
    if (!tw_json_string(&c->name, tw_buf_view(&c->payload)) || c->name.failed ||
        c->name.len == 0) {
        refuse_join(c, "INVALID_RESTAURANT");
        return true;
    }
    if (is_own(g, tw_buf_view(&c->name))) {
        join(c, 0);
        return true;
    }
    g->busy++;
    c->lookup = (struct tw_pg_call){
        .sql = "select tenant_id from pos.token_tenant($1)",
        .params = { { tw_buf_view(&c->name), false } },
        .param_count = 1,
        .done = on_lookup,
    };
    tw_pg_pool_call(g->all->operations->pool, &c->lookup);
    return false;
}

static bool join_station(struct command *c)
{
    static const struct {
        const char *name;
        enum gw_station bit;
    } stations[] = {
        { "kitchen", GW_KITCHEN }, { "expo", GW_EXPO }, { "bar", GW_BAR }, { "pos", GW_POS }
    };
    struct tw_slice payload = tw_buf_view(&c->payload), raw, text = { NULL, 0 };
    unsigned station = 0;

    if (tw_json_get(payload, "station", &raw) && tw_json_plain(raw, &text))
        for (size_t i = 0; i < TW_COUNT(stations); i++)
            if (tw_slice_is(text, stations[i].name))
                station = stations[i].bit;
    if (!tw_json_get(payload, "station", &raw))
        refuse_command(c, "VALIDATION_ERROR", "\"station\" is required", "station");
    else if (station == 0)
        refuse_command(c, "VALIDATION_ERROR",
                       "\"station\" must be one of [kitchen, expo, bar, pos]", "station");
    else if (tw_json_get(payload, "restaurantId", &raw) &&
             (!tw_json_plain(raw, &text) || !is_own(c->client, text)))
        refuse_command(c, "PERMISSION_DENIED",
                       "This is another restaurant's. Join that restaurant first.",
                       "restaurantId");
    else
        join(c, station);
    return true;
}

/* --- Operations ------------------------------------------------------------------------------
 */

static void tell_refusal(struct command *c, const struct tw_outcome *outcome)
{
    struct tw_slice error, code, message;

    if (outcome->refusal != NULL)
        refuse_command(c, outcome->refusal, tw_refusal_of(outcome->refusal)->message, NULL);
    else if (tw_json_get(outcome->body, "error", &error) && tw_json_get(error, "code", &code) &&
             tw_json_get(error, "message", &message))
        refuse_raw(c->client, tw_buf_view(&c->ack), code, message, error);
}

/* SQL's answer as it is, with `success` first when it is not there. */
static void tell_success(struct command *c, struct tw_slice body)
{
    struct tw_buf json = { .max = body.len + 32 };
    struct tw_slice raw;

    if (tw_json_get(body, "success", &raw)) {
        ack_with(c->client, tw_buf_view(&c->ack), body);
    } else if (c->ack.len > 0) {
        tw_buf_text(&json, "{\"success\":true,");
        tw_buf_append(&json, tw_slice_skip(body, 1));
        ack_with(c->client, tw_buf_view(&c->ack), tw_buf_view(&json));
        tw_buf_done(&json);
    }
    if (c->row->answer != NULL)
        emit(c->client, c->row->answer, body);
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct command *c = tw_container_of(op, struct command, operation);

    if (outcome->refusal != NULL || outcome->status >= 300)
        tell_refusal(c, outcome);
    else
        tell_success(c, outcome->body);
    finish(c);
}

/* The ctx of pos.call. */
static void write_context(struct command *c)
{
    const struct gw_sio_client *g = c->client;
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

static bool ask(struct command *c)
{
    struct gw_sio_client *g = c->client;

    write_context(c);
    g->busy++;
    c->operation.all = g->all->operations;
    c->operation.name = c->row->operation;
    c->operation.context = tw_buf_view(&c->context);
    c->operation.body = c->payload.len > 0 ? tw_buf_view(&c->payload) : TW_LIT("{}");
    c->operation.request_id = c->request_id;
    c->operation.writes = c->row->writes;
    c->operation.done = on_done;
    tw_operation_start(&c->operation);
    return false;
}

/* --- One after the other ---------------------------------------------------------------------
 */

static void command_free(struct command *c)
{
    tw_buf_done(&c->payload);
    tw_buf_done(&c->ack);
    tw_buf_done(&c->context);
    tw_buf_done(&c->name);
    free(c);
}

static void go_on(struct gw_sio_client *g)
{
    struct tw_list *link;

    while (g->under_way == NULL && (link = tw_list_shift(&g->commands)) != NULL) {
        struct command *c = tw_container_of(link, struct command, link);

        g->command_count--;
        g->under_way = c;
        if (c->row->act(c)) {
            g->under_way = NULL;
            command_free(c);
        }
    }
}

/* Its answer has come. */
static void finish(struct command *c)
{
    struct gw_sio_client *g = c->client;

    g->under_way = NULL;
    command_free(c);
    go_on(g); /* there is nothing when it has left */
    gw_client_release(g);
}

/* The one under way stays: its transaction ends, and so do its answers. */
void gw_client_drop_commands(struct gw_sio_client *g)
{
    tw_list_each(&g->commands, link) command_free(tw_container_of(link, struct command, link));
    tw_list_init(&g->commands);
    g->command_count = 0;
}

static void enqueue(struct gw_sio_client *g, const struct call *call)
{
    struct command *c;

    if (g->command_count >= MAX_COMMANDS) {
        refuse(g, call, "RATE_LIMIT", "Rate limit exceeded", NULL);
        return;
    }
    c = tw_new(struct command);
    c->client = g;
    c->row = call->row;
    c->payload.max = call->payload.len;
    c->ack.max = GW_SIO_ACK_DIGITS;
    tw_buf_append(&c->payload, call->payload);
    tw_buf_append(&c->ack, call->ack);
    tw_list_append(&g->commands, &c->link);
    g->command_count++;
    go_on(g);
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
static bool is_within_limit(struct gw_sio_client *g, size_t row)
{
    struct gw_window *w = &g->windows[row];
    uint64_t now_ms = g->all->loop->now_ms;

    if (w->count == 0 || now_ms - w->since_ms >= WINDOW_MS) {
        w->since_ms = now_ms;
        w->count = 0;
    }
    w->count++;
    return w->count <= MAX_WINDOW;
}

static bool is_good_payload(const struct call *call)
{
    bool is_text = call->payload.len > 0 && call->payload.at[0] == '"';

    if (call->row->takes_text)
        return is_text;
    return call->payload.len == 0 || call->payload.at[0] == '{' ||
           tw_slice_is(call->payload, "null");
}

static void take(struct gw_sio_client *g, struct call *call)
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
    enqueue(g, call);
}

void gw_client_request(struct gw_sio_client *g, const struct gw_sio_packet *p)
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
        take(g, &call);
    }
}
