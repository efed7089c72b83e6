/* tls.c - mbedTLS between two buffers.
 *
 * Only what is safe today is offered of TLS 1.2: ECDHE with AES-GCM or ChaCha20-Poly1305
 * (RFC 9325 section 4.2), on x25519 or P-256. A client always checks its server's certificate
 * and name; nothing turns that off.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/tls.h"

#include <arpa/inet.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"

#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"
#define IDENTITIES 8
#define TICKET_SECONDS 86400
#define RSA_BITS 2048
#define OUT_BYTES ((size_t)256 * 1024)
#define PROBLEM_BYTES 192
#define PATH_BYTES 1024

/* A certificate with its chain, and its key. */
struct identity {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

struct tw_tls_context {
    unsigned users;
    bool is_server;
    mbedtls_ssl_config config;
    struct identity identities[IDENTITIES];
    size_t count;
    mbedtls_x509_crt authorities;
    mbedtls_ssl_ticket_context tickets;
};

struct tw_tls {
    struct tw_tls_context *context;
    mbedtls_ssl_context ssl;
    struct tw_slice in; /* what of the peer's bytes was not taken yet */
    struct tw_buf out;
    uint8_t address[16]; /* of the server, where its name is a number */
    size_t address_len;
    char problem[PROBLEM_BYTES];
};

static const int suites[] = { MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                              0 };
static const mbedtls_ecp_group_id server_curves[] = { MBEDTLS_ECP_DP_CURVE25519,
                                                      MBEDTLS_ECP_DP_SECP256R1,
                                                      MBEDTLS_ECP_DP_NONE };
/* Also the curves that a server's certificate may be on. */
static const mbedtls_ecp_group_id client_curves[] = { MBEDTLS_ECP_DP_CURVE25519,
                                                      MBEDTLS_ECP_DP_SECP256R1,
                                                      MBEDTLS_ECP_DP_SECP384R1,
                                                      MBEDTLS_ECP_DP_NONE };
/* Without SHA-1 (RFC 9155). */
static const int hashes[] = { MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                              MBEDTLS_MD_NONE };
static const char *protocols[] = { "http/1.1", NULL }; /* RFC 7301 */

static int give_random(void *arg, unsigned char *out, size_t n)
{
    (void)arg;
    tw_random(out, n);
    return 0;
}

static void complain(struct tw_buf *problem, const char *path, const char *what, int err)
{
    char text[PROBLEM_BYTES] = "";

    if (err == MBEDTLS_ERR_PK_FILE_IO_ERROR || err == MBEDTLS_ERR_X509_FILE_IO_ERROR) {
        what = "cannot be read";
        err = 0;
    }
    if (err != 0)
        mbedtls_strerror(err, text, sizeof(text));
    tw_buf_text(problem, path);
    tw_buf_text(problem, ": ");
    tw_buf_text(problem, what);
    if (err != 0) {
        tw_buf_text(problem, ": ");
        tw_buf_text(problem, text);
    }
}

/* --- what connections have in common
 * ---------------------------------------------------------- */

/* Whether clients can use it: those with other curves would find none that both have. */
static bool is_offered(const mbedtls_pk_context *key)
{
    if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA))
        return mbedtls_pk_get_bitlen(key) >= RSA_BITS;
    return mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) &&
           mbedtls_pk_ec(*key)->grp.id == MBEDTLS_ECP_DP_SECP256R1;
}

static bool add_identity(struct tw_tls_context *c, const char *certificate, const char *key,
                         struct tw_buf *problem)
{
    struct identity *id = &c->identities[c->count];
    int r;

    mbedtls_x509_crt_init(&id->chain);
    mbedtls_pk_init(&id->key);
    c->count++; /* from now on it is released with the context */
    r = mbedtls_x509_crt_parse_file(&id->chain, certificate);
    if (r != 0) {
        complain(problem, certificate, "is no certificate in PEM", r < 0 ? r : 0);
        return false;
    }
    r = mbedtls_pk_parse_keyfile(&id->key, key, NULL);
    if (r != 0) {
        complain(problem, key, "is no private key in PEM", r);
        return false;
    }
    if (c->is_server && !is_offered(&id->chain.pk)) {
        complain(problem, certificate, "is neither RSA from 2048 bits nor ECDSA on P-256", 0);
        return false;
    }
    if (mbedtls_pk_check_pair(&id->chain.pk, &id->key) != 0) {
        complain(problem, key, "is not the key of this certificate", 0);
        return false;
    }
    r = mbedtls_ssl_conf_own_cert(&c->config, &id->chain, &id->key);
    if (r != 0)
        complain(problem, certificate, "cannot be used", r);
    return r == 0;
}

