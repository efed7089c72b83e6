/* context.c - reading what surrounds a body.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/context.h"

#include "common/domain/credential.h"
#include "common/domain/token.h"
#include "common/net/request_id.h"
#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"

#define MAX_HEADER 200
#define MAX_NAME 200 /* of a restaurant; a longer one is none */
#define CONTEXT_BYTES 65536

/* Text of a header that is stored or compared. */
static bool is_good_header(struct tw_slice value)
{
    return value.len <= MAX_HEADER && tw_is_plain_line(value);
}

/* Its name as the address or the body has it, onto `out`; SQL says whether there is one. */
static void put_restaurant(const struct api_match *match, struct tw_slice body,
                           struct tw_buf *out)
{
    struct tw_slice raw;

    (void)tw_percent_decode(out, api_match_param(match, "id"), false); /* refused in put_path */
    if (out->len == 0 && tw_json_get(body, "restaurant_id", &raw) && !tw_json_string(out, raw))
        tw_buf_append(out, raw); /* a number, as some write it */
}

/* For restaurants that let in every device of their network. */
static void go_without_key(const struct api_match *match, struct api_context *out)
{
    struct tw_buf name = { .max = MAX_NAME };

    put_restaurant(match, out->body, &name);
    tw_json_member_raw(&out->json, "keyless", TW_LIT("true"));
    if (name.len > 0)
        tw_json_member(&out->json, "tenant", tw_buf_view(&name));
    tw_sha256_hex(tw_buf_view(&name), out->key_hash);
    out->is_keyless = true;
    tw_buf_done(&name);
}

/* Tablets and devices cannot all set a header, and some pages have their key in a cookie. */
static unsigned places_of(const struct api_route *route)
{
    return route->manner == API_DEVICE ? TW_CREDENTIAL_ANYWHERE
           : route->manner == API_PAGE ? TW_CREDENTIAL_HEADERS | TW_CREDENTIAL_COOKIE
                                       : TW_CREDENTIAL_HEADERS;
}

static const char *read_key(const struct tw_http_request *req, const struct api_match *match,
                            struct api_context *out)
{
    struct tw_buf text = { .max = TW_JWT_BYTES };
    enum tw_credential answer =
        tw_credential_read(req, places_of(match->route), match->key, out->origins, &text);
    const char *refusal = tw_credential_refusal(answer);
    struct tw_slice key = tw_buf_view(&text);

    out->has_key = answer == TW_CREDENTIAL_FOUND;
    out->has_nothing = answer == TW_CREDENTIAL_NONE;
    if (refusal != NULL) {
        tw_buf_done(&text);
        return refusal;
    }
    if (out->has_key)
        tw_sha256_hex(key, out->key_hash);
    else if (match->route->manner == API_DEVICE)
        go_without_key(match, out);
    if (tw_token_is_jwt(key)) {
        out->token = text; /* with its memory */
        return NULL;
    }
    if (out->has_key) /* without: SQL answers 401, as to a wrong one */
        tw_json_member(&out->json, "keyHash", tw_slice_from(out->key_hash, TW_SHA256_HEX));
    if (out->has_key && !tw_credential_is_key(key))
        tw_json_member_raw(&out->json, "unshaped", TW_LIT("true"));
    tw_buf_done(&text);
    return NULL;
}

static bool put_header(struct tw_buf *json, const char *member, struct tw_slice value)
{
    if (value.len == 0)
        return true;
    if (!is_good_header(value))
        return false;
    tw_json_member(json, member, value);
    return true;
}

