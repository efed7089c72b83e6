/* hubs.c - the life of hubs, and how events find them.
 *
 *     first session -> SUBSCRIBE -> (confirmed) -> read the head -> sessions are greeted
 *
 * The subscription is confirmed before the head is read, so an event is either behind the head
 * or will be heard. While Redis is away the head is read at once; reconciliation (every 0.4 s
 * then, else every 0.8 s) finds what nobody published. A gap is given GAP_MS to close by
 * itself, since two publishers may overtake each other; then the log is read, once for all
 * sessions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hubs.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/domain/event.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"
#include "gateway/stream/feed.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"

#define GAP_MS 40
#define RETRY_MS 250
#define LINGER_MS 60000
#define OLDER_ROWS 1000
#define OLDER_MARGIN 200
#define GATHER_MS 20

/* Columns of pos.events_after. */
enum { SEQ, EVENT, MORE };

static void feed_free(struct gw_feed *p)
{
    tw_after_cancel(p->hubs->loop, &p->gap);
    tw_after_cancel(p->hubs->loop, &p->linger);
    tw_after_cancel(p->hubs->loop, &p->older);
    tw_later_cancel(&p->turn);
    tw_list_remove(&p->link);
    (void)tw_map_remove(&p->hubs->by_tenant, gw_feed_id(p));
    p->hubs->hub_count.value--;
    gw_hub_done(&p->hub);
    free(p);
}

static void subscribe(struct gw_feed *p)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_subscribe(&p->hubs->subscriber, tw_event_channel(gw_feed_id(p), channel));
}

static void unsubscribe(struct gw_feed *p)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_unsubscribe(&p->hubs->subscriber, tw_event_channel(gw_feed_id(p), channel));
}

static void read_log(struct gw_feed *p);
static void on_older_wanted(struct tw_deadline *d);

static void on_gap(struct tw_deadline *d)
{
    struct gw_feed *p = tw_container_of(d, struct gw_feed, gap);

    p->is_gap_due = true;
    read_log(p);
}

/* A row of the log as an event, in a copy that the scanner may rewrite; gives the copy. Null
 * for a row that is no event: it is passed over, by all sessions alike, and logged. */
static char *read_row(struct gw_feed *p, const struct tw_pg_result *result, size_t row,
                      struct tw_event *ev)
{
    struct tw_slice text = tw_pg_text(result, row, EVENT);
    char *copy = tw_copy_text(text.at, text.len);
    struct tw_json_fault fault;
    size_t len = text.len;

    if (tw_json_scan(copy, &len, &tw_json_wide, &fault) >= 0 &&
        tw_event_read(tw_slice_from(copy, len), ev) == 0)
        return copy;
    p->hubs->garbage.value++;
    tw_log_error("log.event", tw_str("tenant", p->hub.tenant.slug),
                 tw_i64("seq", tw_pg_int(result, row, SEQ)), tw_str("why", fault.why));
    free(copy);
    return NULL;
}

static void take_row(struct gw_feed *p, const struct tw_pg_result *result, size_t row)
{
    struct tw_event ev;
    char *copy = read_row(p, result, row, &ev);

    if (copy == NULL)
        (void)gw_cursor_read(&p->hub.cursor, (uint64_t)tw_pg_int(result, row, SEQ));
    else if (gw_hub_read(&p->hub, &ev) == GW_ADMIT_NOW)
        p->hubs->from_log.value++;
    free(copy);
}

/* Whether the log goes on behind the rows of a reading, which is limited in rows and bytes. */
static bool has_more(const struct tw_pg_result *result)
{
    size_t n = tw_pg_rows(result);

    return n > 0 && tw_slice_is(tw_pg_text(result, n - 1, MORE), "t");
}

/* Go on after a piece of the log: at once when there may be more, later when it failed. */
static void on_log(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *p = tw_container_of(call, struct gw_feed, call);
    uint64_t rejected = p->hub.cursor.rejected;

    p->is_reading = false;
    if (p->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0) {
        p->hubs->log_failures.value++;
        tw_after(p->hubs->loop, &p->gap, RETRY_MS, on_gap);
        return;
    }
    for (size_t i = 0; i < tw_pg_rows(result); i++)
        take_row(p, result, i);
    if (!has_more(result)) {
        gw_hub_log_end(&p->hub);
        p->is_gap_due = false;
        p->hubs->rejected.value += p->hub.cursor.rejected - rejected;
    }
    p->hub.changed(&p->hub);
}

static void on_head(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *p = tw_container_of(call, struct gw_feed, call);

    p->is_reading = false;
    if (p->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        p->hubs->log_failures.value++;
        tw_after(p->hubs->loop, &p->gap, RETRY_MS, on_gap);
        return;
    }
    p->is_gap_due = false;
    gw_hub_begin(&p->hub, (uint64_t)tw_pg_int(result, 0, 1), (uint64_t)tw_pg_int(result, 0, 2));
}