/* Whether a name that a certificate has is the one that was asked for; a star stands for one
 * label (RFC 6125 section 6.4.3). */
static bool is_name(struct tw_slice has, struct tw_slice asked)
{
    struct tw_slice label;

    if (!tw_slice_starts(has, TW_LIT("*.")))
        return tw_slice_eq_nocase(has, asked);
    return tw_slice_split(&asked, '.', &label) && label.len > 0 &&
           tw_slice_eq_nocase(tw_slice_skip(has, 2), asked);
}

/* The names and addresses of RFC 5280 section 4.2.1.6 are tagged with a number each. */
enum { NAME_TAG = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2, ADDRESS_TAG = NAME_TAG - 2 + 7 };

static bool is_for(const mbedtls_x509_crt *certificate, int tag, struct tw_slice asked)
{
    for (const mbedtls_x509_sequence *at = &certificate->subject_alt_names; at != NULL;
         at = at->next) {
        struct tw_slice has = tw_slice_from((const char *)at->buf.p, at->buf.len);

        if (has.len > 0 && at->buf.tag == tag &&
            (tag == NAME_TAG ? is_name(has, asked) : tw_slice_eq(has, asked)))
            return true;
    }
    return false;
}

/* A client has asked for a name: those certificates that have it, or as if it had not. */
static int choose_identity(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name,
                           size_t len)
{
    struct tw_tls_context *c = arg;
    struct tw_slice asked = tw_slice_from((const char *)name, len);
    int r = 0;

    for (size_t i = 0; i < c->count && r == 0; i++)
        if (is_for(&c->identities[i].chain, NAME_TAG, asked))
            r = mbedtls_ssl_set_hs_own_cert(ssl, &c->identities[i].chain,
                                            &c->identities[i].key);
    return r;
}

static struct tw_tls_context *context_new(bool is_server)
{
    struct tw_tls_context *c = tw_new(struct tw_tls_context);
    int r;

