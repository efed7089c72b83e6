/* base.h - the few things that every file may use: counting, containers, checked allocation.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TW_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object of `type` whose `member` is at `ptr`. */
#define tw_container_of(ptr, type, member)                                                     \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A bug of ours, in release builds too: say where, abort, be restarted. Never for bad input. */
#define TW_ASSERT(truth)                                                                       \
    do {                                                                                       \
        if (!(truth))                                                                          \
            tw_bug(__FILE__, __LINE__, #truth);                                                \
    } while (0)

_Noreturn void tw_bug(const char *file, int line, const char *what);

/* Zeroed memory for a size that we chose ourselves; gives (caller frees with free()). Running
 * out of it aborts: a restart loses nothing. Sizes that a peer chooses live in a tw_buf. */
void *tw_alloc(size_t count, size_t size);
#define tw_new(type) ((type *)tw_alloc(1, sizeof(type)))

/* The same, not zeroed: for what is written at once. */
void *tw_alloc_bytes(size_t size);

/* A copy of `len` bytes and a NUL after them; gives. Aborts when memory is out. */
char *tw_copy_text(const char *at, size_t len);
