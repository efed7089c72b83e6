/* sio_packet.c - reading and writing Socket.IO packets.
 *
 * A packet is read from left to right: `rest` is what is still to be read. Its JSON goes
 * through the strict scanner first, so that all later steps may rely on its form.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/sio_packet.h"

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"

static bool is_binary(enum gw_sio_type type)
{
    return type == GW_SIO_BINARY_EVENT || type == GW_SIO_BINARY_ACK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many digits `s` begins with. */
static size_t count_digits(struct tw_slice s)
{
    size_t n = 0;

    while (n < s.len && is_digit(s.at[n]))
        n++;
    return n;
}

static int read_type(struct tw_slice *rest, struct gw_sio_packet *p)
{
    if (rest->len == 0 || rest->at[0] < '0' || rest->at[0] > '6')
        return TW_ESYNTAX;
    p->type = (enum gw_sio_type)(rest->at[0] - '0');
    *rest = tw_slice_skip(*rest, 1);
    return p->type == GW_SIO_CONNECT_ERROR ? TW_ESYNTAX : 0;
}

static int read_attachments(struct tw_slice *rest, struct gw_sio_packet *p)
{
    struct tw_slice digits;
    uint64_t n = 0;

    if (!is_binary(p->type))
        return 0;
    if (!tw_slice_split(rest, '-', &digits) || rest->at == NULL || digits.len == 0 ||
        count_digits(digits) != digits.len || digits.at[0] == '0')
        return TW_ESYNTAX; /* a packet without any is not binary */
    if (!tw_slice_u64(digits, &n) || n > GW_SIO_ATTACHMENTS)
        return TW_ETOOBIG;
    p->attachments = (unsigned)n;
    return 0;
}

/* `/admin?token=x,` is the namespace `/admin`: older clients put their credentials
 * there. Nothing that could break lines or payloads passes, as it is echoed and logged. */
static int read_nsp(struct tw_slice *rest, struct gw_sio_packet *p)
{
    struct tw_slice whole;

    p->nsp = TW_LIT("/");
    if (rest->len == 0 || rest->at[0] != '/')
        return 0;
    (void)tw_slice_split(rest, ',', &whole);
    (void)tw_slice_split(&whole, '?', &p->nsp);
    if (p->nsp.len > GW_SIO_NSP_BYTES)
        return TW_ETOOBIG;
    return tw_is_plain_line(p->nsp) ? 0 : TW_ESYNTAX;
}

static int read_ack(struct tw_slice *rest, struct gw_sio_packet *p)
{
    size_t digits = count_digits(*rest);

    if (digits > GW_SIO_ACK_DIGITS)
        return TW_ETOOBIG;
    p->ack = tw_slice_from(rest->at, digits);
    *rest = tw_slice_skip(*rest, digits);
    return 0;
}

/* The names that sockets raise themselves (socket.io-parser, RESERVED_EVENTS). */
static bool is_reserved(struct tw_slice name)
{
    static const char *const reserved[] = {
        "connect",       "connect_error", "disconnect",
        "disconnecting", "newListener",   "removeListener"
    };

    for (size_t i = 0; i < TW_COUNT(reserved); i++)
        if (tw_json_stands_for(name, tw_slice_of(reserved[i])))
            return true;
    return false;
}

static int read_name(struct gw_sio_packet *p)
{
    struct tw_slice rest = p->json;

    if (!tw_json_element(&rest, &p->name))
        return TW_ESYNTAX;
    if (p->name.at[0] == '"')
        return is_reserved(p->name) ? TW_ESYNTAX : 0;
    return p->name.at[0] == '-' || is_digit(p->name.at[0]) ? 0 : TW_ESYNTAX;
}

/* Whether the value at the start of `s` is the number of one of `n` attachments. */
static bool is_index(struct tw_slice s, unsigned n)
{
    size_t digits = count_digits(s);
    uint64_t index;

    return digits < s.len && (s.at[digits] == ',' || s.at[digits] == '}') &&
           tw_slice_u64(tw_slice_from(s.at, digits), &index) && index < n;
}

/* Length of the string at the start of `s`, quotes included. */
static size_t string_length(struct tw_slice s)
{
    size_t n = 1;

    while (n < s.len && s.at[n] != '"')
        n += s.at[n] == '\\' ? 2 : 1;
    return n + 1;
}

/* {"_placeholder":true,"num":N} stands for attachment N, wherever it is. One pass over the
 * compact text with a note for each open object: a payload may be long and deep, and cutting
 * its values out level by level would read it once for each. */
