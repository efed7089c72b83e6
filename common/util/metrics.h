/* metrics.h - counters, gauges and histograms of a process, printed as Prometheus text and as
 * Markdown.
 *
 * A part has a field for each of them and a row for each field. The process lists its parts;
 * that list is all that printing needs, so nothing is registered at run time.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/histogram.h"

#define TW_METRIC_LABELS 256

/* One number; a field of the part that changes it: just write `value`. */
struct tw_metric {
    uint64_t value;
};

/* What a field counts. A histogram's name ends in "_seconds". */
struct tw_metric_row {
    const char *name;   /* without the prefix `tillwire_`; "_total" ends a counter's; the
                           value of one that ends in "_ratio" is in millionths */
    const char *labels; /* `dialect="orderweb"`, or null */
    const char *help;   /* a sentence; null where an earlier row of this name has it */
    size_t offset;      /* of the field, from TW_METRIC_AT */
};

/* Added to the offset of a histogram. */
#define TW_METRIC_HISTOGRAM (SIZE_MAX / 2 + 1)

/* Where a field is and which type it has, for a row; it does not compile for any other type. */
#define TW_METRIC_AT(type, field)                                                              \
    _Generic(((type *)0)->field, struct tw_metric                                              \
             : offsetof(type, field), struct tw_histogram                                      \
             : offsetof(type, field) + TW_METRIC_HISTOGRAM)

/* The rows of a part; its header declares them, its .c file defines them. */
struct tw_metric_table {
    const struct tw_metric_row *rows;
    size_t count;
    /* Null, unless the fields are arrays: writes the labels of element `i`, in place of the
     * rows' own; false after the last element. */
    bool (*labels_of)(size_t i, char labels[TW_METRIC_LABELS]);
    /* Of arrays with many elements: the names of those labels, for the reference. Elements that
     * are still zero are not printed. Null: few. */
    const char *label_names;
};

/* One part of a process. */
struct tw_metric_part {
    const struct tw_metric_table *table;
    size_t offset;      /* of the part's struct in the process's state */
    const char *labels; /* tell two parts with one table apart; null: none */
};

struct tw_metrics {
    const struct tw_metric_part *parts;
    size_t count;
    const void *state; /* the struct that the parts' offsets refer to */
};

/* `parts` and `state` are kept. Asserts that no two numbers have the same name and labels, and
 * that each name has a help text. */
void tw_metrics_init(struct tw_metrics *all, const void *state,
                     const struct tw_metric_part *parts, size_t count);

/* A number or histogram, and what is known of it; lent. */
struct tw_metric_series {
    const char *name, *labels, *help;     /* `labels`: "" when there are none */
    const char *label_names;              /* of its table */
    size_t element;                       /* of an array; else 0 */
    uint64_t value;                       /* of a histogram: how many there were */
    const struct tw_histogram *histogram; /* null: a number */
};

/* Whether it is printed: see label_names. */
static inline bool tw_metric_is_shown(const struct tw_metric_series *s)
{
    return s->label_names == NULL || s->value > 0;
}

/* Numbers of one name come one after the other. */
void tw_metrics_each(const struct tw_metrics *all,
                     void (*visit)(const struct tw_metric_series *s, void *arg), void *arg);

/* Text format 0.0.4, the process's own figures (process_metrics.h) included. */
void tw_metrics_print(const struct tw_metrics *all, struct tw_buf *out);

/* All of the names as a Markdown table, for docs/metrics.md. */
void tw_metrics_reference(const struct tw_metrics *all, struct tw_buf *out);
