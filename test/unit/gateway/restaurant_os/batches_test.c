/* batches_test.c - docs/protocols/restaurantos.md section 5: changes of orders that come close
 * together follow once more, in one event.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/base.h"
#include "test/unit/gateway/support/fake_screens.h"

#define PAYLOAD(seq)                                                                           \
    "{\"orderId\":\"41\",\"timestamp\":\"" EVENT_AT "\",\"restaurant_id\":\"" KITCHEN_ID       \
    "\",\"seq\":" seq "}"
#define DELETED(seq) "42[\"order:deleted\"," PAYLOAD(seq) ",\"" seq "\"]\n"
#define ITEM(seq)                                                                              \
    "{\"type\":\"order:deleted\",\"orderId\":\"41\",\"seq\":" seq ",\"data\":" PAYLOAD(seq) "}"

/* Two rooms have no name outside of their file; their one deadline is the newest of the loop.
 */
static void end_tenth(struct screens *s)
{
    tw_deadlines_run(&s->gateway->loop->deadlines, s->gateway->loop->now_ms + 200);
    end_turn(s->gateway);
}

static void delete_order(struct screens *s, uint64_t seq)
{
    publish(s->gateway, seq, "order.deleted", "{\"kind\":\"api\"}",
            "{\"orderId\":41,\"updatedAt\":\"" EVENT_AT "\"}");
}

static void two_changes_of_orders_are_a_batch(void **state)
{
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0);

    delete_order(s, 17);
    delete_order(s, 18);
    assert_packets(one, DELETED("17") DELETED("18"));
    end_tenth(s);
    assert_packets(one, "42[\"orders:batch_update\",[" ITEM("17") "," ITEM("18") "]]\n");
    end_tenth(s);
    assert_packets(one, "");
}

static void one_change_is_none(void **state)
{
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0);

    delete_order(s, 17);
    publish(s->gateway, 18, "table.completed", "{\"kind\":\"api\"}", "{}");
    tw_buf_clear(&one->heard);
    end_tenth(s);
    assert_packets(one, "");
}

static void one_that_has_not_heard_all_of_it_gets_no_batch(void **state)
{
    struct screens *s = *state;
    struct screen *one = join_screen(s, 0), *late;

    delete_order(s, 17);
    late = join_screen(s, 1);
    delete_order(s, 18);
    assert_packets(late, DELETED("18"));
    end_tenth(s);
    assert_packets(late, "");
    assert_packets(one, DELETED("17") DELETED("18") "42[\"orders:batch_update\",[" ITEM(
                            "17") "," ITEM("18") "]]\n");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_screens, close_screens)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(two_changes_of_orders_are_a_batch),
        test(one_change_is_none),
        test(one_that_has_not_heard_all_of_it_gets_no_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
