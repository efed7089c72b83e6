/* http_parse.c - llhttp in strict mode, and the checks that it leaves to its user.
 *
 * llhttp sees the head only up to the blank line and then the body, so that obs-folds can be
 * looked for in the raw bytes (it hides them, CVE-2024-27982). Header bytes are collected in
 * one buffer, as offsets while it may still move. Anything that could be read in two ways
 * is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_parse.h"

#include <llhttp.h>
#include <stdlib.h>

#include "common/util/base.h"

#define SLACK_BYTES 4096 /* of a head: colons, blanks and line ends, which are not kept */

struct span {
    size_t at, len;
};

struct tw_http_parser {
    llhttp_t llhttp;
    const struct tw_http_limits *limits;
    struct tw_buf head; /* target, names and values, one after the other */
    struct tw_buf body;
    struct span target;
    struct {
        struct span name, value;
    } headers[TW_HTTP_HEADERS];
    size_t header_count;
    size_t head_seen; /* raw bytes of the head so far */
    char head_last;   /* the obs-fold scanner's state */
    char line_end[8]; /* the last characters of the request line so far */
    unsigned line_blanks;
    size_t trailer_bytes;
    bool has_line;
    bool is_in_value; /* the last header callback was about a value */
    bool has_begun, has_head, is_complete, keeps_alive, told_continue;
    const char *refusal;
    struct tw_http_request request;
};

static struct tw_http_parser *parser_of(llhttp_t *l)
{
    return tw_container_of(l, struct tw_http_parser, llhttp);
}

/* Stop llhttp with our own reason; the first one counts. */
static int refuse(struct tw_http_parser *p, const char *code)
{
    if (p->refusal == NULL)
        p->refusal = code;
    return HPE_USER;
}

static int on_url(llhttp_t *l, const char *at, size_t len)
{
    struct tw_http_parser *p = parser_of(l);

    if (p->target.len + len > p->limits->target_bytes)
        return refuse(p, "URI_TOO_LONG");
    tw_buf_append(&p->head, tw_slice_from(at, len));
    p->target.len += len;
    return p->head.failed ? refuse(p, "HEADERS_TOO_LARGE") : 0;
}

static int keep_header(struct tw_http_parser *p, const char *at, size_t len)
{
    tw_buf_append(&p->head, tw_slice_from(at, len));
    if (p->head.failed || p->head.len - p->target.len > p->limits->head_bytes)
        return refuse(p, "HEADERS_TOO_LARGE");
    return 0;
}

/* A trailer must not count as a header. */
static int skip_trailer(struct tw_http_parser *p, size_t len)
{
    p->trailer_bytes += len;
    return p->trailer_bytes > p->limits->head_bytes ? refuse(p, "HEADERS_TOO_LARGE") : 0;
}

static int on_header_field(llhttp_t *l, const char *at, size_t len)
{
    struct tw_http_parser *p = parser_of(l);

    if (p->has_head)
        return skip_trailer(p, len);
    if (p->header_count == 0 || p->is_in_value) {
        if (p->header_count == TW_HTTP_HEADERS)
            return refuse(p, "HEADERS_TOO_LARGE");
        p->headers[p->header_count].name = (struct span){ p->head.len, 0 };
        p->headers[p->header_count].value = (struct span){ p->head.len, 0 };
        p->header_count++;
        p->is_in_value = false;
    }
    p->headers[p->header_count - 1].name.len += len;
    return keep_header(p, at, len);
}

static int on_header_value(llhttp_t *l, const char *at, size_t len)
{
    struct tw_http_parser *p = parser_of(l);
    struct span *value;

    if (p->has_head)
        return skip_trailer(p, len);
    if (p->header_count == 0)
        return refuse(p, "BAD_REQUEST");
    value = &p->headers[p->header_count - 1].value;
    if (!p->is_in_value) {
        value->at = p->head.len;
        p->is_in_value = true;
    }
    value->len += len;
    return keep_header(p, at, len);
}

static int on_body(llhttp_t *l, const char *at, size_t len)
{
    struct tw_http_parser *p = parser_of(l);

    tw_buf_append(&p->body, tw_slice_from(at, len));
    return p->body.failed ? refuse(p, "BODY_TOO_LARGE") : 0;
}

