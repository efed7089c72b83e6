/* authenticate.c - whether a credential is a key, a token, a ticket or missing, and how it is
 * checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/authenticate.h"

#include <stdlib.h>

#include "common/domain/credential.h"
#include "common/util/base.h"
#include "common/util/json_view.h"

struct gw_token_question {
    struct tw_token_check check;
    struct gw_authentication *of;
};

static void answer(struct gw_authentication *a, const struct gw_authenticated *result)
{
    a->answered(a, result);
}

/* What pos.authenticate says of a key, in the codes of refusal.h; for all others it is wrong.
 */
static const char *refusal_of(struct tw_slice body)
{
    static const struct {
        const char *said, *code;
    } rows[] = { { "TENANT_SUSPENDED", "TENANT_SUSPENDED" },
                 { "TENANT_MOVING", "TENANT_MOVING" },
                 { "INVALID_TICKET", "INVALID_TICKET" },
                 { "TENANT_MISMATCH", "PERMISSION_DENIED" },
                 { "FORBIDDEN", "PERMISSION_DENIED" } };
    struct tw_slice error, code;

    if (tw_json_get(body, "error", &error) && tw_json_get_text(error, "code", &code))
        for (size_t i = 0; i < TW_COUNT(rows); i++)
            if (tw_slice_is(code, rows[i].said))
                return rows[i].code;
    return "AUTH_FAILED";
}

/* It has no body when PostgreSQL was not asked. */
static const char *refusal_unasked(int status)
{
    return status == 401 ? "AUTH_FAILED" : status == 429 ? "RATE_LIMITED" : "UNAVAILABLE";
}

static void on_key(struct gw_key_auth_query *q, int status, const struct gw_identity *identity,
                   struct tw_slice body)
{
    struct gw_authentication *a = tw_container_of(q, struct gw_authentication, key);
    struct gw_authenticated result = { .status = status, .body = body };
    struct gw_identity who;

    if (status == 200) {
        who = *identity;
        who.principal = &a->principal;
        result.who = &who;
    } else {
        result.refusal = body.len > 0 ? refusal_of(body) : refusal_unasked(status);
    }
    answer(a, &result);
}

static void on_token(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct gw_authentication *a = tw_container_of(check, struct gw_token_question, check)->of;
    struct gw_authenticated result = { .refusal = refusal };
    struct gw_identity who = { .principal = &a->principal };

    /* A client that names its restaurant is let in only where that is the token's own. */
    if (grant != NULL && !grant->is_named)
        result.refusal = "PERMISSION_DENIED";
    if (grant != NULL && result.refusal == NULL && grant->is_moving)
        result.refusal = "TENANT_MOVING";
    if (grant != NULL && result.refusal == NULL) {
        memcpy(who.tenant.id, grant->tenant.id, sizeof(who.tenant.id));
        memcpy(who.tenant.slug, grant->tenant.slug, sizeof(who.tenant.slug));
        who.expires_ms = grant->expires_ms;
        a->principal.claim.max = TW_JWT_TEXT_BYTES;
        tw_buf_append(&a->principal.claim, grant->context);
        who.token = grant->token;
        result.who = &who;
    }
    answer(a, &result);
}

static void check_token(struct gw_authentication *a, struct tw_slice credential)
{
    a->token = tw_new(struct gw_token_question);
    a->token->of = a;
    a->token->check = (struct tw_token_check){ .all = a->all->tokens,
                                               .restaurant = a->restaurant,
                                               .named = a->tenant,
                                               .answered = on_token };
    tw_token_check(&a->token->check, credential);
}

static void check_key(struct gw_authentication *a, struct tw_slice credential)
{
    struct gw_principal *p = &a->principal;

    p->has_key = credential.len > 0;
    p->is_unshaped = p->has_key && !tw_credential_is_key(credential);
    p->is_keyless = !p->has_key && (a->policy & GW_TAKES_NO_KEY) != 0;
    if (p->has_key)
        tw_sha256_hex(credential, p->key_hash);
    a->key = (struct gw_key_auth_query){
        .auth = a->all->keys,
        .answered = on_key,
        .principal = p,
        .tenant = a->tenant,
        .tenant_header = a->header,
        .address = a->address,
        .scope = a->scope,
        .request_id = a->request_id,
    };
    gw_key_auth_ask(&a->key);
}

static void on_ticket(struct gw_ticket_query *q, int status, const struct gw_identity *identity,
                      struct tw_slice body)
{
    struct gw_authentication *a =
        tw_container_of(q->principal, struct gw_authentication, principal);
    struct gw_authenticated result = { .status = status, .body = body };

    if (status != 200)
        result.refusal = body.len > 0    ? refusal_of(body)
                         : status == 401 ? "INVALID_TICKET"
                                         : refusal_unasked(status);
    else if (a->principal.claim.len > 0 && (a->policy & GW_TAKES_TOKENS) == 0)
        result = (struct gw_authenticated){ .refusal = "PERMISSION_DENIED" };
    else
        result.who = identity;
    answer(a, &result);
}

static void take_ticket(struct gw_authentication *a, struct tw_slice credential)
{
    a->ticket = tw_new(struct gw_ticket_query);
    a->ticket->auth = a->all->keys;
    a->ticket->answered = on_ticket;
    a->ticket->principal = &a->principal;
    a->ticket->tenant = a->tenant;
    a->ticket->tenant_header = a->header;
    a->ticket->address = a->address;
    a->ticket->scope = a->scope;
    a->ticket->request_id = a->request_id;
    gw_ticket_take(a->ticket, credential);
}

void gw_authenticate(struct gw_authentication *a, struct tw_slice credential)
{
    credential = tw_credential_clean(credential);
    if (tw_credential_is_ticket(credential))
        take_ticket(a, credential);
    else if ((a->policy & GW_TAKES_TOKENS) != 0 && tw_token_is_jwt(credential))
        check_token(a, credential);
    else
        check_key(a, credential);
}

void gw_authentication_done(struct gw_authentication *a)
{
    gw_principal_done(&a->principal);
    free(a->token);
    free(a->ticket);
    a->token = NULL;
    a->ticket = NULL;
}
