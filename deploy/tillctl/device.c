/* device.c - tills, screens and tablets: which there are, and out with one
 * (schema/functions/operators/device_kick.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "deploy/tillctl/answer.h"
#include "deploy/tillctl/statement.h"
#include "deploy/tillctl/things.h"

/* Gateways write their log once a second. */
#define LOOKS 30
#define LOOK_MS 100

static const struct tillctl_option options[] = {
    { "all", NULL, "all devices of the restaurant" },
};

static const char *check_kick(const struct tillctl_args *args)
{
    bool has_name = tillctl_value(args, "device") != NULL;
    bool is_all = tillctl_value(args, "all") != NULL;

    return has_name != is_all ? NULL : "name one device, or give --all";
}

/* How many sockets have been closed by now; -1: the database does not say. */
static int64_t closed(struct database *d, const struct tillctl_args *args)
{
    struct rows *r =
        statement_ask(d, args, NULL, "select count(*) from pos.device_ends(:slug)");
    int64_t count = r == NULL ? -1 : rows_int(r, 0, 0);

    rows_done(r);
    return count;
}

static void await_gateways(struct database *d, const struct tillctl_args *args, int64_t wanted)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };

    for (int i = 0; i < LOOKS; i++) {
        int64_t count = closed(d, args);

        if (count < 0 || (wanted > 0 && count >= wanted))
            return;
        (void)nanosleep(&pause, NULL); /* shorter is fine: what is waited for is looked at */
    }
}

static int kick(struct database *d, const struct tillctl_args *args)
{
    struct rows *r = statement_ask(d, args, NULL, args->command->change);
    int exit = TILLCTL_REFUSED;

    if (r != NULL) {
        await_gateways(d, args, rows_int(r, 0, 0));
        rows_done(r);
        r = answer_ask(d, args);
    }
    if (r == NULL)
        return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    if (closed(d, args) > 0)
        exit = answer_show(r, args);
    else
        (void)fputs("tillctl: no gateway says that it has closed a socket for this: is the "
                    "device connected (tillctl device list), and are the bridge and Redis "
                    "there?\n",
                    stderr);
    rows_done(r);
    return exit;
}

static int device_kick(const struct tillctl_args *args)
{
    struct database *d = tillctl_open(args);
    int exit = d == NULL ? TILLCTL_UNREACHABLE : kick(d, args);

    database_close(d);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "list",
      .words = "SLUG",
      .about = "those that were here within thirty days, as gateways have logged it",
      .sql = "select * from pos.devices_shown(:slug)",
      .answer = TILLCTL_TABLE },
    { .verb = "kick",
      .words = "SLUG [DEVICE]",
      .options = "all",
      .about = "close its sockets; it may connect again",
      .check = check_kick,
      .run = device_kick,
      .change = "select pos.device_kick(:slug, :device)",
      .sql = "select * from pos.device_ends(:slug)",
      .answer = TILLCTL_TABLE },
};

const struct tillctl_thing tillctl_device = {
    .name = "device",
    .about = "tills, screens and tablets",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
