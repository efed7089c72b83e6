/* functions_test.c - each SQL function has its histogram, each failure its class.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/functions.h"

#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

/* The list is searched by halves, so it must be sorted; and no name is there twice. */
static void each_name_is_found_where_it_is(void **state)
{
    char labels[TW_METRIC_LABELS], name[TW_METRIC_LABELS];

    (void)state;
    for (size_t i = 0; i < TW_FUNCTIONS; i++) {
        assert_true(tw_functions_metrics.labels_of(i, labels));
        assert_int_equal(sscanf(labels, "fn=\"%255[a-z0-9_]\"", name), 1);
        assert_row(tw_function_index(name) == i, name);
    }
    assert_int_equal(tw_function_index("nobody"), TW_FUNCTIONS);
    assert_int_equal(tw_function_index(NULL), TW_FUNCTIONS);
    assert_true(tw_functions_metrics.labels_of(TW_FUNCTIONS, labels));
    assert_string_equal(labels, "fn=\"other\"");
    assert_false(tw_functions_metrics.labels_of(TW_FUNCTIONS + 1, labels));
}

/* What pos.call dispatches has a row in operations.sql: ('name', true or false, ...). */
static void every_operation_has_a_name_here(void **state)
{
    FILE *f = fopen("schema/functions/core/operations.sql", "re");
    char line[512], name[128], writes[6];
    int operations = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        char *row = strstr(line, "    ('");

        if (row == NULL || sscanf(row, "    ('%127[a-z0-9_]', %5[a-z]", name, writes) != 2 ||
            (strcmp(writes, "true") != 0 && strcmp(writes, "false") != 0))
            continue;
        operations++;
        assert_row(tw_function_index(name) < TW_FUNCTIONS, name);
    }
    (void)fclose(f);
    assert_true(operations > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_found_where_it_is),
        cmocka_unit_test(every_operation_has_a_name_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
