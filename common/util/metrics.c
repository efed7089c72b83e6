/* metrics.c - printing the process's numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/util/log.h"

void tw_metric_add(struct tw_metrics *all, struct tw_metric *m, const char *name,
                   const char *labels, const char *help)
{
    m->name = name;
    m->labels = labels;
    m->help = help;
    m->next = NULL;
    if (all->last == NULL)
        all->first = m;
    else
        all->last->next = m;
    all->last = m;
}

static bool is_counter(const char *name)
{
    size_t n = strlen(name);

    return n > 6 && strcmp(name + n - 6, "_total") == 0;
}

static void put_head(struct tw_buf *out, const char *prefix, const char *name, const char *help)
{
    const char *parts[] = { "# HELP ", prefix, name,
                            " ",       help,   "\n# TYPE ",
                            prefix,    name,   is_counter(name) ? " counter\n" : " gauge\n" };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        tw_buf_text(out, parts[i]);
}

static void put_process(struct tw_buf *out, const char *name, const char *help, uint64_t value)
{
    put_head(out, "process_", name, help);
    tw_buf_text(out, "process_");
    tw_buf_text(out, name);
    tw_buf_char(out, ' ');
    tw_buf_u64(out, value);
    tw_buf_char(out, '\n');
}

/* The second number of /proc/self/statm, in pages (proc(5)). */
static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    char line[128];
    struct tw_slice rest, size, resident;
    uint64_t pages = 0;

    if (f == NULL)
        return 0;
    if (fgets(line, sizeof(line), f) != NULL) {
        rest = tw_slice_of(line);
        if (tw_slice_split(&rest, ' ', &size) && tw_slice_split(&rest, ' ', &resident))
            (void)tw_slice_u64(resident, &pages); /* 0 when it is not a number */
    }
    (void)fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (d == NULL)
        return 0;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n > 3 ? n - 3 : 0; /* without ".", ".." and the folder itself */
}

static void put_cpu(struct tw_buf *out)
{
    struct rusage u = { 0 };
    char text[32];

    (void)getrusage(RUSAGE_SELF, &u);
    put_head(out, "process_", "cpu_seconds_total", "User and system time used.");
    (void)snprintf(text, sizeof(text), "%ld.%06ld",
                   u.ru_utime.tv_sec + u.ru_stime.tv_sec +
                       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000000,
                   (u.ru_utime.tv_usec + u.ru_stime.tv_usec) % 1000000);
    tw_buf_text(out, "process_cpu_seconds_total ");
    tw_buf_text(out, text);
    tw_buf_char(out, '\n');
}

void tw_metrics_print(const struct tw_metrics *all, struct tw_buf *out)
{
    const char *before = "";

    for (const struct tw_metric *m = all->first; m != NULL; m = m->next) {
        if (strcmp(before, m->name) != 0)
            put_head(out, "tillwire_", m->name, m->help);
        before = m->name;
        tw_buf_text(out, "tillwire_");
        tw_buf_text(out, m->name);
        if (m->labels != NULL) {
            tw_buf_char(out, '{');
            tw_buf_text(out, m->labels);
            tw_buf_char(out, '}');
        }
        tw_buf_char(out, ' ');
        tw_buf_u64(out, m->value);
        tw_buf_char(out, '\n');
    }
    put_head(out, "tillwire_", "log_dropped_total", "Log lines that found the pipe full.");
    tw_buf_text(out, "tillwire_log_dropped_total ");
    tw_buf_u64(out, tw_log_dropped());
    tw_buf_char(out, '\n');
    put_process(out, "resident_memory_bytes", "Resident memory.", resident_bytes());
    put_process(out, "open_fds", "Open descriptors.", open_descriptors());
    put_cpu(out);
}
