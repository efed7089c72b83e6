/* sio_packet_test.c - Socket.IO packets: the rules that clients are held to, and the heads that
 * we write.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/sio_packet.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

/* Reads a copy of exactly its size, and prints a valid packet as
 * "type nsp ack attachments json name|arg|arg", what is empty as "-". */
static int read_copy(struct tw_slice text, struct tw_buf *told)
{
    char *copy = exact_copy(text);
    struct gw_sio_packet p;
    struct tw_slice rest, arg;
    int r = gw_sio_read(copy, text.len, &p);

    if (r == 0) {
        struct tw_slice parts[] = { p.nsp, p.ack, p.json, p.name };

        tw_buf_u64(told, (uint64_t)p.type);
        tw_buf_char(told, ' ');
        tw_buf_u64(told, p.attachments);
        for (size_t i = 0; i < TW_COUNT(parts); i++) {
            tw_buf_char(told, ' ');
            tw_buf_append(told, parts[i].len > 0 ? parts[i] : TW_LIT("-"));
        }
        rest = gw_sio_args(&p);
        while (gw_sio_arg(&rest, &arg)) {
            tw_buf_char(told, '|');
            tw_buf_append(told, arg);
        }
    }
    free(copy);
    return r;
}

static const struct {
    const char *text, *told; /* type attachments nsp ack json name|args */
} valid[] = {
    { "0", "0 0 / - - -" },
    { "0{\"token\":\"123\"}", "0 0 / - {\"token\":\"123\"} -" },
    { "0{}", "0 0 / - {} -" },
    { "0/custom", "0 0 /custom - - -" },
    { "0/custom,", "0 0 /custom - - -" },
    { "0/custom,{\"token\":1}", "0 0 /custom - {\"token\":1} -" },
    { "0/,{}", "0 0 / - {} -" },
    { "0/", "0 0 / - - -" },
    { "0/a/b-c_d?", "0 0 /a/b-c_d - - -" },
    { "0/admin?token=x&y={},{\"a\":1}", "0 0 /admin - {\"a\":1} -" },
    { "0/admin?token=x", "0 0 /admin - - -" },
    { "0/caf\xc3\xa9,", "0 0 /caf\xc3\xa9 - - -" },
    { "0/12,", "0 0 /12 - - -" },
    { "1", "1 0 / - - -" },
    { "1/custom,", "1 0 /custom - - -" },
    { "1/custom", "1 0 /custom - - -" },
    { "2[\"message\",1,\"2\",{\"3\":[true]}]",
      "2 0 / - [\"message\",1,\"2\",{\"3\":[true]}] \"message\"|1|\"2\"|{\"3\":[true]}" },
    { "2 [ \"a\" , { \"b\" : 1.50 } ] ", "2 0 / - [\"a\",{\"b\":1.50}] \"a\"|{\"b\":1.50}" },
    { "2[\"a\"]", "2 0 / - [\"a\"] \"a\"" },
    { "2[\"\"]", "2 0 / - [\"\"] \"\"" },
    { "2[7,null]", "2 0 / - [7,null] 7|null" },
    { "2[-0.5e3]", "2 0 / - [-0.5e3] -0.5e3" },
    { "2[\"error\"]", "2 0 / - [\"error\"] \"error\"" },
    { "2[\"Connect\"]", "2 0 / - [\"Connect\"] \"Connect\"" },
    { "2[\"connect \"]", "2 0 / - [\"connect \"] \"connect \"" },
    { "2[\"a\",\"connect\"]", "2 0 / - [\"a\",\"connect\"] \"a\"|\"connect\"" },
    { "2[\"a\",[]]", "2 0 / - [\"a\",[]] \"a\"|[]" },
    { "2[\"a,]\\\"\",\",\"]", "2 0 / - [\"a,]\\\"\",\",\"] \"a,]\\\"\"|\",\"" },
    { "2[\"a\",{\"_placeholder\":true,\"num\":9}]", /* a placeholder in binary packets alone */
      "2 0 / - [\"a\",{\"_placeholder\":true,\"num\":9}] "
      "\"a\"|{\"_placeholder\":true,\"num\":9}" },
    { "2456[\"ack me\"]", "2 0 / 456 [\"ack me\"] \"ack me\"" },
    { "2/custom,456[\"x\"]", "2 0 /custom 456 [\"x\"] \"x\"" },
    { "2007[\"x\"]", "2 0 / 007 [\"x\"] \"x\"" }, /* digits are echoed as they came */
    { "299999999999999999999[\"x\"]", "2 0 / 99999999999999999999 [\"x\"] \"x\"" },
    { "3456[]", "3 0 / 456 [] -" },
    { "3456[1,\"a\",{}]", "3 0 / 456 [1,\"a\",{}] -|1|\"a\"|{}" },
    { "3/custom,0[null]", "3 0 /custom 0 [null] -|null" },
    { "3[]", "3 0 / - [] -" },
    { "3456[\"connect\"]", "3 0 / 456 [\"connect\"] -|\"connect\"" },
    { "52-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]",
      "5 2 / - "
      "[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}] "
      "\"message\"|{\"_placeholder\":true,\"num\":0}|{\"_placeholder\":true,\"num\":1}" },
    { "52-789[\"m\"]", "5 2 / 789 [\"m\"] \"m\"" },
    { "510-/custom,17[\"m\"]", "5 10 /custom 17 [\"m\"] \"m\"" },
    { "61-789[{\"_placeholder\":true,\"num\":0}]",
      "6 1 / 789 [{\"_placeholder\":true,\"num\":0}] -|{\"_placeholder\":true,\"num\":0}" },
    { "61-/custom,789[]", "6 1 /custom 789 [] -" },
};

