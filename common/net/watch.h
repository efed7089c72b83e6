/* watch.h - a socket that belongs to another library, watched by the loop.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"

struct tw_watch;

/* `status` is 0 or libuv's number; `events` are UV_READABLE and UV_WRITABLE. After an error the
 * socket is not watched until it is asked for again. */
typedef void (*tw_watch_cb)(void *owner, int status, int events);

/* Watch `socket` for `events` and for nothing else; `*w` is made when it is null. Asking for
 * what is watched already costs nothing. False when the system refuses. */
bool tw_watch(struct tw_loop *loop, struct tw_watch **w, int socket, int events,
              tw_watch_cb ready, void *owner);

/* End it, before the socket is closed or changes its number. Fine when it is null. */
void tw_watch_end(struct tw_watch **w);
