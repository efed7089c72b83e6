/* person.c - see person.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/person.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void person_name(char *out, size_t size)
{
    const char *name = getenv("SUDO_USER");
    const struct passwd *account = name == NULL ? getpwuid(getuid()) : NULL;
    char number[24], host[65] = "";

    (void)snprintf(number, sizeof(number), "%u", (unsigned)getuid());
    if (account != NULL)
        name = account->pw_name;
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    (void)snprintf(out, size, "%.32s@%.64s", name == NULL ? number : name, host);
}
