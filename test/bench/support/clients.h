/* clients.h - many WebSocket clients in one process, in the dialects that a gateway speaks:
 * each does its handshake, is in its room, and from then on counts what it is sent. What goes
 * wrong ends the program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough of a message for its type and, if it is short, for its seq. */
#define CLIENT_START_BYTES 512

struct dialect;

/* A line of the file of targets: where clients connect, and whose events they hear. */
struct target {
    char path[192], key[128], name[64];
    const struct dialect *dialect;
    size_t tenant; /* lines that follow each other and have one name are one tenant */
};

/* First the answer to its handshake, then frames. */
struct client {
    int fd;
    bool is_upgraded, is_open, is_lost;
    uint8_t head[14], head_len;
    uint64_t left; /* of the payload that is being read */
    uint64_t payload;
    uint64_t got, besides; /* deliveries; the second message of each, where a dialect has two */
    char *answer;          /* until the handshake is over */
    size_t answer_len;
    unsigned start_len;
    char start[CLIENT_START_BYTES]; /* of the message that is being read */
};

#define CLIENT_PORTS 8

struct clients {
    /* Set these before clients_open. */
    const char *host;
    int ports[CLIENT_PORTS]; /* a tenant's clients are on one after the other */
    size_t port_count;
    bool offers_deflate; /* then only what came compressed is a delivery */
    size_t least;        /* plain dialect: a text of so many bytes is a delivery */
    size_t sockets;      /* for each target */
    size_t connecting;   /* handshakes at a time */
    /* Called for each text message once a client is open; may be null. */
    void (*heard)(const struct clients *all, const struct client *c);

    struct target *targets;
    size_t target_count, tenant_count;
    struct client *all; /* the client i is one of target i % target_count */
    size_t count, begun, open_count, lost_count;
    uint64_t delivered, bytes; /* of all clients; payload of deliveries */
    int epoll_fd;              /* clients are there by their number */
    char *buffer;
};

/* A line for each target: path, key (or -), name, and a dialect unless it is plain. `@I@` in a
 * path is the client's number. Lends the targets until the end. */
void clients_read_targets(struct clients *all, const char *path);

/* Makes the clients; clients_connect lets the next ones begin, until all are open. */
void clients_open(struct clients *all);
void clients_connect(struct clients *all);

/* One of them, by its number, is readable or writable. */
void clients_event(struct clients *all, size_t i, bool is_writable);

const struct target *clients_target(const struct clients *all, const struct client *c);

/* Whether each client has heard so many events of its tenant, in all the messages of each. */
bool clients_have_all(const struct clients *all, const uint64_t *events_by_tenant);
