/* clock.c - the clocks and their two spellings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/clock.h"

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

uint64_t tw_now_us(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
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

/* `n` decimal digits, with zeros in front. */
static char *put_digits(char *out, int value, int n)
{
    for (int i = n - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + n;
}

static char *put_char(char *out, char c)
{
    *out = c;
    return out + 1;
}

/* hh:mm:ss */
static char *put_time(char *out, const struct tm *t)
{
    out = put_char(put_digits(out, t->tm_hour, 2), ':');
    out = put_char(put_digits(out, t->tm_min, 2), ':');
    return put_digits(out, t->tm_sec, 2);
}

void tw_time_text(int64_t wall_ms, char out[TW_TIME_TEXT])
{
    struct tm t = calendar(wall_ms);

    out = put_char(put_digits(out, t.tm_year + 1900, 4), '-');
    out = put_char(put_digits(out, t.tm_mon + 1, 2), '-');
    out = put_char(put_digits(out, t.tm_mday, 2), 'T');
    out = put_char(put_time(out, &t), '.');
    out = put_digits(out, (int)(wall_ms < 0 ? 0 : wall_ms % 1000), 3);
    memcpy(out, "Z", 2);
}

/* Days since 1970 of a day in the calendar of today; the year begins in March here, so that its
 * leap day is the last one. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

bool tw_time_read(struct tw_slice text, int64_t *wall_ms)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    int64_t numbers[7] = { 0 }, *n = numbers, days;

    if (text.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.at[i] >= '0' && text.at[i] <= '9';

        if (form[i] == '0' ? !is_digit : text.at[i] != form[i])
            return false;
        if (is_digit)
            *n = *n * 10 + (text.at[i] - '0');
        else
            n++;
    }
    days = days_of(numbers[0], numbers[1], numbers[2]);
    *wall_ms =
        (((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + numbers[5]) * 1000 + numbers[6];
    return true;
}

void tw_http_date(int64_t wall_ms, char out[TW_HTTP_DATE])
{
    static const char days[7][6] = { "Sun, ", "Mon, ", "Tue, ", "Wed, ",
                                     "Thu, ", "Fri, ", "Sat, " };
    static const char months[12][6] = { " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                                        " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec " };
    struct tm t = calendar(wall_ms);

    memcpy(out, days[t.tm_wday % 7], 5);
    out = put_digits(out + 5, t.tm_mday, 2);
    memcpy(out, months[t.tm_mon % 12], 5);
    out = put_char(put_digits(out + 5, t.tm_year + 1900, 4), ' ');
    memcpy(put_time(out, &t), " GMT", 5);
}
