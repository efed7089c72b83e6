/* jwt.c - fuzzing: whatever a client sends as a token, read and checked with every kind of key.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/jwt.h"

#include <stddef.h>
#include <stdint.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/json_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of RFC 7515 appendix A.3. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                          "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                          "-----END PUBLIC KEY-----\n";

/* All slices must be readable to their ends, and the arrays must be arrays. */
static void look_at(const struct tw_jwt *jwt)
{
    struct tw_slice rest = jwt->scopes, element;

    TW_ASSERT(jwt->has_scopes == (rest.len > 0));
    while (tw_json_element(&rest, &element))
        TW_ASSERT(element.len >= 2 && element.at[0] == '"');
    rest = jwt->restaurants;
    while (tw_json_element(&rest, &element))
        TW_ASSERT(element.len >= 2 && element.at[0] == '"');
    TW_ASSERT(tw_is_utf8(jwt->restaurant) && tw_is_utf8(jwt->subject) && tw_is_utf8(jwt->role));
    TW_ASSERT(tw_is_utf8(jwt->scopes));
    TW_ASSERT(jwt->expires_ms >= 0 && jwt->not_before_ms >= 0 && jwt->issued_ms >= 0);
}

static void check(const struct tw_jwt *jwt)
{
    struct tw_jwt_keys keys = { .secret = TW_LIT("0123456789abcdef") };
    struct tw_public_key *key = NULL;
    int64_t now_ms = jwt->expires_ms > 0 ? jwt->expires_ms - 1 : 0;

    TW_ASSERT(tw_public_key_read(TW_LIT(pem), &key) == 0);
    keys.public_key = key;
    (void)tw_jwt_verify(jwt, &keys, now_ms);
    keys.audience = TW_LIT("till");
    (void)tw_jwt_verify(jwt, &keys, now_ms);
    TW_ASSERT(tw_jwt_verify(jwt, &keys, INT64_MAX) < 0);
    tw_public_key_free(key);
}

/* The header and claims as JSON, split at the first line break: mutations of readable text get
 * further than those of base64url. */
static void put_token(struct tw_buf *token, struct tw_slice text)
{
    struct tw_slice header;

    if (!tw_slice_split(&text, '\n', &header))
        return;
    tw_base64url(token, header);
    tw_buf_char(token, '.');
    tw_base64url(token, text);
    tw_buf_text(token, ".AAAA");
}

static void try_token(struct tw_slice token)
{
    struct tw_buf text = { .max = TW_JWT_TEXT_BYTES };
    struct tw_jwt jwt;

    if (tw_jwt_read(token, &text, &jwt) == 0) {
        look_at(&jwt);
        check(&jwt);
    }
    tw_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_slice input = tw_slice_from((const char *)data, size);
    struct tw_buf token = { .max = 65536 };

    try_token(input);
    put_token(&token, input);
    try_token(tw_buf_view(&token));
    tw_buf_done(&token);
    return 0;
}
