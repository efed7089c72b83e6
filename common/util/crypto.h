/* crypto.h - mbedTLS's door: hashes, HMAC, random bytes, comparison in constant time, sealing,
 * signatures.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

#define TW_SHA1_BYTES 20
#define TW_SHA256_BYTES 32
#define TW_SHA256_HEX 64

void tw_sha1(struct tw_slice bytes,
             uint8_t out[TW_SHA1_BYTES]); /* RFC 6455's accept key only */
void tw_sha256(struct tw_slice bytes, uint8_t out[TW_SHA256_BYTES]);
void tw_sha256_hex(struct tw_slice bytes, char out[TW_SHA256_HEX]); /* no NUL */
void tw_hmac_sha256(struct tw_slice key, struct tw_slice bytes, uint8_t out[TW_SHA256_BYTES]);

/* From the kernel; aborts when it has none, which a booted Linux never does. */
void tw_random(void *out, size_t n);

/* Whether both are equal; the time taken depends only on the lengths. */
bool tw_same_secret(struct tw_slice a, struct tw_slice b);

/* An id that cannot be guessed: size - 1 random characters of base64url's alphabet (RFC 4648
 * section 5), six bits each, and a NUL. At most 257 bytes. */
void tw_random_id(char *out, size_t size);

/* A random UUID (RFC 9562 section 5.4) as text, without NUL. */
void tw_random_uuid(char out[36]);

#define TW_SEAL_KEY_BYTES 32
#define TW_SEAL_MARGIN 28 /* bytes by which what is sealed is longer */

/* Appends `plain` encrypted with AES-256-GCM (NIST SP 800-38D): a random nonce of 96 bits, the
 * text, a tag of 128 bits. It opens only with the same `about`, which says whose it is. */
void tw_seal(const uint8_t key[TW_SEAL_KEY_BYTES], struct tw_slice about, struct tw_slice plain,
             struct tw_buf *out);

/* Appends what was sealed; false, and nothing appended, when it was not sealed with this key
 * and `about`, or does not fit. */
bool tw_seal_open(const uint8_t key[TW_SEAL_KEY_BYTES], struct tw_slice about,
                  struct tw_slice sealed, struct tw_buf *out);

/* A public key of another party, to check its signatures with SHA-256. */
struct tw_public_key;

/* The kind of a key is also the only algorithm that it is used with. */
enum tw_key_kind {
    TW_KEY_RSA = 1, /* RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2): RS256 */
    TW_KEY_P256     /* ECDSA on P-256 (FIPS 186-4), r and s in 32 bytes each: ES256 */
};

/* Read the first public key of a PEM text (RFC 7468 section 13; for RSA also PKCS#1). Gives:
 * tw_public_key_free. TW_ECONFIG when it is no such key, RSA of less than 2048 bits, or on
 * another curve. */
int tw_public_key_read(struct tw_slice pem, struct tw_public_key **out);
void tw_public_key_free(struct tw_public_key *key);

enum tw_key_kind tw_public_key_kind(const struct tw_public_key *key);

/* Whether `signature` is one of `message` by the owner of `key`. */
bool tw_public_key_verify(const struct tw_public_key *key, struct tw_slice message,
                          struct tw_slice signature);
