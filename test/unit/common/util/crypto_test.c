/* crypto_test.c - hashes by their published vectors, random bytes, comparison, public keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/crypto.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

/* Made with node's crypto: generateKeyPairSync, then sign('sha256', message, key), with
 * dsaEncoding 'ieee-p1363' for the curve; signatures as base64url. */
static const char message[] = "Fish and chips";

static const char rsa_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlW2OiAcU7SlfQBW9akPQ\n"
    "N2a0gNAEhRVLnxlE1nxOarXfossQY7d+MjFP7FsfxV420XNU6RMTf+1NUH6fKSJL\n"
    "5FHsWV3EMdmCCGHzZ7iQabvO4iuRS2l6mYUa9iKSqOj+kipEXvAok4mzozjEmmob\n"
    "35O5hI4TAcjt+9UTzp9NyZ62nRG89860wDGmOzMfBmkjLp1B5UodAC0uvdeDQ0L9\n"
    "zw7WMLzc2jRNtconA/kgNHtzdd7AmnIOS9JOXrPXdIzF5TtFk+7Pig1zO+a39sqA\n"
    "5jbSYIoIbGCClXeehWsTv5mJI6NqiM8S0iiOY2WDquKpyv5ZFUZJknMZngHfVfJJ\n"
    "XwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static const char rsa_key_pkcs1[] =
    "-----BEGIN RSA PUBLIC KEY-----\n"
    "MIIBCgKCAQEAlW2OiAcU7SlfQBW9akPQN2a0gNAEhRVLnxlE1nxOarXfossQY7d+\n"
    "MjFP7FsfxV420XNU6RMTf+1NUH6fKSJL5FHsWV3EMdmCCGHzZ7iQabvO4iuRS2l6\n"
    "mYUa9iKSqOj+kipEXvAok4mzozjEmmob35O5hI4TAcjt+9UTzp9NyZ62nRG89860\n"
    "wDGmOzMfBmkjLp1B5UodAC0uvdeDQ0L9zw7WMLzc2jRNtconA/kgNHtzdd7AmnIO\n"
    "S9JOXrPXdIzF5TtFk+7Pig1zO+a39sqA5jbSYIoIbGCClXeehWsTv5mJI6NqiM8S\n"
    "0iiOY2WDquKpyv5ZFUZJknMZngHfVfJJXwIDAQAB\n"
    "-----END RSA PUBLIC KEY-----\n";

static const char rsa_signature[] =
    "iXwtvS2P2n7xuSAz7bOEq6b2WcBisbwhXeBagbks2znVWKXamsbatZ1hBPeVUwHqFPzd5ngDTPer"
    "rooLK6ZNbKNek0ORMuQa2XDsKuEJSr0Q-4DMUSA7FFregEYksayZ8NlC4boLWjlipCAu0KmEeg_K"
    "XZnsXD4Qbg-fgC7mg0l55XGAoa09kMxJu5x8eCjm_TNh1dAXOql6IrIoG3RGU5pLvw-jj9oh91u7"
    "kFh7EktWF0COU6o7sdwq66Eow6t96dgAI0pBHD49ikbxDGVOELXlgb7J_hbyn85nLrtTMv9LceeU"
    "Ps3qWcMosMsEGgM5l7iSl8D6XlGSm-AmnyRfHw";

/* By the same key, but with SHA-1, and with the padding of PSS. */
static const char rsa_sha1_signature[] =
    "gWdHogsQTkf2Nj_h94INASNugGeEIapPURk6CfV5CSa2C6yys-cqvoZ6DeOKsA_fXBXyY0AwP6Yy"
    "lFeMEnVDjThaw71bMF7IkUBuutmuO-DlZ3L5EjbaktQ8zzWpsaGV1P85MAQjjUQdUXfYHjCqLvI0"
    "hqrvy2vtSuzU1M1uR0-pt2dqU50aBBoNMDVGEMzR36fY3jqclidPgYSrVmZ2miBRoQnLN-jGQSpz"
    "MJFh8jUPwLp1xJJ1xGw028lg94AHw6GXrdddSA48HaS1JwJXmMLAoQzAigk7ceOUWNESNV0T9Yij"
    "_J6jlEsebjDkiqvusUIWjg9rKFpexnPzonxBjw";

