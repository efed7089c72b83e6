/* pg_batch.c - a few statements at a time, each for all questions that wait.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_batch.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define LIST_BYTES ((size_t)4 * 1024 * 1024)
#define FEWEST 4                        /* questions that are not divided */
#define FULL_BYTES ((size_t)256 * 1024) /* of the first list: no further question is added */

struct tw_pg_batched {
    struct tw_pg_batch *batch;
    struct tw_pg_question *questions[TW_PG_TOGETHER]; /* number 1 first */
    size_t count;                                     /* 0: it is free */
    uint64_t upto; /* questions up to this one had been asked when it was sent */
    struct tw_buf lists[TW_PG_PARAMS];
    struct tw_pg_call call;
};

static void on_turn(struct tw_later *l);

static struct tw_pg_question *question_of(struct tw_list *link)
{
    return tw_container_of(link, struct tw_pg_question, link);
}

struct tw_slice tw_pg_rows_text(const struct tw_pg_rows *rows, size_t row, int column)
{
    return tw_pg_text(rows->result, rows->first + row, column + 1);
}

int64_t tw_pg_rows_int(const struct tw_pg_rows *rows, size_t row, int column)
{
    return tw_pg_int(rows->result, rows->first + row, column + 1);
}

/* The rows of question `n`, which follow those of the one before it. */
static struct tw_pg_rows rows_of(const struct tw_pg_result *result, size_t first, size_t n)
{
    struct tw_pg_rows rows = { .result = result, .first = first };

    while (first + rows.count < tw_pg_rows(result) &&
           tw_pg_int(result, first + rows.count, 0) == (int64_t)n)
        rows.count++;
    return rows;
}

static void look_soon(struct tw_pg_batch *b)
{
    tw_later(b->pool->loop, &b->turn, on_turn);
}

/* Before all others: it has waited for longest. */
static void ask_again(struct tw_pg_batch *b, struct tw_pg_question *q)
{
    tw_list_prepend(&b->waiting, &q->link);
    look_soon(b);
}

/* PostgreSQL refused the statement, which may be the fault of one question. */
static void ask_alone(struct tw_pg_batched *s, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        s->questions[i - 1]->goes_alone = true;
        ask_again(s->batch, s->questions[i - 1]);
    }
}

/* Those up to a number: who is told may ask again. */
static void fail_waiting(struct tw_pg_batch *b, uint64_t upto, const struct tw_pg_rows *rows)
{
    while (!tw_list_empty(&b->waiting) && question_of(b->waiting.next)->number <= upto)
        b->kind->done(question_of(tw_list_shift(&b->waiting)), rows);
}

/* It did not answer: nor would it have answered those that have waited for as long. */
static void fail_all(struct tw_pg_batched *s, size_t count, const struct tw_pg_rows *rows)
{
    struct tw_pg_batch *b = s->batch;

    for (size_t i = 0; i < count; i++)
        b->kind->done(s->questions[i], rows);
    fail_waiting(b, s->upto, rows);
}

static void on_rows(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct tw_pg_batched *s = tw_container_of(call, struct tw_pg_batched, call);
    const struct tw_pg_batch_kind *kind = s->batch->kind;
    struct tw_pg_rows rows = { .result = result, .error = tw_pg_error(result) };
    size_t count = s->count, answered = 0, at = 0;

    s->count = 0;
    look_soon(s->batch);
    if (rows.error == TW_EQUERY && count > 1) {
        ask_alone(s, count);
        return;
    }
    if (rows.error != 0) {
        fail_all(s, count, &rows);
        return;
    }
    for (; answered < count; answered++) {
        rows = rows_of(result, at, answered + 1);
        if (rows.count == 0 && kind->may_end_early && answered > 0)
            break;
        at += rows.count;
        kind->done(s->questions[answered], &rows);
    }
    for (size_t i = count; i > answered; i--)
        ask_again(s->batch, s->questions[i - 1]);
}

static void put(struct tw_pg_batched *s, struct tw_pg_question *q)
{
    const struct tw_pg_batch_kind *kind = s->batch->kind;
    struct tw_buf *lists[TW_PG_PARAMS];

    for (int i = 0; i < kind->param_count; i++) {
        lists[i] = &s->lists[i];
        tw_buf_char(lists[i], s->count == 0 ? kind->brackets[0] : ',');
    }
    kind->put(q, lists);
    s->questions[s->count++] = q;
}

