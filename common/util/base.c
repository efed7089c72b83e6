/* base.c - checked allocation and the end of a process that found a bug in itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "level=error event=bug at=%s:%d assertion=\"%s\"\n", file, line, what);
    abort();
}

void *tw_alloc(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size);

    if (p == NULL)
        tw_bug(__FILE__, __LINE__, "out of memory");
    return p;
}

void *tw_alloc_bytes(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);

    if (p == NULL)
        tw_bug(__FILE__, __LINE__, "out of memory");
    return p;
}

char *tw_copy_text(const char *at, size_t len)
{
    char *copy = tw_alloc_bytes(len + 1);

    if (len > 0)
        memcpy(copy, at, len);
    copy[len] = '\0';
    return copy;
}
