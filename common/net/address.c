/* address.c - reading addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/address.h"

#include <netinet/in.h>
#include <string.h>
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
