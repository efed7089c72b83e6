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
#include "gateway/hubs.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base.h"
#include "common/err.h"
#include "common/event.h"
#include "common/json_scan.h"
#include "common/log.h"
#include "gateway/hub.h"
#include "gateway/session.h"

#define GAP_MS 40
#define RETRY_MS 250
#define LINGER_MS 60000
#define OLDER_ROWS 1000
#define OLDER_MARGIN 200
#define GATHER_MS 20
#define RECONCILE_MS 800
#define RECONCILE_DOWN_MS 400

/* Columns of pos.events_after. */
enum { SEQ, EVENT, MORE };

/* A hub with what connects it to the world. */
struct place {
    struct gw_hub hub;
    struct gw_hubs *hubs;
    struct tw_list link;
    struct tw_later turn;
    struct tw_deadline gap, linger, older;
    struct tw_pg_call call;          /* the head, or a piece of the log */
    struct tw_pg_call older_call;    /* a piece for those who resume */
    char after[24], older_after[24]; /* their parameters */
    uint64_t older_wanted, older_behind, older_upto;
    uint64_t asked_at; /* the cursor when reconciliation asked for the head */
    bool skips_margin; /* large events: the last reading ended before what was wanted */
    bool is_subscribed, is_reading, is_reading_older, is_gap_due, is_asked;
};

static struct place *place_of(struct gw_hub *h)
{
    return tw_container_of(h, struct place, hub);
}

static struct tw_slice id_of(const struct place *p)
{
    return tw_slice_of(p->hub.tenant.id);
}

static void place_free(struct place *p)
{
    tw_after_cancel(p->hubs->loop, &p->gap);
    tw_after_cancel(p->hubs->loop, &p->linger);
    tw_after_cancel(p->hubs->loop, &p->older);
    tw_later_cancel(&p->turn);
    tw_list_remove(&p->link);
    (void)tw_map_remove(&p->hubs->by_tenant, id_of(p));
    p->hubs->hub_count.value--;
    gw_hub_done(&p->hub);
    free(p);
}

static void subscribe(struct place *p)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_subscribe(&p->hubs->subscriber, tw_event_channel(id_of(p), channel));
}

static void unsubscribe(struct place *p)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_unsubscribe(&p->hubs->subscriber, tw_event_channel(id_of(p), channel));
}

static void read_log(struct place *p);
static void on_older_wanted(struct tw_deadline *d);

static void on_gap(struct tw_deadline *d)
{
    struct place *p = tw_container_of(d, struct place, gap);

    p->is_gap_due = true;
    read_log(p);
}

/* A row of the log as an event, in a copy that the scanner may rewrite; gives the copy. Null
 * for a row that is no event: it is passed over, by all sessions alike, and logged. */
static char *read_row(struct place *p, const struct tw_pg_result *result, size_t row,
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

static void take_row(struct place *p, const struct tw_pg_result *result, size_t row)
{
    struct tw_event ev;
    char *copy = read_row(p, result, row, &ev);

    if (copy == NULL)
        (void)gw_cursor_read(&p->hub.cursor, (uint64_t)tw_pg_int(result, row, SEQ));
    else if (gw_hub_read(&p->hub, &ev) == GW_TURN_NOW)
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
    struct place *p = tw_container_of(call, struct place, call);
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
        gw_hub_read_end(&p->hub);
        p->is_gap_due = false;
        p->hubs->rejected.value += p->hub.cursor.rejected - rejected;
    }
    p->hub.changed(&p->hub);
}

