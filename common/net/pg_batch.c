/* pg_batch.c - a few statements at a time, each for all questions that wait.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_batch.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define WAIT_MS 1500
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

static void enqueue(struct tw_pg_batch *b, struct tw_pg_question *q, bool is_first)
{
    if (is_first)
        tw_list_prepend(&b->waiting, &q->link);
    else
        tw_list_append(&b->waiting, &q->link);
    b->waiting_count++;
    b->pool->questions.value++;
    b->waiting_of[q->share % TW_PG_SHARES] += q->share != 0;
}

static struct tw_pg_question *dequeue(struct tw_pg_batch *b)
{
    struct tw_pg_question *q = question_of(tw_list_shift(&b->waiting));

    b->waiting_count--;
    b->pool->questions.value--;
    b->waiting_of[q->share % TW_PG_SHARES] -= q->share != 0;
    return q;
}

/* Before all others: it has waited for longest. */
static void ask_again(struct tw_pg_batch *b, struct tw_pg_question *q)
{
    enqueue(b, q, true);
    look_soon(b);
}

/* PostgreSQL refused the statement, which may be the fault of one question. It may have taken
 * its time, so that each begins anew to wait. */
static void ask_alone(struct tw_pg_batched *s, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        s->questions[i - 1]->goes_alone = true;
        s->questions[i - 1]->asked_ms = s->batch->pool->loop->now_ms;
        ask_again(s->batch, s->questions[i - 1]);
    }
}

/* Those up to a number: who is told may ask again. */
static void fail_waiting(struct tw_pg_batch *b, uint64_t upto, const struct tw_pg_rows *rows)
{
    while (!tw_list_empty(&b->waiting) && question_of(b->waiting.next)->number <= upto)
        b->kind->done(dequeue(b), rows);
}

/* There was no answer. Where PostgreSQL is not there, or has no time, those that have waited as
 * long would get none either; a connection that broke, or an error, says nothing of others. */
static void fail_all(struct tw_pg_batched *s, size_t count, const struct tw_pg_rows *rows)
{
    for (size_t i = 0; i < count; i++)
        s->batch->kind->done(s->questions[i], rows);
    if (rows->error != TW_EQUERY && rows->error != TW_ELOST)
        fail_waiting(s->batch, s->upto, rows);
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

static void on_late(struct tw_deadline *d)
{
    struct tw_pg_batch *b = tw_container_of(d, struct tw_pg_batch, late);
    uint64_t now_ms = b->pool->loop->now_ms;

    while (!tw_list_empty(&b->waiting) &&
           now_ms - question_of(b->waiting.next)->asked_ms >= WAIT_MS) {
        b->pool->refused.value++;
        b->kind->done(dequeue(b), &(struct tw_pg_rows){ .error = TW_ETIMEOUT });
    }
    if (!tw_list_empty(&b->waiting) && !tw_deadline_is_set(&b->late))
        tw_after(b->pool->loop, &b->late,
                 question_of(b->waiting.next)->asked_ms + WAIT_MS - now_ms, on_late);
}

static void tell_refused(struct tw_pg_batch *b)
{
    while (!tw_list_empty(&b->refused)) {
        b->pool->refused.value++;
        b->kind->done(question_of(tw_list_shift(&b->refused)),
                      &(struct tw_pg_rows){ .error = TW_EFULL });
    }
}

/* How many questions each free statement takes. Their share of those that wait, so that they
 * are worked on side by side: clients that were answered together ask again together. */
static size_t share_of_each(const struct tw_pg_batch *b)
{
    size_t is_free = 0, share;

    for (size_t i = 0; i < TW_PG_AT_ONCE; i++)
        is_free += b->statements[i]->count == 0;
    share = is_free == 0 ? 0 : (b->waiting_count + is_free - 1) / is_free;
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
        (void)dequeue(s->batch);
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
                                   .function = kind->function,
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

    tell_refused(b);
    if (b->is_stopped) {
        fail_waiting(b, b->asked, &(struct tw_pg_rows){ .error = TW_EDOWN });
        return;
    }
    most = share_of_each(b);
    for (size_t i = 0; i < TW_PG_AT_ONCE && !tw_list_empty(&b->waiting); i++)
        if (b->statements[i]->count == 0)
            send_batch(b->statements[i], most);
}

static bool is_overfull(const struct tw_pg_batch *b, const struct tw_pg_question *q)
{
    uint64_t max = b->pool->max_waiting.count;

    return b->kind->is_urgent &&
           (b->waiting_count > max ||
            (q->share != 0 && b->waiting_of[q->share % TW_PG_SHARES] > (max + 1) / 2));
}

void tw_pg_ask(struct tw_pg_batch *b, struct tw_pg_question *q)
{
    q->number = ++b->asked;
    q->asked_ms = b->pool->loop->now_ms;
    if (is_overfull(b, q))
        tw_list_append(&b->refused, &q->link);
    else
        enqueue(b, q, false);
    if (b->kind->is_urgent && !b->is_stopped && !tw_deadline_is_set(&b->late))
        tw_after(b->pool->loop, &b->late, WAIT_MS, on_late);
    look_soon(b);
}

void tw_pg_batch_start(struct tw_pg_batch *b, const struct tw_pg_batch_kind *kind,
                       struct tw_pg_pool *pool)
{
    *b = (struct tw_pg_batch){ .kind = kind, .pool = pool };
    tw_list_init(&b->waiting);
    tw_list_init(&b->refused);
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
    tw_after_cancel(b->pool->loop, &b->late);
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
    if (b->pool != NULL)
        tw_after_cancel(b->pool->loop, &b->late);
}
