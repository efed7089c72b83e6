/* requests.c - what Restaurant OS clients ask for: a table of events, each a room or an
 * operation.
 *
 * A client's requests are carried out one after the other, in their order: an operation after a
 * join belongs to the restaurant that was joined. Each answer goes to the event's
 * acknowledgement, when it has one, and its changes reach all clients through the log.
 * docs/protocols/restaurantos.md sections 2 and 4.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/screen.h"

#define WINDOW_MS 1000
#define NAME_BYTES 128

struct row;

/* An event that came, and its row; null: there is none. */
struct call {
    const struct row *row;
    struct tw_slice payload, ack;
};

/* The same, kept from its arrival until it is answered; the payload is the command's body. */
struct request {
    struct gw_command command;
    struct gw_screen *client;
    const struct row *row;
    struct tw_buf ack;
    struct tw_pg_call lookup; /* of a restaurant, by this name */
    struct tw_buf name;
    struct gw_authentication further; /* of the client's token, for that restaurant */
};

struct row {
    const char *event;
    gw_command_begin_cb begin;
    const char *operation; /* of pos.dispatch */
    bool writes;
    bool takes_text;    /* else an object */
    const char *answer; /* an event that carries the answer, besides the acknowledgement */
    const char *done;   /* for framings without acknowledgements: an event that ends it */
};

static struct request *request_of(struct gw_command *c)
{
    return tw_container_of(c, struct request, command);
}

static struct tw_slice payload_of(const struct request *r)
{
    return tw_buf_view(&r->command.body);
}

/* --- Answers ---------------------------------------------------------------------------------
 */

static void ack_with(struct gw_screen *c, struct tw_slice ack, struct tw_slice object)
{
    if (c->framing->acknowledge != NULL)
        c->framing->acknowledge(c, ack, object);
}

/* Both shapes that the document shows, in one: to the acknowledgement, and as `error`. */
static void refuse_raw(struct gw_screen *c, struct tw_slice ack, struct tw_slice code,
                       struct tw_slice message, struct tw_slice error)
{
    struct tw_buf json = { .max = 4096 };

    tw_buf_text(&json, "{\"success\":false");
    tw_json_member_raw(&json, "code", code);
    tw_json_member_raw(&json, "message", message);
    tw_json_member_raw(&json, "error", error);
    tw_buf_char(&json, '}');
    if (!json.failed) {
        ack_with(c, ack, tw_buf_view(&json));
        gw_screen_emit(c, "error", tw_buf_view(&json));
    }
    tw_buf_done(&json);
}

static void refuse(struct gw_screen *c, const struct call *call, const char *code,
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
    tw_buf_char(&error, '}');
    tw_refusal_help(&error, tw_slice_of(code));
    tw_buf_char(&error, '}');
    refuse_raw(c, call->ack, tw_buf_view(&named), tw_buf_view(&said), tw_buf_view(&error));
    tw_buf_done(&said);
    tw_buf_done(&named);
    tw_buf_done(&error);
}

static void succeed(struct gw_screen *c, struct tw_slice ack)
{
    struct tw_buf json = { .max = 256 };

    tw_buf_text(&json, "{\"success\":true");
    tw_json_member(&json, "restaurantId", tw_slice_of(c->identity.tenant.id));
    tw_buf_char(&json, '}');
    ack_with(c, ack, tw_buf_view(&json));
    tw_buf_done(&json);
}

/* --- Rooms -----------------------------------------------------------------------------------
 */

static void refuse_request(struct request *r, const char *code, const char *message,
                           const char *field)
{
    struct call call = { r->row, payload_of(r), tw_buf_view(&r->ack) };

    refuse(r->client, &call, code, message, field);
}

static void join(struct request *r, unsigned station)
{
    struct gw_screen *c = r->client;

    c->has_joined = true;
    c->stations |= station;
    gw_room_enter(c);
    if (c->framing->changed != NULL)
        c->framing->changed(c);
    succeed(c, tw_buf_view(&r->ack));
}

static void refuse_join(struct request *r, const char *code)
{
    const char *message =
        strcmp(code, "INVALID_RESTAURANT") == 0  ? "There is no such restaurant."
        : strcmp(code, "PERMISSION_DENIED") == 0 ? "Your token is not for this restaurant."
                                                 : tw_refusal_of(code)->message;

    refuse_request(r, code, message, "restaurantId");
}

static bool has_left(const struct request *r)
{
    return r->command.queue == NULL;
}

static void on_further(struct gw_authentication *a, const struct gw_authenticated *result)
{
    struct request *r = tw_container_of(a, struct request, further);

    if (!has_left(r) && result->who != NULL) {
        r->client->joining = &r->command;
        gw_screen_move(r->client, result->who); /* gw_screen_joined follows, now or later */
        return;
    }
    if (!has_left(r))
        refuse_join(r, result->refusal);
    gw_command_end(&r->command);
}

