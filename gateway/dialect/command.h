/* command.h - a client's wishes: one operation after the other, in its order, and not too many.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/domain/operation.h"
#include "common/util/buf.h"
#include "common/util/list.h"

#define GW_COMMANDS_SOFT 64 /* then nothing more is read from the client */
#define GW_COMMANDS 4096    /* more than one read can bring behind that */

struct gw_command;

/* Embedded in whoever asks; gw_commands_init before, gw_commands_leave behind. */
struct gw_commands {
    struct tw_operations *operations;
    struct tw_list list; /* the first is under way */
    size_t count;
};

void gw_commands_init(struct gw_commands *q, struct tw_operations *operations);

/* Its answer; lent. Not called when the client has left meanwhile: what it asked for happens
 * all the same, and is told to everybody else. */
typedef void (*gw_command_cb)(struct gw_commands *q, const struct gw_command *c,
                              const struct tw_outcome *outcome);

struct gw_command {
    struct tw_operation operation;
    struct tw_list link;
    struct gw_commands *queue; /* null: its client has left */
    struct tw_buf context, body, note;
    const void *row; /* the asker's own, static */
    char request_id[37];
    gw_command_cb answered;
};

/* A new one, with its request_id drawn; fill context, body and note (all have a limit of
 * `bytes`), then add it (takes). False when too many wait already: it is gone then. */
struct gw_command *gw_command_new(const char *operation, bool writes, size_t bytes,
                                  gw_command_cb answered);
bool gw_commands_add(struct gw_commands *q, struct gw_command *c);

/* The client goes: those that wait are dropped. */
void gw_commands_leave(struct gw_commands *q);
