/* faults.h - what goes wrong with a device's delivery because somebody asked for it: an
 * integrator who tries a till in a sandbox (schema/functions/sandbox/sandbox_fault.sql).
 *
 * A session that is not disturbed has one bit for it. What is asked for concerns events alone:
 * greetings, answers and pings come as always. Were a ping of ours held back, its pong would be
 * missed, and the connection closed in the middle of the silence that was asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/util/list.h"
#include "common/util/slice.h"

#define GW_FAULTS 200                     /* sessions at once */
#define GW_FAULT_MS UINT64_C(60000)       /* for how long */
#define GW_FAULT_CLOSE_MIN UINT64_C(1000) /* which codes a session may be closed with */
#define GW_FAULT_CLOSE_MAX UINT64_C(4999)

struct gw_session;

/* Zero is "not that". */
struct gw_fault_wish {
    uint64_t drop;       /* so many of the next events are lost */
    uint64_t duplicate;  /* so many of the next events come twice */
    uint64_t delay_ms;   /* each event comes so long after it happened */
    uint64_t silent_ms;  /* no event comes for so long */
    uint64_t close_code; /* it is closed with this one */
};

struct gw_faults_options { /* all are kept */
    struct tw_loop *loop;
    /* It may go on: pump it. And: it is disturbed no more. A session is not known here. */
    void (*wake)(struct gw_session *s, uint64_t now_ms);
    void (*over)(struct gw_session *s);
};

/* Embedded in the process's state. */
struct gw_faults {
    struct gw_faults_options options;
    struct tw_list list;
    size_t count;
};

void gw_faults_start(struct gw_faults *f, const struct gw_faults_options *options);
void gw_faults_stop(struct gw_faults *f); /* nobody is disturbed any more */

/* From now on, in place of what was asked for before. False: it was not done, because so many
 * are disturbed already. */
bool gw_faults_disturb(struct gw_faults *f, struct gw_session *s,
                       const struct gw_fault_wish *wish);

/* --- For a session that is disturbed ---------------------------------------------------------
 */

/* Whether nothing is to be sent to it, whatever it could take. It wakes when that is over. */
bool gw_faults_is_silent(struct gw_faults *f, const struct gw_session *s);

/* Whether an event that happened then (RFC 3339) has to wait: it wakes when that need not. */
bool gw_faults_hold(struct gw_faults *f, const struct gw_session *s, struct tw_slice at);

/* Whether the next event is lost; whether it comes twice. Each answer uses one up. */
bool gw_faults_drop(struct gw_faults *f, const struct gw_session *s);
bool gw_faults_repeat(struct gw_faults *f, const struct gw_session *s);

/* It ends. */
void gw_faults_end(struct gw_faults *f, const struct gw_session *s);
