/* map.c - a chained hash table under SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein, 2012).
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/map.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"

struct tw_map_entry {
    struct tw_map_entry *next;
    void *value;
    uint32_t hash, key_len;
    const char *key; /* `copy`, or lent */
    char copy[];
};

/* Drawn once in main, read only afterwards: not a process's state, a property of the hash. */
static uint64_t seed[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

void tw_hash_seed(const uint8_t random[16])
{
    memcpy(seed, random, sizeof(seed));
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t tw_hash(struct tw_slice bytes)
{
    uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                      seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u };
    uint64_t word;
    size_t i;

    for (i = 0; i + 8 <= bytes.len; i += 8) {
        memcpy(&word, bytes.at + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)bytes.len << 56;
    for (unsigned shift = 0; i < bytes.len; i++, shift += 8)
        word |= (uint64_t)(unsigned char)bytes.at[i] << shift;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int k = 0; k < 3; k++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t hash_of(struct tw_slice key)
{
    return (uint32_t)tw_hash(key);
}

static struct tw_slice key_of(const struct tw_map_entry *e)
{
    return tw_slice_from(e->key, e->key_len);
}

/* The link that points to the entry of `key`, or to the end of its chain. */
static struct tw_map_entry **find(const struct tw_map *m, struct tw_slice key, uint32_t hash)
{
    struct tw_map_entry **link = &m->buckets[hash & (m->bucket_count - 1)];

    while (*link != NULL) {
        struct tw_map_entry *e = *link;

        if (e->hash == hash && tw_slice_eq(key_of(e), key))
            break;
        link = &e->next;
    }
    return link;
}

static void grow(struct tw_map *m)
{
    struct tw_map bigger = { .bucket_count = m->bucket_count == 0 ? 16 : m->bucket_count * 2 };

    bigger.buckets = tw_alloc(bigger.bucket_count, sizeof(bigger.buckets[0]));
    for (size_t i = 0; i < m->bucket_count; i++) {
        struct tw_map_entry *e = m->buckets[i];

        while (e != NULL) {
            struct tw_map_entry *next = e->next;
            struct tw_map_entry **head = &bigger.buckets[e->hash & (bigger.bucket_count - 1)];

            e->next = *head;
            *head = e;
            e = next;
        }
    }
    free(m->buckets);
    m->buckets = bigger.buckets;
    m->bucket_count = bigger.bucket_count;
    m->empty_count = 0;
}

void *tw_map_get(const struct tw_map *m, struct tw_slice key)
{
    struct tw_map_entry *e;

    if (m->count == 0)
        return NULL;
    e = *find(m, key, hash_of(key));
    return e == NULL ? NULL : e->value;
}

/* The entry of `key`, made when there is none, and what its value was: null then. `copy_bytes`
 * of a new one are for a copy of its key. */
static struct tw_map_entry *set(struct tw_map *m, struct tw_slice key, void *value,
                                size_t copy_bytes, void **before)
{
    uint32_t hash = hash_of(key);
    struct tw_map_entry **link, *e;

    TW_ASSERT(value != NULL && key.len <= UINT32_MAX);
    if (m->count >= m->bucket_count)
        grow(m);
    link = find(m, key, hash);
    if (*link == NULL) {
        e = tw_alloc(1, sizeof(*e) + copy_bytes);
        e->hash = hash;
        e->key_len = (uint32_t)key.len;
        *link = e;
        m->count++;
        if ((hash & (m->bucket_count - 1)) < m->empty_count)
            m->empty_count = hash & (m->bucket_count - 1);
    }
    e = *link;
    *before = e->value;
    e->value = value;
    return e;
}

void *tw_map_put(struct tw_map *m, struct tw_slice key, void *value, struct tw_slice *kept)
{
    void *before;
    struct tw_map_entry *e = set(m, key, value, key.len, &before);

    if (before == NULL) {
        e->key = e->copy;
        if (key.len > 0)
            memcpy(e->copy, key.at, key.len);
    }
    *kept = key_of(e);
    return before;
}

void *tw_map_set_lent(struct tw_map *m, struct tw_slice key, void *value)
{
    void *before;

    set(m, key, value, 0, &before)->key = key.at;
    return before;
}

void *tw_map_set(struct tw_map *m, struct tw_slice key, void *value)
{
    struct tw_slice kept;

    return tw_map_put(m, key, value, &kept);
}

void *tw_map_remove(struct tw_map *m, struct tw_slice key)
{
    struct tw_map_entry **link, *e;
    void *value;

    if (m->count == 0)
        return NULL;
    link = find(m, key, hash_of(key));
    e = *link;
    if (e == NULL)
        return NULL;
    value = e->value;
    *link = e->next;
    free(e);
    m->count--;
    return value;
}

void tw_map_each(const struct tw_map *m,
                 void (*visit)(struct tw_slice key, void *value, void *arg), void *arg)
{
    for (size_t i = 0; i < m->bucket_count; i++)
        for (struct tw_map_entry *e = m->buckets[i]; e != NULL; e = e->next)
            visit(key_of(e), e->value, arg);
}

void *tw_map_any(struct tw_map *m, struct tw_slice *key)
{
    struct tw_map_entry *e;

    if (m->count == 0)
        return NULL;
    while (m->buckets[m->empty_count] == NULL)
        m->empty_count++;
    e = m->buckets[m->empty_count];
    *key = key_of(e);
    return e->value;
}

void tw_map_done(struct tw_map *m)
{
    for (size_t i = 0; i < m->bucket_count; i++) {
        while (m->buckets[i] != NULL) {
            struct tw_map_entry *e = m->buckets[i];

            m->buckets[i] = e->next;
            free(e);
        }
    }
    free(m->buckets);
    *m = (struct tw_map){ 0 };
}
