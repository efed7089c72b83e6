/* context_test.c - headers, path and query as the `ctx` of pos.call; and what is refused first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"
#include "common/util/encode.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/json_view.h"
#include "test/unit/support/check.h"

/* A request under way: add headers, then read it. */
struct asking {
    struct tw_http_request req;
    struct api_match match;
    struct api_context context;
};

static struct asking asking_for(enum tw_http_method method, const char *path, const char *query)
{
    struct asking a = {
        .req = { .method = method, .path = tw_slice_of(path), .query = tw_slice_of(query) }
    };

    api_route_find(method, a.req.path, &a.match);
    assert_row(a.match.route != NULL, path);
    memcpy(a.context.request_id, "r-1", 4);
    return a;
}

static void add(struct asking *a, const char *name, const char *value)
{
    a->req.headers[a->req.header_count++] =
        (struct tw_http_header){ tw_slice_of(name), tw_slice_of(value) };
}

static const char *read_it(struct asking *a)
{
    const char *refusal = api_context_read(&a->req, &a->match, &a->context);

    if (refusal != NULL)
        assert_string_equal(tw_refusal_of(refusal)->code, refusal);
    return refusal;
}

/* The request is refused with this code. Ends it. */
static void check_refused(struct asking *a, const char *want)
{
    const char *refusal = read_it(a);

    if (refusal == NULL)
        fail_msg("not refused; %s is due", want);
    assert_string_equal(refusal, want);
    api_context_done(&a->context);
}

/* A member of the ctx is this raw JSON; null: it has none of that name. Reads the request the
 * first time. */
static void check_member(struct asking *a, const char *name, const char *want)
{
    struct tw_slice raw = { NULL, 0 };

    if (a->context.json.len == 0)
        assert_null(read_it(a));
    assert_row(tw_json_get(tw_buf_view(&a->context.json), name, &raw) == (want != NULL), name);
    if (want != NULL)
        assert_slice(raw, want);
}

static void end(struct asking *a)
{
    api_context_done(&a->context);
    assert_null(a->context.json.at);
}

/* Each request has its own; what is around it is compared. */
static void cut_attempt(struct tw_buf *json)
{
    static const char name[] = "\"attempt\":\"";
    char *at = memmem(json->at, json->len, name, sizeof(name) - 1);
    size_t len = sizeof(name) - 1 + 36 + 2;

    assert_non_null(at);
    assert_true(tw_is_uuid(tw_slice_from(at + sizeof(name) - 1, 36)));
    memmove(at, at + len, (size_t)(json->at + json->len - at) - len);
    json->len -= len;
}

static void everything_that_surrounds_a_body_is_in_its_place(void **state)
{
    struct asking a =
        asking_for(TW_POST, "/api/kitchen/gift-cards/GC%2D1/deduct", "status=x&limit=5&z=1");
    char hash[TW_SHA256_HEX];
    struct tw_buf want = { .max = 4096 };

    (void)state;
    tw_sha256_hex(TW_LIT("pos_key"), hash);
    add(&a, "Host", "a");
    add(&a, "X-API-Key", "pos_key");
    add(&a, "X-Tenant-ID", "kitchen");
    add(&a, "x-device-id", "till \"7\"");
    add(&a, "Idempotency-Key", "k-1");
    assert_null(read_it(&a));
    tw_buf_text(&want, "{\"requestId\":\"r-1\",\"keyHash\":\"");
    tw_buf_append(&want, tw_slice_from(hash, sizeof(hash)));
    tw_buf_text(&want,
                "\",\"unshaped\":true,\"tenant\":\"kitchen\",\"tenantHeader\":\"kitchen\","
                "\"device\":\"till \\\"7\\\"\",\"idempotencyKey\":\"k-1\","
                "\"method\":\"POST\","
                "\"route\":\"/api/{tenant}/gift-cards/{cardNumber}/deduct\","
                "\"version\":\"" TILLWIRE_VERSION "\","
                "\"path\":{\"cardNumber\":\"GC-1\"},"
                "\"query\":{\"status\":\"x\",\"limit\":\"5\"}}");
    cut_attempt(&a.context.json);
    assert_true(tw_slice_eq(tw_buf_view(&a.context.json), tw_buf_view(&want)));
    assert_memory_equal(a.context.key_hash, hash, sizeof(hash));
    assert_true(a.context.has_key);
    tw_buf_done(&want);
    end(&a);
}

