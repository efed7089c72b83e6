/* redis_slots_test.c - slots of names, and what a cluster says about them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_slots.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

static void a_name_has_a_slot(void **state)
{
    static const struct {
        const char *name;
        unsigned slot;
    } rows[] = {
        { "123456789", 12739 }, /* 0x31c3, the check value of CRC-16/XMODEM */
        { "", 0 },
        { "a", 15495 },
        { "foo", 12182 },
        { "{foo}", 12182 },
        { "bar{foo}baz", 12182 },
        { "{foo}{bar}", 12182 },
        { "foo{}", 5542 },    /* nothing in the braces: all of it */
        { "{}{foo}", 2263 },  /* the first braces count */
        { "foo{bar", 15278 }, /* no end */
        { "{{foo}}", 13308 }, /* of "{foo" */
        { "}foo{bar}", 5061 },
        { "tw:control", 4161 },
        { "tw:p:{69fb5687-044a-48af-ac0e-d6b817aec684}", 2999 },
        { "tw:s:{69fb5687-044a-48af-ac0e-d6b817aec684}:x", 2999 },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++)
        assert_row(tw_redis_slot(tw_slice_of(rows[i].name)) == rows[i].slot, rows[i].name);
}

/* A reply as Redis writes it: numbers, texts and lists in a short form. */
static int read_shards(struct tw_redis_shards *out, const char *resp, bool is_tls)
{
    redisReader *reader = redisReaderCreate();
    redisReply *reply = NULL;
    int r;

    assert_int_equal(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, (void **)&reply), REDIS_OK);
    assert_non_null(reply);
    r = tw_redis_shards_read(out,
                             &(struct tw_redis_value){ .is_there = true,
                                                       .elements = reply->element,
                                                       .count = reply->elements },
                             "asked.example", is_tls);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return r;
}

#define SLOTS(first, last) "+slots\r\n*2\r\n:" first "\r\n:" last "\r\n"
#define NODE(ports, endpoint, role, health)                                                    \
    ports "+ip\r\n+10.0.0.1\r\n+endpoint\r\n" endpoint "\r\n+role\r\n+" role                   \
          "\r\n+health\r\n+" health "\r\n"
#define PORT(port) "*10\r\n+port\r\n:" port "\r\n"
#define SHARD(slots, count, nodes) "*4\r\n" slots "+nodes\r\n*" count "\r\n" nodes

static void masters_and_their_slots_are_read(void **state)
{
    static const char reply[] =
        "*3\r\n" SHARD(SLOTS("0", "8191"), "2",
                       NODE(PORT("7001"), "+10.0.0.2", "replica", "online")
                           NODE(PORT("7000"), "+redis-1.example", "master", "online"))
            SHARD("+slots\r\n*4\r\n:8192\r\n:9000\r\n:9002\r\n:16383\r\n", "1",
                  NODE(PORT("7002"), "$0\r\n", "master", "fail"))
                SHARD("+slots\r\n*0\r\n", "1", NODE(PORT("7003"), "$-1", "master", "online"));
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);

    (void)state;
    assert_int_equal(read_shards(out, reply, false), 0);
    assert_int_equal(out->count, 3);
    assert_int_equal(out->covered, 16383);
    assert_string_equal(out->masters[0].name, "redis-1.example");
    assert_int_equal(out->masters[0].port, 7000);
    assert_string_equal(out->masters[1].name, "asked.example"); /* it does not say */
    assert_string_equal(out->masters[2].name, "asked.example");
    assert_int_equal(out->owner[0], 0);
    assert_int_equal(out->owner[8191], 0);
    assert_int_equal(out->owner[8192], 1);
    assert_int_equal(out->owner[9001], TW_REDIS_NOBODY);
    assert_int_equal(out->owner[16383], 1);
    free(out);
}

static void of_two_masters_the_living_one_counts(void **state)
{
    static const char dead_first[] =
        "*1\r\n" SHARD(SLOTS("0", "16383"), "2",
                       NODE(PORT("7000"), "+a", "master", "fail")
                           NODE(PORT("7001"), "+b", "master", "online"));
    static const char dead_last[] =
        "*1\r\n" SHARD(SLOTS("0", "16383"), "2",
                       NODE(PORT("7001"), "+b", "master", "online")
                           NODE(PORT("7000"), "+a", "master", "fail"));
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);

    (void)state;
    assert_int_equal(read_shards(out, dead_first, false), 0);
    assert_string_equal(out->masters[0].name, "b");
    assert_int_equal(read_shards(out, dead_last, false), 0);
    assert_string_equal(out->masters[0].name, "b");
    free(out);
}

