/* key_auth.c - pos.authenticate, and what is remembered of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/key_auth.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "common/util/json_write.h"
#include "common/util/log.h"

#define MAX_KNOWN 100000
#define FORGET_BATCH 64

struct memory {
    struct gw_identity identity;
    uint64_t until_ms;
};

/* Columns of pos.authenticate. */
enum { STATUS, BODY, TENANT_ID, TENANT_SLUG, TENANT_NAME, KEY_ID, EXPIRES };

#define AT(field) TW_METRIC_AT(struct gw_key_auth, field)

static const struct tw_metric_row metric_rows[] = {
    { "auth_total", "result=\"asked\"",
      "API keys and keyless devices that were checked: asked of PostgreSQL, refused by it, or "
      "known from memory while it was away.",
      AT(asked) },
    { "auth_total", "result=\"refused\"", NULL, AT(refused) },
    { "auth_total", "result=\"from_memory\"", NULL, AT(from_memory) },
};

const struct tw_metric_table gw_key_auth_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

void gw_key_auth_start(struct gw_key_auth *a, const struct gw_key_auth_options *options)
{
    a->options = *options;
}

void gw_key_auth_forget_all(struct gw_key_auth *a)
{
    struct tw_slice key;
    void *m;

    while ((m = tw_map_any(&a->known, &key)) != NULL) {
        (void)tw_map_remove(&a->known, key);
        free(m);
    }
}

void gw_key_auth_done(struct gw_key_auth *a)
{
    gw_key_auth_forget_all(a);
    tw_map_done(&a->known);
}

struct finding {
    struct tw_slice key_id;
    struct tw_slice questions[FORGET_BATCH];
    size_t count;
};

static void find(struct tw_slice question, void *value, void *arg)
{
    const struct memory *m = value;
    struct finding *f = arg;

    if (f->count < FORGET_BATCH && tw_slice_is(f->key_id, m->identity.key_id))
        f->questions[f->count++] = question;
}

void gw_key_auth_forget(struct gw_key_auth *a, struct tw_slice key_id)
{
    struct finding f = { .key_id = key_id };

    do {
        f.count = 0;
        tw_map_each(&a->known, find, &f);
        for (size_t i = 0; i < f.count; i++) {
            /* the slice points into the entry that the removal frees: look the value up first
             */
            void *m = tw_map_get(&a->known, f.questions[i]);

            (void)tw_map_remove(&a->known, f.questions[i]);
            free(m);
        }
    } while (f.count == FORGET_BATCH);
}

static void copy_text(char *to, size_t size, struct tw_slice from)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;

    memcpy(to, from.at, n);
    to[n] = '\0';
}

static struct tw_slice question_of(const struct gw_key_auth_query *q)
{
    return tw_slice_from(q->context.at, q->question);
}

static void remember(struct gw_key_auth_query *q, const struct gw_identity *identity)
{
    struct gw_key_auth *a = q->auth;
    struct memory *m = tw_map_get(&a->known, question_of(q));

    if (a->options.cache_ms == 0)
        return;
    if (m == NULL) {
        if (a->known.count >= MAX_KNOWN)
            return;
        m = tw_new(struct memory);
        (void)tw_map_set(&a->known, question_of(q), m);
    }
    m->identity = *identity;
    m->until_ms = tw_loop_age_ms(a->options.pool->loop) + a->options.cache_ms;
}

static void answer(struct gw_key_auth_query *q, int status, const struct gw_identity *identity,
                   struct tw_slice body)
{
    tw_buf_done(&q->context);
    q->answered(q, status, identity, body);
}

/* PostgreSQL did not answer: what it said last still counts for a while. */
static void answer_from_memory(struct gw_key_auth_query *q)
{
    const struct memory *m = tw_map_get(&q->auth->known, question_of(q));
    struct gw_identity identity;

    if (m == NULL || m->until_ms < tw_loop_age_ms(q->auth->options.pool->loop) ||
        (m->identity.expires_ms != 0 && m->identity.expires_ms <= tw_wall_ms())) {
        answer(q, 503, NULL, TW_EMPTY);
        return;
    }
    q->auth->from_memory.value++;
    identity = m->identity;
    answer(q, 200, &identity, TW_EMPTY);
}

static void on_answer(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_key_auth_query *q = tw_container_of(call, struct gw_key_auth_query, call);
    struct gw_identity identity = { 0 };
    int status;

    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        if (tw_pg_error(result) == TW_EQUERY)
            tw_log_error("auth.sql", tw_str("sqlstate", tw_pg_sqlstate(result)),
                         tw_str("message", tw_pg_message(result)));
        answer_from_memory(q);
        return;
    }
    status = (int)tw_pg_int(result, 0, STATUS);
    if (status != 200) {
        void *m = tw_map_remove(&q->auth->known, question_of(q));

        free(m);
        q->auth->refused.value++;
        answer(q, status, NULL, tw_pg_text(result, 0, BODY));
        return;
    }
    copy_text(identity.tenant.id, sizeof(identity.tenant.id), tw_pg_text(result, 0, TENANT_ID));
    copy_text(identity.tenant.slug, sizeof(identity.tenant.slug),
              tw_pg_text(result, 0, TENANT_SLUG));
    copy_text(identity.key_id, sizeof(identity.key_id), tw_pg_text(result, 0, KEY_ID));
    identity.expires_ms = tw_pg_int(result, 0, EXPIRES);
    remember(q, &identity);
    answer(q, 200, &identity, TW_EMPTY);
}

void gw_key_auth_ask(struct gw_key_auth_query *q)
{
    struct tw_buf *json = &q->context;

    q->auth->asked.value++;
    json->max = 4096;
    tw_buf_char(json, '{');
    if (q->principal->has_key)
        tw_json_member(json, "keyHash", tw_slice_from(q->principal->key_hash, TW_SHA256_HEX));
    if (q->principal->is_unshaped)
        tw_json_member_raw(json, "unshaped", TW_LIT("true"));
    else if (q->principal->is_keyless)
        tw_json_member_raw(json, "keyless", TW_LIT("true"));
    if (q->tenant.len > 0)
        tw_json_member(json, "tenant", q->tenant);
    if (q->tenant_header.len > 0)
        tw_json_member(json, "tenantHeader", q->tenant_header);
    tw_json_member(json, "scope", tw_slice_of(q->scope));
    q->question = json->len;
    tw_json_member(json, "requestId", tw_slice_of(q->request_id));
    tw_buf_char(json, '}');
    TW_ASSERT(!json->failed); /* all its parts are short: the handshake limits them */
    q->call = (struct tw_pg_call){
        .sql =
            "select status, body, tenant_id, tenant_slug, tenant_name, key_id, expires_at_ms "
            "from pos.authenticate($1::jsonb)",
        .params = { { tw_buf_view(json), false } },
        .param_count = 1,
        .done = on_answer,
    };
    tw_pg_pool_call(q->auth->options.pool, &q->call);
}
