/* publisher.h - puts messages into Redis, or posts them, without waiting for an answer to each.
 * What goes wrong ends the program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBLISHER_PARTS 16

/* Zeroed before publisher_open. */
struct publisher {
    int fd; /* readable: call publisher_read */
    bool is_http;
    char *out; /* what the kernel has not taken yet */
    size_t len, cap;
    char *parts[PUBLISHER_PARTS]; /* text, @SEQ@ or @NAME@, text, … */
    size_t part_count;
};

/* `where` is redis:PORT:PASSWORD or http:PORT on this machine; `file` has the message, in which
 * @SEQ@ and @NAME@ are filled in. */
void publisher_open(struct publisher *p, const char *where, const char *file);

/* One message to the channel tw:t:<name>, or to /pub/<name>; publisher_flush sends it. */
void publisher_put(struct publisher *p, const char *name, uint64_t seq);
void publisher_flush(struct publisher *p);

/* Reads answers: an error of Redis ends the program. */
void publisher_read(struct publisher *p);
