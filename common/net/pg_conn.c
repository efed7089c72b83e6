/* pg_conn.c - a PostgreSQL connection as a small machine: WAIT -> CONNECT -> UP -> WAIT ...
 *
 * Once up, the connection is in pipeline mode: each call is sent with its own Sync, which keeps
 * errors apart, and the answers come in order.
 *
 * Each text is prepared once a connection, under a name, and in the same batch as its first
 * execution: so it costs no round trip. What stands between us and the server may not know the
 * name the next time (a pooler that gives each transaction another server does not, before
 * PgBouncer 1.21): then nothing was done, the call is sent again without a name, and soon all
 * are. Behind a pooler the connection also looks once whether it still has the server that it
 * had: idle servers are given to whoever comes first, so that of several connections most do
 * not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_conn.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/pg_dial.h"
#include "common/net/watch.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define ANSWER_MS 2500 /* above the roles' statement_timeout: the server is hung */
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 5000
#define RETRY_READ_ONLY_MS 500 /* also where each connection looks good, until it is used */
#define READ_ONLY "25006"      /* read_only_sql_transaction */
#define OID_TEXT 25
#define OID_JSON 114
#define STATEMENTS 32     /* texts that are prepared; others are sent as they are */
#define UNKNOWN_AT_MOST 8 /* times that a name was not known, until none is used any more */
#define LOOK_MS 1000      /* all connections of a process are there by then */

enum state { WAIT, CONNECT, UP, CLOSED };

struct tw_pg_statement {
    const char *sql; /* a constant of its callers; null: free */
    uint32_t types;  /* of its parameters: how many, and a bit for each that is JSON */
    char name[24];   /* from the text, so that no name ever stands for another text */
};

struct tw_pg_conn {
    struct tw_loop *loop;
    const struct tw_pg_conn_events *events;
    void *owner;
    struct tw_pg_observer *observer;
    struct tw_pg_dial dial;
    PGconn *pg;
    struct tw_watch *watch;
    struct tw_deadline limit; /* retrying, or the oldest call's answer */
    struct tw_deadline look;
    struct tw_pg_call look_call; /* is it still the same server? */
    struct tw_later flush;
    struct tw_list calls; /* sent, in order */
    size_t depth, writes;
    PGresult *answer; /* of the first call, until its Sync */
    enum state state;
    bool has_answered; /* in this turn */
    bool is_shared;
    bool has_prepared; /* the first call's statement, since it is the first */
    struct tw_pg_statement
        statements[STATEMENTS]; /* that the server knows, or will before the next */
    unsigned unknown;           /* names that it did not know after all */
    uint64_t retry_ms;
    uint64_t heard_ms; /* of the last bytes, or since when they are awaited */
};

struct tw_pg_result {
    int err;
    const PGresult *pg;
};

int tw_pg_error(const struct tw_pg_result *r)
{
    return r->err;
}

const char *tw_pg_sqlstate(const struct tw_pg_result *r)
{
    const char *state = r->pg == NULL ? NULL : PQresultErrorField(r->pg, PG_DIAG_SQLSTATE);

    return state == NULL ? "" : state;
}

const char *tw_pg_message(const struct tw_pg_result *r)
{
    const char *text =
        r->pg == NULL ? NULL : PQresultErrorField(r->pg, PG_DIAG_MESSAGE_PRIMARY);

    return text == NULL ? tw_err_text(r->err) : text;
}

size_t tw_pg_rows(const struct tw_pg_result *r)
{
    return r->pg == NULL ? 0 : (size_t)PQntuples(r->pg);
}

bool tw_pg_is_null(const struct tw_pg_result *r, size_t row, int column)
{
    return PQgetisnull(r->pg, (int)row, column) != 0;
}

struct tw_slice tw_pg_text(const struct tw_pg_result *r, size_t row, int column)
{
    return tw_slice_from(PQgetvalue(r->pg, (int)row, column),
                         (size_t)PQgetlength(r->pg, (int)row, column));
}

int64_t tw_pg_int(const struct tw_pg_result *r, size_t row, int column)
{
    struct tw_slice text = tw_pg_text(r, row, column);
    bool is_negative = text.len > 0 && text.at[0] == '-';
    uint64_t value = 0;

    if (!tw_slice_u64(is_negative ? tw_slice_skip(text, 1) : text, &value) || value > INT64_MAX)
        return 0;
    return is_negative ? -(int64_t)value : (int64_t)value;
}

