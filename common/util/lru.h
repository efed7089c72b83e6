/* lru.h - a map that remembers at most so many: the one that was used longest ago goes first.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/slice.h"

/* Embedded in what is remembered, as its first member. */
struct tw_lru_entry {
    struct tw_list link; /* among all, the one used last at the end */
    struct tw_slice key; /* the map's copy */
};

/* Embedded in its owner; tw_lru_start first. */
struct tw_lru {
    struct tw_map map;
    struct tw_list order;
    size_t max;
    void (*release)(struct tw_lru_entry *e); /* frees the struct that it is in */
};

/* `release` is called for each that is forgotten, whatever the reason. */
void tw_lru_start(struct tw_lru *l, size_t max, void (*release)(struct tw_lru_entry *e));

/* The entry of `key`, which is used with this, or null. */
struct tw_lru_entry *tw_lru_get(struct tw_lru *l, struct tw_slice key);

/* Remember `e` (takes) under `key` (copied); forgets what was there, and the one used longest
 * ago when there are too many. */
void tw_lru_put(struct tw_lru *l, struct tw_slice key, struct tw_lru_entry *e);

void tw_lru_forget(struct tw_lru *l, struct tw_lru_entry *e);

/* The one that was used longest ago; null: there is none. */
struct tw_lru_entry *tw_lru_oldest(const struct tw_lru *l);

void tw_lru_forget_all(struct tw_lru *l);
void tw_lru_done(struct tw_lru *l); /* fine on one that was not started */