static void read_head(struct gw_feed *p)
{
    p->call = (struct tw_pg_call){
        .sql = "select tenant_id, head, oldest from pos.heads(array[$1::uuid])",
        .params = { { gw_feed_id(p), false } },
        .param_count = 1,
        .done = on_head,
    };
}

static const char events_sql[] =
    "select seq, event, more from pos.events_after($1::uuid, $2::bigint, $3::int)";

static struct tw_slice seq_text(char text[24], uint64_t seq)
{
    return tw_slice_from(text, (size_t)snprintf(text, 24, "%llu", (unsigned long long)seq));
}

static void read_events(struct gw_feed *p)
{
    gw_hub_log_read(&p->hub);
    p->hubs->log_reads.value++;
    p->call = (struct tw_pg_call){
        .sql = events_sql,
        .params = { { gw_feed_id(p), false },
                    { seq_text(p->after, p->hub.cursor.at), false },
                    { TW_LIT("500"), false } },
        .param_count = 3,
        .done = on_log,
    };
}

/* A piece of the log for those who resume. */
struct piece {
    struct tw_event events[OLDER_ROWS];
    char *copies[OLDER_ROWS];
    size_t count;
};

static void read_piece(struct gw_feed *p, const struct tw_pg_result *result,
                       struct piece *piece)
{
    for (size_t i = 0; i < tw_pg_rows(result) && i < OLDER_ROWS; i++) {
        char *copy = read_row(p, result, i, &piece->events[piece->count]);

        if (copy != NULL)
            piece->copies[piece->count++] = copy;
    }
}

static void on_older(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_feed *p = tw_container_of(call, struct gw_feed, older_call);
    struct piece *piece;
    uint64_t through;
    size_t rows;

    p->is_reading_older = false;
    if (p->hubs->is_stopped)
        return;
    if (tw_pg_error(result) != 0) {
        p->hubs->log_failures.value++;
        tw_after(p->hubs->loop, &p->older, RETRY_MS, on_older_wanted);
        return;
    }
    piece = tw_new(struct piece);
    read_piece(p, result, piece);
    rows = tw_pg_rows(result);
    through = rows > 0 ? (uint64_t)tw_pg_int(result, rows - 1, SEQ) : p->older_behind;
    p->skips_margin = has_more(result) && through < p->older_wanted;
    /* The log's end is the backlog's beginning only if it reached so far when it was read. */
    gw_hub_older(&p->hub, p->older_behind, piece->events, piece->count, through,
                 !has_more(result) && p->hub.backlog.gone <= p->older_upto);
    for (size_t i = 0; i < piece->count; i++)
        free(piece->copies[i]);
    free(piece);
}

/* One reading serves all who wait. When it can reach the backlog, it begins a little further
 * back than asked: tills that were connected to the same process come back with seqs that lie
 * close together, and find them in memory then. */
static void on_older_wanted(struct tw_deadline *d)
{
    struct gw_feed *p = tw_container_of(d, struct gw_feed, older);
    uint64_t wanted = gw_hub_wants_older(&p->hub);

    if (wanted == 0 || p->is_reading_older || p->hubs->is_stopped)
        return;
    p->older_behind = wanted - 1;
    p->older_wanted = wanted;
    if (!p->skips_margin && p->hub.backlog.gone - p->older_behind <= OLDER_ROWS - OLDER_MARGIN)
        p->older_behind -= p->older_behind < OLDER_MARGIN ? p->older_behind : OLDER_MARGIN;
    p->older_upto = p->hub.cursor.at; /* committed: this reading will see it */
    p->is_reading_older = true;
    p->hubs->older_reads.value++;
    p->older_call = (struct tw_pg_call){
        .sql = events_sql,
        .params = { { gw_feed_id(p), false },
                    { seq_text(p->older_after, p->older_behind), false },
                    { TW_LIT("1000"), false } },
        .param_count = 3,
        .done = on_older,
    };
    tw_pg_pool_call(p->hubs->pool, &p->older_call);
}

/* The first to want something waits a moment for others who want it too. */
static void want_older(struct gw_feed *p)
{
    if (!p->is_reading_older && !tw_deadline_is_set(&p->older) &&
        gw_hub_wants_older(&p->hub) != 0)
        tw_after(p->hubs->loop, &p->older, p->hub.page_end > p->hub.page.gone ? 0 : GATHER_MS,
                 on_older_wanted);
}

/* The head when it is unknown, else what lies behind the cursor. One reading at a time. */
static void read_log(struct gw_feed *p)
{
    bool needs_head = !p->hub.cursor.is_known;

    if (p->is_reading || p->hubs->is_stopped)
        return;
    if (needs_head && !p->is_subscribed && tw_redis_is_up(&p->hubs->subscriber))
        return; /* the confirmation will bring us back */
    if (!needs_head && !gw_cursor_has_gap(&p->hub.cursor))
        return;
    p->is_reading = true;
    if (needs_head)
        read_head(p);
    else
        read_events(p);
    tw_pg_pool_call(p->hubs->pool, &p->call);
}

