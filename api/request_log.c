/* request_log.c - sends the rows to pos.request_log_write, once a second.
 *
 * What succeeds and changes nothing is not worth a row when there is not much else to say: a
 * console that polls, and the question whether we are there, are left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/request_log.h"

#include "api/redact.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define TICK_MS 1000
#define ROWS_BYTES ((size_t)1024 * 1024)

#define AT(field) TW_METRIC_AT(struct api_request_log, field)

static const struct tw_metric_row metric_rows[] = {
    { "request_log_rows_total", "result=\"taken\"",
      "Requests for the console's list: taken to be written, or left out because there were "
      "more than that in a second, or the database did not keep up.",
      AT(written) },
    { "request_log_rows_total", "result=\"left_out\"", NULL, AT(dropped) },
};

const struct tw_metric_table api_request_log_metrics = { .rows = metric_rows,
                                                         .count = TW_COUNT(metric_rows) };

void api_request_log_start(struct api_request_log *log,
                           const struct api_request_log_options *options)
{
    log->options = *options;
    log->first.max = log->others.max = ROWS_BYTES;
    log->sending.max = log->sending_left_out.max = 2 * ROWS_BYTES;
}

void api_request_log_stop(struct api_request_log *log)
{
    if (log->options.loop == NULL)
        return;
    log->is_stopped = true;
    tw_after_cancel(log->options.loop, &log->tick);
}

void api_request_log_done(struct api_request_log *log)
{
    tw_buf_done(&log->first);
    tw_buf_done(&log->others);
    tw_buf_done(&log->sending);
    tw_buf_done(&log->sending_left_out);
}

/* As many of the others as there is room for behind the first. */
static size_t others_sent(const struct api_request_log *log)
{
    size_t room = API_LOGGED_PER_SECOND - log->first_count;

    return log->others_count < room ? log->others_count : room;
}

static void note_left_out(struct api_request_log *log, struct tw_slice tenant, uint32_t count)
{
    log->dropped.value += count;
    if (tenant.len != sizeof(log->left_out[0].tenant) - 1)
        return;
    for (size_t i = 0; i < API_LOGGED_TENANTS; i++) {
        struct api_left_out *l = &log->left_out[i];

        if (l->tenant[0] == '\0')
            memcpy(l->tenant, tenant.at, tenant.len);
        if (tw_slice_is(tenant, l->tenant)) {
            l->count += count;
            return;
        }
    }
}

static void put_left_out(struct api_request_log *log)
{
    struct tw_buf *out = &log->sending_left_out;

    tw_buf_clear(out);
    tw_buf_char(out, '[');
    for (size_t i = 0; i < API_LOGGED_TENANTS && log->left_out[i].count > 0; i++) {
        tw_buf_text(out, i > 0 ? ",{" : "{");
        tw_json_member(out, "tenant", tw_slice_of(log->left_out[i].tenant));
        tw_json_member_u64(out, "n", log->left_out[i].count);
        tw_buf_char(out, '}');
    }
    tw_buf_char(out, ']');
    memset(log->left_out, 0, sizeof(log->left_out));
}

/* Those of the others that there is no room for go, and are counted. */
static void cut_others(struct api_request_log *log, size_t kept)
{
    for (size_t i = kept; i < log->others_count; i++) {
        size_t begin = i == 0 ? 0 : log->ends[i - 1] + 1; /* behind the comma */
        struct tw_slice tenant = TW_EMPTY;

        (void)tw_json_get_text(tw_slice_from(log->others.at + begin, log->ends[i] - begin),
                               "tenant", &tenant);
        note_left_out(log, tenant, 1);
    }
    log->others.len = kept == 0 ? 0 : log->ends[kept - 1];
}

static void send_rows(struct api_request_log *log);

static void on_tick(struct tw_deadline *d)
{
    send_rows(tw_container_of(d, struct api_request_log, tick));
}

static void plan(struct api_request_log *log)
{
    if (!log->is_stopped && !log->is_sending && !tw_deadline_is_set(&log->tick))
        tw_after(log->options.loop, &log->tick, TICK_MS, on_tick);
}

static void on_written(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct api_request_log *log = tw_container_of(call, struct api_request_log, call);

    (void)result; /* rows that may or may not be there are not written again */
    log->is_sending = false;
    tw_buf_done(&log->sending);
    if (log->first_count + log->others_count > 0)
        plan(log);
}

/* Moves the rows to `sending`. */
static void cut(struct api_request_log *log)
{
    struct tw_buf *out = &log->sending;

    log->written.value += log->first_count + others_sent(log);
    cut_others(log, others_sent(log));
    tw_buf_clear(out);
    tw_buf_char(out, '[');
    tw_buf_append(out, tw_buf_view(&log->first));
    if (log->first.len > 0 && log->others.len > 0)
        tw_buf_char(out, ',');
    tw_buf_append(out, tw_buf_view(&log->others));
    tw_buf_char(out, ']');
    put_left_out(log);
    tw_buf_done(&log->first);
    tw_buf_done(&log->others);
    log->first_count = log->others_count = 0;
}