/* Only now: an event after the acknowledgement must reach the client. */
void gw_screen_joined(struct gw_screen *c)
{
    struct request *r;

    if (c->joining == NULL)
        return;
    r = request_of(c->joining);
    c->joining = NULL;
    if (!has_left(r))
        succeed(c, tw_buf_view(&r->ack));
    gw_command_end(&r->command);
}

/* The restaurant exists. Does the client's token grant it? An API key is for one restaurant. */
static void on_lookup(struct tw_pg_call *lookup, const struct tw_pg_result *result)
{
    struct request *r = tw_container_of(lookup, struct request, lookup);
    const char *code = NULL;

    if (tw_pg_error(result) != 0)
        code = "UNAVAILABLE";
    else if (tw_pg_rows(result) != 1)
        code = "INVALID_RESTAURANT";
    else if (has_left(r) || r->client->token.len == 0)
        code = "PERMISSION_DENIED";
    if (code != NULL) {
        if (!has_left(r))
            refuse_join(r, code);
        gw_command_end(&r->command);
        return;
    }
    r->further = (struct gw_authentication){ .all = r->client->all->options.authenticator,
                                             .answered = on_further,
                                             .policy = GW_TAKES_TOKENS,
                                             .scope = "pos",
                                             .request_id = r->command.request_id,
                                             .restaurant = tw_buf_view(&r->name) };
    gw_authenticate(&r->further, tw_buf_view(&r->client->token));
}

static bool is_own(const struct gw_screen *c, struct tw_slice name)
{
    return tw_slice_is_nocase(name, c->identity.tenant.id) ||
           tw_slice_is(name, c->identity.tenant.slug);
}

static bool join_restaurant(struct gw_command *command)
{
    struct request *r = request_of(command);

    r->name.max = NAME_BYTES;
    if (!tw_json_string(&r->name, payload_of(r)) || r->name.failed || r->name.len == 0) {
        refuse_join(r, "INVALID_RESTAURANT");
        return true;
    }
    if (is_own(r->client, tw_buf_view(&r->name))) {
        join(r, 0);
        return true;
    }
    r->lookup = (struct tw_pg_call){
        .sql = "select tenant_id from pos.token_tenant($1)",
        .function = "token_tenant",
        .params = { { tw_buf_view(&r->name), false } },
        .param_count = 1,
        .done = on_lookup,
    };
    tw_pg_pool_call(r->client->all->options.operations->options.pool, &r->lookup);
    return false;
}

/* The public client writes all names in snake case. */
static bool names_restaurant(struct tw_slice payload, struct tw_slice *raw)
{
    return tw_json_get(payload, "restaurantId", raw) ||
           tw_json_get(payload, "restaurant_id", raw);
}

static bool join_station(struct gw_command *command)
{
    struct request *r = request_of(command);
    struct tw_slice payload = payload_of(r), raw, text = { NULL, 0 };
    unsigned station = 0;

    if (tw_json_get_text(payload, "station", &text))
        station = gw_station_of(text);
    if (!tw_json_get(payload, "station", &raw))
        refuse_request(r, "VALIDATION_ERROR", "\"station\" is required", "station");
    else if (station == 0)
        refuse_request(r, "VALIDATION_ERROR",
                       "\"station\" must be one of [kitchen, expo, bar, pos]", "station");
    else if (names_restaurant(payload, &raw) &&
             (!tw_json_plain(raw, &text) || !is_own(r->client, text)))
        refuse_request(r, "PERMISSION_DENIED",
                       "This is another restaurant's. Join that restaurant first.",
                       "restaurantId");
    else
        join(r, station);
    return true;
}

/* --- Operations ------------------------------------------------------------------------------
 */

static void tell_refusal(struct request *r, const struct tw_outcome *outcome)
{
    struct tw_slice error, code, message;

    if (outcome->refusal != NULL)
        refuse_request(r, outcome->refusal, tw_refusal_of(outcome->refusal)->message, NULL);
    else if (tw_json_get(outcome->body, "error", &error) && tw_json_get(error, "code", &code) &&
             tw_json_get(error, "message", &message))
        refuse_raw(r->client, tw_buf_view(&r->ack), code, message, error);
}

/* SQL's answer as it is, with `success` first when it is not there. */
static void tell_success(struct request *r, struct tw_slice body)
{
    struct tw_buf json = { .max = body.len + 32 };
    struct tw_slice raw;

    if (tw_json_get(body, "success", &raw)) {
        ack_with(r->client, tw_buf_view(&r->ack), body);
    } else if (r->ack.len > 0) {
        tw_buf_text(&json, "{\"success\":true,");
        tw_buf_append(&json, tw_slice_skip(body, 1));
        ack_with(r->client, tw_buf_view(&r->ack), tw_buf_view(&json));
        tw_buf_done(&json);
    }
    if (r->row->answer != NULL)
        gw_screen_emit(r->client, r->row->answer, body);
    if (r->row->done != NULL && r->client->framing->acknowledge == NULL)
        gw_screen_emit(r->client, r->row->done, TW_LIT("{\"status\":\"synced\"}"));
}

