/* feed.c - reading the log for a hub: its head, what a gap is missing, and pieces for sessions
 * that resume from before the backlog. One reading of each kind at a time serves all sessions.
 *
 * A gap is given GAP_MS to close by itself, since two publishers may overtake each other; then
 * the log is read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/domain/event.h"
#include "common/util/json_scan.h"
#include "common/util/log.h"

#define GAP_MS 40
#define RETRY_MS 250
#define OLDER_ROWS 1000
#define OLDER_MARGIN 200
#define GATHER_MS 20

/* Columns of pos.events_after and pos.events_piece. */
enum { SEQ, EVENT, MORE, OLDEST };

static void on_older_wanted(struct tw_deadline *d);

static void on_gap(struct tw_deadline *d)
{
    struct gw_feed *f = tw_container_of(d, struct gw_feed, gap);

    f->is_gap_due = true;
    gw_feed_read_log(f);
}

/* A row of the log as an event, in a copy that the scanner may rewrite; gives the copy. Null
 * for a row that is no event: it is passed over, by all sessions alike, and logged. */
static char *read_row(struct gw_feed *f, const struct tw_pg_result *result, size_t row,
                      struct tw_event *ev)
{
    struct tw_slice text = tw_pg_text(result, row, EVENT);
    char *copy = tw_copy_text(text.at, text.len);
    struct tw_json_fault fault;
    size_t len = text.len;

    if (tw_json_scan(copy, &len, &tw_json_wide, &fault) >= 0 &&
        tw_event_read(tw_slice_from(copy, len), ev) == 0)
        return copy;
    f->hubs->garbage.value++;
    tw_log_error("log.event", tw_str("tenant", f->hub.stream.tenant.slug),
                 tw_i64("seq", tw_pg_int(result, row, SEQ)), tw_str("why", fault.why));
    free(copy);
    return NULL;
}

static void take_row(struct gw_feed *f, const struct tw_pg_result *result, size_t row)
{
    struct tw_event ev;
    char *copy = read_row(f, result, row, &ev);

    if (copy == NULL)
        (void)gw_cursor_read(&f->hub.stream.cursor, (uint64_t)tw_pg_int(result, row, SEQ));
    else if (gw_stream_read(&f->hub.stream, &ev) == GW_ADMIT_NOW)
        f->hubs->from_log.value++;
    free(copy);
}

/* Whether the log continues after the rows of a reading, which is limited in rows and bytes. */
static bool has_more(const struct tw_pg_result *result, size_t count)
{
    return count > 0 && tw_slice_is(tw_pg_text(result, count - 1, MORE), "t");
}

/* Continue after a piece of the log: at once when there may be more, later when it failed. */
static void on_log(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *f = tw_container_of(call, struct gw_feed, call);
    uint64_t rejected = f->hub.stream.cursor.rejected;

    f->is_reading = false;
    if (f->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0) {
        f->hubs->log_failures.value++;
        tw_after(f->hubs->loop, &f->gap, RETRY_MS, on_gap);
        return;
    }
    for (size_t i = 0; i < tw_pg_rows(result); i++)
        take_row(f, result, i);
    if (!has_more(result, tw_pg_rows(result))) {
        gw_hub_log_end(&f->hub);
        f->is_gap_due = false;
        f->hubs->rejected.value += f->hub.stream.cursor.rejected - rejected;
    }
    f->hub.changed(&f->hub);
}

static void on_head(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *f = tw_container_of(call, struct gw_feed, call);

    f->is_reading = false;
    if (f->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        f->hubs->log_failures.value++;
        tw_after(f->hubs->loop, &f->gap, RETRY_MS, on_gap);
        return;
    }
    f->is_gap_due = false;
    gw_hub_begin(&f->hub, (uint64_t)tw_pg_int(result, 0, 1), (uint64_t)tw_pg_int(result, 0, 2));
}

static void read_head(struct gw_feed *f)
{
    f->call = (struct tw_pg_call){
        .sql = "select tenant_id, head, oldest from pos.heads(array[$1::uuid])",
        .params = { { gw_feed_id(f), false } },
        .param_count = 1,
        .done = on_head,
    };
}

static struct tw_slice seq_text(char text[24], uint64_t seq)
{
    return tw_slice_from(text, (size_t)snprintf(text, 24, "%llu", (unsigned long long)seq));
}

static void read_events(struct gw_feed *f)
{
    gw_hub_log_read(&f->hub);
    f->hubs->log_reads.value++;
    f->call = (struct tw_pg_call){
        .sql = "select seq, event, more from pos.events_after($1::uuid, $2::bigint, $3::int)",
        .params = { { gw_feed_id(f), false },
                    { seq_text(f->after_text, f->hub.stream.cursor.at), false },
                    { TW_LIT("500"), false } },
        .param_count = 3,
        .done = on_log,
    };
}

/* Rows for sessions that resume, and the copies that their slices point into. */
struct rows {
    struct tw_event events[OLDER_ROWS];
    char *copies[OLDER_ROWS];
    size_t count;
};

