/* address.c - reading addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <uv.h>

#include "common/util/err.h"

/* The last colon parts host and port; an IPv6 host stands in brackets. */
static bool split_port(struct tw_slice text, struct tw_slice *host, int *port)
{
    const char *colon = text.len > 0 ? memrchr(text.at, ':', text.len) : NULL;
    uint64_t number;

    if (colon == NULL)
        return false;
    *host = tw_slice_from(text.at, (size_t)(colon - text.at));
    if (!tw_slice_u64(tw_slice_skip(text, host->len + 1), &number) || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

int tw_address_parse(struct tw_slice text, struct tw_address *out)
{
    struct tw_address a = { .is_unix = false };
    bool is_bracketed;
    struct tw_slice host;
    char name[64];
    int port, r;

    if (tw_slice_starts(text, TW_LIT("unix:"))) {
        text = tw_slice_skip(text, 5);
        if (text.len == 0 || text.len >= sizeof(a.path))
            return TW_ESYNTAX;
        a.is_unix = true;
        memcpy(a.path, text.at, text.len);
        *out = a;
        return 0;
    }
    if (!split_port(text, &host, &port))
        return TW_ESYNTAX;
    if (host.len == 0)
        host = TW_LIT("[::]");
    else if (tw_slice_is(host, "localhost"))
        host = TW_LIT("127.0.0.1");
    is_bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (is_bracketed)
        host = tw_slice_from(host.at + 1, host.len - 2);
    if (host.len >= sizeof(name))
        return TW_ESYNTAX;
    memcpy(name, host.at, host.len);
    name[host.len] = '\0';
    if (is_bracketed)
        r = uv_ip6_addr(name, port, (struct sockaddr_in6 *)(void *)&a.tcp);
    else
        r = uv_ip4_addr(name, port, (struct sockaddr_in *)(void *)&a.tcp);
    if (r != 0)
        return TW_ESYNTAX;
    *out = a;
    return 0;
}

int tw_address_of_socket(int fd, struct tw_address *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un un;
    } a = { .storage = { 0 } };
    socklen_t len = sizeof(a);

    if (getsockname(fd, &a.any, &len) != 0)
        return TW_ESYNTAX;
    *out = (struct tw_address){ .is_unix = a.any.sa_family == AF_UNIX };
    if (out->is_unix && len > offsetof(struct sockaddr_un, sun_path)) {
        size_t n = len - offsetof(struct sockaddr_un, sun_path);

        n = n < sizeof(out->path) ? n : sizeof(out->path) - 1;
        memcpy(out->path, a.un.sun_path, n); /* empty: an abstract one, without a file */
    } else if (!out->is_unix)
        out->tcp = a.storage;
    return out->is_unix || a.any.sa_family == AF_INET || a.any.sa_family == AF_INET6
               ? 0
               : TW_ESYNTAX;
}

static const struct sockaddr_in *in_of(const struct tw_address *a)
{
    return (const struct sockaddr_in *)(const void *)&a->tcp;
}

static const struct sockaddr_in6 *in6_of(const struct tw_address *a)
{
    return (const struct sockaddr_in6 *)(const void *)&a->tcp;
}

static uint16_t port_of(const struct tw_address *a)
{
    return ntohs(a->tcp.ss_family == AF_INET ? in_of(a)->sin_port : in6_of(a)->sin6_port);
}

bool tw_address_covers(const struct tw_address *bound, const struct tw_address *address)
{
    if (bound->is_unix || address->is_unix)
        return bound->is_unix && address->is_unix && strcmp(bound->path, address->path) == 0;
    if (port_of(bound) != port_of(address))
        return false;
    if (bound->tcp.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&in6_of(bound)->sin6_addr) ||
               (address->tcp.ss_family == AF_INET6 &&
                IN6_ARE_ADDR_EQUAL(&in6_of(bound)->sin6_addr, &in6_of(address)->sin6_addr));
    return address->tcp.ss_family == AF_INET &&
           (in_of(bound)->sin_addr.s_addr == INADDR_ANY ||
            in_of(bound)->sin_addr.s_addr == in_of(address)->sin_addr.s_addr);
}

void tw_address_print(const struct tw_address *a, struct tw_buf *out)
{
    bool is_ip6 = !a->is_unix && a->tcp.ss_family == AF_INET6;
    char name[INET6_ADDRSTRLEN] = "";

    if (a->is_unix) {
        tw_buf_text(out, "unix:");
        tw_buf_text(out, a->path);
        return;
    }
    (void)(is_ip6 ? uv_ip6_name(in6_of(a), name, sizeof(name))
                  : uv_ip4_name(in_of(a), name, sizeof(name)));
    tw_buf_text(out, is_ip6 ? "[" : "");
    tw_buf_text(out, name);
    tw_buf_text(out, is_ip6 ? "]:" : ":");
    tw_buf_u64(out, port_of(a));
}
