/* sync_log_test.c - rows for pos_sync_logs while they gather in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/sync_log.h"

#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "test/unit/gateway/support/fake_pool.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

static struct gw_sync_log log_of(size_t bytes)
{
    return (struct gw_sync_log){ .rows = { .max = bytes }, .options = { .instance = "g1" } };
}

/* The raw row after the first `skip` ones. */
static struct tw_slice row_at(const struct gw_sync_log *log, int skip)
{
    struct tw_slice rest = tw_buf_view(&log->rows), row = { NULL, 0 };

    for (; skip >= 0; skip--)
        assert_true(tw_json_element(&rest, &row));
    return row;
}

static void check_member(struct tw_slice row, const char *name, const char *want)
{
    struct tw_slice raw = { NULL, 0 };

    assert_row(tw_json_get(row, name, &raw) == (want != NULL), name);
    if (want != NULL)
        assert_slice(raw, want);
}

static void a_row_has_what_is_known(void **state)
{
    struct gw_sync_log log = log_of(65536);
    struct gw_sync_log_row row = { .kind = "disconnect",
                                   .tenant = TW_LIT("69fb5687-044a-48af-ac0e-d6b817aec684"),
                                   .dialect = "orderweb",
                                   .device = TW_LIT("till \"7\""),
                                   .seq = 41,
                                   .count = 3,
                                   .reason = "reading too slowly",
                                   .client = "Till/3.1",
                                   .key = TW_LIT("cccccccc-0000-4000-8000-000000000001"),
                                   .has_ended = true,
                                   .since = 1767225600,
                                   .expected_ms = 50000,
                                   .code = 1013 };

    (void)state;
    gw_sync_log_add(&log, &row);
    check_member(row_at(&log, 0), "instance", "\"g1\"");
    check_member(row_at(&log, 0), "kind", "\"disconnect\"");
    check_member(row_at(&log, 0), "tenant_id", "\"69fb5687-044a-48af-ac0e-d6b817aec684\"");
    check_member(row_at(&log, 0), "dialect", "\"orderweb\"");
    check_member(row_at(&log, 0), "device", "\"till \\\"7\\\"\"");
    check_member(row_at(&log, 0), "seq", "41");
    check_member(row_at(&log, 0), "count", "3");
    check_member(row_at(&log, 0), "detail",
                 "{\"code\":1013,\"reason\":\"reading too slowly\",\"client\":\"Till/3.1\"}");
    check_member(row_at(&log, 0), "key_id", "\"cccccccc-0000-4000-8000-000000000001\"");
    check_member(row_at(&log, 0), "since", "1767225600");
    check_member(row_at(&log, 0), "expected_ms", "50000");
    gw_sync_log_done(&log);
}

static void what_is_not_known_is_left_out(void **state)
{
    struct gw_sync_log log = log_of(65536);
    struct gw_sync_log_row row = { .kind = "auth_failed" };

    (void)state;
    gw_sync_log_add(&log, &row);
    check_member(row_at(&log, 0), "tenant_id", NULL);
    check_member(row_at(&log, 0), "dialect", NULL);
    check_member(row_at(&log, 0), "device", NULL);
    check_member(row_at(&log, 0), "seq", NULL);
    check_member(row_at(&log, 0), "count", "1");
    check_member(row_at(&log, 0), "detail", NULL);
    check_member(row_at(&log, 0), "key_id", NULL);
    check_member(row_at(&log, 0), "since", NULL);
    check_member(row_at(&log, 0), "expected_ms", NULL);
    gw_sync_log_done(&log);
}

static void rows_are_one_array_but_for_its_end(void **state)
{
    struct gw_sync_log log = log_of(65536);
    struct gw_sync_log_row row = { .kind = "connect", .reason = "\xff\"\n" };
    struct tw_json_fault fault;
    size_t len;

    (void)state;
    for (uint64_t i = 1; i <= 20; i++) {
        row.seq = i;
        gw_sync_log_add(&log, &row);
    }
    check_member(row_at(&log, 0), "seq", "1");
    check_member(row_at(&log, 19), "seq", "20");
    tw_buf_char(&log.rows, ']');
    len = log.rows.len;
    assert_int_equal(tw_json_scan(log.rows.at, &len, &tw_json_narrow, &fault), '[');
    assert_int_equal(log.written.value, 20);
    gw_sync_log_done(&log);
}

