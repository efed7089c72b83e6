/* caught_log.c - a pipe that the log writes and the test reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/caught_log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/util/log.h"
#include "test/unit/support/check.h"

static int ends[2];
static struct tw_buf caught = { .max = 4 * 1048576 };

void caught_log_begin(void)
{
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    tw_buf_clear(&caught);
    tw_log_open(ends[1], "test", TW_LOG_DEBUG, false);
}

static void read_pipe(void)
{
    ssize_t n;
    char *room;

    while ((room = tw_buf_room(&caught, 4096)) != NULL && (n = read(ends[0], room, 4096)) > 0)
        tw_buf_grew(&caught, (size_t)n);
}

int caught_log_count(const char *text)
{
    struct tw_slice rest, line;
    int n = 0;

    read_pipe();
    rest = tw_buf_view(&caught);
    while (tw_slice_split(&rest, '\n', &line))
        n += line.len > 0 && memmem(line.at, line.len, text, strlen(text)) != NULL ? 1 : 0;
    return n;
}

void caught_log_end(void)
{
    tw_log_open(STDERR_FILENO, "test", TW_LOG_ERROR, false);
    (void)close(ends[0]);
    (void)close(ends[1]);
    tw_buf_done(&caught);
}
