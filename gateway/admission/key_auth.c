/* key_auth.c - pos.authenticate, and what is remembered of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/key_auth.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_write.h"
#include "common/util/log.h"

struct memory {
    struct tw_lru_entry entry;
    struct gw_key_auth *auth;
    struct tw_list of_key; /* in a ring of what is known of its key: the oldest comes first */
    uint64_t until_ms;
    int64_t expires_ms; /* these and the tenant's slug are an identity */
    char key_id[37];    /* empty: it is of a device without a key */
    char tenant_id[37];
    char names[]; /* the tenant's slug, and the device whose own the key is; both with a NUL */
};

/* Columns of pos.authenticate. */
enum { STATUS, BODY, TENANT_ID, TENANT_SLUG, TENANT_NAME, KEY_ID, EXPIRES, DEVICE };

#define AT(field) TW_METRIC_AT(struct gw_key_auth, field)

static const struct tw_metric_row metric_rows[] = {
    { "auth_total", "result=\"asked\"",
      "API keys and keyless devices that were checked: asked of PostgreSQL, refused by it, "
      "known from memory while it was away, or answered with one that was just being asked.",
      AT(asked) },
    { "auth_total", "result=\"refused\"", NULL, AT(refused) },
    { "auth_total", "result=\"from_memory\"", NULL, AT(from_memory) },
    { "auth_total", "result=\"shared\"", NULL, AT(shared) },
};

const struct tw_metric_table gw_key_auth_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

static struct memory *memory_of(struct tw_lru_entry *e)
{
    return tw_container_of(e, struct memory, entry);
}

static struct memory *next_of_key(const struct memory *m)
{
    return tw_container_of(m->of_key.next, struct memory, of_key);
}

/* The map knows the oldest of a key. */
static void leave_key(struct memory *m)
{
    struct tw_map *by_key = &m->auth->by_key;
    struct tw_slice id = tw_slice_of(m->key_id);
    struct memory *next = next_of_key(m);

    if (next == m)
        (void)tw_map_remove(by_key, id);
    else if (tw_map_get(by_key, id) == m)
        (void)tw_map_set_lent(by_key, tw_slice_of(next->key_id), next);
    tw_list_remove(&m->of_key);
}

static void release(struct tw_lru_entry *e)
{
    struct memory *m = memory_of(e);

    if (m->key_id[0] != '\0')
        leave_key(m);
    free(m);
}

void gw_key_auth_forget_all(struct gw_key_auth *a)
{
    tw_lru_forget_all(&a->known);
}

void gw_key_auth_forget(struct gw_key_auth *a, struct tw_slice key_id)
{
    struct memory *m;

    while ((m = tw_map_get(&a->by_key, key_id)) != NULL)
        tw_lru_forget(&a->known, &m->entry);
}

static void copy_text(char *to, size_t size, struct tw_slice from)
{
    size_t n = from.len < size - 1 ? from.len : size - 1;

    memcpy(to, from.at == NULL ? "" : from.at, n);
    to[n] = '\0';
}

static struct tw_slice question_of(const struct gw_key_auth_query *q)
{
    return tw_buf_view(&q->question);
}

/* Add it to what is known of its key; the oldest goes when there is too much. */
static void join_key(struct gw_key_auth *a, struct memory *m)
{
    struct tw_slice id = tw_slice_of(m->key_id);
    struct memory *first = tw_map_get(&a->by_key, id);
    size_t count = 1;

    if (first == NULL) {
        tw_list_init(&m->of_key);
        (void)tw_map_set_lent(&a->by_key, id, m);
        return;
    }
    tw_list_append(&first->of_key, &m->of_key);
    for (const struct memory *one = next_of_key(m); one != m; one = next_of_key(one))
        count++;
    if (count > GW_WAYS_OF_A_KEY)
        tw_lru_forget(&a->known, &first->entry);
}

/* What has expired need not be kept until others push it out. */
static void forget_expired(struct gw_key_auth *a, uint64_t now_ms)
{
    struct tw_lru_entry *e;

    for (int i = 0; i < 2; i++)
        if ((e = tw_lru_oldest(&a->known)) != NULL && memory_of(e)->until_ms < now_ms)
            tw_lru_forget(&a->known, e);
}

static void remember(struct gw_key_auth_query *q, const struct gw_identity *identity)
{
    struct gw_key_auth *a = q->auth;
    uint64_t now_ms = tw_loop_age_ms(a->options.pool->loop);
    size_t slug_bytes;
    struct memory *m;

    if (a->options.cache_ms == 0)
        return;
    forget_expired(a, now_ms);
    slug_bytes = strlen(identity->tenant.slug) + 1;
    m = tw_alloc(1, sizeof(*m) + slug_bytes + identity->own_device.len + 1);
    m->auth = a;
    memcpy(m->key_id, identity->key_id, sizeof(m->key_id));
    memcpy(m->tenant_id, identity->tenant.id, sizeof(m->tenant_id));
    memcpy(m->names, identity->tenant.slug, slug_bytes);
    copy_text(m->names + slug_bytes, identity->own_device.len + 1, identity->own_device);
    m->expires_ms = identity->expires_ms;
    m->until_ms = now_ms + a->options.cache_ms;
    tw_lru_put(&a->known, question_of(q), &m->entry);
    if (m->key_id[0] != '\0')
        join_key(a, m);
}

