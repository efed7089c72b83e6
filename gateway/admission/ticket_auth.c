/* ticket_auth.c - pos.ticket_take, and the principal that it names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/ticket_auth.h"

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/json_write.h"
#include "common/util/log.h"

#define CLAIM_BYTES 16384

/* Columns of pos.ticket_take. */
enum { STATUS, BODY, TENANT_ID, TENANT_SLUG, KEY_ID, EXPIRES, KEY_HASH, CLAIM, SCOPES, DEVICE };

static const char take_sql[] = "select status, body, tenant_id, tenant_slug, key_id, "
                               "expires_at_ms, key_hash, claim, scopes, device "
                               "from pos.ticket_take($1::jsonb)";

static void answer(struct gw_ticket_query *q, int status, const struct gw_identity *identity,
                   struct tw_slice body)
{
    tw_buf_done(&q->context);
    q->answered(q, status, identity, body);
}

static void copy_text(char *to, size_t size, struct tw_slice from)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;

    memcpy(to, from.at == NULL ? "" : from.at, n);
    to[n] = '\0';
}

/* False when it is more than any that we have made. */
static bool become(struct gw_principal *p, const struct tw_pg_result *result)
{
    struct tw_slice hash = tw_pg_text(result, 0, KEY_HASH);

    p->has_key = hash.len == TW_SHA256_HEX;
    if (p->has_key)
        memcpy(p->key_hash, hash.at, TW_SHA256_HEX);
    p->claim.max = p->only.max = CLAIM_BYTES;
    tw_buf_append(&p->claim, tw_pg_text(result, 0, CLAIM));
    tw_buf_append(&p->only, tw_pg_text(result, 0, SCOPES));
    return !p->claim.failed && !p->only.failed && p->has_key == (p->claim.len == 0);
}

static void admit(struct gw_ticket_query *q, const struct tw_pg_result *result)
{
    struct gw_identity who = { .principal = q->principal };

    if (!become(q->principal, result)) {
        tw_log_error("ticket.malformed", tw_str("req", q->request_id));
        answer(q, 503, NULL, TW_EMPTY);
        return;
    }
    copy_text(who.tenant.id, sizeof(who.tenant.id), tw_pg_text(result, 0, TENANT_ID));
    copy_text(who.tenant.slug, sizeof(who.tenant.slug), tw_pg_text(result, 0, TENANT_SLUG));
    copy_text(who.key_id, sizeof(who.key_id), tw_pg_text(result, 0, KEY_ID));
    who.expires_ms = tw_pg_int(result, 0, EXPIRES);
    who.device = tw_pg_text(result, 0, DEVICE);
    answer(q, 200, &who, TW_EMPTY);
}

static void on_taken(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_ticket_query *q = tw_container_of(call, struct gw_ticket_query, call);
    int status;

    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        tw_log_warn("ticket.sql", tw_str("sqlstate", tw_pg_sqlstate(result)),
                    tw_str("message", tw_pg_message(result)));
        answer(q, 503, NULL, TW_EMPTY);
        return;
    }
    status = (int)tw_pg_int(result, 0, STATUS);
    if (status == 200) {
        admit(q, result);
        return;
    }
    q->auth->refused.value++;
    if (status == 401)
        tw_strangers_refused(&q->auth->strangers, tw_slice_from(q->hash, TW_SHA256_HEX),
                             tw_slice_of(q->address_copy), q->auth->options.pool->loop->now_ms);
    answer(q, status, NULL, tw_pg_text(result, 0, BODY));
}

static void on_later(struct tw_later *l)
{
    struct gw_ticket_query *q = tw_container_of(l, struct gw_ticket_query, later);

    answer(q, q->refusal, NULL, TW_EMPTY);
}

static void put_context(struct gw_ticket_query *q)
{
    struct tw_buf *json = &q->context;

    json->max = 4096;
    tw_buf_char(json, '{');
    tw_json_member(json, "ticketHash", tw_slice_from(q->hash, TW_SHA256_HEX));
    if (q->tenant.len > 0)
        tw_json_member(json, "tenant", q->tenant);
    if (q->tenant_header.len > 0)
        tw_json_member(json, "tenantHeader", q->tenant_header);
    tw_json_member(json, "scope", tw_slice_of(q->scope));
    tw_json_member(json, "requestId", tw_slice_of(q->request_id));
    tw_buf_char(json, '}');
    TW_ASSERT(!json->failed); /* the handshake limits all its parts */
}

void gw_ticket_take(struct gw_ticket_query *q, struct tw_slice ticket)
{
    struct tw_loop *loop = q->auth->options.pool->loop;
    enum tw_stranger stranger;

    q->auth->asked.value++;
    tw_sha256_hex(ticket, q->hash);
    if (q->address.len < sizeof(q->address_copy))
        copy_text(q->address_copy, sizeof(q->address_copy), q->address);
    stranger = tw_strangers_look(&q->auth->strangers, tw_slice_from(q->hash, TW_SHA256_HEX),
                                 tw_slice_of(q->address_copy), loop->now_ms);
    if (stranger != TW_STRANGER_ASKS) {
        q->refusal = stranger == TW_STRANGER_REFUSED ? 401 : 429;
        tw_later(loop, &q->later, on_later);
        return;
    }
    put_context(q);
    q->call = (struct tw_pg_call){ .sql = take_sql,
                                   .function = "ticket_take",
                                   .params = { { tw_buf_view(&q->context), false } },
                                   .param_count = 1,
                                   .writes = true,
                                   .done = on_taken };
    tw_pg_pool_call(q->auth->options.pool, &q->call);
}
