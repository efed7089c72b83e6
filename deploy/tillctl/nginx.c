/* nginx.c - the list of processes for nginx. deploy/nginx/upstreams writes it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "deploy/tillctl/beside.h"
#include "deploy/tillctl/things.h"

#define MOST_WORDS 128

/* The copy that operators may have changed is in /etc; this is the one of this version. */
static const char *const places[] = { "../share/tillwire/nginx/upstreams",
                                      "../../deploy/nginx/upstreams", NULL };

static int upstreams(const struct tillctl_args *args)
{
    const char *words[MOST_WORDS + 2] = { "upstreams" };
    char path[4096];

    for (size_t i = 0; args->rest[i] != NULL; i++) {
        if (i == MOST_WORDS)
            return TILLCTL_BAD_USAGE;
        words[i + 1] = args->rest[i];
    }
    return beside_find(places, path, sizeof(path)) ? beside_run(path, words) : TILLCTL_REFUSED;
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .words = "HOST[=ADDRESS]:GATEWAYS[,APIS]...",
      .about = "print upstreams.conf; also [--cell NAME HOST...]... [--restaurants FILE]",
      .takes_all = true,
      .run = upstreams },
};

const struct tillctl_thing tillctl_nginx = {
    .name = "nginx",
    .about = "the list of processes for nginx",
    TILLCTL_COMMANDS(commands),
};
