/* doctor.c - looks at the database and the processes, and says what to do
 * (schema/functions/core/doctor.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/util/base.h"
#include "common/util/json_write.h"
#include "deploy/tillctl/answer.h"
#include "deploy/tillctl/processes.h"
#include "deploy/tillctl/things.h"

#define JSON_BYTES ((size_t)1 << 20)

static const struct tillctl_option options[] = {
    { "ops", "ADDR,...",
      "operators' addresses of the processes; TILLWIRE_OPS_ADDRS, or this host's" },
};

/* What :ops stands for: {"now":…,"processes":[…]}. */
static void say(const struct processes *p, struct tw_buf *known)
{
    struct timespec now;
    char text[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)snprintf(text, sizeof(text), "%lld.%03ld", (long long)now.tv_sec,
                   now.tv_nsec / 1000000);
    tw_buf_char(known, '{');
    tw_json_member_raw(known, "now", tw_slice_of(text));
    tw_buf_text(known, ",\"processes\":");
    processes_json(p, known);
    tw_buf_char(known, '}');
    tw_buf_char(known, '\0');
    TW_ASSERT(!known->failed);
}

static int judge(struct database *d, const struct processes *p, const struct tillctl_args *args)
{
    struct tw_buf known = { .max = JSON_BYTES };
    struct tillctl_args with = *args;
    struct rows *r;
    int exit;

    say(p, &known);
    with.options[0] = known.at;
    r = answer_ask(d, &with);
    tw_buf_done(&known);
    if (r == NULL)
        return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    exit = answer_show(r, &with);
    rows_done(r);
    return exit;
}

static int doctor(const struct tillctl_args *args)
{
    struct processes *p = tw_new(struct processes);
    int exit = TILLCTL_BAD_USAGE;

    if (processes_look(p, tillctl_value(args, "ops"))) {
        struct database *d = tillctl_open(args);

        exit = d == NULL ? TILLCTL_UNREACHABLE : judge(d, p, args);
        database_close(d);
    }
    free(p);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .options = "ops",
      .about = "look at the database and the processes, and say what to do about it",
      .run = doctor,
      .sql =
          "select what, is_good, found, case when not is_good then advice end as advice from ("
          "select 1 as place, c.* from pos.doctor_clock((:ops::json ->> 'now')::numeric) c"
          " union all select 2, p.* from pos.doctor_processes(:ops::json -> 'processes') p"
          " union all select 3, d.* from pos.doctor() d) t order by place",
      .answer = TILLCTL_CHECKS },
};

const struct tillctl_thing tillctl_doctor = {
    .name = "doctor",
    .about = "what is not as it should be",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
