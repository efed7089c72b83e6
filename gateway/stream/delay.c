/* delay.c - the events of a stream that are new, each once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/delay.h"

#include "common/util/clock.h"

bool gw_delay_is_due(struct gw_delay *d, const struct gw_cursor *c)
{
    if (!c->is_known)
        return false;
    if (d->next == 0 || d->next - 1 > c->at)
        d->next = c->at + 1;
    return d->next <= c->at;
}

void gw_delay_note(struct gw_delay *d, const struct gw_stream *s, int64_t wall_ms,
                   struct tw_histogram *delays)
{
    const struct gw_entry *e;
    int64_t at_ms;

    while ((e = gw_backlog_from(&s->backlog, d->next)) != NULL) {
        if (e->was_sent && tw_time_read(e->event.at, &at_ms))
            tw_histogram_add(delays, wall_ms > at_ms ? (uint64_t)(wall_ms - at_ms) * 1000 : 0);
        d->next = e->event.seq + 1;
    }
    d->next = s->cursor.at + 1;
}