/* While PostgreSQL is away they stay: those that failed for it are the ones to be seen. */
static void send_rows(struct api_request_log *log)
{
    if (!tw_pg_pool_is_up(log->options.pool)) {
        plan(log);
        return;
    }
    cut(log);
    log->is_sending = true;
    log->call = (struct tw_pg_call){
        .sql = "select pos.request_log_write($1, $2, $3)",
        .function = "request_log_write",
        .params = { { tw_slice_of(log->options.instance), false },
                    { tw_buf_view(&log->sending), true },
                    { tw_buf_view(&log->sending_left_out), true } },
        .param_count = 3,
        .writes = true,
        .done = on_written,
    };
    tw_pg_pool_call(log->options.pool, &log->call);
}

void api_request_log_leave(struct api_request_log *log)
{
    if (log->options.loop == NULL || log->is_stopped)
        return;
    api_request_log_stop(log);
    if (!log->is_sending && log->first_count + log->others_count > 0)
        send_rows(log);
}

static void put_text(struct tw_buf *out, const char *name, struct tw_slice text)
{
    if (text.len > 0)
        tw_json_member(out, name, text);
}

/* Where it went, and as which device: one that is missed on its socket is heard of. */
static void put_place(struct tw_buf *out, const struct api_request_row *row)
{
    static const char *const names[] = { "tenant", "path", "device" };
    struct tw_buf path = { .max = 1024 };
    struct tw_slice raws[TW_COUNT(names)] = { TW_EMPTY }, tenant = TW_EMPTY;

    /* One that was given up in the middle has no end. */
    if (row->context.len > 0 && row->context.at[row->context.len - 1] == '}')
        (void)tw_json_pick(row->context, names, raws, TW_COUNT(names));
    (void)tw_json_plain(raws[0], &tenant);
    api_redact_path(&path, row->route->pattern, tenant, raws[1]);
    tw_json_member(out, "method", tw_slice_of(tw_http_method_name(row->route->method)));
    tw_json_member(out, "path",
                   path.failed ? tw_slice_of(row->route->pattern) : tw_buf_view(&path));
    tw_json_member(out, "route", tw_slice_of(row->route->pattern));
    put_text(out, "slug", tenant);
    if (raws[2].len > 0)
        tw_json_member_raw(out, "device", raws[2]);
    tw_buf_done(&path);
}

static void put_row(struct tw_buf *out, const struct api_request_row *row)
{
    struct tw_buf body = { .max = API_REDACTED_BYTES };
    char at[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms() - (int64_t)(row->took_us / 1000), at);
    tw_buf_text(out, out->len > 0 ? ",{" : "{");
    put_text(out, "tenant", row->tenant);
    tw_json_member(out, "at", tw_slice_of(at));
    tw_json_member(out, "id", row->request_id);
    put_place(out, row);
    tw_json_member_u64(out, "status", (uint64_t)row->status);
    put_text(out, "code", row->code);
    tw_json_member_u64(out, "ms", row->took_us / 1000);
    put_text(out, "key", row->key_hash);
    if (row->body.len > 0) {
        api_redact_body(&body, row->body);
        put_text(out, "body", tw_buf_view(&body));
    }
    tw_buf_char(out, '}');
    tw_buf_done(&body);
}

static bool is_worth_it(const struct api_request_row *row)
{
    static const char console[] = "/api/{tenant}/console/";

    if (row->status >= 400 || row->route->method != TW_GET)
        return true;
    return strncmp(row->route->pattern, console, sizeof(console) - 1) != 0 &&
           strcmp(row->route->operation, "health") != 0;
}

/* False: there is no room for it, and it is as if it had not been. */
static bool add(struct tw_buf *rows, size_t *count, const struct api_request_row *row)
{
    size_t before = rows->len;

    if (*count == API_LOGGED_PER_SECOND)
        return false;
    put_row(rows, row);
    if (rows->failed) {
        rows->len = before;
        rows->failed = false;
        return false;
    }
    (*count)++;
    return true;
}

void api_request_log_add(struct api_request_log *log, const struct api_request_row *row)
{
    bool is_first = row->status >= 400 || row->route->method != TW_GET;
    bool is_added = false;

    if (log->is_stopped || !is_worth_it(row))
        return;
    if (is_first) {
        is_added = add(&log->first, &log->first_count, row);
    } else {
        is_added = add(&log->others, &log->others_count, row);
        if (is_added)
            log->ends[log->others_count - 1] = log->others.len;
    }
    if (!is_added)
        note_left_out(log, row->tenant, 1);
    plan(log);
}
