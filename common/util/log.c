/* log.c - log lines: key=value or JSON, escaped, never waited for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/buf.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_write.h"

/* The one mutable global of the project: the sink. */
static struct {
    int fd;
    const char *program;
    enum tw_log_level level;
    bool json;
    bool journal; /* under systemd: a priority prefix, and no time of our own */
    uint64_t dropped, lines[TW_LOG_DEBUG + 1];
} sink = { .fd = STDERR_FILENO, .program = "tillwire", .level = TW_LOG_INFO };

static const char *const names[] = { "error", "warn", "info", "debug" };

void tw_log_open(int fd, const char *program, enum tw_log_level level, bool json)
{
    int flags = fcntl(fd, F_GETFL);

    sink.fd = fd;
    sink.program = program;
    sink.level = level;
    sink.json = json;
    sink.journal = getenv("JOURNAL_STREAM") != NULL;
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK); /* a regular file or tty keeps its way */
}

bool tw_log_shows(enum tw_log_level level)
{
    return level <= sink.level;
}

bool tw_log_level_of(struct tw_slice name, enum tw_log_level *out)
{
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        if (tw_slice_is(name, names[i])) {
            *out = (enum tw_log_level)i;
            return true;
        }
    }
    return false;
}

uint64_t tw_log_dropped(void)
{
    return sink.dropped;
}

uint64_t tw_log_lines(enum tw_log_level level)
{
    return sink.lines[level];
}

struct tw_field tw_str(const char *name, const char *value)
{
    return tw_slc(name, tw_slice_of(value));
}

struct tw_field tw_slc(const char *name, struct tw_slice value)
{
    return (struct tw_field){ .name = name, .kind = TW_FIELD_TEXT, .text = value };
}

struct tw_field tw_i64(const char *name, int64_t value)
{
    return (struct tw_field){ .name = name, .kind = TW_FIELD_SIGNED, .i = value };
}

struct tw_field tw_u64(const char *name, uint64_t value)
{
    return (struct tw_field){ .name = name, .kind = TW_FIELD_UNSIGNED, .u = value };
}

struct tw_field tw_err(int err)
{
    return tw_str("error", tw_err_text(err));
}

static bool is_plain(struct tw_slice s)
{
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return true;
}

static void put_value(struct tw_buf *line, const struct tw_field *f)
{
    switch (f->kind) {
    case TW_FIELD_SIGNED:
        tw_buf_i64(line, f->i);
        return;
    case TW_FIELD_UNSIGNED:
        tw_buf_u64(line, f->u);
        return;
    case TW_FIELD_TEXT:
        if (!sink.json && is_plain(f->text))
            tw_buf_append(line, f->text);
        else
            tw_json_put_ascii(line, f->text);
    }
}

static void put_field(struct tw_buf *line, const struct tw_field *f)
{
    if (sink.json) {
        if (line->len > 0 && line->at[line->len - 1] != '{')
            tw_buf_char(line, ',');
        tw_json_put_ascii(line, tw_slice_of(f->name));
        tw_buf_char(line, ':');
    } else {
        if (line->len > 0 && line->at[line->len - 1] != '>')
            tw_buf_char(line, ' ');
        tw_buf_text(line, f->name);
        tw_buf_char(line, '=');
    }
    put_value(line, f);
}

static void write_line(struct tw_buf *line)
{
    ssize_t n = write(sink.fd, line->at, line->len);

    if (n < 0 || (size_t)n != line->len)
        sink.dropped++;
}

void tw_log(enum tw_log_level level, const char *event, const struct tw_field *fields, size_t n)
{
    static const char *const priority[] = { "<3>", "<4>", "<6>", "<7>" };
    struct tw_buf line = { .max = 4096 };
    char time_text[TW_TIME_TEXT];
    struct tw_field head[4];
    size_t heads = 0;

    if (level > sink.level)
        return;
    sink.lines[level]++;
    tw_time_text(tw_wall_ms(), time_text);
    if (!sink.journal)
        head[heads++] = tw_str("at", time_text);
    head[heads++] = tw_str("level", names[level]);
    head[heads++] = tw_str("program", sink.program);
    head[heads++] = tw_str("event", event);
    if (sink.journal)
        tw_buf_text(&line, priority[level]);
    if (sink.json)
        tw_buf_char(&line, '{');
    for (size_t i = 0; i < heads; i++)
        put_field(&line, &head[i]);
    for (size_t i = 0; i < n; i++)
        put_field(&line, &fields[i]);
    if (sink.json)
        tw_buf_char(&line, '}');
    tw_buf_char(&line, '\n');
    if (line.failed || line.len < 2)
        sink.dropped++; /* a line too long to print is a line lost; it is counted */
    else
        write_line(&line);
    tw_buf_done(&line);
}
