/* fresh_url.c - a URL from a file, or from memory while the file is being replaced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/fresh_url.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/line_file.h"
#include "common/util/log.h"

const char *tw_fresh_url(struct tw_fresh_url *u)
{
    char line[2048];
    bool ok;

    if (u->file == NULL || u->file[0] == '\0')
        return u->text;
    ok = tw_line_of_file(u->file, line, sizeof(line)) && line[0] != '\0';
    if (!ok && !u->has_failed)
        tw_log_warn("url.file", tw_str("file", u->file),
                    tw_str("why", "cannot be read or is empty; what it said before is used"));
    u->has_failed = !ok;
    if (ok) {
        free(u->read);
        u->read = tw_copy_text(line, strlen(line));
    }
    return u->read != NULL ? u->read : u->text;
}

void tw_fresh_url_done(struct tw_fresh_url *u)
{
    free(u->read);
    u->read = NULL;
}
