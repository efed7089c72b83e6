/* replay.c - a device fetches its state anew (schema/functions/operators/device_resync.sql).
 * Events that it has had are not sent a second time: tillctl tail --since shows them to the
 * operator.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "all", NULL, "all devices of the restaurant" },
};

static const char *check(const struct tillctl_args *args)
{
    bool has_name = tillctl_value(args, "device") != NULL;
    bool is_all = tillctl_value(args, "all") != NULL;

    return has_name != is_all ? NULL : "name one device, or give --all";
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .words = "SLUG [DEVICE]",
      .options = "all",
      .about = "have it read its state anew, with all that it may have missed",
      .check = check,
      .sql = "select pos.device_resync(:slug, :device) as \"sockets that are told\"",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_replay = {
    .name = "replay",
    .about = "a device reads its state anew",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
