/* metrics_print.c - the numbers as Prometheus text, and their names as a Markdown table.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/metrics.h"
#include "common/util/process_metrics.h"

#define PREFIX "tillwire_"

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static const char *type_of(const struct tw_metric_series *s)
{
    if (s->histogram != NULL)
        return "histogram";
    return ends_in(s->name, "_total") ? "counter" : "gauge";
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

static void put_all(struct tw_buf *out, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tw_buf_text(out, parts[i]);
}

static void put_head(struct tw_buf *out, const char *prefix, const char *name, const char *type,
                     const char *help)
{
    const char *const parts[] = { "# HELP ", prefix, name, " ",  help, "\n# TYPE ",
                                  prefix,    name,   " ",  type, "\n" };

    put_all(out, parts, TW_COUNT(parts));
}

/* The name and labels of a line; `le` is null but for a range of a histogram. */
static void begin_sample(const struct tw_metric_series *s, const char *suffix, const char *le,
                         struct tw_buf *out)
{
    bool has_labels = s->labels[0] != '\0';
    const char *const parts[] = { PREFIX, s->name, suffix, has_labels || le != NULL ? "{" : "",
                                  s->labels };

    put_all(out, parts, TW_COUNT(parts));
    if (le != NULL) {
        const char *const range[] = { has_labels ? ",le=\"" : "le=\"", le, "\"" };

        put_all(out, range, TW_COUNT(range));
    }
    tw_buf_text(out, has_labels || le != NULL ? "} " : " ");
}

/* With six digits behind the point. */
static void put_millionths(uint64_t value, struct tw_buf *out)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64 "\n", value / 1000000,
                   value % 1000000);
    tw_buf_text(out, text);
}

static void put_sample(const struct tw_metric_series *s, const char *suffix, const char *le,
                       uint64_t value, struct tw_buf *out)
{
    begin_sample(s, suffix, le, out);
    tw_buf_u64(out, value);
    tw_buf_char(out, '\n');
}

/* Each range of a histogram counts what is in those before it, too. */
static void put_histogram(const struct tw_metric_series *s, struct tw_buf *out)
{
    const struct tw_histogram *h = s->histogram;
    uint64_t up_to = 0;

    for (size_t i = 0; i <= TW_HISTOGRAM_BOUNDS; i++) {
        up_to += h->counts[i];
        put_sample(s, "_bucket", tw_histogram_bounds[i], up_to, out);
    }
    begin_sample(s, "_sum", NULL, out);
    put_millionths(h->sum_us, out);
    put_sample(s, "_count", NULL, up_to, out);
}

static void print_series(const struct tw_metric_series *s, void *arg)
{
    struct page *page = arg;

    if (!tw_metric_is_shown(s))
        return;
    if (is_new_name(page, s->name))
        put_head(page->out, PREFIX, s->name, type_of(s), s->help);
    if (s->histogram != NULL) {
        put_histogram(s, page->out);
    } else if (ends_in(s->name, "_ratio")) {
        begin_sample(s, "", NULL, page->out);
        put_millionths(s->value, page->out);
    } else {
        put_sample(s, "", NULL, s->value, page->out);
    }
}

void tw_metrics_print(const struct tw_metrics *all, struct tw_buf *out)
{
    struct page page = { out, NULL };

    tw_metrics_each(all, print_series, &page);
    for (size_t i = 0; i < tw_process_metrics_count; i++) {
        const struct tw_process_metric *m = &tw_process_metrics[i];

        put_head(out, "", m->name, m->type, m->help);
        m->put(m, out);
    }
}

static void begin_line(struct tw_buf *out, const char *prefix, const char *name,
                       const char *type)
{
    const char *const parts[] = { "| `", prefix, name, "` | ", type, " |" };

    put_all(out, parts, TW_COUNT(parts));
}

static void end_line(struct tw_buf *out, const char *help)
{
    const char *const parts[] = { " | ", help, " |\n" };

    put_all(out, parts, TW_COUNT(parts));
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
    const char *const labels[] = { is_new ? " `" : ", `", s->labels, "`" };

    if (is_new && r->help != NULL)
        end_line(r->page.out, r->help);
    if (is_new)
        begin_line(r->page.out, PREFIX, s->name, type_of(s));
    r->help = s->help;
    if (s->label_names != NULL && s->element == 0) {
        tw_buf_char(r->page.out, ' ');
        tw_buf_text(r->page.out, s->label_names);
    } else if (s->label_names == NULL && s->labels[0] != '\0') {
        put_all(r->page.out, labels, TW_COUNT(labels));
    }
}

void tw_metrics_reference(const struct tw_metrics *all, struct tw_buf *out)
{
    struct reference r = { { out, NULL }, NULL };

    tw_buf_text(out, "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    tw_metrics_each(all, refer_to_series, &r);
    if (r.help != NULL)
        end_line(out, r.help);
    for (size_t i = 0; i < tw_process_metrics_count; i++) {
        const struct tw_process_metric *m = &tw_process_metrics[i];

        begin_line(out, "", m->name, m->type);
        tw_buf_text(out, m->labels[0] == '\0' ? "" : " ");
        tw_buf_text(out, m->labels);
        end_line(out, m->help);
    }
}
