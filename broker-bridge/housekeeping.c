/* housekeeping.c - one round after the other, each task until nothing is left of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/housekeeping.h"

#include <stdio.h>

#include "common/util/base.h"

#define ROUND_MS 3600000
#define AGAIN_MS 60000

/* pos.maintain knows them; days are dropped after they have been said to be no longer kept. */
#define EACH_TASK(row)                                                                         \
    row(create_days) row(keep_from) row(drop_days) row(drop_strays) row(answers) row(attempts) \
        row(sync_log) row(till_log) row(changes) row(orders_given) row(tills) row(states)      \
            row(lists) row(tickets) row(looked_at) row(deliveries) row(requests)               \
                row(old_orders)

#define NAME(task) #task,

static const char *const names[BR_TASKS] = { EACH_TASK(NAME) };

static bool labels_of(size_t i, char labels[TW_METRIC_LABELS])
{
    if (i < BR_TASKS)
        (void)snprintf(labels, TW_METRIC_LABELS, "task=\"%s\"", names[i]);
    return i < BR_TASKS;
}

#define AT(field) TW_METRIC_AT(struct br_housekeeping, field)

static const struct tw_metric_row done_rows[] = {
    { "housekeeping_done_seconds", NULL,
      "When a task of the housekeeping last had nothing left to do, in seconds since 1970; 0: "
      "not "
      "yet in this process.",
      AT(done_at[0]) },
};

static const struct tw_metric_row failure_rows[] = {
    { "housekeeping_failures_total", NULL,
      "Steps of the housekeeping that failed; they are tried again.", AT(failures) },
};

const struct tw_metric_table br_housekeeping_metrics = { .rows = done_rows,
                                                         .count = TW_COUNT(done_rows),
                                                         .labels_of = labels_of };
const struct tw_metric_table br_housekeeping_failures = { .rows = failure_rows,
                                                          .count = TW_COUNT(failure_rows) };

const char *br_housekeeping_due(struct br_housekeeping *h, uint64_t now_ms)
{
    if (h->task == BR_TASKS && now_ms >= h->next_ms) {
        h->task = 0;
        h->has_failed = false;
    }
    return h->task < BR_TASKS ? names[h->task] : NULL;
}

static void next_task(struct br_housekeeping *h, uint64_t now_ms)
{
    h->task++;
    if (h->task == BR_TASKS)
        h->next_ms = now_ms + (h->has_failed ? AGAIN_MS : ROUND_MS);
}

void br_housekeeping_did(struct br_housekeeping *h, int64_t did, uint64_t now_ms,
                         int64_t wall_ms)
{
    if (did > 0)
        return;
    h->done_at[h->task].value = (uint64_t)(wall_ms / 1000);
    next_task(h, now_ms);
}

void br_housekeeping_failed(struct br_housekeeping *h, uint64_t now_ms)
{
    h->failures.value++;
    h->has_failed = true;
    next_task(h, now_ms);
}
