/* redis_url.h - where Redis is, as a URL says it.
 *
 *     redis://[user:password@]host[:port]                              one Redis
 *     redis+sentinel://[user:password@]host[:port],…/master            what Sentinel names so
 *     redis+cluster://[user:password@]host[:port],…                    a Redis Cluster
 *     unix:///path                                                     one Redis
 *     none                                                             there is no Redis
 *
 * With rediss instead of redis all connections have TLS, to the Sentinels too, and the URL may
 * end with ?sslrootcert=/path&sslcert=/path&sslkey=/path (tls_client.h).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/fresh_url.h"
#include "common/net/route.h"
#include "common/net/tls_client.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

enum tw_redis_kind { TW_REDIS_NONE, TW_REDIS_ONE, TW_REDIS_SENTINEL, TW_REDIS_CLUSTER };

struct tw_redis_host {
    char name[TW_HOST_BYTES]; /* a name, an address, or the path of a Unix socket */
    int port;
};

/* Zero is "none". */
struct tw_redis_url {
    enum tw_redis_kind kind;
    bool is_tls;
    struct tw_tls_client tls;
    size_t host_count;
    struct tw_redis_host hosts[TW_ROUTE_HOSTS];
    char *user, *password; /* null without */
    char *master;          /* its name among those that Sentinel watches */
};

/* 0, or TW_ECONFIG and an empty `out`. */
int tw_redis_url_read(struct tw_redis_url *out, struct tw_slice text);
void tw_redis_url_done(struct tw_redis_url *u);

/* Whether `url` can be used. False, and why in `problem`, without what may be a password. */
bool tw_redis_url_check(const char *url, struct tw_buf *problem);

/* The URL of a service, for all its connections: it may stand in a file, and is read from there
 * again for each of them. Zero before tw_redis_source_start. */
struct tw_redis_source {
    struct tw_fresh_url fresh;
    struct tw_redis_url url; /* as it was read last */
};

/* 0, or TW_ECONFIG. Both are kept; `file` may be null. */
int tw_redis_source_start(struct tw_redis_source *s, const char *text, const char *file);

/* Look into its file again, when it has one. False when what stands there cannot be used, or
 * has become another kind of Redis; then all is as it was. */
bool tw_redis_source_again(struct tw_redis_source *s);

void tw_redis_source_done(struct tw_redis_source *s);
