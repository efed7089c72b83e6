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
#include "common/domain/publish.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/log.h"

#define GAP_MS 40
#define RETRY_MS 250
#define ROWS 1000 /* in a reading */
#define GATHER_MS 20

/* One reading of the log. */
struct gw_feed_reading {
    struct gw_reading asks;
    struct gw_feed *feed;
    uint64_t upto; /* the log reached this far when it began */
};

static void on_older_wanted(struct tw_deadline *d);

static struct gw_feed_reading *reading_of(struct gw_reading *asks)
{
    return tw_container_of(asks, struct gw_feed_reading, asks);
}

static void on_gap(struct tw_deadline *d)
{
    struct gw_feed *f = tw_container_of(d, struct gw_feed, gap);

    f->is_gap_due = true;
    gw_feed_read_log(f);
}

static uint64_t row_u64(const struct tw_pg_rows *rows, size_t row, int column)
{
    return (uint64_t)tw_pg_rows_int(rows, row, column);
}

/* A row of the log as an event, in a copy that the scanner may rewrite; gives the copy. Null
 * for a row that is no event: it is passed over, by all sessions alike, and logged. */
static char *read_row(struct gw_feed *f, const struct tw_pg_rows *rows, size_t row,
                      struct tw_event *ev)
{
    struct tw_slice text = tw_pg_rows_text(rows, row, GW_ROW_EVENT);
    char *copy = tw_copy_text(text.at, text.len);
    struct tw_json_fault fault;
    size_t len = text.len;

    if (tw_json_scan(copy, &len, &tw_json_wide, &fault) >= 0 &&
        tw_event_read(tw_slice_from(copy, len), ev) == 0)
        return copy;
    f->hubs->garbage.value++;
    tw_log_error("log.event", tw_str("tenant", f->hub.stream.tenant.slug),
                 tw_u64("seq", row_u64(rows, row, GW_ROW_SEQ)), tw_str("why", fault.why));
    free(copy);
    return NULL;
}

static void take_row(struct gw_feed *f, const struct tw_pg_rows *rows, size_t row)
{
    struct tw_event ev;
    char *copy = read_row(f, rows, row, &ev);

    if (copy == NULL)
        (void)gw_cursor_read(&f->hub.stream.cursor, row_u64(rows, row, GW_ROW_SEQ));
    else if (gw_stream_read(&f->hub.stream, &ev) == GW_ADMIT_NOW)
        f->hubs->from_log.value++;
    free(copy);
}

/* The last row of events is no event: it says from which seq on the log keeps them. */
static bool has_events(const struct tw_pg_rows *rows, size_t *count)
{
    *count = rows->count == 0 ? 0 : rows->count - 1;
    return rows->count > 0 && row_u64(rows, *count, GW_ROW_KEPT_FROM) > 0;
}

/* Whether the log may continue after the events of a reading, which is limited in rows and
 * bytes.
 */
static bool has_more(const struct gw_reading *r, const struct tw_pg_rows *rows, size_t count)
{
    return count >= r->most ||
           (count > 0 && tw_slice_is(tw_pg_rows_text(rows, count - 1, GW_ROW_IS_CUT), "t"));
}

static void note_failure(struct gw_feed *f, const struct tw_pg_rows *rows)
{
    f->hubs->log_failures.value++;
    f->reads_alone = rows->error == TW_EQUERY;
}

/* Continue after a piece of the log: at once when there may be more, later when it failed. */
static void take_log(struct gw_feed *f, const struct gw_reading *r,
                     const struct tw_pg_rows *rows)
{
    uint32_t rejected = f->hub.stream.cursor.rejected;
    size_t count;

    if (!has_events(rows, &count)) {
        note_failure(f, rows);
        tw_after(f->hubs->loop, &f->gap, RETRY_MS, on_gap);
        return;
    }
    f->reads_alone = false;
    if (gw_hub_saw_oldest(&f->hub, row_u64(rows, count, GW_ROW_KEPT_FROM)))
        tw_log_warn("stream.jump", tw_str("tenant", f->hub.stream.tenant.slug),
                    tw_u64("to", f->hub.stream.oldest),
                    tw_str("why",
                           "the log does not have what comes next: it was raised after a "
                           "restore, or days were dropped"));
    for (size_t i = 0; i < count; i++)
        take_row(f, rows, i);
    if (!has_more(r, rows, count)) {
        gw_hub_log_end(&f->hub);
        f->is_gap_due = false;
        f->hubs->rejected.value += f->hub.stream.cursor.rejected - rejected;
    }
    f->hub.changed(&f->hub);
}

static void on_log(struct gw_reading *r, const struct tw_pg_rows *rows)
{
    struct gw_feed *f = reading_of(r)->feed;

    f->reading = NULL;
    if (!f->hubs->is_stopped)
        take_log(f, r, rows);
    free(reading_of(r));
}

static void take_head(struct gw_feed *f, const struct tw_pg_rows *rows)
{
    if (rows->count == 0) {
        note_failure(f, rows);
        tw_after(f->hubs->loop, &f->gap, RETRY_MS, on_gap);
        return;
    }
    f->is_gap_due = false;
    gw_hub_begin(&f->hub, row_u64(rows, 0, GW_ROW_HEAD), row_u64(rows, 0, GW_ROW_OLDEST));
}

