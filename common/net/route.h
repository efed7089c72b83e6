/* route.h - the hosts that a service may be on, tried one after the other.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/address.h"
#include "common/net/lookup.h"
#include "common/util/deadline.h"
#include "common/util/slice.h"

#define TW_ROUTE_HOSTS 8

struct tw_route;

/* One address to connect to. Lent during `found`. */
struct tw_place {
    const char *host; /* the name, address or path as it was given */
    int port;
    struct tw_address address; /* with the port; of a path: the path */
    bool is_only;              /* there is no other, so it may take its time */
};

/* The next place; null when all have been tried. */
typedef void (*tw_route_cb)(struct tw_route *r, const struct tw_place *place);

struct tw_route_host {
    char name[TW_HOST_BYTES];
    int port;
    bool is_name; /* to be looked up; else `address` is it */
    struct tw_address address;
};

/* Embedded in its owner; zero before tw_route_init. */
struct tw_route {
    struct tw_loop *loop;
    tw_route_cb found;
    struct tw_route_host hosts[TW_ROUTE_HOSTS];
    size_t host_count, host_at; /* the one that is being tried */
    struct tw_addresses addresses;
    size_t address_at; /* the next one of it */
    struct tw_lookup lookup;
    struct tw_deadline limit;
    struct tw_later next;
    int err; /* of the last lookup that failed in this round; 0: none did */
};

void tw_route_init(struct tw_route *r, struct tw_loop *loop, tw_route_cb found);

/* One more host: a name, a numeric address (IPv6 without brackets), or a path that begins with
 * a slash: a Unix socket, or its folder. `address` is that of a name that is known already, or
 * null. 0, TW_ESYNTAX when it can be none of them, TW_EFULL. */
int tw_route_add(struct tw_route *r, struct tw_slice host, const char *address, int port);

/* Forget the hosts. */
void tw_route_clear(struct tw_route *r);

/* From the first host again; names are looked up again, since they may have moved. */
void tw_route_restart(struct tw_route *r);

/* Ask for the next place: `found` is called once, never before this has returned. A name that
 * is not found, or not within two seconds, is passed over. */
void tw_route_next(struct tw_route *r);

/* `found` does not come any more. Fine on a route of zeroes. */
void tw_route_stop(struct tw_route *r);
