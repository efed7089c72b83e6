/* certificates.c - a folder of its own, which goes with the program.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/certificates.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define PATHS 32

static char folder[64];
static char *paths[PATHS];
static size_t path_count;

/* `program` with the folder. */
static void run(const char *program)
{
    char command[160];

    (void)snprintf(command, sizeof(command), "%s '%s'", program, folder);
    assert_int_equal(system(command), 0);
}

static void remove_all(void)
{
    for (size_t i = 0; i < path_count; i++)
        free(paths[i]);
    run("rm -rf");
}

const char *certificate_path(const char *name)
{
    char path[160];

    if (folder[0] == '\0') {
        (void)snprintf(folder, sizeof(folder), "/tmp/certificates.XXXXXX");
        assert_non_null(mkdtemp(folder));
        (void)atexit(remove_all);
        run("test/support/certificates");
    }
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (size_t i = 0; i < path_count; i++)
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    assert_true(path_count < PATHS);
    paths[path_count] = tw_copy_text(path, strlen(path));
    return paths[path_count++];
}

struct tw_tls_context *certificate_server(const char *name)
{
    struct tw_buf problem = { .max = 1024 };
    char certificate[32], key[32];
    struct tw_tls_context *c;

    (void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    c = tw_tls_server_new(
        &(struct tw_tls_server_options){ .certificates = certificate_path(certificate),
                                         .keys = certificate_path(key) },
        &problem);
    assert_buf(&problem, "");
    assert_non_null(c);
    tw_buf_done(&problem);
    return c;
}

struct tw_tls_context *certificate_client(const char *authority)
{
    struct tw_buf problem = { .max = 1024 };
    char name[32];
    struct tw_tls_context *c;

    (void)snprintf(name, sizeof(name), "%s.pem", authority);
    c = tw_tls_client_new(
        &(struct tw_tls_client_options){ .authorities = certificate_path(name) }, &problem);
    assert_buf(&problem, "");
    assert_non_null(c);
    tw_buf_done(&problem);
    return c;
}