static void read_rows(struct gw_feed *f, const struct tw_pg_result *result, size_t count,
                      struct rows *rows)
{
    for (size_t i = 0; i < count && i < OLDER_ROWS; i++) {
        char *copy = read_row(f, result, i, &rows->events[rows->count]);

        if (copy != NULL)
            rows->copies[rows->count++] = copy;
    }
}

/* The last row of pos.events_piece has `oldest` alone. */
static void on_older(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *f = tw_container_of(call, struct gw_feed, older_call);
    struct rows *rows_read;
    uint64_t through;
    size_t count;

    f->is_reading_older = false;
    if (f->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0 || tw_pg_rows(result) == 0) {
        f->hubs->log_failures.value++;
        tw_after(f->hubs->loop, &f->older, RETRY_MS, on_older_wanted);
        return;
    }
    rows_read = tw_new(struct rows);
    count = tw_pg_rows(result) - 1;
    read_rows(f, result, count, rows_read);
    through = count > 0 ? (uint64_t)tw_pg_int(result, count - 1, SEQ) : f->older_after;
    f->skips_margin = has_more(result, count) && through < f->older_wanted;
    /* The log's end is the backlog's beginning only if the log reached that far when it was
     * read. */
    gw_hub_take_piece(&f->hub,
                      &(struct gw_piece){
                          .after = f->older_after,
                          .events = rows_read->events,
                          .count = rows_read->count,
                          .through = through,
                          .reaches_backlog = !has_more(result, count) &&
                                             f->hub.stream.backlog.gone <= f->older_upto,
                          .oldest = (uint64_t)tw_pg_int(result, count, OLDEST),
                      });
    for (size_t i = 0; i < rows_read->count; i++)
        free(rows_read->copies[i]);
    free(rows_read);
}

/* One reading serves all sessions that wait. When it can reach the backlog, it begins a little
 * further back than asked: tills that were connected to the same process come back with seqs
 * that lie close together, and find them in memory then. */
static void on_older_wanted(struct tw_deadline *d)
{
    struct gw_feed *f = tw_container_of(d, struct gw_feed, older);
    uint64_t wanted = gw_hub_wants_older(&f->hub);

    if (wanted == 0 || f->is_reading_older || f->hubs->is_stopped)
        return;
    f->older_after = wanted - 1;
    f->older_wanted = wanted;
    if (!f->skips_margin &&
        f->hub.stream.backlog.gone - f->older_after <= OLDER_ROWS - OLDER_MARGIN)
        f->older_after -= f->older_after < OLDER_MARGIN ? f->older_after : OLDER_MARGIN;
    f->older_upto = f->hub.stream.cursor.at; /* committed: this reading will see it */
    f->is_reading_older = true;
    f->hubs->older_reads.value++;
    f->older_call = (struct tw_pg_call){
        .sql = "select seq, event, more, oldest from pos.events_piece($1::uuid, $2::bigint, "
               "$3::int)",
        .params = { { gw_feed_id(f), false },
                    { seq_text(f->older_after_text, f->older_after), false },
                    { TW_LIT("1000"), false } },
        .param_count = 3,
        .done = on_older,
    };
    tw_pg_pool_call(f->hubs->pool, &f->older_call);
}

/* The first session to want a piece waits a moment for others that want it too. */
static void want_older(struct gw_feed *f)
{
    const struct gw_stream *s = &f->hub.stream;

    if (!f->is_reading_older && !tw_deadline_is_set(&f->older) &&
        gw_hub_wants_older(&f->hub) != 0)
        tw_after(f->hubs->loop, &f->older, s->page_end > s->page.gone ? 0 : GATHER_MS,
                 on_older_wanted);
}

void gw_feed_read_log(struct gw_feed *f)
{
    bool needs_head = !f->hub.stream.cursor.is_known;

    if (f->is_reading || f->hubs->is_stopped)
        return;
    if (needs_head && !f->is_subscribed && tw_redis_is_up(&f->hubs->subscriber))
        return; /* the confirmation will bring us back */
    if (!needs_head && !gw_cursor_has_gap(&f->hub.stream.cursor))
        return;
    f->is_reading = true;
    if (needs_head)
        read_head(f);
    else
        read_events(f);
    tw_pg_pool_call(f->hubs->pool, &f->call);
}

void gw_feed_look(struct gw_feed *f)
{
    const struct gw_cursor *c = &f->hub.stream.cursor;

    want_older(f);
    if (!gw_cursor_has_gap(c)) {
        f->is_gap_due = false;
        if (c->is_known)
            tw_after_cancel(f->hubs->loop, &f->gap);
    } else if (f->is_gap_due) {
        gw_feed_read_log(f);
    } else if (!tw_deadline_is_set(&f->gap)) {
        tw_after(f->hubs->loop, &f->gap, GAP_MS, on_gap);
    }
}

void gw_feed_cancel(struct gw_feed *f)
{
    tw_after_cancel(f->hubs->loop, &f->gap);
    tw_after_cancel(f->hubs->loop, &f->older);
}
