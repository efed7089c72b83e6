/* metrics.c - walking over the rows of a process's parts, and printing the numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/log.h"

#define PREFIX "tillwire_"
#define LABELS_BYTES 256

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

static void put_log_dropped(struct tw_buf *out)
{
    tw_buf_u64(out, tw_log_dropped());
}

static void put_resident(struct tw_buf *out)
{
    tw_buf_u64(out, resident_bytes());
}

static void put_descriptors(struct tw_buf *out)
{
    tw_buf_u64(out, open_descriptors());
}

static void put_cpu(struct tw_buf *out)
{
    struct rusage u = { 0 };
    char text[32];

    (void)getrusage(RUSAGE_SELF, &u);
    (void)snprintf(text, sizeof(text), "%ld.%06ld",
                   u.ru_utime.tv_sec + u.ru_stime.tv_sec +
                       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000000,
                   (u.ru_utime.tv_usec + u.ru_stime.tv_usec) % 1000000);
    tw_buf_text(out, text);
}

/* What every process says of itself; it is read when it is printed. */
static const struct {
    const char *name; /* the whole of it */
    const char *help;
    void (*put)(struct tw_buf *out);
} own[] = {
    { PREFIX "log_dropped_total",
      "Log lines that were dropped because the reader of the log did not keep up.",
      put_log_dropped },
    { "process_resident_memory_bytes", "Memory of the process that is in RAM, in bytes.",
      put_resident },
    { "process_open_fds", "Open file descriptors, sockets included.", put_descriptors },
    { "process_cpu_seconds_total", "CPU time used in user and system mode, in seconds.",
      put_cpu },
};

static const char *type_of(const char *name)
{
    size_t n = strlen(name);

    return n > 6 && strcmp(name + n - 6, "_total") == 0 ? "counter" : "gauge";
}

/* Visit one number; the labels of its part come before its own. */
static void visit_field(const struct tw_metric *field, const struct tw_metric_row *row,
                        const char *of_part, const char *own_labels, const char *help,
                        void (*visit)(const struct tw_metric_series *s, void *arg), void *arg)
{
    const char *first = of_part == NULL ? "" : of_part;
    const char *second = own_labels == NULL ? "" : own_labels;
    char labels[LABELS_BYTES];
    int n = snprintf(labels, sizeof(labels), "%s%s%s", first,
                     *first != '\0' && *second != '\0' ? "," : "", second);

    TW_ASSERT(n >= 0 && (size_t)n < sizeof(labels));
    visit(&(struct tw_metric_series){ row->name, labels, help, field->value }, arg);
}

/* Visit the numbers of one row. */
static void visit_row(const struct tw_metrics *all, const struct tw_metric_part *part,
                      const struct tw_metric_row *row, const char *help,
                      void (*visit)(const struct tw_metric_series *s, void *arg), void *arg)
{
    const struct tw_metric *field =
        (const void *)((const char *)all->state + part->offset + row->offset);
    const char *labels;

    if (part->table->labels_of == NULL)
        visit_field(field, row, part->labels, row->labels, help, visit, arg);
    else
        for (size_t i = 0; (labels = part->table->labels_of(i)) != NULL; i++)
            visit_field(&field[i], row, part->labels, labels, help, visit, arg);
}

/* Whether no row before this one has its name. */
static bool is_first(const struct tw_metrics *all, size_t part, size_t row)
{
    const char *name = all->parts[part].table->rows[row].name;

    for (size_t p = 0; p <= part; p++) {
        const struct tw_metric_table *t = all->parts[p].table;

        for (size_t r = 0; r < (p < part ? t->count : row); r++)
            if (strcmp(t->rows[r].name, name) == 0)
                return false;
    }
    return true;
}

/* Visit the numbers of all rows with the name and help of `first`. */
static void visit_name(const struct tw_metrics *all, const struct tw_metric_row *first,
                       void (*visit)(const struct tw_metric_series *s, void *arg), void *arg)
{
    for (size_t p = 0; p < all->count; p++) {
        const struct tw_metric_table *t = all->parts[p].table;

        for (size_t r = 0; r < t->count; r++)
            if (strcmp(t->rows[r].name, first->name) == 0)
                visit_row(all, &all->parts[p], &t->rows[r], first->help, visit, arg);
    }
}

void tw_metrics_each(const struct tw_metrics *all,
                     void (*visit)(const struct tw_metric_series *s, void *arg), void *arg)
{
    for (size_t p = 0; p < all->count; p++)
        for (size_t r = 0; r < all->parts[p].table->count; r++)
            if (is_first(all, p, r))
                visit_name(all, &all->parts[p].table->rows[r], visit, arg);
}

