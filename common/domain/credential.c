/* credential.c - reading keys and tokens out of headers, path, query and cookie.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/credential.h"

#include "common/net/cors.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"

struct tw_slice tw_credential_cut(struct tw_slice *path)
{
    struct tw_slice rest = tw_slice_skip(*path, 3), key = TW_EMPTY;

    if (!tw_slice_starts(*path, TW_LIT("/k/")) || !tw_slice_split(&rest, '/', &key) ||
        rest.at == NULL || key.len == 0)
        return TW_EMPTY;
    *path = tw_slice_from(rest.at - 1, rest.len + 1); /* with its slash */
    return key;
}

/* Cut the first of these off the end that is there; false when none is. UTF-8: a no-break
 * space, quotes as typewriters and as printers write them, the mark that some editors begin a
 * file with. */
static bool cut_junk(struct tw_slice *text, bool at_end)
{
    static const char *const junk[] = {
        " ",
        "\t",
        "\r",
        "\n",
        "\"",
        "'",
        "`",
        "\xc2\xa0",
        "\xe2\x80\x98",
        "\xe2\x80\x99",
        "\xe2\x80\x9c",
        "\xe2\x80\x9d",
        "\xef\xbb\xbf",
    };

    for (size_t i = 0; i < TW_COUNT(junk); i++) {
        struct tw_slice one = tw_slice_of(junk[i]);

        if (text->at == NULL || text->len < one.len ||
            memcmp(at_end ? text->at + text->len - one.len : text->at, one.at, one.len) != 0)
            continue;
        *text = tw_slice_from(at_end ? text->at : text->at + one.len, text->len - one.len);
        return true;
    }
    return false;
}

struct tw_slice tw_credential_clean(struct tw_slice text)
{
    while (cut_junk(&text, false))
        continue;
    while (cut_junk(&text, true))
        continue;
    return text;
}

static bool is_made_of(struct tw_slice text, struct tw_slice prefix)
{
    struct tw_slice digits = tw_slice_skip(text, prefix.len);

    if (!tw_slice_starts(text, prefix) || digits.len != 64)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (!((digits.at[i] >= '0' && digits.at[i] <= '9') ||
              (digits.at[i] >= 'a' && digits.at[i] <= 'f')))
            return false;
    return true;
}

bool tw_credential_is_key(struct tw_slice text)
{
    return is_made_of(text, TW_LIT("pos_")) || is_made_of(text, TW_LIT("plat_"));
}

bool tw_credential_is_ticket(struct tw_slice text)
{
    return is_made_of(text, TW_LIT("tkt_"));
}

struct tw_slice tw_credential_bare(struct tw_slice text)
{
    struct tw_slice rest = tw_credential_clean(text), scheme;

    text = rest;
    if (tw_slice_split(&rest, ' ', &scheme) && tw_slice_is_nocase(scheme, "bearer"))
        return tw_credential_clean(rest);
    return text;
}

/* `Authorization: Bearer <key>` (RFC 6750 section 2.1); empty for anything else. */
static struct tw_slice bearer(const struct tw_http_request *req)
{
    struct tw_slice rest = tw_http_header(req, "authorization"), scheme;

    if (!tw_slice_split(&rest, ' ', &scheme) || !tw_slice_is_nocase(scheme, "bearer"))
        return TW_EMPTY;
    return tw_slice_trim(rest);
}

/* RFC 6265 section 4.2.1; empty without that cookie. */
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

/* False when both headers are there and differ. */
static bool read_headers(const struct tw_http_request *req, unsigned places, struct tw_buf *out)
{
    struct tw_slice key = TW_EMPTY, token = TW_EMPTY;

    if (places & TW_CREDENTIAL_HEADER)
        key = tw_credential_clean(tw_http_header(req, "x-api-key"));
    if (places & TW_CREDENTIAL_BEARER)
        token = tw_credential_clean(bearer(req));
    if (key.len > 0 && token.len > 0 && !tw_same_secret(key, token))
        return false;
    tw_buf_append(out, key.len > 0 ? key : token);
    return true;
}

static void clean(struct tw_buf *out)
{
    struct tw_slice kept = tw_credential_clean(tw_buf_view(out));

    if (kept.len > 0)
        memmove(out->at, kept.at, kept.len);
    out->len = kept.len;
}

/* False when it cannot be decoded. */
static bool read_address(const struct tw_http_request *req, unsigned places,
                         struct tw_slice path_key, struct tw_buf *out)
{
    static const char *const names[] = { "apiKey", "api_key", "token" };

    if (places & TW_CREDENTIAL_PATH && !tw_percent_decode(out, path_key, false))
        return false;
    clean(out);
    if (places & TW_CREDENTIAL_QUERY)
        for (size_t i = 0; i < TW_COUNT(names) && out->len == 0; i++) {
            if (tw_http_query(req, names[i], out) < 0)
                return false;
            clean(out);
        }
    return true;
}

/* `?ticket=`, onto `out`. What else may stand there is no key: a page that has none writes
 * "undefined". */
static enum tw_credential read_ticket(const struct tw_http_request *req, struct tw_buf *out)
{
    if (tw_http_query(req, "ticket", out) < 0)
        return TW_CREDENTIAL_MALFORMED;
    clean(out);
    return out->len == 0                               ? TW_CREDENTIAL_NONE
           : tw_credential_is_ticket(tw_buf_view(out)) ? TW_CREDENTIAL_FOUND
                                                       : TW_CREDENTIAL_NO_TICKET;
}

static enum tw_credential read(const struct tw_http_request *req, unsigned places,
                               struct tw_slice path_key, struct tw_slice origins,
                               struct tw_buf *out)
{
    enum tw_credential found = TW_CREDENTIAL_NONE;

    if (!read_headers(req, places, out))
        return TW_CREDENTIAL_CONFLICTING;
    if (out->len == 0 && !out->failed && !read_address(req, places, path_key, out) &&
        !out->failed)
        return TW_CREDENTIAL_MALFORMED;
    if (out->len == 0 && !out->failed && places & TW_CREDENTIAL_TICKET)
        found = read_ticket(req, out);
    if (found > TW_CREDENTIAL_FOUND && !out->failed)
        return found;
    if (out->len == 0 && !out->failed && places & TW_CREDENTIAL_COOKIE &&
        tw_cors_trusts_cookies(origins, req))
        tw_buf_append(out, tw_credential_clean(cookie(req, "tillwire_key")));
    if (out->failed)
        return TW_CREDENTIAL_TOO_LONG;
    return out->len > 0 ? TW_CREDENTIAL_FOUND : TW_CREDENTIAL_NONE;
}

enum tw_credential tw_credential_read(const struct tw_http_request *req, unsigned places,
                                      struct tw_slice path_key, struct tw_slice origins,
                                      struct tw_buf *out)
{
    enum tw_credential answer = read(req, places, path_key, origins, out);

    if (answer != TW_CREDENTIAL_FOUND)
        tw_buf_clear(out);
    return answer;
}

const char *tw_credential_refusal(enum tw_credential answer)
{
    switch (answer) {
    case TW_CREDENTIAL_NONE:
    case TW_CREDENTIAL_FOUND:
        break;
    case TW_CREDENTIAL_CONFLICTING:
    case TW_CREDENTIAL_TOO_LONG:
        return "UNAUTHORIZED";
    case TW_CREDENTIAL_NO_TICKET:
        return "INVALID_TICKET";
    case TW_CREDENTIAL_MALFORMED:
        return "INVALID_ENCODING";
    }
    return NULL;
}
