/* metrics.c - walking over the rows of a process's parts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/metrics.h"

#include <stdio.h>
#include <string.h>

#include "common/util/base.h"

/* What all fields of one row have in common, and what is done with each. */
struct tour {
    const struct tw_metric_part *part;
    const struct tw_metric_row *row;
    const char *help;
    void (*visit)(const struct tw_metric_series *s, void *arg);
    void *arg;
};

/* Visit one field; the labels of its part come before its own. */
static void visit_field(const struct tour *t, const void *field, const char *own_labels,
                        size_t element)
{
    const char *first = t->part->labels == NULL ? "" : t->part->labels;
    const char *second = own_labels == NULL ? "" : own_labels;
    bool is_histogram = t->row->offset >= TW_METRIC_HISTOGRAM;
    uint64_t value =
        is_histogram ? tw_histogram_count(field) : ((const struct tw_metric *)field)->value;
    char labels[TW_METRIC_LABELS];
    int n = snprintf(labels, sizeof(labels), "%s%s%s", first,
                     *first != '\0' && *second != '\0' ? "," : "", second);

    TW_ASSERT(n >= 0 && (size_t)n < sizeof(labels));
    t->visit(&(struct tw_metric_series){ t->row->name, labels, t->help,
                                         t->part->table->label_names, element, value,
                                         is_histogram ? field : NULL },
             t->arg);
}

/* Visit the fields of one row. */
static void visit_row(const struct tour *t, const void *state)
{
    const struct tw_metric_table *table = t->part->table;
    bool is_histogram = t->row->offset >= TW_METRIC_HISTOGRAM;
    size_t size = is_histogram ? sizeof(struct tw_histogram) : sizeof(struct tw_metric);
    const char *field =
        (const char *)state + t->part->offset + (t->row->offset & ~TW_METRIC_HISTOGRAM);
    char labels[TW_METRIC_LABELS];

    if (table->labels_of == NULL)
        visit_field(t, field, t->row->labels, 0);
    else
        for (size_t i = 0; table->labels_of(i, labels); i++)
            visit_field(t, field + i * size, labels, i);
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

/* Visit the fields of all rows with the name and help of `first`. */
static void visit_name(const struct tw_metrics *all, const struct tw_metric_row *first,
                       void (*visit)(const struct tw_metric_series *s, void *arg), void *arg)
{
    for (size_t p = 0; p < all->count; p++) {
        const struct tw_metric_table *t = all->parts[p].table;

        for (size_t r = 0; r < t->count; r++)
            if (strcmp(t->rows[r].name, first->name) == 0)
                visit_row(
                    &(struct tour){ &all->parts[p], &t->rows[r], first->help, visit, arg },
                    all->state);
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

/* `arg`: a buffer with all that was seen, a line each. Of many elements the first stands for
 * all: their labels are made from their numbers. */
static void check_series(const struct tw_metric_series *s, void *arg)
{
    struct tw_buf *seen = arg, line = { .max = 1024 };

    TW_ASSERT(s->help != NULL);
    if (s->label_names != NULL && s->element > 0)
        return;
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