    c->users = 1;
    c->is_server = is_server;
    mbedtls_ssl_config_init(&c->config);
    mbedtls_x509_crt_init(&c->authorities);
    mbedtls_ssl_ticket_init(&c->tickets);
    r = mbedtls_ssl_config_defaults(&c->config,
                                    is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    TW_ASSERT(r == 0); /* memory is out at a start, as in tw_new */
    mbedtls_ssl_conf_min_version(&c->config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_ciphersuites(&c->config, suites);
    mbedtls_ssl_conf_curves(&c->config, is_server ? server_curves : client_curves);
    mbedtls_ssl_conf_sig_hashes(&c->config, hashes);
    mbedtls_ssl_conf_rng(&c->config, give_random, NULL);
    return c;
}

/* Cuts the next path of a list off. */
static bool next_path(struct tw_slice *rest, char path[PATH_BYTES])
{
    struct tw_slice one;

    if (rest->len == 0 || !tw_slice_split(rest, ',', &one))
        return false;
    one = tw_slice_trim(one);
    (void)snprintf(path, PATH_BYTES, "%.*s", (int)one.len, one.at);
    return true;
}

static bool add_identities(struct tw_tls_context *c, const struct tw_tls_server_options *o,
                           struct tw_buf *problem)
{
    struct tw_slice certificates = tw_slice_of(o->certificates), keys = tw_slice_of(o->keys);
    char certificate[PATH_BYTES], key[PATH_BYTES];

    while (next_path(&certificates, certificate)) {
        if (!next_path(&keys, key)) {
            complain(problem, certificate, "has no key: there are fewer keys", 0);
            return false;
        }
        if (c->count == IDENTITIES) {
            complain(problem, certificate, "is one too many: there may be eight", 0);
            return false;
        }
        if (!add_identity(c, certificate, key, problem))
            return false;
    }
    if (c->count == 0 || next_path(&keys, key)) {
        complain(problem, c->count == 0 ? "a certificate" : key,
                 c->count == 0 ? "is missing" : "is the key of no certificate", 0);
        return false;
    }
    return true;
}

struct tw_tls_context *tw_tls_server_new(const struct tw_tls_server_options *options,
                                         struct tw_buf *problem)
{
    struct tw_tls_context *c = context_new(true);
    int r;

    mbedtls_ssl_conf_sni(&c->config, choose_identity, c);
    r = mbedtls_ssl_conf_alpn_protocols(&c->config, protocols);
    if (r == 0)
        r = mbedtls_ssl_ticket_setup(&c->tickets, give_random, NULL, MBEDTLS_CIPHER_AES_256_GCM,
                                     TICKET_SECONDS);
    mbedtls_ssl_conf_session_tickets_cb(&c->config, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &c->tickets);
    if (r != 0)
        complain(problem, "TLS", "cannot be set up", r);
    if (r == 0 && add_identities(c, options, problem))
        return c;
    tw_tls_context_drop(c);
    return NULL;
}

struct tw_tls_context *tw_tls_client_new(const struct tw_tls_client_options *options,
                                         struct tw_buf *problem)
{
    const char *path = options->authorities == NULL ? SYSTEM_AUTHORITIES : options->authorities;
    struct tw_tls_context *c = context_new(false);
    int r = mbedtls_x509_crt_parse_file(&c->authorities, path);
    bool ok = c->authorities.version != 0; /* at least one of them can be used */

    if (!ok)
        complain(problem, path, "has no certificate in PEM", r < 0 ? r : 0);
    if (ok && options->certificate != NULL && options->key == NULL) {
        complain(problem, options->certificate, "has no key", 0);
        ok = false;
    }
    if (ok && options->certificate != NULL)
        ok = add_identity(c, options->certificate, options->key, problem);
    if (!ok) {
        tw_tls_context_drop(c);
        return NULL;
    }
    mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&c->config, &c->authorities, NULL);
    return c;
}

struct tw_tls_context *tw_tls_context_keep(struct tw_tls_context *c)
{
    c->users++;
    return c;
}

void tw_tls_context_drop(struct tw_tls_context *c)
{
    if (c == NULL || --c->users > 0)
        return;
    mbedtls_ssl_config_free(&c->config);
    for (size_t i = 0; i < c->count; i++) {
        mbedtls_x509_crt_free(&c->identities[i].chain);
        mbedtls_pk_free(&c->identities[i].key);
    }
    mbedtls_x509_crt_free(&c->authorities);
    mbedtls_ssl_ticket_free(&c->tickets);
    free(c);
}

bool tw_tls_context_is_server(const struct tw_tls_context *c)
{
    return c->is_server;
}

int64_t tw_tls_context_expires(const struct tw_tls_context *c)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < c->count; i++) {
        const mbedtls_x509_time *to = &c->identities[i].chain.valid_to;
        struct tm tm = { .tm_year = to->year - 1900,
                         .tm_mon = to->mon - 1,
                         .tm_mday = to->day,
                         .tm_hour = to->hour,
                         .tm_min = to->min,
                         .tm_sec = to->sec };
        int64_t seconds = timegm(&tm);

        first = seconds < first ? seconds : first;
    }
    return first;
}

/* --- one connection
 * --------------------------------------------------------------------------- */

static int put_out(void *arg, const unsigned char *bytes, size_t n)
{
    struct tw_tls *t = arg;

    tw_buf_append(&t->out, tw_slice_from((const char *)bytes, n));
    return t->out.failed ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)n;
}

static int take_in(void *arg, unsigned char *to, size_t size)
{
    struct tw_tls *t = arg;
    size_t n = t->in.len < size ? t->in.len : size;

    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(to, t->in.at, n);
    t->in = tw_slice_skip(t->in, n);
    return (int)n;
}

