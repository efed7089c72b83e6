/* crypto.c - what we need of mbedTLS; its types stay in this file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/crypto.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"

#define RSA_BITS 2048
#define P256_BYTES 32
#define NONCE_BYTES 12
#define TAG_BYTES 16

struct tw_public_key {
    mbedtls_pk_context pk;
    enum tw_key_kind kind;
};

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

void tw_random_id(char *out, size_t size)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    TW_ASSERT(size > 0);
    tw_random(out, size - 1);
    for (size_t i = 0; i < size - 1; i++)
        out[i] = alphabet[(unsigned char)out[i] & 63];
    out[size - 1] = '\0';
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

static void gcm_start(mbedtls_gcm_context *gcm, const uint8_t key[TW_SEAL_KEY_BYTES])
{
    int r;

    mbedtls_gcm_init(gcm);
    r = mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, 8 * TW_SEAL_KEY_BYTES);
    TW_ASSERT(r == 0);
}

void tw_seal(const uint8_t key[TW_SEAL_KEY_BYTES], struct tw_slice about, struct tw_slice plain,
             struct tw_buf *out)
{
    unsigned char *at = (unsigned char *)tw_buf_room(out, plain.len + TW_SEAL_MARGIN);
    mbedtls_gcm_context gcm;
    int r;

    if (at == NULL)
        return;
    tw_random(at, NONCE_BYTES);
    gcm_start(&gcm, key);
    r = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain.len, at, NONCE_BYTES,
                                  bytes_of(about), about.len, bytes_of(plain), at + NONCE_BYTES,
                                  TAG_BYTES, at + NONCE_BYTES + plain.len);
    mbedtls_gcm_free(&gcm);
    TW_ASSERT(r == 0);
    tw_buf_grew(out, plain.len + TW_SEAL_MARGIN);
}

bool tw_seal_open(const uint8_t key[TW_SEAL_KEY_BYTES], struct tw_slice about,
                  struct tw_slice sealed, struct tw_buf *out)
{
    const unsigned char *at = bytes_of(sealed);
    mbedtls_gcm_context gcm;
    size_t len;
    char *plain;
    int r;

    if (sealed.len < TW_SEAL_MARGIN)
        return false;
    len = sealed.len - TW_SEAL_MARGIN;
    plain = tw_buf_room(out, len);
    if (plain == NULL)
        return false;
    gcm_start(&gcm, key);
    r = mbedtls_gcm_auth_decrypt(&gcm, len, at, NONCE_BYTES, bytes_of(about), about.len,
                                 at + NONCE_BYTES + len, TAG_BYTES, at + NONCE_BYTES,
                                 (unsigned char *)plain);
    mbedtls_gcm_free(&gcm);
    if (r != 0)
        return false;
    tw_buf_grew(out, len);
    return true;
}

/* 0 for a key that we do not use. */
static enum tw_key_kind kind_of(const mbedtls_pk_context *pk)
{
    if (mbedtls_pk_can_do(pk, MBEDTLS_PK_RSA) && mbedtls_pk_get_bitlen(pk) >= RSA_BITS)
        return TW_KEY_RSA;
    if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA) &&
        mbedtls_pk_ec(*pk)->grp.id == MBEDTLS_ECP_DP_SECP256R1)
        return TW_KEY_P256;
    return 0;
}

int tw_public_key_read(struct tw_slice pem, struct tw_public_key **out)
{
    struct tw_public_key *key;
    char *text;
    int r;

    /* mbedTLS would also take DER. */
    if (pem.len == 0 || memmem(pem.at, pem.len, "-----BEGIN ", 11) == NULL)
        return TW_ECONFIG;
    key = tw_new(struct tw_public_key);
    text = tw_copy_text(pem.at, pem.len); /* its length must count a NUL */
    mbedtls_pk_init(&key->pk);
    r = mbedtls_pk_parse_public_key(&key->pk, (const unsigned char *)text, pem.len + 1);
    free(text);
    if (r == 0)
        key->kind = kind_of(&key->pk);
    if (key->kind == 0) {
        tw_public_key_free(key);
        return TW_ECONFIG;
    }
    *out = key;
    return 0;
}

void tw_public_key_free(struct tw_public_key *key)
{
    if (key == NULL)
        return;
    mbedtls_pk_free(&key->pk);
    free(key);
}

enum tw_key_kind tw_public_key_kind(const struct tw_public_key *key)
{
    return key->kind;
}

/* The key comes by value, which is two pointers: mbedTLS keeps what it computes once in what
 * they point to. */
static bool rsa_verifies(mbedtls_pk_context pk, const uint8_t digest[TW_SHA256_BYTES],
                         struct tw_slice signature)
{
    return signature.len == mbedtls_pk_get_len(&pk) &&
           mbedtls_pk_verify(&pk, MBEDTLS_MD_SHA256, digest, TW_SHA256_BYTES,
                             bytes_of(signature), signature.len) == 0;
}

/* RFC 7518 section 3.4: r and s, big-endian, one after the other. Zero and what is not below
 * the group's order is refused by mbedTLS. */
static bool p256_verifies(mbedtls_pk_context pk, const uint8_t digest[TW_SHA256_BYTES],
                          struct tw_slice signature)
{
    mbedtls_ecp_keypair *pair = mbedtls_pk_ec(pk);
    mbedtls_mpi r, s;
    bool ok;

    if (signature.len != 2 * (size_t)P256_BYTES)
        return false;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    ok = mbedtls_mpi_read_binary(&r, bytes_of(signature), P256_BYTES) == 0 &&
         mbedtls_mpi_read_binary(&s, bytes_of(signature) + P256_BYTES, P256_BYTES) == 0 &&
         mbedtls_ecdsa_verify(&pair->grp, digest, TW_SHA256_BYTES, &pair->Q, &r, &s) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return ok;
}

bool tw_public_key_verify(const struct tw_public_key *key, struct tw_slice message,
                          struct tw_slice signature)
{
    uint8_t digest[TW_SHA256_BYTES];

    tw_sha256(message, digest);
    switch (key->kind) {
    case TW_KEY_RSA:
        return rsa_verifies(key->pk, digest, signature);
    case TW_KEY_P256:
        return p256_verifies(key->pk, digest, signature);
    }
    return false;
}
