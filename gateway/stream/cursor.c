/* cursor.c - a number and a short sorted list.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"

/* Where `seq` is or would be in the sorted list. */
static size_t place_of(const struct gw_cursor *c, uint64_t seq)
{
    size_t low = 0, high = c->held_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->held[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_held(struct gw_cursor *c, size_t i)
{
    c->held_bytes -= (uint32_t)c->held[i].len;
    c->held_count--;
    memmove(&c->held[i], &c->held[i + 1], (c->held_count - i) * sizeof(c->held[0]));
}

static void drop_held(struct gw_cursor *c, size_t i)
{
    free(c->held[i].raw);
    remove_held(c, i);
}

static void note_head(struct gw_cursor *c, uint64_t seq)
{
    if (seq > c->known_head)
        c->known_head = seq;
}

static enum gw_admit hold(struct gw_cursor *c, uint64_t seq, struct tw_slice raw)
{
    size_t i = place_of(c, seq);

    if (i < c->held_count && c->held[i].seq == seq) {
        c->duplicates++;
        return GW_ADMIT_DUPLICATE;
    }
    if (c->held_count >= GW_MAX_HELD || c->held_bytes + raw.len > GW_HELD_BYTES) {
        note_head(c, c->at + 1); /* enough to know that something must be read */
        return GW_ADMIT_EARLY;
    }
    if (c->held_count == c->held_cap) {
        uint32_t cap = c->held_cap == 0 ? 8 : c->held_cap * 2;
        struct gw_held *bigger = tw_alloc(cap, sizeof(*bigger));

        if (c->held_count > 0)
            memcpy(bigger, c->held, c->held_count * sizeof(*bigger));
        free(c->held);
        c->held = bigger;
        c->held_cap = cap;
    }
    memmove(&c->held[i + 1], &c->held[i], (c->held_count - i) * sizeof(c->held[0]));
    c->held[i] =
        (struct gw_held){ .seq = seq, .raw = tw_copy_text(raw.at, raw.len), .len = raw.len };
    c->held_count++;
    c->held_bytes += (uint32_t)raw.len;
    return GW_ADMIT_EARLY;
}

enum gw_admit gw_cursor_arrive(struct gw_cursor *c, uint64_t seq, struct tw_slice raw)
{
    if (!c->is_known)
        return hold(c, seq, raw);
    if (seq <= c->at) {
        c->duplicates++;
        return GW_ADMIT_DUPLICATE;
    }
    if (seq != c->at + 1)
        return hold(c, seq, raw);
    c->at = seq;
    note_head(c, seq);
    return GW_ADMIT_NOW;
}

enum gw_admit gw_cursor_read(struct gw_cursor *c, uint64_t seq)
{
    if (seq <= c->at) {
        c->duplicates++;
        return GW_ADMIT_DUPLICATE;
    }
    c->at = seq;
    note_head(c, seq);
    while (c->held_count > 0 && c->held[0].seq <= seq)
        drop_held(c, 0);
    return GW_ADMIT_NOW;
}

bool gw_cursor_release(struct gw_cursor *c, uint64_t *seq, char **raw, size_t *len)
{
    if (!c->is_known)
        return false;
    while (c->held_count > 0 && c->held[0].seq <= c->at)
        drop_held(c, 0);
    if (c->held_count == 0 || c->held[0].seq != c->at + 1)
        return false;
    *seq = c->held[0].seq;
    *raw = c->held[0].raw;
    *len = c->held[0].len;
    remove_held(c, 0);
    c->at = *seq;
    note_head(c, *seq);
    return true;
}

void gw_cursor_begin(struct gw_cursor *c, uint64_t head)
{
    c->is_known = true;
    c->at = head;
    c->known_head = head;
}

bool gw_cursor_saw_head(struct gw_cursor *c, uint64_t head)
{
    if (head >= c->at) {
        note_head(c, head);
        return false;
    }
    c->at = head;
    c->known_head = head;
    while (c->held_count > 0)
        drop_held(c, c->held_count - 1);
    return true;
}

void gw_cursor_expect(struct gw_cursor *c, uint64_t seq)
{
    note_head(c, seq);
}

bool gw_cursor_has_gap(const struct gw_cursor *c)
{
    return c->is_known && (c->known_head > c->at || c->held_count > 0);
}

void gw_cursor_log_read(struct gw_cursor *c)
{
    c->doubted_head = c->known_head;
    for (size_t i = 0; i < c->held_count; i++)
        c->held[i].is_doubted = true;
}

void gw_cursor_log_end(struct gw_cursor *c)
{
    size_t i = 0;

    while (i < c->held_count) {
        if (c->held[i].is_doubted) {
            c->rejected++;
            drop_held(c, i);
        } else {
            i++;
        }
    }
    if (c->known_head > c->at && c->known_head == c->doubted_head)
        c->known_head = c->at; /* the log ends here; what was learnt since is not doubted */
}

void gw_cursor_done(struct gw_cursor *c)
{
    while (c->held_count > 0)
        drop_held(c, c->held_count - 1);
    free(c->held);
    *c = (struct gw_cursor){ 0 };
}
