/* clock.c - the clocks and their two spellings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t = { 0 };

    (void)clock_gettime(id, &t); /* fails only for an unknown clock */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t tw_now_ms(void)
{
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

int64_t tw_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

/* The calendar fields of a moment; years outside 1970 to 9999 become the nearest of them. */
static struct tm calendar(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms < 0 ? 0 : wall_ms / 1000);
    struct tm t = { 0 };

    if (seconds > 253402300799)
        seconds = 253402300799;
    (void)gmtime_r(&seconds, &t); /* fails only for years beyond int */
    return t;
}

void tw_time_text(int64_t wall_ms, char out[TW_TIME_TEXT])
{
    struct tm t = calendar(wall_ms);
    char text[64];
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);

    (void)snprintf(text + len, sizeof(text) - len, ".%03dZ",
                   (int)(wall_ms < 0 ? 0 : wall_ms % 1000));
    memcpy(out, text, TW_TIME_TEXT);
}

void tw_http_date(int64_t wall_ms, char out[TW_HTTP_DATE])
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm t = calendar(wall_ms);
    char text[96];

    (void)snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[t.tm_wday % 7], t.tm_mday, months[t.tm_mon % 12], t.tm_year + 1900,
                   t.tm_hour, t.tm_min, t.tm_sec);
    memcpy(out, text, TW_HTTP_DATE);
}
