/* presence.h - tells Redis which devices are connected here; the api adds up what all gateways
 * tell.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/redis_link.h"
#include "common/util/map.h"

struct gw_shared_state;

struct gw_presence_options { /* all are kept */
    struct tw_loop *loop;
    struct gw_shared_state *shared_state;
    struct tw_redis_link *store;
    struct tw_slice instance; /* the name of this process */
};

/* Embedded in the process's state. What is written is described in
 * common/domain/presence_keys.h. */
struct gw_presence {
    struct gw_presence_options options;
    struct tw_map groups; /* tenant id to what is there of it */
    struct tw_deadline tick;
    bool is_touched;
};

void gw_presence_start(struct gw_presence *p, const struct gw_presence_options *options);
void gw_presence_touch(struct gw_presence *p); /* a device has come or gone: tell it soon */
void gw_presence_stop(struct gw_presence *p);  /* takes back what was told */
void gw_presence_done(struct gw_presence *p);