static void a_row_without_room_is_dropped_whole_and_counted(void **state)
{
    struct gw_sync_log_row row = { .kind = "connect", .device = TW_LIT("till-7") };
    struct gw_sync_log log = log_of(1000);

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        row.seq = i;
        gw_sync_log_add(&log, &row);
        assert_int_equal(log.written.value + log.dropped.value, i);
        assert_true(log.rows.len < 1000 && !log.rows.failed); /* room for the array's end */
        assert_int_equal(log.rows.at[log.rows.len - 1], '}');
    }
    assert_true(log.written.value > 3 && log.dropped.value > 50);
    check_member(row_at(&log, (int)log.written.value - 1), "kind", "\"connect\"");
    gw_sync_log_done(&log);
}

static void every_size_leaves_room_for_the_end(void **state)
{
    struct gw_sync_log_row row = { .kind = "connect" };

    (void)state;
    for (size_t bytes = 0; bytes < 400; bytes++) {
        struct gw_sync_log log = log_of(bytes);

        for (int i = 0; i < 5; i++)
            gw_sync_log_add(&log, &row);
        tw_buf_char(&log.rows, ']');
        assert_int_equal(log.rows.failed, bytes == 0);
        gw_sync_log_done(&log);
    }
}

static void a_stopped_one_takes_nothing(void **state)
{
    struct gw_sync_log log = { .is_stopped = true };
    struct gw_sync_log_row row = { .kind = "connect" };

    (void)state;
    gw_sync_log_add(&log, &row);
    assert_int_equal(log.rows.len, 0);
    assert_int_equal(log.dropped.value, 0);
    gw_sync_log_done(&log);
}

/* How many rows the call that waits has; they are numbered from `first` on. */
static uint64_t check_piece(const struct tw_pg_pool *pool, uint64_t first)
{
    struct tw_slice rest = fake_pool_param(pool, 0), row, seq;
    uint64_t n = 0, number;

    assert_true(rest.len < 16384);
    assert_int_equal(rest.at[rest.len - 1], ']');
    while (tw_json_element(&rest, &row)) {
        assert_true(tw_json_get(row, "seq", &seq) && tw_json_u64(seq, &number));
        assert_int_equal(number, first + n);
        n++;
    }
    return n;
}

static void many_rows_leave_in_pieces_without_waiting_for_the_second(void **state)
{
    struct gw_sync_log_row row = { .kind = "connect", .device = TW_LIT("},{\"at\":\"x\"") };
    struct tw_loop *loop = net_loop_new();
    struct tw_pg_pool pool = { 0 };
    struct gw_sync_log log = { 0 };
    uint64_t sent = 0, pieces = 0;

    (void)state;
    fake_pool_start(&pool, loop);
    gw_sync_log_start(
        &log, &(struct gw_sync_log_options){ .loop = loop, .pool = &pool, .instance = "g1" });
    for (row.seq = 1; row.seq <= 500; row.seq++)
        gw_sync_log_add(&log, &row);
    for (; sent < 500; pieces++) { /* the last ones, which are few, leave with the tick */
        await(loop, fake_pool_count(&pool) == 1);
        sent += check_piece(&pool, sent + 1);
        fake_pool_row(&pool, "");
    }
    assert_true(pieces >= 3);
    assert_int_equal(log.written.value, 500);
    gw_sync_log_stop(&log);
    gw_sync_log_done(&log);
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_what_is_known),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(rows_are_one_array_but_for_its_end),
        cmocka_unit_test(a_row_without_room_is_dropped_whole_and_counted),
        cmocka_unit_test(every_size_leaves_room_for_the_end),
        cmocka_unit_test(a_stopped_one_takes_nothing),
        cmocka_unit_test(many_rows_leave_in_pieces_without_waiting_for_the_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