static void what_a_client_may_send_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(valid); i++) {
        struct tw_buf told = { .max = 1000 };

        assert_row(read_copy(tw_slice_of(valid[i].text), &told) == 0, valid[i].text);
        assert_buf(&told, valid[i].told);
        tw_buf_done(&told);
    }
}

static const struct {
    const char *text;
    int err;
} bad[] = {
    /* types */
    { "", TW_ESYNTAX },
    { "7", TW_ESYNTAX },
    { "9[]", TW_ESYNTAX },
    { "abc", TW_ESYNTAX },
    { " 0", TW_ESYNTAX },
    { "-1", TW_ESYNTAX },
    { "/", TW_ESYNTAX },
    { "[\"a\"]", TW_ESYNTAX },
    { "4", TW_ESYNTAX }, /* CONNECT_ERROR is the server's */
    { "4{\"message\":\"x\"}", TW_ESYNTAX },
    { "4\"x\"", TW_ESYNTAX },
    /* CONNECT: an object or nothing */
    { "0[]", TW_ESYNTAX },
    { "0null", TW_ESYNTAX },
    { "0\"token\"", TW_ESYNTAX },
    { "0true", TW_ESYNTAX },
    { "0{", TW_ESYNTAX },
    { "0{}x", TW_ESYNTAX },
    { "0{}{}", TW_ESYNTAX },
    { "0 ", TW_ESYNTAX },
    { "0{\"a\":1,\"a\":2}", TW_EDUPLICATE },
    /* DISCONNECT: nothing */
    { "1{}", TW_ESYNTAX },
    { "1[]", TW_ESYNTAX },
    { "1null", TW_ESYNTAX },
    { "1/custom,{}", TW_ESYNTAX },
    /* EVENT: an array with a name */
    { "2", TW_ESYNTAX },
    { "2456", TW_ESYNTAX },
    { "2/custom,", TW_ESYNTAX },
    { "2/custom", TW_ESYNTAX },
    { "2/custom[\"x\"]", TW_ESYNTAX }, /* all of that is the namespace */
    { "2{}", TW_ESYNTAX },
    { "2abc[\"x\"]", TW_ESYNTAX },
    { "2[]", TW_ESYNTAX },
    { "2\"x\"", TW_ESYNTAX },
    { "2null", TW_ESYNTAX },
    { "2[null]", TW_ESYNTAX },
    { "2[true]", TW_ESYNTAX },
    { "2[false,\"x\"]", TW_ESYNTAX },
    { "2[[\"x\"]]", TW_ESYNTAX },
    { "2[{\"x\":1}]", TW_ESYNTAX },
    { "2[\"x\"", TW_ESYNTAX },
    { "2[\"x\"]]", TW_ESYNTAX },
    { "2[\"x\",]", TW_ESYNTAX },
    { "2['x']", TW_ESYNTAX },
    { "2[\"x\",NaN]", TW_ESYNTAX },
    { "2[\"x\",\"\\u0000\"]", TW_ESYNTAX },
    { "2[\"x\",\"\xff\"]", TW_ESYNTAX },
    { "2[\"x\",{\"a\":1,\"\\u0061\":2}]", TW_EDUPLICATE },
    { "2[123456789012345678901234567890123]", TW_ETOOBIG },
    /* reserved names, however they are spelt */
    { "2[\"connect\"]", TW_ESYNTAX },
    { "2[\"connect_error\",1]", TW_ESYNTAX },
    { "2[\"disconnect\"]", TW_ESYNTAX },
    { "2[\"disconnecting\"]", TW_ESYNTAX },
    { "2[\"newListener\"]", TW_ESYNTAX },
    { "2[\"removeListener\"]", TW_ESYNTAX },
    { "2[\"\\u0063onnec\\u0074\"]", TW_ESYNTAX },
    { "2[\"con\\u0001nect\"]", TW_ESYNTAX }, /* the scanner takes the character out */
    { "2/custom,17[\"disconnect\"]", TW_ESYNTAX },
    { "51-[\"connect\"]", TW_ESYNTAX },
    /* ACK: an array */
    { "3456", TW_ESYNTAX },
    { "3", TW_ESYNTAX },
    { "3456{}", TW_ESYNTAX },
    { "3456null", TW_ESYNTAX },
    { "3456\"x\"", TW_ESYNTAX },
    { "61-456", TW_ESYNTAX },
    { "61-456{}", TW_ESYNTAX },
    /* ids: decimal digits, at most 20 */
    { "2-1[\"x\"]", TW_ESYNTAX },
    { "2+1[\"x\"]", TW_ESYNTAX },
    { "21.5[\"x\"]", TW_ESYNTAX },
    { "20x1[\"x\"]", TW_ESYNTAX },
    { "21 2[\"x\"]", TW_ESYNTAX },
    { "2100000000000000000000[\"x\"]", TW_ETOOBIG },
    { "3000000000000000000001[]", TW_ETOOBIG },
    /* attachments: a number from 1 to 10 and a hyphen */
    { "5", TW_ESYNTAX },
    { "51", TW_ESYNTAX },
    { "51-", TW_ESYNTAX },
    { "5[\"x\"]", TW_ESYNTAX },
    { "5-[\"x\"]", TW_ESYNTAX },
    { "51[\"x\"]", TW_ESYNTAX },
    { "5-1-[\"x\"]", TW_ESYNTAX },
    { "50-[\"x\"]", TW_ESYNTAX },
    { "501-[\"x\"]", TW_ESYNTAX },
    { "51.0-[\"x\"]", TW_ESYNTAX },
    { "51e0-[\"x\"]", TW_ESYNTAX },
    { "5 1-[\"x\"]", TW_ESYNTAX },
    { "5/custom,1-[\"x\"]", TW_ESYNTAX },
    { "511-[\"x\"]", TW_ETOOBIG },
    { "618446744073709551617-[]", TW_ETOOBIG },
    { "699999999999999999999999-[]", TW_ETOOBIG },
    { "21-[\"x\"]", TW_ESYNTAX }, /* not in packets that are not binary */
    { "01-{}", TW_ESYNTAX },
    { "51-{}", TW_ESYNTAX },
    { "51-[]", TW_ESYNTAX },
    /* namespaces */
    { "0/a\nb,", TW_ESYNTAX },
    { "0/a\036b,", TW_ESYNTAX },
    { "0/\xff,", TW_ESYNTAX },
    { "0/\xe2\x80\xae,", TW_ESYNTAX },
    { "0custom,{}", TW_ESYNTAX },
    { "0,{}", TW_ESYNTAX },
};

