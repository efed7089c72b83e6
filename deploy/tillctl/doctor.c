/* doctor.c - looks at the database and says what to do (schema/functions/core/doctor.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "deploy/tillctl/answer.h"
#include "deploy/tillctl/command.h"

static const char look[] =
    "select what, is_good, found, case when not is_good then advice end as"
    " advice from pos.doctor()";

/* Refused when something is not good, so that a timer can tell. */
static int judge(struct database *d)
{
    struct rows *r = database_ask(d, look, NULL);
    int exit = r == NULL ? TILLCTL_REFUSED : TILLCTL_DONE;

    for (size_t i = 0; r != NULL && i < rows_count(r); i++) {
        bool is_good = strcmp(rows_text(r, i, 1), "t") == 0;

        printf("%s  %s: %s\n", is_good ? "good  " : "NOT OK", rows_text(r, i, 0),
               rows_text(r, i, 2));
        if (!is_good)
            printf("        %s\n", rows_text(r, i, 3));
        if (!is_good)
            exit = TILLCTL_REFUSED;
    }
    rows_done(r);
    return exit;
}

int doctor(const struct tillctl_args *args)
{
    struct database *d = tillctl_open(args);
    int exit = d == NULL                             ? TILLCTL_UNREACHABLE
               : args->options[TILLCTL_JSON] != NULL ? answer_rows(d, args, look, NULL)
                                                     : judge(d);

    database_close(d);
    return exit;
}
