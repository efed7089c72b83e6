/* address_test.c - where to listen or connect.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/address.h"

#include <netinet/in.h>
#include <uv.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

static const struct {
    const char *text;
    int family;
    const char *host;
    int port;
} sockets[] = {
    { "127.0.0.1:9101", AF_INET, "127.0.0.1", 9101 },
    { "0.0.0.0:0", AF_INET, "0.0.0.0", 0 },
    { "255.255.255.255:65535", AF_INET, "255.255.255.255", 65535 },
    { "localhost:6379", AF_INET, "127.0.0.1", 6379 },
    { ":9101", AF_INET6, "::", 9101 }, /* all addresses */
    { "[::1]:9101", AF_INET6, "::1", 9101 },
    { "[2001:db8::17]:443", AF_INET6, "2001:db8::17", 443 },
};

static void host_and_port_are_parted_by_the_last_colon(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(sockets); i++) {
        struct tw_address a = { .is_unix = true };
        char host[64] = "";
        int port;

        assert_row(tw_address_parse(tw_slice_of(sockets[i].text), &a) == 0, sockets[i].text);
        assert_false(a.is_unix);
        assert_int_equal(a.tcp.ss_family, sockets[i].family);
        if (a.tcp.ss_family == AF_INET) {
            const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&a.tcp;

            (void)uv_ip4_name(in, host, sizeof(host));
            port = ntohs(in->sin_port);
        } else {
            const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)&a.tcp;

            (void)uv_ip6_name(in, host, sizeof(host));
            port = ntohs(in->sin6_port);
        }
        assert_string_equal(host, sockets[i].host);
        assert_int_equal(port, sockets[i].port);
    }
}

static void a_path_makes_a_unix_socket(void **state)
{
    struct tw_address a;
    char text[200] = "unix:/";

    (void)state;
    assert_int_equal(tw_address_parse(TW_LIT("unix:/run/tillwire/gateway.sock"), &a), 0);
    assert_true(a.is_unix);
    assert_string_equal(a.path, "/run/tillwire/gateway.sock");
    memset(text + 6, 'x', sizeof(text) - 6);
    assert_int_equal(tw_address_parse(tw_slice_from(text, 5 + 107), &a),
                     0); /* sun_path less a NUL */
    assert_int_equal(strlen(a.path), 107);
    assert_int_equal(tw_address_parse(tw_slice_from(text, 5 + 108), &a), TW_ESYNTAX);
    assert_int_equal(tw_address_parse(TW_LIT("unix:"), &a), TW_ESYNTAX);
}

static void anything_else_is_refused_and_leaves_the_address_unchanged(void **state)
{
    static const char *const bad[] = { "",
                                       ":",
                                       "127.0.0.1",
                                       "127.0.0.1:",
                                       "127.0.0.1:x",
                                       "127.0.0.1:-1",
                                       "127.0.0.1:+1",
                                       "127.0.0.1: 1",
                                       "127.0.0.1:65536",
                                       "127.0.0.1:99999999999999999999",
                                       "127.0.0:80",
                                       "127.0.0.256:80",
                                       "1.2.3.4.5:80",
                                       " 127.0.0.1:80",
                                       "example.com:80",
                                       "9101",
                                       "[::1]",
                                       "[::1:9101",
                                       "::1]:9101",
                                       "[]:9101",
                                       "[::g]:9101",
                                       "::1",
                                       "fe80::1",
                                       "http://127.0.0.1:80",
                                       "tcp:80",
                                       "UNIX:/x",
                                       "[[::1]]:80",
                                       ("1111111111111111111111111111111111111111111111111111"
                                        "1111111111111111111111111111:80") };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_address a = { .is_unix = true, .path = "untouched" };

        assert_row(tw_address_parse(tw_slice_of(bad[i]), &a) == TW_ESYNTAX, bad[i]);
        assert_true(a.is_unix);
        assert_string_equal(a.path, "untouched");
    }
}

static void an_ipv6_host_stands_in_brackets(void **state)
{
    struct tw_address a;

    (void)state;
    assert_int_equal(tw_address_parse(TW_LIT("::1:9101"), &a), TW_ESYNTAX);
    assert_int_equal(tw_address_parse(TW_LIT("2001:db8::17:443"), &a), TW_ESYNTAX);
    assert_int_equal(tw_address_parse(TW_LIT("[127.0.0.1]:80"), &a), TW_ESYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_are_parted_by_the_last_colon),
        cmocka_unit_test(a_path_makes_a_unix_socket),
        cmocka_unit_test(anything_else_is_refused_and_leaves_the_address_unchanged),
        cmocka_unit_test(an_ipv6_host_stands_in_brackets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
