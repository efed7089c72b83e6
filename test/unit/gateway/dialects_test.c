/* dialects_test.c - the rows: to which dialect an address belongs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialects.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void each_address_belongs_to_the_most_particular_dialect(void **state)
{
    static const struct {
        const char *path, *query, *dialect; /* null: no dialect's */
    } rows[] = {
        { "/ws/pos/kitchen", NULL, "orderweb" },
        { "/ws/pos/kitchen", "device_id=a&restaurant_id=b", "orderweb" },
        { "/ws", NULL, "minipos" },
        { "/ws", "token=a", "minipos" },
        { "/ws", "device_id=a", "cloudsync" },
        { "/ws", "device_id=a&restaurant_id=b", "cloudsync" },
        { "/ws/sync", NULL, "cloudsync" },
        { "/", "device_id=a&restaurant_id=b", "cloudsync" },
        { "/", "device_id=a", "cloudsync" },
        { "/", NULL, "cloudsync" },
        { "/", "restaurant_id=b", "restaurant_os_ws" },
        { "/", "restaurant_id=b&token=a&since=3", "restaurant_os_ws" },
        { "/", "token=a", "restaurant_os_ws" },
        { "/ws", "restaurant_id=b", "cloudsync" },
        { "/socket.io/", "EIO=4&transport=websocket", NULL },
        { "/nowhere", NULL, NULL },
    };
    struct gw_dialects all = gw_all_dialects(NULL, NULL, NULL);
    struct gw_hello hello;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_http_request req = { .method = TW_GET,
                                       .path = tw_slice_of(rows[i].path),
                                       .query = tw_slice_of(rows[i].query) };
        const struct gw_dialect *d = gw_dialect_of(&all, &req, &hello);

        if (rows[i].dialect == NULL)
            assert_row(d == NULL, rows[i].path);
        else
            assert_row(d != NULL && strcmp(d->name, rows[i].dialect) == 0, rows[i].path);
    }
}

static void what_one_row_read_of_an_address_is_not_left_for_the_next(void **state)
{
    struct tw_http_request req = { .method = TW_GET,
                                   .path = TW_LIT("/ws"),
                                   .query = TW_LIT("user_id=eve") };
    struct gw_dialects all = gw_all_dialects(NULL, NULL, NULL);
    struct gw_hello hello;

    (void)state;
    assert_string_equal(gw_dialect_of(&all, &req, &hello)->name, "minipos");
    assert_string_equal(hello.user, "");
    assert_string_equal(hello.scope, "pos");
}

static void each_row_has_the_hooks_that_its_clients_need(void **state)
{
    struct gw_dialects all = gw_all_dialects(NULL, NULL, NULL);

    (void)state;
    assert_true(all.count <= GW_MAX_DIALECTS);
    for (size_t i = 0; i < all.count; i++) {
        const struct gw_dialect *d = all.rows[i].dialect;

        assert_int_equal(gw_dialect_index(&all, d), i);
        assert_row(d->greet != NULL && d->resync != NULL, d->name);
        assert_row(d->hears != NULL && d->render != NULL, d->name);
        assert_row((d->claims == NULL) == (d->open == NULL), d->name);
        assert_row(d->open == NULL || d->closed != NULL, d->name);
        assert_row(d->open == NULL || d->message != NULL || d->heartbeat != NULL, d->name);
        assert_row(d->message == NULL || d->malformed != NULL, d->name);
        assert_row(strstr(d->labels, d->name) != NULL, d->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_belongs_to_the_most_particular_dialect),
        cmocka_unit_test(what_one_row_read_of_an_address_is_not_left_for_the_next),
        cmocka_unit_test(each_row_has_the_hooks_that_its_clients_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
