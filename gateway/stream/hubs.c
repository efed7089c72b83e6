/* hubs.c - the life of hubs, and how events find them.
 *
 *     first session -> SUBSCRIBE -> (confirmed) -> read the head -> sessions are greeted
 *
 * The subscription is confirmed before the head is read, so an event is either in the log up to
 * the head or will arrive. While Redis is away the head is read at once, and reconciliation
 * finds what nobody published.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hubs.h"

#include <stdlib.h>

#include "common/domain/event.h"
#include "common/domain/publish.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"
#include "gateway/stream/feed.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"

#define RETRY_MS 250
#define LINGER_MS 60000

static void feed_free(struct gw_feed *f)
{
    gw_feed_cancel(f);
    tw_after_cancel(f->hubs->loop, &f->linger);
    tw_later_cancel(&f->turn);
    tw_later_cancel(&f->written);
    tw_list_remove(&f->link);
    (void)tw_map_remove(&f->hubs->by_tenant, gw_feed_id(f));
    f->hubs->hub_count.value--;
    gw_hub_done(&f->hub);
    free(f);
}

static void subscribe(struct gw_feed *f)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_subscribe(&f->hubs->subscriber, tw_event_channel(gw_feed_id(f), channel));
}

static void unsubscribe(struct gw_feed *f)
{
    char channel[TW_CHANNEL_BYTES];

    (void)tw_redis_unsubscribe(&f->hubs->subscriber, tw_event_channel(gw_feed_id(f), channel));
}

static void on_linger(struct tw_deadline *d)
{
    struct gw_feed *f = tw_container_of(d, struct gw_feed, linger);
    struct gw_hubs *hubs = f->hubs;

    if (f->hub.session_count > 0)
        return;
    if (f->reading != NULL || f->older_reading != NULL) { /* the answer still needs us */
        tw_after(f->hubs->loop, &f->linger, RETRY_MS, on_linger);
        return;
    }
    unsubscribe(f);
    feed_free(f);
    (void)gw_memory_return(&hubs->memory);
}

/* Behind the sessions' connections, which write what they were given in this turn. */
static void on_written(struct tw_later *l)
{
    struct gw_feed *f = tw_container_of(l, struct gw_feed, written);

    gw_delay_note(&f->delay, &f->hub.stream, tw_wall_ms(), &f->hubs->delay);
}

static void on_turn(struct tw_later *l)
{
    struct gw_feed *f = tw_container_of(l, struct gw_feed, turn);

    f->hubs->sessions->now_ms = f->hubs->loop->now_ms;
    gw_hub_fan_out(&f->hub);
    if (gw_delay_is_due(&f->delay, &f->hub.stream.cursor))
        tw_later(f->hubs->loop, &f->written, on_written);
    if (f->hub.session_count == 0 && !tw_deadline_is_set(&f->linger))
        tw_after(f->hubs->loop, &f->linger, LINGER_MS, on_linger);
    gw_feed_look(f);
}

static void on_changed(struct gw_hub *h)
{
    struct gw_feed *f = gw_feed_of(h);

    tw_later(f->hubs->loop, &f->turn, on_turn);
}

void gw_hubs_join(struct gw_hubs *hubs, const struct gw_tenant *tenant, struct gw_session *s)
{
    struct gw_feed *f = tw_map_get(&hubs->by_tenant, tw_slice_of(tenant->id));

    if (f == NULL) {
        f = tw_new(struct gw_feed);
        f->hubs = hubs;
        gw_hub_init(&f->hub, tenant, &hubs->memory, hubs->backlog_bytes, on_changed);
        (void)tw_map_set_lent(&hubs->by_tenant, gw_feed_id(f), f);
        tw_list_append(&hubs->all, &f->link);
        hubs->hub_count.value++;
        subscribe(f);
    }
    tw_after_cancel(hubs->loop, &f->linger);
    gw_hub_join(&f->hub, s);
    gw_feed_read_log(f);
}

const struct gw_hub *gw_hubs_find(const struct gw_hubs *hubs, struct tw_slice tenant)
{
    const struct gw_feed *f = tw_map_get(&hubs->by_tenant, tenant);

    return f == NULL ? NULL : &f->hub;
}

