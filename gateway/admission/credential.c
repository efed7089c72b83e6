/* credential.c - reading keys from headers, path, query and cookie.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admission/credential.h"

#include "common/util/base.h"
#include "common/util/encode.h"

struct tw_slice gw_credential_cut(struct tw_http_request *req)
{
    static const struct tw_slice prefix = { "/k/", 3 };
    struct tw_slice rest = tw_slice_skip(req->path, prefix.len), key = { NULL, 0 };
    const char *end;

    if (!tw_slice_starts(req->path, prefix) || rest.len == 0)
        return key;
    end = memchr(rest.at, '/', rest.len);
    if (end == NULL)
        return key;
    key = tw_slice_from(rest.at, (size_t)(end - rest.at));
    req->path = tw_slice_skip(rest, key.len);
    return key;
}

/* https://till.example:8080 and till.example:443 are one host. */
static struct tw_slice host_of(struct tw_slice text)
{
    const char *scheme = text.len < 3 ? NULL : memmem(text.at, text.len, "://", 3);
    const char *port;

    if (scheme != NULL)
        text = tw_slice_skip(text, (size_t)(scheme - text.at) + 3);
    port = text.len == 0 ? NULL : memrchr(text.at, ':', text.len);
    if (port != NULL && memchr(port, ']', text.len - (size_t)(port - text.at)) == NULL)
        text.len = (size_t)(port - text.at);
    return text;
}

static bool is_same_site(const struct tw_http_request *req, struct tw_slice origins)
{
    struct tw_slice origin = tw_http_header(req, "origin"), one;

    if (origin.len == 0 || tw_slice_eq(host_of(origin), host_of(tw_http_header(req, "host"))))
        return true;
    while (tw_slice_split(&origins, ',', &one))
        if (tw_slice_eq(tw_slice_trim(one), origin))
            return true;
    return false;
}

/* RFC 6265 section 4.2.1. */
static struct tw_slice cookie(const struct tw_http_request *req, const char *name)
{
    struct tw_slice rest = tw_http_header(req, "cookie"), pair, found;

    while (tw_slice_split(&rest, ';', &pair)) {
        pair = tw_slice_trim(pair);
        if (tw_slice_split(&pair, '=', &found) && tw_slice_is(found, name))
            return pair;
    }
    return (struct tw_slice){ NULL, 0 };
}

static struct tw_slice header_key(const struct tw_http_request *req)
{
    struct tw_slice key = tw_http_header(req, "x-api-key"), scheme;
    struct tw_slice bearer = tw_http_header(req, "authorization");

    if (key.len == 0 && tw_slice_split(&bearer, ' ', &scheme) &&
        tw_slice_is_nocase(scheme, "bearer"))
        key = tw_slice_trim(bearer);
    return key;
}

bool gw_credential_read(const struct tw_http_request *req, struct tw_slice path_key,
                        struct tw_slice origins, struct tw_buf *out)
{
    static const char *const names[] = { "apiKey", "api_key", "token" };

    tw_buf_append(out, header_key(req));
    if (out->len == 0 && path_key.len > 0 && !tw_percent_decode(out, path_key, false))
        return false;
    for (size_t i = 0; i < TW_COUNT(names) && out->len == 0; i++)
        if (tw_http_query(req, names[i], out) != 1)
            tw_buf_clear(out);
    if (out->len == 0 && is_same_site(req, origins))
        tw_buf_append(out, cookie(req, "tillwire_key"));
    return out->len > 0 && !out->failed;
}
