/* status.c - the processes and the database, on one screen.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "deploy/tillctl/processes.h"
#include "deploy/tillctl/things.h"

#include <stdlib.h>

#define JSON_BYTES ((size_t)1 << 20)

static const struct tillctl_option options[] = {
    { "ops", "ADDR,...",
      "operators' addresses of the processes; TILLWIRE_OPS_ADDRS, or this host's" },
};

static bool is_well(const struct process *p)
{
    return strcmp(p->status, "ready") == 0;
}

static void show_process(const struct process *p)
{
    printf("%-8s  %-21s  %-9s  %-8s", p->kind[0] == '\0' ? "-" : p->kind, p->address, p->status,
           p->version);
    if (strcmp(p->kind, "gateway") == 0)
        printf("  %llu sessions", (unsigned long long)p->sessions);
    if (p->is_active != 0)
        printf("  active");
    printf("%s%s\n", p->why[0] == '\0' ? "" : "  ", p->why);
}

static void show_processes(const struct processes *p)
{
    for (size_t i = 0; i < p->count; i++)
        show_process(&p->all[i]);
    if (p->count == 0)
        puts("no process answers on this host: give --ops, or TILLWIRE_OPS_ADDRS");
}

static struct rows *ask(struct database *d, const struct tillctl_args *args)
{
    if (args->json)
        return database_ask(d, "select row_to_json(s) from pos.database_state() s", NULL);
    return database_ask(
        d,
        "select format(E'database  migration %s; %s restaurants%s; %s connections, %s "
        "standbys; %s%s\\n"
        "events    %s kept, the oldest of %s; %s%s\\n"
        "bridge    %s', s.migration, s.restaurants, case when s.suspended > 0 then ', ' || "
        "s.suspended ||"
        " ' of them not active' else '' end, s.connections, s.standbys, s.size, case when "
        "s.is_standby then"
        " '; A STANDBY, which is read-only' else '' end, s.events, "
        "coalesce(s.oldest_day::text, 'nobody knows'),"
        " case when s.waiting = 0 then 'none waits' else s.waiting || ' wait, the first for ' "
        "|| s.waiting_for end,"
        " case when s.tomorrow then '' else '; NO PLACE FOR TOMORROW''S' end,"
        " coalesce('active: ' || s.bridge, 'NONE IS ACTIVE')) from pos.database_state() s",
        NULL);
}

static int show(const struct processes *p, struct database *d, const struct tillctl_args *args)
{
    struct rows *r = d == NULL ? NULL : ask(d, args);
    struct tw_buf json = { .max = JSON_BYTES };
    int exit = r == NULL ? TILLCTL_UNREACHABLE : TILLCTL_DONE;

    if (args->json) {
        processes_json(p, &json);
        printf("{\"database\":%s,\"processes\":%.*s}\n",
               r == NULL ? "null" : rows_text(r, 0, 0), (int)json.len, json.at);
    } else {
        if (r != NULL)
            puts(rows_text(r, 0, 0));
        show_processes(p);
    }
    for (size_t i = 0; i < p->count && exit == TILLCTL_DONE; i++)
        exit = is_well(&p->all[i]) ? TILLCTL_DONE : TILLCTL_REFUSED;
    rows_done(r);
    tw_buf_done(&json);
    return exit;
}

static int status(const struct tillctl_args *args)
{
    struct processes *p = tw_new(struct processes);
    int exit = TILLCTL_BAD_USAGE;

    if (processes_look(p, tillctl_value(args, "ops"))) {
        struct database *d = tillctl_open(args);

        exit = show(p, d, args);
        database_close(d);
    }
    free(p);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .options = "ops",
      .about = "the processes and the database, on one screen",
      .run = status },
};

const struct tillctl_thing tillctl_status = {
    .name = "status",
    .about = "the processes and the database at a glance",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
