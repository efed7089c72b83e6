/* holders.h - what has let sessions in: an API key, a tenant's tokens, or nothing at all where
 * a tenant allows that. Whoever revokes one of them finds its sessions here, without a look at
 * all the others.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/util/crypto.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/slice.h"
#include "gateway/dialect/dialect.h"

enum gw_holder_kind { GW_HOLDS_KEY, GW_HOLDS_TOKEN, GW_HOLDS_NOTHING };

/* Lives as long as it has a session. */
struct gw_holder {
    struct gw_holders *all;
    struct tw_list link;     /* among all of its kind */
    int64_t expires_ms;      /* of a key: wall clock; 0: never. A token is its session's own */
    struct tw_list sessions; /* by their `held` */
    enum gw_holder_kind kind : 8;
    char id[37]; /* of the key; else of the tenant */
    char key_hash[TW_SHA256_HEX];
    char slug[]; /* of the tenant */
};

/* Embedded in what all sessions share. */
struct gw_holders {
    struct tw_map by_id[GW_HOLDS_NOTHING + 1]; /* of each kind */
    struct tw_list of_kind[GW_HOLDS_NOTHING + 1];
};

void gw_holders_start(struct gw_holders *all);
void gw_holders_done(struct gw_holders *all); /* when no session is left */

/* Add a session by its link; a key's expiry is what was said of it last. */
struct gw_holder *gw_holders_join(struct gw_holders *all, const struct gw_identity *who,
                                  struct tw_list *held);
void gw_holders_leave(struct gw_holders *all, struct gw_holder *h, struct tw_list *held);

struct gw_holder *gw_holders_find(const struct gw_holders *all, enum gw_holder_kind kind,
                                  struct tw_slice id); /* null: it has no session */