static void on_redis_up(struct tw_redis *r)
{
    struct gw_hubs *hubs = tw_container_of(r, struct gw_hubs, subscriber);

    (void)tw_redis_subscribe(r, TW_LIT(TW_CONTROL_CHANNEL));
    tw_list_each(&hubs->all, link) subscribe(tw_container_of(link, struct gw_feed, link));
}

static void lose(struct gw_feed *f)
{
    f->is_subscribed = false;
    if (!f->hub.stream.cursor.is_known) /* nothing confirms it now */
        gw_feed_read_log(f);
}

static void on_redis_down(struct tw_redis *r)
{
    struct gw_hubs *hubs = tw_container_of(r, struct gw_hubs, subscriber);

    tw_list_each(&hubs->all, link) lose(tw_container_of(link, struct gw_feed, link));
}

/* The feed of a tenant's channel; null for any other. */
static struct gw_feed *feed_of(struct gw_hubs *hubs, struct tw_slice channel)
{
    struct tw_slice tenant;

    return tw_event_tenant(channel, &tenant) ? tw_map_get(&hubs->by_tenant, tenant) : NULL;
}

static void on_lost(struct tw_redis *r, struct tw_slice channel)
{
    struct gw_feed *f = feed_of(tw_container_of(r, struct gw_hubs, subscriber), channel);

    if (f != NULL)
        lose(f);
}