static void answer(struct gw_key_auth_query *q, int status, const struct gw_identity *identity,
                   struct tw_slice body)
{
    tw_buf_done(&q->context);
    tw_buf_done(&q->question);
    q->answered(q, status, identity, body);
}

/* PostgreSQL did not answer: what it said last still counts for a while. */
static void answer_from_memory(struct gw_key_auth_query *q)
{
    struct tw_lru_entry *e = tw_lru_get(&q->auth->known, question_of(q));
    const struct memory *m = e == NULL ? NULL : memory_of(e);
    struct gw_identity identity = { 0 };

    if (m == NULL || m->until_ms < tw_loop_age_ms(q->auth->options.pool->loop) ||
        (m->expires_ms != 0 && m->expires_ms <= tw_wall_ms())) {
        answer(q, 503, NULL, TW_EMPTY);
        return;
    }
    q->auth->from_memory.value++;
    memcpy(identity.tenant.id, m->tenant_id, sizeof(identity.tenant.id));
    copy_text(identity.tenant.slug, sizeof(identity.tenant.slug), tw_slice_of(m->names));
    identity.own_device = tw_slice_of(m->names + strlen(m->names) + 1);
    identity.expires_ms = m->expires_ms;
    memcpy(identity.key_id, m->key_id, sizeof(identity.key_id));
    answer(q, 200, &identity, TW_EMPTY);
}

static struct tw_slice key_hash_of(const struct gw_key_auth_query *q)
{
    return tw_slice_from(q->principal->key_hash, TW_SHA256_HEX);
}

static void put(const struct tw_pg_question *question, struct tw_buf *const lists[])
{
    const struct gw_key_auth_query *q =
        tw_container_of((uintptr_t)question, struct gw_key_auth_query, asks);

    tw_buf_append(lists[0], tw_buf_view(&q->context));
}

/* Those that wait for the answer of `q`, which is no longer waited for. */
static void take_same(struct gw_key_auth_query *q, struct tw_list *out)
{
    struct tw_map *asking = &q->auth->asking;

    tw_list_init(out);
    if (tw_map_get(asking, question_of(q)) == q)
        (void)tw_map_remove(asking, question_of(q));
    tw_list_move_all(out, &q->same);
}

static struct gw_key_auth_query *shift(struct tw_list *same)
{
    struct tw_list *link = tw_list_shift(same);

    return link == NULL ? NULL : tw_container_of(link, struct gw_key_auth_query, same);
}

static void ask(struct gw_key_auth_query *q);

static void refuse(struct gw_key_auth_query *q, int status, struct tw_slice body)
{
    struct tw_lru_entry *e = tw_lru_get(&q->auth->known, question_of(q));

    if (e != NULL)
        tw_lru_forget(&q->auth->known, e);
    q->auth->refused.value++;
    if (status == 401 && q->principal->has_key)
        tw_strangers_refused(&q->auth->strangers, key_hash_of(q), tw_slice_of(q->address_copy),
                             q->auth->options.pool->loop->now_ms);
    answer(q, status, NULL, body);
}

static void admit(struct gw_key_auth_query *q, const struct tw_pg_rows *rows,
                  struct tw_list *same)
{
    struct gw_identity identity = { 0 };

    copy_text(identity.tenant.id, sizeof(identity.tenant.id),
              tw_pg_rows_text(rows, 0, TENANT_ID));
    copy_text(identity.tenant.slug, sizeof(identity.tenant.slug),
              tw_pg_rows_text(rows, 0, TENANT_SLUG));
    copy_text(identity.key_id, sizeof(identity.key_id), tw_pg_rows_text(rows, 0, KEY_ID));
    identity.expires_ms = tw_pg_rows_int(rows, 0, EXPIRES);
    identity.own_device = tw_pg_rows_text(rows, 0, DEVICE);
    remember(q, &identity);
    do {
        answer(q, 200, &identity, TW_EMPTY);
    } while ((q = shift(same)) != NULL);
}

/* A refusal has the id of its request in it, so each of those that wait asks for its own. */
static void on_answer(struct tw_pg_question *question, const struct tw_pg_rows *rows)
{
    struct gw_key_auth_query *q = tw_container_of(question, struct gw_key_auth_query, asks);
    struct tw_list same;
    int status = 0;

    take_same(q, &same);
    if (rows->count == 1) {
        status = (int)tw_pg_rows_int(rows, 0, STATUS);
    } else if (rows->error == TW_EQUERY) {
        tw_log_error("auth.sql", tw_str("sqlstate", tw_pg_sqlstate(rows->result)),
                     tw_str("message", tw_pg_message(rows->result)));
    }
    if (status == 200) {
        admit(q, rows, &same);
    } else if (status == 0) {
        do {
            answer_from_memory(q);
        } while ((q = shift(&same)) != NULL);
    } else {
        refuse(q, status, tw_pg_rows_text(rows, 0, BODY));
        while ((q = shift(&same)) != NULL)
            ask(q);
    }
}

