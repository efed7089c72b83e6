/* alive.h - a process says to PostgreSQL every few seconds that it lives, and how it is
 * (pos.process): for whoever looks at all of them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/pg_conn.h"
#include "common/util/buf.h"
#include "common/util/clock.h"

struct tw_alive;
struct tw_daemon;

struct tw_alive_options { /* all are kept */
    struct tw_daemon *daemon;
    /* Send the call; false: there is no connection to send it on. */
    bool (*send)(struct tw_daemon *d, struct tw_pg_call *call);
    /* Append members of an object: what is particular to this kind of process. */
    void (*detail)(struct tw_daemon *d, struct tw_buf *out);
};

/* Embedded in the process's state. */
struct tw_alive {
    struct tw_alive_options options;
    char id[37]; /* of this process, a UUID; from tw_alive_start on */
    char started_at[TW_TIME_TEXT];
    struct tw_buf said;
    struct tw_pg_call call, farewell;
    struct tw_deadline tick;
    bool is_sending, is_stopped;
};

/* Says so at once, or as soon as it can. */
void tw_alive_start(struct tw_alive *a, const struct tw_alive_options *options);

/* Something has changed that others should know: say it now. */
void tw_alive_say(struct tw_alive *a);

/* It ends on purpose, and nobody has to miss it. */
void tw_alive_leave(struct tw_alive *a);
void tw_alive_stop(struct tw_alive *a);
void tw_alive_done(struct tw_alive *a);