static const char rsa_pss_signature[] =
    "PPXTECtOyz78ZuIR44yC2XNl6Mi-i0YhyVLJkReh6jWAnDb1OK-x7lN1wXeW-sc7IgITAMb_DFW2"
    "mGFfU8Suz7JN23JnBo-UTSH0dGI0_EGmkzqZLjD8S3nYgD-9SaRODMd05GIvV5ggcVoqcxAOV1HA"
    "3SzuUxYWtDowOmPZRmQT9NBT9fhLXX0hermy3Su0WwbagxUih2WCNqSdCNgOEZmGU4TjhJzgHOzZ"
    "5pQx6Mw_Egw5CXw9P8pOHy4Srg4bL4zOGVjQjp1bIu00v6y1iYg-Jo9mraF3pjow6YxVd7FivTZG"
    "y1UWD9SRgHiCwy2FxLcsUi2uANgZsY5uLe26tg";

static const char ec_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwZxJtKZpa6bHefI9mVGkJoVRfHdt\n"
    "KG4KynE53s+sc1noF3i64pQRpMGQz/CNgfya/vL6yT5sM6PFmdgyHg6m1g==\n"
    "-----END PUBLIC KEY-----\n";

static const char ec_signature[] =
    "hUc3Hxz1P1xC-i6A792b015ITCw0buIT5nq8UQ1-Oai0fmDYrJf_22irfmIaF1rRagKPpqeMNuqO"
    "HXkMwPRI-A";

static const char ec_der_signature[] =
    "MEUCIQCJ_eSY8OjRjFByFFTHrjHGBG6zl5dxK3_-JXmqmDovXwIgDTzeab405kaB3YZPxzgaETK4"
    "EvE63wLQ0s34fExTdvg";

