/* minipos_staff_test.c - what is kept of the staff that tablets speak of, and when a tablet is
 * sent the list.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos_staff.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json_view.h"
#include "gateway/shared_state/device.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define STAFF_KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ADA "{\"id\":\"1\",\"name\":\"Ada\",\"password\":\"lovelace\"}"
#define BOB "{\"id\":2,\"name\":\"Bob\",\"password\":\"ross\"}"
#define USERS(action, data)                                                                    \
    "{\"type\":\"UPDATE_USERS\",\"data\":{\"action\":\"" action "\",\"data\":" data "},"       \
    "\"clientId\":\"client_1\"}"
#define BROADCAST                                                                              \
    "{\"type\":\"USER_SYNC\",\"data\":{\"action\":\"broadcast_users\",\"users\":[" ADA "," BOB \
    "]},\"clientId\":\"client_1\"}"
#define REQUEST                                                                                \
    "{\"type\":\"USER_SYNC\",\"data\":{\"action\":\"request_users\"},\"clientId\":\"client_"   \
    "1\"}"

/* The action and the ids of the operation that waits: "replace 1 2", a + after each that has
 * something sealed. */
static void put_kept(struct gateway *g, struct tw_buf *out)
{
    struct tw_slice body = fake_pool_param(&g->pool, 2), text, users, one, sealed;

    assert_true(tw_json_get_text(body, "action", &text));
    tw_buf_append(out, text);
    assert_true(tw_json_get(body, "users", &users));
    while (tw_json_element(&users, &one)) {
        assert_true(tw_json_get_text(one, "id", &text));
        tw_buf_char(out, ' ');
        tw_buf_append(out, text);
        if (tw_json_get_text(one, "sealed", &sealed) && sealed.len > 0)
            tw_buf_char(out, '+');
    }
    assert_null(memmem(body.at, body.len, "lovelace", 8));
    assert_null(memmem(body.at, body.len, "Ada", 3));
}

static void what_a_tablet_says_of_its_staff_is_kept_sealed(void **state)
{
    static const struct {
        const char *said, *kept;
    } rows[] = {
        { USERS("add", ADA), "add 1+" },
        { USERS("update", BOB), "update 2+" },
        { USERS("delete", "{\"id\":\"1\"}"), "delete 1" },
        { BROADCAST, "replace 1+ 2+" },
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf kept = { .max = 100 };

        tell(g, one, rows[i].said);
        put_kept(g, &kept);
        assert_buf(&kept, rows[i].kept);
        answer_operation(&g->pool, "200", "{\"kept\":true}");
        assert_heard(one, "");
        tw_buf_done(&kept);
    }
}

/* A tablet that is opened for the first time adds staff of the page's own. */
static void others_hear_of_a_person_when_the_list_has_changed(void **state)
{
    static const struct {
        const char *status, *answer;
        bool is_told;
    } rows[] = {
        { "200", "{\"kept\":true,\"changed\":true}", true },
        { "200", "{\"kept\":true,\"changed\":false}", false },
        { "200", "{\"kept\":false}", true }, /* as the page's own server does */
        { "400", "{\"error\":{\"code\":\"VALIDATION_ERROR\"}}", true },
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tw_buf_clear(&g->publisher.link.out);
        tell(g, one, USERS("add", ADA));
        assert_buf(&g->publisher.link.out, "");
        answer_operation(&g->pool, rows[i].status, rows[i].answer);
        assert_row((g->publisher.link.out.len > 0) == rows[i].is_told, rows[i].answer);
    }
}

static void what_is_no_change_of_staff_is_passed_on_alone(void **state)
{
    static const char *const rows[] = {
        USERS("add", "[]"), USERS("promote", ADA),
        "{\"type\":\"USER_SYNC\",\"data\":{\"action\":\"broadcast_users\",\"users\":7}}",
        "{\"type\":\"USER_SYNC\",\"data\":{}}"
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tell(g, one, rows[i]);
        assert_row(fake_pool_count(&g->pool) == 0, rows[i]);
    }
    g->shared_state.staff_keys.count = 0;
    tell(g, one, BROADCAST);
    assert_int_equal(fake_pool_count(&g->pool), 0); /* there is no key */
}

