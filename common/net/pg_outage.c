/* pg_outage.c - what is known of an outage, and what has been said of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_outage.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_MS 30000 /* connections may fail for different reasons in turn, and for hours */

void tw_pg_outage_note(struct tw_pg_outage *o, const char *why)
{
    (void)snprintf(o->why, sizeof(o->why), "%s", why);
}

bool tw_pg_outage_is_news(struct tw_pg_outage *o, uint64_t now_ms)
{
    if (o->is_known && (strcmp(o->why, o->said) == 0 || now_ms - o->said_ms < AGAIN_MS))
        return false;
    o->is_known = true;
    o->said_ms = now_ms;
    memcpy(o->said, o->why, sizeof(o->said));
    return true;
}

void tw_pg_outage_end(struct tw_pg_outage *o, bool all)
{
    o->is_known = false;
    if (all)
        o->why[0] = '\0';
}
