/* tls_test.c - two ends of TLS, with nothing but their bytes between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/tls.h"

#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "test/unit/support/certificates.h"
#include "test/unit/support/check.h"

struct pair {
    struct tw_tls_context *server_context, *client_context;
    struct tw_tls *server, *client;
    struct tw_buf to_server, to_client; /* what is under way; lent to them */
};

static void begin(struct pair *p, const char *certificate, const char *authority,
                  const char *name)
{
    *p = (struct pair){ .server_context = certificate_server(certificate),
                        .client_context = certificate_client(authority) };
    p->to_server.max = p->to_client.max = (size_t)1024 * 1024;
    p->server = tw_tls_new(p->server_context, NULL);
    p->client = tw_tls_new(p->client_context, name);
    assert_true(p->server != NULL && p->client != NULL);
}

static void end(struct pair *p)
{
    tw_tls_free(p->server);
    tw_tls_free(p->client);
    tw_tls_context_drop(p->server_context);
    tw_tls_context_drop(p->client_context);
    tw_buf_done(&p->to_server);
    tw_buf_done(&p->to_client);
}

/* What one has to say reaches the other. */
static void carry(struct tw_tls *from, struct tw_tls *to, struct tw_buf *way)
{
    struct tw_slice unread = tw_tls_unread(to);

    tw_buf_drop(way, way->len - unread.len);
    tw_buf_append(way, tw_buf_view(tw_tls_out(from)));
    tw_buf_clear(tw_tls_out(from));
    tw_tls_feed(to, tw_buf_view(way));
}

/* 1 when both are done, or the error of the one that had it; `*failed` is that one. */
static int shake(struct pair *p, struct tw_tls **failed)
{
    int client = 0, server = 0;

    for (int turn = 0; turn < 8 && (client == 0 || server == 0); turn++) {
        if (client == 0)
            client = tw_tls_handshake(p->client);
        carry(p->client, p->server, &p->to_server);
        *failed = p->client;
        if (client < 0)
            return client;
        if (server == 0)
            server = tw_tls_handshake(p->server);
        carry(p->server, p->client, &p->to_client);
        *failed = p->server;
        if (server < 0)
            return server;
    }
    assert_int_equal(client, 1);
    assert_int_equal(server, 1);
    return 1;
}

static void both_understand_each_other(const char *certificate, const char *name)
{
    char text[TW_TLS_RECORD_BYTES];
    struct tw_tls *failed;
    struct pair p;

    begin(&p, certificate, "ca", name);
    assert_int_equal(shake(&p, &failed), 1);
    assert_int_equal(tw_tls_write(p.client, TW_LIT("2 x Margherita")), 0);
    carry(p.client, p.server, &p.to_server);
    assert_int_equal(tw_tls_read(p.server, text, sizeof(text)), 14);
    assert_memory_equal(text, "2 x Margherita", 14);
    assert_int_equal(tw_tls_read(p.server, text, sizeof(text)), 0); /* no more is there */
    tw_tls_end(p.server);
    carry(p.server, p.client, &p.to_client);
    assert_int_equal(tw_tls_read(p.client, text, sizeof(text)), UV_EOF);
    end(&p);
}

