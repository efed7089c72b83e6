/* crypto.h - mbedTLS's door: hashes, HMAC, random bytes, comparison in constant time.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

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

/* Equal, in a time that depends on the lengths alone. */
bool tw_same_secret(struct tw_slice a, struct tw_slice b);

/* A random UUID (RFC 9562 section 5.4) as text, without NUL. */
void tw_random_uuid(char out[36]);
