/* event.c - reading canonical events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"

#include "common/util/err.h"
#include "common/util/json_view.h"

int tw_event_read(struct tw_slice raw, struct tw_event *out)
{
    struct tw_event e = { .raw = raw };
    struct tw_slice seq;

    if (!tw_json_get(raw, "seq", &seq) || !tw_json_u64(seq, &e.seq) || e.seq == 0 ||
        !tw_json_get_text(raw, "type", &e.type) || e.type.len == 0 ||
        !tw_json_get_text(raw, "at", &e.at) || !tw_json_get(raw, "origin", &e.origin) ||
        e.origin.at[0] != '{' || !tw_json_get(raw, "data", &e.data) || e.data.at[0] != '{')
        return TW_ESYNTAX;
    *out = e;
    return 0;
}