static void what_a_client_may_not_send_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_buf told = { .max = 1000 };

        assert_row(read_copy(tw_slice_of(bad[i].text), &told) == bad[i].err, bad[i].text);
        tw_buf_done(&told);
    }
}

static void a_refused_packet_leaves_the_result_alone(void **state)
{
    char text[] = "2[\"connect\"]";
    struct gw_sio_packet p = { .type = GW_SIO_ACK, .attachments = 3 };

    (void)state;
    assert_int_equal(gw_sio_read(text, strlen(text), &p), TW_ESYNTAX);
    assert_int_equal(p.type, GW_SIO_ACK);
    assert_int_equal(p.attachments, 3);
    assert_null(p.nsp.at);
}

static void a_namespace_has_at_most_128_bytes_without_its_query(void **state)
{
    struct tw_buf text = { .max = 1000 }, told = { .max = 1000 };

    (void)state;
    tw_buf_text(&text, "0/");
    while (text.len < 1 + GW_SIO_NSP_BYTES)
        tw_buf_char(&text, 'n');
    assert_int_equal(read_copy(tw_buf_view(&text), &told), 0);
    tw_buf_text(&text, "?a-query-of-any-length,{}");
    assert_int_equal(read_copy(tw_buf_view(&text), &told), 0);
    tw_buf_clear(&text);
    tw_buf_text(&text, "0/");
    while (text.len < 2 + GW_SIO_NSP_BYTES)
        tw_buf_char(&text, 'n');
    assert_int_equal(read_copy(tw_buf_view(&text), &told), TW_ETOOBIG);
    tw_buf_text(&text, ",{}");
    assert_int_equal(read_copy(tw_buf_view(&text), &told), TW_ETOOBIG);
    tw_buf_done(&text);
    tw_buf_done(&told);
}

