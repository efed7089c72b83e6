/* config.c - what can be set. The programs print it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "deploy/tillctl/beside.h"
#include "deploy/tillctl/things.h"

static const char *const places[] = { "tillwire-api", NULL };

static const char *no_json(const struct tillctl_args *args)
{
    return args->json ? "it is a table in Markdown, and there is no JSON of it" : NULL;
}

static int reference(const struct tillctl_args *args)
{
    static const char *const words[] = { "tillwire-api", "--print-config-reference", NULL };
    char path[4096];

    (void)args; /* any of the three programs prints the settings of all */
    return beside_find(places, path, sizeof(path)) ? beside_run(path, words) : TILLCTL_REFUSED;
}

static const struct tillctl_command commands[] = {
    { .verb = "reference",
      .about = "all settings of the three programs, as a table in Markdown",
      .check = no_json,
      .run = reference },
};

const struct tillctl_thing tillctl_config = {
    .name = "config",
    .about = "the settings",
    TILLCTL_COMMANDS(commands),
};
