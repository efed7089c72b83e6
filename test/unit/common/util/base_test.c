/* base_test.c - counting, containers, checked allocation, and the end of a process with a bug.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/support/check.h"

struct inner {
    int number;
};

struct outer {
    char before[7];
    struct inner inner;
};

static void a_member_leads_to_what_it_is_in(void **state)
{
    struct outer o = { .inner = { 17 } };
    struct inner *inner = &o.inner;

    (void)state;
    assert_ptr_equal(tw_container_of(inner, struct outer, inner), &o);
    assert_int_equal(TW_COUNT(o.before), 7);
}

static void new_memory_is_zeroed(void **state)
{
    char *bytes = tw_alloc(1000, 3), *none = tw_alloc(0, 8);
    struct outer *o = tw_new(struct outer);

    (void)state;
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(bytes[i], 0);
    assert_non_null(none);
    assert_int_equal(o->inner.number, 0);
    free(bytes);
    free(none);
    free(o);
}

static void a_copy_ends_with_a_nul(void **state)
{
    char *copy = tw_copy_text("abcdef", 3), *empty = tw_copy_text(NULL, 0);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

/* In a child: how a process ends, and what it has said. */
static int end_of_child(void (*act)(void), char said[512])
{
    int ends[2], status = 0;
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0, 0 };

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    n = read(ends[0], said, 511);
    said[n > 0 ? n : 0] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_a_truth(void)
{
    TW_ASSERT(1 + 1 == 2);
}

static void assert_an_untruth(void)
{
    TW_ASSERT(1 + 1 == 3);
}

static void a_failed_assertion_is_logged_and_ends_the_process(void **state)
{
    char said[512];
    int status = end_of_child(assert_an_untruth, said);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "level=error event=bug"));
    assert_non_null(strstr(said, "base_test.c:"));
    assert_non_null(strstr(said, "1 + 1 == 3"));
}

static void a_true_assertion_does_nothing(void **state)
{
    char said[512];
    int status = end_of_child(assert_a_truth, said);

    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_leads_to_what_it_is_in),
        cmocka_unit_test(new_memory_is_zeroed),
        cmocka_unit_test(a_copy_ends_with_a_nul),
        cmocka_unit_test(a_failed_assertion_is_logged_and_ends_the_process),
        cmocka_unit_test(a_true_assertion_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
