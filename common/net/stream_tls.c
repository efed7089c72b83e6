/* stream_tls.c - TLS between a stream and its owner, who is told the same as without it.
 *
 * A server's handshake waits for its turn with each flight of its client (handshakes.h): its
 * arithmetic is what an attacker can make us do for nothing. A client that speaks without TLS
 * is not just cut off: its bytes are passed on, so that it gets an answer that it can read
 * (tw_stream_lacks_tls).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/handshakes.h"
#include "common/net/stream.h"
#include "common/net/stream_state.h"
#include "common/util/base.h"
#include "common/util/err.h"

#define PIECE_BYTES ((size_t)128 * 1024) /* of what we say, encrypted at once */
#define HANDSHAKE_RECORD 0x16            /* the first byte of TLS (RFC 5246 section 6.2.1) */

static struct tw_secure *secure_of(const struct tw_stream *s)
{
    struct tw_stream *stream = (struct tw_stream *)(uintptr_t)s; /* the same object, whole */

    return tw_container_of(stream, struct tw_secure, stream);
}

static struct tw_loop *loop_of(struct tw_secure *x)
{
    return tw_stream_loop(&x->stream);
}

static void advance(struct tw_secure *x);

static void on_resume(struct tw_later *l)
{
    advance(tw_container_of(l, struct tw_secure, resume));
}

static void on_turn(struct tw_handshake *h)
{
    advance(tw_container_of(h, struct tw_secure, turn));
}

/* --- what we say
 * ------------------------------------------------------------------------------ */

/* Encrypts some of `parts`, which are cut to what is left. 0 or TW_ETLS. */
static int encrypt(struct tw_secure *x, struct tw_slice *parts, size_t *at, size_t n)
{
    char record[TW_TLS_RECORD_BYTES];
    size_t len = 0, done = 0;
    int r = 0;

    while (r == 0 && *at < n && done < PIECE_BYTES) {
        size_t room = sizeof(record) - len;
        size_t take = parts[*at].len < room ? parts[*at].len : room;

        if (take > 0)
            memcpy(record + len, parts[*at].at, take);
        len += take;
        parts[*at] = tw_slice_skip(parts[*at], take);
        if (parts[*at].len == 0)
            ++*at;
        if (len == sizeof(record) || *at == n) {
            r = tw_tls_write(x->tls, tw_slice_from(record, len));
            done += len;
            len = 0;
        }
    }
    return r;
}

/* Sends what TLS has to send. 1: the kernel has all of it; 0: it waits; negative: broken. */
static int fly(struct tw_secure *x)
{
    struct tw_buf *out = tw_tls_out(x->tls);
    struct tw_slice part;
    int r;

    if (x->stream.is_writing)
        return 0;
    if (out->len == 0)
        return 1;
    tw_buf_done(&x->flying);
    x->flying = *out;
    *out = (struct tw_buf){ .max = x->flying.max };
    part = tw_buf_view(&x->flying);
    r = tw_stream_plain_write(&x->stream, &part, 1);
    if (r != 0)
        tw_buf_done(&x->flying);
    return r;
}

/* As fly, of `parts` too, whose first ones are passed over as they go. */
static int say(struct tw_secure *x, struct tw_slice *parts, size_t *at, size_t n)
{
    int r = fly(x);

    while (r == 1 && *at < n) {
        r = encrypt(x, parts, at, n);
        r = r == 0 ? fly(x) : r;
    }
    return r;
}

static void forget_parts(struct tw_secure *x)
{
    free(x->parts);
    x->parts = NULL;
    x->part_at = x->part_count = 0;
    x->is_saying = false;
}

int tw_secure_write(struct tw_stream *s, const struct tw_slice *parts, size_t n)
{
    struct tw_secure *x = secure_of(s);
    struct tw_slice rest[TW_STREAM_PARTS];
    size_t at = 0;
    int r;

    if (x->phase == TW_SECURE_IS_PLAIN)
        return tw_stream_plain_write(s, parts, n);
    TW_ASSERT(n <= TW_STREAM_PARTS && !x->is_saying);
    if (x->phase != TW_SECURE_TALKS || s->is_closing || s->is_finishing)
        return UV_EPIPE;
    memcpy(rest, parts, n * sizeof(*parts));
    r = say(x, rest, &at, n);
    if (r != 0)
        return r;
    x->is_saying = true;
    x->part_count = n - at;
    if (x->part_count > 0) {
        x->parts = tw_alloc(x->part_count, sizeof(*x->parts));
        memcpy(x->parts, rest + at, x->part_count * sizeof(*x->parts));
    }
    return 0;
}

