/* jwt.c - a token taken apart, and then checked.
 *
 * The sender of a token chooses its header. So the header decides nothing: it only says which
 * of our keys to check it with, and each key works with exactly one algorithm.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/jwt.h"

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"

/* The end of the year 9999. A time in milliseconds by mistake lies beyond it. */
#define LAST_SECOND 253402300799u

enum { ALG, TYP, CRIT, HEADER_NAMES };

static const char *const header_names[HEADER_NAMES] = {
    [ALG] = "alg", [TYP] = "typ", [CRIT] = "crit"
};

enum {
    RESTAURANT_ID,
    RESTAURANT_ID_2,
    RESTAURANTS,
    RESTAURANTS_2,
    SCOPE,
    SCOPE_2,
    SUB,
    ROLE,
    EXP,
    NBF,
    IAT,
    AUD,
    CLAIM_NAMES
};

static const char *const claim_names[CLAIM_NAMES] = {
    [RESTAURANT_ID] = "restaurant_id",
    [RESTAURANT_ID_2] = "restaurantId",
    [RESTAURANTS] = "restaurants",
    [RESTAURANTS_2] = "restaurant_ids",
    [SCOPE] = "scope",
    [SCOPE_2] = "scopes",
    [SUB] = "sub",
    [ROLE] = "role",
    [EXP] = "exp",
    [NBF] = "nbf",
    [IAT] = "iat",
    [AUD] = "aud",
};

/* The text of a raw string, lent: where it stands, or decoded into `scratch`. */
static struct tw_slice text_of(struct tw_slice raw, struct tw_buf *scratch)
{
    struct tw_slice text = { 0 };

    tw_buf_clear(scratch);
    if (!tw_json_plain(raw, &text) && tw_json_string(scratch, raw))
        text = tw_buf_view(scratch);
    return text;
}

/* The raw values of the members that are named, each at its name's index; the others stay
 * empty. Names are compared decoded: "\u0063rit" is crit as well. */
static void collect(struct tw_slice object, const char *const *names, size_t count,
                    struct tw_slice *values)
{
    struct tw_buf scratch = { .max = TW_JWT_BYTES };
    struct tw_slice raw, value, name;

    while (tw_json_pair(&object, &raw, &value)) {
        name = text_of(raw, &scratch);
        for (size_t i = 0; i < count; i++)
            if (tw_slice_is(name, names[i]))
                values[i] = value;
    }
    tw_buf_done(&scratch);
}

/* Decodes a part of the token onto the end of `text`. */
static int decode_object(struct tw_buf *text, struct tw_slice part, struct tw_slice *object)
{
    struct tw_json_fault fault;
    size_t start = text->len, len;
    int r;

    if (!tw_base64url_decode(text, part) || text->failed)
        return TW_ESYNTAX;
    len = text->len - start;
    r = tw_json_scan(text->at + start, &len, &tw_json_narrow, &fault);
    if (r < 0)
        return r;
    text->len = start + len;
    *object = tw_slice_from(text->at + start, len);
    return r == '{' ? 0 : TW_ESYNTAX;
}

static int decode_bytes(struct tw_buf *text, struct tw_slice part, struct tw_slice *bytes)
{
    size_t start = text->len;

    if (part.len == 0 || !tw_base64url_decode(text, part) || text->failed)
        return TW_ESYNTAX;
    *bytes = tw_slice_from(text->at + start, text->len - start);
    return 0;
}

static int read_header(struct tw_slice object, struct tw_jwt *jwt)
{
    struct tw_slice values[HEADER_NAMES] = { 0 }, text;

    collect(object, header_names, HEADER_NAMES, values);
    if (values[CRIT].len > 0)
        return TW_ESYNTAX;
    if (values[TYP].len > 0 &&
        !(tw_json_plain(values[TYP], &text) && tw_slice_is_nocase(text, "JWT")))
        return TW_ESYNTAX;
    if (!tw_json_plain(values[ALG], &text))
        return TW_ESYNTAX;
    if (tw_slice_is(text, "HS256"))
        jwt->alg = TW_JWT_HS256;
    else if (tw_slice_is(text, "RS256"))
        jwt->alg = TW_JWT_RS256;
    else if (tw_slice_is(text, "ES256"))
        jwt->alg = TW_JWT_ES256;
    else
        return TW_ESYNTAX;
    return 0;
}

