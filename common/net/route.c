/* route.c - host after host, and of each name address after address.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/route.h"

#include <netinet/in.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define LOOKUP_MS 2000

void tw_route_init(struct tw_route *r, struct tw_loop *loop, tw_route_cb found)
{
    r->loop = loop;
    r->found = found;
}

static void set_port(struct sockaddr_storage *a, int port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)a)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)a)->sin_port = htons((uint16_t)port);
}

static bool is_numeric(const char *text, int port, struct tw_address *out)
{
    return uv_ip4_addr(text, port, (struct sockaddr_in *)(void *)&out->tcp) == 0 ||
           uv_ip6_addr(text, port, (struct sockaddr_in6 *)(void *)&out->tcp) == 0;
}

/* Letters, digits, hyphens, underscores and dots: whatever else is a mistake in the setting. */
static bool is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";

    return text[0] != '\0' && text[0] != '.' && text[strspn(text, allowed)] == '\0';
}

int tw_route_add(struct tw_route *r, struct tw_slice host, const char *address, int port)
{
    struct tw_route_host *h;

    if (r->host_count == TW_ROUTE_HOSTS)
        return TW_EFULL;
    h = &r->hosts[r->host_count];
    *h = (struct tw_route_host){ .port = port };
    if (host.len == 0 || host.len >= sizeof(h->name) || port < 1 || port > 65535 ||
        memchr(host.at, '\0', host.len) != NULL)
        return TW_ESYNTAX;
    memcpy(h->name, host.at, host.len);
    if (address != NULL) {
        if (!is_numeric(address, port, &h->address))
            return TW_ESYNTAX;
    } else if (h->name[0] == '/') {
        if (host.len >= sizeof(h->address.path))
            return TW_ESYNTAX;
        h->address.is_unix = true;
        memcpy(h->address.path, host.at, host.len);
    } else if (!is_numeric(h->name, port, &h->address)) {
        if (!is_name(h->name))
            return TW_ESYNTAX;
        h->is_name = true;
    }
    r->host_count++;
    return 0;
}

void tw_route_clear(struct tw_route *r)
{
    tw_route_stop(r);
    r->host_count = 0;
    tw_route_restart(r);
}

void tw_route_restart(struct tw_route *r)
{
    r->host_at = r->address_at = r->addresses.count = 0;
    r->err = 0;
}

static void on_next(struct tw_later *later);

static void look_further(struct tw_route *r)
{
    r->host_at++;
    r->address_at = r->addresses.count = 0;
    tw_later(r->loop, &r->next, on_next);
}

static void on_looked_up(struct tw_lookup *lookup, int err, const struct tw_addresses *found)
{
    struct tw_route *r = tw_container_of(lookup, struct tw_route, lookup);

    tw_after_cancel(r->loop, &r->limit);
    if (err != 0) {
        r->err = err;
        look_further(r);
        return;
    }
    r->addresses = *found;
    tw_later(r->loop, &r->next, on_next);
}

static void on_limit(struct tw_deadline *d)
{
    struct tw_route *r = tw_container_of(d, struct tw_route, limit);

    tw_lookup_cancel(&r->lookup);
    r->err = TW_ETIMEOUT;
    look_further(r);
}

/* The host's next address; false when it has no more. */
static bool next_of_host(struct tw_route *r, struct tw_place *out)
{
    struct tw_route_host *h = &r->hosts[r->host_at];

    *out = (struct tw_place){ .host = h->name, .port = h->port };
    if (!h->is_name) {
        out->address = h->address;
        out->is_only = r->host_count == 1;
        return r->address_at++ == 0;
    }
    if (r->address_at == r->addresses.count)
        return false;
    out->address.tcp = r->addresses.at[r->address_at++];
    set_port(&out->address.tcp, h->port);
    out->is_only = r->host_count == 1 && r->addresses.count == 1;
    return true;
}

static void on_next(struct tw_later *later)
{
    struct tw_route *r = tw_container_of(later, struct tw_route, next);
    struct tw_route_host *h = &r->hosts[r->host_at];
    struct tw_place place;

    if (r->host_at == r->host_count) {
        r->found(r, NULL);
    } else if (h->is_name && r->addresses.count == 0) {
        tw_lookup_start(r->loop, &r->lookup, h->name, on_looked_up);
        tw_after(r->loop, &r->limit, LOOKUP_MS, on_limit);
    } else if (next_of_host(r, &place)) {
        r->found(r, &place);
    } else {
        look_further(r);
    }
}

void tw_route_next(struct tw_route *r)
{
    tw_later(r->loop, &r->next, on_next);
}

void tw_route_stop(struct tw_route *r)
{
    if (r->loop == NULL)
        return;
    tw_lookup_cancel(&r->lookup);
    tw_later_cancel(&r->next);
    tw_after_cancel(r->loop, &r->limit);
}
