/* cors.c - comparing origins, saying yes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/cors.h"

static bool is_named(struct tw_slice list, struct tw_slice origin)
{
    struct tw_slice one;

    while (tw_slice_split(&list, ',', &one))
        if (tw_slice_eq(tw_slice_trim(one), origin))
            return true;
    return false;
}

bool tw_cors_allows(struct tw_slice list, struct tw_slice origin)
{
    return origin.len == 0 || tw_slice_is(list, "*") || is_named(list, origin);
}

void tw_cors_add(struct tw_http_response *res, struct tw_slice list, struct tw_slice origin)
{
    if (origin.len == 0 || !tw_cors_allows(list, origin))
        return;
    tw_http_add(res, "Access-Control-Allow-Origin", origin);
    tw_http_add(res, "Vary", TW_LIT("Origin"));
    if (!tw_slice_is(list, "*"))
        tw_http_add(res, "Access-Control-Allow-Credentials", TW_LIT("true"));
}

void tw_cors_add_preflight(struct tw_http_response *res, struct tw_slice methods,
                           struct tw_slice headers)
{
    tw_http_add(res, "Access-Control-Allow-Methods", methods);
    if (headers.len > 0)
        tw_http_add(res, "Access-Control-Allow-Headers", headers);
    tw_http_add(res, "Access-Control-Max-Age", TW_LIT("600"));
}

/* "till.example:81" without its port; brackets keep the colons of an IPv6 address together. */
static struct tw_slice without_port(struct tw_slice host)
{
    const char *bracket = host.len == 0 ? NULL : memchr(host.at, ']', host.len);
    struct tw_slice rest = host, name = host;

    if (bracket != NULL)
        return tw_slice_from(host.at, (size_t)(bracket - host.at) + 1);
    (void)tw_slice_split(&rest, ':', &name);
    return name;
}

/* "http://till.example:3000" is of our own host when we are asked as "till.example:81". */
static bool is_own_host(struct tw_slice origin, struct tw_slice host)
{
    const char *at = memmem(origin.at, origin.len, "://", 3);
    struct tw_slice theirs, ours = without_port(host);

    if (at == NULL)
        return false; /* "null": a page without an origin of its own */
    theirs = without_port(tw_slice_skip(origin, (size_t)(at - origin.at) + 3));
    if (theirs.len == 0 || theirs.len != ours.len)
        return false;
    for (size_t i = 0; i < ours.len; i++)
        if (tw_ascii_lower(theirs.at[i]) != tw_ascii_lower(ours.at[i]))
            return false;
    return true;
}

bool tw_cors_admits(struct tw_slice list, const struct tw_http_request *req)
{
    struct tw_slice origin = tw_http_header(req, "origin");

    return tw_cors_allows(list, origin) || is_own_host(origin, tw_http_header(req, "host"));
}

bool tw_cors_trusts_cookies(struct tw_slice list, const struct tw_http_request *req)
{
    struct tw_slice origin = tw_http_header(req, "origin");

    return origin.len == 0 || is_own_host(origin, tw_http_header(req, "host")) ||
           (!tw_slice_is(list, "*") && is_named(list, origin));
}