static bool placeholders_fit(struct tw_slice json, unsigned attachments)
{
    struct {
        bool is_placeholder, has_index;
    } open[TW_JSON_DEPTH + 1] = { 0 };
    size_t depth = 0;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];

        if (c == '{' || c == '[') {
            if (depth == TW_JSON_DEPTH)
                return false; /* the scanner lets no such payload pass */
            depth++;
            open[depth].is_placeholder = open[depth].has_index = false;
        } else if (c == '}' || c == ']') {
            if (open[depth].is_placeholder && !open[depth].has_index)
                return false;
            depth--;
        } else if (c == '"') {
            struct tw_slice from = tw_slice_skip(json, i);
            struct tw_slice text = tw_slice_from(from.at, string_length(from));
            struct tw_slice value = tw_slice_skip(from, text.len + 1);

            i += text.len - 1;
            if (json.at[i + 1] != ':')
                continue;
            if (tw_json_stands_for(text, tw_slice_of("_placeholder")))
                open[depth].is_placeholder = tw_slice_starts(value, TW_LIT("t"));
            else if (tw_json_stands_for(text, tw_slice_of("num")))
                open[depth].has_index = is_index(value, attachments);
        }
    }
    return true;
}

/* What a packet of its type may carry; `kind` as tw_json_scan returns it, 0 for nothing. */
static int check_payload(struct gw_sio_packet *p, int kind)
{
    int r = TW_ESYNTAX;

    switch (p->type) {
    case GW_SIO_CONNECT:
        r = kind == 0 || kind == '{' ? 0 : TW_ESYNTAX;
        break;
    case GW_SIO_DISCONNECT:
        r = kind == 0 ? 0 : TW_ESYNTAX;
        break;
    case GW_SIO_EVENT:
    case GW_SIO_BINARY_EVENT:
        r = kind == '[' ? read_name(p) : TW_ESYNTAX;
        break;
    case GW_SIO_ACK:
    case GW_SIO_BINARY_ACK:
        r = kind == '[' ? 0 : TW_ESYNTAX;
        break;
    case GW_SIO_CONNECT_ERROR:
        break;
    }
    if (r == 0 && is_binary(p->type) && !placeholders_fit(p->json, p->attachments))
        r = TW_ESYNTAX;
    return r;
}

static int read_head(struct tw_slice *rest, struct gw_sio_packet *p)
{
    int r = read_type(rest, p);

    if (r == 0)
        r = read_attachments(rest, p);
    if (r == 0)
        r = read_nsp(rest, p);
    if (r == 0)
        r = read_ack(rest, p);
    return r;
}

int gw_sio_read(char *at, size_t len, struct gw_sio_packet *out)
{
    struct gw_sio_packet p = { 0 };
    struct tw_slice rest = { at, len };
    struct tw_json_fault fault;
    int r = read_head(&rest, &p);
    int kind = 0;

    if (r < 0)
        return r;
    if (rest.len > 0) {
        char *json = at + (len - rest.len);

        kind = tw_json_scan(json, &rest.len, &tw_json_wide, &fault);
        if (kind < 0)
            return kind;
        p.json = tw_slice_from(json, rest.len);
    }
    r = check_payload(&p, kind);
    if (r < 0)
        return r;
    *out = p;
    return 0;
}

struct tw_slice gw_sio_args(const struct gw_sio_packet *p)
{
    struct tw_slice rest = p->json, name;

    /* The name is the first element, and the walk continues after it. */
    if (p->type == GW_SIO_EVENT || p->type == GW_SIO_BINARY_EVENT)
        (void)tw_json_element(&rest, &name);
    return rest;
}

bool gw_sio_arg(struct tw_slice *rest, struct tw_slice *out)
{
    return tw_json_element(rest, out);
}

void gw_sio_put_head(struct tw_buf *out, enum gw_sio_type type, unsigned attachments,
                     struct tw_slice nsp, struct tw_slice ack)
{
    tw_buf_char(out, '4'); /* an Engine.IO message */
    tw_buf_char(out, (char)('0' + (int)type));
    if (is_binary(type)) {
        tw_buf_u64(out, attachments);
        tw_buf_char(out, '-');
    }
    if (!tw_slice_is(nsp, "/")) {
        tw_buf_append(out, nsp);
        tw_buf_char(out, ',');
    }
    tw_buf_append(out, ack);
}
