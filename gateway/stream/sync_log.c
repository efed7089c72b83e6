/* sync_log.c - sends the rows to pos.sync_log_write, as one JSON array a second, or more of
 * them when thousands of tills come at once: libpq keeps the memory of the longest that it has
 * sent.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/sync_log.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "common/util/json_write.h"

#define TICK_MS 1000
#define ROWS_BYTES ((size_t)512 * 1024)
#define PIECE_BYTES ((size_t)12 * 1024) /* are not waited with, nor many more sent at once */
#define ROW_BEGINS ",{\"at\":"

static void on_tick(struct tw_deadline *d);

#define AT(field) TW_METRIC_AT(struct gw_sync_log, field)

static const struct tw_metric_row metric_rows[] = {
    { "sync_log_rows_total", "result=\"taken\"",
      "Rows for the table pos_sync_logs: taken to be written, or dropped because the database "
      "did not keep up.",
      AT(written) },
    { "sync_log_rows_total", "result=\"dropped\"", NULL, AT(dropped) },
};

const struct tw_metric_table gw_sync_log_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

void gw_sync_log_start(struct gw_sync_log *log, const struct gw_sync_log_options *options)
{
    log->options = *options;
    log->rows.max = log->sending.max = ROWS_BYTES;
    tw_after(log->options.loop, &log->tick, TICK_MS, on_tick);
}

void gw_sync_log_stop(struct gw_sync_log *log)
{
    if (log->options.loop == NULL)
        return;
    log->is_stopped = true;
    tw_after_cancel(log->options.loop, &log->tick);
    tw_later_cancel(&log->full);
}

void gw_sync_log_done(struct gw_sync_log *log)
{
    tw_buf_done(&log->rows);
    tw_buf_done(&log->sending);
}

static void put_text(struct tw_buf *out, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        tw_json_member(out, name, tw_slice_of(text));
}

static void put_detail(struct tw_buf *out, const struct gw_sync_log_row *row)
{
    if (row->reason == NULL && row->code == 0 && row->address == NULL && row->client == NULL)
        return;
    tw_json_member_raw(out, "detail", TW_LIT("{"));
    if (row->code != 0)
        tw_json_member_u64(out, "code", row->code);
    if (row->reason != NULL)
        tw_json_member(out, "reason", tw_slice_of(row->reason));
    put_text(out, "address", row->address);
    put_text(out, "client", row->client);
    put_text(out, "named", row->named);
    tw_buf_char(out, '}');
}

static void put_session(struct tw_buf *out, const struct gw_sync_log_row *row)
{
    if (row->key.len > 0)
        tw_json_member(out, "key_id", row->key);
    if (!row->has_ended)
        return;
    tw_json_member_u64(out, "since", row->since);
    if (row->expected_ms > 0)
        tw_json_member_u64(out, "expected_ms", row->expected_ms);
}

static void send_rows(struct gw_sync_log *log);

static void on_full(struct tw_later *l)
{
    send_rows(tw_container_of(l, struct gw_sync_log, full));
}

static void look_whether_full(struct gw_sync_log *log)
{
    if (log->rows.len >= PIECE_BYTES && !log->is_sending && !log->is_stopped)
        tw_later(log->options.loop, &log->full, on_full);
}

static void on_written(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_sync_log *log = tw_container_of(call, struct gw_sync_log, call);

    /* Rows that may or may not be there are not written again: this is a log, not a ledger. */
    (void)result;
    log->is_sending = false;
    tw_buf_done(&log->sending);
    look_whether_full(log);
}

/* Moves the rows of a piece, whole ones, to `sending`. They all begin alike, and nothing within
 * a string looks so: its quotes are escaped. */
static void cut_piece(struct gw_sync_log *log)
{
    struct tw_buf *rows = &log->rows;
    const char *next = NULL;

    if (rows->len > PIECE_BYTES)
        next = memmem(rows->at + PIECE_BYTES, rows->len - PIECE_BYTES, ROW_BEGINS,
                      sizeof(ROW_BEGINS) - 1);
    if (next == NULL) {
        struct tw_buf empty = log->sending;

        log->sending = *rows;
        *rows = empty;
    } else {
        tw_buf_append(&log->sending, tw_slice_from(rows->at, (size_t)(next - rows->at)));
        tw_buf_drop(rows, (size_t)(next - rows->at));
        rows->at[0] = '['; /* where its comma was */
    }
    tw_buf_char(&log->sending, ']');
}

static void send_rows(struct gw_sync_log *log)
{
    if (log->rows.len == 0 || log->is_sending || !tw_pg_pool_is_up(log->options.pool))
        return;
    cut_piece(log);
    log->is_sending = true;
    log->call = (struct tw_pg_call){
        .sql = "select pos.sync_log_write($1)",
        .function = "sync_log_write",
        .params = { { tw_buf_view(&log->sending), true } },
        .param_count = 1,
        .writes = true,
        .done = on_written,
    };
    tw_pg_pool_call(log->options.pool, &log->call);
}

void gw_sync_log_add(struct gw_sync_log *log, const struct gw_sync_log_row *row)
{
    struct tw_buf *out = &log->rows;
    size_t before = out->len;
    char at[TW_TIME_TEXT];

    if (log->is_stopped)
        return;
    log->newest_ms = tw_wall_ms();
    tw_time_text(log->newest_ms, at);
    tw_buf_text(out, before == 0 ? "[{" : ",{"); /* and with "at": ROW_BEGINS */
    tw_json_member(out, "at", tw_slice_of(at));
    tw_json_member(out, "instance", tw_slice_of(log->options.instance));
    tw_json_member(out, "kind", tw_slice_of(row->kind));
    if (row->tenant.len > 0)
        tw_json_member(out, "tenant_id", row->tenant);
    if (row->dialect != NULL)
        tw_json_member(out, "dialect", tw_slice_of(row->dialect));
    if (row->device.len > 0)
        tw_json_member(out, "device", row->device);
    put_session(out, row);
    if (row->seq != 0)
        tw_json_member_u64(out, "seq", row->seq);
    tw_json_member_u64(out, "count", row->count == 0 ? 1 : row->count);
    put_detail(out, row);
    tw_buf_char(out, '}');
    if (out->failed || out->len + 1 > out->max) { /* as if it had not been */
        out->len = before;
        out->failed = false;
        log->dropped.value++;
        return;
    }
    log->written.value++;
    look_whether_full(log);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_sync_log *log = tw_container_of(d, struct gw_sync_log, tick);

    if (log->options.collect != NULL)
        log->options.collect(log);
    send_rows(log);
    tw_after(log->options.loop, &log->tick, TICK_MS, on_tick);
}
