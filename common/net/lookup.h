/* lookup.h - the addresses of a name, asked for off the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include "common/net/loop.h"
#include "common/util/list.h"

#define TW_LOOKUP_ADDRESSES 8
#define TW_HOST_BYTES 254 /* a name of 253 bytes (RFC 1035 §2.3.4), and its end */

/* IPv4 and IPv6 in the order in which the system gives them (RFC 6724), ports zero. */
struct tw_addresses {
    size_t count;
    struct sockaddr_storage at[TW_LOOKUP_ADDRESSES];
};

struct tw_lookup;

/* Exactly once, never before tw_lookup_start has returned. 0 with at least one address (lent),
 * or libuv's number for why there is none, such as UV_EAI_NONAME. */
typedef void (*tw_lookup_cb)(struct tw_lookup *l, int err, const struct tw_addresses *found);

/* Embedded in whoever asks. */
struct tw_lookup {
    struct tw_list link;
    tw_lookup_cb done;
};

/* Ask for the addresses of `host`, a name of less than TW_HOST_BYTES bytes, which is copied.
 * However many ask for one name at once, it is looked up once, so that a resolver that hangs
 * keeps no more threads than there are names. A hanging one ends by its own limits
 * (resolv.conf(5)); set a limit, and cancel. */
void tw_lookup_start(struct tw_loop *loop, struct tw_lookup *l, const char *host,
                     tw_lookup_cb done);
/* `done` does not come any more. Fine when nothing was asked. */
void tw_lookup_cancel(struct tw_lookup *l);

/* What finds the addresses, in a thread of its own: the system's (getaddrinfo(3)), or a
 * test's. 0, or libuv's number. */
typedef int (*tw_lookup_resolver)(const char *host, struct tw_addresses *out);
int tw_lookup_system(const char *host, struct tw_addresses *out);
tw_lookup_resolver tw_lookup_use(tw_lookup_resolver resolver); /* gives back the one before */
