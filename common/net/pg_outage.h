/* pg_outage.h - why PostgreSQL is away: said once, again when the reason is another one, and
 * kept for whoever asks.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TW_PG_WHY 512 /* a reason, in bytes with its end: that of several hosts may be cut */

/* Embedded in its owner; zero: it is there. */
struct tw_pg_outage {
    bool is_known;       /* that it is away */
    char why[TW_PG_WHY]; /* of the last failure; empty: there was none since it is there */
    char said[TW_PG_WHY];
    uint64_t said_ms;
};

/* It failed, because of `why`. */
void tw_pg_outage_note(struct tw_pg_outage *o, const char *why);

/* It is away. True when this is news, or has been for a while for another reason: then `why` is
 * to be logged. */
bool tw_pg_outage_is_news(struct tw_pg_outage *o, uint64_t now_ms);

/* It is there again; with `all` nothing of it fails any more. */
void tw_pg_outage_end(struct tw_pg_outage *o, bool all);
