/* address.h - where to listen or connect: host:port or unix:/path.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

struct tw_address {
    bool is_unix;
    char path[108];              /* of a Unix socket */
    struct sockaddr_storage tcp; /* IPv4 or IPv6 */
};

/* "127.0.0.1:9101", "[::1]:9101", "localhost:6379", ":9101" (all addresses) or "unix:/path".
 * Other names are not looked up: that would block the loop. 0, or TW_ESYNTAX with `out`
 * unchanged.
 */
int tw_address_parse(struct tw_slice text, struct tw_address *out);

/* Where a socket is bound. 0, or TW_ESYNTAX when that is no such address. */
int tw_address_of_socket(int fd, struct tw_address *out);

/* Whether who connects to `address` reaches a socket that is bound to `bound`: the same, or all
 * addresses with the same port. */
bool tw_address_covers(const struct tw_address *bound, const struct tw_address *address);

/* As it is read above. */
void tw_address_print(const struct tw_address *a, struct tw_buf *out);
