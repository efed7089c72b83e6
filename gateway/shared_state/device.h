/* device.h - what MiniPOS tablets and cloud sync devices have in common: a client of the
 * restaurant's shared state (docs/shared_state.md), which shows it and changes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/domain/operation.h"
#include "common/util/list.h"
#include "common/util/lru.h"
#include "common/util/ratelimit.h"
#include "gateway/dialect/command.h"
#include "gateway/dialect/principal.h"
#include "gateway/shared_state/snapshots.h"
#include "gateway/shared_state/staff_keys.h"
#include "gateway/stream/session.h"

#define GW_DEVICE_ALL_CHANGES 4096
#define GW_DEVICE_CHANGE_BYTES ((size_t)8 * 1024 * 1024)
#define GW_DEVICE_CHANGES 64
#define GW_RECENT_CHANGES 32
#define GW_OWN_CHANGES 32

struct gw_device;
struct gw_presence_group;
struct gw_shared_state;
/* A device has come, has said who its user is, or is about to go (has_left). */
typedef void (*gw_shared_state_changed_cb)(struct gw_shared_state *all, struct gw_device *d,
                                           bool has_left);

struct gw_shared_state_options {
    struct tw_operations *operations;   /* kept */
    gw_shared_state_changed_cb changed; /* may be null */
    size_t message_bytes;               /* of a device's longest message */
    const char *staff_key;              /* a setting; only read at the start */
};

/* What all devices of a process share; embedded in its state. */
struct gw_shared_state {
    struct tw_operations *operations;
    gw_shared_state_changed_cb changed;
    size_t message_bytes;
    struct gw_snapshots snapshots;
    struct tw_list devices;
    struct gw_staff_keys staff_keys;
    struct tw_metric refusals; /* of changes and of messages that are passed on */
    struct tw_lru held;        /* "<tenant> <name>" of devices that are sent no lists */
};

extern const struct tw_metric_table gw_shared_state_metrics;

void gw_shared_state_start(struct gw_shared_state *all,
                           const struct gw_shared_state_options *options);
void gw_shared_state_done(struct gw_shared_state *all); /* when no device is left */

/* A change of another device that this one was sent. */
struct gw_recent_change {
    uint64_t row; /* a hash */
    uint64_t at_ms;
};

/* A change of its own that was stored. */
struct gw_own_change {
    uint64_t seq; /* the stream's last one, after it */
    uint64_t said_ms;
};

struct gw_device {
    struct gw_session session; /* first, so that gw_device_of is a cast */
    struct gw_shared_state *all;
    struct tw_list link;             /* among all devices */
    struct gw_presence_group *group; /* presence.c's; null: it is not told of yet */
    struct tw_list in_group;
    struct gw_principal principal;
    struct gw_commands commands;
    struct gw_snapshot_reader snapshots; /* that its client asks for */
    struct gw_snapshot_reader follow;    /* that it needs to follow an event */
    struct gw_shown shown[GW_LISTS];
    char connection[33]; /* the id of this connection: origin.session of what it changes */
    char user[64];       /* as it named itself; may be empty */
    char restaurant[64]; /* the restaurant as it wrote it; empty: as we do */
    int64_t since_ms;    /* wall clock */
    bool is_held;        /* it is sent no lists: gw_device_hold */
    bool has_spoken;     /* before, a tablet has no name */
    bool keeps_trying;   /* its client does not send a refused change again */
    bool is_one_by_name; /* all connections that give its name are one device */
    struct gw_recent_change recent_changes[GW_RECENT_CHANGES]; /* a ring */
    size_t recent_count;
    struct gw_own_change own_changes[GW_OWN_CHANGES]; /* a ring */
    size_t own_count;
    struct tw_bucket relays; /* of messages that are passed on */
    uint64_t full_ms;        /* since when its changes have waited unread; 0: they have not */
};

struct gw_device *gw_device_of(struct gw_session *s);

