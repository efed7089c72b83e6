/* eio_packet_test.c - Engine.IO packets: what is read, what is refused, what is written.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio_packet.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

/* The separator is written \036 here: after \x1e a digit would belong to the escape. */

static void a_message_is_a_digit_and_its_data(void **state)
{
    static const struct {
        const char *text, *data;
    } valid[] = {
        { "0{\"sid\":\"x\"}", "{\"sid\":\"x\"}" },
        { "1", "" },
        { "2", "" },
        { "2probe", "probe" },
        { "3probe", "probe" },
        { "4", "" },
        { "42[\"name\"]", "2[\"name\"]" },
        { "4caf\xc3\xa9", "caf\xc3\xa9" },
        { "44", "4" },
        { "5", "" },
        { "6", "" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(valid); i++) {
        struct gw_eio_packet p = { .is_binary = true };

        assert_row(gw_eio_read(tw_slice_of(valid[i].text), &p) == 0, valid[i].text);
        assert_int_equal(p.type, valid[i].text[0]);
        assert_false(p.is_binary);
        assert_slice(p.data, valid[i].data);
    }
}

static void an_empty_message_and_an_unknown_type_are_refused(void **state)
{
    static const char *const bad[] = { "",   "7",   "9",        "/",     ":",
                                       "a",  "abc", "b",        "bAQI=", " ",
                                       " 4", "-1",  "\xc3\xa9", "\036",  "\0364" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct gw_eio_packet p = { .type = 'x' };

        assert_row(gw_eio_read(tw_slice_of(bad[i]), &p) == TW_ESYNTAX, bad[i]);
        assert_int_equal(p.type, 'x');
    }
    for (int c = 0; c < 256; c++) {
        char text[] = { (char)c, 'x' };
        struct gw_eio_packet p;

        assert_int_equal(gw_eio_read(tw_slice_from(text, 2), &p),
                         c >= '0' && c <= '6' ? 0 : TW_ESYNTAX);
    }
}

/* Walks a payload of exactly its size and tells it as "type[+]data|…", `+` for binary, with
 * what came at the end: "." or "!". */
static void tell(struct tw_buf *out, struct tw_slice payload, size_t scratch_bytes)
{
    char *copy = exact_copy(payload);
    struct tw_slice rest = { copy, payload.len };
    struct tw_buf scratch = { .max = scratch_bytes };
    struct gw_eio_packet p;
    int r;

    while ((r = gw_eio_next(&rest, &scratch, &p)) == 1) {
        tw_buf_char(out, p.type);
        tw_buf_text(out, p.is_binary ? "+" : "");
        tw_buf_append(out, p.data);
        tw_buf_char(out, '|');
    }
    assert_true(r == 0 || r == TW_ESYNTAX);
    tw_buf_char(out, r == 0 ? '.' : '!');
    tw_buf_done(&scratch);
    free(copy);
}

static const struct {
    const char *payload, *told;
} payloads[] = {
    { "4hello", "4hello|." },
    { "4a\0364b\0364c", "4a|4b|4c|." },
    { "1\0362\0363\0365\0366", "1|2|3|5|6|." },
    { "4\0364", "4|4|." },
    { "4\xe2\x82\xac\0364\xf0\x9f\x8d\x95", "4\xe2\x82\xac|4\xf0\x9f\x8d\x95|." },
    { "4b", "4b|." }, /* text that begins like a binary packet */
    { "40{\"token\":\"t\"}\03642[\"x\",\"\\u001e\"]",
      "40{\"token\":\"t\"}|42[\"x\",\"\\u001e\"]|." },
    { "bAQIDBA==", "4+\x01\x02\x03\x04|." },
    { "b", "4+|." },
    { "4test\036bZm9v\036bYg==\0364x", "4test|4+foo|4+b|4x|." },
    /* what came before a bad packet has come */
    { "", "!" },
    { "\036", "!" },
    { "4a\036", "4a|!" },
    { "\0364a", "!" },
    { "4a\036\0364b", "4a|!" },
    { "abc", "!" },
    { "4a\0367", "4a|!" },
    { "4a\036B", "4a|!" },
    { "4a\036 4b", "4a|!" },
    { "bAQIDBA", "!" },
    { "bAQIDBA=", "!" },
    { "bAQIDBB==", "!" },
    { "bAQ-_", "!" },
    { "b=", "!" },
    { "bZm9v\036b!", "4+foo|!" },
    { "b\xc3\xa9==", "!" },
    { "4\xff", "!" },
    { "4a\0364\xc3\0364b", "4a|!" }, /* half a character on each side of a separator */
    { "4\xed\xa0\x80", "!" },
    { "\0374a", "!" },
};

static void a_payload_is_walked_packet_by_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(payloads); i++) {
        struct tw_buf told = { .max = 1000 };

        tell(&told, tw_slice_of(payloads[i].payload), 1000);
        assert_buf(&told, payloads[i].told);
        tw_buf_done(&told);
    }
}

