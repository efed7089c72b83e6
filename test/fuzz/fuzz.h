/* fuzz.h - what every fuzz target begins with.
 *
 * A target is a function that libFuzzer calls with bytes it made up, again and again. The
 * sanitizers find what must not happen to memory; TW_ASSERT says what must hold besides.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/slice.h"

/* Called by libFuzzer; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A copy on the heap of exactly this size, so that a byte read or written beyond it is noticed;
 * free() it. */
static inline char *fuzz_copy(struct tw_slice bytes)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    TW_ASSERT(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

/* That `part` is empty or lies within `whole`. */
static inline void fuzz_within(struct tw_slice part, struct tw_slice whole)
{
    TW_ASSERT(part.len == 0 || (part.at >= whole.at && part.len <= whole.len &&
                                (size_t)(part.at - whole.at) <= whole.len - part.len));
}
