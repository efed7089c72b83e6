/* tls_client_test.c - a client's files, as a URL names them, and when they change.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/tls_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/certificates.h"
#include "test/unit/support/check.h"

static void a_url_names_files_in_libpqs_words(void **state)
{
    static const struct {
        const char *query;
        int result;
    } rows[] = {
        { "", 0 },
        { "sslrootcert=/a.pem", 0 },
        { "sslrootcert=/a.pem&sslcert=/b.pem&sslkey=/c.key", 0 },
        { "sslkey=/c.key&sslcert=/b.pem", 0 },
        { "sslrootcert=%2Fa%20b.pem", 0 },
        { "sslcert=/b.pem", TW_ECONFIG },
        { "sslkey=/c.key", TW_ECONFIG },
        { "sslrootcert=", TW_ECONFIG },
        { "sslrootcert", TW_ECONFIG },
        { "sslrootcert=/a&sslrootcert=/b", TW_ECONFIG },
        { "sslmode=disable", TW_ECONFIG },
        { "sslrootcert=%zz", TW_ECONFIG },
        { "&", TW_ECONFIG },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_tls_client c = { .context = NULL };

        assert_int_equal(tw_tls_client_read(&c, tw_slice_of(rows[i].query)), rows[i].result);
        tw_tls_client_done(&c);
    }
}

static void copy(const char *from, const char *to)
{
    char command[400];

    (void)snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

/* What is unchanged is not read again; what became garbage leaves what there was. */
static void files_are_read_when_they_have_changed(void **state)
{
    const char *path = certificate_path("changing.pem"), *wrong = certificate_path("ca.key");
    struct tw_tls_client c = { .context = NULL };
    struct tw_buf problem = { .max = 1024 };
    struct tw_tls_context *first;
    char query[200];

    (void)state;
    (void)snprintf(query, sizeof(query), "sslrootcert=%s", path);
    assert_int_equal(tw_tls_client_read(&c, tw_slice_of(query)), 0);
    assert_null(tw_tls_client_context(&c, &problem));
    assert_true(problem.len > 0);
    tw_buf_clear(&problem);
    copy(certificate_path("ca.pem"), path);
    first = tw_tls_client_context(&c, &problem);
    assert_non_null(first);
    assert_ptr_equal(tw_tls_client_context(&c, &problem), first);
    assert_int_equal(problem.len, 0);
    copy(wrong, path);
    assert_ptr_equal(tw_tls_client_context(&c, &problem), first);
    assert_true(problem.len > 0);
    tw_buf_clear(&problem);
    tw_tls_context_keep(first); /* so that the next one is not in its place */
    copy(certificate_path("stranger.pem"), path);
    assert_ptr_not_equal(tw_tls_client_context(&c, &problem), first);
    assert_int_equal(problem.len, 0);
    assert_int_equal(unlink(path), 0);
    assert_non_null(tw_tls_client_context(&c, &problem)); /* the last good one */
    assert_true(problem.len > 0);
    tw_tls_context_drop(first);
    tw_tls_client_done(&c);
    tw_buf_done(&problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_names_files_in_libpqs_words),
        cmocka_unit_test(files_are_read_when_they_have_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
