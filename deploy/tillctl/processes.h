/* processes.h - what the processes say of themselves, at their operators' addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"

#define PROCESSES_MAX 256

/* One that was asked. */
struct process {
    char address[264];
    const char *kind;   /* "gateway", "api", "bridge"; "": not known */
    const char *status; /* "ready", "degraded", "not ready", "no answer" */
    char version[32];   /* "": it does not say */
    uint64_t sessions;  /* of a gateway */
    uint64_t is_active; /* of a bridge */
    char why[512];      /* what is missing, in words */
};

struct processes {
    struct process all[PROCESSES_MAX];
    size_t count;
};

/* Ask the addresses (host:port, separated by commas); null: TILLWIRE_OPS_ADDRS; without that,
 * those of this host on which the units listen, where what does not answer is not there. Each
 * is waited for two seconds, about. False: there are too many of them, and that was said. */
bool processes_look(struct processes *p, const char *addresses);

/* As a JSON array. */
void processes_json(const struct processes *p, struct tw_buf *out);