/* A slug in any case. */
static bool is_slug(struct tw_slice s)
{
    if (s.len == 0 || s.len > 63)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = tw_ascii_lower(s.at[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* ?tenant=, or a text `tenant` of the body. 1, 0 for none, or negative for what is no text. */
static int read_given(const struct tw_http_request *req, struct tw_slice body,
                      struct tw_buf *text)
{
    struct tw_slice raw;
    int r = tw_http_query(req, "tenant", text);

    if (r != 0 || body.len == 0 || !tw_json_get(body, "tenant", &raw) ||
        tw_slice_is(raw, "null"))
        return r;
    return tw_json_string(text, raw) ? 1 : TW_ESYNTAX;
}

static const char *read_tenant(const struct tw_http_request *req, const struct api_match *match,
                               struct api_context *out)
{
    struct tw_buf text = { .max = 256 };
    const char *refusal = NULL;
    int r = 0;

    switch (match->route->tenant_from) {
    case API_TENANT_PATH:
        r = tw_percent_decode(&text, api_match_param(match, "tenant"), false) ? 1 : TW_ESYNTAX;
        break;
    case API_TENANT_QUERY:
        r = tw_http_query(req, "tenant", &text);
        break;
    case API_TENANT_GIVEN:
        r = read_given(req, out->body, &text);
        break;
    case API_TENANT_CREDENTIAL:
        break;
    }
    if (match->route->tenant_from >= API_TENANT_CREDENTIAL && r >= 0 && text.len == 0) {
        tw_buf_done(&text);
        return NULL; /* SQL takes the credential's */
    }
    if (r == 0 || (r > 0 && text.len == 0))
        refusal = "MISSING_TENANT";
    else if (r < 0 || !is_slug(tw_buf_view(&text)))
        refusal = "INVALID_TENANT";
    else
        tw_json_member(&out->json, "tenant", tw_buf_view(&text));
    tw_buf_done(&text);
    return refusal;
}

static const char *put_path(const struct api_match *match, struct tw_buf *json)
{
    struct tw_buf text = { .max = 4096 }, name = { .max = 64 };
    const char *refusal = NULL;

    tw_json_member_raw(json, "path", TW_LIT("{"));
    for (size_t i = 0; i < match->param_count && refusal == NULL; i++) {
        if (tw_slice_is(match->params[i].name, "tenant"))
            continue;
        tw_buf_clear(&text);
        tw_buf_clear(&name);
        tw_buf_append(&name, match->params[i].name);
        tw_buf_char(&name, '\0');
        if (tw_percent_decode(&text, match->params[i].value, false))
            tw_json_member(json, name.at, tw_buf_view(&text));
        else
            refusal = "INVALID_ENCODING";
    }
    tw_buf_char(json, '}');
    tw_buf_done(&text);
    tw_buf_done(&name);
    return refusal;
}

static const char *put_query(const struct tw_http_request *req, struct tw_buf *json)
{
    struct tw_buf text = { .max = 4096 };
    const char *refusal = NULL;

    tw_json_member_raw(json, "query", TW_LIT("{"));
    for (size_t i = 0; i < api_query_count && refusal == NULL; i++) {
        int r;

        tw_buf_clear(&text);
        r = tw_http_query(req, api_query_names[i], &text);
        if (r < 0)
            refusal = "INVALID_ENCODING";
        else if (r > 0)
            tw_json_member(json, api_query_names[i], tw_buf_view(&text));
    }
    tw_buf_char(json, '}');
    tw_buf_done(&text);
    return refusal;
}

/* X-Tenant-ID; or X-Restaurant-ID, where pages write such words when they have none. */
static struct tw_slice tenant_header(const struct tw_http_request *req,
                                     const struct api_match *match, struct api_context *out)
{
    struct tw_slice tenant = tw_http_header(req, "x-tenant-id");
    struct tw_slice restaurant = tw_http_header(req, "x-restaurant-id");

    if (match->route->tenant_from == API_TENANT_CREDENTIAL &&
        !tw_slice_is(restaurant, "undefined") && !tw_slice_is(restaurant, "null"))
        out->restaurant = restaurant;
    return tenant.len > 0 ? tenant : out->restaurant;
}

const char *api_context_read(const struct tw_http_request *req, const struct api_match *match,
                             struct api_context *out)
{
    struct tw_slice idempotency = tw_http_header(req, "idempotency-key");
    struct tw_slice trace = tw_request_trace(req);
    struct tw_buf *json = &out->json;
    const char *refusal;
    char attempt[36];

    if (idempotency.len == 0)
        idempotency = tw_http_header(req, "x-idempotency-key");
    json->max = CONTEXT_BYTES;
    tw_buf_char(json, '{');
    tw_random_uuid(attempt);
    tw_json_member(json, "attempt", tw_slice_from(attempt, sizeof(attempt)));
    tw_json_member(json, "requestId", tw_slice_of(out->request_id));
    if (trace.len > 0)
        tw_json_member(json, "trace", trace);
    out->question_at = json->len;
    refusal = read_key(req, match, out);
    if (refusal == NULL)
        refusal = read_tenant(req, match, out);
    if (refusal != NULL)
        return refusal;
    if (!put_header(json, "tenantHeader", tenant_header(req, match, out)) ||
        !put_header(json, "device", tw_http_header(req, "x-device-id")) ||
        !put_header(json, "idempotencyKey", idempotency))
        return "INVALID_HEADER";
    tw_json_member(json, "method", tw_slice_of(tw_http_method_name(match->route->method)));
    tw_json_member(json, "route", tw_slice_of(match->route->pattern));
    tw_json_member(json, "version", TW_LIT(TILLWIRE_VERSION));
    refusal = put_path(match, json);
    if (refusal == NULL)
        refusal = put_query(req, json);
    tw_buf_char(json, '}');
    return refusal == NULL && json->failed ? "HEADERS_TOO_LARGE" : refusal;
}

void api_context_set_token(struct api_context *c, struct tw_slice claims, int64_t expires_ms)
{
    c->json.len--; /* the closing brace */
    tw_json_member_raw(&c->json, "token", claims);
    if (expires_ms > 0)
        tw_json_member_u64(&c->json, "tokenExpiresMs", (uint64_t)expires_ms);
    tw_buf_char(&c->json, '}');
}

struct tw_slice api_context_question(const struct api_context *c)
{
    return tw_slice_skip(tw_buf_view(&c->json), c->question_at);
}

void api_context_done(struct api_context *c)
{
    tw_buf_done(&c->token);
    tw_buf_done(&c->json);
}
