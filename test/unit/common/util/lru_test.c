/* lru_test.c - what is remembered, and what is forgotten first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/lru.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

struct thing {
    struct tw_lru_entry entry;
    char name;
};

static struct tw_buf released = { .max = 100 };

static void on_release(struct tw_lru_entry *e)
{
    struct thing *t = tw_container_of(e, struct thing, entry);

    tw_buf_char(&released, t->name);
    free(t);
}

static void put(struct tw_lru *l, const char *key, char name)
{
    struct thing *t = tw_new(struct thing);

    t->name = name;
    tw_lru_put(l, tw_slice_of(key), &t->entry);
}

static char get(struct tw_lru *l, const char *key)
{
    struct tw_lru_entry *e = tw_lru_get(l, tw_slice_of(key));

    return e == NULL ? '-' : tw_container_of(e, struct thing, entry)->name;
}

static int begin(void **state)
{
    static struct tw_lru l;

    tw_lru_start(&l, 3, on_release);
    *state = &l;
    return 0;
}

static int end(void **state)
{
    tw_lru_done(*state);
    tw_buf_done(&released);
    return 0;
}

static void the_one_used_longest_ago_goes_first(void **state)
{
    struct tw_lru *l = *state;

    put(l, "a", 'a');
    put(l, "b", 'b');
    put(l, "c", 'c');
    assert_int_equal(get(l, "a"), 'a');
    put(l, "d", 'd');
    assert_buf(&released, "b");
    assert_int_equal(get(l, "b"), '-');
    put(l, "e", 'e');
    assert_buf(&released, "bc");
    assert_int_equal(get(l, "a"), 'a');
}

static void what_is_put_again_replaces_what_was_there(void **state)
{
    struct tw_lru *l = *state;

    put(l, "a", 'a');
    put(l, "a", 'A');
    assert_buf(&released, "a");
    assert_int_equal(get(l, "a"), 'A');
    assert_int_equal(l->map.count, 1);
}

static void one_is_forgotten_or_all_are(void **state)
{
    struct tw_lru *l = *state;

    put(l, "a", 'a');
    put(l, "b", 'b');
    put(l, "c", 'c');
    tw_lru_forget(l, tw_lru_get(l, TW_LIT("b")));
    assert_buf(&released, "b");
    assert_int_equal(tw_container_of(tw_lru_oldest(l), struct thing, entry)->name, 'a');
    tw_lru_forget_all(l);
    assert_buf(&released, "bac");
    assert_null(tw_lru_oldest(l));
    put(l, "a", 'x'); /* it can be used again */
    assert_int_equal(get(l, "a"), 'x');
}

static void one_that_was_not_started_has_nothing_to_release(void **state)
{
    struct tw_lru none = { .max = 0 };

    (void)state;
    tw_lru_done(&none);
}

#define test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_one_used_longest_ago_goes_first),
        test(what_is_put_again_replaces_what_was_there),
        test(one_is_forgotten_or_all_are),
        test(one_that_was_not_started_has_nothing_to_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
