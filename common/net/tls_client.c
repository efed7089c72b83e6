/* tls_client.c - paths, and what is known of their files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/tls_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"

#define PATH_BYTES 1024

static const struct {
    const char *name;
    size_t offset;
} words[TW_TLS_CLIENT_FILES] = {
    { "sslrootcert", offsetof(struct tw_tls_client_options, authorities) },
    { "sslcert", offsetof(struct tw_tls_client_options, certificate) },
    { "sslkey", offsetof(struct tw_tls_client_options, key) },
};

static char **path_at(struct tw_tls_client *c, size_t i)
{
    return (char **)(void *)((char *)&c->files + words[i].offset);
}

static int read_word(struct tw_tls_client *c, struct tw_slice name, struct tw_slice value)
{
    struct tw_buf path = { .max = PATH_BYTES };
    int r = TW_ECONFIG;

    for (size_t i = 0; i < TW_COUNT(words); i++) {
        if (!tw_slice_is(name, words[i].name) || *path_at(c, i) != NULL ||
            !tw_percent_decode(&path, value, false) || path.len == 0)
            continue;
        *path_at(c, i) = tw_copy_text(path.at, path.len);
        r = 0;
    }
    tw_buf_done(&path);
    return r;
}

int tw_tls_client_read(struct tw_tls_client *c, struct tw_slice query)
{
    struct tw_slice one, name;
    int r = 0;

    while (r == 0 && query.len > 0 && tw_slice_split(&query, '&', &one)) {
        if (!tw_slice_split(&one, '=', &name))
            return TW_ECONFIG;
        r = read_word(c, name, one);
    }
    return (c->files.certificate == NULL) != (c->files.key == NULL) ? TW_ECONFIG : r;
}

/* Whether one of the files is another one now, or was never looked at. */
static bool has_changed(struct tw_tls_client *c)
{
    bool changed = c->context == NULL;

    for (size_t i = 0; i < TW_COUNT(words); i++) {
        const char *path = *path_at(c, i);
        struct tw_file_stamp now = { 0 };
        struct stat st;

        if (path != NULL && stat(path, &st) == 0)
            now = (struct tw_file_stamp){ .changed_ns = st.st_mtim.tv_sec * 1000000000LL +
                                                        st.st_mtim.tv_nsec,
                                          .bytes = st.st_size,
                                          .inode = st.st_ino };
        changed = changed || now.changed_ns != c->seen[i].changed_ns ||
                  now.bytes != c->seen[i].bytes || now.inode != c->seen[i].inode;
        c->seen[i] = now;
    }
    return changed;
}

struct tw_tls_context *tw_tls_client_context(struct tw_tls_client *c, struct tw_buf *problem)
{
    struct tw_tls_context *now;

    if (!has_changed(c))
        return c->context;
    now = tw_tls_client_new(&c->files, problem);
    if (now == NULL)
        return c->context; /* until they change once more */
    tw_tls_context_drop(c->context);
    c->context = now;
    return now;
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void tw_tls_client_inherit(struct tw_tls_client *c, struct tw_tls_client *old)
{
    struct tw_tls_client own = *c;

    for (size_t i = 0; i < TW_COUNT(words); i++)
        if (!is_same(*path_at(c, i), *path_at(old, i)))
            return;
    *c = *old;
    *old = own;
}

void tw_tls_client_done(struct tw_tls_client *c)
{
    for (size_t i = 0; i < TW_COUNT(words); i++)
        free(*path_at(c, i));
    tw_tls_context_drop(c->context);
    *c = (struct tw_tls_client){ 0 };
}
