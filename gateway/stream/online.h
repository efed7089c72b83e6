/* online.h - how many sessions of each restaurant hear its orders here, for whoever makes one:
 * pos.tills_online_write, when that has changed.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"

#define GW_ONLINE_TOLD 2000 /* restaurants in a statement */

struct gw_hubs;

struct gw_online_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct gw_hubs *hubs;
    const char *process_id; /* as it is known to pos.process */
};

/* Embedded in the process's state. */
struct gw_online {
    struct gw_online_options options;
    struct tw_buf text;
    struct tw_pg_call call;
    struct tw_deadline tick;
    uint64_t again_ms; /* when all of them are told once more */
    bool is_sending, is_stopped;
};

void gw_online_start(struct gw_online *o, const struct gw_online_options *options);
void gw_online_stop(struct gw_online *o);
void gw_online_done(struct gw_online *o);
