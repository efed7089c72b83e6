/* net.h - the other end of a connection, on the test's own loop; and waiting with patience.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

/* A loop for a test, and its end: everything on it must have been closed by then. */
struct tw_loop *net_loop_new(void);
void net_loop_free(struct tw_loop *loop);

/* Turn the loop until it is true; fails the test when that takes too long. */
#define await(loop, truth)                                                                     \
    for (patience_begin(loop); !(truth); patience_turn(#truth, __FILE__, __LINE__))            \
    continue
void patience_begin(struct tw_loop *loop);
void patience_turn(const char *truth, const char *file, int line);

/* Turn the loop for so long: to show that something does not happen. */
void net_idle(struct tw_loop *loop, uint64_t ms);

/* One end of a connection, without any of our code: it notes what it hears. */
struct end {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    struct tw_loop *loop;
    struct tw_buf heard;
    bool is_connected, is_finished;
    bool has_ended; /* the peer sent FIN, or broke off */
    int err;        /* how it broke off; 0 after FIN */
    int write_err;  /* the first write that failed; 0: all that was sent was taken */
    struct host *host;
    bool is_known; /* for servers: it has shown who it is */
    size_t number; /* the same: which one it was, from 1 */
};

/* Connect to an address as tw_address_parse reads it. */
struct end *end_connect(struct tw_loop *loop, const char *address);
void end_send(struct end *e, struct tw_slice bytes);
void end_say(struct end *e, const char *text);
int end_count(const struct end *e,
              const char *text); /* how often it stands in what was heard */
bool end_has(const struct end *e, const char *text);
void end_want_read(struct end *e, bool wants); /* at first it reads */
void end_finish(struct end *e);                /* sends FIN; still hears */
void end_reset(struct end *e);                 /* sends RST and goes; takes */
void end_close(struct end *e);                 /* takes; fine with null */

#define HOST_ENDS 32

/* A listener of the test, on a port of 127.0.0.1. */
struct host {
    uv_tcp_t listener;
    struct tw_loop *loop;
    struct end *ends[HOST_ENDS]; /* those that have come and are still here */
    size_t count, accepted;
    int port;
    void (*on_accepted)(struct end *e); /* may be null */
    void (*on_heard)(struct end *e);    /* more is in `heard`; may be null */
};

void host_start(struct host *h, struct tw_loop *loop, int port); /* 0: any free one */
void host_drop_all(struct host *h);                              /* closes all its ends */
void host_stop(struct host *h);                                  /* and listens no more */

int net_closed_port(void); /* of 127.0.0.1, where nobody listens */
