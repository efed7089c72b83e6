/* dialect.c - the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/dialect.h"

#include "common/util/base.h"

/* In the order of asking: from the most particular address to the most general. */
static const struct gw_dialect *const dialects[GW_DIALECTS] = { &gw_orderweb,
                                                                &gw_restaurant_os_dialect,
                                                                &gw_cloudsync, &gw_minipos };

const struct gw_dialect *gw_dialect_at(size_t index)
{
    return dialects[index];
}

size_t gw_dialect_index(const struct gw_dialect *d)
{
    for (size_t i = 0; i < TW_COUNT(dialects); i++)
        if (dialects[i] == d)
            return i;
    TW_ASSERT(false); /* a dialect without a row */
    return 0;
}

const struct gw_dialect *gw_dialect_of(const struct tw_http_request *req,
                                       struct gw_hello *hello)
{
    for (size_t i = 0; i < TW_COUNT(dialects); i++) {
        *hello = (struct gw_hello){ .scope = "pos" };
        if (dialects[i]->claims(req, hello))
            return dialects[i];
    }
    return NULL;
}