/* --- Hooks of the dialects' rows (dialect.h) -------------------------------------------------
 */

/* `family` is the struct gw_shared_state. */
struct gw_session *gw_device_open(void *family, const struct gw_hello *hello,
                                  const struct gw_identity *who);
void gw_device_closed(struct gw_session *s);
bool gw_device_may_read(const struct gw_session *s);  /* not while too many changes wait */
bool gw_device_may_send(const struct gw_session *s);  /* not while a snapshot is due */
size_t gw_device_longest(const struct gw_session *s); /* devices send pictures */
void gw_device_relayed(struct gw_session *s, struct tw_slice from, struct gw_frame *f);

/* No document has a greeting: nothing is sent. */
void gw_device_greet(struct gw_session *s, uint64_t seq, uint64_t oldest);

/* How it hears an event of a kind that its dialect shows, about a row of `list`. What it
 * changed on this connection only when it was sent another change of the same row, or the whole
 * list, shortly before it said so, or later: the two may have crossed, and it would keep the
 * older one. Everything
 * else, also what it changed on an earlier connection: that may have been stored after the
 * state that it has loaded on this one. */
enum gw_hearing gw_device_hears(struct gw_session *s, const struct tw_event *ev, int list);

/* Whether it was made on this connection. */
bool gw_device_made(const struct gw_session *s, const struct tw_event *ev);

/* The name that it has for its restaurant, where that is not ours. */
const char *gw_device_variant(const struct gw_session *s);

/* The dialect's rendering for this device alone: with the name that it has for its restaurant,
 * and without an origin that names it, since it drops such messages. */
void gw_device_render_private(struct gw_session *s, const struct tw_event *ev,
                              struct gw_batch *out);

/* --- What a dialect does for its device ------------------------------------------------------
 */

/* Change the state: `body` is that of shared_state_change. `answered` hears how it went; `note`
 * is kept with it. False when too many changes wait. */
bool gw_device_change(struct gw_device *d, struct tw_slice body, struct tw_slice note,
                      gw_command_cb answered);

/* Another operation, among its changes: one after the other. */
bool gw_device_operate(struct gw_device *d, const char *operation, bool writes,
                       struct tw_slice body, struct tw_slice note, gw_command_cb answered);

/* The device whose change a gw_command_cb is about. */
struct gw_device *gw_device_of_commands(struct gw_commands *q);

/* Its user, as it says; a name that is too long is none. */
void gw_device_set_user(struct gw_device *d, struct tw_slice user);

void gw_device_want_snapshot(struct gw_device *d, const struct gw_snapshot_kind *kind,
                             const char *body);

/* A change of it was refused, but it shows the change: a list of ours would undo that without a
 * word. It is sent none any more under its name, whatever connection it uses. */
void gw_device_hold(struct gw_device *d);
void gw_device_named(struct gw_device *d); /* session.device was set */

/* In place of an event, which the snapshot will contain; from `hears`. Events wait for it. */
void gw_device_follow(struct gw_device *d, const struct gw_snapshot_kind *kind,
                      const char *body, uint64_t seq);

/* A reading that it follows was refused: it would miss a change, so it is closed with 1013. */
void gw_device_lost(struct gw_session *s, const struct tw_outcome *outcome);

/* gw_device_follow for an event that has the names of pictures: it is read with the pictures,
 * and rendered for the device then. `hearing` when it has none. */
enum gw_hearing gw_device_hears_pictures(struct gw_device *d, const struct tw_event *ev,
                                         enum gw_hearing hearing);

/* Why a longer message than gw_device_longest was skipped; with a NUL. */
void gw_device_put_too_long(struct tw_buf *out, const struct gw_session *s);

/* Append the members code, message and (where there are any) details of a refused outcome: the
 * operation's own, or those of refusal.h. */
void gw_device_put_refusal(struct tw_buf *out, const struct tw_outcome *outcome);