/* What is announced and does not fit is not waited for. */
static int on_chunk_header(llhttp_t *l)
{
    struct tw_http_parser *p = parser_of(l);

    return l->content_length > p->body.max - p->body.len ? refuse(p, "BODY_TOO_LARGE") : 0;
}

static int on_chunk_extension(llhttp_t *l, const char *at, size_t len)
{
    (void)at;
    (void)len;
    return refuse(parser_of(l), "BAD_REQUEST");
}

static const struct {
    uint8_t theirs;
    enum tw_http_method ours;
} methods[] = {
    { HTTP_GET, TW_GET },         { HTTP_HEAD, TW_HEAD },   { HTTP_POST, TW_POST },
    { HTTP_PUT, TW_PUT },         { HTTP_PATCH, TW_PATCH }, { HTTP_DELETE, TW_DELETE },
    { HTTP_OPTIONS, TW_OPTIONS },
};

static enum tw_http_method read_method(const llhttp_t *l)
{
    for (size_t i = 0; i < TW_COUNT(methods); i++)
        if (methods[i].theirs == l->method)
            return methods[i].ours;
    return TW_OTHER_METHOD;
}

static struct tw_slice view(const struct tw_http_parser *p, struct span s)
{
    return s.len == 0 ? TW_EMPTY : tw_slice_from(p->head.at + s.at, s.len);
}

/* Headers that must not come twice, because two readers could each take another one. */
static bool is_single(struct tw_slice name)
{
    static const struct tw_slice single[] = {
        { "host", 4 },
        { "content-length", 14 },
        { "content-type", 12 },
        { "x-api-key", 9 },
        { "authorization", 13 },
        { "x-tenant-id", 11 },
        { "idempotency-key", 15 },
        { "x-idempotency-key", 17 },
        { "transfer-encoding", 17 },
        { "expect", 6 },
        { "sec-websocket-key", 17 },
        { "sec-websocket-version", 21 },
    };

    for (size_t i = 0; i < TW_COUNT(single); i++)
        if (tw_slice_eq_nocase(name, single[i]))
            return true;
    return false;
}

/* Whether one of the headers before header `i` has its name. */
static bool came_before(const struct tw_http_request *req, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (tw_slice_eq_nocase(req->headers[k].name, req->headers[i].name))
            return true;
    return false;
}

static const char *check_headers(const struct tw_http_request *req)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (req->headers[i].name.len == 0)
            return "BAD_REQUEST";
        if (came_before(req, i) && is_single(req->headers[i].name))
            return "DUPLICATE_HEADER";
    }
    return NULL;
}

/* RFC 9110 section 7.2: a host and a port. What has more in it is read in different ways by
 * different servers. */
static bool is_authority(struct tw_slice host)
{
    for (size_t i = 0; i < host.len; i++)
        if (memchr(" \t/\\@?#<>\"", host.at[i], 10) != NULL)
            return false;
    return true;
}

/* Cuts `http://host` off an absolute form, up to where its path or query begins. */
static bool skip_authority(struct tw_slice *target)
{
    struct tw_slice rest = *target, scheme;

    if (!tw_slice_split(&rest, ':', &scheme) || !tw_slice_starts(rest, TW_LIT("//")) ||
        (!tw_slice_is_nocase(scheme, "http") && !tw_slice_is_nocase(scheme, "https")))
        return false;
    rest = tw_slice_skip(rest, 2);
    while (rest.len > 0 && rest.at[0] != '/' && rest.at[0] != '?' && rest.at[0] != '#')
        rest = tw_slice_skip(rest, 1);
    *target = rest;
    return true;
}

/* RFC 9112 section 3.2: origin form, absolute form, or `*` for OPTIONS. */
static bool read_target(struct tw_http_request *req)
{
    struct tw_slice t = req->target, rest;

    if (tw_slice_is(t, "*") && req->method == TW_OPTIONS)
        return true;
    if (skip_authority(&t) && t.len == 0)
        t = TW_LIT("/");
    if (t.len == 0 || t.at[0] != '/' || memchr(t.at, '#', t.len) != NULL)
        return false;
    req->target = t;
    rest = t;
    (void)tw_slice_split(&rest, '?', &req->path);
    req->query = rest;
    return true;
}

