/* stamps.c - a growing list.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/support/stamps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct stamp {
    size_t target;
    uint64_t seq, us;
};

static struct stamp *stamps;
static size_t stamp_count, stamp_cap;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void grow(void)
{
    if (stamp_count < stamp_cap)
        return;
    stamp_cap = stamp_cap == 0 ? 65536 : stamp_cap * 2;
    stamps = realloc(stamps, stamp_cap * sizeof(*stamps));
    if (stamps == NULL)
        fail("memory");
}

/* The event's seq is the last member of this name. */
void stamps_take(const struct clients *all, const struct client *c)
{
    static const char name[] = "\"seq\":";
    const char *at = NULL, *next = c->start, *end = c->start + c->start_len;
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    while ((next = memmem(next, (size_t)(end - next), name, sizeof(name) - 1)) != NULL)
        at = next++;
    if (at == NULL)
        return;
    grow();
    stamps[stamp_count++] = (struct stamp){
        .target = (size_t)(clients_target(all, c) - all->targets),
        .seq = strtoull(at + sizeof(name) - 1, NULL, 10),
        .us = (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U,
    };
}

void stamps_write(const struct clients *all, const char *file)
{
    FILE *f = fopen(file, "w");

    if (f == NULL)
        fail(file);
    for (size_t i = 0; i < stamp_count; i++)
        fprintf(f, "%s %llu %llu\n", all->targets[stamps[i].target].name,
                (unsigned long long)stamps[i].seq, (unsigned long long)stamps[i].us);
    if (fclose(f) != 0)
        fail(file);
}