#define PLACE(n) "{\"_placeholder\":true,\"num\":" n "}"

static const struct {
    const char *payload;
    bool fits; /* with two attachments */
} placeholders[] = {
    { "[\"x\"]", true },
    { "[\"x\"," PLACE("0") "," PLACE("1") "]", true },
    { "[\"x\"," PLACE("1") "," PLACE("1") "]", true },
    { "[\"x\",{\"num\":1,\"_placeholder\":true}]", true },
    { "[\"x\",{\"num\":7,\"_placeholder\":false}]", true },
    { "[\"x\",{\"num\":7,\"_placeholder\":\"true\"}]", true },
    { "[\"x\",{\"num\":7,\"_placeholder\":[true]}]", true },
    { "[\"x\",\"_placeholder\",{\"a\":\"_placeholder\"},{\"num\":7}]", true },
    { "[\"x\",{\"num\":7},{\"_placeholder_\":true}]", true },
    { "[\"_placeholder\",[\"num\",{}]]", true },
    { "[\"x\",[[[{\"a\":{\"b\":[1," PLACE("1") "]}}]]]]", true },
    { "[\"x\",{\"\\\"a\\\\\":" PLACE("1") "}]", true },
    { "[\"x\"," PLACE("2") "]", false },
    { "[\"x\"," PLACE("18446744073709551616") "]", false },
    { "[\"x\"," PLACE("-1") "]", false },
    { "[\"x\"," PLACE("-0") "]", false },
    { "[\"x\"," PLACE("0.5") "]", false },
    { "[\"x\"," PLACE("1e0") "]", false },
    { "[\"x\"," PLACE("\"0\"") "]", false },
    { "[\"x\"," PLACE("null") "]", false },
    { "[\"x\"," PLACE("[0]") "]", false },
    { "[\"x\"," PLACE("{}") "]", false },
    { "[\"x\",{\"_placeholder\":true}]", false },
    { "[\"x\",{\"num\":7,\"_placeholder\":true}]", false },
    { "[\"x\",{\"num\":1},{\"_placeholder\":true}]", false },
    { "[\"x\"," PLACE("1") ",{\"_placeholder\":true}]", false },
    { "[\"x\"," PLACE("2") "," PLACE("1") "]", false },
    { "[\"x\"," PLACE("1") ",[{}],\"num\",{\"num\":2}]", true },
    { "[\"x\",{\"_placeholder\":true,\"a\":{\"num\":1}}]", false },
    { "[\"x\",{\"a\":{\"num\":1},\"_placeholder\":true}]", false },
    { "[\"x\",{\"num\":1,\"a\":{\"_placeholder\":true}}]", false },
    { "[\"x\",[[[{\"a\":{\"b\":[1," PLACE("2") "]}}]]]]", false },
    { "[\"x\",{\"\\u005fplaceholder\":true,\"num\":2}]", false },
    { "[\"x\",{\"\\u005fplaceholder\":true,\"n\\u0075m\":1}]", true },
};

static void a_placeholder_names_an_attachment_that_was_announced(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(placeholders); i++) {
        struct tw_buf text = { .max = 1000 }, told = { .max = 2000 };

        tw_buf_text(&text, "52-");
        tw_buf_text(&text, placeholders[i].payload);
        assert_row((read_copy(tw_buf_view(&text), &told) == 0) == placeholders[i].fits,
                   placeholders[i].payload);
        text.at[0] = '6';
        assert_row((read_copy(tw_buf_view(&text), &told) == 0) == placeholders[i].fits,
                   placeholders[i].payload);
        tw_buf_done(&text);
        tw_buf_done(&told);
    }
}

static void a_payload_may_be_as_deep_as_the_scanner_lets_it(void **state)
{
    struct tw_buf text = { .max = 1000 }, told = { .max = 2000 };

    (void)state;
    for (size_t depth = 64; depth <= 65; depth++) {
        tw_buf_clear(&text);
        tw_buf_text(&text, "51-[\"x\"");
        for (size_t i = 1; i < depth; i++)
            tw_buf_text(&text, i == 1 ? ",[" : "[");
        for (size_t i = 0; i < depth; i++)
            tw_buf_char(&text, ']');
        assert_int_equal(read_copy(tw_buf_view(&text), &told), depth > 64 ? TW_ETOOBIG : 0);
    }
    tw_buf_done(&text);
    tw_buf_done(&told);
}

