/* pg_owner.c - counting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/pg_owner.h"

#include <stdio.h>

static void on_up(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    ((struct pg_owner *)owner)->ups++;
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct pg_owner *o = owner;

    (void)c;
    o->downs++;
    (void)snprintf(o->why, sizeof(o->why), "%s", why);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    (void)owner;
}

const struct tw_pg_conn_events pg_owner_events = { on_up, on_down, on_idle, NULL };
