/* jwt.h - JSON Web Tokens (RFC 7519): who is this client, and until when?
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

struct tw_public_key; /* crypto.h */

#define TW_JWT_BYTES 8192 /* longest token */
#define TW_JWT_TEXT_BYTES                                                                      \
    ((size_t)3 * TW_JWT_BYTES) /* `max` of a buf in which every token fits */
#define TW_JWT_SECRET_BYTES 16 /* a shorter secret is never accepted */

/* Clocks differ: so much before its nbf or iat a token is taken. After its exp, never: who
 * gave it an end meant it. */
#define TW_JWT_LEEWAY_MS 60000

enum tw_jwt_alg { TW_JWT_HS256 = 1, TW_JWT_RS256, TW_JWT_ES256 };

/* The slices are lent with the token and with the buf that tw_jwt_read was given. */
struct tw_jwt {
    enum tw_jwt_alg alg;
    struct tw_slice restaurant;  /* restaurant_id or restaurantId, as text; empty: none */
    struct tw_slice restaurants; /* restaurants or restaurant_ids: a raw JSON array of strings;
                                    empty: none */
    struct tw_slice subject, role;    /* as text, may be empty */
    struct tw_slice scopes;           /* scope or scopes: a raw JSON array of strings */
    bool has_scopes;                  /* "[]" is not the same as no claim */
    int64_t expires_ms;               /* wall clock; 0: no exp, and tw_jwt_verify refuses */
    int64_t not_before_ms, issued_ms; /* nbf, iat; 0: none */
    struct tw_slice audience;         /* aud: a raw JSON string or array of strings, or empty */
    struct tw_slice signed_part;      /* header.payload, as it stands in the token */
    struct tw_slice signature;        /* decoded */
};

struct tw_jwt_keys {
    struct tw_slice secret;                 /* for HS256; empty: not accepted */
    const struct tw_public_key *public_key; /* for RS256 or ES256, as its kind is; null: none */
    struct tw_slice audience;               /* that aud must name; empty: not checked */
};

/* Take a compact JWS (RFC 7515 section 3.1) apart without believing it: whose keys are to be
 * asked? `text` is cleared and then holds what was decoded. 0 with `out` filled; TW_ETOOBIG;
 * TW_ESYNTAX or TW_EDUPLICATE for all that is no token of ours: the header's `alg` must be one
 * of the three, its `typ` JWT or absent, and `crit` must be absent, since it would name things
 * that we do not know (RFC 7515 section 4.1.11). Two spellings of a claim must agree. */
int tw_jwt_read(struct tw_slice token, struct tw_buf *text, struct tw_jwt *out);

/* Believe it? A key of the kind that `alg` needs (a public key never serves as a secret), exp,
 * nbf, iat, aud (RFC 7519 section 4.1) and the signature. 0, or TW_EAUTH: which check failed is
 * not for the client. ES256 takes 2 ms: no more often than once a connection. */
int tw_jwt_verify(const struct tw_jwt *jwt, const struct tw_jwt_keys *keys, int64_t now_ms);

/* The same for the log: null when it is valid, otherwise what is wrong with it, static. */
const char *tw_jwt_fault(const struct tw_jwt *jwt, const struct tw_jwt_keys *keys,
                         int64_t now_ms);
