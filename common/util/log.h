/* log.h - events with typed fields, one line each on stderr, for the journal.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

enum tw_log_level { TW_LOG_ERROR, TW_LOG_WARN, TW_LOG_INFO, TW_LOG_DEBUG };

/* One field of a line; made by the functions below, which keep nothing. Values are escaped: no
 * raw newline, control or direction character survives. Never a key, token, body or phone. */
struct tw_field {
    const char *name;
    enum { TW_FIELD_TEXT, TW_FIELD_SIGNED, TW_FIELD_UNSIGNED } kind;
    struct tw_slice text;
    int64_t i;
    uint64_t u;
};

struct tw_field tw_str(const char *name, const char *value); /* null prints as "" */
struct tw_field tw_slc(const char *name, struct tw_slice value);
struct tw_field tw_i64(const char *name, int64_t value);
struct tw_field tw_u64(const char *name, uint64_t value);
struct tw_field tw_err(int err); /* `error` and its text */

/* `event` is a constant like "pg.down": a subject, a dot, what happened to it. */
void tw_log(enum tw_log_level level, const char *event, const struct tw_field *fields,
            size_t n);

#define TW_FIELDS(...)                                                                         \
    (const struct tw_field[])                                                                  \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
#define tw_log_at(level, event, ...)                                                           \
    tw_log(level, event, TW_FIELDS(__VA_ARGS__), TW_COUNT(TW_FIELDS(__VA_ARGS__)))
#define tw_log_error(event, ...) tw_log_at(TW_LOG_ERROR, event, __VA_ARGS__)
#define tw_log_warn(event, ...) tw_log_at(TW_LOG_WARN, event, __VA_ARGS__)
#define tw_log_info(event, ...) tw_log_at(TW_LOG_INFO, event, __VA_ARGS__)
#define tw_log_debug(event, ...) tw_log_at(TW_LOG_DEBUG, event, __VA_ARGS__)

/* Sets where and how lines go: `fd` becomes non-blocking, so that a full pipe drops lines (and
 * counts them) instead of stopping the loop. `program` (kept) is printed on each line. */
void tw_log_open(int fd, const char *program, enum tw_log_level level, bool json);

/* Whether lines of this level go anywhere: for fields that cost something to find. */
bool tw_log_shows(enum tw_log_level level);

bool tw_log_level_of(struct tw_slice name, enum tw_log_level *out);
uint64_t tw_log_lines(enum tw_log_level level); /* since the start, dropped ones included */
uint64_t tw_log_dropped(void); /* lines that found the pipe full, since the start */
