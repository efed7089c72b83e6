/* http_parse.c - fuzzing requests: they are read the same however the network has cut them.
 *
 * The input's first byte says how long the pieces are; the rest is what came in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_parse.h"

#include "common/util/buf.h"
#include "test/fuzz/fuzz.h"

/* Small, so that they are reached. */
static const struct tw_http_limits limits = { .target_bytes = 64,
                                              .head_bytes = 256,
                                              .body_bytes = 128 };

static void put(struct tw_buf *told, struct tw_slice s)
{
    tw_buf_u64(told, s.len);
    tw_buf_char(told, ' ');
    tw_buf_append(told, s);
    tw_buf_char(told, '\n');
}

static void tell_request(struct tw_buf *told, struct tw_http_parser *p)
{
    const struct tw_http_request *req = tw_http_parser_request(p);

    TW_ASSERT(req->header_count <= TW_HTTP_HEADERS);
    TW_ASSERT(req->target.len > 0 && req->target.len <= limits.target_bytes);
    TW_ASSERT(req->body.len <= limits.body_bytes);
    fuzz_within(req->path, req->target);
    fuzz_within(req->query, req->target);
    tw_buf_text(told, tw_http_method_name(req->method));
    put(told, req->target);
    put(told, req->path);
    put(told, req->query);
    for (size_t i = 0; i < req->header_count; i++) {
        put(told, req->headers[i].name);
        put(told, req->headers[i].value);
    }
    put(told, req->body);
    tw_buf_text(told, req->wants_upgrade ? "upgrade\n" : "");
    tw_buf_text(told, tw_http_parser_keeps_alive(p) ? "" : "close\n");
}

/* Reads in pieces, one request behind the other, and tells what was read. */
static void tell(struct tw_buf *told, struct tw_slice input, size_t piece_bytes)
{
    struct tw_http_parser *p = tw_http_parser_new(&limits);
    enum tw_http_progress progress = TW_HTTP_MORE;

    while (input.len > 0 && progress != TW_HTTP_BAD) {
        size_t n = piece_bytes < input.len ? piece_bytes : input.len, used = 0;
        char *piece = fuzz_copy(tw_slice_from(input.at, n));

        progress = tw_http_parse(p, tw_slice_from(piece, n), &used);
        free(piece); /* a request owns its bytes */
        TW_ASSERT(used <= n);
        TW_ASSERT(used == n || progress == TW_HTTP_REQUEST || progress == TW_HTTP_BAD);
        input = tw_slice_skip(input, used);
        if (progress == TW_HTTP_REQUEST) {
            tell_request(told, p);
            tw_http_parser_next(p);
            TW_ASSERT(tw_http_parser_is_idle(p) && !tw_http_parser_has_head(p));
        }
    }
    if (progress == TW_HTTP_BAD)
        TW_ASSERT(tw_http_parser_refusal(p) != NULL);
    tw_buf_text(told, progress == TW_HTTP_BAD ? "bad\n" : "end\n");
    tw_http_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tw_buf whole = { .max = 1 << 20 }, cut = { .max = 1 << 20 };
    struct tw_slice input;

    if (len == 0)
        return 0;
    input = tw_slice_from((const char *)bytes + 1, len - 1);
    tell(&whole, input, input.len);
    tell(&cut, input, 1 + bytes[0] % 64);
    TW_ASSERT(!whole.failed && tw_slice_eq(tw_buf_view(&whole), tw_buf_view(&cut)));
    tw_buf_done(&whole);
    tw_buf_done(&cut);
    return 0;
}
