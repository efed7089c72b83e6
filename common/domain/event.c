/* event.c - reading canonical events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/event.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json_view.h"

int tw_event_read(struct tw_slice raw, struct tw_event *out)
{
    static const char *const names[] = { "seq", "type", "at", "origin", "data" };
    enum { SEQ, TYPE, AT, ORIGIN, DATA };
    struct tw_event e = { .raw = raw };
    struct tw_slice raws[TW_COUNT(names)];

    if (tw_json_pick(raw, names, raws, TW_COUNT(names)) != TW_COUNT(names) ||
        !tw_json_u64(raws[SEQ], &e.seq) || e.seq == 0 || !tw_json_plain(raws[TYPE], &e.type) ||
        e.type.len == 0 || !tw_json_plain(raws[AT], &e.at) || raws[ORIGIN].at[0] != '{' ||
        raws[DATA].at[0] != '{')
        return TW_ESYNTAX;
    e.origin = raws[ORIGIN];
    e.data = raws[DATA];
    *out = e;
    return 0;
}
