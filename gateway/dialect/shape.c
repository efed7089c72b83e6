/* shape.c - numbers and texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/shape.h"

#include "common/util/json_view.h"
#include "common/util/json_write.h"

struct tw_slice gw_shape_number(struct tw_slice raw)
{
    struct tw_slice text;
    uint64_t number;

    if (!tw_json_plain(raw, &text) || text.len > 9 || !tw_slice_u64(text, &number) ||
        (text.at[0] == '0' && text.len > 1))
        return raw;
    return text;
}

void gw_shape_text(struct tw_buf *out, const char *name, struct tw_slice raw)
{
    if (raw.len > 0 && raw.at[0] == '"')
        tw_json_member_raw(out, name, raw);
    else
        tw_json_member(out, name, raw);
}
