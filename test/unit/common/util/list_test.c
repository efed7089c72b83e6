/* list_test.c - intrusive lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/list.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

struct item {
    char name;
    struct tw_list link;
};

/* The names in the list, forwards; and backwards, since both directions must agree. */
static const char *names(struct tw_list *head)
{
    static char text[20];
    size_t n = 0, back = 0;

    tw_list_each(head, link) text[n++] = tw_container_of(link, struct item, link)->name;
    for (struct tw_list *link = head->prev; link != head; link = link->prev, back++)
        assert_int_equal(text[n - 1 - back], tw_container_of(link, struct item, link)->name);
    assert_int_equal(back, n);
    text[n] = '\0';
    return text;
}

static void a_new_list_is_empty(void **state)
{
    struct tw_list head, zero = { 0 };

    (void)state;
    tw_list_init(&head);
    assert_true(tw_list_empty(&head));
    assert_true(tw_list_empty(&zero));
    assert_null(tw_list_shift(&head));
    assert_string_equal(names(&head), "");
}

static void links_stand_in_the_order_of_coming(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
    struct tw_list head;

    (void)state;
    tw_list_init(&head);
    tw_list_append(&head, &b.link);
    tw_list_append(&head, &c.link);
    tw_list_prepend(&head, &a.link);
    assert_string_equal(names(&head), "abc");
    assert_false(tw_list_empty(&head));
}

static void a_removed_link_is_in_no_list_and_may_go_into_another(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
    struct tw_list head, other;

    (void)state;
    tw_list_init(&head);
    tw_list_init(&other);
    assert_false(tw_list_linked(&b.link));
    tw_list_append(&head, &a.link);
    tw_list_append(&head, &b.link);
    tw_list_append(&head, &c.link);
    assert_true(tw_list_linked(&b.link));
    tw_list_remove(&b.link);
    assert_false(tw_list_linked(&b.link));
    tw_list_remove(&b.link); /* twice is fine */
    assert_string_equal(names(&head), "ac");
    tw_list_append(&other, &b.link);
    assert_string_equal(names(&other), "b");
    tw_list_remove(&a.link);
    tw_list_remove(&c.link);
    assert_true(tw_list_empty(&head));
}

static void shifting_takes_the_first(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' };
    struct tw_list head;

    (void)state;
    tw_list_init(&head);
    tw_list_append(&head, &a.link);
    tw_list_append(&head, &b.link);
    assert_ptr_equal(tw_list_shift(&head), &a.link);
    assert_false(tw_list_linked(&a.link));
    assert_ptr_equal(tw_list_shift(&head), &b.link);
    assert_null(tw_list_shift(&head));
    assert_true(tw_list_empty(&head));
}

static void moving_all_appends_and_empties(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
    struct tw_list to, from;

    (void)state;
    tw_list_init(&to);
    tw_list_init(&from);
    tw_list_move_all(&to, &from);
    assert_true(tw_list_empty(&to));
    tw_list_append(&from, &a.link);
    tw_list_move_all(&to, &from); /* into an empty one */
    assert_string_equal(names(&to), "a");
    tw_list_append(&from, &b.link);
    tw_list_append(&from, &c.link);
    tw_list_move_all(&to, &from);
    assert_string_equal(names(&to), "abc");
    assert_string_equal(names(&from), "");
    tw_list_append(&from, &a.link); /* it is a good list still */
    tw_list_remove(&a.link);
    assert_true(tw_list_empty(&from));
}

static void a_walk_survives_the_removal_of_its_link(void **state)
{
    struct item items[5] = {
        { 'a', { 0 } }, { 'b', { 0 } }, { 'c', { 0 } }, { 'd', { 0 } }, { 'e', { 0 } }
    };
    struct tw_list head;
    size_t visited = 0;

    (void)state;
    tw_list_init(&head);
    for (size_t i = 0; i < TW_COUNT(items); i++)
        tw_list_append(&head, &items[i].link);
    tw_list_each(&head, link)
    {
        visited++;
        if (tw_container_of(link, struct item, link)->name != 'c')
            tw_list_remove(link);
    }
    assert_int_equal(visited, 5);
    assert_string_equal(names(&head), "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_list_is_empty),
        cmocka_unit_test(links_stand_in_the_order_of_coming),
        cmocka_unit_test(a_removed_link_is_in_no_list_and_may_go_into_another),
        cmocka_unit_test(shifting_takes_the_first),
        cmocka_unit_test(moving_all_appends_and_empties),
        cmocka_unit_test(a_walk_survives_the_removal_of_its_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