/* What was kept of it comes back as the answer of staff_list. */
static void a_tablet_that_asks_is_sent_the_list_as_it_was_said(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);
    struct tw_buf list = { .max = 10000 };

    tell(g, one, BROADCAST);
    tw_buf_append(&list, fake_pool_param(&g->pool, 2));
    tw_buf_char(&list, '\0');
    answer_operation(&g->pool, "200", "{\"kept\":true}");
    tell(g, one, REQUEST);
    assert_operation(&g->pool, "staff_list", "{}");
    answer_operation(&g->pool, "200", list.at);
    assert_heard(
        one, "{\"type\":\"USER_SYNC\",\"data\":{\"action\":\"users_response\",\"users\":[" ADA
             "," BOB "]},\"clientId\":\"server\",\"timestamp\":now}\n");
    tw_buf_done(&list);
}

static void a_list_that_would_lock_staff_out_is_not_sent(void **state)
{
    static const char *const rows[] = {
        "{\"users\":[]}",
        "{\"users\":[{\"id\":\"1\",\"sealed\":\"AAAA\"}]}",
        "{\"users\":[{\"id\":\"1\"}]}",
    };
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        tell(g, one, REQUEST);
        answer_operation(&g->pool, "200", rows[i]);
        assert_heard(one, "");
    }
    tell(g, one, REQUEST);
    answer_operation(&g->pool, "403", "{\"error\":{\"code\":\"FORBIDDEN\"}}");
    assert_heard(one, "");
    tell(g, one, BROADCAST);
    answer_operation(&g->pool, "400", "{\"error\":{\"code\":\"TOO_MANY_ROWS\"}}");
    assert_heard(one, ""); /* it is logged: the page has no place for it */
}

/* It asks for its staff only when it is loaded, and others change it while it is away. */
static void a_tablet_that_connects_again_is_sent_the_list_behind_its_own_changes(void **state)
{
    struct gateway *g = *state;
    struct client *one = connect_tablet(g, 0);

    tell(g, one, USERS("delete", "{\"id\":\"1\"}"));
    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{},\"clientId\":\"client_1\"}");
    assert_int_equal(fake_pool_count(&g->pool), 1);
    assert_operation(&g->pool, "staff_change",
                     "{\"action\":\"delete\",\"users\":[{\"id\":\"1\"}]}");
    answer_operation(&g->pool, "200", "{\"kept\":true,\"changed\":true}");
    assert_operation(&g->pool, "staff_list", "{}");
    answer_operation(&g->pool, "200", "{\"users\":[]}");
    assert_operation(&g->pool, "minipos_state", "");
    answer_operation(&g->pool, "200", "{}");

    g->shared_state.staff_keys.count = 0;
    tell(g, one, "{\"type\":\"SYNC_REQUEST\",\"data\":{},\"clientId\":\"client_1\"}");
    assert_operation(&g->pool, "minipos_state", "");
    answer_operation(&g->pool, "200", "{}");
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static int open_with_key(void **state)
{
    struct gateway *g;

    if (open_gateway(state) != 0)
        return -1;
    g = *state;
    gw_staff_keys_read(&g->shared_state.staff_keys, STAFF_KEY);
    return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_with_key, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_a_tablet_says_of_its_staff_is_kept_sealed),
        test(others_hear_of_a_person_when_the_list_has_changed),
        test(what_is_no_change_of_staff_is_passed_on_alone),
        test(a_tablet_that_asks_is_sent_the_list_as_it_was_said),
        test(a_list_that_would_lock_staff_out_is_not_sent),
        test(a_tablet_that_connects_again_is_sent_the_list_behind_its_own_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
