/* stream_state.h - what stream.c and stream_tls.c know of a stream; nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/handshakes.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

struct tw_stream_owner;

/* libuv's requests are larger than all that we know of a connection, and most connections have
 * none: each lives from its start to its callback, which comes in any case, with UV_ECANCELED
 * when the handle is closed. */
struct tw_stream {
    struct tw_stream_owner *owner;
    bool is_unix : 1, is_connecting : 1, is_writing : 1, is_finishing : 1, is_reading : 1,
        is_closing : 1, has_inherited : 1;
    bool is_secure : 1; /* it is the last member of a tw_secure, which is between it and its
                           owner */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe; /* the largest; a TCP stream ends before its last members */
    } uv;
};

enum tw_secure_phase {
    TW_SECURE_CONNECTS,
    TW_SECURE_SHAKES_HANDS,
    TW_SECURE_TALKS,
    TW_SECURE_IS_PLAIN, /* a client that spoke without TLS, and is answered so */
    TW_SECURE_FAILED,
};

/* A stream with TLS. Bytes of the peer wait in `unread` when nobody wants to read them, or
 * while its handshake waits for a turn; while any wait, no more are read. What we say is
 * encrypted as the kernel takes it, so that little of it is here twice. */
struct tw_secure {
    struct tw_tls *tls;
    struct tw_handshakes *handshakes; /* of a server; else null */
    struct tw_handshake turn;
    struct tw_deadline limit; /* of a server's handshake */
    struct tw_later resume;
    enum tw_secure_phase phase;
    bool wants_read;
    bool has_begun, has_ended; /* to speak; the peer */
    bool is_saying;            /* the owner's write is not done, and on_written follows */
    struct tw_buf unread;      /* at most TW_READ_CHUNK */
    struct tw_buf flying;      /* what the kernel has not taken yet */
    struct tw_slice *parts;    /* what is to be encrypted still, and how many there are */
    size_t part_at, part_count;
    struct tw_stream stream; /* the last one: it is shorter than its type (see above) */
};

/* For stream_tls.c: the stream without TLS. */
void tw_stream_plain_want_read(struct tw_stream *s, bool wants);
int tw_stream_plain_write(struct tw_stream *s, const struct tw_slice *parts, size_t n);

/* For stream.c: what stands in for the owner of a stream that is_secure. */
bool tw_secure_begin(struct tw_stream *s,
                     struct tw_tls *tls);  /* takes; false when it is null */
void tw_secure_go_on(struct tw_stream *s); /* it is connected */
void tw_secure_on_read(struct tw_stream *s, struct tw_slice bytes);
void tw_secure_on_end(struct tw_stream *s, int err);
void tw_secure_on_written(struct tw_stream *s, int err);
void tw_secure_want_read(struct tw_stream *s, bool wants);
int tw_secure_write(struct tw_stream *s, const struct tw_slice *parts, size_t n);
size_t tw_secure_pending(const struct tw_stream *s); /* beside what libuv has */
void tw_secure_say_end(struct tw_stream *s);
void tw_secure_close(struct tw_stream *s); /* nothing runs any more */
void tw_secure_free(struct tw_stream *s);  /* all of it */