static void what_was_not_sent_is_not_there(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/health", NULL);

    (void)state;
    add(&a, "X-API-Key", "");
    add(&a, "X-Tenant-ID", "");
    add(&a, "X-Device-Id", "");
    add(&a, "Idempotency-Key", "");
    check_member(&a, "keyHash", NULL);
    check_member(&a, "tenantHeader", NULL);
    check_member(&a, "device", NULL);
    check_member(&a, "idempotencyKey", NULL);
    check_member(&a, "path", "{}");
    check_member(&a, "query", "{}");
    assert_false(a.context.has_key);
    end(&a);
}

/* The key that the headers name, as the hash of `key`; null: none. */
static void check_key(struct asking *a, const char *key)
{
    char hash[TW_SHA256_HEX];

    assert_null(read_it(a));
    assert_int_equal(a->context.has_key, key != NULL);
    if (key != NULL) {
        tw_sha256_hex(tw_slice_of(key), hash);
        assert_memory_equal(a->context.key_hash, hash, sizeof(hash));
    }
    end(a);
}

static void either_header_names_the_key(void **state)
{
    static const struct {
        const char *api_key, *authorization, *key;
    } rows[] = {
        { "pos_1", NULL, "pos_1" },
        { NULL, "Bearer pos_1", "pos_1" },
        { NULL, "bearer pos_1", "pos_1" },
        { NULL, "BEARER   pos_1", "pos_1" },
        { "pos_1", "Bearer pos_1", "pos_1" },
        { "pos_1", "Basic dTpw", "pos_1" }, /* another scheme is somebody else's */
        { NULL, "Basic dTpw", NULL },
        { NULL, "pos_1", NULL },
        { NULL, "Bearer", NULL },
        { NULL, "Bearer ", NULL },
        { NULL, "Bearerpos_1", NULL },
        { "", "Bearer pos_1", "pos_1" },
        { "pos_1", "Bearer ", "pos_1" },
        { NULL, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct asking a = asking_for(TW_GET, "/api/kitchen/health", NULL);

        if (rows[i].api_key != NULL)
            add(&a, "X-API-Key", rows[i].api_key);
        if (rows[i].authorization != NULL)
            add(&a, "Authorization", rows[i].authorization);
        check_key(&a, rows[i].key);
    }
}

static void two_different_keys_are_refused(void **state)
{
    static const char *const tokens[] = { "Bearer pos_2", "Bearer pos_", "Bearer pos_11",
                                          "Bearer POS_1" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(tokens); i++) {
        struct asking a = asking_for(TW_GET, "/api/kitchen/health", NULL);

        add(&a, "X-API-Key", "pos_1");
        add(&a, "Authorization", tokens[i]);
        check_refused(&a, "UNAUTHORIZED");
    }
}

static void the_key_itself_is_nowhere_in_the_context(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/health", NULL);

    (void)state;
    add(&a, "X-API-Key", "pos_secret");
    add(&a, "Authorization", "Bearer pos_secret");
    assert_null(read_it(&a));
    assert_null(memmem(a.context.json.at, a.context.json.len, "pos_secret", 10));
    end(&a);
}

static void both_idempotency_headers_are_honoured(void **state)
{
    struct asking a = asking_for(TW_POST, "/api/kitchen/orders", NULL);
    struct asking b = asking_for(TW_POST, "/api/kitchen/orders", NULL);
    struct asking c = asking_for(TW_POST, "/api/kitchen/orders", NULL);

    (void)state;
    add(&a, "X-Idempotency-Key", "second");
    check_member(&a, "idempotencyKey", "\"second\"");
    add(&b, "X-Idempotency-Key", "second");
    add(&b, "Idempotency-Key", "first");
    check_member(&b, "idempotencyKey", "\"first\"");
    add(&c, "Idempotency-Key", "");
    add(&c, "X-Idempotency-Key", "second");
    check_member(&c, "idempotencyKey", "\"second\"");
    end(&a);
    end(&b);
    end(&c);
}

static const char *const header_names[] = { "X-Tenant-ID", "X-Device-Id", "Idempotency-Key",
                                            "X-Idempotency-Key" };

static void headers_that_are_kept_are_short_plain_text(void **state)
{
    static const char *const bad[] = { "a\tb",    "a\x01",    "\x7f",
                                       "caf\xe9", "\xc0\x80", "\xed\xa0\x80" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(header_names); i++) {
        for (size_t k = 0; k < TW_COUNT(bad); k++) {
            struct asking a = asking_for(TW_POST, "/api/kitchen/orders", NULL);

            add(&a, header_names[i], bad[k]);
            check_refused(&a, "INVALID_HEADER");
        }
    }
}

static void headers_of_two_hundred_bytes_are_taken(void **state)
{
    char text[202];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < TW_COUNT(header_names); i++) {
        struct asking good = asking_for(TW_POST, "/api/kitchen/orders", NULL);
        struct asking bad = good;

        text[200] = '\0';
        add(&good, header_names[i], text);
        assert_null(read_it(&good));
        end(&good);
        text[200] = 'x';
        text[201] = '\0';
        add(&bad, header_names[i], text);
        check_refused(&bad, "INVALID_HEADER");
    }
}

