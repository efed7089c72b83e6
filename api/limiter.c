/* limiter.c - a bucket for each known key, and one for each of their tenants; full buckets are
 * forgotten when the table is large.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/limiter.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/ratelimit.h"

#define MAX_SWEEP 64

#define AT(field) TW_METRIC_AT(struct api_limiter, field)

static const struct tw_metric_row metric_rows[] = {
    { "rate_limited_total", "scope=\"key\"",
      "Requests refused with 429 because their API key, or all of their restaurant, asked too "
      "often.",
      AT(limited) },
    { "rate_limited_total", "scope=\"tenant\"", NULL, AT(limited_tenants) },
    { "apis_sharing", NULL,
      "Apis that serve, as this one was last told: they share the rates of keys and "
      "restaurants. 0: not told yet.",
      AT(apis) },
};

const struct tw_metric_table api_limiter_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

struct tenant {
    struct tw_bucket bucket;
    size_t key_count; /* it goes with the last of them */
    char id[37];
};

struct key {
    struct tw_bucket bucket;
    struct tenant *tenant; /* null: not known */
};

void api_limiter_start(struct api_limiter *l, const struct api_limiter_options *options)
{
    l->options = *options;
}

static void leave_tenant(struct api_limiter *l, struct key *k)
{
    struct tenant *t = k->tenant;

    k->tenant = NULL;
    if (t == NULL || --t->key_count > 0)
        return;
    (void)tw_map_remove(&l->tenants, tw_slice_of(t->id));
    free(t);
}

static void forget_own(struct api_limiter *l)
{
    struct tw_slice id;
    void *rate;

    while ((rate = tw_map_any(&l->own, &id)) != NULL) {
        (void)tw_map_remove(&l->own, id);
        free(rate);
    }
}

void api_limiter_done(struct api_limiter *l)
{
    struct tw_slice hash;
    struct key *k;

    while ((k = tw_map_any(&l->buckets, &hash)) != NULL) {
        (void)tw_map_remove(&l->buckets, hash);
        leave_tenant(l, k);
        free(k);
    }
    forget_own(l);
    tw_map_done(&l->buckets);
    tw_map_done(&l->tenants);
    tw_map_done(&l->own);
}

/* --- What rates there are --------------------------------------------------------------------
 */

static bool read_number(struct tw_slice text, uint32_t *out)
{
    uint64_t n;

    if (!tw_slice_u64(text, &n) || n == 0 || n > 1000000)
        return false;
    *out = (uint32_t)n;
    return true;
}

void api_limiter_learn(struct api_limiter *l, uint32_t apis, struct tw_slice own)
{
    struct tw_slice line, id, per_second;

    l->apis.value = apis;
    forget_own(l);
    while (tw_slice_split(&own, '\n', &line)) {
        struct api_rate rate;
        struct api_rate *kept;

        if (!tw_slice_split(&line, ' ', &id) || !tw_slice_split(&line, ' ', &per_second) ||
            !read_number(per_second, &rate.per_second) || !read_number(line, &rate.burst))
            continue;
        kept = tw_new(struct api_rate);
        *kept = rate;
        free(tw_map_set(&l->own, id, kept));
    }
}

static struct api_rate rate_of(const struct api_limiter *l, const struct tenant *t)
{
    const struct api_rate *own = tw_map_get(&l->own, tw_slice_of(t->id));

    return own != NULL ? *own : l->options.tenant;
}

/* What a request counts as here. */
static uint32_t weight(const struct api_limiter *l)
{
    return l->apis.value > 1 ? (uint32_t)l->apis.value : 1;
}

/* --- A request -------------------------------------------------------------------------------
 */

static struct api_quota quota_of(const struct tw_bucket *b, struct api_rate rate,
                                 uint64_t now_ms)
{
    return (struct api_quota){
        .rate = rate,
        .left = tw_bucket_left(b, now_ms, rate.per_second, rate.burst),
        .full_in_ms = tw_bucket_until_ms(b, now_ms, rate.burst, rate.per_second, rate.burst),
    };
}

static uint64_t wait_of(const struct tw_bucket *b, struct api_rate rate, uint32_t n,
                        uint64_t now_ms)
{
    return tw_bucket_until_ms(b, now_ms, n, rate.per_second, rate.burst);
}