static void on_subscribed(struct tw_redis *r, struct tw_slice channel)
{
    struct gw_feed *f = feed_of(tw_container_of(r, struct gw_hubs, subscriber), channel);

    if (f == NULL)
        return;
    f->is_subscribed = true;
    gw_feed_read_log(f);
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
static bool take_relay(struct gw_feed *f, struct tw_slice json)
{
    struct tw_slice dialect, from, message;

    if (!tw_slice_starts(json, TW_LIT("{\"relay\":"))) /* ours: see gw_hubs_relay */
        return false;
    if (!tw_json_get_text(json, "relay", &dialect) || !tw_json_get_text(json, "from", &from) ||
        !tw_json_get(json, "message", &message))
        return false;
    gw_hub_relay(&f->hub, dialect, from, message);
    return true;
}

void gw_hubs_relay(struct gw_stream *stream, const char *dialect, const char *from,
                   struct tw_slice message)
{
    struct gw_feed *f = gw_feed_of(gw_hub_of(stream));
    struct tw_buf json = { .max = message.len + 256 };

    tw_buf_char(&json, '{');
    tw_json_member(&json, "relay", tw_slice_of(dialect));
    tw_json_member(&json, "from", tw_slice_of(from));
    tw_json_member_raw(&json, "message", message);
    tw_buf_char(&json, '}');
    (void)tw_publish_event(f->hubs->publisher, gw_feed_id(f), tw_buf_view(&json));
    tw_buf_done(&json);
}

/* What is published is foreign until it has been checked. */
static void on_message(struct tw_redis *r, struct tw_slice channel, char *at, size_t len)
{
    struct gw_hubs *hubs = tw_container_of(r, struct gw_hubs, subscriber);
    struct tw_json_fault fault;
    struct tw_slice tenant;
    struct tw_event ev;
    struct gw_feed *f;
    size_t start;

    if (tw_slice_is(channel, TW_CONTROL_CHANNEL)) {
        hubs->control(hubs, at, len);
        return;
    }
    if (!tw_event_tenant(channel, &tenant) ||
        (f = tw_map_get(&hubs->by_tenant, tenant)) == NULL)
        return;
    start = tw_event_unwrap(tw_slice_from(at, len), tenant);
    len -= start;
    if (start == 0 || tw_json_scan(at + start, &len, &tw_json_wide, &fault) < 0) {
        hubs->garbage.value++;
        return;
    }
    if (take_relay(f, tw_slice_from(at + start, len)))
        return;
    if (tw_event_read(tw_slice_from(at + start, len), &ev) != 0) {
        hubs->garbage.value++;
        return;
    }
    count_admitted(hubs, gw_stream_arrive(&f->hub.stream, &ev));
}

static const struct tw_redis_events redis_events = { on_redis_up, on_redis_down, on_subscribed,
                                                     on_message, on_lost };

#define AT(field) TW_METRIC_AT(struct gw_hubs, field)

static const struct tw_metric_row metric_rows[] = {
    { "hubs", NULL, "Tenants that have sessions here, or had some a short time ago.",
      AT(hub_count) },
    { "events_total", "source=\"redis\"",
      "Events that reached this gateway: from Redis, from the log, as duplicates, before their "
      "turn, malformed, or without a row in the log.",
      AT(from_redis) },
    { "events_total", "source=\"log\"", NULL, AT(from_log) },
    { "events_total", "source=\"duplicate\"", NULL, AT(duplicates) },
    { "events_total", "source=\"early\"", NULL, AT(held) },
    { "events_total", "source=\"garbage\"", NULL, AT(garbage) },
    { "events_total", "source=\"not_in_log\"", NULL, AT(rejected) },
    { "event_delay_seconds", NULL,
      "From the moment that PostgreSQL gave an event its place in the stream, just before its "
      "commit, until it was written to the sockets of all sessions here that could take it; "
      "each "
      "event once, to a millisecond. It compares the clocks of two hosts: where ours is "
      "behind, "
      "events took no time.",
      AT(delay) },
    { "cursor_lag_events", NULL,
      "Events that are known to be in the log and have not reached this gateway, of all "
      "tenants, "
      "when their positions were last compared.",
      AT(lag) },
    { "log_reads_total", NULL, "Times that the event log was read for missing events.",
      AT(log_reads) },
    { "catch_up_reads_total", NULL,
      "Times that the event log was read for sessions that resume.", AT(older_reads) },
    { "log_failures_total", NULL, "Times that reading the event log failed.",
      AT(log_failures) },
    { "reconciliations_total", NULL,
      "Times that all positions were compared with the heads of the event log.",
      AT(reconciliations) },
    { "reconcile_lags_total", NULL,
      "Tenants that such a comparison found to lag, because events were lost on the way.",
      AT(lags) },
    { "events_kept_bytes", NULL,
      "Memory that events of all tenants take, with their frames (limit: "
      "TILLWIRE_EVENTS_BYTES).",
      AT(memory.bytes) },
    { "events_evicted_total", NULL,
      "Events that left memory because all tenants' together were over that limit.",
      AT(memory.evicted) },
    { "streams_went_back_total", NULL,
      "Tenants whose log ended before the position here: the database was restored from a "
      "backup.",
      AT(went_back) },
};

const struct tw_metric_table gw_hubs_metrics = { .rows = metric_rows,
                                                 .count = TW_COUNT(metric_rows) };

int gw_hubs_start(struct gw_hubs *hubs, const struct gw_hubs_options *options)
{
    hubs->loop = options->loop;
    hubs->pool = options->pool;
    hubs->publisher = options->publisher;
    hubs->sessions = options->sessions;
    hubs->backlog_bytes = options->backlog_bytes;
    hubs->control = options->control;
    hubs->reconcile_ids.max = (size_t)64 * 1024 * 1024;
    tw_list_init(&hubs->all);
    gw_memory_init(&hubs->memory, options->events_bytes);
    gw_readings_start(&hubs->readings, hubs->pool);
    gw_reconcile_plan(hubs);
    return tw_redis_start(&hubs->subscriber,
                          &(struct tw_redis_options){ .loop = hubs->loop,
                                                      .url = options->redis_url,
                                                      .url_file = options->redis_url_file,
                                                      .name = "subscriber",
                                                      .events = &redis_events });
}

void gw_hubs_log_deliveries(struct gw_hubs *hubs, struct gw_sync_log *log)
{
    tw_list_each(&hubs->all, link) gw_hub_log_deliveries(
        &tw_container_of(link, struct gw_feed, link)->hub, log, hubs->loop->now_ms);
}

void gw_hubs_stop(struct gw_hubs *hubs)
{
    if (hubs->loop == NULL)
        return;
    hubs->is_stopped = true;
    tw_after_cancel(hubs->loop, &hubs->reconcile_timer);
    gw_readings_stop(&hubs->readings);
    tw_redis_stop(&hubs->subscriber);
}

void gw_hubs_done(struct gw_hubs *hubs)
{
    if (hubs->loop == NULL)
        return;
    tw_list_each(&hubs->all, link) feed_free(tw_container_of(link, struct gw_feed, link));
    tw_map_done(&hubs->by_tenant);
    tw_buf_done(&hubs->reconcile_ids);
    gw_readings_done(&hubs->readings);
}
