/* crypto.c - what we need of mbedTLS; its types stay in this file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <sys/random.h>

#include "common/base.h"
#include "common/encode.h"

static const unsigned char *bytes_of(struct tw_slice s)
{
    return (const unsigned char *)(s.at == NULL ? "" : s.at);
}

/* The software implementations never fail; a hardware one that did must not go unnoticed. */
void tw_sha1(struct tw_slice bytes, uint8_t out[TW_SHA1_BYTES])
{
    int r = mbedtls_sha1_ret(bytes_of(bytes), bytes.len, out);

    TW_ASSERT(r == 0);
}

void tw_sha256(struct tw_slice bytes, uint8_t out[TW_SHA256_BYTES])
{
    int r = mbedtls_sha256_ret(bytes_of(bytes), bytes.len, out, 0);

    TW_ASSERT(r == 0);
}

void tw_sha256_hex(struct tw_slice bytes, char out[TW_SHA256_HEX])
{
    uint8_t digest[TW_SHA256_BYTES];

    tw_sha256(bytes, digest);
    tw_hex(digest, sizeof(digest), out);
}

void tw_hmac_sha256(struct tw_slice key, struct tw_slice bytes, uint8_t out[TW_SHA256_BYTES])
{
    int r = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes_of(key),
                            key.len, bytes_of(bytes), bytes.len, out);

    TW_ASSERT(r == 0);
}

void tw_random(void *out, size_t n)
{
    TW_ASSERT(n <= 256 && getrandom(out, n, 0) == (ssize_t)n);
}

bool tw_same_secret(struct tw_slice a, struct tw_slice b)
{
    return a.len == b.len && mbedtls_ct_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}

void tw_random_uuid(char out[36])
{
    uint8_t bytes[16];
    char hex[32];
    size_t o = 0;

    tw_random(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    tw_hex(bytes, sizeof(bytes), hex);
    for (size_t i = 0; i < sizeof(hex); i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[o++] = '-';
        out[o++] = hex[i];
    }
}