/* `arg`: a buffer with all that was seen, a line each. */
static void check_series(const struct tw_metric_series *s, void *arg)
{
    struct tw_buf *seen = arg, line = { .max = 1024 };

    TW_ASSERT(s->help != NULL);
    tw_buf_char(&line, '\n');
    tw_buf_text(&line, s->name);
    tw_buf_char(&line, '{');
    tw_buf_text(&line, s->labels);
    tw_buf_text(&line, "}\n");
    TW_ASSERT(!line.failed);
    TW_ASSERT(seen->len == 0 || memmem(seen->at, seen->len, line.at, line.len) == NULL);
    tw_buf_append(seen, tw_buf_view(&line));
    TW_ASSERT(!seen->failed);
    tw_buf_done(&line);
}

void tw_metrics_init(struct tw_metrics *all, const void *state,
                     const struct tw_metric_part *parts, size_t count)
{
    struct tw_buf seen = { .max = 1048576 };

    *all = (struct tw_metrics){ parts, count, state };
    tw_metrics_each(all, check_series, &seen);
    tw_buf_done(&seen);
}

/* What is being written, and the name that came before. */
struct page {
    struct tw_buf *out;
    const char *name;
};

static bool is_new_name(struct page *page, const char *name)
{
    bool is_new = page->name == NULL || strcmp(page->name, name) != 0;

    page->name = name;
    return is_new;
}

static void put_head(struct tw_buf *out, const char *prefix, const char *name, const char *help)
{
    const char *parts[] = { "# HELP ", prefix, name, " ",           help, "\n# TYPE ",
                            prefix,    name,   " ",  type_of(name), "\n" };

    for (size_t i = 0; i < TW_COUNT(parts); i++)
        tw_buf_text(out, parts[i]);
}

static void print_series(const struct tw_metric_series *s, void *arg)
{
    struct page *page = arg;

    if (is_new_name(page, s->name))
        put_head(page->out, PREFIX, s->name, s->help);
    tw_buf_text(page->out, PREFIX);
    tw_buf_text(page->out, s->name);
    if (s->labels[0] != '\0') {
        tw_buf_char(page->out, '{');
        tw_buf_text(page->out, s->labels);
        tw_buf_char(page->out, '}');
    }
    tw_buf_char(page->out, ' ');
    tw_buf_u64(page->out, s->value);
    tw_buf_char(page->out, '\n');
}

void tw_metrics_print(const struct tw_metrics *all, struct tw_buf *out)
{
    struct page page = { out, NULL };

    tw_metrics_each(all, print_series, &page);
    for (size_t i = 0; i < TW_COUNT(own); i++) {
        put_head(out, "", own[i].name, own[i].help);
        tw_buf_text(out, own[i].name);
        tw_buf_char(out, ' ');
        own[i].put(out);
        tw_buf_char(out, '\n');
    }
}

static void begin_line(struct tw_buf *out, const char *prefix, const char *name)
{
    const char *parts[] = { "| `", prefix, name, "` | ", type_of(name), " |" };

    for (size_t i = 0; i < TW_COUNT(parts); i++)
        tw_buf_text(out, parts[i]);
}

static void end_line(struct tw_buf *out, const char *help)
{
    tw_buf_text(out, " | ");
    tw_buf_text(out, help);
    tw_buf_text(out, " |\n");
}

/* A line for each name, with the labels of all its numbers: the line ends when another begins.
 */
struct reference {
    struct page page;
    const char *help; /* of the line under way; null: none is */
};

static void refer_to_series(const struct tw_metric_series *s, void *arg)
{
    struct reference *r = arg;
    bool is_new = is_new_name(&r->page, s->name);

    if (is_new && r->help != NULL)
        end_line(r->page.out, r->help);
    if (is_new)
        begin_line(r->page.out, PREFIX, s->name);
    r->help = s->help;
    if (s->labels[0] == '\0')
        return;
    tw_buf_text(r->page.out, is_new ? " `" : ", `");
    tw_buf_text(r->page.out, s->labels);
    tw_buf_char(r->page.out, '`');
}

void tw_metrics_reference(const struct tw_metrics *all, struct tw_buf *out)
{
    struct reference r = { { out, NULL }, NULL };

    tw_buf_text(out, "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    tw_metrics_each(all, refer_to_series, &r);
    if (r.help != NULL)
        end_line(out, r.help);
    for (size_t i = 0; i < TW_COUNT(own); i++) {
        begin_line(out, "", own[i].name);
        end_line(out, own[i].help);
    }
}
