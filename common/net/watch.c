/* watch.c - libuv's poll handle, which outlives its owner until libuv has closed it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/watch.h"

#include <stdlib.h>

#include "common/util/base.h"

struct tw_watch {
    uv_poll_t handle;
    tw_watch_cb ready; /* null once it has ended */
    void *owner;
    int events; /* that are watched: libuv would ask the kernel again for the same */
};

static void on_closed(uv_handle_t *handle)
{
    free(tw_container_of((uv_poll_t *)(void *)handle, struct tw_watch, handle));
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct tw_watch *w = tw_container_of(handle, struct tw_watch, handle);

    if (w->ready == NULL)
        return;
    if (status < 0)
        w->events = 0; /* libuv has stopped it */
    w->ready(w->owner, status, events);
}

bool tw_watch(struct tw_loop *loop, struct tw_watch **w, int socket, int events,
              tw_watch_cb ready, void *owner)
{
    if (*w == NULL) {
        struct tw_watch *made = tw_new(struct tw_watch);

        if (uv_poll_init(&loop->uv, &made->handle, socket) != 0) {
            free(made);
            return false;
        }
        made->ready = ready;
        made->owner = owner;
        *w = made;
    }
    if ((*w)->events == events)
        return true;
    (*w)->events = events;
    return uv_poll_start(&(*w)->handle, events, on_poll) == 0;
}

void tw_watch_end(struct tw_watch **w)
{
    if (*w == NULL)
        return;
    (*w)->ready = NULL;
    uv_close((uv_handle_t *)&(*w)->handle, on_closed);
    *w = NULL;
}