void tw_pg_refuse(struct tw_pg_call *call, int err)
{
    struct tw_pg_result result = { err, NULL };

    call->done(call, &result);
}

static void on_ready(void *owner, int status, int events);

static bool watch(struct tw_pg_conn *c, int events)
{
    return tw_watch(c->loop, &c->watch, PQsocket(c->pg), events, on_ready, c);
}

static void start_connect(struct tw_pg_conn *c);

static void on_retry(struct tw_deadline *d)
{
    start_connect(tw_container_of(d, struct tw_pg_conn, limit));
}

static void forget_answer(struct tw_pg_conn *c)
{
    PQclear(c->answer);
    c->answer = NULL;
}

static void lose_calls(struct tw_pg_conn *c)
{
    const struct tw_pg_result result = { TW_ELOST, NULL };
    struct tw_list lost, *link;

    tw_list_init(&lost);
    tw_list_move_all(&lost, &c->calls);
    c->depth = c->writes = 0;
    while ((link = tw_list_shift(&lost)) != NULL)
        tw_pg_hand_out(c->observer, tw_container_of(link, struct tw_pg_call, link), &result);
}

/* Between half and all of the pause, so that many connections do not come at once. */
static uint64_t with_jitter(uint64_t ms)
{
    uint16_t random;

    tw_random(&random, sizeof(random));
    return ms / 2 + ms / 2 * random / UINT16_MAX;
}

/* libpq's own words, when it has any. */
static const char *libpq_says(const struct tw_pg_conn *c, const char *otherwise)
{
    return c->pg != NULL && PQerrorMessage(c->pg)[0] != '\0' ? PQerrorMessage(c->pg)
                                                             : otherwise;
}

static void go_down(struct tw_pg_conn *c, const char *why)
{
    char text[TW_PG_WHY];

    (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(why, "\n"), why);
    tw_watch_end(&c->watch);
    forget_answer(c);
    PQfinish(c->pg);
    c->pg = NULL;
    c->state = WAIT;
    tw_later_cancel(&c->flush);
    tw_after_cancel(c->loop, &c->look);
    tw_after(c->loop, &c->limit, with_jitter(c->retry_ms), on_retry);
    c->retry_ms = c->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : c->retry_ms * 2;
    c->events->on_down(c, c->owner, text);
    lose_calls(c);
    c->events->on_idle(c, c->owner);
}

/* How long the first call may wait for a sign of an answer. */
static uint64_t answer_limit(const struct tw_pg_conn *c)
{
    const struct tw_pg_call *first = tw_container_of(c->calls.next, struct tw_pg_call, link);

    return first->answer_ms != 0 ? first->answer_ms : ANSWER_MS;
}

static void on_answer_limit(struct tw_deadline *d)
{
    struct tw_pg_conn *c = tw_container_of(d, struct tw_pg_conn, limit);
    uint64_t silent = c->loop->now_ms - c->heard_ms, most = answer_limit(c);

    if (silent >= most)
        go_down(c, "no answer in time");
    else /* a long answer on a slow line: what counts is that bytes come */
        tw_after(c->loop, &c->limit, most - silent, on_answer_limit);
}

static void on_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    tw_log_debug("pg.notice",
                 tw_str("message", PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY)));
}

/* Its limit runs from when it is the first: those after it wait for it. */
static void await_answer(struct tw_pg_conn *c)
{
    c->heard_ms = c->loop->now_ms;
    tw_after(c->loop, &c->limit, answer_limit(c), on_answer_limit);
}

static void send_call(struct tw_pg_conn *c, struct tw_pg_call *call, bool as_it_is);

/* The server did not know the statement by its name, has another of this name, or a migration
 * has changed the types of its answer: nothing was done. */
static bool is_about_the_name(const struct tw_pg_call *call, const char *sqlstate)
{
    return call->statement != NULL &&
           (strcmp(sqlstate, "26000") == 0 || /* invalid_sql_statement_name */
            strcmp(sqlstate, "42P05") == 0 || /* duplicate_prepared_statement */
            strcmp(sqlstate, "0A000") == 0);  /* "cached plan must not change result type" */
}

