/* redis_value.c - hiredis's other door: its replies as values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_value.h"

#include <hiredis/hiredis.h>

#include "common/util/base.h"

static struct tw_slice text_of(const redisReply *r)
{
    return r->str == NULL ? TW_EMPTY : tw_slice_from(r->str, r->len);
}

struct tw_slice tw_redis_element(const struct tw_redis_value *list, size_t i)
{
    redisReply *const *elements = list->elements;

    TW_ASSERT(i < list->count);
    return text_of(elements[i]);
}

struct tw_redis_value tw_redis_value_of(const void *reply)
{
    const redisReply *r = reply;

    if (r->type == REDIS_REPLY_ERROR)
        return (struct tw_redis_value){ .refusal = text_of(r) };
    return (struct tw_redis_value){ .is_there = r->type != REDIS_REPLY_NIL,
                                    .text = text_of(r),
                                    .number = r->integer,
                                    .elements = r->element,
                                    .count = r->elements };
}

struct tw_redis_value tw_redis_item(const struct tw_redis_value *list, size_t i)
{
    redisReply *const *elements = list->elements;

    TW_ASSERT(i < list->count);
    return tw_redis_value_of(elements[i]);
}

bool tw_redis_is_redirection(struct tw_slice refusal)
{
    return tw_slice_starts(refusal, TW_LIT("MOVED ")) ||
           tw_slice_starts(refusal, TW_LIT("ASK ")) ||
           tw_slice_starts(refusal, TW_LIT("CLUSTERDOWN ")) ||
           tw_slice_starts(refusal, TW_LIT("TRYAGAIN "));
}
