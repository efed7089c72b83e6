/* pg_owner.h - whoever owns a connection to PostgreSQL in a test: it notes what it hears.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/pg_conn.h"

/* Given to tw_pg_conn_new together with pg_owner_events. */
struct pg_owner {
    int ups, downs;
    char why[256]; /* it went down last */
};

extern const struct tw_pg_conn_events pg_owner_events;
