/* beside.c - see beside.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/beside.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/tillctl/command.h"

extern char **environ;

/* The folder of this program, without a slash at its end. */
static bool own_folder(char *folder, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", folder, size - 1);
    char *slash;

    if (len <= 0)
        return false;
    folder[len] = '\0';
    slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

bool beside_find(const char *const *places, char *path, size_t size)
{
    char folder[2048];

    if (!own_folder(folder, sizeof(folder))) {
        perror("tillctl: where it is installed cannot be said");
        return false;
    }
    for (size_t i = 0; places[i] != NULL; i++) {
        int len = snprintf(path, size, "%s/%s", folder, places[i]);

        if (len > 0 && (size_t)len < size && access(path, X_OK) == 0)
            return true;
    }
    (void)fprintf(stderr, "tillctl: %s/%s is missing; install it with the rest of Tillwire\n",
                  folder, places[0]);
    return false;
}

static int wait_for(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) {
            perror("tillctl: waitpid");
            return TILLCTL_REFUSED;
        }
    if (WIFEXITED(status) && WEXITSTATUS(status) == TILLCTL_BAD_USAGE)
        return TILLCTL_BAD_USAGE;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TILLCTL_DONE : TILLCTL_REFUSED;
}

int beside_run(const char *path, const char *const *words)
{
    pid_t child;
    int fault;

    (void)fflush(stdout);
    /* posix_spawn promises to change none of the words. */
    fault = posix_spawn(&child, path, NULL, NULL, (char *const *)(uintptr_t)words, environ);
    if (fault != 0) {
        (void)fprintf(stderr, "tillctl: %s: %s\n", path, strerror(fault));
        return TILLCTL_REFUSED;
    }
    return wait_for(child);
}
