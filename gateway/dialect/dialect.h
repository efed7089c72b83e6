/* dialect.h - what the gateway knows of a wire dialect: one folder and one row for each.
 *
 * A row is const and its hooks are called by the stream (events out, messages in) and by the
 * admission (handshakes). gateway/dialects.c lists the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/net/http_message.h"
#include "gateway/dialect/batch.h"
#include "gateway/dialect/principal.h"

struct gw_frame;
struct gw_session;

/* The tenant that a session belongs to, and that a rendered message is for. */
struct gw_tenant {
    char id[37]; /* UUID text */
    char slug[64];
};

/* The result of an authentication. */
struct gw_identity {
    struct gw_tenant tenant;
    char key_id[37];                      /* of the API key; empty: a token, or no key */
    int64_t expires_ms;                   /* wall clock; 0: never */
    const struct gw_principal *principal; /* lent; who the client is for pos.call */
    struct tw_slice token;                /* lent; the signed token itself; empty: none */
    struct tw_slice device;               /* lent; as its ticket calls it; empty: it does not */
    struct tw_slice own_device;           /* lent; whose own the key is; empty: nobody's */
};

/* What a handshake says about its client. Slices are lent with the request. */
struct gw_hello {
    struct tw_slice tenant; /* slug in the path, still percent-encoded; empty: the key's own */
    const char *scope; /* what the key must be allowed: one of these, with commas between */
    bool hears_all;    /* it asked for events that its documents do not name */
    bool resumes;      /* after `since`, the last seq that it has seen */
    uint64_t since;
    bool since_is_empty;        /* `since` was there without a value: from now on */
    char device[128], user[64]; /* as it names itself; may be empty */
    char restaurant[64];        /* as its query names the restaurant; may be empty */
    bool by_message;            /* the credential came in its first message */
    const char *refusal; /* the code of a refusal when the address makes no sense; else null */
};

/* How a dialect's clients may authenticate besides an API key in the handshake. */
enum gw_policy {
    GW_TAKES_TOKENS = 1,         /* a signed token instead of a key */
    GW_TAKES_NO_KEY = 2,         /* nothing at all, where the tenant lets such devices in */
    GW_TAKES_FIRST_MESSAGES = 4, /* the credential in the first message (?auth=message) */
};

/* For a dialect whose clients, when their handshake has no credential, give it in their first
 * message without being asked for that (?auth=message). */
struct gw_first_words {
    /* What such a client hears as soon as it is connected: append a message. */
    void (*invite)(struct tw_buf *out);
    /* The credential of its first message (strict JSON, lent), onto `credential`; `hello` may
     * still change. False: there is none. */
    bool (*find)(struct tw_slice json, struct gw_hello *hello, struct tw_buf *credential);
    /* What it hears before it is closed: `code` of the refusal of its credential; null: it gave
     * none. */
    void (*refuse)(const char *code, struct tw_buf *out);
};

/* Whether a session hears an event, and how. */
enum gw_hearing {
    GW_SKIP,    /* it does not */
    GW_SHARED,  /* as all sessions of its dialect: rendered once for all */
    GW_VARIANT, /* as all that have its `variant`: render_private, once for them */
    GW_PRIVATE, /* in a form of its own: render_private */
};

struct gw_dialect {
    const char *name;                         /* in logs and metrics: "orderweb" */
    const char *labels;                       /* its metric's label */
    unsigned policy;                          /* of enum gw_policy */
    const struct gw_first_words *first_words; /* null: its clients must ask for that */

    /* Its clients do not open a WebSocket, but an event stream (text/event-stream): its frames
     * are bytes as they are, nothing is heard of them, and this is what they hear when nothing
     * happens. Null: WebSockets. */
    const char *heartbeat;

    /* Whether this request is a handshake of this dialect; fills `hello` then, which is zeroed
     * but for its scope, "pos". Null: its
     * clients arrive by another way than a WebSocket handshake. */
    bool (*claims)(const struct tw_http_request *req, struct gw_hello *hello);

