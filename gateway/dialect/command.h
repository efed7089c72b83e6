/* command.h - what a client asks for: one command after the other, in its order, and not too
 * many. Most commands are an operation of pos.call.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/domain/operation.h"
#include "common/util/buf.h"
#include "common/util/list.h"

#define GW_COMMAND_BUSY_TRIES 10

struct gw_command;
struct gw_commands;

/* Embedded in the client; gw_commands_init first, gw_commands_leave at its end. */
struct gw_commands {
    struct tw_operations *operations;
    struct gw_command *under_way; /* null: none */
    struct tw_list list;          /* those that wait */
    size_t count, max_count;      /* of both */
    size_t bytes;                 /* of their bodies */
    bool is_alone;                /* its client has left */
};

void gw_commands_init(struct gw_commands *q, struct tw_operations *operations,
                      size_t max_count); /* kept */

/* The outcome of a command's operation; lent. Not called when the client has left meanwhile:
 * what it asked for happens all the same, and all others hear of it. */
typedef void (*gw_command_cb)(struct gw_commands *q, const struct gw_command *c,
                              const struct tw_outcome *outcome);

/* The turn of a command has come. True: it has ended already. Else gw_command_end follows, or
 * the answer of gw_command_operate. */
typedef bool (*gw_command_begin_cb)(struct gw_command *c);

struct gw_command {
    struct tw_list link;
    struct gw_commands *queue;             /* null: its client has left */
    gw_command_begin_cb begin;             /* null: its operation */
    void (*release)(struct gw_command *c); /* frees the struct it is in; null: free() */
    gw_command_cb answered;
    bool keeps_trying; /* while the database cannot do it, and its client is there */
    unsigned tries;
    struct tw_deadline pause;
    uint64_t said_ms; /* by its client; only for who added it */
    struct tw_operation operation;
    struct tw_buf context, body, note;
    char request_id[37];
};

/* Prepare a zeroed command, with its request_id drawn: fill context, body and note (each has a
 * limit of `bytes`), then add it. */
void gw_command_init(struct gw_command *c, const char *operation, bool writes, size_t bytes,
                     gw_command_cb answered);
struct gw_command *gw_command_new(const char *operation, bool writes, size_t bytes,
                                  gw_command_cb answered); /* gives */

/* Takes. False when too many wait already, or one of its texts exceeds its limit: it is gone
 * then. */
bool gw_commands_add(struct gw_commands *q, struct gw_command *c);

/* For a custom `begin`: start the operation with what is in context and body; its answer
 * ends the command. */
void gw_command_operate(struct gw_command *c, struct tw_operations *operations);

/* For a `begin` that returned false and starts no operation: the command has ended. */
void gw_command_end(struct gw_command *c);

/* The client leaves: commands that wait are dropped, the one under way ends by itself. */
void gw_commands_leave(struct gw_commands *q);

/* The client leaves, and all that it has said is carried out, in its order: nobody hears how.
 */
void gw_commands_outlive(struct gw_commands *q);