static void text_beyond_ascii_is_kept(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/health", NULL);

    (void)state;
    add(&a, "X-Device-Id",
        "K\xc3\xbc"
        "che \\ \xf0\x9f\x8d\x95");
    check_member(&a, "device",
                 "\"K\xc3\xbc"
                 "che \\\\ \xf0\x9f\x8d\x95\"");
    end(&a);
}

static void a_tenant_in_the_path_is_a_slug(void **state)
{
    static const struct {
        const char *path, *result; /* a raw member, or a refusal */
    } rows[] = {
        { "/api/kitchen/health", "\"kitchen\"" },
        { "/api/a/health", "\"a\"" },
        { "/api/0-_9/health", "\"0-_9\"" },
        { "/api/k%69tchen/health", "\"kitchen\"" },
        { "/api/Kitchen/health", "\"Kitchen\"" },
        { "/api/kit.chen/health", "INVALID_TENANT" },
        { "/api/kit%20chen/health", "INVALID_TENANT" },
        { "/api/kit%2Fchen/health", "INVALID_TENANT" },
        { "/api/kit+chen/health", "INVALID_TENANT" },
        { "/api/kit%22chen/health", "INVALID_TENANT" },
        { "/api/k%C3%BCche/health", "INVALID_TENANT" },
        { "/api/%/health", "INVALID_TENANT" },
        { "/api/%00/health", "INVALID_TENANT" },
        { "/api/%ff/health", "INVALID_TENANT" },
        { "/api/{tenant}/health", "INVALID_TENANT" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct asking a = asking_for(TW_GET, rows[i].path, NULL);

        if (rows[i].result[0] != '"') {
            check_refused(&a, rows[i].result);
            continue;
        }
        check_member(&a, "tenant", rows[i].result);
        end(&a);
    }
}

static void a_slug_has_63_characters_at_most(void **state)
{
    static const size_t lengths[] = { 62, 63, 64, 300, 4000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(lengths); i++) {
        struct tw_buf path = { .max = 8192 };
        struct asking a;

        tw_buf_text(&path, "/api/");
        for (size_t k = 0; k < lengths[i]; k++)
            tw_buf_char(&path, 'a');
        tw_buf_text(&path, "/health");
        tw_buf_char(&path, '\0');
        a = asking_for(TW_GET, path.at, NULL);
        if (lengths[i] > 63) {
            check_refused(&a, "INVALID_TENANT");
        } else {
            assert_null(read_it(&a));
            end(&a);
        }
        tw_buf_done(&path);
    }
}

static void a_pull_names_its_tenant_in_the_query(void **state)
{
    static const struct {
        const char *query, *result;
    } rows[] = {
        { "tenant=kitchen", "\"kitchen\"" },
        { "status=confirmed&tenant=k%69tchen&limit=5", "\"kitchen\"" },
        { "tenant=kitchen&tenant=bistro", "\"kitchen\"" },
        { "", "MISSING_TENANT" },
        { "tenants=kitchen", "MISSING_TENANT" },
        { "tenant=", "MISSING_TENANT" },
        { "tenant", "MISSING_TENANT" },
        { "tenant=Kitchen", "\"Kitchen\"" },
        { "tenant=kit+chen", "INVALID_TENANT" },
        { "tenant=%", "INVALID_TENANT" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct asking a = asking_for(TW_GET, "/api/pos/pull-orders", rows[i].query);

        if (rows[i].result[0] != '"') {
            check_refused(&a, rows[i].result);
            continue;
        }
        check_member(&a, "tenant", rows[i].result);
        end(&a);
    }
}

static void below_v1_the_credential_names_the_tenant(void **state)
{
    struct asking a =
        asking_for(TW_GET, "/api/v1/orders", "tenant=bistro&status=new&type=pickup&offset=50");
    struct asking b = asking_for(TW_GET, "/api/v1/orders/7", NULL);

    (void)state;
    add(&a, "X-Tenant-ID", "kitchen");
    check_member(&a, "tenant", NULL);
    check_member(&a, "tenantHeader", "\"kitchen\""); /* SQL compares it */
    check_member(&a, "route", "\"/api/v1/orders\"");
    check_member(&a, "path", "{}");
    check_member(&a, "query", "{\"status\":\"new\",\"type\":\"pickup\",\"offset\":\"50\"}");
    check_member(&b, "tenant", NULL);
    check_member(&b, "path", "{\"id\":\"7\"}");
    end(&a);
    end(&b);
}

static void a_plus_in_a_path_is_a_plus_and_in_a_query_a_blank(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/loyalty/+44%207700/points",
                                 "status=a+b%2Bc&since=2026-01-05T18%3A00%3A00%2B01:00");

    (void)state;
    check_member(&a, "path", "{\"phone\":\"+44 7700\"}");
    check_member(&a, "query", "{\"status\":\"a b+c\",\"since\":\"2026-01-05T18:00:00+01:00\"}");
    end(&a);
}

static void only_known_parameters_are_passed_on_and_the_first_of_a_name(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/orders/pending",
                                 "x=1&limit=5&limit=6&Status=a&apiKey=pos_1&status=&after=9"
                                 "&wait=30&since");

    (void)state;
    check_member(&a, "query",
                 "{\"status\":\"\",\"limit\":\"5\",\"since\":\"\",\"after\":\"9\","
                 "\"wait\":\"30\"}");
    end(&a);
}