/* Names of statements are known to a server, so they do not last where servers are shared. */
static void become_shared(struct tw_pg_conn *c, const char *because)
{
    if (c->is_shared)
        return;
    c->is_shared = true;
    c->unknown = UNKNOWN_AT_MOST;
    tw_log_info("pg.unprepared", tw_str("because", because));
}

/* Send it as text. Where that happens often, or others have the names, none is used any more.
 */
static void send_without_name(struct tw_pg_conn *c, struct tw_pg_call *call,
                              const char *sqlstate)
{
    c->unknown = strcmp(sqlstate, "42P05") == 0 ? UNKNOWN_AT_MOST : c->unknown + 1;
    if (c->unknown >= UNKNOWN_AT_MOST)
        become_shared(c, "names of statements do not last here");
    send_call(c, call, true);
}

/* The first call is answered: hand it out. Its `done` may send more. */
static void finish_call(struct tw_pg_conn *c)
{
    struct tw_list *link = tw_list_shift(&c->calls);
    struct tw_pg_call *call;
    struct tw_pg_result result = { 0, c->answer };
    PGresult *answer = c->answer;
    ExecStatusType status = PQresultStatus(answer);

    if (link == NULL)
        return;
    call = tw_container_of(link, struct tw_pg_call, link);
    c->answer = NULL;
    c->has_answered = true;
    c->depth--;
    c->writes -= call->writes ? 1 : 0;
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        result.err = TW_EQUERY;
    if (call->prepares && !c->has_prepared) /* the text was refused: the next one tries again */
        call->statement->sql = NULL;
    c->has_prepared = false;
    if (c->depth > 0)
        await_answer(c);
    else
        tw_after_cancel(c->loop, &c->limit);
    if (result.err != 0 && is_about_the_name(call, tw_pg_sqlstate(&result))) {
        send_without_name(c, call, tw_pg_sqlstate(&result));
    } else {
        if (strcmp(tw_pg_sqlstate(&result), READ_ONLY) == 0) { /* another one takes writes */
            c->retry_ms = RETRY_READ_ONLY_MS;
            go_down(c, "PostgreSQL has become read-only");
        }
        tw_pg_hand_out(c->observer, call, &result);
    }
    PQclear(answer);
}

static void read_answers(struct tw_pg_conn *c)
{
    int separators = 0;

    while (c->state == UP && c->depth > 0 && separators < 2 && PQisBusy(c->pg) == 0) {
        PGresult *r = PQgetResult(c->pg);

        if (r == NULL) {
            separators++;
        } else if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            separators = 0;
            PQclear(r);
            finish_call(c);
        } else if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED) {
            separators = 0;
            PQclear(r); /* the error that caused it is the answer */
        } else {
            separators = 0;
            c->has_prepared |= PQresultStatus(r) == PGRES_COMMAND_OK;
            forget_answer(c);
            c->answer = r;
        }
    }
}

static void read_notifications(struct tw_pg_conn *c)
{
    PGnotify *n;

    while (c->state == UP && (n = PQnotifies(c->pg)) != NULL) {
        if (c->events->on_notify != NULL)
            c->events->on_notify(c, c->owner, tw_slice_of(n->relname), tw_slice_of(n->extra));
        PQfreemem(n);
    }
}

/* Returns false when the connection broke. */
static bool flush(struct tw_pg_conn *c)
{
    int left = PQflush(c->pg);

    if (left < 0 || PQstatus(c->pg) == CONNECTION_BAD ||
        !watch(c, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE)) {
        go_down(c, libpq_says(c, "cannot write"));
        return false;
    }
    return true;
}

static void on_ready(void *owner, int status, int events)
{
    struct tw_pg_conn *c = owner;

    tw_loop_read_clock(c->loop);
    c->has_answered = false;
    if (events & UV_READABLE)
        c->heard_ms = c->loop->now_ms;
    if ((status < 0 || (events & UV_READABLE)) && PQconsumeInput(c->pg) == 0) {
        go_down(c, libpq_says(c, "connection lost"));
        return;
    }
    read_answers(c);
    read_notifications(c);
    if (c->state == UP && PQstatus(c->pg) == CONNECTION_BAD)
        go_down(c, libpq_says(c, "connection lost"));
    else if (c->state == UP && (status < 0 || (events & UV_WRITABLE)))
        (void)flush(c);
    if (c->state == UP && c->has_answered)
        c->events->on_idle(c, c->owner);
}