static const char *check_head(struct tw_http_parser *p)
{
    struct tw_http_request *req = &p->request;
    llhttp_t *l = &p->llhttp;
    const char *refusal;

    if (l->http_major != 1 || l->http_minor > 1)
        return "HTTP_VERSION";
    req->method = read_method(l);
    refusal = check_headers(req);
    if (refusal != NULL)
        return refusal;
    if (!read_target(req))
        return "BAD_REQUEST";
    if (l->http_minor == 1 && !tw_http_has_header(req, "host"))
        return "BAD_REQUEST"; /* RFC 9112 section 3.2 */
    if (!is_authority(tw_http_header(req, "host")))
        return "BAD_REQUEST";
    if (tw_http_has_header(req, "transfer-encoding") &&
        (l->http_minor == 0 ||
         !tw_slice_is_nocase(tw_http_header(req, "transfer-encoding"), "chunked")))
        return "BAD_REQUEST";
    if (p->limits->body_bytes_of != NULL)
        p->body.max = p->limits->body_bytes_of(req);
    if (tw_http_has_header(req, "content-length") && l->content_length > p->body.max)
        return "BODY_TOO_LARGE";
    if (tw_http_has_header(req, "expect") &&
        !tw_slice_is_nocase(tw_http_header(req, "expect"), "100-continue"))
        return "EXPECTATION_FAILED";
    return NULL;
}

static int on_headers_complete(llhttp_t *l)
{
    struct tw_http_parser *p = parser_of(l);
    struct tw_http_request *req = &p->request;
    const char *refusal;

    p->has_head = true;
    req->target = view(p, p->target);
    req->header_count = p->header_count;
    for (size_t i = 0; i < p->header_count; i++) {
        req->headers[i].name = view(p, p->headers[i].name);
        req->headers[i].value = tw_slice_trim(view(p, p->headers[i].value));
    }
    refusal = check_head(p);
    req->wants_upgrade = l->upgrade && l->http_minor == 1;
    return refusal == NULL ? 0 : refuse(p, refusal);
}

static int on_message_complete(llhttp_t *l)
{
    struct tw_http_parser *p = parser_of(l);

    p->keeps_alive = llhttp_should_keep_alive(l) != 0; /* later it answers 1 even for "close" */
    p->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static const llhttp_settings_t callbacks = {
        .on_url = on_url,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
        .on_chunk_header = on_chunk_header,
        .on_chunk_extension_name = on_chunk_extension,
    };

    return &callbacks;
}

struct tw_http_parser *tw_http_parser_new(const struct tw_http_limits *limits)
{
    struct tw_http_parser *p = tw_new(struct tw_http_parser);

    p->limits = limits;
    p->head.max = limits->target_bytes + limits->head_bytes;
    p->body.max = limits->body_bytes;
    llhttp_init(&p->llhttp, HTTP_REQUEST, settings());
    return p;
}

void tw_http_parser_free(struct tw_http_parser *p)
{
    if (p == NULL)
        return;
    tw_buf_done(&p->head);
    tw_buf_done(&p->body);
    free(p);
}

void tw_http_parser_next(struct tw_http_parser *p)
{
    struct tw_buf head = p->head;
    const struct tw_http_limits *limits = p->limits;

    tw_buf_done(&p->body);
    tw_buf_clear(&head);
    *p = (struct tw_http_parser){ .limits = limits, .head = head };
    p->body.max = limits->body_bytes;
    llhttp_init(&p->llhttp, HTTP_REQUEST, settings());
}

/* llhttp takes RTSP/1.0 and ICE/1.0 for HTTP, and more blanks than the two of RFC 9112 section
 * 3: look at the request line ourselves. */
static bool note_line(struct tw_http_parser *p, char c)
{
    p->line_blanks += c == ' ';
    if (c != '\n') {
        memmove(p->line_end, p->line_end + 1, sizeof(p->line_end) - 1);
        p->line_end[sizeof(p->line_end) - 1] = c;
        return true;
    }
    p->has_line = true;
    return p->line_blanks == 2 && memcmp(p->line_end, "HTTP/", 5) == 0;
}

/* The last place after `i` before a line ends, or the bytes do. */
static size_t before_line_end(struct tw_slice bytes, size_t i)
{
    const char *end = memchr(bytes.at + i, '\n', bytes.len - i);

    return (end == NULL ? bytes.len : (size_t)(end - bytes.at)) - 1;
}

