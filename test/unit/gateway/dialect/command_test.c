/* command_test.c - what a client asks for: one after the other, in its order, not too many.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/command.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_pool.h"

#define MAX_COUNT 3
#define BYTES 10

/* A client that notes the notes of its commands when they are answered. */
struct client {
    struct gw_commands commands;
    struct tw_loop loop; /* it never runs: see come_to */
    struct tw_pg_pool pool;
    struct tw_operations operations;
    struct tw_buf answered;
    unsigned released;
    bool ends_at_once; /* what `begin` says */
    struct gw_command *begun;
};

static struct client *now; /* of the test that runs: a command does not know its client */

static int open_client(void **state)
{
    struct client *c = tw_new(struct client);

    c->answered.max = 1000;
    tw_loop_init(&c->loop);
    fake_pool_start(&c->pool, &c->loop);
    tw_operations_start(&c->operations,
                        &(struct tw_operations_options){ .loop = &c->loop, .pool = &c->pool });
    gw_commands_init(&c->commands, &c->operations, MAX_COUNT);
    *state = now = c;
    return 0;
}

static int close_client(void **state)
{
    struct client *c = *state;

    gw_commands_leave(&c->commands);
    while (fake_pool_count(&c->pool) > 0)
        answer_operation(&c->pool, "200", "{}");
    tw_operations_done(&c->operations);
    tw_loop_done(&c->loop);
    tw_buf_done(&c->answered);
    free(c);
    return 0;
}

static void on_answer(struct gw_commands *q, const struct gw_command *c,
                      const struct tw_outcome *outcome)
{
    struct client *client = tw_container_of(q, struct client, commands);

    tw_buf_append(&client->answered, tw_buf_view(&c->note));
    tw_buf_char(&client->answered, '=');
    tw_buf_append(&client->answered, outcome->body);
    tw_buf_char(&client->answered, ' ');
}

static void on_release(struct gw_command *c)
{
    now->released++;
    free(c);
}

static struct gw_command *command(const char *name)
{
    struct gw_command *c = gw_command_new(name, true, BYTES, on_answer);

    c->release = on_release;
    tw_buf_text(&c->context, "{}");
    tw_buf_text(&c->note, name);
    return c;
}

static void commands_are_carried_out_one_after_the_other_in_their_order(void **state)
{
    struct client *c = *state;

    assert_true(gw_commands_add(&c->commands, command("one")));
    assert_true(gw_commands_add(&c->commands, command("two")));
    assert_true(gw_commands_add(&c->commands, command("three")));
    assert_int_equal(fake_pool_count(&c->pool), 1);
    assert_operation(&c->pool, "one", "");
    answer_operation(&c->pool, "200", "1");
    assert_buf(&c->answered, "one=1 ");
    assert_int_equal(fake_pool_count(&c->pool), 1);
    assert_operation(&c->pool, "two", "");
    answer_operation(&c->pool, "500", "2"); /* how it ends is its own affair */
    answer_operation(&c->pool, "200", "3");
    assert_buf(&c->answered, "one=1 two=2 three=3 ");
    assert_int_equal(c->commands.count, 0);
    assert_int_equal(c->released, 3);
}

static void what_waits_is_counted_in_bytes(void **state)
{
    struct client *c = *state;
    struct gw_command *one = command("one"), *two = command("two");

    tw_buf_text(&one->body, "123");
    tw_buf_text(&two->body, "45");
    assert_true(gw_commands_add(&c->commands, one));
    assert_true(gw_commands_add(&c->commands, two));
    assert_int_equal(c->commands.bytes, 5);
    answer_operation(&c->pool, "200", "1");
    assert_int_equal(c->commands.bytes, 2);
    answer_operation(&c->pool, "200", "2");
    assert_int_equal(c->commands.bytes, 0);
}

static void no_more_wait_than_may(void **state)
{
    struct client *c = *state;

    for (int i = 0; i < MAX_COUNT; i++)
        assert_true(gw_commands_add(&c->commands, command("one")));
    assert_false(gw_commands_add(&c->commands, command("one")));
    assert_int_equal(c->released, 1); /* it is gone */
    answer_operation(&c->pool, "200", "{}");
    assert_true(gw_commands_add(&c->commands, command("one")));
}

static void one_that_exceeds_its_limit_is_not_taken(void **state)
{
    struct client *c = *state;
    struct gw_command *large = command("one");

    tw_buf_text(&large->body, "12345678901");
    assert_false(gw_commands_add(&c->commands, large));
    large = command("one");
    tw_buf_text(&large->context, "123456789");
    assert_false(gw_commands_add(&c->commands, large));
    assert_int_equal(fake_pool_count(&c->pool), 0);
    assert_int_equal(c->released, 2);
}

