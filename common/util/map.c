/* map.c - a chained hash table under SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein, 2012).
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/map.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"

struct tw_map_entry {
    struct tw_map_entry *next;
    uint64_t hash;
    void *value;
    size_t key_len;
    char key[];
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

/* The link that points to the entry of `key`, or to the end of its chain. */
static struct tw_map_entry **find(const struct tw_map *m, struct tw_slice key, uint64_t hash)
{
    struct tw_map_entry **link = &m->buckets[hash & (m->bucket_count - 1)];

    while (*link != NULL) {
        struct tw_map_entry *e = *link;

        if (e->hash == hash && tw_slice_eq(tw_slice_from(e->key, e->key_len), key))
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
    e = *find(m, key, tw_hash(key));
    return e == NULL ? NULL : e->value;
}

void *tw_map_put(struct tw_map *m, struct tw_slice key, void *value, struct tw_slice *kept)
{
    uint64_t hash = tw_hash(key);
    struct tw_map_entry **link, *e;

    TW_ASSERT(value != NULL);
    if (m->count >= m->bucket_count)
        grow(m);
    link = find(m, key, hash);
    if (*link != NULL) {
        void *before = (*link)->value;

        (*link)->value = value;
        *kept = tw_slice_from((*link)->key, key.len);
        return before;
    }
    e = tw_alloc(1, sizeof(*e) + key.len);
    e->hash = hash;
    e->value = value;
    e->key_len = key.len;
    if (key.len > 0)
        memcpy(e->key, key.at, key.len);
    *link = e;
    *kept = tw_slice_from(e->key, key.len);
    m->count++;
    if ((hash & (m->bucket_count - 1)) < m->empty_count)
        m->empty_count = hash & (m->bucket_count - 1);
    return NULL;
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
    link = find(m, key, tw_hash(key));
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
            visit(tw_slice_from(e->key, e->key_len), e->value, arg);
}

void *tw_map_any(struct tw_map *m, struct tw_slice *key)
{
    struct tw_map_entry *e;

    if (m->count == 0)
        return NULL;
    while (m->buckets[m->empty_count] == NULL)
        m->empty_count++;
    e = m->buckets[m->empty_count];
    *key = tw_slice_from(e->key, e->key_len);
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
