/* setting.c - for how long this database keeps what
 * (schema/functions/operators/setting_set.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "events", "SPAN", "events, from which tills resume: \"7 days\"" },
    { "answers", "SPAN", "answers to requests that may be repeated: \"7 days\"" },
    { "archive", "SPAN|never", "after which finished orders go to the archive" },
    { "orders", "SPAN|never", "after which they are deleted" },
};

#define SHOW "select * from pos.setting_show()"

static const struct tillctl_command commands[] = {
    { .verb = "show",
      .about = "which cell it is, and what it keeps for how long",
      .sql = SHOW,
      .answer = TILLCTL_RECORD },
    { .verb = "set",
      .options = "events answers archive orders",
      .about = "keep it for longer, or not as long",
      .change = "select pos.setting_set(:events, :answers, :archive, :orders)",
      .sql = SHOW,
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_setting = {
    .name = "setting",
    .about = "what the database keeps for how long",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