static void
when_the_client_goes_what_waits_is_dropped_and_the_first_one_ends_by_itself(void **state)
{
    struct client *c = *state;

    assert_true(gw_commands_add(&c->commands, command("one")));
    assert_true(gw_commands_add(&c->commands, command("two")));
    gw_commands_leave(&c->commands);
    assert_int_equal(c->released, 1);
    answer_operation(&c->pool, "200", "1");
    assert_int_equal(c->released, 2);
    assert_int_equal(fake_pool_count(&c->pool), 0);
    assert_buf(&c->answered, "");
}

/* The end of its pause, at once. */
static void come_to(struct client *c, struct tw_deadline *pause)
{
    assert_true(tw_deadline_is_set(pause));
    tw_after_cancel(&c->loop, pause);
    pause->expired(pause);
}

static void one_that_keeps_trying_waits_for_the_database(void **state)
{
    struct client *c = *state;
    struct gw_command *one = command("one");

    one->keeps_trying = true;
    assert_true(gw_commands_add(&c->commands, one));
    assert_true(gw_commands_add(&c->commands, command("two")));
    for (int i = 0; i < 20; i++) {
        fake_pool_fail(&c->pool, TW_EDOWN, "");
        assert_int_equal(fake_pool_count(&c->pool), 0); /* the next one waits for it */
        come_to(c, &one->pause);
        assert_operation(&c->pool, "one", "");
    }
    answer_operation(&c->pool, "200", "1");
    assert_buf(&c->answered, "one=1 ");
    assert_operation(&c->pool, "two", "");
}

static void one_that_is_always_too_much_for_the_database_is_given_up(void **state)
{
    struct client *c = *state;
    struct gw_command *one = command("one");

    one->keeps_trying = true;
    assert_true(gw_commands_add(&c->commands, one));
    assert_true(gw_commands_add(&c->commands, command("two")));
    for (int i = 0; i < 10; i++) {
        fake_pool_fail(&c->pool, TW_EQUERY, "57014");
        come_to(c, &one->pause);
    }
    fake_pool_fail(&c->pool, TW_EQUERY, "57014");
    assert_buf(&c->answered, "one= ");
    assert_operation(&c->pool, "two", "");
}

static bool begin(struct gw_command *c)
{
    now->begun = c;
    return now->ends_at_once;
}

static struct gw_command *command_without_operation(const char *name)
{
    struct gw_command *c = command(name);

    c->begin = begin;
    return c;
}

static void a_command_that_has_ended_already_lets_the_next_one_begin(void **state)
{
    struct client *c = *state;

    c->ends_at_once = true;
    assert_true(gw_commands_add(&c->commands, command_without_operation("one")));
    assert_int_equal(c->released, 1);
    assert_int_equal(c->commands.count, 0);
    assert_true(gw_commands_add(&c->commands, command("two")));
    assert_true(gw_commands_add(&c->commands, command_without_operation("three")));
    assert_true(gw_commands_add(&c->commands, command("four")));
    answer_operation(&c->pool, "200", "2");
    assert_operation(&c->pool, "four", "");
    assert_int_equal(c->released, 3);
}

static void a_command_without_an_operation_is_under_way_until_it_is_ended(void **state)
{
    struct client *c = *state;

    assert_true(gw_commands_add(&c->commands, command_without_operation("one")));
    assert_true(gw_commands_add(&c->commands, command("two")));
    assert_int_equal(fake_pool_count(&c->pool), 0);
    gw_command_end(c->begun);
    assert_operation(&c->pool, "two", "");
    assert_int_equal(c->released, 1);
}

static void it_may_be_ended_after_its_client_has_gone(void **state)
{
    struct client *c = *state;

    assert_true(gw_commands_add(&c->commands, command_without_operation("one")));
    gw_commands_leave(&c->commands);
    assert_null(c->begun->queue);
    assert_int_equal(c->released, 0);
    gw_command_end(c->begun);
    assert_int_equal(c->released, 1);
}

static void each_has_a_request_id_of_its_own(void **state)
{
    struct gw_command *one = command("one"), *two = command("two");

    (void)state;
    assert_int_equal(strlen(one->request_id), 36);
    assert_string_not_equal(one->request_id, two->request_id);
    assert_true(gw_commands_add(&now->commands, one));
    assert_true(gw_commands_add(&now->commands, two));
}

static void a_client_that_never_began_may_go(void **state)
{
    struct gw_commands never = { 0 };

    (void)state;
    gw_commands_leave(&never);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_client, close_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(commands_are_carried_out_one_after_the_other_in_their_order),
        test(what_waits_is_counted_in_bytes),
        test(no_more_wait_than_may),
        test(one_that_exceeds_its_limit_is_not_taken),
        test(when_the_client_goes_what_waits_is_dropped_and_the_first_one_ends_by_itself),
        test(one_that_keeps_trying_waits_for_the_database),
        test(one_that_is_always_too_much_for_the_database_is_given_up),
        test(a_command_that_has_ended_already_lets_the_next_one_begin),
        test(a_command_without_an_operation_is_under_way_until_it_is_ended),
        test(it_may_be_ended_after_its_client_has_gone),
        test(each_has_a_request_id_of_its_own),
        cmocka_unit_test(a_client_that_never_began_may_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
