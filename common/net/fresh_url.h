/* fresh_url.h - a URL that may stand in a file, which is read again for each connection: so a
 * password can be changed without a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Embedded in who connects. */
struct tw_fresh_url {
    const char *text; /* kept: the URL, as it was at the start */
    const char *file; /* kept: where it stands; null or empty: nowhere else */
    char *read;       /* its own: what the file said last */
    bool has_failed;
};

/* The first line of the file, or what it said before when it cannot be read now, which is
 * logged once; lent until the next call. Reading a local file blocks for no time to speak of.
 */
const char *tw_fresh_url(struct tw_fresh_url *u);

/* Forget what was read. */
void tw_fresh_url_done(struct tw_fresh_url *u);
