/* dialect.c - finding a dialect among the rows, and what several read of a handshake.
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

/* What programs write when they have no value yet. */
static bool is_no_value(struct tw_slice text)
{
    text = tw_slice_trim(text);
    return text.len == 0 || tw_slice_is_nocase(text, "undefined") ||
           tw_slice_is_nocase(text, "null");
}

void gw_hello_read_since(const struct tw_http_request *req, struct gw_hello *hello)
{
    struct tw_buf text = { .max = 64 };
    int r = tw_http_query(req, "since", &text);

    hello->resumes = r == 1 && tw_slice_u64(tw_buf_view(&text), &hello->since);
    hello->since_is_empty = r == 1 && is_no_value(tw_buf_view(&text));
    if (r != 0 && !hello->resumes && !hello->since_is_empty)
        hello->refusal = "INVALID_SINCE";
    tw_buf_done(&text);
}

struct gw_session *gw_dialect_open(const struct gw_dialects *all, const struct gw_dialect *d,
                                   const struct gw_hello *hello, const struct gw_identity *who)
{
    return d->open(all->rows[gw_dialect_index(all, d)].family, hello, who);
}
