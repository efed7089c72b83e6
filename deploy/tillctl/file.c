/* file.c - see file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/buf.h"

#define FILE_BYTES ((size_t)64 << 20) /* a menu of ten thousand dishes has two million */
#define READ_BYTES 65536

/* The whole of it; null, and why was said. */
static char *read_all(const char *path, int fd)
{
    struct tw_buf text = { .max = FILE_BYTES };
    const char *fault = NULL;
    ssize_t n = 1;
    char *all;

    while (n > 0) {
        char *room = tw_buf_room(&text, READ_BYTES);

        if (room == NULL) {
            fault = "it has more than 64 MB";
            break;
        }
        n = read(fd, room, READ_BYTES);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            tw_buf_grew(&text, (size_t)n);
    }
    if (n < 0)
        fault = strerror(errno);
    else if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
        fault = "it is no text: it has a zero byte";
    if (fault != NULL)
        (void)fprintf(stderr, "tillctl: %s: %s\n", path, fault);
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    all = fault == NULL ? tw_copy_text(text.len == 0 ? "" : text.at, text.len) : NULL;
    tw_buf_done(&text);
    return all;
}

char *file_read(const char *path)
{
    bool is_standard = strcmp(path, "-") == 0;
    int fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *all;

    if (fd < 0) {
        (void)fprintf(stderr, "tillctl: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    if (is_standard && isatty(fd) == 1)
        (void)fputs("tillctl: reads from here; end it with Ctrl-D on a line of its own\n",
                    stderr);
    all = read_all(is_standard ? "the standard input" : path, fd);
    if (!is_standard)
        (void)close(fd);
    return all;
}
