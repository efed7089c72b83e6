/* token.c - read, look the restaurant up, verify: in this order, since the restaurant may have
 * a secret of its own. Nothing that the token says counts before its signature has been
 * checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/token.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"

#define NAME_BYTES 128

/* Columns of the one statement. */
enum { TENANT_ID, TENANT_SLUG, TENANT_NAME, TENANT_STATUS, NAMED_ID, SECRET };

/* What was looked up of a restaurant. */
struct finding {
    struct tw_lru_entry entry;
    struct tw_token_tenant tenant;
    bool is_suspended, is_moving;
    char *secret; /* null: none of its own */
    uint64_t until_ms;
};

#define AT(field) TW_METRIC_AT(struct tw_tokens, field)

static const struct tw_metric_row metric_rows[] = {
    { "tokens_total", "result=\"good\"", "Signed tokens that were checked, by result.",
      AT(good) },
    { "tokens_total", "result=\"refused\"", NULL, AT(refused) },
    { "tokens_from_memory_total", NULL,
      "Tokens whose restaurant was known from memory while PostgreSQL was away.",
      AT(from_memory) },
};

const struct tw_metric_table tw_tokens_metrics = { .rows = metric_rows,
                                                   .count = TW_COUNT(metric_rows) };

static struct finding *finding_of(struct tw_lru_entry *e)
{
    return e == NULL ? NULL : tw_container_of(e, struct finding, entry);
}

static void release(struct tw_lru_entry *e)
{
    struct finding *f = finding_of(e);

    free(f->secret);
    free(f);
}

void tw_tokens_start(struct tw_tokens *all, const struct tw_tokens_options *options)
{
    all->options = *options;
    tw_lru_start(&all->known, TW_TOKENS_KNOWN, release);
}

void tw_tokens_forget(struct tw_tokens *all)
{
    tw_lru_forget_all(&all->known);
}

void tw_tokens_done(struct tw_tokens *all)
{
    tw_lru_done(&all->known);
}

bool tw_token_is_jwt(struct tw_slice credential)
{
    size_t dots = 0;

    for (size_t i = 0; i < credential.len; i++)
        dots += credential.at[i] == '.' ? 1 : 0;
    return dots == 2;
}

static void finish(struct tw_token_check *c, const char *refusal,
                   const struct tw_token_grant *grant)
{
    struct tw_buf token = c->token, text = c->text, name = c->name, named = c->named_copy;
    struct tw_buf context = c->context;

    c->token = c->text = c->name = c->named_copy = c->context = (struct tw_buf){ 0 };
    if (refusal == NULL)
        c->all->good.value++;
    else
        c->all->refused.value++;
    c->answered(c, refusal, grant); /* `c` may be gone after this */
    tw_buf_done(&token);
    tw_buf_done(&text);
    tw_buf_done(&name);
    tw_buf_done(&named);
    tw_buf_done(&context);
}

static void on_later(struct tw_later *l)
{
    struct tw_token_check *c = tw_container_of(l, struct tw_token_check, later);

    finish(c, c->refusal, NULL);
}

static void finish_later(struct tw_token_check *c, const char *refusal)
{
    c->refusal = refusal;
    tw_later(c->all->options.pool->loop, &c->later, on_later);
}

/* ctx.token: the claims that pos.token_may reads. */
static void write_context(struct tw_token_check *c)
{
    struct tw_buf *json = &c->context;

    json->max = TW_JWT_TEXT_BYTES;
    tw_buf_char(json, '{');
    tw_json_member(json, "restaurant", tw_buf_view(&c->name));
    if (c->jwt.subject.len > 0)
        tw_json_member(json, "subject", c->jwt.subject);
    if (c->jwt.role.len > 0)
        tw_json_member(json, "role", c->jwt.role);
    if (c->jwt.has_scopes)
        tw_json_member_raw(json, "scopes", c->jwt.scopes);
    tw_buf_char(json, '}');
}

/* `named_id`: the restaurant that PostgreSQL knows by the client's name for it; empty: none, or
 * it was not asked. */
static bool is_named(const struct tw_token_check *c, const struct tw_token_tenant *tenant,
                     struct tw_slice named_id)
{
    struct tw_slice named = tw_buf_view(&c->named_copy);

    return named.len == 0 || tw_slice_is(named_id, tenant->id) ||
           tw_slice_is_nocase(named, tenant->slug) || tw_slice_is_nocase(named, tenant->id);
}

static void judge(struct tw_token_check *c, const struct finding *f, struct tw_slice named_id)
{
    struct tw_jwt_keys keys = c->all->options.keys;
    struct tw_token_grant grant = { .tenant = f->tenant,
                                    .token = tw_buf_view(&c->token),
                                    .restaurants = c->jwt.restaurants,
                                    .is_moving = f->is_moving,
                                    .is_named = is_named(c, &f->tenant, named_id),
                                    .expires_ms = c->jwt.expires_ms };
    const char *fault;

    if (f->secret != NULL)
        keys.secret = tw_slice_of(f->secret);
    if (c->is_by_name) /* only a key of that restaurant alone may speak for it */
        keys =
            (struct tw_jwt_keys){ .secret = tw_slice_of(f->secret), .audience = keys.audience };
    fault = tw_jwt_fault(&c->jwt, &keys, tw_wall_ms());
    if (fault != NULL) {
        tw_log_info("token.refused", tw_str("tenant", f->tenant.slug), tw_str("why", fault));
        finish(c, "AUTH_FAILED", NULL);
        return;
    }
    write_context(c);
    grant.context = tw_buf_view(&c->context);
    finish(c, f->is_suspended ? "TENANT_SUSPENDED" : NULL, &grant);
}

