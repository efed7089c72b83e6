/* http_message.c - looking things up in requests, writing responses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_message.h"

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/err.h"

const char *tw_http_method_name(enum tw_http_method method)
{
    static const char *const names[] = { "GET",   "HEAD",   "POST",    "PUT",
                                         "PATCH", "DELETE", "OPTIONS", "OTHER" };

    return names[method];
}

static const struct tw_http_header *find(const struct tw_http_request *req, const char *name)
{
    struct tw_slice wanted = tw_slice_of(name);

    for (size_t i = 0; i < req->header_count; i++)
        if (tw_slice_eq_nocase(req->headers[i].name, wanted))
            return &req->headers[i];
    return NULL;
}

struct tw_slice tw_http_header(const struct tw_http_request *req, const char *name)
{
    const struct tw_http_header *h = find(req, name);

    return h == NULL ? TW_EMPTY : h->value;
}

char *tw_http_copy_line(const struct tw_http_request *req, const char *name, size_t max)
{
    struct tw_slice text = tw_http_header(req, name);

    return text.len > 0 && text.len <= max && tw_is_plain_line(text)
               ? tw_copy_text(text.at, text.len)
               : NULL;
}

struct tw_slice tw_http_address(struct tw_slice path)
{
    return path.len > 1 && path.at[path.len - 1] == '/' ? tw_slice_from(path.at, path.len - 1)
                                                        : path;
}

bool tw_http_has_header(const struct tw_http_request *req, const char *name)
{
    return find(req, name) != NULL;
}

bool tw_http_header_has(const struct tw_http_request *req, const char *name, const char *token)
{
    for (size_t i = 0; i < req->header_count; i++) {
        struct tw_slice rest = req->headers[i].value, one;

        if (!tw_slice_is_nocase(req->headers[i].name, name))
            continue;
        while (tw_slice_split(&rest, ',', &one))
            if (tw_slice_is_nocase(tw_slice_trim(one), token))
                return true;
    }
    return false;
}

int tw_http_query(const struct tw_http_request *req, const char *name, struct tw_buf *out)
{
    struct tw_slice rest = req->query, pair, key;

    while (tw_slice_split(&rest, '&', &pair)) {
        struct tw_slice value = pair;

        if (!tw_slice_split(&value, '=', &key) || !tw_slice_is(key, name))
            continue;
        return tw_percent_decode(out, value, true) ? 1 : TW_ESYNTAX;
    }
    return 0;
}

void tw_http_add(struct tw_http_response *res, const char *name, struct tw_slice value)
{
    TW_ASSERT(res->extra_count < TW_HTTP_EXTRA);
    res->extra[res->extra_count++] = (struct tw_http_header){ tw_slice_of(name), value };
}

const char *tw_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 200, "OK" },
        { 201, "Created" },
        { 204, "No Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 426, "Upgrade Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < TW_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static void put_header(struct tw_buf *out, const char *name, struct tw_slice value)
{
    tw_buf_text(out, name);
    tw_buf_text(out, ": ");
    tw_buf_append(out, value);
    tw_buf_text(out, "\r\n");
}

void tw_http_write(struct tw_buf *out, const struct tw_http_response *res, int64_t wall_ms,
                   bool is_head, bool keeps_alive)
{
    bool has_body = res->status >= 200 && res->status != 204 && res->status != 304;
    char date[TW_HTTP_DATE];

    tw_buf_expect(out, 256 + (is_head ? 0 : res->body.len));
    tw_http_date(wall_ms, date);
    tw_buf_text(out, "HTTP/1.1 ");
    tw_buf_i64(out, res->status);
    tw_buf_char(out, ' ');
    tw_buf_text(out, tw_http_reason(res->status));
    tw_buf_text(out, "\r\n");
    put_header(out, "Date", tw_slice_of(date));
    for (size_t i = 0; i < res->extra_count; i++) {
        tw_buf_append(out, res->extra[i].name);
        tw_buf_text(out, ": ");
        tw_buf_append(out, res->extra[i].value);
        tw_buf_text(out, "\r\n");
    }
    if (res->content_type != NULL)
        put_header(out, "Content-Type", tw_slice_of(res->content_type));
    if (has_body && !res->is_endless) {
        tw_buf_text(out, "Content-Length: ");
        tw_buf_u64(out, res->body.len);
        tw_buf_text(out, "\r\n");
    }
    if (res->status == 426) /* an Upgrade header is named here too (RFC 9110 section 7.8) */
        put_header(out, "Connection",
                   keeps_alive ? TW_LIT("upgrade") : TW_LIT("upgrade, close"));
    else if (res->status != 101)
        put_header(out, "Connection", keeps_alive ? TW_LIT("keep-alive") : TW_LIT("close"));
    tw_buf_text(out, "\r\n");
    if (has_body && !is_head)
        tw_buf_append(out, res->body);
}