void tw_secure_on_written(struct tw_stream *s, int err)
{
    struct tw_secure *x = secure_of(s);
    int r = err;

    if (x->phase == TW_SECURE_IS_PLAIN) {
        s->owner->events->on_written(s->owner, err);
        return;
    }
    tw_buf_done(&x->flying);
    if (err == 0)
        r = say(x, x->parts, &x->part_at, x->part_count);
    if (r == 0 || !x->is_saying)
        return; /* a broken connection is noticed by reading */
    forget_parts(x);
    s->owner->events->on_written(s->owner, r == 1 ? 0 : r);
}

size_t tw_secure_pending(const struct tw_stream *s)
{
    const struct tw_secure *x = secure_of(s);
    size_t bytes = 0;

    for (size_t i = x->part_at; i < x->part_count; i++)
        bytes += x->parts[i].len;
    return bytes;
}

void tw_secure_say_end(struct tw_stream *s)
{
    struct tw_secure *x = secure_of(s);

    if (x->phase != TW_SECURE_TALKS || s->is_writing)
        return;
    tw_tls_end(x->tls);
    (void)fly(x); /* what is broken is noticed by reading */
}

/* --- what the peer says
 * ----------------------------------------------------------------------- */

static void stop_shaking(struct tw_secure *x)
{
    tw_handshakes_leave(&x->turn);
    tw_after_cancel(loop_of(x), &x->limit);
}

/* No more comes from the peer. After an orderly end we may still speak. */
static void end(struct tw_secure *x, int err)
{
    struct tw_stream_owner *owner = x->stream.owner;
    bool shakes = x->phase == TW_SECURE_SHAKES_HANDS;

    x->has_ended = true;
    tw_tls_feed(x->tls, TW_EMPTY);
    if (err != 0 || shakes) {
        (void)fly(x); /* the alert that says why */
        x->phase = TW_SECURE_FAILED;
    }
    stop_shaking(x);
    if (shakes && x->handshakes == NULL) {
        owner->events->on_written(owner, err == 0 ? TW_ETLS : err);
        return;
    }
    if (shakes)
        x->handshakes->failed.value++;
    owner->events->on_end(owner, err);
}

static void choose_reading(struct tw_secure *x);

static void on_limit(struct tw_deadline *d)
{
    struct tw_secure *x = tw_container_of(d, struct tw_secure, limit);

    end(x, TW_ETIMEOUT);
    choose_reading(x);
}

/* True when there may be more to do. */
static bool shake_hands(struct tw_secure *x)
{
    int r = tw_tls_handshake(x->tls);

    if (r < 0) {
        end(x, r);
        return false;
    }
    (void)fly(x); /* what is broken is noticed by reading */
    if (r == 0)
        return false;
    stop_shaking(x);
    x->phase = TW_SECURE_TALKS;
    if (x->handshakes != NULL)
        x->handshakes->done.value++;
    else
        x->stream.owner->events->on_written(x->stream.owner, 0);
    return true;
}

static bool read_record(struct tw_secure *x)
{
    struct tw_stream_owner *owner = x->stream.owner;
    char text[TW_TLS_RECORD_BYTES];
    int r;

    if (!x->wants_read || x->has_ended)
        return false;
    r = tw_tls_read(x->tls, text, sizeof(text));
    if (r > 0)
        owner->events->on_read(owner, tw_slice_from(text, (size_t)r));
    else if (r < 0)
        end(x, r == UV_EOF ? 0 : r);
    return r > 0;
}

static bool pass_on(struct tw_secure *x)
{
    struct tw_slice bytes = tw_tls_unread(x->tls);

    if (!x->wants_read || bytes.len == 0)
        return false;
    tw_tls_feed(x->tls, TW_EMPTY);
    x->stream.owner->events->on_read(x->stream.owner, bytes);
    return false;
}

static bool step(struct tw_secure *x)
{
    switch (x->phase) {
    case TW_SECURE_SHAKES_HANDS:
        return shake_hands(x);
    case TW_SECURE_TALKS:
        return read_record(x);
    case TW_SECURE_IS_PLAIN:
        return pass_on(x);
    case TW_SECURE_CONNECTS:
    case TW_SECURE_FAILED:
        break;
    }
    return false;
}

