/* dialect.c - finding a dialect among the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/dialect.h"

#include "common/util/base.h"

size_t gw_dialect_index(const struct gw_dialects *all, const struct gw_dialect *d)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].dialect == d)
            return i;
    TW_ASSERT(false); /* a dialect without a row */
    return 0;
}

const struct gw_dialect *gw_dialect_of(const struct gw_dialects *all,
                                       const struct tw_http_request *req,
                                       struct gw_hello *hello)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct gw_dialect *d = all->rows[i].dialect;

        *hello = (struct gw_hello){ .scope = "pos" };
        if (d->claims != NULL && d->claims(req, hello))
            return d;
    }
    return NULL;
}

struct gw_session *gw_dialect_open(const struct gw_dialects *all, const struct gw_dialect *d,
                                   const struct gw_hello *hello, const struct gw_identity *who)
{
    return d->open(all->rows[gw_dialect_index(all, d)].family, hello, who);
}