/* How many of `bytes` still belong to the head, end of head included; -1 for an obs-fold
 * (RFC 9112 section 5.2) or another protocol. The state survives from call to call in
 * `head_last`. */
static ssize_t scan_head(struct tw_http_parser *p, struct tw_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.at[i];

        if (c == '\r' || (p->head_last == '\0' && c == '\n'))
            continue;
        if (p->head_last == '\n' && c == '\n')
            return (ssize_t)i + 1;
        if (p->head_last == '\n' && (c == ' ' || c == '\t'))
            return -1;
        if (!p->has_line && !note_line(p, c))
            return -1;
        p->head_last = c;
        if (p->has_line && c != '\n') /* of a header, only its first character matters */
            i = before_line_end(bytes, i);
    }
    return (ssize_t)bytes.len;
}

static enum tw_http_progress bad(struct tw_http_parser *p, const char *code)
{
    (void)refuse(p, code);
    return TW_HTTP_BAD;
}

/* Give llhttp some bytes; how many it took. */
static enum tw_http_progress feed(struct tw_http_parser *p, struct tw_slice bytes, size_t *used)
{
    llhttp_errno_t r = llhttp_execute(&p->llhttp, bytes.at, bytes.len);

    *used = bytes.len;
    if (p->is_complete && (r == HPE_PAUSED || r == HPE_PAUSED_UPGRADE)) {
        if (llhttp_get_error_pos(&p->llhttp) != NULL)
            *used = (size_t)(llhttp_get_error_pos(&p->llhttp) - bytes.at);
        p->request.body = tw_buf_view(&p->body);
        p->request.body_at = p->body.at;
        return TW_HTTP_REQUEST;
    }
    if (r != HPE_OK)
        return bad(p, "BAD_REQUEST");
    return TW_HTTP_MORE;
}

static enum tw_http_progress parse_head(struct tw_http_parser *p, struct tw_slice bytes,
                                        size_t *used)
{
    ssize_t n = scan_head(p, bytes);
    enum tw_http_progress progress;

    if (n < 0)
        return bad(p, "BAD_REQUEST");
    p->head_seen += (size_t)n;
    p->has_begun = p->head_last != '\0';
    progress = feed(p, tw_slice_from(bytes.at, (size_t)n), used);
    if (progress == TW_HTTP_MORE && !p->has_head &&
        p->head_seen > p->limits->head_bytes + p->limits->target_bytes + SLACK_BYTES)
        return bad(p, "HEADERS_TOO_LARGE");
    return progress;
}

enum tw_http_progress tw_http_parse(struct tw_http_parser *p, struct tw_slice bytes,
                                    size_t *used)
{
    enum tw_http_progress progress = TW_HTTP_MORE;
    size_t n;

    *used = 0;
    while (bytes.len > 0 && progress == TW_HTTP_MORE) {
        progress = p->has_head ? feed(p, bytes, &n) : parse_head(p, bytes, &n);
        if (progress == TW_HTTP_BAD)
            return progress;
        *used += n;
        bytes = tw_slice_from(bytes.at + n, bytes.len - n);
    }
    if (progress == TW_HTTP_MORE && p->has_head && !p->told_continue &&
        p->llhttp.http_minor == 1 && tw_http_has_header(&p->request, "expect")) {
        p->told_continue = true;
        return TW_HTTP_CONTINUE;
    }
    return progress;
}

char *tw_http_parser_take_body(struct tw_http_parser *p)
{
    char *at = p->body.at;

    p->body = (struct tw_buf){ .max = p->body.max };
    p->request.body = TW_EMPTY;
    p->request.body_at = NULL;
    return at;
}

size_t tw_http_parser_body_bytes(const struct tw_http_parser *p)
{
    return p->body.len;
}

struct tw_http_request *tw_http_parser_request(struct tw_http_parser *p)
{
    return &p->request;
}

bool tw_http_parser_keeps_alive(const struct tw_http_parser *p)
{
    return p->keeps_alive;
}

bool tw_http_parser_is_idle(const struct tw_http_parser *p)
{
    return !p->has_begun;
}

bool tw_http_parser_has_head(const struct tw_http_parser *p)
{
    return p->has_head;
}

const char *tw_http_parser_refusal(const struct tw_http_parser *p)
{
    return p->refusal;
}