/* mbedTLS 2.28 compares names only; so a numeric address is compared here. */
static int check_address(void *arg, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    const struct tw_tls *t = arg;

    if (depth == 0 && !is_for(certificate, ADDRESS_TAG,
                              tw_slice_from((const char *)t->address, t->address_len)))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

/* Whom the certificate must be for. */
static int set_server(struct tw_tls *t, const char *server)
{
    if (inet_pton(AF_INET, server, t->address) == 1)
        t->address_len = 4;
    else if (inet_pton(AF_INET6, server, t->address) == 1)
        t->address_len = 16;
    if (t->address_len == 0)
        return mbedtls_ssl_set_hostname(&t->ssl, server);
    mbedtls_ssl_set_verify(&t->ssl, check_address, t);
    return 0;
}

struct tw_tls *tw_tls_new(struct tw_tls_context *context, const char *server)
{
    struct tw_tls *t = tw_new(struct tw_tls);

    t->context = tw_tls_context_keep(context);
    t->out.max = OUT_BYTES;
    mbedtls_ssl_init(&t->ssl);
    TW_ASSERT(context->is_server == (server == NULL));
    if (mbedtls_ssl_setup(&t->ssl, &context->config) != 0 ||
        (server != NULL && set_server(t, server) != 0)) {
        tw_tls_free(t);
        return NULL;
    }
    mbedtls_ssl_set_bio(&t->ssl, t, put_out, take_in, NULL);
    return t;
}

void tw_tls_free(struct tw_tls *t)
{
    if (t == NULL)
        return;
    mbedtls_ssl_free(&t->ssl);
    tw_tls_context_drop(t->context);
    tw_buf_done(&t->out);
    free(t);
}

void tw_tls_feed(struct tw_tls *t, struct tw_slice bytes)
{
    t->in = bytes;
}

struct tw_slice tw_tls_unread(const struct tw_tls *t)
{
    return t->in;
}

/* In words that say what to look at. Of a certificate that is refused, the first reason. */
static int note_problem(struct tw_tls *t, int err)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

    if (err == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED &&
        mbedtls_x509_crt_verify_info(t->problem, sizeof(t->problem), "", flags) > 0)
        t->problem[strcspn(t->problem, "\n")] = '\0';
    else if (err == MBEDTLS_ERR_SSL_INVALID_RECORD)
        (void)snprintf(t->problem, sizeof(t->problem), "the other side does not speak TLS");
    else
        mbedtls_strerror(err, t->problem, sizeof(t->problem));
    return TW_ETLS;
}

static bool must_wait(int r)
{
    return r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE;
}

int tw_tls_handshake(struct tw_tls *t)
{
    int r = mbedtls_ssl_handshake(&t->ssl);

    if (r == 0)
        return 1;
    return must_wait(r) ? 0 : note_problem(t, r);
}

/* A record that says nothing, or a warning, does not keep what came behind it: mbedTLS returns
 * after each. */
int tw_tls_read(struct tw_tls *t, char *to, size_t size)
{
    int r;

    do {
        r = mbedtls_ssl_read(&t->ssl, (unsigned char *)to, size);
    } while (r == 0 || (must_wait(r) && t->in.len > 0));
    if (r > 0)
        return r;
    if (must_wait(r))
        return 0;
    return r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? UV_EOF : note_problem(t, r);
}

/* In more than one record where the peer asked for short ones (RFC 6066 section 4). */
int tw_tls_write(struct tw_tls *t, struct tw_slice bytes)
{
    int r = 0;

    TW_ASSERT(bytes.len <= TW_TLS_RECORD_BYTES);
    while (r >= 0 && bytes.len > 0) {
        r = mbedtls_ssl_write(&t->ssl, (const unsigned char *)bytes.at, bytes.len);
        if (r > 0)
            bytes = tw_slice_skip(bytes, (size_t)r);
    }
    return r < 0 ? note_problem(t, r) : 0;
}

void tw_tls_end(struct tw_tls *t)
{
    (void)mbedtls_ssl_close_notify(&t->ssl); /* a courtesy: what was said has its own end */
}

struct tw_buf *tw_tls_out(struct tw_tls *t)
{
    return &t->out;
}

const char *tw_tls_problem(const struct tw_tls *t)
{
    return t->problem;
}
