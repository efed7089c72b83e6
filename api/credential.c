/* credential.c - the places of a credential, in their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/credential.h"

#include "common/net/cors.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"

/* `Authorization: Bearer <key>`; an empty slice for anything else. */
static struct tw_slice bearer(const struct tw_http_request *req)
{
    struct tw_slice rest = tw_http_header(req, "authorization"), scheme;

    if (!tw_slice_split(&rest, ' ', &scheme) || !tw_slice_is_nocase(scheme, "bearer"))
        return TW_EMPTY;
    return tw_slice_trim(rest);
}

/* RFC 6265 section 4.2.1; an empty slice without that cookie. */
static struct tw_slice cookie(const struct tw_http_request *req, const char *name)
{
    struct tw_slice rest = tw_http_header(req, "cookie"), pair, key;

    while (tw_slice_split(&rest, ';', &pair)) {
        struct tw_slice value = tw_slice_trim(pair);

        if (tw_slice_split(&value, '=', &key) && tw_slice_is(key, name))
            return value;
    }
    return TW_EMPTY;
}

/* False when it cannot be decoded. */
static bool read_address(const struct tw_http_request *req, const struct api_match *match,
                         struct tw_buf *out)
{
    static const char *const names[] = { "apiKey", "api_key", "token" };

    if (!tw_percent_decode(out, match->key, false))
        return false;
    for (size_t i = 0; i < TW_COUNT(names) && out->len == 0; i++)
        if (tw_http_query(req, names[i], out) < 0)
            return false;
    return true;
}

const char *api_credential_read(const struct tw_http_request *req,
                                const struct api_match *match, struct tw_slice origins,
                                struct tw_buf *out)
{
    struct tw_slice key = tw_http_header(req, "x-api-key"), token = bearer(req);

    if (key.len > 0 && token.len > 0 && !tw_same_secret(key, token))
        return "UNAUTHORIZED";
    tw_buf_append(out, key.len > 0 ? key : token);
    if (out->len == 0 && match->route->manner == API_DEVICE) {
        if (!read_address(req, match, out))
            return "INVALID_ENCODING";
        if (out->len == 0 && tw_cors_trusts_cookies(origins, req))
            tw_buf_append(out, cookie(req, "tillwire_key"));
    }
    return out->failed ? "UNAUTHORIZED" : NULL; /* longer than any */
}
