/* bridge_site.h - what a part of the active bridge works with: a connection to PostgreSQL,
 * whose statements wait for the test's answers, and Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/pg_conn.h"
#include "common/net/redis.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/fake_redis.h"

struct bridge_site {
    struct tw_loop *loop;
    struct fake_postgres pg;
    struct fake_redis redis;
    struct tw_pg_conn *conn;
    struct tw_redis publisher;
    /* The connection is up, or, with null, down; and a notification has come. */
    void (*set_active)(struct bridge_site *s, struct tw_pg_conn *c);
    void (*notified)(struct bridge_site *s); /* null: it does not matter */
    char url[64], redis_url[64];
};

/* Redis is up; the part can be started with `loop` and `publisher`, and then connects. */
void bridge_site_open(struct bridge_site *s);
void bridge_site_connect(struct bridge_site *s);

/* After the part has been stopped. */
void bridge_site_close(struct bridge_site *s);

/* Answer this statement, once it has come: with a row, with none, or with an error. */
void bridge_site_answer(struct bridge_site *s, const char *sql, const char *says,
                        const char *fails_as);
