/* fake_link.h - stands in for redis_link.h: what is said to Redis is noted, and what Redis says
 * comes from the test. Without sockets; see fake_pool.h on the linker.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/redis.h"
#include "test/unit/support/check.h"

/* A link that is up, for parts that do not start one themselves. */
void fake_link_init(struct tw_redis *l);
void fake_link_done(struct tw_redis *l);

void fake_link_goes_up(struct tw_redis *l);
void fake_link_goes_down(struct tw_redis *l);

/* All commands so far, one a line with blanks between its words; forgotten by the call. */
#define assert_commands(link, want) check_commands((link), (want), __FILE__, __LINE__)
void check_commands(struct tw_redis *l, const char *want, const char *file, int line);

/* The subscription to a channel is confirmed; a message on it. */
void fake_link_confirm(struct tw_redis *l, const char *channel);
/* It is lost, as one of a cluster; whether the node that it is at now is up. */
void fake_link_loses(struct tw_redis *l, const char *channel, bool is_served);
void fake_link_push(struct tw_redis *l, const char *channel, struct tw_slice message);

/* The reply to the oldest question; null: there is none. */
void fake_link_answer(struct tw_redis *l, const char *text);
