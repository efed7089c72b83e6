/* presence.h - tells Redis which devices are connected here; the api adds up what all gateways
 * tell.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/util/list.h"
#include "common/util/map.h"

struct gw_device;

struct gw_presence_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_redis *store;
    struct tw_slice instance; /* the name of this process */
};

/* Embedded in the process's state. What is written is described in
 * common/domain/presence_keys.h. */
struct gw_presence {
    struct gw_presence_options options;
    struct tw_map by_tenant;     /* tenant id to its devices here */
    struct tw_list groups;       /* the one told longest ago first */
    struct tw_list dirty;        /* of which something is to be told */
    uint64_t minipos, cloudsync; /* as they were told, of all groups */
    struct tw_deadline tick;
    uint64_t totals_ms; /* when the totals are to be told again */
    bool is_stopped;
};

void gw_presence_start(struct gw_presence *p, const struct gw_presence_options *options);

/* A device has come (its session has joined), has another user, or is about to go. */
void gw_presence_note(struct gw_presence *p, struct gw_device *d, bool has_left);

void gw_presence_stop(struct gw_presence *p); /* takes back what was told */
void gw_presence_done(struct gw_presence *p); /* when no device is left */
