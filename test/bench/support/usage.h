/* usage.h - what processes have used. A process that has gone ends the program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The CPU time of all their threads so far, in nanoseconds: the first field of schedstat. */
uint64_t usage_cpu_ns(const long *pids, size_t count);

/* Their memory now, in bytes: what is theirs alone, and their share of the rest (PSS). */
uint64_t usage_pss_bytes(const long *pids, size_t count);
