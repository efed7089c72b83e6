/* backup.c - whether a backup is whole: its files, or the database that was restored from it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deploy/tillctl/beside.h"
#include "deploy/tillctl/statement.h"
#include "deploy/tillctl/things.h"

/* The first line of DIR/PG_VERSION: which PostgreSQL has made it. */
static bool read_version(const char *folder, char *version, size_t size)
{
    char path[4096];
    FILE *file;
    bool is_read;

    (void)snprintf(path, sizeof(path), "%s/PG_VERSION", folder);
    file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr,
                      "tillctl: %s is no base backup that is unpacked: it has no PG_VERSION\n",
                      folder);
        (void)fputs("  Unpack base.tar (into DIR) and pg_wal.tar (into DIR/pg_wal), and put "
                    "backup_manifest into DIR.\n",
                    stderr);
        return false;
    }
    is_read = fgets(version, (int)size, file) != NULL;
    (void)fclose(file);
    version[strcspn(version, "\n")] = '\0';
    return is_read && version[0] != '\0' && strspn(version, "0123456789") == strlen(version);
}

/* Checksums of all files against the manifest, and whether the WAL that they need is there. */
static int verify_files(const char *folder)
{
    char version[16], path[128];
    const char *const words[] = { path, "--", folder,
                                  NULL }; /* it looks for pg_waldump beside it */

    if (!read_version(folder, version, sizeof(version)))
        return TILLCTL_REFUSED;
    (void)snprintf(path, sizeof(path), "/usr/lib/postgresql/%s/bin/pg_verifybackup", version);
    if (access(path, X_OK) != 0) {
        (void)fprintf(stderr, "tillctl: %s is missing: install the package postgresql-%s\n",
                      path, version);
        return TILLCTL_REFUSED;
    }
    return beside_run(path, words);
}

static const char *check(const struct tillctl_args *args)
{
    if (args->words[0] != NULL && args->json)
        return "there is no JSON of what pg_verifybackup says";
    return args->words[0] != NULL && args->database != NULL
               ? "it is either a folder, or the database that was restored from it"
               : NULL;
}

static int verify(const struct tillctl_args *args)
{
    return args->words[0] != NULL ? verify_files(args->words[0]) : statement_run(args);
}

static const struct tillctl_command commands[] = {
    { .verb = "verify",
      .words = "[DIR]",
      .about = "a base backup's files, or (without DIR) the database that was restored from it",
      .check = check,
      .run = verify,
      .sql = "select what, is_good, found, case when not is_good then advice end as advice "
             "from pos.restored()",
      .answer = TILLCTL_CHECKS },
};

const struct tillctl_thing tillctl_backup = {
    .name = "backup",
    .about = "backups",
    TILLCTL_COMMANDS(commands),
};