static void on_flush(struct tw_later *l)
{
    struct tw_pg_conn *c = tw_container_of(l, struct tw_pg_conn, flush);

    if (c->state == UP)
        (void)flush(c);
}

static uint32_t types_of(const struct tw_pg_call *call, Oid *types)
{
    uint32_t bits = (uint32_t)call->param_count << TW_PG_PARAMS;

    for (int i = 0; i < call->param_count; i++) {
        types[i] = call->params[i].is_json ? OID_JSON : OID_TEXT;
        bits |= call->params[i].is_json ? 1U << i : 0;
    }
    return bits;
}

/* The one with this text, or a free one; null: the text is sent as it is. */
static struct tw_pg_statement *statement_of(struct tw_pg_conn *c, const char *sql,
                                            uint32_t types)
{
    struct tw_pg_statement *s, *free_one = NULL;

    if (c->unknown >= UNKNOWN_AT_MOST)
        return NULL;
    for (size_t i = 0; i < STATEMENTS; i++) {
        s = &c->statements[i];
        if (s->sql != NULL && s->types == types && (s->sql == sql || strcmp(s->sql, sql) == 0))
            return s;
        if (s->sql == NULL && free_one == NULL)
            free_one = s;
    }
    return free_one;
}

static void name_statement(struct tw_pg_statement *s, const char *sql, uint32_t types)
{
    char hex[TW_SHA256_HEX];

    tw_sha256_hex(tw_slice_of(sql), hex);
    s->sql = sql;
    s->types = types;
    (void)snprintf(s->name, sizeof(s->name), "tw_%.16s_%x", hex, types);
}

static void send_text(struct tw_pg_conn *c, struct tw_pg_call *call, bool as_it_is)
{
    const char *values[TW_PG_PARAMS];
    int lengths[TW_PG_PARAMS], formats[TW_PG_PARAMS];
    Oid types[TW_PG_PARAMS];
    uint32_t bits = types_of(call, types);
    struct tw_pg_statement *s = as_it_is ? NULL : statement_of(c, call->sql, bits);

    for (int i = 0; i < call->param_count; i++) {
        values[i] = call->params[i].bytes.at;
        lengths[i] = (int)call->params[i].bytes.len; /* bodies have a limit */
        formats[i] = 1; /* binary: the length counts, no NUL is needed */
    }
    call->statement = s;
    call->prepares = s != NULL && s->sql == NULL;
    if (s == NULL) {
        (void)PQsendQueryParams(c->pg, call->sql, call->param_count, types, values, lengths,
                                formats, 0);
        return;
    }
    if (call->prepares) {
        name_statement(s, call->sql, bits);
        (void)PQsendPrepare(c->pg, s->name, call->sql, call->param_count, types);
    }
    (void)PQsendQueryPrepared(c->pg, s->name, call->param_count, values, lengths, formats, 0);
}

/* libpq buffers, so the calls of one loop turn leave in few writes. Each Sync flushes what it
 * can; the rest is sent when the socket is writable. When one of the functions fails, the
 * connection is bad: flush notices. */
static void send_call(struct tw_pg_conn *c, struct tw_pg_call *call, bool as_it_is)
{
    TW_ASSERT(c->state == UP && call->param_count <= TW_PG_PARAMS);
    call->sent_us = tw_now_us();
    tw_list_append(&c->calls, &call->link);
    c->depth++;
    c->writes += call->writes ? 1 : 0;
    if (c->depth == 1)
        await_answer(c);
    send_text(c, call, as_it_is);
    (void)PQpipelineSync(c->pg);
    tw_later(c->loop, &c->flush, on_flush);
}

void tw_pg_conn_send(struct tw_pg_conn *c, struct tw_pg_call *call)
{
    send_call(c, call, false);
}

