/* early.c - the marks and what stands between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/early.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/slice.h"

struct tw_buf *gw_early_with_origin(struct tw_buf *early, const char *address,
                                    const char *client)
{
    size_t before = early == NULL ? 0 : early->len;

    if (address == NULL && client == NULL)
        return early;
    if (early == NULL)
        early = tw_new(struct tw_buf);
    early->max = before + GW_ADDRESS_BYTES + GW_CLIENT_BYTES + 3;
    tw_buf_text(early, "\x1e\x1f");
    tw_buf_text(early, address == NULL ? "" : address);
    tw_buf_text(early, "\x1f");
    tw_buf_text(early, client == NULL ? "" : client);
    if (early->failed) {
        early->failed = false;
        early->len = before;
    }
    return early;
}

/* What fits, else nothing. */
static void copy(char *to, size_t size, struct tw_slice text)
{
    if (text.len == 0 || text.len >= size)
        return;
    memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

void gw_early_take_origin(struct tw_buf *early, struct gw_origin *out)
{
    struct tw_slice rest, address = TW_EMPTY;
    const char *mark = NULL;

    out->address[0] = out->client[0] = '\0';
    if (early != NULL && early->len > 0)
        mark = memrchr(early->at, '\x1e', early->len);
    if (mark == NULL || mark + 1 == early->at + early->len || mark[1] != '\x1f')
        return;
    rest = tw_slice_from(mark + 2, early->len - (size_t)(mark + 2 - early->at));
    early->len = (size_t)(mark - early->at);
    (void)tw_slice_split(&rest, '\x1f', &address);
    copy(out->address, sizeof(out->address), address);
    copy(out->client, sizeof(out->client), rest);
}

void gw_early_free(struct tw_buf *early)
{
    if (early != NULL)
        tw_buf_done(early);
    free(early);
}
