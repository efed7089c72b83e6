/* cursor.h - the order of a tenant's events: once each, none missing. Pure: no I/O, no clock.
 *
 * Events come from Redis (lossy, doubled, out of order) and from the log in PostgreSQL (the
 * truth). The cursor says of each whether its turn has come, keeps early ones, and tells what
 * has to be read from the log.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

#define GW_MAX_HELD 1024
#define GW_HELD_BYTES ((size_t)1024 * 1024)

/* An event that came before its turn; a copy. */
struct gw_held {
    uint64_t seq;
    char *raw;
    size_t len;
    bool is_doubted; /* it was held when a reading of the log began, and is not confirmed yet */
};

struct gw_cursor {
    uint64_t at;           /* the last seq handed out */
    uint64_t known_head;   /* the log is known to reach this far at least */
    uint64_t doubted_head; /* as far as that was believed when a reading of the log began */
    struct gw_held *held;  /* sorted by seq, all beyond `at` */
    uint32_t held_count, held_cap, held_bytes;
    bool is_known;                 /* false until the head was read: all is held until then */
    uint32_t duplicates, rejected; /* counted for the metrics, which take the differences */
};

/* What to do with an event that has come. */
enum gw_admit {
    GW_ADMIT_NOW,       /* deliver it: the cursor has moved onto it */
    GW_ADMIT_DUPLICATE, /* drop it */
    GW_ADMIT_EARLY,     /* it is held (or, beyond the limits, dropped to be read later) */
};

/* An event from Redis. */
enum gw_admit gw_cursor_arrive(struct gw_cursor *c, uint64_t seq, struct tw_slice raw);

/* An event read from the log, which goes up without gaps but where a restore has skipped
 * numbers: so any seq beyond the cursor is the next one. */
enum gw_admit gw_cursor_read(struct gw_cursor *c, uint64_t seq);

/* The held event whose turn has come, or false. `raw` is given: free() it. The cursor has
 * moved. */
bool gw_cursor_release(struct gw_cursor *c, uint64_t *seq, char **raw, size_t *len);

/* The log's head was read, for the first time: hand out what comes after it. */
void gw_cursor_begin(struct gw_cursor *c, uint64_t head);

/* The head as reconciliation saw it. True when it lies before the cursor: a restore has taken
 * it back; the cursor is at the new head then and whatever was held is gone. */
bool gw_cursor_saw_head(struct gw_cursor *c, uint64_t head);

/* `seq` is said to exist: while the cursor has not reached it, the log must be read. */
void gw_cursor_expect(struct gw_cursor *c, uint64_t seq);

/* Whether the log must be read after `at`. */
bool gw_cursor_has_gap(const struct gw_cursor *c);

/* A reading of the log begins now: it will see all that has been committed so far. */
void gw_cursor_log_read(struct gw_cursor *c);

/* That reading reached the log's end: what was held when it began and is not in the log never
 * existed (it was published by mistake) and is dropped. */
void gw_cursor_log_end(struct gw_cursor *c);

void gw_cursor_done(struct gw_cursor *c);
