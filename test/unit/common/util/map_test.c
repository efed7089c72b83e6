/* map_test.c - the hash table whose keys come from peers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void the_hash_is_siphash_1_3(void **state)
{
    /* Of the bytes 0, 1, 2 … under the key 0, 1 … 15; from another implementation, which also
     * gives the published vectors of SipHash-2-4. */
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        { 0, 0xabac0158050fc4dcu },  { 1, 0xc9f49bf37d57ca93u },  { 7, 0xd3927d989bb11140u },
        { 8, 0x369095118d299a8eu },  { 9, 0x25a48eb36c063de4u },  { 15, 0xd320d86d2a519956u },
        { 16, 0xcc4fdd1a7d908b66u }, { 63, 0x9d199062b7bbb3a8u },
    };
    uint8_t key[16];
    char bytes[64];

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    tw_hash_seed(key);
    for (size_t i = 0; i < TW_COUNT(vectors); i++)
        assert_int_equal(tw_hash(tw_slice_from(bytes, vectors[i].len)), vectors[i].hash);
}

static void the_hash_depends_on_the_process_s_key(void **state)
{
    uint8_t key[16] = { 1, 2, 3 };
    uint64_t one, other;

    (void)state;
    tw_hash_seed(key);
    one = tw_hash(TW_LIT("kitchen"));
    key[15] = 1;
    tw_hash_seed(key);
    other = tw_hash(TW_LIT("kitchen"));
    assert_int_not_equal(one, other);
}

static void an_empty_map_has_nothing(void **state)
{
    struct tw_map m = { 0 };
    struct tw_slice key;

    (void)state;
    assert_null(tw_map_get(&m, TW_LIT("a")));
    assert_null(tw_map_remove(&m, TW_LIT("a")));
    assert_null(tw_map_any(&m, &key));
    tw_map_done(&m);
}

static void setting_again_gives_the_value_that_was_there(void **state)
{
    struct tw_map m = { 0 };
    int first, second;

    (void)state;
    assert_null(tw_map_set(&m, TW_LIT("a"), &first));
    assert_ptr_equal(tw_map_set(&m, TW_LIT("a"), &second), &first);
    assert_ptr_equal(tw_map_get(&m, TW_LIT("a")), &second);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(tw_map_remove(&m, TW_LIT("a")), &second);
    assert_null(tw_map_get(&m, TW_LIT("a")));
    assert_int_equal(m.count, 0);
    tw_map_done(&m);
}

static void keys_are_bytes_and_are_copied(void **state)
{
    struct tw_map m = { 0 };
    int empty, one, two;
    char name[] = "a\0b";

    (void)state;
    (void)tw_map_set(&m, TW_EMPTY, &empty);
    (void)tw_map_set(&m, tw_slice_from(name, 1), &one);
    (void)tw_map_set(&m, tw_slice_from(name, 3), &two);
    memset(name, 'x', sizeof(name));
    assert_ptr_equal(tw_map_get(&m, TW_LIT("")), &empty);
    assert_ptr_equal(tw_map_get(&m, TW_LIT("a")), &one);
    assert_ptr_equal(tw_map_get(&m, TW_LIT("a\0b")), &two);
    assert_int_equal(m.count, 3);
    tw_map_done(&m);
}

#define KEYS 3000

static struct tw_slice key_of(size_t i, char text[32])
{
    return tw_slice_from(text, (size_t)snprintf(text, 32, "tenant-%zu", i));
}

static void note_visit(struct tw_slice key, void *value, void *arg)
{
    int *values = arg;
    char text[32];
    size_t i = (size_t)((int *)value - values);

    assert_true(tw_slice_eq(key, key_of(i, text)));
    values[i]++;
}

