/* migrate.c - the schema: what is applied, and what is to be. schema/migrate does it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "deploy/tillctl/beside.h"
#include "deploy/tillctl/things.h"

/* As it is installed, and beside a build. */
static const char *const places[] = { "../share/tillwire/schema/migrate",
                                      "../../schema/migrate", NULL };

/* migrate reads its database from the environment, so that no password is on a command line. */
static int migrate(const struct tillctl_args *args, const char *mode, const char *more)
{
    const char *words[] = { "migrate", mode, more, NULL };
    struct database *d = tillctl_open(args);
    char path[4096];

    if (d == NULL)
        return TILLCTL_UNREACHABLE;
    database_close(d);
    if (args->database != NULL && setenv("TILLWIRE_DATABASE_URL", args->database, 1) != 0)
        return TILLCTL_REFUSED;
    if (setenv("TILLWIRE_DATABASE_URL", "postgresql://", 0) != 0) /* what libpq finds */
        return TILLCTL_REFUSED;
    return beside_find(places, path, sizeof(path)) ? beside_run(path, words) : TILLCTL_REFUSED;
}

static int status(const struct tillctl_args *args)
{
    return migrate(args, "--status", args->json ? "--json" : NULL);
}

static int up(const struct tillctl_args *args)
{
    return migrate(args, NULL, NULL);
}

static const struct tillctl_command commands[] = {
    { .verb = "status",
      .about = "the migrations, and whether they are applied",
      .run = status },
    { .verb = "up", .about = "apply those that are missing, and the functions", .run = up },
};

const struct tillctl_thing tillctl_migrate = {
    .name = "migrate",
    .about = "the schema of the database",
    TILLCTL_COMMANDS(commands),
};
