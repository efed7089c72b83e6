/* map.h - from bytes to a pointer: a hash table whose keys may come from peers.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

/* Zero is an empty map. Keys are copied, but for those that are lent; values belong to the
 * caller. The hash is SipHash-1-3 under a key that each process draws at its start, so that no
 * peer can aim at one bucket. */
struct tw_map_entry;
struct tw_map {
    struct tw_map_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
    size_t empty_count; /* that many buckets at the beginning have no entry */
};

void *tw_map_get(const struct tw_map *m, struct tw_slice key); /* null when absent */

/* Sets `value` (never null) under `key`; the value that was there before, or null. */
void *tw_map_set(struct tw_map *m, struct tw_slice key, void *value);

/* The same; `kept` is the map's copy of the key, lent until it is removed. */
void *tw_map_put(struct tw_map *m, struct tw_slice key, void *value, struct tw_slice *kept);

/* The same without a copy: the key is lent until its entry is removed, or set again with
 * another one, so it is mostly a part of the value. */
void *tw_map_set_lent(struct tw_map *m, struct tw_slice key, void *value);

void *tw_map_remove(struct tw_map *m, struct tw_slice key); /* the removed value, or null */

/* Calls `visit` for every entry, in no order; `visit` must not change the map. */
void tw_map_each(const struct tw_map *m,
                 void (*visit)(struct tw_slice key, void *value, void *arg), void *arg);

/* Any entry's value, or null when the map is empty: for taking a map apart, which takes time in
 * proportion to its size. */
void *tw_map_any(struct tw_map *m, struct tw_slice *key);

void tw_map_done(struct tw_map *m);

/* The hash itself, for those who need one number for some bytes. */
uint64_t tw_hash(struct tw_slice bytes);

/* Draw the process's key from `random`; before the first map is filled. */
void tw_hash_seed(const uint8_t random[16]);
