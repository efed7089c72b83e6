/* redis_value.h - what Redis has answered.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

/* A reply, lent. */
struct tw_redis_value {
    bool is_there; /* false: there is none (nil), Redis refuses to give it, or is away */
    struct tw_slice text;
    int64_t number;
    size_t count;            /* of a list: its elements; see tw_redis_element */
    const void *elements;    /* hiredis's */
    struct tw_slice refusal; /* what Redis says when it refuses; else empty */
};

/* hiredis's redisReply as a value, which lends from it. */
struct tw_redis_value tw_redis_value_of(const void *reply);

/* Element `i` (below `count`) of a list of texts; empty when it is something else. Lent as the
 * list is. */
struct tw_slice tw_redis_element(const struct tw_redis_value *list, size_t i);

/* The same as a value of its own, which may be a list again. */
struct tw_redis_value tw_redis_item(const struct tw_redis_value *list, size_t i);

/* Whether a refusal is a cluster's: its slot is elsewhere, or nowhere. */
bool tw_redis_is_redirection(struct tw_slice refusal);
