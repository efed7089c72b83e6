/* staff_keys.c - sealing with the keys of a setting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/staff_keys.h"

#include "common/util/base.h"
#include "common/util/encode.h"

#define ABOUT_BYTES 256

void gw_staff_keys_read(struct gw_staff_keys *out, const char *setting)
{
    struct tw_slice rest = tw_slice_of(setting == NULL ? "" : setting), one;

    out->count = 0;
    while (out->count < GW_STAFF_KEYS && tw_slice_split(&rest, ',', &one) &&
           tw_hex_decode(one, out->keys[out->count], TW_SEAL_KEY_BYTES))
        out->count++;
}

/* Nothing that is sealed can be put in another one's place. */
static void put_about(struct tw_buf *out, const char *tenant, struct tw_slice id)
{
    tw_buf_text(out, tenant);
    tw_buf_char(out, ' ');
    tw_buf_append(out, id);
}

void gw_staff_seal(const struct gw_staff_keys *keys, const char *tenant, struct tw_slice id,
                   struct tw_slice plain, struct tw_buf *out)
{
    struct tw_buf about = { .max = ABOUT_BYTES };
    struct tw_buf sealed = { .max = plain.len + TW_SEAL_MARGIN };

    put_about(&about, tenant, id);
    tw_seal(keys->keys[0], tw_buf_view(&about), plain, &sealed);
    tw_base64(out, tw_buf_view(&sealed));
    tw_buf_done(&sealed);
    tw_buf_done(&about);
}

bool gw_staff_open(const struct gw_staff_keys *keys, const char *tenant, struct tw_slice id,
                   struct tw_slice sealed, struct tw_buf *out)
{
    struct tw_buf about = { .max = ABOUT_BYTES };
    struct tw_buf bytes = { .max = sealed.len };
    bool ok = false;

    put_about(&about, tenant, id);
    if (tw_base64_decode(&bytes, sealed))
        for (size_t i = 0; i < keys->count && !ok; i++)
            ok = tw_seal_open(keys->keys[i], tw_buf_view(&about), tw_buf_view(&bytes), out);
    tw_buf_done(&bytes);
    tw_buf_done(&about);
    return ok;
}
