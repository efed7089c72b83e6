/* http_site.h - an HTTP server of ours on a loop, with pages for every way to answer.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_conn.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "test/unit/support/net.h"

#define SITE_WAITING 8

struct site;

/* A request that is answered later. */
struct site_waiter {
    struct tw_http_waiter waiter;
    struct tw_http_conn *conn; /* null once it is answered or its client has gone */
    struct site *site;
    char path[32];
};

/* `/wait…` is answered by site_release (`/wait-dropped` without its request), `/take` gives its
 * stream away, `/large` has a body of SITE_LARGE bytes, `/huge` one that no answer may have,
 * `/close` says goodbye; all others get "METHOD path body". */
struct site {
    struct tw_http_server http; /* first: the handler finds the site by it */
    struct tw_listener listener;
    struct tw_loop *loop;
    char address[32];
    struct site_waiter waiting[SITE_WAITING];
    size_t waiting_count, gone; /* all that ever waited, and whose client left */
    size_t handled;
    struct tw_stream *taken;
    struct tw_stream_owner taken_owner;
    struct tw_buf rest; /* what came with the stream that was taken */
};

#define SITE_LARGE ((size_t)24 * 1024 * 1024)
#define SITE_HUGE ((size_t)65 * 1024 * 1024)

struct site *site_new(void); /* limits that a test may change before its first request */
void site_free(struct site *s);

struct end *site_visit(struct site *s); /* connected */

/* Answer the oldest waiter, with its path. */
void site_release(struct site *s);