/* What was not taken is kept, in memory of its own: it was lent, or is there already. */
static void keep_unread(struct tw_secure *x)
{
    struct tw_slice rest = tw_tls_unread(x->tls);
    bool is_kept = x->unread.len > 0;

    x->unread.max = TW_READ_CHUNK;
    if (rest.len == 0)
        tw_buf_done(&x->unread);
    else if (is_kept)
        tw_buf_drop(&x->unread, x->unread.len - rest.len); /* no more has been read meanwhile */
    else
        tw_buf_append(&x->unread, rest); /* it fits: one chunk at a time is read */
    tw_tls_feed(x->tls, tw_buf_view(&x->unread));
}

static void choose_reading(struct tw_secure *x)
{
    bool shakes = x->phase == TW_SECURE_SHAKES_HANDS;
    bool talks = x->phase == TW_SECURE_TALKS || x->phase == TW_SECURE_IS_PLAIN;
    bool wants = shakes || (talks && x->wants_read);

    tw_stream_plain_want_read(&x->stream, wants && x->unread.len == 0 && !x->has_ended);
}

static void advance(struct tw_secure *x)
{
    while (!x->stream.is_closing && step(x)) {
    }
    if (x->stream.is_closing)
        return;
    keep_unread(x);
    if (x->phase == TW_SECURE_TALKS)
        (void)fly(x); /* what TLS itself answers; what is broken is noticed by reading */
    choose_reading(x);
}

bool tw_secure_begin(struct tw_stream *s, struct tw_tls *tls)
{
    struct tw_secure *x = secure_of(s);

    if (tls == NULL)
        return false;
    x->tls = tls;
    x->turn.run = on_turn;
    if (x->handshakes == NULL)
        return true; /* it goes on when it is connected */
    x->phase = TW_SECURE_SHAKES_HANDS;
    tw_after(loop_of(x), &x->limit, TW_HANDSHAKE_MS, on_limit);
    choose_reading(x);
    return true;
}

void tw_secure_go_on(struct tw_stream *s)
{
    struct tw_secure *x = secure_of(s);

    x->phase = TW_SECURE_SHAKES_HANDS;
    advance(x); /* the client speaks first */
}

void tw_secure_on_read(struct tw_stream *s, struct tw_slice bytes)
{
    struct tw_secure *x = secure_of(s);
    bool waits = x->phase == TW_SECURE_SHAKES_HANDS && x->handshakes != NULL;

    tw_tls_feed(x->tls, bytes);
    if (waits && !x->has_begun && bytes.at[0] != HANDSHAKE_RECORD) {
        stop_shaking(x);
        x->phase = TW_SECURE_IS_PLAIN;
        waits = false;
    }
    x->has_begun = true;
    if (!waits) {
        advance(x);
        return;
    }
    keep_unread(x);
    choose_reading(x);
    tw_handshakes_wait(x->handshakes, &x->turn);
}

void tw_secure_on_end(struct tw_stream *s, int err)
{
    end(secure_of(s), err);
}

void tw_secure_want_read(struct tw_stream *s, bool wants)
{
    struct tw_secure *x = secure_of(s);

    if (s->is_closing || wants == x->wants_read)
        return;
    x->wants_read = wants;
    if (wants && x->phase != TW_SECURE_SHAKES_HANDS)
        tw_later(loop_of(x), &x->resume, on_resume);
    else
        choose_reading(x);
}

bool tw_stream_lacks_tls(const struct tw_stream *s)
{
    return s->is_secure && secure_of(s)->phase == TW_SECURE_IS_PLAIN;
}

const char *tw_stream_why(const struct tw_stream *s, int err)
{
    const struct tw_secure *x = s->is_secure ? secure_of(s) : NULL;

    if (x != NULL && x->phase == TW_SECURE_SHAKES_HANDS)
        return "it does not answer in TLS";
    if (x == NULL || err != TW_ETLS)
        return tw_err_text(err);
    return tw_tls_problem(x->tls)[0] == '\0' ? "it ended the TLS handshake"
                                             : tw_tls_problem(x->tls);
}

/* --- its end
 * ---------------------------------------------------------------------------------- */

void tw_secure_close(struct tw_stream *s)
{
    struct tw_secure *x = secure_of(s);

    if (!s->is_finishing)
        tw_secure_say_end(s);
    stop_shaking(x);
    tw_later_cancel(&x->resume);
}

void tw_secure_free(struct tw_stream *s)
{
    struct tw_secure *x = secure_of(s);

    tw_tls_free(x->tls);
    tw_buf_done(&x->unread);
    tw_buf_done(&x->flying);
    free(x->parts);
    free(x);
}