static void copy_text(char *to, size_t size, struct tw_slice from)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;

    memcpy(to, from.at, n);
    to[n] = '\0';
}

/* What the row says, which is remembered. */
static void take_row(struct tw_token_check *c, const struct tw_pg_result *result)
{
    struct tw_tokens *all = c->all;
    struct finding *f = tw_new(struct finding);
    struct tw_slice secret = tw_pg_text(result, 0, SECRET);
    struct tw_slice named_id = tw_pg_text(result, 0, NAMED_ID);

    copy_text(f->tenant.id, sizeof(f->tenant.id), tw_pg_text(result, 0, TENANT_ID));
    copy_text(f->tenant.slug, sizeof(f->tenant.slug), tw_pg_text(result, 0, TENANT_SLUG));
    f->is_suspended = tw_slice_is(tw_pg_text(result, 0, TENANT_STATUS), "suspended");
    f->is_moving =
        !f->is_suspended && !tw_slice_is(tw_pg_text(result, 0, TENANT_STATUS), "active");
    f->secret = secret.len == 0 ? NULL : tw_copy_text(secret.at, secret.len);
    f->until_ms =
        f->is_moving ? 0 : tw_loop_age_ms(all->options.pool->loop) + all->options.cache_ms;
    tw_lru_put(&all->known, tw_buf_view(&c->name), &f->entry);
    judge(c, f, named_id);
}

/* That there is no such restaurant: not for whoever has named or made it up. */
static bool may_hear_of(const struct tw_token_check *c)
{
    return !c->is_by_name && tw_jwt_fault(&c->jwt, &c->all->options.keys, tw_wall_ms()) == NULL;
}

static void on_tenant(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct tw_token_check *c = tw_container_of(call, struct tw_token_check, call);
    const struct finding *f = finding_of(tw_lru_get(&c->all->known, tw_buf_view(&c->name)));

    if (tw_pg_error(result) == 0 && tw_pg_rows(result) == 1) {
        take_row(c, result);
    } else if (tw_pg_error(result) == 0) {
        finish(c, may_hear_of(c) ? "INVALID_RESTAURANT" : "AUTH_FAILED", NULL);
    } else if (f != NULL && f->until_ms > tw_loop_age_ms(c->all->options.pool->loop)) {
        c->all->from_memory.value++;
        judge(c, f, TW_EMPTY);
    } else {
        finish(c, "UNAVAILABLE", NULL);
    }
}

static bool grants(const struct tw_jwt *jwt, struct tw_slice restaurant)
{
    struct tw_slice rest = jwt->restaurants, raw, text;

    if (tw_slice_eq(restaurant, jwt->restaurant))
        return true;
    while (tw_json_element(&rest, &raw))
        if (tw_json_plain(raw, &text) && tw_slice_eq(text, restaurant))
            return true;
    return false;
}

static bool names_any(const struct tw_jwt *jwt)
{
    struct tw_slice rest = jwt->restaurants, raw;

    return jwt->restaurant.len > 0 || tw_json_element(&rest, &raw);
}

/* The one that it must grant; else, of those that it grants, the one that the client names, its
 * own, or the first. One that grants none is for the one that is named, where that is allowed.
 */
static struct tw_slice restaurant_of(struct tw_token_check *c)
{
    struct tw_slice rest = c->jwt.restaurants, raw, text = { NULL, 0 };

    if (c->restaurant.len > 0)
        return c->restaurant;
    if (c->named.len > 0 && grants(&c->jwt, c->named))
        return c->named;
    if (c->jwt.restaurant.len > 0)
        return c->jwt.restaurant;
    if (tw_json_element(&rest, &raw) && tw_json_plain(raw, &text))
        return text;
    c->is_by_name = c->all->options.are_bound && !names_any(&c->jwt) && c->named.len > 0;
    return c->is_by_name ? c->named : TW_EMPTY;
}

/* Why there is no restaurant that it could be checked for. */
static const char *fault_of(const struct tw_token_check *c)
{
    if (c->restaurant.len > 0)
        return "PERMISSION_DENIED";
    return names_any(&c->jwt) ? "AUTH_FAILED" : "RESTAURANT_REQUIRED";
}

void tw_token_check(struct tw_token_check *c, struct tw_slice token)
{
    c->token.max = TW_JWT_BYTES;
    c->text.max = TW_JWT_TEXT_BYTES;
    c->name.max = c->named_copy.max = NAME_BYTES;
    tw_buf_append(&c->token, token);
    if (c->token.failed || tw_jwt_read(tw_buf_view(&c->token), &c->text, &c->jwt) != 0) {
        finish_later(c, "AUTH_FAILED");
        return;
    }
    tw_buf_append(&c->name, restaurant_of(c));
    /* Longer than any name: the name of no restaurant, cut off or not. */
    tw_buf_append(
        &c->named_copy,
        tw_slice_from(c->named.at, c->named.len < NAME_BYTES ? c->named.len : NAME_BYTES));
    if (c->name.failed || c->name.len == 0 ||
        !(c->is_by_name || grants(&c->jwt, tw_buf_view(&c->name)))) {
        finish_later(c, fault_of(c));
        return;
    }
    c->call = (struct tw_pg_call){
        .function = "token_tenant",
        .sql = "select t.tenant_id, t.tenant_slug, t.tenant_name, t.status, n.tenant_id, "
               "t.secret from pos.token_tenant($1) t "
               "left join pos.token_tenant($2) n on true",
        .params = { { tw_buf_view(&c->name), false }, { tw_buf_view(&c->named_copy), false } },
        .param_count = 2,
        .done = on_tenant,
    };
    tw_pg_pool_call(c->all->options.pool, &c->call);
}
