/* check.c - assertions with a better tongue, and a small generator of numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/check.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN 2000

void check_slice(struct tw_slice have, const char *want, const char *file, int line)
{
    if (tw_slice_is(have, want))
        return;
    print_error("have: %.*s\nwant: %.*s\n", (int)(have.len < SHOWN ? have.len : SHOWN),
                have.at == NULL ? "" : have.at, SHOWN, want);
    _fail(file, line);
}

void check_row(bool truth, const char *claim, const char *row, const char *file, int line)
{
    if (truth)
        return;
    print_error("%s is false for: %.*s\n", claim, SHOWN, row);
    _fail(file, line);
}

char *exact_copy(struct tw_slice bytes)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

struct dice dice_new(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = 1;

    if (text != NULL)
        (void)tw_slice_u64(tw_slice_of(text), &seed);
    print_message("SEED=%llu\n", (unsigned long long)seed);
    return (struct dice){ seed * 0x9e3779b97f4a7c15u };
}

/* splitmix64 (S. Vigna, 2015). */
uint64_t dice_roll(struct dice *d, uint64_t below)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}
