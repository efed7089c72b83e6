/* credentials.c - a credential whose name is that of a setting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/credentials.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "CREDENTIALS_DIRECTORY="

static const char *folder_of(char *const *environment)
{
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, VARIABLE, sizeof(VARIABLE) - 1) == 0)
            return *environment + sizeof(VARIABLE) - 1;
    return "";
}

static bool tell(const char *folder, const char *name,
                 bool (*take)(const char *variable, void *arg), void *arg)
{
    struct tw_buf variable = { .max = 8192 };
    bool ok;

    tw_buf_text(&variable, name);
    tw_buf_text(&variable, "_FILE=");
    tw_buf_text(&variable, folder);
    tw_buf_char(&variable, '/');
    tw_buf_text(&variable, name);
    tw_buf_char(&variable, '\0');
    ok = !variable.failed && take(variable.at, arg);
    tw_buf_done(&variable);
    return ok;
}

bool tw_credentials_each(char *const *environment, const char *prefix,
                         bool (*take)(const char *variable, void *arg), void *arg,
                         struct tw_buf *problems)
{
    const char *folder = folder_of(environment);
    struct dirent **names = NULL;
    bool ok = true;
    int count;

    if (folder[0] == '\0')
        return true;
    count = scandir(folder, &names, NULL, alphasort);
    if (count < 0) {
        tw_buf_text(problems, VARIABLE);
        tw_buf_text(problems, folder);
        tw_buf_text(problems, ": this folder cannot be read\n");
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (strncmp(names[i]->d_name, prefix, strlen(prefix)) == 0)
            ok &= tell(folder, names[i]->d_name, take, arg);
        free(names[i]);
    }
    free(names);
    return ok;
}