static void a_certificate_is_good_for_its_names_and_addresses(void **state)
{
    static const struct {
        const char *certificate, *name;
    } rows[] = {
        { "server", "localhost" },       { "server", "tills.example" },
        { "server", "127.0.0.1" },       { "server", "::1" },
        { "rsa", "localhost" },          { "kitchen", "kitchen.example" },
        { "kitchen", "a.shop.example" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        both_understand_each_other(rows[i].certificate, rows[i].name);
}

static void a_client_refuses_what_it_cannot_trust_and_says_why(void **state)
{
    static const struct {
        const char *certificate, *authority, *name, *why;
    } rows[] = {
        { "server", "ca", "bar.example", "Common Name (CN) does not match" },
        { "server", "ca", "127.0.0.2", "Common Name (CN) does not match" },
        { "server", "ca", "::2", "Common Name (CN) does not match" },
        { "kitchen", "ca", "a.b.shop.example", "Common Name (CN) does not match" },
        { "server", "stranger", "localhost", "not correctly signed by the trusted CA" },
        { "expired", "ca", "localhost", "validity has expired" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_tls *failed;
        struct pair p;

        begin(&p, rows[i].certificate, rows[i].authority, rows[i].name);
        assert_int_equal(shake(&p, &failed), TW_ETLS);
        assert_ptr_equal(failed, p.client);
        assert_non_null(strstr(tw_tls_problem(p.client), rows[i].why));
        assert_int_equal(tw_tls_handshake(p.server), TW_ETLS); /* which has been told */
        end(&p);
    }
}

static void garbage_is_not_tls(void **state)
{
    struct pair p;

    (void)state;
    begin(&p, "server", "ca", "localhost");
    tw_tls_feed(p.server, TW_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(tw_tls_handshake(p.server), TW_ETLS);
    assert_int_equal(tw_tls_handshake(p.client), 0);
    tw_tls_feed(p.client, TW_LIT("-ERR unknown command\r\n"));
    assert_int_equal(tw_tls_handshake(p.client), TW_ETLS);
    assert_string_equal(tw_tls_problem(p.client), "the other side does not speak TLS");
    end(&p);
}

static void a_changed_record_ends_it(void **state)
{
    char text[TW_TLS_RECORD_BYTES];
    struct tw_tls *failed;
    struct tw_buf *out;
    struct pair p;

    (void)state;
    begin(&p, "server", "ca", "localhost");
    assert_int_equal(shake(&p, &failed), 1);
    assert_int_equal(tw_tls_write(p.client, TW_LIT("12.50")), 0);
    out = tw_tls_out(p.client);
    out->at[out->len - 1] ^= 1;
    carry(p.client, p.server, &p.to_server);
    assert_int_equal(tw_tls_read(p.server, text, sizeof(text)), TW_ETLS);
    end(&p);
}

/* A client that we would not be: it asks for records of 512 bytes, and says what nobody does.
 */
struct odd_client {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    struct tw_tls_context *context;
    struct tw_tls *server;
    struct tw_buf to_server;
};

static int odd_random(void *arg, unsigned char *out, size_t n)
{
    (void)arg;
    tw_random(out, n);
    return 0;
}

static int odd_send(void *arg, const unsigned char *bytes, size_t n)
{
    struct odd_client *c = arg;

    tw_buf_append(&c->to_server, tw_slice_from((const char *)bytes, n));
    return (int)n;
}

static int odd_receive(void *arg, unsigned char *to, size_t size)
{
    struct tw_buf *out = tw_tls_out(((struct odd_client *)arg)->server);
    size_t n = out->len < size ? out->len : size;

    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(to, out->at, n);
    tw_buf_drop(out, n);
    return (int)n;
}

static void odd_begin(struct odd_client *c)
{
    int client = MBEDTLS_ERR_SSL_WANT_READ, server = 0;

    *c = (struct odd_client){ .context = certificate_server("server") };
    c->to_server.max = (size_t)1024 * 1024;
    c->server = tw_tls_new(c->context, NULL);
    mbedtls_ssl_config_init(&c->config);
    mbedtls_ssl_init(&c->ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&c->config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&c->config, odd_random, NULL);
    assert_int_equal(mbedtls_ssl_conf_max_frag_len(&c->config, MBEDTLS_SSL_MAX_FRAG_LEN_512),
                     0);
    assert_int_equal(mbedtls_ssl_setup(&c->ssl, &c->config), 0);
    mbedtls_ssl_set_bio(&c->ssl, c, odd_send, odd_receive, NULL);
    while (client != 0 || server != 1) {
        client = client == 0 ? 0 : mbedtls_ssl_handshake(&c->ssl);
        assert_true(client == 0 || client == MBEDTLS_ERR_SSL_WANT_READ);
        tw_tls_feed(c->server, tw_buf_view(&c->to_server));
        server = server == 1 ? 1 : tw_tls_handshake(c->server);
        assert_true(server >= 0);
        tw_buf_clear(&c->to_server);
    }
}

static void odd_end(struct odd_client *c)
{
    mbedtls_ssl_free(&c->ssl);
    mbedtls_ssl_config_free(&c->config);
    tw_tls_free(c->server);
    tw_tls_context_drop(c->context);
    tw_buf_done(&c->to_server);
}

static void a_client_may_ask_for_short_records(void **state)
{
    unsigned char heard[2000];
    char said[2000];
    struct odd_client c;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(said); i++)
        said[i] = (char)i;
    odd_begin(&c);
    assert_int_equal(tw_tls_write(c.server, tw_slice_from(said, sizeof(said))), 0);
    while (len < sizeof(heard)) {
        int r = mbedtls_ssl_read(&c.ssl, heard + len, sizeof(heard) - len);

        assert_true(r > 0 && r <= 512);
        len += (size_t)r;
    }
    assert_memory_equal(heard, said, sizeof(said));
    odd_end(&c);
}

/* Warnings and records without anything in them; mbedTLS itself ends what has four of those. */
static void what_says_nothing_does_not_keep_what_follows(void **state)
{
    char text[TW_TLS_RECORD_BYTES];
    struct odd_client c;

    (void)state;
    odd_begin(&c);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mbedtls_ssl_send_alert_message(&c.ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING,
                                                        MBEDTLS_SSL_ALERT_MSG_NO_RENEGOTIATION),
                         0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mbedtls_ssl_write(&c.ssl, (const unsigned char *)"", 0), 0);
    assert_int_equal(mbedtls_ssl_write(&c.ssl, (const unsigned char *)"here", 4), 4);
    tw_tls_feed(c.server, tw_buf_view(&c.to_server));
    assert_int_equal(tw_tls_read(c.server, text, sizeof(text)), 4);
    assert_memory_equal(text, "here", 4);
    assert_int_equal(tw_tls_read(c.server, text, sizeof(text)), 0);
    odd_end(&c);
}

/* Two certificates; clients that ask for the second one's names get it. */
static void a_client_gets_the_certificate_for_the_name_it_asks_for(void **state)
{
    struct tw_buf problem = { .max = 1024 };
    char certificates[300], keys[300];
    struct tw_tls *failed;
    struct pair p;

    (void)state;
    (void)snprintf(certificates, sizeof(certificates), "%s, %s", certificate_path("server.pem"),
                   certificate_path("kitchen.pem"));
    (void)snprintf(keys, sizeof(keys), "%s, %s", certificate_path("server.key"),
                   certificate_path("kitchen.key"));
    for (int i = 0; i < 2; i++) {
        begin(&p, "rsa", "ca", i == 0 ? "tills.example" : "pizza.shop.example");
        tw_tls_free(p.server);
        tw_tls_context_drop(p.server_context);
        p.server_context = tw_tls_server_new(
            &(struct tw_tls_server_options){ .certificates = certificates, .keys = keys },
            &problem);
        assert_non_null(p.server_context);
        p.server = tw_tls_new(p.server_context, NULL);
        assert_int_equal(shake(&p, &failed), 1);
        end(&p);
    }
}

static void check_server_problem(const char *certificates, const char *keys, const char *why)
{
    struct tw_buf problem = { .max = 1024 };

    assert_null(tw_tls_server_new(
        &(struct tw_tls_server_options){ .certificates = certificates, .keys = keys },
        &problem));
    tw_buf_char(&problem, '\0');
    assert_non_null(strstr(problem.at, why));
    tw_buf_done(&problem);
}

static void files_that_cannot_be_used_are_named(void **state)
{
    const char *certificate = certificate_path("server.pem");
    const char *key = certificate_path("server.key");
    struct tw_buf problem = { .max = 1024 };

    (void)state;
    check_server_problem("/nowhere.pem", key, "/nowhere.pem: cannot be read");
    check_server_problem(certificate, "/nowhere.key", "/nowhere.key: cannot be read");
    check_server_problem(key, key, "is no certificate in PEM");
    check_server_problem(certificate, certificate, "is no private key in PEM");
    check_server_problem(certificate, certificate_path("rsa.key"),
                         "is not the key of this certificate");
    check_server_problem(certificate_path("p384.pem"), certificate_path("p384.key"),
                         "is neither RSA from 2048 bits nor ECDSA on P-256");
    check_server_problem(certificate, "", "has no key");
    check_server_problem("", key, "is missing");
    check_server_problem("", "", "is missing");
    assert_null(
        tw_tls_client_new(&(struct tw_tls_client_options){ .authorities = key }, &problem));
    tw_buf_clear(&problem);
    assert_null(tw_tls_client_new(
        &(struct tw_tls_client_options){ .authorities = certificate, .certificate = key },
        &problem));
    tw_buf_done(&problem);
}

static void the_end_of_a_certificate_is_known(void **state)
{
    struct tw_tls_context *c = certificate_server("expired");

    (void)state;
    assert_int_equal(tw_tls_context_expires(c), 1609459200); /* 2021-01-01 */
    assert_true(tw_tls_context_is_server(c));
    tw_tls_context_drop(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_good_for_its_names_and_addresses),
        cmocka_unit_test(a_client_refuses_what_it_cannot_trust_and_says_why),
        cmocka_unit_test(garbage_is_not_tls),
        cmocka_unit_test(a_changed_record_ends_it),
        cmocka_unit_test(a_client_may_ask_for_short_records),
        cmocka_unit_test(what_says_nothing_does_not_keep_what_follows),
        cmocka_unit_test(a_client_gets_the_certificate_for_the_name_it_asks_for),
        cmocka_unit_test(files_that_cannot_be_used_are_named),
        cmocka_unit_test(the_end_of_a_certificate_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
