/* redis_sentinel.h - where the master is, as Redis Sentinel says.
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 *
 * One Sentinel is asked twice a second over a connection that stays; another one follows when
 * it goes, does not know the master, or names one that is none.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/redis_link.h"

/* Embedded in its owner; zero before tw_redis_sentinel_start. */
struct tw_redis_sentinel {
    struct tw_loop *loop;
    struct tw_redis_source *source;
    struct tw_redis_link *master_link; /* connects to where tw_redis_sentinel_find says */
    struct tw_redis_link watcher;      /* to one Sentinel */
    struct tw_redis_ask ask;
    struct tw_deadline poll;
    struct tw_redis_host master; /* port 0: not known */
    size_t first;                /* of the URL's hosts is tried first */
    unsigned in_vain;            /* how often it named one that does not come up */
    bool is_useless;             /* it does not know the master */
    const char *name;
    char watcher_name[64];
    char problem[256]; /* empty: none */
};

struct tw_redis_sentinel_options { /* are kept */
    struct tw_loop *loop;
    struct tw_redis_source *source;
    struct tw_redis_counts *counts;
    const char *name;
    struct tw_redis_link *master_link; /* is told when the master is another one */
};

void tw_redis_sentinel_start(struct tw_redis_sentinel *s,
                             const struct tw_redis_sentinel_options *options);
void tw_redis_sentinel_stop(struct tw_redis_sentinel *s);

/* For the master's link: the master as far as it is known. */
void tw_redis_sentinel_find(const struct tw_redis_sentinel *s, struct tw_route *route);

/* What is wrong with the Sentinels, lent; empty: nothing. */
const char *tw_redis_sentinel_problem(const struct tw_redis_sentinel *s);