/* It counts only when both have enough for it. */
static bool take(struct api_limiter *l, struct key *k, struct api_rate of_tenant,
                 uint64_t now_ms, struct api_allowance *out)
{
    struct api_rate of_key = l->options.key;
    uint32_t n = weight(l);

    out->again_in_ms = wait_of(&k->bucket, of_key, n, now_ms);
    if (out->again_in_ms > 0) {
        l->limited.value++;
        return false;
    }
    if (k->tenant != NULL && !tw_bucket_take_n(&k->tenant->bucket, now_ms, n,
                                               of_tenant.per_second, of_tenant.burst)) {
        out->again_in_ms = wait_of(&k->tenant->bucket, of_tenant, n, now_ms);
        out->is_of_tenant = true;
        l->limited_tenants.value++;
        return false;
    }
    (void)tw_bucket_take_n(&k->bucket, now_ms, n, of_key.per_second, of_key.burst);
    return true;
}

bool api_limiter_allows(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms,
                        struct api_allowance *out)
{
    struct key *k = tw_map_get(&l->buckets, key_hash);
    struct api_rate of_tenant = { 0 };
    bool is_allowed;

    *out = (struct api_allowance){ 0 };
    if (k == NULL)
        return true;
    if (k->tenant != NULL)
        of_tenant = rate_of(l, k->tenant);
    is_allowed = take(l, k, of_tenant, now_ms, out);
    out->key = quota_of(&k->bucket, l->options.key, now_ms);
    if (k->tenant != NULL)
        out->tenant = quota_of(&k->tenant->bucket, of_tenant, now_ms);
    return is_allowed;
}

/* --- Keys ------------------------------------------------------------------------------------
 */

struct sweep {
    uint64_t now_ms;
    size_t count;
    char keys[MAX_SWEEP][64];
};

static void note_full(struct tw_slice hash, void *value, void *arg)
{
    const struct key *k = value;
    struct sweep *s = arg;

    if (s->count < MAX_SWEEP && hash.len == 64 && tw_bucket_is_full(&k->bucket, s->now_ms))
        memcpy(s->keys[s->count++], hash.at, 64);
}

static void forget_full(struct api_limiter *l, uint64_t now_ms)
{
    struct sweep s = { .now_ms = now_ms };

    tw_map_each(&l->buckets, note_full, &s);
    for (size_t i = 0; i < s.count; i++) {
        struct key *k = tw_map_remove(&l->buckets, tw_slice_from(s.keys[i], 64));

        leave_tenant(l, k);
        free(k);
    }
}

bool api_limiter_knows(const struct api_limiter *l, struct tw_slice key_hash)
{
    return tw_map_get(&l->buckets, key_hash) != NULL;
}

static void join_tenant(struct api_limiter *l, struct key *k, struct tw_slice id)
{
    struct tenant *t = tw_map_get(&l->tenants, id);

    if (t == NULL) {
        t = tw_new(struct tenant);
        memcpy(t->id, id.at, id.len);
        (void)tw_map_set_lent(&l->tenants, tw_slice_of(t->id), t);
    }
    t->key_count++;
    k->tenant = t;
}

void api_limiter_know(struct api_limiter *l, struct tw_slice key_hash, struct tw_slice tenant,
                      uint64_t now_ms)
{
    struct key *k = tw_map_get(&l->buckets, key_hash);

    if (k == NULL && l->buckets.count >= API_KEYS_KNOWN)
        forget_full(l, now_ms);
    if (k == NULL && l->buckets.count < API_KEYS_KNOWN) {
        k = tw_new(struct key);
        (void)tw_map_set(&l->buckets, key_hash, k);
    }
    if (k != NULL && k->tenant == NULL && tenant.len > 0 && tenant.len < sizeof(k->tenant->id))
        join_tenant(l, k, tenant);
}

/* --- What its client is told -----------------------------------------------------------------
 */

static void put_quota(struct tw_buf *out, const char *name, const struct api_quota *q,
                      bool is_policy)
{
    if (q->rate.per_second == 0)
        return;
    tw_buf_text(out, out->len > 0 ? ", \"" : "\"");
    tw_buf_text(out, name);
    tw_buf_text(out, is_policy ? "\";q=" : "\";r=");
    tw_buf_u64(out, is_policy ? q->rate.burst : q->left);
    tw_buf_text(out, is_policy ? ";w=" : ";t=");
    tw_buf_u64(out, is_policy ? (q->rate.burst + q->rate.per_second - 1) / q->rate.per_second
                              : (q->full_in_ms + 999) / 1000);
}

static void put(const struct api_allowance *a, struct tw_buf *out, bool is_policy)
{
    put_quota(out, "key", &a->key, is_policy);
    put_quota(out, "tenant", &a->tenant, is_policy);
}

void api_allowance_policy(const struct api_allowance *a, struct tw_buf *out)
{
    put(a, out, true);
}

void api_allowance_left(const struct api_allowance *a, struct tw_buf *out)
{
    put(a, out, false);
}
