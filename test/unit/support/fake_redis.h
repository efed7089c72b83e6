/* fake_redis.h - as much of Redis as a link sees: RESP2, AUTH, PING, SUBSCRIBE, PUBLISH.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test/unit/support/net.h"

/* Zeroed but for what it demands, then fake_redis_start. */
struct fake_redis {
    struct host host;
    const char *auth;       /* "password" or "user password" that AUTH must bring; null: none */
    bool is_silent;         /* reads, and answers nothing */
    bool may_not_subscribe; /* answers SUBSCRIBE with an error */
    const char *reply;      /* to every other command, as it is; null: an error */
    /* Asked first, unless it is silent or a password is missing; false: it is none of its
     * business. May be null. */
    bool (*answers)(struct fake_redis *r, struct end *e, const struct tw_slice *words,
                    size_t n);
    struct tw_buf commands; /* each as its words with blanks between, and a line's end */
};

void fake_redis_start(struct fake_redis *r, struct tw_loop *loop, int port); /* 0: any */
void fake_redis_stop(struct fake_redis *r);

/* How many commands begin like this. */
int fake_redis_count(const struct fake_redis *r, const char *start);

/* A message on a channel, to all who are connected. */
void fake_redis_push(struct fake_redis *r, struct tw_slice channel, struct tw_slice message);
void fake_redis_say(struct fake_redis *r, struct tw_slice bytes); /* as they are */

/* "message", "subscribe" and so on to one of them; `last` may be TW_EMPTY: a number. */
void fake_redis_tell(struct end *e, const char *kind, struct tw_slice channel,
                     struct tw_slice last);
