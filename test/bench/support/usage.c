/* usage.c - reads /proc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/support/usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t usage_cpu_ns(const long *pids, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char path[64];
        struct dirent *entry;
        DIR *tasks;

        (void)snprintf(path, sizeof(path), "/proc/%ld/task", pids[i]);
        if ((tasks = opendir(path)) == NULL)
            fail(path);
        while ((entry = readdir(tasks)) != NULL) {
            char file[400];
            unsigned long long ns = 0;
            FILE *f;

            (void)snprintf(file, sizeof(file), "%s/%s/schedstat", path, entry->d_name);
            if (entry->d_name[0] == '.' || (f = fopen(file, "r")) == NULL)
                continue;
            if (fscanf(f, "%llu", &ns) == 1)
                sum += ns;
            (void)fclose(f);
        }
        (void)closedir(tasks);
    }
    return sum;
}

uint64_t usage_pss_bytes(const long *pids, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        char path[64], line[256];
        unsigned long long kb;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pids[i]);
        if ((f = fopen(path, "r")) == NULL)
            fail(path);
        while (fgets(line, sizeof(line), f) != NULL)
            if (sscanf(line, "Pss: %llu kB", &kb) == 1)
                sum += kb * 1024;
        (void)fclose(f);
    }
    return sum;
}