/* Those that have waited for too long: whoever asked has been told something else by now. */
static void drop_late(struct tw_pg_batch *b)
{
    uint64_t now_ms = b->pool->loop->now_ms;

    while (!tw_list_empty(&b->waiting) &&
           now_ms - question_of(b->waiting.next)->asked_ms > TW_PG_BATCH_MS)
        b->kind->done(question_of(tw_list_shift(&b->waiting)),
                      &(struct tw_pg_rows){ .error = TW_ETIMEOUT });
}

/* How many questions each free statement takes. Their share of those that wait, so that they
 * are worked on side by side: clients that were answered together ask again together. */
static size_t share_of_each(const struct tw_pg_batch *b)
{
    size_t waiting = 0, is_free = 0, share;

    for (const struct tw_list *at = b->waiting.next;
         at != &b->waiting && waiting < TW_PG_TOGETHER * TW_PG_AT_ONCE; at = at->next)
        waiting++;
    for (size_t i = 0; i < TW_PG_AT_ONCE; i++)
        is_free += b->statements[i]->count == 0;
    share = is_free == 0 ? 0 : (waiting + is_free - 1) / is_free;
    return share < FEWEST ? FEWEST : share > TW_PG_TOGETHER ? TW_PG_TOGETHER : share;
}

/* The first that waits, and those behind it. */
static void fill(struct tw_pg_batched *s, size_t most)
{
    struct tw_list *waiting = &s->batch->waiting;

    while (s->count < most && s->lists[0].len < FULL_BYTES && !tw_list_empty(waiting)) {
        struct tw_pg_question *q = question_of(waiting->next);
        bool goes_alone = q->goes_alone;

        if (goes_alone && s->count > 0)
            return;
        tw_list_remove(&q->link);
        q->goes_alone = false;
        put(s, q);
        if (goes_alone)
            return;
    }
}

static void send_batch(struct tw_pg_batched *s, size_t most)
{
    const struct tw_pg_batch_kind *kind = s->batch->kind;

    for (int i = 0; i < kind->param_count; i++)
        tw_buf_clear(&s->lists[i]);
    fill(s, most);
    s->upto = s->batch->asked;
    s->call = (struct tw_pg_call){ .sql = kind->sql,
                                   .param_count = kind->param_count,
                                   .done = on_rows };
    for (int i = 0; i < kind->param_count; i++) {
        tw_buf_char(&s->lists[i], kind->brackets[1]);
        TW_ASSERT(!s->lists[i].failed); /* questions are short */
        s->call.params[i].bytes = tw_buf_view(&s->lists[i]);
    }
    tw_pg_pool_call(s->batch->pool, &s->call);
}

static void on_turn(struct tw_later *l)
{
    struct tw_pg_batch *b = tw_container_of(l, struct tw_pg_batch, turn);
    size_t most;

    if (b->is_stopped) {
        fail_waiting(b, b->asked, &(struct tw_pg_rows){ .error = TW_EDOWN });
        return;
    }
    drop_late(b);
    most = share_of_each(b);
    for (size_t i = 0; i < TW_PG_AT_ONCE && !tw_list_empty(&b->waiting); i++)
        if (b->statements[i]->count == 0)
            send_batch(b->statements[i], most);
}

void tw_pg_ask(struct tw_pg_batch *b, struct tw_pg_question *q)
{
    q->number = ++b->asked;
    q->asked_ms = b->pool->loop->now_ms;
    tw_list_append(&b->waiting, &q->link);
    look_soon(b);
}

void tw_pg_batch_start(struct tw_pg_batch *b, const struct tw_pg_batch_kind *kind,
                       struct tw_pg_pool *pool)
{
    *b = (struct tw_pg_batch){ .kind = kind, .pool = pool };
    tw_list_init(&b->waiting);
    for (size_t i = 0; i < TW_PG_AT_ONCE; i++) {
        struct tw_pg_batched *s = tw_new(struct tw_pg_batched);

        s->batch = b;
        for (size_t list = 0; list < TW_PG_PARAMS; list++)
            s->lists[list].max = LIST_BYTES;
        b->statements[i] = s;
    }
}

void tw_pg_batch_stop(struct tw_pg_batch *b)
{
    b->is_stopped = true;
    look_soon(b);
}

void tw_pg_batch_done(struct tw_pg_batch *b)
{
    for (size_t i = 0; i < TW_PG_AT_ONCE && b->statements[i] != NULL; i++) {
        for (size_t list = 0; list < TW_PG_PARAMS; list++)
            tw_buf_done(&b->statements[i]->lists[list]);
        free(b->statements[i]);
        b->statements[i] = NULL;
    }
    tw_later_cancel(&b->turn);
}
