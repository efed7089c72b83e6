/* upgrade.c - checking and answering handshakes, and what extensions they offer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/upgrade.h"

#include "common/util/crypto.h"
#include "common/util/encode.h"

bool gw_upgrade_is_asked(const struct tw_http_request *req)
{
    return req->wants_upgrade && tw_http_header_has(req, "upgrade", "websocket");
}

/* 16 bytes in base64: 22 characters and "==". */
static bool is_valid_key(struct tw_slice key)
{
    if (key.len != 24 || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.at[i];

        if (!((c >= '0' && c <= '9') ||
              (tw_ascii_lower(c) >= 'a' && tw_ascii_lower(c) <= 'z') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (tw_ascii_lower(c) >= 'a' && tw_ascii_lower(c) <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct tw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.at[i]))
            return false;
    return text.len > 0;
}

/* Sec-WebSocket-Protocol (RFC 6455 section 11.3.4), which may come several times: the first
 * name into `first`, empty without any. False when one of them is no token. */
static bool read_subprotocols(const struct tw_http_request *req, struct tw_slice *first)
{
    *first = TW_EMPTY;
    for (size_t i = 0; i < req->header_count; i++) {
        struct tw_slice rest = req->headers[i].value, one;

        if (!tw_slice_is_nocase(req->headers[i].name, "sec-websocket-protocol"))
            continue;
        if (rest.len == 0)
            return false;
        while (tw_slice_split(&rest, ',', &one)) {
            one = tw_slice_trim(one);
            if (!is_token(one))
                return false;
            if (first->len == 0)
                *first = one;
        }
    }
    return true;
}

const char *gw_upgrade_check(const struct tw_http_request *req)
{
    struct tw_slice subprotocol;

    if (req->method != TW_GET)
        return "METHOD_NOT_ALLOWED";
    if (!gw_upgrade_is_asked(req) ||
        !tw_slice_is(tw_http_header(req, "sec-websocket-version"), "13"))
        return "UPGRADE_REQUIRED";
    if (req->body.len > 0 || !is_valid_key(tw_http_header(req, "sec-websocket-key")) ||
        !read_subprotocols(req, &subprotocol))
        return "BAD_HANDSHAKE";
    return NULL;
}

/* Cuts the part before the first unquoted `separator` off `*rest`. */
static bool cut(struct tw_slice *rest, char separator, struct tw_slice *part)
{
    bool is_quoted = false;
    size_t n = 0;

    if (rest->at == NULL)
        return false;
    while (n < rest->len && (is_quoted || rest->at[n] != separator)) {
        if (is_quoted && rest->at[n] == '\\' && n + 1 < rest->len)
            n++;
        else if (rest->at[n] == '"')
            is_quoted = !is_quoted;
        n++;
    }
    *part = tw_slice_trim(tw_slice_from(rest->at, n));
    *rest = n < rest->len ? tw_slice_from(rest->at + n + 1, rest->len - n - 1) : TW_EMPTY;
    return true;
}

/* A number of 8 to 15, as a token or a quoted string (RFC 7692 section 7.1.2); else 0. */
static unsigned window_bits(struct tw_slice value)
{
    bool is_quoted = value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"';
    char digits[2];
    size_t n = 0;
    uint64_t bits;

    if (is_quoted)
        value = tw_slice_from(value.at + 1, value.len - 2);
    for (size_t i = 0; i < value.len; i++) {
        if (is_quoted && value.at[i] == '\\' && i + 1 < value.len)
            i++;
        if (n == sizeof(digits))
            return 0;
        digits[n++] = value.at[i];
    }
    if (!tw_slice_u64(tw_slice_from(digits, n), &bits) || digits[0] == '0' || bits < 8 ||
        bits > 15)
        return 0;
    return (unsigned)bits;
}

/* The parameters of permessage-deflate, each at most once in an offer. */
enum parameter {
    UNKNOWN = 0,
    SERVER_FORGETS = 1,
    CLIENT_FORGETS = 2,
    SERVER_WINDOW = 4,
    CLIENT_WINDOW = 8
};

/* Which one it is. UNKNOWN also for a value that it may not have, or that we cannot do: one
 * state serves all connections, and it has the largest window. */
static enum parameter read_parameter(struct tw_slice text)
{
    struct tw_slice value = text, name;
    bool has_value;

    (void)cut(&value, '=', &name);
    has_value = value.at != NULL;
    if (has_value)
        value = tw_slice_trim(value);
    if (tw_slice_is_nocase(name, "server_no_context_takeover"))
        return has_value ? UNKNOWN : SERVER_FORGETS;
    if (tw_slice_is_nocase(name, "client_no_context_takeover"))
        return has_value ? UNKNOWN : CLIENT_FORGETS;
    if (tw_slice_is_nocase(name, "server_max_window_bits"))
        return has_value && window_bits(value) == 15 ? SERVER_WINDOW : UNKNOWN;
    if (tw_slice_is_nocase(name, "client_max_window_bits")) /* a hint, and we need none */
        return !has_value || window_bits(value) != 0 ? CLIENT_WINDOW : UNKNOWN;
    return UNKNOWN;
}

/* What we agree to for an offer; null when we decline it (RFC 7692 section 7.1). A window
 * that the client demands is confirmed. */
static const char *answer_to_offer(struct tw_slice offer)
{
    struct tw_slice text;
    unsigned seen = 0;

    if (!cut(&offer, ';', &text) || !tw_slice_is_nocase(text, "permessage-deflate"))
        return NULL;
    while (cut(&offer, ';', &text)) {
        enum parameter p = read_parameter(text);

        if (p == UNKNOWN || (seen & p) != 0)
            return NULL;
        seen |= p;
    }
    return (seen & SERVER_WINDOW) != 0
               ? "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "server_max_window_bits=15"
               : "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
}

/* The answer to the first offer that is acceptable; null when none is. */
static const char *answer_to_offers(const struct tw_http_request *req)
{
    for (size_t i = 0; i < req->header_count; i++) {
        struct tw_slice rest = req->headers[i].value, offer;

        if (!tw_slice_is_nocase(req->headers[i].name, "sec-websocket-extensions"))
            continue;
        while (cut(&rest, ',', &offer)) {
            const char *answer = answer_to_offer(offer);

            if (answer != NULL)
                return answer;
        }
    }
    return NULL;
}

bool gw_upgrade_answer(const struct tw_http_request *req, int64_t wall_ms, struct tw_buf *out)
{
    struct tw_buf text = { .max = 128 }, accept = { .max = 64 };
    struct tw_http_response res = { .status = 101 };
    const char *extensions = answer_to_offers(req);
    uint8_t digest[TW_SHA1_BYTES];
    struct tw_slice subprotocol;

    tw_buf_append(&text, tw_http_header(req, "sec-websocket-key"));
    tw_buf_text(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"); /* section 1.3 */
    tw_sha1(tw_buf_view(&text), digest);
    tw_base64(&accept, tw_slice_from((const char *)digest, sizeof(digest)));
    tw_http_add(&res, "Upgrade", TW_LIT("websocket"));
    tw_http_add(&res, "Connection", TW_LIT("Upgrade"));
    tw_http_add(&res, "Sec-WebSocket-Accept", tw_buf_view(&accept));
    if (read_subprotocols(req, &subprotocol) && subprotocol.len > 0)
        tw_http_add(&res, "Sec-WebSocket-Protocol", subprotocol);
    if (extensions != NULL)
        tw_http_add(&res, "Sec-WebSocket-Extensions", tw_slice_of(extensions));
    tw_http_write(out, &res, wall_ms, false, true);
    tw_buf_done(&text);
    tw_buf_done(&accept);
    return extensions != NULL;
}
