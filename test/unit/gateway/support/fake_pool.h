/* fake_pool.h - stands in for pg_pool.h: calls wait until the test answers them, each with the
 * rows that it wants. Without sockets, so that a test says what happens first.
 *
 * It defines the functions of pg_pool.h and those that read a result; the linker then leaves
 * the real ones out of all programs that are linked with this folder.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/pg_pool.h"
#include "test/unit/support/check.h"

void fake_pool_start(struct tw_pg_pool *pool, struct tw_loop *loop);

/* How many calls wait, and the oldest of them: its SQL, and a parameter from 0 on. */
size_t fake_pool_count(const struct tw_pg_pool *pool);
const char *fake_pool_sql(const struct tw_pg_pool *pool);
struct tw_slice fake_pool_param(const struct tw_pg_pool *pool, size_t i);

/* The answer to the oldest call: rows of texts, a null pointer being SQL's null. */
void fake_pool_answer(struct tw_pg_pool *pool, const char *const *cells, size_t rows,
                      size_t columns);
#define fake_pool_row(pool, ...)                                                               \
    fake_pool_answer((pool), (const char *const[]){ __VA_ARGS__ }, 1,                          \
                     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define fake_pool_no_row(pool) fake_pool_answer((pool), NULL, 0, 0)

/* It ends with an error: TW_EQUERY with this SQLSTATE, or another one with "". */
void fake_pool_fail(struct tw_pg_pool *pool, int err, const char *sqlstate);

/* The oldest call is this operation of pos.call with this body; shows both when it is not. */
#define assert_operation(pool, name, body)                                                     \
    check_operation((pool), (name), (body), __FILE__, __LINE__)
void check_operation(const struct tw_pg_pool *pool, const char *name, const char *body,
                     const char *file, int line);

/* A member of its ctx, raw; "" when there is none. */
struct tw_slice operation_context(const struct tw_pg_pool *pool, const char *name);

/* Its answer: a status and a body. */
void answer_operation(struct tw_pg_pool *pool, const char *status, const char *body);
