/* crypto_test.c - hashes by their published vectors, random bytes, comparison.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto.h"

#include "common/base.h"
#include "common/encode.h"
#include "test/unit/support/check.h"

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
    tw_sha1((struct tw_slice){ NULL, 0 }, digest);
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
    tw_sha256_hex((struct tw_slice){ NULL, 0 }, hex);
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
    tw_hmac_sha256((struct tw_slice){ NULL, 0 }, (struct tw_slice){ NULL, 0 }, mac);
    check_hex(mac, sizeof(mac),
              "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void secrets_are_the_same_when_every_byte_is(void **state)
{
    (void)state;
    assert_true(tw_same_secret(TW_LIT("pos_1"), TW_LIT("pos_1")));
    assert_true(tw_same_secret(TW_LIT(""), (struct tw_slice){ NULL, 0 }));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_1_is_that_of_rfc_3174),
        cmocka_unit_test(sha_256_is_that_of_fips_180),
        cmocka_unit_test(hmac_sha_256_is_that_of_rfc_4231),
        cmocka_unit_test(secrets_are_the_same_when_every_byte_is),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(a_random_uuid_is_one_of_version_4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
