/* check.h - cmocka, and what every unit test says besides: slices, rows of tables, dice.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

/* The bytes are exactly this text; shows both when they are not. */
#define assert_slice(slice, text) check_slice((slice), (text), __FILE__, __LINE__)
#define assert_buf(buf, text) check_slice(tw_buf_view(buf), (text), __FILE__, __LINE__)
void check_slice(struct tw_slice have, const char *want, const char *file, int line);

/* For loops over a table: when `truth` is false, `row` tells which one it was. */
#define assert_row(truth, row) check_row((truth), #truth, (row), __FILE__, __LINE__)
void check_row(bool truth, const char *claim, const char *row, const char *file, int line);

/* A copy on the heap of exactly this size, so that a byte read beyond it is noticed; free(). */
char *exact_copy(struct tw_slice bytes);

/* Numbers that look random and are the same each time: they begin at $SEED when that is set. */
struct dice {
    uint64_t state;
};
struct dice dice_new(void);
uint64_t dice_roll(struct dice *d, uint64_t below); /* 0 to below - 1 */