static void what_cannot_be_decoded_is_refused(void **state)
{
    static const char *const bad[] = { "%", "%4", "%zz", "%00", "%ff", "%c0%80", "%ed%a0%80" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_buf text = { .max = 256 };
        struct asking a;

        tw_buf_text(&text, "/api/kitchen/orders/");
        tw_buf_text(&text, bad[i]);
        tw_buf_char(&text, '\0');
        a = asking_for(TW_GET, text.at, NULL);
        check_refused(&a, "INVALID_ENCODING");
        tw_buf_clear(&text);
        tw_buf_text(&text, "status=");
        tw_buf_text(&text, bad[i]);
        tw_buf_char(&text, '\0');
        a = asking_for(TW_GET, "/api/kitchen/orders/pending", text.at);
        check_refused(&a, "INVALID_ENCODING");
        tw_buf_done(&text);
    }
}

static void text_of_paths_and_queries_cannot_leave_its_string(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/orders/%22%2C%22x%22%3A1%5C",
                                 "status=%22%7D%2C%22scope%22:%22platform%0A");

    (void)state;
    check_member(&a, "path", "{\"id\":\"\\\",\\\"x\\\":1\\\\\"}");
    check_member(&a, "query", "{\"status\":\"\\\"},\\\"scope\\\":\\\"platform\\n\"}");
    end(&a);
}

