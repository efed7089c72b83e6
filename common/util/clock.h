/* clock.h - time: monotonic for every limit, the wall clock only for people and for tokens.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/slice.h"

uint64_t tw_now_ms(void); /* monotonic; not related to the time of day */
uint64_t tw_now_us(void); /* the same clock, for measuring */
int64_t tw_wall_ms(void); /* milliseconds since 1970 UTC; may jump */

#define TW_TIME_TEXT 25 /* "2026-01-05T18:00:02.117Z" and a NUL */

/* RFC 3339, UTC, milliseconds. */
void tw_time_text(int64_t wall_ms, char out[TW_TIME_TEXT]);

/* The moment that tw_time_text has written; false for any other form. */
bool tw_time_read(struct tw_slice text, int64_t *wall_ms);

#define TW_HTTP_DATE 30 /* "Mon, 05 Jan 2026 18:00:02 GMT" and a NUL */

/* RFC 9110 section 5.6.7. */
void tw_http_date(int64_t wall_ms, char out[TW_HTTP_DATE]);