static void random_operations_agree_with_a_plain_array(void **state)
{
    static int values[KEYS];
    static bool is_in[KEYS];
    struct dice dice = dice_new();
    struct tw_map m = { 0 };
    char text[32];
    size_t count = 0;

    (void)state;
    for (int step = 0; step < 100000; step++) {
        size_t i = (size_t)dice_roll(&dice, KEYS);
        void *here = is_in[i] ? &values[i] : NULL;

        if (dice_roll(&dice, 5) < 3) {
            assert_ptr_equal(tw_map_set(&m, key_of(i, text), &values[i]), here);
            count += is_in[i] ? 0 : 1;
            is_in[i] = true;
        } else {
            assert_ptr_equal(tw_map_remove(&m, key_of(i, text)), here);
            count -= is_in[i] ? 1 : 0;
            is_in[i] = false;
        }
        assert_int_equal(m.count, count);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(tw_map_get(&m, key_of(i, text)), is_in[i] ? &values[i] : NULL);
    tw_map_each(&m, note_visit, values);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(values[i], is_in[i] ? 1 : 0);
    tw_map_done(&m);
    assert_int_equal(m.count, 0);
}

static void a_map_can_be_taken_apart_by_any_of_its_entries(void **state)
{
    static int values[100];
    struct tw_map m = { 0 };
    struct tw_slice key;
    char text[32];
    size_t n = 0;
    void *value;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(values); i++)
        (void)tw_map_set(&m, key_of(i, text), &values[i]);
    while ((value = tw_map_any(&m, &key)) != NULL) {
        assert_ptr_equal(tw_map_remove(&m, key), value);
        n++;
    }
    assert_int_equal(n, TW_COUNT(values));
    assert_int_equal(m.count, 0);
    tw_map_done(&m);
}

static void what_is_set_while_it_is_taken_apart_is_found_too(void **state)
{
    static int values[1000];
    struct tw_map m = { 0 };
    struct tw_slice key;
    char text[32];
    size_t set = 0, taken = 0;

    (void)state;
    while (taken < TW_COUNT(values)) {
        for (int i = 0; i < 3 && set < TW_COUNT(values); i++, set++)
            (void)tw_map_set(&m, key_of(set, text), &values[set]);
        for (int i = 0; i < 2 && tw_map_any(&m, &key) != NULL; i++, taken++)
            (void)tw_map_remove(&m, key);
    }
    assert_null(tw_map_any(&m, &key));
    tw_map_done(&m);
}

static void a_lent_key_is_not_copied_and_another_one_takes_its_place(void **state)
{
    char first[] = "kitchen", second[] = "kitchen";
    int one = 1, two = 2;
    struct tw_map m = { 0 };
    struct tw_slice key;

    (void)state;
    assert_null(tw_map_set_lent(&m, tw_slice_of(first), &one));
    assert_ptr_equal(tw_map_any(&m, &key), &one);
    assert_ptr_equal(key.at, first);
    assert_ptr_equal(tw_map_set_lent(&m, tw_slice_of(second), &two), &one);
    memset(first, 'x', sizeof(first)); /* it went with its value */
    assert_ptr_equal(tw_map_get(&m, TW_LIT("kitchen")), &two);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(tw_map_remove(&m, tw_slice_of(second)), &two);
    assert_null(tw_map_get(&m, TW_LIT("kitchen")));
    tw_map_done(&m);
}

static void what_is_put_has_a_key_that_the_map_keeps(void **state)
{
    char text[] = "bistro";
    int one = 1, two = 2;
    struct tw_map m = { 0 };
    struct tw_slice kept, again;

    (void)state;
    assert_null(tw_map_put(&m, tw_slice_of(text), &one, &kept));
    memset(text, 'x', sizeof(text));
    assert_slice(kept, "bistro");
    assert_ptr_equal(tw_map_put(&m, TW_LIT("bistro"), &two, &again), &one);
    assert_ptr_equal(again.at, kept.at);
    assert_ptr_equal(tw_map_remove(&m, kept), &two);
    tw_map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash_1_3),
        cmocka_unit_test(the_hash_depends_on_the_process_s_key),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(setting_again_gives_the_value_that_was_there),
        cmocka_unit_test(keys_are_bytes_and_are_copied),
        cmocka_unit_test(random_operations_agree_with_a_plain_array),
        cmocka_unit_test(a_map_can_be_taken_apart_by_any_of_its_entries),
        cmocka_unit_test(what_is_set_while_it_is_taken_apart_is_found_too),
        cmocka_unit_test(a_lent_key_is_not_copied_and_another_one_takes_its_place),
        cmocka_unit_test(what_is_put_has_a_key_that_the_map_keeps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
