/* fake_gateway.h - a gateway with its hubs, without its sockets: PostgreSQL and Redis are the
 * test's (fake_pool.h, fake_link.h), and so are the ends of its clients.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/operation.h"
#include "gateway/dialects.h"
#include "gateway/orderweb/acks.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/transport.h"
#include "test/unit/gateway/support/fake_link.h"
#include "test/unit/gateway/support/fake_pool.h"
#include "test/unit/gateway/support/rendering.h"

#define CLIENTS 4
#define KITCHEN_CHANNEL "tw:t:" KITCHEN_ID

/* A client's end of its connection. */
struct client {
    struct gw_transport transport;
    struct gw_session *session; /* null: not connected */
    struct tw_buf heard;        /* each frame on a line, see put_without_now */
    bool is_full;               /* its socket takes no more */
    unsigned close_code;        /* 0: open */
    unsigned begun;             /* how often it was to be read from again */
};

struct gateway {
    struct tw_loop *loop;
    struct tw_pg_pool pool;
    struct tw_redis publisher;
    struct tw_operations operations;
    struct gw_shared_state shared_state;
    struct gw_tills tills;
    struct gw_dialects dialects;
    struct gw_sync_log log; /* stopped */
    struct gw_sessions sessions;
    struct gw_hubs hubs;
    struct client clients[CLIENTS];
    struct tw_buf text;    /* of the last event */
    struct tw_buf control; /* messages of the control channel */
    unsigned device_changes;
    void (*on_device)(struct gw_device *d, bool has_left); /* may be null */
};

/* Set-up and teardown of cmocka: Redis is there. */
int open_gateway(void **state);
int close_gateway(void **state);

/* What was noted for the end of this turn of the loop. */
void end_turn(struct gateway *g);

/* The moment of a deadline, which must be set. */
void come_to(struct gateway *g, struct tw_deadline *d);

/* A client has been admitted: its session joins the hub of the kitchen. Its dialect gets
 * `hello`. */
struct client *admit(struct gateway *g, size_t i, const struct gw_dialect *dialect,
                     const struct gw_hello *hello, const struct gw_identity *who);

/* The log's answer to a reading of a head. */
void answer_head(struct gateway *g, const char *head, const char *oldest);

/* The stream of the kitchen begins: the subscription is confirmed, and the head read. */
void begin_stream(struct gateway *g, const char *head, const char *oldest);

/* The same, with a key, and a stream that has begun at 16: a tablet, and a cloud sync device
 * with this name that calls the restaurant so. */
struct client *connect_tablet(struct gateway *g, size_t i);
struct client *connect_device(struct gateway *g, size_t i, const char *name,
                              const char *restaurant);

/* An OrderWeb till of the kitchen, whose stream need not have begun. */
struct client *connect_orderweb(struct gateway *g, size_t i, bool resumes, uint64_t since);

/* Its connection ends. */
void leave_gateway(struct client *c);

/* It says this. */
void tell(struct gateway *g, struct client *c, const char *json);

/* Redis brings the event. */
void publish(struct gateway *g, uint64_t seq, const char *type, const char *origin,
             const char *data);

/* The same with an order that OrderWeb tills hear of. */
void publish_order(struct gateway *g, uint64_t seq);

/* The log's answer to a reading: such orders, and whether there are more; it has dropped those
 * below `oldest`. */
void answer_log(struct gateway *g, uint64_t oldest, uint64_t first, uint64_t last,
                bool has_more);

/* What an OrderWeb till has heard since the last time, in words: see heard_add. */
#define assert_seqs(client, want) check_seqs((client), (want), __FILE__, __LINE__)
void check_seqs(struct client *c, const char *want, const char *file, int line);

/* All that it has heard since the last time. */
#define assert_heard(client, want) check_heard((client), (want), __FILE__, __LINE__)
void check_heard(struct client *c, const char *want, const char *file, int line);
