/* process_metrics.c - the process's version, log, memory, descriptors and time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/process_metrics.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/log.h"
#include "common/util/slice.h"

/* Of one object, since only that is compiled anew for each commit; see the Makefile. */
#ifndef TILLWIRE_COMMIT
#define TILLWIRE_COMMIT "unknown"
#endif

/* The first line of a file of proc(5); empty when it cannot be read. */
static struct tw_slice read_line(const char *path, char *line, size_t size)
{
    FILE *f = fopen(path, "re");

    line[0] = '\0';
    if (f == NULL)
        return TW_EMPTY;
    if (fgets(line, (int)size, f) == NULL)
        line[0] = '\0';
    (void)fclose(f);
    return tw_slice_of(line);
}

/* The n-th word, from 1 on, as a number; 0 when it is none. */
static uint64_t word(struct tw_slice rest, int n)
{
    struct tw_slice one = TW_EMPTY;
    uint64_t value = 0;

    while (n-- > 0)
        if (!tw_slice_split(&rest, ' ', &one))
            return 0;
    (void)tw_slice_u64(one, &value);
    return value;
}

/* "name value", or "name{labels} value". */
static void put_sample(const struct tw_process_metric *m, const char *labels, uint64_t value,
                       struct tw_buf *out)
{
    tw_buf_text(out, m->name);
    tw_buf_text(out, labels);
    tw_buf_char(out, ' ');
    tw_buf_u64(out, value);
    tw_buf_char(out, '\n');
}

static void put_build(const struct tw_process_metric *m, struct tw_buf *out)
{
    put_sample(m, "{version=\"" TILLWIRE_VERSION "\",commit=\"" TILLWIRE_COMMIT "\"}", 1, out);
}

static void put_log_lines(const struct tw_process_metric *m, struct tw_buf *out)
{
    static const char *const labels[] = { "{level=\"error\"}", "{level=\"warn\"}",
                                          "{level=\"info\"}", "{level=\"debug\"}" };

    for (size_t i = 0; i < TW_COUNT(labels); i++)
        put_sample(m, labels[i], tw_log_lines((enum tw_log_level)i), out);
}

static void put_log_dropped(const struct tw_process_metric *m, struct tw_buf *out)
{
    put_sample(m, "", tw_log_dropped(), out);
}

static void put_resident(const struct tw_process_metric *m, struct tw_buf *out)
{
    char line[128];
    uint64_t pages = word(read_line("/proc/self/statm", line, sizeof(line)), 2);

    put_sample(m, "", pages * (uint64_t)sysconf(_SC_PAGESIZE), out);
}

static void put_descriptors(const struct tw_process_metric *m, struct tw_buf *out)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (d != NULL) {
        while (readdir(d) != NULL)
            n++;
        (void)closedir(d);
    }
    put_sample(m, "", n > 3 ? n - 3 : 0, out); /* without ".", ".." and the folder itself */
}

static void put_most_descriptors(const struct tw_process_metric *m, struct tw_buf *out)
{
    struct rlimit limit = { 0 };

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    put_sample(m, "", limit.rlim_cur, out);
}

static void put_seconds(const struct tw_process_metric *m, uint64_t seconds, uint64_t us,
                        struct tw_buf *out)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "%s %lu.%06lu\n", m->name, seconds, us);
    tw_buf_text(out, text);
}

static void put_cpu(const struct tw_process_metric *m, struct tw_buf *out)
{
    struct rusage u = { 0 };
    uint64_t us;

    (void)getrusage(RUSAGE_SELF, &u);
    us = (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    put_seconds(m, (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + us / 1000000,
                us % 1000000, out);
}

/* Since 1970: the start of the machine, and how many ticks after that we were started. The
 * second word of our line is a name, which may have blanks in it and ends with the last
 * bracket. */
static void put_start(const struct tw_process_metric *m, struct tw_buf *out)
{
    char line[1024];
    const char *end;
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), up_s, started, booted_s = 0;
    FILE *f = fopen("/proc/stat", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "btime ", 6) == 0)
            (void)tw_slice_u64(tw_slice_from(line + 6, strspn(line + 6, "0123456789")),
                               &booted_s);
    if (f != NULL)
        (void)fclose(f);
    (void)read_line("/proc/self/stat", line, sizeof(line));
    end = strrchr(line, ')');
    started = end == NULL || strlen(end) < 2 ? 0 : word(tw_slice_of(end + 2), 20);
    up_s = started / ticks;
    put_seconds(m, booted_s + up_s, started % ticks * (1000000 / ticks), out);
}

const struct tw_process_metric tw_process_metrics[] = {
    { "tillwire_build_info", "gauge", "`version`, `commit`",
      "1; the labels say which program this is.", put_build },
    { "tillwire_log_lines_total", "counter",
      "`level=\"error\"`, `level=\"warn\"`, `level=\"info\"`, `level=\"debug\"`",
      "Log lines, by level, dropped ones included.", put_log_lines },
    { "tillwire_log_dropped_total", "counter", "",
      "Log lines that were dropped because the reader of the log did not keep up.",
      put_log_dropped },
    { "process_resident_memory_bytes", "gauge", "",
      "Memory of the process that is in RAM, in bytes.", put_resident },
    { "process_open_fds", "gauge", "", "Open file descriptors, sockets included.",
      put_descriptors },
    { "process_max_fds", "gauge", "", "File descriptors that it may have open.",
      put_most_descriptors },
    { "process_cpu_seconds_total", "counter", "",
      "CPU time used in user and system mode, in seconds.", put_cpu },
    { "process_start_time_seconds", "gauge", "",
      "When the process was started, in seconds since 1970.", put_start },
};
const size_t tw_process_metrics_count = TW_COUNT(tw_process_metrics);
