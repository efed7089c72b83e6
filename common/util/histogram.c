/* histogram.c - the bounds, and where to look for a duration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/histogram.h"

const uint64_t tw_histogram_bounds_us[TW_HISTOGRAM_BOUNDS + 1] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 25000000, UINT64_MAX,
};

const char *const tw_histogram_bounds[TW_HISTOGRAM_BOUNDS + 1] = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05",
    "0.1",    "0.25",    "0.5",    "1",     "2.5",    "5",     "10",   "25",    "+Inf",
};

/* Between two powers of two lies one bound at most: a duration is up to this one, or the next.
 */
const uint8_t tw_histogram_first[65] = {
    0,  0,  0,  0,  0,  0,  0,  0,  1,  2,  3,  4,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
    13, 14, 15, 16, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
    17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
};

uint64_t tw_histogram_count(const struct tw_histogram *h)
{
    uint64_t n = 0;

    for (int i = 0; i <= TW_HISTOGRAM_BOUNDS; i++)
        n += h->counts[i];
    return n;
}
