/* early.c - the two marks and what stands between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/early.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"

struct tw_buf *gw_early_with_address(struct tw_buf *early, const char *address)
{
    size_t before = early == NULL ? 0 : early->len;

    if (early == NULL)
        early = tw_new(struct tw_buf);
    early->max = before + GW_ADDRESS_BYTES + 2;
    tw_buf_text(early, "\x1e\x1f");
    tw_buf_text(early, address);
    if (early->failed) {
        early->failed = false;
        early->len = before;
    }
    return early;
}

void gw_early_take_address(struct tw_buf *early, char out[GW_ADDRESS_BYTES])
{
    char *at = NULL;
    size_t n;

    out[0] = '\0';
    if (early != NULL && early->len > 0)
        at = memrchr(early->at, '\x1f', early->len);
    if (at == NULL || at == early->at || at[-1] != '\x1e')
        return;
    n = early->len - (size_t)(at + 1 - early->at);
    if (n < GW_ADDRESS_BYTES) {
        memcpy(out, at + 1, n);
        out[n] = '\0';
    }
    early->len = (size_t)(at - 1 - early->at);
}

void gw_early_free(struct tw_buf *early)
{
    if (early != NULL)
        tw_buf_done(early);
    free(early);
}