static void on_linger(struct tw_deadline *d)
{
    struct gw_feed *p = tw_container_of(d, struct gw_feed, linger);

    if (p->hub.session_count > 0)
        return;
    if (p->is_reading || p->is_reading_older) { /* the answer still needs us */
        tw_after(p->hubs->loop, &p->linger, RETRY_MS, on_linger);
        return;
    }
    unsubscribe(p);
    feed_free(p);
}

static void on_turn(struct tw_later *l)
{
    struct gw_feed *p = tw_container_of(l, struct gw_feed, turn);

    p->hubs->sessions->now_ms = p->hubs->loop->now_ms;
    gw_hub_fan_out(&p->hub);
    want_older(p);
    if (p->hub.session_count == 0 && !tw_deadline_is_set(&p->linger))
        tw_after(p->hubs->loop, &p->linger, LINGER_MS, on_linger);
    if (!gw_cursor_has_gap(&p->hub.cursor)) {
        p->is_gap_due = false;
        if (p->hub.cursor.is_known)
            tw_after_cancel(p->hubs->loop, &p->gap);
    } else if (p->is_gap_due) {
        read_log(p);
    } else if (!tw_deadline_is_set(&p->gap)) {
        tw_after(p->hubs->loop, &p->gap, GAP_MS, on_gap);
    }
}

static void on_changed(struct gw_hub *h)
{
    struct gw_feed *p = gw_feed_of(h);

    tw_later(p->hubs->loop, &p->turn, on_turn);
}

void gw_hubs_join(struct gw_hubs *hubs, const struct gw_tenant *tenant, struct gw_session *s)
{
    struct gw_feed *p = tw_map_get(&hubs->by_tenant, tw_slice_of(tenant->id));

    if (p == NULL) {
        p = tw_new(struct gw_feed);
        p->hubs = hubs;
        gw_hub_init(&p->hub, *tenant, hubs->backlog_bytes, on_changed);
        (void)tw_map_set(&hubs->by_tenant, gw_feed_id(p), p);
        tw_list_append(&hubs->all, &p->link);
        hubs->hub_count.value++;
        subscribe(p);
    }
    tw_after_cancel(hubs->loop, &p->linger);
    gw_hub_join(&p->hub, s);
    read_log(p);
}

static void on_redis_up(struct tw_redis_link *l)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);

    (void)tw_redis_subscribe(l, TW_LIT(TW_CONTROL_CHANNEL));
    tw_list_each(&hubs->all, link) subscribe(tw_container_of(link, struct gw_feed, link));
}

static void on_redis_down(struct tw_redis_link *l)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);

    tw_list_each(&hubs->all, link)
    {
        struct gw_feed *p = tw_container_of(link, struct gw_feed, link);

        p->is_subscribed = false;
        if (!p->hub.cursor.is_known) /* who waited for the confirmation waits no more */
            read_log(p);
    }
}

static void on_subscribed(struct tw_redis_link *l, struct tw_slice channel)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);
    struct tw_slice tenant;
    struct gw_feed *p;

    if (!tw_event_tenant(channel, &tenant) ||
        (p = tw_map_get(&hubs->by_tenant, tenant)) == NULL)
        return;
    p->is_subscribed = true;
    read_log(p);
}

static void count_admitted(struct gw_hubs *hubs, enum gw_admit admitted)
{
    switch (admitted) {
    case GW_ADMIT_NOW:
        hubs->from_redis.value++;
        return;
    case GW_ADMIT_DUPLICATE:
        hubs->duplicates.value++;
        return;
    case GW_ADMIT_EARLY:
        hubs->held.value++;
    }
}

/* {"relay":"minipos","from":"…","message":{…}} */
static bool take_relay(struct gw_feed *p, struct tw_slice json)
{
    struct tw_slice dialect, from, message, raw;

    if (!tw_json_get(json, "relay", &raw) || !tw_json_plain(raw, &dialect) ||
        !tw_json_get(json, "from", &raw) || !tw_json_plain(raw, &from) ||
        !tw_json_get(json, "message", &message))
        return false;
    gw_hub_relay(&p->hub, dialect, from, message);
    return true;
}

void gw_hubs_relay(struct gw_hub *hub, const char *dialect, const char *from,
                   struct tw_slice message)
{
    struct gw_feed *p = gw_feed_of(hub);
    struct tw_buf json = { .max = message.len + 256 };

