/* holders.c - a map from "<kind> <id>", and a list of each kind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/holders.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/buf.h"
#include "gateway/dialect/principal.h"

#define NAME_BYTES 64

void gw_holders_start(struct gw_holders *all)
{
    for (size_t i = 0; i < TW_COUNT(all->of_kind); i++)
        tw_list_init(&all->of_kind[i]);
}

void gw_holders_done(struct gw_holders *all)
{
    tw_map_done(&all->by_name);
}

static void put_name(struct tw_buf *out, enum gw_holder_kind kind, struct tw_slice id)
{
    tw_buf_u64(out, kind);
    tw_buf_char(out, ' ');
    tw_buf_append(out, id);
}

struct gw_holder *gw_holders_find(const struct gw_holders *all, enum gw_holder_kind kind,
                                  struct tw_slice id)
{
    struct tw_buf name = { .max = NAME_BYTES };
    struct gw_holder *h;

    put_name(&name, kind, id);
    h = name.failed ? NULL : tw_map_get(&all->by_name, tw_buf_view(&name));
    tw_buf_done(&name);
    return h;
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
    struct tw_buf name = { .max = NAME_BYTES };
    struct gw_holder *h = tw_new(struct gw_holder);

    h->all = all;
    h->kind = kind_of(who);
    if (h->kind == GW_HOLDS_KEY)
        memcpy(h->id, who->key_id, sizeof(h->id));
    else
        memcpy(h->id, who->tenant.id, sizeof(h->id));
    memcpy(h->slug, who->tenant.slug, sizeof(h->slug));
    tw_list_init(&h->sessions);
    tw_list_append(&all->of_kind[h->kind], &h->link);
    put_name(&name, h->kind, tw_slice_of(h->id));
    (void)tw_map_set(&all->by_name, tw_buf_view(&name), h);
    tw_buf_done(&name);
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
    struct tw_buf name = { .max = NAME_BYTES };

    tw_list_remove(held);
    if (!tw_list_empty(&h->sessions))
        return;
    put_name(&name, h->kind, tw_slice_of(h->id));
    (void)tw_map_remove(&all->by_name, tw_buf_view(&name));
    tw_buf_done(&name);
    tw_list_remove(&h->link);
    free(h);
}