/* Keys that we do not use. */
static const char rsa_2040[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQAAnvhKKXYbEPQvKgAW7qsE\n"
    "+Ga4F928WI3shTnz6zjGXkv65p1yBogR0beLGweoER9okNUPu5JpbLsOdSQrBEp8\n"
    "Erfe6jxz2LxpAv88NjXDbmXLVLyX7SjJ0kkNZafr+LC5nNrG9aRZOqNFUnyRsIY9\n"
    "u3qauRWlzlhSdKG+YG/2gm6GvDKRwgqkOpCthtNX/dq8XP7N/hMVmQzOUUXJd+E+\n"
    "ASibZqZyopV48CSZduVmYgIii1QXVvbNLmTWanBlj+S/OcE7HpOpZ4EwtNzSSFjl\n"
    "FZMIi3QyN6BVGpW1EYomEL2d+opttotAiUdbTR4uqlmS6fWv5YKTf3kSkLQJZG7F\n"
    "AgMBAAE=\n"
    "-----END PUBLIC KEY-----\n";

static const char rsa_pss[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAOW9pHscLI8H95dt5YbH4gki\n"
    "hPWQHYNbic1iG9f0VXDCZok8R/HEKdcJfigpUB49JWn1DPxF8ZbgJWNkQbR4Qj2O\n"
    "P2yORpTUVykCEz83n6xeYapOBs6E69BlfR1t68kv/TcA2qbdGbMOqe8+7fje4dk/\n"
    "TFgUV6UFE3D0S+RVcHeNVQPSF2R/f1YFJVwZEFF1NXcmgqLBDWreZnVglS4SzLG9\n"
    "AWS6UqpJe96BQy3DH5DgoKFAQ2N4U9xJfq4+d/qTqTrsoOXuj6dXAw/QK5sjZWZO\n"
    "4jffz5C07KfkdhwLoO41oDGsIVSSXMRg9+JMdsvgBb/wmIABqIn86HWra2jlAvsC\n"
    "AwEAAQ==\n"
    "-----END PUBLIC KEY-----\n";

static const char p384[] = "-----BEGIN PUBLIC KEY-----\n"
                           "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEpdJZV/Ya1c3WCTLSUoNrj6whiLIRkeRh\n"
                           "p4SfyHhmjVkT+4/RalbP0svcYHxhiKYZpqu9gqa2zNWVyEid7zoWBqr+nZHfDltU\n"
                           "+yD9krGEh11+ftbCSEAbZFGU/6RF3wNQ\n"
                           "-----END PUBLIC KEY-----\n";

static const char secp256k1[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEe7Fa1yx5r4RUoHTAczp3k52UEo+ZBkUb\n"
    "XkbTfOWs166rHTvtITngfxTFNorgX5zvGU+/pGkYAYmtEUTfJqhkVA==\n"
    "-----END PUBLIC KEY-----\n";

static const char ed25519[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEAgA0reG44IOqgv2UXqdmjZ6LlM+W6F78D3F95tyarAPI=\n"
                              "-----END PUBLIC KEY-----\n";

/* The last byte of a P-256 point changed. */
static const char off_the_curve[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrA==\n"
    "-----END PUBLIC KEY-----\n";

static void check_hex(const uint8_t *bytes, size_t n, const char *want)
{
    char text[2 * TW_SHA256_BYTES];

    tw_hex(bytes, n, text);
    assert_slice(tw_slice_from(text, 2 * n), want);
}

static void sha_1_is_that_of_rfc_3174(void **state)
{
    uint8_t digest[TW_SHA1_BYTES];

    (void)state;
    tw_sha1(TW_LIT("abc"), digest);
    check_hex(digest, sizeof(digest), "a9993e364706816aba3e25717850c26c9cd0d89d");
    tw_sha1(TW_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest);
    check_hex(digest, sizeof(digest), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    tw_sha1(TW_EMPTY, digest);
    check_hex(digest, sizeof(digest), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void sha_256_is_that_of_fips_180(void **state)
{
    uint8_t digest[TW_SHA256_BYTES];
    char hex[TW_SHA256_HEX];

    (void)state;
    tw_sha256(TW_LIT("abc"), digest);
    check_hex(digest, sizeof(digest),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tw_sha256_hex(TW_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), hex);
    assert_slice(tw_slice_from(hex, sizeof(hex)),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    tw_sha256_hex(TW_EMPTY, hex);
    assert_slice(tw_slice_from(hex, sizeof(hex)),
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_sha_256_is_that_of_rfc_4231(void **state)
{
    static const char hi_there[] =
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    static const char jefe[] =
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    static const char large[] =
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
    char key[131];
    uint8_t mac[TW_SHA256_BYTES];

    (void)state;
    memset(key, 0x0b, 20);
    tw_hmac_sha256(tw_slice_from(key, 20), TW_LIT("Hi There"), mac); /* case 1 */
    check_hex(mac, sizeof(mac), hi_there);
    tw_hmac_sha256(TW_LIT("Jefe"), TW_LIT("what do ya want for nothing?"), mac); /* case 2 */
    check_hex(mac, sizeof(mac), jefe);
    memset(key, (char)0xaa, sizeof(key)); /* case 6: a key longer than a block */
    tw_hmac_sha256(tw_slice_from(key, sizeof(key)),
                   TW_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    check_hex(mac, sizeof(mac), large);
    tw_hmac_sha256(TW_EMPTY, TW_EMPTY, mac);
    check_hex(mac, sizeof(mac),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void secrets_are_the_same_when_every_byte_is(void **state)
{
    (void)state;
    assert_true(tw_same_secret(TW_LIT("pos_1"), TW_LIT("pos_1")));
    assert_true(tw_same_secret(TW_LIT(""), TW_EMPTY));
    assert_false(tw_same_secret(TW_LIT("pos_1"), TW_LIT("pos_2")));
    assert_false(tw_same_secret(TW_LIT("pos_1"), TW_LIT("qos_1")));
    assert_false(tw_same_secret(TW_LIT("pos_1"), TW_LIT("pos_")));
    assert_false(tw_same_secret(TW_LIT("a\0b"), TW_LIT("a\0c")));
}

static void random_bytes_differ(void **state)
{
    uint8_t a[256], b[256];

    (void)state;
    tw_random(a, sizeof(a));
    tw_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    tw_random(a, 0);
}

static void a_random_id_fills_its_array_with_characters_that_fit_into_an_address(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char before[21] = "", one[1] = { 'x' };

    (void)state;
    for (int i = 0; i < 200; i++) {
        char id[21];

        tw_random_id(id, sizeof(id));
        assert_int_equal(strlen(id), 20);
        assert_int_equal(strspn(id, alphabet), 20);
        assert_string_not_equal(id, before);
        memcpy(before, id, sizeof(id));
    }
    tw_random_id(one, sizeof(one));
    assert_string_equal(one, "");
}

static void every_character_of_the_alphabet_comes_up_in_random_ids(void **state)
{
    bool seen[128] = { false };
    size_t count = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        char id[201];

        tw_random_id(id, sizeof(id));
        for (size_t k = 0; k < 200; k++) {
            count += seen[(unsigned char)id[k]] ? 0 : 1;
            seen[(unsigned char)id[k]] = true;
        }
    }
    assert_int_equal(count, 64);
}

static void a_random_uuid_is_one_of_version_4(void **state)
{
    char before[36] = "";

    (void)state;
    for (int i = 0; i < 200; i++) {
        char uuid[36];

        tw_random_uuid(uuid);
        assert_true(tw_is_uuid(tw_slice_from(uuid, sizeof(uuid))));
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
        assert_memory_not_equal(uuid, before, sizeof(uuid));
        memcpy(before, uuid, sizeof(uuid));
    }
}

static void bytes_of_hex(struct tw_buf *out, const char *hex)
{
    size_t n = strlen(hex) / 2;

    assert_true(tw_hex_decode(tw_slice_of(hex), (uint8_t *)tw_buf_room(out, n), n));
    tw_buf_grew(out, n);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */
static void what_is_sealed_is_aes_256_gcm(void **state)
{
    struct tw_buf key = { .max = 32 }, about = { .max = 20 }, sealed = { .max = 100 };
    struct tw_buf want = { .max = 60 }, plain = { .max = 60 };

    (void)state;
    bytes_of_hex(&key, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    bytes_of_hex(&about, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
    bytes_of_hex(&sealed, "cafebabefacedbaddecaf888"
                          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                          "76fc6ece0f4e1768cddf8853bb2d551b");
    bytes_of_hex(&want, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    assert_true(tw_seal_open((const uint8_t *)key.at, tw_buf_view(&about), tw_buf_view(&sealed),
                             &plain));
    assert_true(tw_slice_eq(tw_buf_view(&plain), tw_buf_view(&want)));
    tw_buf_done(&key);
    tw_buf_done(&about);
    tw_buf_done(&sealed);
    tw_buf_done(&want);
    tw_buf_done(&plain);
}

static void what_was_sealed_opens_with_its_key_and_for_its_owner_alone(void **state)
{
    static const uint8_t key[TW_SEAL_KEY_BYTES] = { 1 }, other[TW_SEAL_KEY_BYTES] = { 2 };
    struct tw_buf sealed = { .max = 100 }, again = { .max = 100 }, plain = { .max = 100 };

    (void)state;
    tw_seal(key, TW_LIT("ada"), TW_LIT("4711"), &sealed);
    tw_seal(key, TW_LIT("ada"), TW_LIT("4711"), &again);
    assert_int_equal(sealed.len, 4 + TW_SEAL_MARGIN);
    assert_false(tw_slice_eq(tw_buf_view(&sealed), tw_buf_view(&again)));
    assert_true(tw_seal_open(key, TW_LIT("ada"), tw_buf_view(&sealed), &plain));
    assert_buf(&plain, "4711");
    assert_false(tw_seal_open(other, TW_LIT("ada"), tw_buf_view(&sealed), &plain));
    assert_false(tw_seal_open(key, TW_LIT("bob"), tw_buf_view(&sealed), &plain));
    assert_false(
        tw_seal_open(key, TW_LIT("ada"), tw_slice_from(sealed.at, sealed.len - 1), &plain));
    assert_false(tw_seal_open(key, TW_LIT("ada"), TW_EMPTY, &plain));
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] ^= 1;
        assert_false(tw_seal_open(key, TW_LIT("ada"), tw_buf_view(&sealed), &plain));
        sealed.at[i] ^= 1;
    }
    assert_buf(&plain, "4711"); /* nothing was appended */
    tw_buf_done(&sealed);
    tw_buf_done(&again);
    tw_buf_done(&plain);
}

static struct tw_public_key *key_of(const char *pem)
{
    struct tw_public_key *key = NULL;

    assert_int_equal(tw_public_key_read(tw_slice_of(pem), &key), 0);
    assert_non_null(key);
    return key;
}

/* Whether `n` bytes of the signature, from `skip` on, are one of `text`. */
static bool verifies(const struct tw_public_key *key, struct tw_slice text,
                     const char *base64url, size_t skip, size_t n)
{
    struct tw_buf bytes = { .max = 1024 };
    struct tw_slice part;
    char *exact;
    bool ok;

    tw_buf_text(&bytes, "xxxx"); /* so that there is something to have too much of */
    assert_true(tw_base64url_decode(&bytes, tw_slice_of(base64url)));
    tw_buf_text(&bytes, "xxxx");
    part = tw_slice_from(bytes.at + 4 + skip, n);
    exact = exact_copy(part);
    ok = tw_public_key_verify(key, text, tw_slice_from(exact, n));
    free(exact);
    tw_buf_done(&bytes);
    return ok;
}

static void an_rsa_signature_is_of_its_message_and_key(void **state)
{
    struct tw_public_key *key = key_of(rsa_key), *same = key_of(rsa_key_pkcs1);

    (void)state;
    assert_int_equal(tw_public_key_kind(key), TW_KEY_RSA);
    for (int i = 0; i < 2; i++) /* a key can be used again */
        assert_true(verifies(key, TW_LIT(message), rsa_signature, 0, 256));
    assert_true(verifies(same, TW_LIT(message), rsa_signature, 0, 256));
    assert_false(verifies(key, TW_LIT("Fish and chip"), rsa_signature, 0, 256));
    assert_false(verifies(key, TW_LIT(message), rsa_sha1_signature, 0, 256));
    assert_false(verifies(key, TW_LIT(message), rsa_pss_signature, 0, 256));
    tw_public_key_free(key);
    tw_public_key_free(same);
}

static void an_rsa_signature_has_the_key_s_length(void **state)
{
    struct tw_public_key *key = key_of(rsa_key);
    char zeros[256] = { 0 };

    (void)state;
    assert_false(verifies(key, TW_LIT(message), rsa_signature, 0, 255));
    assert_false(verifies(key, TW_LIT(message), rsa_signature, 1, 255));
    assert_false(verifies(key, TW_LIT(message), rsa_signature, 0, 257));
    assert_false(tw_public_key_verify(key, TW_LIT(message), tw_slice_from(zeros, 256)));
    assert_false(tw_public_key_verify(key, TW_LIT(message), TW_EMPTY));
    tw_public_key_free(key);
}

static void an_ecdsa_signature_is_two_numbers_of_32_bytes(void **state)
{
    struct tw_public_key *key = key_of(ec_key);
    char bytes[64] = { 0 };

    (void)state;
    assert_int_equal(tw_public_key_kind(key), TW_KEY_P256);
    for (int i = 0; i < 2; i++)
        assert_true(verifies(key, TW_LIT(message), ec_signature, 0, 64));
    assert_false(verifies(key, TW_LIT("Fish and chip"), ec_signature, 0, 64));
    assert_false(verifies(key, TW_LIT(message), ec_signature, 0, 63));
    assert_false(verifies(key, TW_LIT(message), ec_signature, 0, 65));
    assert_false(verifies(key, TW_LIT(message), ec_der_signature, 0, 70));
    assert_false(verifies(key, TW_LIT(message), ec_der_signature, 0, 64));
    assert_false(tw_public_key_verify(key, TW_LIT(message), TW_EMPTY));
    /* r = s = 0 would be good for every message in a careless implementation. */
    assert_false(tw_public_key_verify(key, TW_LIT(message), tw_slice_from(bytes, 64)));
    memset(bytes, 0xff, sizeof(bytes));
    assert_false(tw_public_key_verify(key, TW_LIT(message), tw_slice_from(bytes, 64)));
    tw_public_key_free(key);
}

static void a_key_of_another_sort_is_not_taken(void **state)
{
    static const char *const others[] = { rsa_2040,  rsa_pss, p384,
                                          secp256k1, ed25519, off_the_curve };
    struct tw_public_key *key = NULL;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_row(tw_public_key_read(tw_slice_of(others[i]), &key) == TW_ECONFIG, others[i]);
    assert_null(key);
}

static void a_broken_pem_is_not_taken(void **state)
{
    static const char *const broken[] = {
        "",
        "\n",
        "-----BEGIN PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nMFkwEwYHKoZIzj0CAQ==\n-----END CERTIFICATE-----\n",
        "a secret in the wrong file",
    };
    struct tw_public_key *key = NULL;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(broken); i++)
        assert_row(tw_public_key_read(tw_slice_of(broken[i]), &key) == TW_ECONFIG, broken[i]);
    for (size_t n = 0; n < sizeof(ec_key) - 8; n++) { /* cut off anywhere */
        char *part = exact_copy(tw_slice_from(ec_key, n));

        assert_int_equal(tw_public_key_read(tw_slice_from(part, n), &key), TW_ECONFIG);
        free(part);
    }
    assert_null(key);
    tw_public_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_1_is_that_of_rfc_3174),
        cmocka_unit_test(sha_256_is_that_of_fips_180),
        cmocka_unit_test(hmac_sha_256_is_that_of_rfc_4231),
        cmocka_unit_test(secrets_are_the_same_when_every_byte_is),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(a_random_id_fills_its_array_with_characters_that_fit_into_an_address),
        cmocka_unit_test(every_character_of_the_alphabet_comes_up_in_random_ids),
        cmocka_unit_test(a_random_uuid_is_one_of_version_4),
        cmocka_unit_test(what_is_sealed_is_aes_256_gcm),
        cmocka_unit_test(what_was_sealed_opens_with_its_key_and_for_its_owner_alone),
        cmocka_unit_test(an_rsa_signature_is_of_its_message_and_key),
        cmocka_unit_test(an_rsa_signature_has_the_key_s_length),
        cmocka_unit_test(an_ecdsa_signature_is_two_numbers_of_32_bytes),
        cmocka_unit_test(a_key_of_another_sort_is_not_taken),
        cmocka_unit_test(a_broken_pem_is_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
