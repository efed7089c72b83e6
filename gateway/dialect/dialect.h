/* dialect.h - what the gateway has to know of a wire dialect: one file each, one row each.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/net/http_message.h"
#include "common/util/buf.h"
#include "gateway/dialect/batch.h"

struct gw_session;

/* Who a rendered message is for. */
struct gw_tenant {
    char id[37]; /* UUID text */
    char slug[64];
};

/* What a handshake says of itself. Slices are lent with the request. */
struct gw_hello {
    struct tw_slice
        tenant;        /* slug in the address, still percent-encoded; empty: the key's own */
    const char *scope; /* what the key must be allowed */
    bool hears_all;    /* asked for events that its documents do not name */
    bool resumes;      /* behind `since`, the last seq that it has seen */
    uint64_t since;
    bool is_device; /* of the restaurant's house: it may change what all share */
    char device[128], user[64], named[64]; /* as the address says: itself, its restaurant */
    const char *refusal; /* the code of a refusal when the address makes no sense; else null */
};

struct gw_dialect {
    const char *name;   /* in logs and metrics: "orderweb" */
    const char *labels; /* its metric's label */

    /* Whether this request is a handshake of this dialect; fills `hello` then. */
    bool (*claims)(const struct tw_http_request *req, struct gw_hello *hello);

    /* The session is in its tenant's stream, whose head is `seq` and whose oldest event that is
     * still kept is `oldest`: say hello. */
    void (*greet)(struct gw_session *s, uint64_t seq, uint64_t oldest);

    /* What it asked to resume from is not kept any more, or never was: it has to fetch the
     * state and hears what comes behind `seq`. */
    void (*resync)(struct gw_session *s, uint64_t seq, uint64_t oldest);

    /* A text message: strict JSON, compact, lent. */
    void (*message)(struct gw_session *s, struct tw_slice json);

    /* Text that is no JSON. */
    void (*malformed)(struct gw_session *s, const char *why);

    bool (*hears)(const struct gw_session *s, const struct tw_event *ev);

    /* An event that it hears was handed to it, as `batch`. May be null. */
    void (*given)(struct gw_session *s, const struct tw_event *ev,
                  const struct gw_batch *batch);

    /* One event as 0..n messages, the same for all sessions that hear it. */
    void (*render)(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *out);
};

extern const struct gw_dialect gw_orderweb, gw_restaurant_os_dialect, gw_cloudsync, gw_minipos;

#define GW_DIALECTS 4

/* The row at an index below GW_DIALECTS, and a row's index. */
const struct gw_dialect *gw_dialect_at(size_t index);
size_t gw_dialect_index(const struct gw_dialect *d);

/* The dialect of a handshake; null when nobody claims it. */
const struct gw_dialect *gw_dialect_of(const struct tw_http_request *req,
                                       struct gw_hello *hello);
