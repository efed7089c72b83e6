/* cell.c - which of several databases this is (docs/cells.md).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_command commands[] = {
    { .verb = "set",
      .words = "NUMBER",
      .about = "give a new database its number among several",
      .change = "select pos.cell_set(:number::int)",
      .sql = "select cell from pos.setting",
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_cell = {
    .name = "cell",
    .about = "one database of several",
    TILLCTL_COMMANDS(commands),
};
