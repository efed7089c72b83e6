/* presence_keys.c - naming a tenant's key.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/presence_keys.h"

struct tw_slice tw_presence_key(struct tw_slice tenant, char out[TW_PRESENCE_KEY_BYTES])
{
    size_t n = tenant.len < 36 ? tenant.len : 36;

    memcpy(out, "tw:p:{", 6);
    if (n > 0)
        memcpy(out + 6, tenant.at, n);
    out[6 + n] = '}';
    return tw_slice_from(out, 7 + n);
}
