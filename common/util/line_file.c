/* line_file.c - one line is read, and nothing behind it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/line_file.h"

#include <stdio.h>
#include <string.h>

bool tw_line_of_file(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    bool ok = f != NULL && fgets(out, (int)size, f) != NULL;
    size_t end;

    if (f != NULL)
        (void)fclose(f);
    end = ok ? strcspn(out, "\r\n") : 0;
    ok = ok && (out[end] != '\0' || strlen(out) < size - 1);
    out[ok ? end : 0] = '\0';
    return ok;
}
