/* err.c - what the error numbers mean, for logs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/err.h"

#include <stddef.h>
#include <uv.h>

#include "common/util/base.h"

static const struct {
    int number;
    const char *text;
} table[] = {
    { TW_ESYNTAX, "malformed" },
    { TW_ETOOBIG, "over a limit" },
    { TW_EDUPLICATE, "duplicate member" },
    { TW_EAUTH, "not authenticated" },
    { TW_EFULL, "queue full" },
    { TW_ETIMEOUT, "timed out" },
    { TW_EDOWN, "not connected" },
    { TW_ELOST, "connection lost" },
    { TW_EQUERY, "statement refused" },
    { TW_ECONFIG, "bad setting" },
    { TW_ETLS, "TLS failed" },
};

/* Not uv_strerror: it allocates, and leaks, for a number that it does not know. */
#define ROW(name, text) { UV_##name, text },
static const struct {
    int number;
    const char *text;
} theirs[] = { UV_ERRNO_MAP(ROW) };
#undef ROW

const char *tw_err_text(int err)
{
    for (size_t i = 0; i < TW_COUNT(table); i++)
        if (table[i].number == err)
            return table[i].text;
    for (size_t i = 0; i < TW_COUNT(theirs); i++)
        if (theirs[i].number == err)
            return theirs[i].text;
    return err == 0 ? "ok" : "unknown error";
}