/* A NumericDate (RFC 7519 section 2), in digits and perhaps a fraction. */
static bool read_time(struct tw_slice raw, int64_t *ms)
{
    struct tw_slice whole, fraction = raw;
    uint64_t seconds, thousandths = 0;

    if (raw.len == 0)
        return true; /* absent; `*ms` stays 0 */
    if (!tw_slice_split(&fraction, '.', &whole) || !tw_slice_u64(whole, &seconds) ||
        seconds > LAST_SECOND)
        return false;
    for (size_t i = 0; i < fraction.len || i < 3; i++) {
        char c = i < fraction.len ? fraction.at[i] : '0';

        if (c < '0' || c > '9')
            return false; /* an exponent */
        if (i < 3)
            thousandths = thousandths * 10 + (uint64_t)(c - '0');
    }
    *ms = (int64_t)(seconds * 1000 + thousandths);
    return true;
}

/* A claim that is text. Null counts as absent: such a claim grants something, it does not
 * limit. */
static bool read_text(struct tw_buf *text, struct tw_slice raw, struct tw_slice *out)
{
    size_t start = text->len;

    if (raw.len == 0 || tw_slice_is(raw, "null") || tw_json_plain(raw, out))
        return true;
    if (!tw_json_string(text, raw))
        return false;
    *out = tw_slice_from(text->at + start, text->len - start);
    return true;
}

static bool is_array_of_strings(struct tw_slice raw)
{
    struct tw_slice element;

    if (raw.len == 0 || raw.at[0] != '[')
        return false;
    while (tw_json_element(&raw, &element))
        if (element.at[0] != '"')
            return false;
    return true;
}

/* The words of a raw string as an array. A word keeps its escapes, so it stays a JSON string.
 */
static struct tw_slice put_words(struct tw_buf *text, struct tw_slice raw)
{
    struct tw_slice rest = tw_slice_from(raw.at + 1, raw.len - 2), word;
    size_t start = text->len;
    const char *comma = "";

    tw_buf_char(text, '[');
    while (tw_slice_split(&rest, ' ', &word)) {
        if (word.len == 0)
            continue;
        tw_buf_text(text, comma);
        tw_buf_char(text, '"');
        tw_buf_append(text, word);
        tw_buf_char(text, '"');
        comma = ",";
    }
    tw_buf_char(text, ']');
    return tw_slice_from(text->at + start, text->len - start);
}

/* RFC 8693 section 4.2 has the words in one string; Restaurant OS has an array. */
static bool read_scopes(struct tw_buf *text, struct tw_slice raw, struct tw_jwt *jwt)
{
    if (raw.len == 0)
        return true;
    jwt->has_scopes = true;
    if (raw.at[0] == '"')
        jwt->scopes = put_words(text, raw);
    else if (is_array_of_strings(raw))
        jwt->scopes = raw;
    else
        return false;
    return true;
}

static bool read_restaurants(struct tw_slice raw, struct tw_jwt *jwt)
{
    if (raw.len == 0 || tw_slice_is(raw, "null"))
        return true;
    jwt->restaurants = raw;
    return is_array_of_strings(raw);
}

static bool read_audience(struct tw_slice raw, struct tw_jwt *jwt)
{
    jwt->audience = raw;
    return raw.len == 0 || raw.at[0] == '"' || is_array_of_strings(raw);
}

/* The second spelling of a claim goes to the first one's place; both only if they agree. */
static bool join_spellings(struct tw_slice *first)
{
    if (first[0].len == 0)
        first[0] = first[1];
    return first[1].len == 0 || tw_slice_eq(first[0], first[1]);
}

static int read_claims(struct tw_buf *text, struct tw_slice object, struct tw_jwt *jwt)
{
    struct tw_slice values[CLAIM_NAMES] = { 0 };

    collect(object, claim_names, CLAIM_NAMES, values);
    if (!join_spellings(&values[RESTAURANT_ID]) || !join_spellings(&values[RESTAURANTS]) ||
        !join_spellings(&values[SCOPE]))
        return TW_ESYNTAX;
    if (!read_text(text, values[RESTAURANT_ID], &jwt->restaurant) ||
        !read_text(text, values[SUB], &jwt->subject) ||
        !read_text(text, values[ROLE], &jwt->role))
        return TW_ESYNTAX;
    if (!read_restaurants(values[RESTAURANTS], jwt) || !read_scopes(text, values[SCOPE], jwt) ||
        !read_audience(values[AUD], jwt))
        return TW_ESYNTAX;
    if (!read_time(values[EXP], &jwt->expires_ms) ||
        !read_time(values[NBF], &jwt->not_before_ms) ||
        !read_time(values[IAT], &jwt->issued_ms))
        return TW_ESYNTAX;
    return text->failed ? TW_ETOOBIG : 0;
}

