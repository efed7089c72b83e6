/* holders.c - a map of their ids and a list of each kind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/holders.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "gateway/dialect/principal.h"

void gw_holders_start(struct gw_holders *all)
{
    for (size_t i = 0; i < TW_COUNT(all->of_kind); i++)
        tw_list_init(&all->of_kind[i]);
}

void gw_holders_done(struct gw_holders *all)
{
    for (size_t i = 0; i < TW_COUNT(all->by_id); i++)
        tw_map_done(&all->by_id[i]);
}

struct gw_holder *gw_holders_find(const struct gw_holders *all, enum gw_holder_kind kind,
                                  struct tw_slice id)
{
    return tw_map_get(&all->by_id[kind], id);
}

static enum gw_holder_kind kind_of(const struct gw_identity *who)
{
    if (who->key_id[0] != '\0')
        return GW_HOLDS_KEY;
    return who->principal != NULL && who->principal->is_keyless ? GW_HOLDS_NOTHING
                                                                : GW_HOLDS_TOKEN;
}

static struct gw_holder *holder_new(struct gw_holders *all, const struct gw_identity *who)
{
    size_t slug_bytes = strlen(who->tenant.slug) + 1;
    struct gw_holder *h = tw_alloc(1, sizeof(*h) + slug_bytes);

    h->all = all;
    h->kind = kind_of(who);
    if (who->principal != NULL)
        memcpy(h->key_hash, who->principal->key_hash, sizeof(h->key_hash));
    if (h->kind == GW_HOLDS_KEY)
        memcpy(h->id, who->key_id, sizeof(h->id));
    else
        memcpy(h->id, who->tenant.id, sizeof(h->id));
    memcpy(h->slug, who->tenant.slug, slug_bytes);
    tw_list_init(&h->sessions);
    tw_list_append(&all->of_kind[h->kind], &h->link);
    (void)tw_map_set_lent(&all->by_id[h->kind], tw_slice_of(h->id), h);
    return h;
}

struct gw_holder *gw_holders_join(struct gw_holders *all, const struct gw_identity *who,
                                  struct tw_list *held)
{
    enum gw_holder_kind kind = kind_of(who);
    struct gw_holder *h = gw_holders_find(
        all, kind, tw_slice_of(kind == GW_HOLDS_KEY ? who->key_id : who->tenant.id));

    if (h == NULL)
        h = holder_new(all, who);
    if (kind == GW_HOLDS_KEY)
        h->expires_ms = who->expires_ms;
    tw_list_append(&h->sessions, held);
    return h;
}

void gw_holders_leave(struct gw_holders *all, struct gw_holder *h, struct tw_list *held)
{
    tw_list_remove(held);
    if (!tw_list_empty(&h->sessions))
        return;
    (void)tw_map_remove(&all->by_id[h->kind], tw_slice_of(h->id));
    tw_list_remove(&h->link);
    free(h);
}