static void on_looked(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct tw_pg_conn *c = tw_container_of(call, struct tw_pg_conn, look_call);

    if (tw_pg_error(result) == 0 && tw_pg_int(result, 0, 0) != c->dial.backend)
        become_shared(c, "each transaction has another server");
}

static void on_look(struct tw_deadline *d)
{
    struct tw_pg_conn *c = tw_container_of(d, struct tw_pg_conn, look);

    c->look_call =
        (struct tw_pg_call){ .sql = "select pg_catalog.pg_backend_pid()", .done = on_looked };
    send_call(c, &c->look_call, true);
}

static void become_up(struct tw_pg_conn *c)
{
    if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1) {
        go_down(c, libpq_says(c, "pipeline mode refused"));
        return;
    }
    (void)PQsetNoticeReceiver(c->pg, on_notice, NULL);
    if (!watch(c, UV_READABLE)) {
        go_down(c, "cannot watch the socket");
        return;
    }
    memset(c->statements, 0, sizeof(c->statements));
    c->unknown = 0;
    c->is_shared = false;
    c->has_prepared = false;
    c->state = UP;
    c->retry_ms = RETRY_FIRST_MS;
    tw_after_cancel(c->loop, &c->limit);
    if (c->dial.is_pooled)
        tw_after(c->loop, &c->look, LOOK_MS / 2 + with_jitter(LOOK_MS), on_look);
    c->events->on_up(c, c->owner);
}

static void on_dialed(struct tw_pg_dial *d, struct pg_conn *pg)
{
    struct tw_pg_conn *c = tw_container_of(d, struct tw_pg_conn, dial);

    c->pg = pg;
    if (pg == NULL)
        go_down(c, d->why);
    else
        become_up(c);
}

static void start_connect(struct tw_pg_conn *c)
{
    c->state = CONNECT;
    c->dial.done = on_dialed;
    tw_pg_dial_start(&c->dial);
}

struct tw_pg_conn *tw_pg_conn_new(struct tw_loop *loop,
                                  const struct tw_pg_conn_options *options,
                                  const struct tw_pg_conn_events *events, void *owner)
{
    struct tw_pg_conn *c = tw_new(struct tw_pg_conn);

    c->loop = c->dial.loop = loop;
    c->dial.url.text = options->url;
    c->dial.url.file = options->url_file;
    c->dial.program = options->program;
    c->dial.is_direct = options->is_direct;
    c->observer = options->observer;
    c->events = events;
    c->owner = owner;
    c->retry_ms = RETRY_FIRST_MS;
    tw_list_init(&c->calls);
    tw_after(loop, &c->limit, 0, on_retry);
    return c;
}

void tw_pg_conn_close(struct tw_pg_conn *c)
{
    if (c == NULL)
        return;
    c->state = CLOSED;
    tw_after_cancel(c->loop, &c->limit);
    tw_after_cancel(c->loop, &c->look);
    tw_later_cancel(&c->flush);
    tw_pg_dial_stop(&c->dial);
    tw_watch_end(&c->watch);
    forget_answer(c);
    PQfinish(c->pg);
    c->pg = NULL;
    lose_calls(c);
    free(c);
}

bool tw_pg_conn_is_up(const struct tw_pg_conn *c)
{
    return c->state == UP;
}

bool tw_pg_conn_is_shared(const struct tw_pg_conn *c)
{
    return c->state == UP && c->is_shared && c->dial.is_pooled;
}

void tw_pg_conn_compare(struct tw_pg_conn *a, struct tw_pg_conn *b)
{
    if (a == b || a->state != UP || b->state != UP || !a->dial.is_pooled ||
        !b->dial.is_pooled || a->dial.backend != b->dial.backend)
        return;
    become_shared(a, "another connection has the same server");
    become_shared(b, "another connection has the same server");
}

size_t tw_pg_conn_depth(const struct tw_pg_conn *c)
{
    return c->depth;
}

size_t tw_pg_conn_writes(const struct tw_pg_conn *c)
{
    return c->writes;
}

bool tw_pg_conn_has(const struct tw_pg_conn *c, uint64_t affinity)
{
    tw_list_each(&c->calls,
                 link) if (tw_container_of(link, struct tw_pg_call, link)->affinity ==
                           affinity) return true;
    return false;
}