static void on_head(struct gw_reading *r, const struct tw_pg_rows *rows)
{
    struct gw_feed *f = reading_of(r)->feed;

    f->reading = NULL;
    free(reading_of(r));
    if (!f->hubs->is_stopped)
        take_head(f, rows);
}

/* Rows for sessions that resume, and the copies that their slices point into. */
struct copies {
    struct tw_event events[ROWS];
    char *texts[ROWS];
    size_t count;
};

static void copy_rows(struct gw_feed *f, const struct tw_pg_rows *rows, size_t count,
                      struct copies *copies)
{
    for (size_t i = 0; i < count && i < ROWS; i++) {
        char *text = read_row(f, rows, i, &copies->events[copies->count]);

        if (text != NULL)
            copies->texts[copies->count++] = text;
    }
}

static void take_older(struct gw_feed *f, const struct gw_feed_reading *reading,
                       const struct tw_pg_rows *rows)
{
    const struct gw_reading *r = &reading->asks;
    struct copies *copies;
    size_t count;

    if (!has_events(rows, &count)) {
        note_failure(f, rows);
        tw_after(f->hubs->loop, &f->older, RETRY_MS, on_older_wanted);
        return;
    }
    f->reads_alone = false;
    copies = tw_new(struct copies);
    copy_rows(f, rows, count, copies);
    /* The log's end is the backlog's beginning only if the log reached that far when it was
     * read. */
    gw_hub_take_piece(
        &f->hub, &(struct gw_piece){
                     .after = r->after,
                     .events = copies->events,
                     .count = copies->count,
                     .through = count > 0 ? row_u64(rows, count - 1, GW_ROW_SEQ) : r->after,
                     .reaches_backlog = !has_more(r, rows, count) &&
                                        f->hub.stream.backlog.gone <= reading->upto,
                     .oldest = row_u64(rows, count, GW_ROW_KEPT_FROM),
                 });
    for (size_t i = 0; i < copies->count; i++)
        free(copies->texts[i]);
    free(copies);
}

static void on_older(struct gw_reading *r, const struct tw_pg_rows *rows)
{
    struct gw_feed *f = reading_of(r)->feed;

    f->older_reading = NULL;
    if (!f->hubs->is_stopped)
        take_older(f, reading_of(r), rows);
    free(reading_of(r));
}

/* Gives. The log has, and this reading will see, what is committed so far. */
static struct gw_feed_reading *reading_new(struct gw_feed *f, struct gw_reading asks)
{
    struct gw_feed_reading *reading = tw_new(struct gw_feed_reading);

    reading->feed = f;
    reading->upto = f->hub.stream.cursor.at;
    reading->asks = asks;
    reading->asks.question.goes_alone = f->reads_alone;
    reading->asks.tenant = gw_feed_id(f);
    return reading;
}

/* One reading serves all sessions that wait: from the lowest seq that one of them needs, up to
 * what is in memory. */
static void on_older_wanted(struct tw_deadline *d)
{
    struct gw_feed *f = tw_container_of(d, struct gw_feed, older);
    uint64_t wanted = gw_hub_wants_older(&f->hub), missing;

    if (wanted == 0 || f->older_reading != NULL || f->hubs->is_stopped)
        return;
    missing = f->hub.stream.backlog.gone - (wanted - 1);
    f->hubs->older_reads.value++;
    f->older_reading =
        reading_new(f, (struct gw_reading){ .after = wanted - 1,
                                            .most = missing < ROWS ? (uint32_t)missing : ROWS,
                                            .done = on_older });
    gw_read_soon(&f->hubs->readings, GW_READS_EVENTS, &f->older_reading->asks);
}

/* The first session to want a piece waits a moment for others that want it too. */
static void want_older(struct gw_feed *f)
{
    const struct gw_stream *s = &f->hub.stream;

    if (f->older_reading == NULL && !tw_deadline_is_set(&f->older) &&
        gw_hub_wants_older(&f->hub) != 0)
        tw_after(f->hubs->loop, &f->older, s->page != NULL ? 0 : GATHER_MS, on_older_wanted);
}

/* Redis will confirm the channel, or say that it cannot. */
static bool will_be_confirmed(const struct gw_feed *f)
{
    char channel[TW_CHANNEL_BYTES];

    return tw_redis_serves(&f->hubs->subscriber, tw_event_channel(gw_feed_id(f), channel));
}

void gw_feed_read_log(struct gw_feed *f)
{
    bool needs_head = !f->hub.stream.cursor.is_known;

    if (f->reading != NULL || f->hubs->is_stopped)
        return;
    if (needs_head && !f->is_subscribed && will_be_confirmed(f))
        return; /* the confirmation will bring us back */
    if (!needs_head && !gw_cursor_has_gap(&f->hub.stream.cursor))
        return;
    f->reading = reading_new(f, (struct gw_reading){ .after = f->hub.stream.cursor.at,
                                                     .most = ROWS,
                                                     .done = needs_head ? on_head : on_log });
    if (!needs_head) {
        gw_hub_log_read(&f->hub);
        f->hubs->log_reads.value++;
    }
    gw_read_soon(&f->hubs->readings, needs_head ? GW_READS_HEAD : GW_READS_EVENTS,
                 &f->reading->asks);
}

void gw_feed_look(struct gw_feed *f)
{
    const struct gw_cursor *c = &f->hub.stream.cursor;

    want_older(f);
    gw_hub_drop_page(&f->hub);
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
    free(f->reading);
    free(f->older_reading);
}