static void on_later(struct tw_later *l)
{
    struct gw_key_auth_query *q = tw_container_of(l, struct gw_key_auth_query, later);

    answer(q, q->refusal, NULL, TW_EMPTY);
}

/* A key that is not known to be good, and was refused a moment ago or comes from an address of
 * many wrong ones. */
static bool is_refused_unasked(struct gw_key_auth_query *q)
{
    struct tw_loop *loop = q->auth->options.pool->loop;
    enum tw_stranger stranger;

    if (!q->principal->has_key || tw_lru_get(&q->auth->known, question_of(q)) != NULL)
        return false;
    stranger = tw_strangers_look(&q->auth->strangers, key_hash_of(q),
                                 tw_slice_of(q->address_copy), loop->now_ms);
    if (stranger == TW_STRANGER_ASKS)
        return false;
    q->refusal = stranger == TW_STRANGER_REFUSED ? 401 : 429;
    tw_later(loop, &q->later, on_later);
    return true;
}

static const struct tw_pg_batch_kind questions = {
    .sql = "select q.n, a.status, a.body, a.tenant_id, a.tenant_slug, a.tenant_name, a.key_id, "
           "a.expires_at_ms, a.device from jsonb_array_elements($1::jsonb) with ordinality "
           "q(ctx, n), "
           "pos.authenticate(q.ctx) a order by q.n",
    .function = "authenticate",
    .param_count = 1,
    .brackets = "[]",
    .put = put,
    .done = on_answer,
    .is_urgent = true,
};

/* All that the answer depends on, as short as can be: a hundred thousand are remembered. */
static void put_question(struct gw_key_auth_query *q)
{
    struct tw_buf *out = &q->question;
    uint8_t hash[TW_SHA256_BYTES] = { 0 };

    out->max = 4096;
    tw_buf_expect(out, 128);
    if (q->principal->has_key) { /* always followed by so many bytes: two never look alike */
        (void)tw_hex_decode(key_hash_of(q), hash, sizeof(hash)); /* tw_sha256_hex wrote it */
        tw_buf_char(out, q->principal->is_unshaped ? 'u' : 'k');
        tw_buf_append(out, tw_slice_from((const char *)hash, sizeof(hash)));
    } else {
        tw_buf_char(out, q->principal->is_keyless ? '-' : 'n');
    }
    tw_buf_append(out, q->tenant);
    tw_buf_char(out, '\0');
    tw_buf_append(out, q->tenant_header);
    tw_buf_char(out, '\0');
    tw_buf_text(out, q->scope);
}

static void ask(struct gw_key_auth_query *q)
{
    tw_list_init(&q->same);
    if (!is_refused_unasked(q))
        tw_pg_ask(&q->auth->questions, &q->asks);
}

/* One question at a time for each key and wish; the first one asks. */
static void ask_or_share(struct gw_key_auth_query *q)
{
    struct gw_key_auth_query *first = tw_map_get(&q->auth->asking, question_of(q));

    if (first != NULL) {
        q->auth->shared.value++;
        tw_list_append(&first->same, &q->same);
        return;
    }
    tw_list_init(&q->same);
    (void)tw_map_set_lent(&q->auth->asking, question_of(q), q);
    tw_pg_ask(&q->auth->questions, &q->asks);
}

void gw_key_auth_ask(struct gw_key_auth_query *q)
{
    struct tw_buf *json = &q->context;

    q->auth->asked.value++;
    if (q->address.len < sizeof(q->address_copy))
        copy_text(q->address_copy, sizeof(q->address_copy), q->address);
    json->max = 4096;
    tw_buf_expect(json, 256);
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
    tw_json_member(json, "requestId", tw_slice_of(q->request_id));
    tw_buf_char(json, '}');
    put_question(q);
    TW_ASSERT(!json->failed && !q->question.failed); /* the handshake limits all their parts */
    if (!is_refused_unasked(q))
        ask_or_share(q);
}

void gw_key_auth_start(struct gw_key_auth *a, const struct gw_key_auth_options *options)
{
    a->options = *options;
    tw_lru_start(&a->known, GW_KEYS_KNOWN, release);
    tw_pg_batch_start(&a->questions, &questions, options->pool);
    tw_strangers_start(&a->strangers);
}

void gw_key_auth_stop(struct gw_key_auth *a)
{
    tw_pg_batch_stop(&a->questions);
}

void gw_key_auth_done(struct gw_key_auth *a)
{
    tw_lru_done(&a->known);
    tw_map_done(&a->by_key);
    tw_pg_batch_done(&a->questions);
    tw_map_done(&a->asking);
    tw_strangers_done(&a->strangers);
}
