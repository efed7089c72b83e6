/* http_reading.c - whole, byte by byte, and in two pieces cut everywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/http_reading.h"

#include <stdlib.h>

#include "common/net/refusal.h"

void reading_put_request(struct tw_buf *out, struct tw_http_parser *p)
{
    const struct tw_http_request *req = tw_http_parser_request(p);

    tw_buf_text(out, tw_http_method_name(req->method));
    tw_buf_char(out, ' ');
    tw_buf_append(out, req->path);
    if (req->query.at != NULL) {
        tw_buf_char(out, '?');
        tw_buf_append(out, req->query);
    }
    for (size_t i = 0; i < req->header_count; i++) {
        tw_buf_char(out, '|');
        tw_buf_append(out, req->headers[i].name);
        tw_buf_char(out, '=');
        tw_buf_append(out, req->headers[i].value);
    }
    tw_buf_text(out, "|");
    tw_buf_append(out, req->body);
    tw_buf_text(out, req->wants_upgrade ? "|upgrade" : "");
    tw_buf_text(out, tw_http_parser_keeps_alive(p) ? "" : "|closes");
}

/* One piece of the text, as a copy of exactly its size. */
static void read_piece(struct tw_http_parser *p, struct tw_slice piece, struct reading *o)
{
    char *copy = exact_copy(piece);
    size_t used = 0;

    o->progress = tw_http_parse(p, tw_slice_from(copy, piece.len), &used);
    if (o->progress == TW_HTTP_CONTINUE) {
        assert_false(o->was_told_to_continue);
        o->was_told_to_continue = true;
        o->progress = TW_HTTP_MORE;
    }
    if (o->progress == TW_HTTP_MORE)
        assert_int_equal(used, piece.len);
    o->used += used;
    free(copy);
}

struct reading reading_of(const struct tw_http_limits *l, struct tw_slice text, size_t first,
                          size_t step)
{
    struct tw_http_parser *p = tw_http_parser_new(l);
    struct reading o = { .progress = TW_HTTP_MORE, .text = { .max = 4 * 1048576 } };
    size_t at = 0;

    while (at < text.len && o.progress == TW_HTTP_MORE) {
        size_t n = at == 0 && first > 0 ? first : step;

        n = n < text.len - at ? n : text.len - at;
        read_piece(p, tw_slice_from(text.at + at, n), &o);
        at += n;
    }
    if (o.progress == TW_HTTP_REQUEST)
        reading_put_request(&o.text, p);
    if (o.progress == TW_HTTP_BAD) {
        tw_buf_text(&o.text, tw_http_parser_refusal(p));
        assert_string_equal(tw_refusal_of(tw_http_parser_refusal(p))->code,
                            tw_http_parser_refusal(p));
        o.used = 0; /* nothing more is read of it */
    }
    tw_http_parser_free(p);
    return o;
}

void check_reading(const struct tw_http_limits *l, struct tw_slice text, const char *want,
                   size_t used)
{
    struct reading whole = reading_of(l, text, 0, text.len);

    for (size_t cut = 0; cut < text.len; cut++) { /* 0: byte by byte */
        struct reading o = reading_of(l, text, cut, cut == 0 ? 1 : text.len);

        if (o.progress != whole.progress || o.used != whole.used)
            fail_msg("cut at %zu: progress %d, %zu used; whole: %d, %zu\n%.*s", cut,
                     (int)o.progress, o.used, (int)whole.progress, whole.used, (int)text.len,
                     text.at);
        if (o.was_told_to_continue && o.progress == TW_HTTP_BAD)
            fail_msg("told to continue with what is refused: %s", text.at);
        assert_true(tw_slice_eq(tw_buf_view(&o.text), tw_buf_view(&whole.text)));
        tw_buf_done(&o.text);
    }
    if (whole.progress == TW_HTTP_MORE)
        tw_buf_text(&whole.text, "more");
    if (!tw_slice_is(tw_buf_view(&whole.text), want))
        print_error("%.*s\n", (int)text.len, text.at);
    assert_buf(&whole.text, want);
    if (whole.progress == TW_HTTP_REQUEST)
        assert_int_equal(whole.used, used);
    tw_buf_done(&whole.text);
}