static void on_answered(struct gw_commands *q, const struct gw_command *command,
                        const struct tw_outcome *outcome)
{
    struct request *r = tw_container_of((uintptr_t)command, struct request, command);

    (void)q;
    if (outcome->refusal != NULL || outcome->status >= 300)
        tell_refusal(r, outcome);
    else
        tell_success(r, outcome->body);
    if (outcome->refusal == NULL && outcome->status < 300 &&
        strcmp(command->operation.name, "order_answer") == 0)
        r->client->acks_orders = true;
}

/* The ctx is written only now: an earlier join may have changed the restaurant. */
static bool operate(struct gw_command *command)
{
    const struct gw_screen *c = request_of(command)->client;

    if (command->body.len == 0)
        tw_buf_text(&command->body, "{}");
    gw_principal_context(&c->principal, tw_slice_of(c->identity.tenant.id),
                         gw_session_device(&c->session), TW_EMPTY,
                         tw_slice_of(command->request_id), &command->context);
    gw_command_operate(command, c->all->options.operations);
    return false;
}

static void request_free(struct gw_command *command)
{
    struct request *r = request_of(command);

    tw_buf_done(&r->ack);
    tw_buf_done(&r->name);
    gw_authentication_done(&r->further);
    free(r);
}

static void enqueue(struct gw_screen *c, const struct call *call)
{
    struct request *r = tw_new(struct request);
    size_t bytes = call->payload.len < sizeof("{}") ? sizeof("{}") : call->payload.len;

    gw_command_init(&r->command, call->row->operation, call->row->writes, bytes, on_answered);
    r->command.begin = call->row->begin;
    r->command.release = request_free;
    r->command.context.max = TW_JWT_TEXT_BYTES + 1024;
    r->client = c;
    r->row = call->row;
    r->ack.max = GW_SIO_ACK_DIGITS;
    tw_buf_append(&r->command.body, call->payload);
    tw_buf_append(&r->ack, call->ack);
    if (!gw_commands_add(&c->commands, &r->command))
        refuse(c, call, "RATE_LIMIT", "Rate limit exceeded", NULL);
}

/* --- The table -------------------------------------------------------------------------------
 */

static const struct row rows[GW_EVENTS - 1] = {
    { .event = "join:restaurant", .begin = join_restaurant, .takes_text = true },
    { .event = "join:station", .begin = join_station },
    { .event = "orders:sync",
      .begin = operate,
      .operation = "orders_sync",
      .answer = "orders:sync:complete",
      .done = "sync_complete" },
    { .event = "order:update_status",
      .begin = operate,
      .operation = "order_status",
      .writes = true },
    { .event = "order:ack", .begin = operate, .operation = "order_answer", .writes = true },
    { .event = "table:complete",
      .begin = operate,
      .operation = "table_complete",
      .writes = true },
};

/* Ten in a second, counted from the first; the rest has no effect, and the socket stays. */
static bool is_within_limit(struct gw_screen *c, size_t row)
{
    struct gw_window *w = &c->windows[row];
    uint64_t now_ms = c->all->options.loop->now_ms;

    if (w->count == 0 || now_ms - w->since_ms >= WINDOW_MS) {
        w->since_ms = now_ms;
        w->count = 0;
    }
    w->count++;
    return w->count <= GW_SCREEN_REQUESTS_A_SECOND;
}

static bool is_good_payload(const struct call *call)
{
    bool is_text = call->payload.len > 0 && call->payload.at[0] == '"';

    if (call->row->takes_text)
        return is_text;
    return call->payload.len == 0 || call->payload.at[0] == '{' ||
           tw_slice_is(call->payload, "null");
}

static void take(struct gw_screen *c, struct call *call)
{
    if (!is_good_payload(call)) {
        refuse(c, call, "INVALID_PAYLOAD",
               call->row->takes_text ? "\"restaurantId\" must be a string"
                                     : "The payload must be an object.",
               NULL);
        return;
    }
    if (tw_slice_is(call->payload, "null"))
        call->payload = TW_EMPTY;
    c->all->requests.value++;
    enqueue(c, call);
}

void gw_screen_refuse(struct gw_screen *c, const char *code, const char *message)
{
    refuse(c, &(struct call){ 0 }, code, message, NULL);
}

void gw_screen_request(struct gw_screen *c, const struct gw_request *request)
{
    struct call call = { .payload = request->payload, .ack = request->ack };
    size_t i = 0;

    while (i < TW_COUNT(rows) && !tw_slice_is(request->name, rows[i].event))
        i++;
    if (i < TW_COUNT(rows))
        call.row = &rows[i];
    if (!is_within_limit(c, i)) {
        c->all->limited.value++;
        refuse(c, &call, "RATE_LIMIT", "Rate limit exceeded", NULL);
    } else if (call.row == NULL) {
        refuse(c, &call, "INVALID_PAYLOAD", "There is no such event.", NULL);
    } else {
        take(c, &call);
    }
}