    tw_buf_char(&json, '{');
    tw_json_member(&json, "relay", tw_slice_of(dialect));
    tw_json_member(&json, "from", tw_slice_of(from));
    tw_json_member_raw(&json, "message", message);
    tw_buf_char(&json, '}');
    (void)tw_redis_publish_event(p->hubs->publisher, gw_feed_id(p), tw_buf_view(&json));
    tw_buf_done(&json);
}

/* Whatever is published is foreign until it has been checked. */
static void on_message(struct tw_redis_link *l, struct tw_slice channel, char *at, size_t len)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);
    struct tw_json_fault fault;
    struct tw_slice tenant;
    struct tw_event ev;
    struct gw_feed *p;
    size_t start;

    if (tw_slice_is(channel, TW_CONTROL_CHANNEL)) {
        hubs->on_control(hubs, at, len);
        return;
    }
    if (!tw_event_tenant(channel, &tenant) ||
        (p = tw_map_get(&hubs->by_tenant, tenant)) == NULL)
        return;
    start = tw_event_unwrap(tw_slice_from(at, len), tenant);
    len -= start;
    if (start == 0 || tw_json_scan(at + start, &len, &tw_json_wide, &fault) < 0) {
        hubs->garbage.value++;
        return;
    }
    if (take_relay(p, tw_slice_from(at + start, len)))
        return;
    if (tw_event_read(tw_slice_from(at + start, len), &ev) != 0) {
        hubs->garbage.value++;
        return;
    }
    count_admitted(hubs, gw_hub_arrive(&p->hub, &ev));
}

static const struct tw_redis_events redis_events = { on_redis_up, on_redis_down, on_subscribed,
                                                     on_message };

static void add_metrics(struct gw_hubs *hubs, struct tw_metrics *m)
{
    static const char events[] = "Events, by where they came from.";

    tw_metric_add(m, &hubs->hub_count, "hubs", NULL,
                  "Tenants with sessions here, or recent ones.");
    tw_metric_add(m, &hubs->from_redis, "events_total", "source=\"redis\"", events);
    tw_metric_add(m, &hubs->from_log, "events_total", "source=\"log\"", events);
    tw_metric_add(m, &hubs->duplicates, "events_total", "source=\"duplicate\"", events);
    tw_metric_add(m, &hubs->held, "events_total", "source=\"early\"", events);
    tw_metric_add(m, &hubs->garbage, "events_total", "source=\"garbage\"", events);
    tw_metric_add(m, &hubs->rejected, "events_total", "source=\"not_in_log\"", events);
    tw_metric_add(m, &hubs->log_reads, "log_reads_total", NULL, "Readings of the event log.");
    tw_metric_add(m, &hubs->older_reads, "catch_up_reads_total", NULL,
                  "Readings of the event log for sessions that resume.");
    tw_metric_add(m, &hubs->log_failures, "log_failures_total", NULL, "Readings that failed.");
    tw_metric_add(m, &hubs->reconciliations, "reconciliations_total", NULL,
                  "Comparisons of cursors with stream heads.");
    tw_metric_add(m, &hubs->lags, "reconcile_lags_total", NULL,
                  "Heads that reconciliation found beyond a cursor.");
    tw_metric_add(m, &hubs->went_back, "streams_went_back_total", NULL,
                  "Heads that lay before a cursor: a restore.");
}

int gw_hubs_start(struct gw_hubs *hubs, struct tw_loop *loop, struct tw_pg_pool *pool,
                  const char *redis_url, size_t backlog_bytes, struct gw_sessions *sessions,
                  struct tw_metrics *metrics)
{
    hubs->loop = loop;
    hubs->pool = pool;
    hubs->backlog_bytes = backlog_bytes;
    hubs->sessions = sessions;
    hubs->reconcile_ids.max = (size_t)64 * 1024 * 1024;
    tw_list_init(&hubs->all);
    add_metrics(hubs, metrics);
    gw_reconcile_plan(hubs);
    return tw_redis_start(&hubs->subscriber, loop, redis_url, "subscriber", &redis_events,
                          metrics);
}

void gw_hubs_log_deliveries(struct gw_hubs *hubs, struct gw_sync_log *log)
{
    tw_list_each(&hubs->all, link)
        gw_hub_log_deliveries(&tw_container_of(link, struct gw_feed, link)->hub, log);
}

void gw_hubs_stop(struct gw_hubs *hubs)
{
    if (hubs->loop == NULL)
        return;
    hubs->is_stopped = true;
    tw_after_cancel(hubs->loop, &hubs->reconcile_timer);
    tw_redis_stop(&hubs->subscriber);
}

void gw_hubs_done(struct gw_hubs *hubs)
{
    if (hubs->loop == NULL)
        return;
    tw_list_each(&hubs->all, link) feed_free(tw_container_of(link, struct gw_feed, link));
    tw_map_done(&hubs->by_tenant);
    tw_buf_done(&hubs->reconcile_ids);
}
