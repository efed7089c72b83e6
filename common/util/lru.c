/* lru.c - the map finds an entry, the list has them in the order of their use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/lru.h"

#include "common/util/base.h"

void tw_lru_start(struct tw_lru *l, size_t max, void (*release)(struct tw_lru_entry *e))
{
    TW_ASSERT(max > 0);
    *l = (struct tw_lru){ .max = max, .release = release };
    tw_list_init(&l->order);
}

struct tw_lru_entry *tw_lru_get(struct tw_lru *l, struct tw_slice key)
{
    struct tw_lru_entry *e = tw_map_get(&l->map, key);

    if (e != NULL) {
        tw_list_remove(&e->link);
        tw_list_append(&l->order, &e->link);
    }
    return e;
}

static void release(struct tw_lru *l, struct tw_lru_entry *e)
{
    tw_list_remove(&e->link);
    l->release(e);
}

void tw_lru_put(struct tw_lru *l, struct tw_slice key, struct tw_lru_entry *e)
{
    struct tw_lru_entry *before = tw_map_put(&l->map, key, e, &e->key);

    tw_list_append(&l->order, &e->link);
    if (before != NULL)
        release(l, before);
    if (l->map.count > l->max)
        tw_lru_forget(l, tw_lru_oldest(l));
}

void tw_lru_forget(struct tw_lru *l, struct tw_lru_entry *e)
{
    (void)tw_map_remove(&l->map, e->key);
    release(l, e);
}

struct tw_lru_entry *tw_lru_oldest(const struct tw_lru *l)
{
    return tw_list_empty(&l->order) ? NULL
                                    : tw_container_of(l->order.next, struct tw_lru_entry, link);
}

void tw_lru_forget_all(struct tw_lru *l)
{
    struct tw_list *link;

    tw_map_done(&l->map);
    while ((link = tw_list_shift(&l->order)) != NULL)
        release(l, tw_container_of(link, struct tw_lru_entry, link));
}

void tw_lru_done(struct tw_lru *l)
{
    if (l->release != NULL)
        tw_lru_forget_all(l);
}