static void on_head(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct place *p = tw_container_of(call, struct place, call);

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

static void read_head(struct place *p)
{
    p->call = (struct tw_pg_call){
        .sql = "select tenant_id, head, oldest from pos.heads(array[$1::uuid])",
        .params = { { id_of(p), false } },
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

static void read_events(struct place *p)
{
    gw_hub_reading(&p->hub);
    p->hubs->log_reads.value++;
    p->call = (struct tw_pg_call){
        .sql = events_sql,
        .params = { { id_of(p), false },
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

static void read_piece(struct place *p, const struct tw_pg_result *result, struct piece *piece)
{
    for (size_t i = 0; i < tw_pg_rows(result) && i < OLDER_ROWS; i++) {
        char *copy = read_row(p, result, i, &piece->events[piece->count]);

        if (copy != NULL)
            piece->copies[piece->count++] = copy;
    }
}

static void on_older(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct place *p = tw_container_of(call, struct place, older_call);
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
    struct place *p = tw_container_of(d, struct place, older);
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
        .params = { { id_of(p), false },
                    { seq_text(p->older_after, p->older_behind), false },
                    { TW_LIT("1000"), false } },
        .param_count = 3,
        .done = on_older,
    };
    tw_pg_pool_call(p->hubs->pool, &p->older_call);
}

/* The first to want something waits a moment for others who want it too. */
static void want_older(struct place *p)
{
    if (!p->is_reading_older && !tw_deadline_is_set(&p->older) &&
        gw_hub_wants_older(&p->hub) != 0)
        tw_after(p->hubs->loop, &p->older, p->hub.page_end > p->hub.page.gone ? 0 : GATHER_MS,
                 on_older_wanted);
}

/* The head when it is unknown, else what lies behind the cursor. One reading at a time. */
static void read_log(struct place *p)
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
    struct place *p = tw_container_of(d, struct place, linger);

    if (p->hub.session_count > 0)
        return;
    if (p->is_reading || p->is_reading_older) { /* the answer still needs us */
        tw_after(p->hubs->loop, &p->linger, RETRY_MS, on_linger);
        return;
    }
    unsubscribe(p);
    place_free(p);
}

static void on_turn(struct tw_later *l)
{
    struct place *p = tw_container_of(l, struct place, turn);

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
    struct place *p = place_of(h);

    tw_later(p->hubs->loop, &p->turn, on_turn);
}

void gw_hubs_join(struct gw_hubs *hubs, const struct gw_tenant *tenant, struct gw_session *s)
{
    struct place *p = tw_map_get(&hubs->by_tenant, tw_slice_of(tenant->id));

    if (p == NULL) {
        p = tw_new(struct place);
        p->hubs = hubs;
        gw_hub_init(&p->hub, *tenant, hubs->backlog_bytes, on_changed);
        (void)tw_map_set(&hubs->by_tenant, id_of(p), p);
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
    tw_list_each(&hubs->all, link) subscribe(tw_container_of(link, struct place, link));
}

static void on_redis_down(struct tw_redis_link *l)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);

    tw_list_each(&hubs->all, link)
    {
        struct place *p = tw_container_of(link, struct place, link);

        p->is_subscribed = false;
        if (!p->hub.cursor.is_known) /* who waited for the confirmation waits no more */
            read_log(p);
    }
}

static void on_subscribed(struct tw_redis_link *l, struct tw_slice channel)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);
    struct tw_slice tenant;
    struct place *p;

    if (!tw_event_tenant(channel, &tenant) ||
        (p = tw_map_get(&hubs->by_tenant, tenant)) == NULL)
        return;
    p->is_subscribed = true;
    read_log(p);
}

static void count_turn(struct gw_hubs *hubs, enum gw_turn turn)
{
    switch (turn) {
    case GW_TURN_NOW:
        hubs->from_redis.value++;
        return;
    case GW_TURN_DUPLICATE:
        hubs->duplicates.value++;
        return;
    case GW_TURN_EARLY:
        hubs->held.value++;
    }
}

/* Whatever is published is foreign until it has been checked. */
static void on_message(struct tw_redis_link *l, struct tw_slice channel, char *at, size_t len)
{
    struct gw_hubs *hubs = tw_container_of(l, struct gw_hubs, subscriber);
    struct tw_json_fault fault;
    struct tw_slice tenant;
    struct tw_event ev;
    struct place *p;
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
    if (start == 0 || tw_json_scan(at + start, &len, &tw_json_wide, &fault) < 0 ||
        tw_event_read(tw_slice_from(at + start, len), &ev) != 0) {
        hubs->garbage.value++;
        return;
    }
    count_turn(hubs, gw_hub_arrive(&p->hub, &ev));
}

static const struct tw_redis_events redis_events = { on_redis_up, on_redis_down, on_subscribed,
                                                     on_message };

static void reconcile(struct gw_hubs *hubs);

static void on_reconcile(struct tw_deadline *d)
{
    reconcile(tw_container_of(d, struct gw_hubs, reconcile_timer));
}

static void plan_reconcile(struct gw_hubs *hubs)
{
    tw_after(hubs->loop, &hubs->reconcile_timer,
             tw_redis_is_up(&hubs->subscriber) ? RECONCILE_MS : RECONCILE_DOWN_MS,
             on_reconcile);
}

/* The answer is as old as the question: events may have come since. So only a head before the
 * cursor of that time has gone back, and only one beyond today's cursor is news. */
static void take_head(struct gw_hubs *hubs, struct tw_slice tenant, uint64_t head,
                      uint64_t oldest)
{
    struct place *p = tw_map_get(&hubs->by_tenant, tenant);
    uint64_t before;

    if (p == NULL || !p->is_asked)
        return;
    p->is_asked = false;
    p->hub.oldest = oldest;
    before = p->hub.cursor.at;
    if (head >= p->asked_at && head <= before)
        return;
    if (gw_hub_saw_head(&p->hub, head)) {
        hubs->went_back.value++;
        tw_log_warn("stream.went_back", tw_str("tenant", p->hub.tenant.slug),
                    tw_u64("from", before), tw_u64("to", head));
    } else {
        hubs->lags.value++;
    }
}

static void on_heads(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_hubs *hubs = tw_container_of(call, struct gw_hubs, reconcile_call);

    if (hubs->is_stopped)
        return;
    if (tw_pg_error(result) == 0) {
        hubs->reconciliations.value++;
        for (size_t i = 0; i < tw_pg_rows(result); i++)
            take_head(hubs, tw_pg_text(result, i, 0), (uint64_t)tw_pg_int(result, i, 1),
                      (uint64_t)tw_pg_int(result, i, 2));
    } else {
        hubs->log_failures.value++;
    }
    plan_reconcile(hubs);
}

/* All hubs in one statement, as an array literal of their tenants. */
static void reconcile(struct gw_hubs *hubs)
{
    struct tw_buf *ids = &hubs->reconcile_ids;

    if (tw_list_empty(&hubs->all)) {
        plan_reconcile(hubs);
        return;
    }
    tw_buf_clear(ids);
    tw_buf_char(ids, '{');
    tw_list_each(&hubs->all, link)
    {
        struct place *p = tw_container_of(link, struct place, link);

        p->is_asked = p->hub.cursor.is_known;
        p->asked_at = p->hub.cursor.at;
        if (ids->len > 1)
            tw_buf_char(ids, ',');
        tw_buf_append(ids, id_of(p));
    }
    tw_buf_char(ids, '}');
    hubs->reconcile_call = (struct tw_pg_call){
        .sql = "select tenant_id, head, oldest from pos.heads($1::uuid[])",
        .params = { { tw_buf_view(ids), false } },
        .param_count = 1,
        .done = on_heads,
    };
    tw_pg_pool_call(hubs->pool, &hubs->reconcile_call);
}

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
    plan_reconcile(hubs);
    return tw_redis_start(&hubs->subscriber, loop, redis_url, "subscriber", &redis_events,
                          metrics);
}

void gw_hubs_log_deliveries(struct gw_hubs *hubs, struct gw_synclog *log)
{
    tw_list_each(&hubs->all, link)
        gw_hub_log_deliveries(&tw_container_of(link, struct place, link)->hub, log);
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
    tw_list_each(&hubs->all, link) place_free(tw_container_of(link, struct place, link));
    tw_map_done(&hubs->by_tenant);
    tw_buf_done(&hubs->reconcile_ids);
}