    /* A client was admitted: gives the session, embedded in the dialect's own struct and zeroed
     * but for what is the dialect's. `family` is what the row's sessions share (see
     * gw_dialects); `hello` and `who` are lent. Null where claims is. */
    struct gw_session *(*open)(void *family, const struct gw_hello *hello,
                               const struct gw_identity *who);

    /* The session has ended, and this is the last call: free what `open` gave. */
    void (*closed)(struct gw_session *s);

    /* The session has joined its tenant's stream, whose head is `seq` and whose oldest event
     * that is still kept is `oldest`: greet it. */
    void (*greet)(struct gw_session *s, uint64_t seq, uint64_t oldest);

    /* The events that it asked to resume from are not kept any more, or never existed: it has
     * to fetch the state, and hears what comes after `seq`. */
    void (*resync)(struct gw_session *s, uint64_t seq, uint64_t oldest);

    /* Whether more may be read from the client now; null: always. */
    bool (*may_read)(const struct gw_session *s);

    /* Whether events may be sent to it now; null: always. */
    bool (*may_send)(const struct gw_session *s);

    /* The longest message that it may send, where that is longer than other dialects'; one that
     * is longer still is skipped, and `too_long` tells. Null, both: as others. */
    size_t (*longest)(const struct gw_session *s);
    void (*too_long)(struct gw_session *s);

    /* A text message: strict JSON, compact, lent. */
    void (*message)(struct gw_session *s, struct tw_slice json);

    /* A text message that is not JSON. */
    void (*malformed)(struct gw_session *s, const char *why);

    /* What all its sessions have to know of an event to say whether they hear it: asked once
     * for an event, and given to `hears`. Null: nothing. */
    unsigned (*audience)(const struct tw_event *ev);
    enum gw_hearing (*hears)(struct gw_session *s, const struct tw_event *ev,
                             unsigned audience);

    /* An event was sent to it, as `batch`. May be null. */
    void (*sent)(struct gw_session *s, const struct tw_event *ev, const struct gw_batch *batch);

    /* A message that another session of the tenant passes on; `from` names that one's
     * connection. Null: the dialect relays nothing. */
    void (*relayed)(struct gw_session *s, struct tw_slice from, struct gw_frame *f);

    /* One event as 0..n messages, the same for all sessions that share it. */
    void (*render)(const struct gw_tenant *tenant, const struct tw_event *ev,
                   struct gw_batch *out);

    /* What tells its form apart when it hears an event as GW_VARIANT; lent, never empty. Null
     * where `hears` never says so. */
    const char *(*variant)(const struct gw_session *s);

    /* The same for one session that hears it GW_PRIVATE or GW_VARIANT. Null where `hears` never
     * says so. */
    void (*render_private)(struct gw_session *s, const struct tw_event *ev,
                           struct gw_batch *out);
};

#define GW_MAX_DIALECTS 6

/* The dialects of a process: a row, and what its sessions share (kept; null: nothing). */
struct gw_dialects {
    struct {
        const struct gw_dialect *dialect;
        void *family;
    } rows[GW_MAX_DIALECTS];
    size_t count;
};

/* The position of a dialect among the rows. */
size_t gw_dialect_index(const struct gw_dialects *all, const struct gw_dialect *d);

/* The dialect of a handshake, with `hello` filled; null when none claims it. The rows are asked
 * in their order: from the most particular address to the most general one. */
const struct gw_dialect *gw_dialect_of(const struct gw_dialects *all,
                                       const struct tw_http_request *req,
                                       struct gw_hello *hello);

/* ?since=<seq>: the client resumes after it. For `claims`. */
void gw_hello_read_since(const struct tw_http_request *req, struct gw_hello *hello);

/* A session of this dialect, as `open` gives it. */
struct gw_session *gw_dialect_open(const struct gw_dialects *all, const struct gw_dialect *d,
                                   const struct gw_hello *hello, const struct gw_identity *who);