static void a_device_may_come_without_a_key(void **state)
{
    static const struct {
        enum tw_http_method method;
        const char *path, *body, *tenant; /* raw; null: not named */
    } rows[] = {
        { TW_GET, "/api/sync", NULL, NULL },
        { TW_POST, "/api/sync", "{\"restaurant_id\":\"kitchen\",\"changes\":[]}",
          "\"kitchen\"" },
        { TW_POST, "/api/sync", "{\"restaurant_id\":\"a\\u0022\\n\"}", "\"a\\\"\\n\"" },
        { TW_POST, "/api/sync", "{\"restaurant_id\":123}", "\"123\"" },
        { TW_POST, "/api/sync", "{}", NULL },
        { TW_GET, "/api/restaurants/restaurant%20123/data", NULL, "\"restaurant 123\"" },
        { TW_GET, "/api/restaurants/kitchen/status", NULL, "\"kitchen\"" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct asking a = asking_for(rows[i].method, rows[i].path, NULL);

        a.context.body = tw_slice_of(rows[i].body);
        check_member(&a, "keyless", "true");
        check_member(&a, "tenant", rows[i].tenant);
        check_member(&a, "keyHash", NULL);
        assert_false(a.context.has_key);
        assert_true(a.context.is_keyless);
        end(&a);
    }
}

static void a_name_that_is_too_long_names_no_restaurant(void **state)
{
    struct asking a = asking_for(TW_POST, "/api/sync", NULL);
    struct tw_buf body = { .max = 1024 };

    (void)state;
    tw_buf_text(&body, "{\"restaurant_id\":\"");
    for (int i = 0; i < 201; i++)
        tw_buf_char(&body, 'x');
    tw_buf_text(&body, "\"}");
    a.context.body = tw_buf_view(&body);
    check_member(&a, "keyless", "true");
    check_member(&a, "tenant", NULL);
    end(&a);
    tw_buf_done(&body);
}

static void a_device_with_a_key_is_not_keyless_wherever_it_has_it(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/restaurants/kitchen/data", "apiKey=pos_1");
    struct asking b = asking_for(TW_GET, "/k/pos_1/api/sync", NULL);
    struct asking c = asking_for(TW_GET, "/api/sync", "token=e30.e30.c2ln");
    char hash[TW_SHA256_HEX];

    (void)state;
    tw_sha256_hex(TW_LIT("pos_1"), hash);
    check_member(&a, "keyless", NULL);
    check_member(&a, "tenant", NULL); /* the operation compares the name */
    check_member(&a, "path", "{\"id\":\"kitchen\"}");
    assert_memory_equal(a.context.key_hash, hash, sizeof(hash));
    check_member(&b, "keyless", NULL);
    check_member(&b, "route", "\"/api/sync\"");
    assert_memory_equal(b.context.key_hash, hash, sizeof(hash));
    assert_null(memmem(b.context.json.at, b.context.json.len, "pos_1", 5));
    check_member(&c, "keyless", NULL);
    check_member(&c, "keyHash", NULL);
    assert_buf(&c.context.token, "e30.e30.c2ln");
    end(&a);
    end(&b);
    end(&c);
}

static void other_addresses_need_a_key(void **state)
{
    struct asking a = asking_for(TW_GET, "/api/kitchen/health", "apiKey=pos_1");

    (void)state;
    add(&a, "Cookie", "tillwire_key=pos_1");
    check_member(&a, "keyless", NULL);
    check_member(&a, "keyHash", NULL);
    assert_false(a.context.has_key || a.context.is_keyless);
    end(&a);
}

static void head_is_asked_as_get(void **state)
{
    struct asking a = asking_for(TW_HEAD, "/api/kitchen/health", NULL);

    (void)state;
    check_member(&a, "method", "\"GET\"");
    check_member(&a, "route", "\"/api/{tenant}/health\"");
    end(&a);
}

static void requests_that_ask_the_same_have_the_same_question(void **state)
{
    struct asking a[3];
    struct tw_slice q[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        a[i] = asking_for(TW_GET, "/api/kitchen/events", i < 2 ? "after=7" : "after=8");
        add(&a[i], "X-API-Key", "pos_key");
        assert_null(read_it(&a[i]));
        q[i] = api_context_question(&a[i].context);
    }
    assert_true(tw_slice_eq(q[0], q[1]) && !tw_slice_eq(q[0], q[2]));
    for (size_t i = 0; i < 3; i++)
        end(&a[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_ask_the_same_have_the_same_question),
        cmocka_unit_test(everything_that_surrounds_a_body_is_in_its_place),
        cmocka_unit_test(what_was_not_sent_is_not_there),
        cmocka_unit_test(either_header_names_the_key),
        cmocka_unit_test(two_different_keys_are_refused),
        cmocka_unit_test(the_key_itself_is_nowhere_in_the_context),
        cmocka_unit_test(both_idempotency_headers_are_honoured),
        cmocka_unit_test(headers_that_are_kept_are_short_plain_text),
        cmocka_unit_test(headers_of_two_hundred_bytes_are_taken),
        cmocka_unit_test(text_beyond_ascii_is_kept),
        cmocka_unit_test(a_tenant_in_the_path_is_a_slug),
        cmocka_unit_test(a_slug_has_63_characters_at_most),
        cmocka_unit_test(a_pull_names_its_tenant_in_the_query),
        cmocka_unit_test(below_v1_the_credential_names_the_tenant),
        cmocka_unit_test(a_plus_in_a_path_is_a_plus_and_in_a_query_a_blank),
        cmocka_unit_test(only_known_parameters_are_passed_on_and_the_first_of_a_name),
        cmocka_unit_test(what_cannot_be_decoded_is_refused),
        cmocka_unit_test(text_of_paths_and_queries_cannot_leave_its_string),
        cmocka_unit_test(head_is_asked_as_get),
        cmocka_unit_test(a_device_may_come_without_a_key),
        cmocka_unit_test(a_name_that_is_too_long_names_no_restaurant),
        cmocka_unit_test(a_device_with_a_key_is_not_keyless_wherever_it_has_it),
        cmocka_unit_test(other_addresses_need_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