static void a_slice_of_nothing_has_no_packets(void **state)
{
    struct tw_slice rest = { NULL, 0 };
    struct tw_buf scratch = { .max = 10 };
    struct gw_eio_packet p;

    (void)state;
    assert_int_equal(gw_eio_next(&rest, &scratch, &p), 0);
    rest = TW_LIT("6");
    assert_int_equal(gw_eio_next(&rest, &scratch, &p), 1);
    assert_int_equal(gw_eio_next(&rest, &scratch, &p), 0);
    assert_int_equal(gw_eio_next(&rest, &scratch, &p), 0);
    tw_buf_done(&scratch);
}

static void binary_data_fit_the_scratch_or_are_refused(void **state)
{
    struct tw_buf told = { .max = 100 };

    (void)state;
    tell(&told, TW_LIT("bZm9v\036bYmFy\036bZm9vYg=="), 4); /* each packet alone counts */
    assert_buf(&told, "4+foo|4+bar|4+foob|.");
    tw_buf_clear(&told);
    tell(&told, TW_LIT("bZm9v\036bZm9vYmE=\0364x"), 4);
    assert_buf(&told, "4+foo|!");
    tw_buf_done(&told);
}

static void a_payload_is_put_together_with_separators(void **state)
{
    struct tw_buf out = { .max = 1000 }, told = { .max = 1000 };

    (void)state;
    gw_eio_put(&out, GW_EIO_MESSAGE, TW_LIT("hello"));
    assert_buf(&out, "4hello");
    gw_eio_put(&out, GW_EIO_PING, (struct tw_slice){ NULL, 0 });
    gw_eio_put_raw(&out, TW_LIT("42[\"x\"]"));
    gw_eio_put_binary(&out, tw_slice_from("\0\x01\x02\xff", 4));
    gw_eio_put_binary(&out, (struct tw_slice){ NULL, 0 });
    assert_buf(&out, "4hello\0362\03642[\"x\"]\036bAAEC/w==\036b");
    tell(&told, TW_LIT("4hello\0362\03642[\"x\"]"), 10);
    assert_buf(&told, "4hello|2|42[\"x\"]|.");
    tw_buf_done(&out);
    tw_buf_done(&told);
}

static void each_kind_of_packet_can_be_the_first(void **state)
{
    struct tw_buf out = { .max = 100 };

    (void)state;
    gw_eio_put_raw(&out, TW_LIT("3probe"));
    assert_buf(&out, "3probe");
    tw_buf_clear(&out);
    gw_eio_put_binary(&out, TW_LIT("foo"));
    assert_buf(&out, "bZm9v");
    tw_buf_done(&out);
}

static void a_payload_over_its_limit_has_failed(void **state)
{
    struct tw_buf out = { .max = 7 };

    (void)state;
    gw_eio_put(&out, GW_EIO_MESSAGE, TW_LIT("hello"));
    assert_false(out.failed);
    gw_eio_put(&out, GW_EIO_MESSAGE, TW_LIT("hello"));
    assert_true(out.failed);
    tw_buf_done(&out);
}

static void the_open_packet_has_its_five_members_in_order(void **state)
{
    struct tw_buf out = { .max = 1000 };

    (void)state;
    gw_eio_put_open(&out, TW_LIT("g1-abc"), true, 25000, 20000, 1000000);
    assert_buf(&out, "0{\"sid\":\"g1-abc\",\"upgrades\":[\"websocket\"],"
                     "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}");
    tw_buf_clear(&out);
    gw_eio_put_open(&out, TW_LIT("g2-_"), false, 300, 200, 0);
    assert_buf(&out, "0{\"sid\":\"g2-_\",\"upgrades\":[],"
                     "\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":0}");
    tw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_digit_and_its_data),
        cmocka_unit_test(an_empty_message_and_an_unknown_type_are_refused),
        cmocka_unit_test(a_payload_is_walked_packet_by_packet),
        cmocka_unit_test(a_slice_of_nothing_has_no_packets),
        cmocka_unit_test(binary_data_fit_the_scratch_or_are_refused),
        cmocka_unit_test(a_payload_is_put_together_with_separators),
        cmocka_unit_test(each_kind_of_packet_can_be_the_first),
        cmocka_unit_test(a_payload_over_its_limit_has_failed),
        cmocka_unit_test(the_open_packet_has_its_five_members_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
