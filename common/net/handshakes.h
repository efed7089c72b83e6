/* handshakes.h - TLS handshakes that clients begin, each of which costs milliseconds of
 * processor time: a few in a turn of the loop, and so many from one address.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/util/buckets.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define TW_HANDSHAKES_AT_ONCE 200 /* one address, which a whole chain of shops may have */
#define TW_HANDSHAKES_A_SECOND 20
#define TW_HANDSHAKE_ADDRESSES 10000
#define TW_HANDSHAKE_MS 10000

/* Who waits for a turn; embedded in it. */
struct tw_handshake {
    struct tw_list link;
    void (*run)(struct tw_handshake *h); /* a step; it may ask for another one */
};

/* Embedded in the listener; zero, then tw_handshakes_start. */
struct tw_handshakes {
    struct tw_loop *loop;
    struct tw_list waiting;
    struct tw_later turn;
    struct tw_buckets addresses;
    struct tw_metric done, failed, refused;
};

extern const struct tw_metric_table tw_handshakes_metrics;

void tw_handshakes_start(struct tw_handshakes *all, struct tw_loop *loop);
void tw_handshakes_stop(struct tw_handshakes *all); /* those that have begun go on */

/* Whether a client at `address` may begin one. */
bool tw_handshakes_allows(struct tw_handshakes *all, struct tw_slice address);

/* Run `h` once, when it is its turn: in the order of asking, four in a turn of the loop. */
void tw_handshakes_wait(struct tw_handshakes *all, struct tw_handshake *h);
void tw_handshakes_leave(struct tw_handshake *h); /* fine when it does not wait */
