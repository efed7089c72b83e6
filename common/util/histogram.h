/* histogram.h - how long things took: how many were in each of a few fixed ranges.
 *
 * The ranges are the same everywhere, so that the histograms of all processes can be added. A
 * range is at least twice as wide as the one before it (1, 2.5, 5, 10, ...), from a tenth of a
 * millisecond up to 25 seconds. Pure: who measures reads the clock.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#define TW_HISTOGRAM_BOUNDS 17

/* Zero is empty. */
struct tw_histogram {
    uint64_t sum_us;
    uint64_t counts[TW_HISTOGRAM_BOUNDS + 1]; /* up to each bound; the last: beyond them all */
};

/* The upper ends of the ranges, in microseconds and as Prometheus writes them, in seconds; the
 * last one has no end. */
extern const uint64_t tw_histogram_bounds_us[TW_HISTOGRAM_BOUNDS + 1];
extern const char *const tw_histogram_bounds[TW_HISTOGRAM_BOUNDS + 1];

/* By the number of a duration's bits: the first bound that one with so many can be below. */
extern const uint8_t tw_histogram_first[65];

static inline void tw_histogram_add(struct tw_histogram *h, uint64_t us)
{
    unsigned first = tw_histogram_first[64 - __builtin_clzll(us | 1)];

    h->sum_us += us;
    h->counts[first + (us > tw_histogram_bounds_us[first])]++;
}

uint64_t tw_histogram_count(const struct tw_histogram *h);
