/* handed_over.h - listening sockets that systemd has opened and hands to this process
 * (sd_listen_fds(3)): they outlive it, so whoever connects while it is restarted waits for its
 * successor and is not refused.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/address.h"
#include "common/util/buf.h"

#define TW_HANDED_OVER_SOCKETS 16

/* As its name says (FileDescriptorName=). */
enum tw_socket_use { TW_FOR_CLIENTS, TW_FOR_CLIENTS_TLS, TW_FOR_OPERATORS };

struct tw_handed_over_socket {
    int fd;
    enum tw_socket_use use;
    struct tw_address address;
    bool is_taken; /* by a listener, who closes it */
    bool is_named; /* by a setting: somebody asked for this address */
};

/* Zero: nothing was handed over. */
struct tw_handed_over {
    struct tw_handed_over_socket sockets[TW_HANDED_OVER_SOCKETS];
    size_t count;
};

/* What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say to this process; no child finds the three
 * variables or the sockets. `first`: where the sockets begin, TW_FIRST_HANDED_OVER but in
 * tests. 0, or TW_ECONFIG with a line for each mistake in `problems`. */
#define TW_FIRST_HANDED_OVER 3
int tw_handed_over_read(struct tw_handed_over *all, int first, struct tw_buf *problems);

/* The one that accepts what comes to `address`; null when there is none. */
struct tw_handed_over_socket *tw_handed_over_at(struct tw_handed_over *all,
                                                const struct tw_address *address);

/* Whether there is one for this. */
bool tw_handed_over_has(const struct tw_handed_over *all, enum tw_socket_use use);

/* One line each for people: what it is for, and its address. */
void tw_handed_over_print(const struct tw_handed_over *all, struct tw_buf *out);