/* A packet that waits for its attachments is kept up to the end of its JSON. */
static void a_packet_that_was_read_reads_the_same_again(void **state)
{
    char text[] = "51-/a,7 [ \"x\" , { \"_placeholder\" : true , \"num\" : 0 } ] ";
    struct gw_sio_packet first, second;
    size_t len;

    (void)state;
    assert_int_equal(gw_sio_read(text, sizeof(text) - 1, &first), 0);
    len = (size_t)(first.json.at - text) + first.json.len;
    assert_int_equal(gw_sio_read(text, len, &second), 0);
    assert_slice(second.json, "[\"x\",{\"_placeholder\":true,\"num\":0}]");
    assert_slice(second.ack, "7");
}

static void only_events_and_acks_have_arguments(void **state)
{
    char connect[] = "0{\"a\":[1]}";
    struct gw_sio_packet p;
    struct tw_slice rest, arg;

    (void)state;
    assert_int_equal(gw_sio_read(connect, strlen(connect), &p), 0);
    rest = gw_sio_args(&p);
    assert_false(gw_sio_arg(&rest, &arg));
    assert_int_equal(gw_sio_read(connect, 1, &p), 0);
    rest = gw_sio_args(&p);
    assert_false(gw_sio_arg(&rest, &arg));
}

static const struct {
    enum gw_sio_type type;
    unsigned attachments;
    const char *nsp, *ack, *head;
} heads[] = {
    { GW_SIO_CONNECT, 0, "/", "", "40" },
    { GW_SIO_CONNECT, 0, "/custom", "", "40/custom," },
    { GW_SIO_DISCONNECT, 0, "/", "", "41" },
    { GW_SIO_DISCONNECT, 0, "/custom", "", "41/custom," },
    { GW_SIO_EVENT, 0, "/", "", "42" },
    { GW_SIO_EVENT, 0, "/custom", "", "42/custom," },
    { GW_SIO_EVENT, 0, "/", "17", "4217" },
    { GW_SIO_ACK, 0, "/", "1", "431" },
    { GW_SIO_ACK, 0, "/custom", "007", "43/custom,007" },
    { GW_SIO_CONNECT_ERROR, 0, "/", "", "44" },
    { GW_SIO_CONNECT_ERROR, 0, "/x", "", "44/x," },
    { GW_SIO_BINARY_EVENT, 1, "/", "", "451-" },
    { GW_SIO_BINARY_EVENT, 10, "/custom", "5", "4510-/custom,5" },
    { GW_SIO_BINARY_ACK, 2, "/", "789", "462-789" },
    { GW_SIO_EVENT, 2, "/", "", "42" },
};

static void a_head_is_written_as_clients_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(heads); i++) {
        struct tw_buf out = { .max = 100 };

        gw_sio_put_head(&out, heads[i].type, heads[i].attachments, tw_slice_of(heads[i].nsp),
                        tw_slice_of(heads[i].ack));
        assert_buf(&out, heads[i].head);
        tw_buf_done(&out);
    }
}

static void a_packet_that_is_cut_off_anywhere_is_refused(void **state)
{
    struct tw_slice all = TW_LIT("52-/custom,17[\"m\"," PLACE("0") ",{\"a\":" PLACE("1") "}]");
    struct tw_buf told = { .max = 1000 };

    (void)state;
    assert_int_equal(read_copy(all, &told), 0);
    for (size_t len = 0; len < all.len; len++)
        assert_int_equal(read_copy(tw_slice_from(all.at, len), &told), TW_ESYNTAX);
    tw_buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_may_send_is_read),
        cmocka_unit_test(what_a_client_may_not_send_is_refused),
        cmocka_unit_test(a_refused_packet_leaves_the_result_alone),
        cmocka_unit_test(a_namespace_has_at_most_128_bytes_without_its_query),
        cmocka_unit_test(a_placeholder_names_an_attachment_that_was_announced),
        cmocka_unit_test(a_payload_may_be_as_deep_as_the_scanner_lets_it),
        cmocka_unit_test(a_packet_that_was_read_reads_the_same_again),
        cmocka_unit_test(only_events_and_acks_have_arguments),
        cmocka_unit_test(a_head_is_written_as_clients_read_it),
        cmocka_unit_test(a_packet_that_is_cut_off_anywhere_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
