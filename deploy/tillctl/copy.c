/* copy.c - import and export: a restaurant's lists, cards and customers as JSON
 * (schema/functions/operators/operator_import.sql, operator_export.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "from", "JSON-FILE", "an array of objects, or what tillctl export gives" },
    { "replace", NULL, "rows that exist become what the file says" },
};

static const struct tillctl_command imports[] = {
    { .verb = "",
      .words = "SLUG KIND",
      .options = "from! replace",
      .about = "tables, categories, menu_items, settings, cards or customers from a file",
      .sql = "select * from pos.operator_import(:slug, :kind, :from, :replace is not null)",
      .answer = TILLCTL_RECORD },
};

static const struct tillctl_command exports[] = {
    { .verb = "",
      .words = "SLUG [KIND]",
      .about = "the same, inventory, printers or users as JSON; without KIND all",
      .sql = "select pos.operator_export(:slug, :kind) as export",
      .answer = TILLCTL_TEXT },
};

const struct tillctl_thing tillctl_import = {
    .name = "import",
    .about = "what a restaurant had before",
    TILLCTL_COMMANDS(imports),
    TILLCTL_OPTIONS(options),
};

const struct tillctl_thing tillctl_export = {
    .name = "export",
    .about = "what a restaurant has",
    TILLCTL_COMMANDS(exports),
};
