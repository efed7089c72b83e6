/* lookout.c - one statement after the other, and what it says as metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/lookout.h"

#include <string.h>

#include "common/util/base.h"
#include "common/util/log.h"

#define DEVICES_MS 1000
#define WATCH_MS 10000
#define LEDGER_MS 1000 /* a step of LEDGER_STEP balances: some milliseconds of PostgreSQL's */
#define LEDGER_STEP "200"

#define AT(field) TW_METRIC_AT(struct br_lookout, field)

static const struct tw_metric_row metric_rows[] = {
    { "outbox_oldest_seconds", NULL,
      "For how long the oldest event of other writers has been waiting for its place in the "
      "stream. This and what follows down to the ledgers is looked at every ten seconds, by "
      "the "
      "active bridge alone; 0 at the others.",
      AT(outbox_oldest) },
    { "notify_queue_ratio", NULL,
      "How full PostgreSQL's queue of notifications is. When it is full, transactions of other "
      "writers fail.",
      AT(notify_queue) },
    { "event_partitions", NULL, "Days that the event log has a partition for.", AT(days) },
    { "event_partitions_ahead", NULL, "How many of these are to come, from tomorrow on.",
      AT(days_ahead) },
    { "event_oldest_seconds", NULL, "How long ago the oldest of these days began.",
      AT(days_oldest) },
    { "ledger_looked_total", NULL,
      "Balances of gift cards and customers that were compared with their ledgers, by the "
      "active "
      "bridge, round after round.",
      AT(looked) },
    { "ledger_mismatches", NULL,
      "How many of them were not the sum of their entries, in this round or the one before.",
      AT(mismatches) },
    { "devices_silent_total", NULL,
      "Devices that were missed: they went without a word, and were not back after two "
      "heartbeats; counted by the active bridge.",
      AT(silent) },
    { "devices_back_total", NULL, "Devices of these that came back.", AT(back) },
};

const struct tw_metric_table br_lookout_metrics = { .rows = metric_rows,
                                                    .count = TW_COUNT(metric_rows) };

static void put_call(const struct br_lookout *l, struct tw_pg_call *call)
{
    switch (l->look) {
    case BR_LOOK_DEVICES:
        *call = (struct tw_pg_call){ .sql = "select silent, back from pos.devices_look()",
                                     .function = "devices_look" };
        break;
    case BR_LOOK_WATCH:
        *call = (struct tw_pg_call){ .sql = "select outbox_oldest, notify_queue, days, "
                                            "days_ahead, days_oldest from pos.watch()",
                                     .function = "watch" };
        break;
    case BR_LOOK_LEDGER:
    case BR_LOOKS:
        *call = (struct tw_pg_call){
            .sql = "select next, looked, wrong from pos.ledger_look($1, $2::int)",
            .function = "ledger_look",
            .params = { { tw_slice_of(l->place), false }, { TW_LIT(LEDGER_STEP), false } },
            .param_count = 2,
        };
    }
}

bool br_lookout_due(struct br_lookout *l, uint64_t now_ms, struct tw_pg_call *call)
{
    static const uint64_t periods_ms[BR_LOOKS] = { DEVICES_MS, WATCH_MS, LEDGER_MS };

    for (size_t i = 0; i < BR_LOOKS; i++)
        if (now_ms >= l->due_ms[i]) {
            l->due_ms[i] = now_ms + periods_ms[i];
            l->look = (enum br_look)i;
            put_call(l, call);
            return true;
        }
    return false;
}

static void take_devices(struct br_lookout *l, const struct tw_pg_result *result)
{
    l->silent.value += (uint64_t)tw_pg_int(result, 0, 0);
    l->back.value += (uint64_t)tw_pg_int(result, 0, 1);
}

static void take_figures(struct br_lookout *l, const struct tw_pg_result *result)
{
    struct tw_metric *const figures[] = { &l->outbox_oldest, &l->notify_queue, &l->days,
                                          &l->days_ahead, &l->days_oldest };

    for (size_t i = 0; i < TW_COUNT(figures); i++)
        figures[i]->value = (uint64_t)tw_pg_int(result, 0, (int)i);
}

/* What the round before has found stays until this one has looked at everything. */
static void take_ledgers(struct br_lookout *l, const struct tw_pg_result *result)
{
    struct tw_slice next = tw_pg_text(result, 0, 0);

    l->looked.value += (uint64_t)tw_pg_int(result, 0, 1);
    l->wrong += (uint64_t)tw_pg_int(result, 0, 2);
    if (l->wrong > l->mismatches.value) { /* it is said once, and not in each round */
        l->mismatches.value = l->wrong;
        tw_log_error("ledger.mismatch", tw_u64("balances", l->wrong),
                     tw_str("what", "tillctl ledger verify says which"));
    }
    if (next.len >= sizeof(l->place))
        next.len = 0;
    memcpy(l->place, next.at, next.len);
    l->place[next.len] = '\0';
    if (next.len > 0)
        return;
    l->mismatches.value = l->wrong;
    l->wrong = 0;
}

void br_lookout_take(struct br_lookout *l, const struct tw_pg_result *result)
{
    static void (*const takes[BR_LOOKS])(struct br_lookout *, const struct tw_pg_result *) = {
        take_devices, take_figures, take_ledgers
    };

    if (tw_pg_rows(result) == 1)
        takes[l->look](l, result);
}

void br_lookout_forget(struct br_lookout *l)
{
    *l = (struct br_lookout){ .looked = l->looked, .silent = l->silent, .back = l->back };
}
