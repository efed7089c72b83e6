/* jwt_test.c - tokens: those of RFC 7515, those that must be refused, and what is read from
 * them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/jwt.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

/* RFC 7515 appendix A.1 to A.3. The public keys are those of the JWKs there, made PEM with
 * node: createPublicKey({format: 'jwk', key}).export({type: 'spki', format: 'pem'}). */
#define RFC_CLAIMS                                                                             \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"             \
    "c19yb290Ijp0cnVlfQ"

static const char rfc_secret[] = /* base64url */
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA"
    "zZr1Z9CAow";

static const char rfc_hs256[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS
                                ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

static const char rfc_rsa[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
    "oQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

#define RFC_RS256_SIGNATURE                                                                    \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Q"             \
    "c_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTy"             \
    "WzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"             \
    "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"             \
    "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

static const char rfc_rs256[] = "eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS "." RFC_RS256_SIGNATURE;

static const char rfc_ec[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n";

static const char rfc_es256[] =
    "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJq"
    "PP3-Kg6NU1Q";

/* The same signature as DER, as Java or openssl would give it without being asked. */
static const char rfc_es256_der[] =
    "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
    ".MEUCIA7RIVN5Y2xIPC9_FVgH1AKjsigDOvl8fheBmsMWnqZlAiEAxQoH04w8cOXY8S2vCEpUgKZ"
    "lkMXyk1Cajz9_ioOjVNU";

/* Made with test/support/jwt.mjs: newKeys('ES256'), then token() of
 * {"sub":"u-7","restaurant_id":"2b82acee-0000-4000-8000-000000000001","role":"server",
 *  "scope":["orders:write"],"iat":1700000000,"exp":1700003600}; the second with `alg` RS256 in
 * its header and the signature of ES256. */
static const char our_ec[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyCKtog7dpQ9zUfKBB7987PxVtjf3\n"
    "bOzqXbFMTOHvIHaCnAzA4KBUaJl44vGrpV60F80pIFFe+q1ekttakiLWVA==\n"
    "-----END PUBLIC KEY-----\n";

static const char our_es256[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTciLCJyZXN0YXVyYW50X2lkIjo"
    "iMmI4MmFjZWUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxIiwicm9sZSI6InNlcnZlciIsInN"
    "jb3BlIjpbIm9yZGVyczp3cml0ZSJdLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0"
    ".I1v7F-yi7pZrxwGNDu_UK5G0W6OAoIPTLyuwiprujn8oAfGXogZJq7VArQs1foIIymMzub2TgW9"
    "pzPQo4lfVjg";

static const char our_swapped[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTciLCJyZXN0YXVyYW50X2lkIjo"
    "iMmI4MmFjZWUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxIiwicm9sZSI6InNlcnZlciIsInN"
    "jb3BlIjpbIm9yZGVyczp3cml0ZSJdLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0"
    ".zQJ3l1j6JlCoyr-fKNcpFQWIqIEPx0E2sd5KI9LQ2sZJEhXq7smD_eDw8cIWXyw3JMLU16AEpWs"
    "lAZMt1q1lSQ";

/* Seconds; all tokens that the tests make themselves are around it. */
#define NOW 1700000000
#define AT_RFC 1300819379 /* the last second of the RFC's tokens */
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define ID "2b82acee-0000-4000-8000-000000000001"

static const char secret[] = "0123456789abcdef"; /* as short as it may be */

struct fixture {
    struct tw_buf token, text;
    struct tw_jwt jwt;
    struct tw_public_key *rsa, *ec;
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->token.max = 2 * TW_JWT_BYTES;
    f->text.max = TW_JWT_TEXT_BYTES;
    assert_int_equal(tw_public_key_read(TW_LIT(rfc_rsa), &f->rsa), 0);
    assert_int_equal(tw_public_key_read(TW_LIT(rfc_ec), &f->ec), 0);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_buf_done(&f->token);
    tw_buf_done(&f->text);
    tw_public_key_free(f->rsa);
    tw_public_key_free(f->ec);
    free(f);
    return 0;
}

static int read_token(struct fixture *f, struct tw_slice token)
{
    char *exact = exact_copy(token);
    int r = tw_jwt_read(tw_slice_from(exact, token.len), &f->text, &f->jwt);

    free(exact);
    /* slices into the token: from the one that stays */
    return r == 0 ? tw_jwt_read(token, &f->text, &f->jwt) : r;
}

/* f->token: signed with HS256 and `key`, whatever the header says. */
static void sign(struct fixture *f, struct tw_slice header, struct tw_slice claims,
                 struct tw_slice key)
{
    uint8_t mac[TW_SHA256_BYTES];

    tw_buf_clear(&f->token);
    tw_base64url(&f->token, header);
    tw_buf_char(&f->token, '.');
    tw_base64url(&f->token, claims);
    tw_hmac_sha256(key, tw_buf_view(&f->token), mac);
    tw_buf_char(&f->token, '.');
    tw_base64url(&f->token, tw_slice_from((const char *)mac, sizeof(mac)));
    assert_false(f->token.failed);
}

/* Reading a token of these parts; its error, or 0. */
static int read_parts(struct fixture *f, const char *header, const char *claims)
{
    sign(f, tw_slice_of(header), tw_slice_of(claims), TW_LIT(secret));
    return read_token(f, tw_buf_view(&f->token));
}

static const char *fault_at(struct fixture *f, struct tw_slice key, int64_t now_ms)
{
    struct tw_jwt_keys keys = { .secret = key, .public_key = f->rsa };
    const char *why = tw_jwt_fault(&f->jwt, &keys, now_ms);

    assert_int_equal(tw_jwt_verify(&f->jwt, &keys, now_ms), why == NULL ? 0 : TW_EAUTH);
    return why == NULL ? "good" : why;
}

static const char *fault_with(struct fixture *f, const struct tw_public_key *key, int64_t now_s)
{
    struct tw_jwt_keys keys = { .public_key = key };
    const char *why = tw_jwt_fault(&f->jwt, &keys, now_s * 1000);

    return why == NULL ? "good" : why;
}

static void the_tokens_of_rfc_7515_are_valid(void **state)
{
    struct fixture *f = *state;
    struct tw_buf key = { .max = 100 };

    assert_true(tw_base64url_decode(&key, TW_LIT(rfc_secret)));
    assert_int_equal(read_token(f, TW_LIT(rfc_hs256)), 0);
    assert_int_equal(f->jwt.alg, TW_JWT_HS256);
    assert_true(f->jwt.expires_ms == 1300819380000);
    assert_string_equal(fault_at(f, tw_buf_view(&key), 1300819379999), "good");
    assert_int_equal(read_token(f, TW_LIT(rfc_rs256)), 0);
    assert_int_equal(f->jwt.alg, TW_JWT_RS256);
    assert_string_equal(fault_with(f, f->rsa, AT_RFC), "good");
    assert_int_equal(read_token(f, TW_LIT(rfc_es256)), 0);
    assert_int_equal(f->jwt.alg, TW_JWT_ES256);
    assert_string_equal(fault_with(f, f->ec, AT_RFC), "good");
    assert_string_equal(fault_with(f, f->ec, AT_RFC + 1), "expired");
    tw_buf_done(&key);
}

static void a_token_of_restaurant_os_is_read(void **state)
{
    struct fixture *f = *state;
    struct tw_public_key *key;

    assert_int_equal(tw_public_key_read(TW_LIT(our_ec), &key), 0);
    assert_int_equal(read_token(f, TW_LIT(our_es256)), 0);
    assert_string_equal(fault_with(f, key, NOW), "good");
    assert_string_equal(fault_with(f, f->ec, NOW), "wrong signature");
    assert_slice(f->jwt.restaurant, ID);
    assert_slice(f->jwt.subject, "u-7");
    assert_slice(f->jwt.role, "server");
    assert_slice(f->jwt.scopes, "[\"orders:write\"]");
    assert_true(f->jwt.has_scopes);
    assert_true(f->jwt.expires_ms == (NOW + 3600) * 1000LL);
    assert_int_equal(read_token(f, TW_LIT(our_swapped)), 0);
    assert_string_equal(fault_with(f, key, NOW), "no key for its algorithm");
    tw_public_key_free(key);
}

static void a_key_works_only_with_its_own_algorithm(void **state)
{
    static const char none[] = "no key for its algorithm";
    struct fixture *f = *state;
    struct tw_jwt_keys keys = { .secret = TW_LIT(rfc_rsa), .public_key = f->rsa };

    /* The classic: the public key, which all know, as the secret. */
    sign(f, TW_LIT(HEADER), TW_LIT("{\"exp\":1700003600}"), TW_LIT(rfc_rsa));
    assert_int_equal(read_token(f, tw_buf_view(&f->token)), 0);
    assert_string_equal(fault_with(f, f->rsa, NOW), none);
    assert_int_equal(tw_jwt_verify(&f->jwt, &keys, NOW * 1000LL),
                     TW_EAUTH); /* even asked for */
    assert_string_equal(fault_at(f, TW_LIT(secret), NOW * 1000LL), "wrong signature");

    assert_int_equal(read_token(f, TW_LIT(rfc_rs256)), 0);
    assert_string_equal(fault_with(f, f->ec, AT_RFC), none);
    assert_string_equal(fault_with(f, NULL, AT_RFC), none);
    assert_int_equal(read_token(f, TW_LIT(rfc_es256)), 0);
    assert_string_equal(fault_with(f, f->rsa, AT_RFC), none);
    assert_string_equal(fault_with(f, NULL, AT_RFC), none);
    /* RS256's signature under a header that says ES256 */
    assert_int_equal(
        read_token(f, TW_LIT("eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS "." RFC_RS256_SIGNATURE)), 0);
    assert_string_equal(fault_with(f, f->rsa, AT_RFC), none);
    assert_string_equal(fault_with(f, f->ec, AT_RFC), "wrong signature");
}

static void a_short_secret_is_no_secret(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n <= 16; n++) {
        struct tw_slice key = tw_slice_from(secret, n);

        sign(f, TW_LIT(HEADER), TW_LIT("{\"exp\":1700003600}"), key);
        assert_int_equal(read_token(f, tw_buf_view(&f->token)), 0);
        assert_string_equal(fault_at(f, key, NOW * 1000LL),
                            n < 16 ? "no key for its algorithm" : "good");
    }
}

/* Each bit of the token changed: it cannot be read, or its signature is wrong. */
static void a_changed_token_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tw_buf changed = { .max = 1024 };
    size_t refused = 0;

    sign(f, TW_LIT(HEADER), TW_LIT("{\"sub\":\"u\",\"exp\":1700003600}"), TW_LIT(secret));
    tw_buf_append(&changed, tw_buf_view(&f->token));
    for (size_t i = 0; i < changed.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            changed.at[i] = (char)(changed.at[i] ^ (char)(1u << bit));
            if (read_token(f, tw_buf_view(&changed)) == 0) {
                assert_string_not_equal(fault_at(f, TW_LIT(secret), NOW * 1000LL), "good");
                refused++;
            }
            changed.at[i] = (char)(changed.at[i] ^ (char)(1u << bit));
        }
    }
    assert_true(refused > 100);
    assert_int_equal(read_token(f, tw_buf_view(&changed)), 0);
    assert_string_equal(fault_at(f, TW_LIT(secret), NOW * 1000LL), "good");
    tw_buf_done(&changed);
}

static void a_signature_of_another_length_is_wrong(void **state)
{
    struct fixture *f = *state;

    for (size_t cut = 3; cut < 20; cut++) { /* by whole bytes, or it cannot be read */
        if (read_token(f, tw_slice_from(rfc_es256, sizeof(rfc_es256) - 1 - cut)) == 0)
            assert_string_equal(fault_with(f, f->ec, AT_RFC), "wrong signature");
        if (read_token(f, tw_slice_from(rfc_rs256, sizeof(rfc_rs256) - 1 - cut)) == 0)
            assert_string_equal(fault_with(f, f->rsa, AT_RFC), "wrong signature");
        if (read_token(f, tw_slice_from(rfc_hs256, sizeof(rfc_hs256) - 1 - cut)) == 0)
            assert_string_equal(fault_at(f, TW_LIT(rfc_rsa), AT_RFC * 1000LL),
                                "no key for its algorithm");
    }
    assert_int_equal(read_token(f, TW_LIT(rfc_es256_der)), 0);
    assert_string_equal(fault_with(f, f->ec, AT_RFC), "wrong signature");
}

static void the_algorithm_is_one_of_three_and_nothing_is_critical(void **state)
{
    static const struct {
        const char *header;
        int r;
    } rows[] = {
        { "{\"alg\":\"HS256\"}", 0 },
        { "{\"typ\":\"jwt\",\"alg\":\"HS256\",\"kid\":\"1\",\"jku\":\"http://x/\"}", 0 },
        { " { \"alg\" : \"HS256\" } ", 0 },
        { "{\"\\u0061lg\":\"HS256\"}", 0 },
        { "{\"alg\":\"none\"}", TW_ESYNTAX },
        { "{\"alg\":\"None\"}", TW_ESYNTAX },
        { "{\"alg\":\"\"}", TW_ESYNTAX },
        { "{\"alg\":null}", TW_ESYNTAX },
        { "{\"alg\":[\"HS256\"]}", TW_ESYNTAX },
        { "{\"alg\":\"hs256\"}", TW_ESYNTAX },
        { "{\"alg\":\"HS256 \"}", TW_ESYNTAX },
        { "{\"alg\":\"HS384\"}", TW_ESYNTAX },
        { "{\"alg\":\"PS256\"}", TW_ESYNTAX },
        { "{\"alg\":\"ES256K\"}", TW_ESYNTAX },
        { "{\"typ\":\"JWT\"}", TW_ESYNTAX },
        { "{}", TW_ESYNTAX },
        { "[\"HS256\"]", TW_ESYNTAX },
        { "\"HS256\"", TW_ESYNTAX },
        { "{\"alg\":\"HS256\"", TW_ESYNTAX },
        { "{\"alg\":\"HS256\"}x", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", TW_EDUPLICATE },
        { "{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}", TW_EDUPLICATE },
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"typ\":null}", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"crit\":[]}", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"crit\":null}", TW_ESYNTAX },
        { "{\"alg\":\"HS256\",\"\\u0063rit\":[\"b64\"]}", TW_ESYNTAX },
    };

    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(read_parts(*state, rows[i].header, "{}") == rows[i].r, rows[i].header);
}

/* "{}" is e30, the header that is only HS256 is eyJhbGciOiJIUzI1NiJ9. */
static void a_token_is_three_parts_of_canonical_base64url(void **state)
{
#define H "eyJhbGciOiJIUzI1NiJ9"
    static const struct {
        const char *token;
        int r;
    } rows[] = {
        { H ".e30.AAAA", 0 },
        { H ".e30.AA", 0 },
        { "", TW_ESYNTAX },
        { ".", TW_ESYNTAX },
        { "..", TW_ESYNTAX },
        { H, TW_ESYNTAX },
        { H ".", TW_ESYNTAX },
        { H ".e30", TW_ESYNTAX },
        { H ".e30.", TW_ESYNTAX },
        { H "..AAAA", TW_ESYNTAX },
        { ".e30.AAAA", TW_ESYNTAX },
        { "." H ".e30.AAAA", TW_ESYNTAX },
        { H ".e30.AAAA.", TW_ESYNTAX },
        { H ".e30.AAAA.AAAA.AAAA", TW_ESYNTAX }, /* JWE has five parts */
        { H ".e30=.AAAA", TW_ESYNTAX },          /* padding */
        { H ".e30.AA==", TW_ESYNTAX },
        { H ".e30.A", TW_ESYNTAX },
        { H ".e30.AB", TW_ESYNTAX },   /* bits left over */
        { H ".e31.AAAA", TW_ESYNTAX }, /* so these would be "{}" too */
        { H ".e30.AA+A", TW_ESYNTAX }, /* the other alphabet */
        { H ".e30.AA/A", TW_ESYNTAX },
        { H ".e30.AA\nA", TW_ESYNTAX },
        { " " H ".e30.AAAA", TW_ESYNTAX },
        { H ".e30.AAAA ", TW_ESYNTAX },
        { "Bearer " H ".e30.AAAA", TW_ESYNTAX },
        { H ".W10.AAAA", TW_ESYNTAX },   /* [] */
        { H ".bnVsbA.AAAA", TW_ESYNTAX } /* null */
    };
#undef H
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(read_token(f, tw_slice_of(rows[i].token)) == rows[i].r, rows[i].token);
    assert_int_equal(tw_jwt_read(TW_EMPTY, &f->text, &f->jwt), TW_ESYNTAX);
}

static void a_token_ends_at_its_exp_and_may_begin_a_minute_early(void **state)
{
    static const struct {
        const char *claims;
        int64_t now_ms;
        const char *fault;
    } rows[] = {
        { "{\"exp\":1700000000}", 1699999999999, "good" },
        { "{\"exp\":1700000000}", 1700000000000, "expired" },
        { "{\"exp\":1700000000.25}", 1700000000249, "good" },
        { "{\"exp\":1700000000.2509}", 1700000000250, "expired" },
        { "{}", 1700000000000, "no exp" },
        { "{\"exp\":0}", 1000, "no exp" },
        { "{\"exp\":253402300799}", 1700000000000, "good" },
        { "{\"exp\":1700003600,\"nbf\":1700000060}", 1700000000000, "good" },
        { "{\"exp\":1700003600,\"nbf\":1700000061}", 1700000000000, "not valid yet" },
        { "{\"exp\":1700003600,\"nbf\":1700000060.001}", 1700000000000, "not valid yet" },
        { "{\"exp\":1700003600,\"nbf\":0,\"iat\":0}", 1700000000000, "good" },
        { "{\"exp\":1700003600,\"iat\":1700000060}", 1700000000000, "good" },
        { "{\"exp\":1700003600,\"iat\":1700000061}", 1700000000000, "issued in the future" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        assert_row(read_parts(f, HEADER, rows[i].claims) == 0, rows[i].claims);
        assert_string_equal(fault_at(f, TW_LIT(secret), rows[i].now_ms), rows[i].fault);
    }
}

static void a_claim_of_the_wrong_type_is_refused(void **state)
{
    static const char *const rows[] = {
        "{\"exp\":\"1700003600\"}",
        "{\"exp\":null}",
        "{\"exp\":-1}",
        "{\"exp\":1.7e9}",
        "{\"exp\":1700000000.5e0}",
        "{\"exp\":true}",
        "{\"exp\":1700003600000}", /* milliseconds by mistake */
        "{\"exp\":99999999999999999999}",
        "{\"nbf\":\"now\"}",
        "{\"nbf\":null}",
        "{\"iat\":[]}",
        "{\"aud\":1}",
        "{\"aud\":null}",
        "{\"aud\":[\"a\",1]}",
        "{\"restaurant_id\":7}",
        "{\"sub\":{}}",
        "{\"role\":[\"server\"]}",
        "{\"restaurants\":\"a\"}",
        "{\"restaurants\":[1]}",
        "{\"restaurant_ids\":{}}",
        "{\"scope\":null}",
        "{\"scope\":{}}",
        "{\"scopes\":[null]}",
        "{\"scope\":[],\"scopes\":[\"orders:write\"]}",
        "{\"restaurant_id\":\"a\",\"restaurantId\":\"b\"}",
        "{\"restaurants\":[],\"restaurant_ids\":[\"a\"]}",
    };

    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(read_parts(*state, HEADER, rows[i]) == TW_ESYNTAX, rows[i]);
    assert_int_equal(read_parts(*state, HEADER, "{\"exp\":1,\"\\u0065xp\":9}"), TW_EDUPLICATE);
    assert_int_equal(read_parts(*state, HEADER, "{\"sub\":\"\xff\"}"), TW_ESYNTAX);
    assert_int_equal(read_parts(*state, HEADER, "{\"sub\":\"a\\u0000\"}"), TW_ESYNTAX);
}

static void the_audience_must_be_named_when_there_is_one(void **state)
{
    static const struct {
        const char *claims;
        const char *audience;
        bool fits;
    } rows[] = {
        { "{\"exp\":1700003600,\"aud\":\"till\"}", "till", true },
        { "{\"exp\":1700003600,\"aud\":\"tills\"}", "till", false },
        { "{\"exp\":1700003600,\"aud\":\"Till\"}", "till", false },
        { "{\"exp\":1700003600,\"aud\":\"\"}", "till", false },
        { "{\"exp\":1700003600,\"aud\":[\"shop\",\"till\"]}", "till", true },
        { "{\"exp\":1700003600,\"aud\":[\"shop\"]}", "till", false },
        { "{\"exp\":1700003600,\"aud\":[]}", "till", false },
        { "{\"exp\":1700003600}", "till", false },
        { "{\"exp\":1700003600,\"aud\":\"https:\\/\\/x\\/\"}", "https://x/", true },
        { "{\"exp\":1700003600,\"aud\":[\"shop\"]}", "", true },
        { "{\"exp\":1700003600}", "", true },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_jwt_keys keys = { .secret = TW_LIT(secret),
                                    .audience = tw_slice_of(rows[i].audience) };

        assert_row(read_parts(f, HEADER, rows[i].claims) == 0, rows[i].claims);
        assert_row((tw_jwt_verify(&f->jwt, &keys, NOW * 1000LL) == 0) == rows[i].fits,
                   rows[i].claims);
    }
}

static void scopes_are_an_array_however_they_are_written(void **state)
{
    static const struct {
        const char *claims;
        const char *scopes; /* null: none */
    } rows[] = {
        { "{}", NULL },
        { "{\"scope\":[]}", "[]" },
        { "{\"scopes\":[\"a\", \"b:c\"]}", "[\"a\",\"b:c\"]" },
        { "{\"scope\":\"\"}", "[]" },
        { "{\"scope\":\"  a  b:c \"}", "[\"a\",\"b:c\"]" },
        { "{\"scope\":\"https:\\/\\/x a\\\"b\"}", "[\"https:\\/\\/x\",\"a\\\"b\"]" },
        { "{\"scope\":\"a b c d e f g h\"}",
          "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]" },
        { "{\"scope\":\"a\",\"scopes\":\"a\"}", "[\"a\"]" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        assert_row(read_parts(f, HEADER, rows[i].claims) == 0, rows[i].claims);
        assert_row(f->jwt.has_scopes == (rows[i].scopes != NULL), rows[i].claims);
        assert_slice(f->jwt.scopes, rows[i].scopes == NULL ? "" : rows[i].scopes);
    }
}

static void texts_are_read_in_either_spelling_and_unescaped(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_parts(f, HEADER,
                                "{\"restaurantId\":\"a\\u002db\",\"restaurant_ids\":[\"a\"],"
                                "\"sub\":\"Zo\\u00eb\",\"role\":null}"),
                     0);
    assert_slice(f->jwt.restaurant, "a-b");
    assert_slice(f->jwt.restaurants, "[\"a\"]");
    assert_slice(f->jwt.subject, "Zo\xc3\xab");
    assert_slice(f->jwt.role, "");
    assert_int_equal(read_parts(f, HEADER,
                                "{\"restaurant_id\":\"a\",\"restaurantId\":\"a\","
                                "\"restaurants\":null,\"restaurant\\u005fids\":[]}"),
                     TW_ESYNTAX);
    assert_int_equal(read_parts(f, HEADER, "{\"restaurant\\u005fid\":\"a\"}"), 0);
    assert_slice(f->jwt.restaurant, "a");
}

/* The longest scopes there can be, in a buf of exactly the size that the header asks for. */
static void a_token_of_8_kib_fits_and_a_longer_one_does_not(void **state)
{
    struct fixture *f = *state;
    struct tw_buf claims = { .max = 2 * TW_JWT_BYTES };
    size_t refused = 0;

    tw_buf_text(&claims, "{\"scope\":\"");
    for (size_t i = 0; i < 3000; i++)
        tw_buf_text(&claims, "a ");
    tw_buf_text(&claims, "\",\"sub\":\"\\n");
    for (size_t pad = 0; pad < 200; pad++) {
        size_t length = claims.len;
        int r;

        tw_buf_text(&claims, "\"}");
        sign(f, TW_LIT(HEADER), tw_buf_view(&claims), TW_LIT(secret));
        r = read_token(f, tw_buf_view(&f->token));
        assert_int_equal(r, f->token.len > TW_JWT_BYTES ? TW_ETOOBIG : 0);
        if (r == 0)
            assert_int_equal(f->jwt.scopes.len, 4 * 3000 + 1);
        refused += r < 0;
        claims.len = length;
        tw_buf_char(&claims, 'x');
    }
    assert_true(refused > 0 && refused < 200);
    tw_buf_done(&claims);
}

static void a_buf_without_space_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct tw_buf small = { .max = 100 };

    assert_int_equal(tw_jwt_read(TW_LIT(rfc_hs256), &small, &f->jwt), TW_ETOOBIG);
    tw_buf_done(&small);
}

/* Nothing of an earlier token stays: the buf and the struct serve again and again. */
static void a_refused_token_leaves_the_last_one_unchanged(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_parts(f, HEADER, "{\"exp\":1700003600}"), 0);
    assert_int_equal(tw_jwt_read(TW_LIT("a.b.c"), &f->text, &f->jwt), TW_ESYNTAX);
    assert_true(f->jwt.expires_ms == 1700003600000);
    assert_int_equal(read_parts(f, HEADER, "{}"), 0);
    assert_true(f->jwt.expires_ms == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_tokens_of_rfc_7515_are_valid),
        TEST(a_token_of_restaurant_os_is_read),
        TEST(a_key_works_only_with_its_own_algorithm),
        TEST(a_short_secret_is_no_secret),
        TEST(a_changed_token_is_refused),
        TEST(a_signature_of_another_length_is_wrong),
        TEST(the_algorithm_is_one_of_three_and_nothing_is_critical),
        TEST(a_token_is_three_parts_of_canonical_base64url),
        TEST(a_token_ends_at_its_exp_and_may_begin_a_minute_early),
        TEST(a_claim_of_the_wrong_type_is_refused),
        TEST(the_audience_must_be_named_when_there_is_one),
        TEST(scopes_are_an_array_however_they_are_written),
        TEST(texts_are_read_in_either_spelling_and_unescaped),
        TEST(a_token_of_8_kib_fits_and_a_longer_one_does_not),
        TEST(a_buf_without_space_is_an_error),
        TEST(a_refused_token_leaves_the_last_one_unchanged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
