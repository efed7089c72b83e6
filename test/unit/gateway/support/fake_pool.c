/* fake_pool.c - a list of calls, and tables of texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/fake_pool.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_view.h"

struct tw_pg_result {
    int err;
    const char *sqlstate;
    const char *const *cells;
    size_t rows, columns;
};

void fake_pool_start(struct tw_pg_pool *pool, struct tw_loop *loop)
{
    *pool = (struct tw_pg_pool){ .loop = loop };
    tw_list_init(&pool->waiting);
    pool->max_waiting.count = 1000;
}

void tw_pg_pool_call(struct tw_pg_pool *pool, struct tw_pg_call *call)
{
    assert_false(tw_list_linked(&call->link));
    call->pool = pool;
    tw_list_append(&pool->waiting, &call->link);
}

bool tw_pg_pool_is_up(const struct tw_pg_pool *pool)
{
    return !pool->is_closed;
}

/* Some calls are sent at the end of a turn of the loop: it ends when there is no other. */
static struct tw_pg_call *oldest(const struct tw_pg_pool *pool)
{
    struct tw_list *link;

    while (tw_list_empty(&pool->waiting) &&
           (link = tw_list_shift(&pool->loop->later)) != NULL) {
        struct tw_later *l = tw_container_of(link, struct tw_later, link);

        l->run(l);
    }
    assert_false(tw_list_empty(&pool->waiting));
    return tw_container_of(pool->waiting.next, struct tw_pg_call, link);
}

size_t fake_pool_count(const struct tw_pg_pool *pool)
{
    size_t n = 0;

    for (const struct tw_list *at = pool->waiting.next; at != &pool->waiting; at = at->next)
        n++;
    return n;
}

const char *fake_pool_sql(const struct tw_pg_pool *pool)
{
    return oldest(pool)->sql;
}

struct tw_slice fake_pool_param(const struct tw_pg_pool *pool, size_t i)
{
    assert_true((int)i < oldest(pool)->param_count);
    return oldest(pool)->params[i].bytes;
}

static void end_oldest(struct tw_pg_pool *pool, const struct tw_pg_result *result)
{
    struct tw_pg_call *call = oldest(pool);

    tw_list_remove(&call->link);
    call->done(call, result);
}

void fake_pool_answer(struct tw_pg_pool *pool, const char *const *cells, size_t rows,
                      size_t columns)
{
    end_oldest(pool, &(struct tw_pg_result){ 0, "", cells, rows, columns });
}

void fake_pool_fail(struct tw_pg_pool *pool, int err, const char *sqlstate)
{
    end_oldest(pool, &(struct tw_pg_result){ .err = err, .sqlstate = sqlstate });
}

int tw_pg_error(const struct tw_pg_result *r)
{
    return r->err;
}

const char *tw_pg_sqlstate(const struct tw_pg_result *r)
{
    return r->sqlstate;
}

const char *tw_pg_message(const struct tw_pg_result *r)
{
    (void)r;
    return "it was refused";
}

size_t tw_pg_rows(const struct tw_pg_result *r)
{
    return r->rows;
}

static const char *cell(const struct tw_pg_result *r, size_t row, int column)
{
    assert_true(row < r->rows && (size_t)column < r->columns);
    return r->cells[row * r->columns + (size_t)column];
}

bool tw_pg_is_null(const struct tw_pg_result *r, size_t row, int column)
{
    return cell(r, row, column) == NULL;
}

struct tw_slice tw_pg_text(const struct tw_pg_result *r, size_t row, int column)
{
    const char *text = cell(r, row, column);

    return tw_slice_of(text == NULL ? "" : text);
}

int64_t tw_pg_int(const struct tw_pg_result *r, size_t row, int column)
{
    const char *text = cell(r, row, column);

    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* --- Operations ------------------------------------------------------------------------------
 */

void check_operation(const struct tw_pg_pool *pool, const char *name, const char *body,
                     const char *file, int line)
{
    assert_non_null(strstr(fake_pool_sql(pool), "pos.call("));
    check_slice(fake_pool_param(pool, 0), name, file, line);
    check_slice(fake_pool_param(pool, 2), body, file, line);
}

struct tw_slice operation_context(const struct tw_pg_pool *pool, const char *name)
{
    struct tw_slice raw = { "", 0 };

    assert_non_null(strstr(fake_pool_sql(pool), "pos.call("));
    (void)tw_json_get(fake_pool_param(pool, 1), name, &raw);
    return raw;
}

void answer_operation(struct tw_pg_pool *pool, const char *status, const char *body)
{
    assert_non_null(strstr(fake_pool_sql(pool), "pos.call("));
    fake_pool_row(pool, status, body, NULL, "69fb5687-044a-48af-ac0e-d6b817aec684", "f");
}