static void with_tls_its_port_counts(void **state)
{
    static const char reply[] = "*1\r\n" SHARD(
        SLOTS("0", "1"), "1",
        NODE("*12\r\n+port\r\n:7000\r\n+tls-port\r\n:7100\r\n", "+a", "master", "online"));
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);

    (void)state;
    assert_int_equal(read_shards(out, reply, true), 0);
    assert_int_equal(out->masters[0].port, 7100);
    assert_int_equal(read_shards(out, reply, false), 0);
    assert_int_equal(out->masters[0].port, 7000);
    free(out);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const replies[] = {
        "*0\r\n",
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n+slots\r\n*0\r\n",
        "*1\r\n" SHARD(SLOTS("0", "16384"), "1", NODE(PORT("7000"), "+a", "master", "online")),
        "*1\r\n" SHARD(SLOTS("5", "4"), "1", NODE(PORT("7000"), "+a", "master", "online")),
        "*1\r\n" SHARD(SLOTS("-1", "4"), "1", NODE(PORT("7000"), "+a", "master", "online")),
    };
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);

    (void)state;
    for (size_t i = 0; i < TW_COUNT(replies); i++)
        assert_row(read_shards(out, replies[i], false) == TW_ESYNTAX, replies[i]);
    free(out);
}

static void a_master_without_an_address_has_no_slots(void **state)
{
    static const char *const replies[] = {
        "*1\r\n" SHARD(SLOTS("0", "9"), "1", NODE(PORT("0"), "+a", "master", "online")),
        "*1\r\n" SHARD(SLOTS("0", "9"), "1", NODE(PORT("70000"), "+a", "master", "online")),
        "*1\r\n" SHARD(SLOTS("0", "9"), "1", NODE(PORT("7000"), "+a", "replica", "online")),
        "*1\r\n" SHARD(SLOTS("0", "9"), "0", ""),
    };
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);

    (void)state;
    for (size_t i = 0; i < TW_COUNT(replies); i++) {
        assert_row(read_shards(out, replies[i], false) == 0, replies[i]);
        assert_row(out->count == 0 && out->covered == 0, replies[i]);
    }
    free(out);
}

static void too_many_masters_do_not_fit(void **state)
{
    struct tw_redis_shards *out = tw_new(struct tw_redis_shards);
    struct tw_buf text = { .max = 1048576 };

    (void)state;
    for (int n = TW_REDIS_NODES; n <= TW_REDIS_NODES + 1; n++) {
        tw_buf_clear(&text);
        tw_buf_char(&text, '*');
        tw_buf_i64(&text, n);
        tw_buf_text(&text, "\r\n");
        for (int i = 0; i < n; i++)
            tw_buf_text(&text, SHARD(SLOTS("0", "1"), "1",
                                     NODE(PORT("7000"), "+a", "master", "online")));
        tw_buf_char(&text, '\0');
        assert_int_equal(read_shards(out, text.at, false), n > TW_REDIS_NODES ? TW_EFULL : 0);
    }
    tw_buf_done(&text);
    free(out);
}

static void a_name_with_an_end_in_it_is_none(void **state)
{
    struct tw_redis_redirection where;

    (void)state;
    assert_false(tw_redis_redirection_read(&where, TW_LIT("MOVED 1 a\0b:6381"), "asked"));
    assert_false(tw_redis_redirection_read(&where, TW_LIT("MOVED 1 \0:6381"), "asked"));
}

static void a_redirection_says_where_a_slot_is(void **state)
{
    static const struct {
        const char *text, *host; /* null: it is none */
        int port;
        unsigned slot;
        bool is_ask;
    } rows[] = {
        { "MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381, 3999, false },
        { "ASK 0 redis-1.example:6381", "redis-1.example", 6381, 0, true },
        { "MOVED 16383 2001:db8::1:6381", "2001:db8::1", 6381, 16383, false },
        { "MOVED 1 :6381", "asked.example", 6381, 1, false },
        { "MOVED 16384 127.0.0.1:6381", NULL, 0, 0, false },
        { "MOVED x 127.0.0.1:6381", NULL, 0, 0, false },
        { "MOVED 1 127.0.0.1", NULL, 0, 0, false },
        { "MOVED 1 127.0.0.1:", NULL, 0, 0, false },
        { "MOVED 1 127.0.0.1:0", NULL, 0, 0, false },
        { "MOVED 1 127.0.0.1:65536", NULL, 0, 0, false },
        { "MOVED 1", NULL, 0, 0, false },
        { "MOVED", NULL, 0, 0, false },
        { "", NULL, 0, 0, false },
        { "CLUSTERDOWN Hash slot not served", NULL, 0, 0, false },
        { "ERR 1 127.0.0.1:6381", NULL, 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_redis_redirection where;
        bool is_one =
            tw_redis_redirection_read(&where, tw_slice_of(rows[i].text), "asked.example");

        assert_row(is_one == (rows[i].host != NULL), rows[i].text);
        if (!is_one)
            continue;
        assert_row(strcmp(where.to.name, rows[i].host) == 0, rows[i].text);
        assert_row(where.to.port == rows[i].port, rows[i].text);
        assert_row(where.slot == rows[i].slot, rows[i].text);
        assert_row(where.is_ask == rows[i].is_ask, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_a_slot),
        cmocka_unit_test(masters_and_their_slots_are_read),
        cmocka_unit_test(of_two_masters_the_living_one_counts),
        cmocka_unit_test(with_tls_its_port_counts),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_master_without_an_address_has_no_slots),
        cmocka_unit_test(too_many_masters_do_not_fit),
        cmocka_unit_test(a_redirection_says_where_a_slot_is),
        cmocka_unit_test(a_name_with_an_end_in_it_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