int tw_jwt_read(struct tw_slice token, struct tw_buf *text, struct tw_jwt *out)
{
    struct tw_slice rest = token, header, claims, object;
    struct tw_jwt jwt = { 0 };
    int r;

    tw_buf_clear(text);
    if (token.len > TW_JWT_BYTES)
        return TW_ETOOBIG;
    if (!tw_slice_split(&rest, '.', &header) || !tw_slice_split(&rest, '.', &claims) ||
        rest.len == 0)
        return TW_ESYNTAX;
    /* All the room at once, since slices point into it: decoding takes a quarter away, and
     * no claim gets more than twice as long when it is written out. */
    if (tw_buf_room(text, 3 * token.len) == NULL)
        return TW_ETOOBIG;
    r = decode_object(text, header, &object);
    if (r == 0)
        r = read_header(object, &jwt);
    if (r == 0)
        r = decode_object(text, claims, &object);
    if (r == 0)
        r = decode_bytes(text, rest, &jwt.signature);
    if (r == 0)
        r = read_claims(text, object, &jwt);
    if (r < 0)
        return r;
    jwt.signed_part = tw_slice_from(token.at, header.len + 1 + claims.len);
    *out = jwt;
    return 0;
}

/* A public key configured as the secret would be a secret that everybody knows. */
static bool is_secret(struct tw_slice secret)
{
    return secret.len >= TW_JWT_SECRET_BYTES &&
           !tw_slice_starts(tw_slice_trim(secret), TW_LIT("-----BEGIN "));
}

static bool key_fits(enum tw_jwt_alg alg, const struct tw_jwt_keys *keys)
{
    switch (alg) {
    case TW_JWT_HS256:
        return is_secret(keys->secret);
    case TW_JWT_RS256:
        return keys->public_key != NULL && tw_public_key_kind(keys->public_key) == TW_KEY_RSA;
    case TW_JWT_ES256:
        return keys->public_key != NULL && tw_public_key_kind(keys->public_key) == TW_KEY_P256;
    }
    return false;
}

static bool signature_fits(const struct tw_jwt *jwt, const struct tw_jwt_keys *keys)
{
    uint8_t mac[TW_SHA256_BYTES];

    if (jwt->alg != TW_JWT_HS256)
        return tw_public_key_verify(keys->public_key, jwt->signed_part, jwt->signature);
    tw_hmac_sha256(keys->secret, jwt->signed_part, mac);
    return tw_same_secret(tw_slice_from((const char *)mac, sizeof(mac)), jwt->signature);
}

static bool audience_fits(struct tw_slice raw, struct tw_slice audience)
{
    struct tw_buf scratch = { .max = TW_JWT_BYTES };
    struct tw_slice element;
    bool fits = audience.len == 0;

    if (raw.len > 0 && raw.at[0] == '"')
        fits = fits || tw_slice_eq(text_of(raw, &scratch), audience);
    while (!fits && tw_json_element(&raw, &element))
        fits = tw_slice_eq(text_of(element, &scratch), audience);
    tw_buf_done(&scratch);
    return fits;
}

/* The signature comes last: it costs most, and clients whose token has expired may come back
 * with it again and again. */
const char *tw_jwt_fault(const struct tw_jwt *jwt, const struct tw_jwt_keys *keys,
                         int64_t now_ms)
{
    if (!key_fits(jwt->alg, keys))
        return "no key for its algorithm";
    if (jwt->expires_ms == 0)
        return "no exp";
    if (now_ms >= jwt->expires_ms)
        return "expired";
    if (now_ms < jwt->not_before_ms - TW_JWT_LEEWAY_MS)
        return "not valid yet";
    if (now_ms < jwt->issued_ms - TW_JWT_LEEWAY_MS)
        return "issued in the future";
    if (!audience_fits(jwt->audience, keys->audience))
        return "for another audience";
    return signature_fits(jwt, keys) ? NULL : "wrong signature";
}

int tw_jwt_verify(const struct tw_jwt *jwt, const struct tw_jwt_keys *keys, int64_t now_ms)
{
    return tw_jwt_fault(jwt, keys, now_ms) == NULL ? 0 : TW_EAUTH;
}
