/* fake_till.c - sockets without a network.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/fake_till.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"

static struct till *till_of(const struct gw_transport *w)
{
    return tw_container_of((uintptr_t)w, struct till, transport);
}

static bool is_writable(const struct gw_transport *w)
{
    return till_of(w)->room > 0;
}

static void send_frame(struct gw_transport *w, struct gw_frame *f)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    heard_add(&t->heard, gw_frame_payload(f));
    gw_frame_unref(t->last);
    t->last = gw_frame_ref(f);
    t->room -= t->room > 0 ? 1 : 0;
}

static void close_transport(struct gw_transport *w, unsigned code, const char *reason)
{
    struct till *t = till_of(w);

    assert_int_equal(t->close_code, 0);
    assert_true(strlen(reason) > 0 && strlen(reason) <= 123);
    t->close_code = code;
}

static uint64_t taken(const struct gw_transport *w)
{
    return till_of(w)->taken;
}

static const struct gw_transport_ops ops = {
    .is_writable = is_writable, .taken = taken, .send = send_frame, .close = close_transport
};

static void on_changed(struct gw_hub *h)
{
    tw_container_of(h, struct tenant, hub)->changes++;
}

int open_tenant(void **state)
{
    static const struct gw_tenant kitchen = { .id = "69fb5687-044a-48af-ac0e-d6b817aec684",
                                              .slug = "kitchen" };
    struct tenant *t = tw_new(struct tenant);

    t->text.max = 1048576;
    t->log.is_stopped = true;
    t->log.rows.max = 65536;
    t->log.options.instance = "g1";
    t->dialects = (struct gw_dialects){ .rows = { { &gw_orderweb, NULL } }, .count = 1 };
    gw_sessions_start(&t->all, &(struct gw_sessions_options){ .dialects = &t->dialects,
                                                              .log = &t->log,
                                                              .queue_bytes = QUEUE_BYTES,
                                                              .message_bytes = MESSAGE_BYTES });
    gw_memory_init(&t->memory, 10000000);
    gw_hub_init(&t->hub, &kitchen, &t->memory, 1000000, on_changed);
    t->all.now_ms = 1000000;
    for (size_t i = 0; i < TILLS; i++)
        t->tills[i] = (struct till){ .transport = { &ops }, .heard = { .max = 1048576 } };
    *state = t;
    return 0;
}

void leave(struct till *till)
{
    if (till->session != NULL)
        gw_session_free(till->session, 0, NULL);
    till->session = NULL;
}

int close_tenant(void **state)
{
    struct tenant *t = *state;

    for (size_t i = 0; i < TILLS; i++) {
        leave(&t->tills[i]);
        gw_frame_unref(t->tills[i].last);
        tw_buf_done(&t->tills[i].heard);
    }
    gw_hub_done(&t->hub);
    gw_sessions_done(&t->all);
    gw_sync_log_done(&t->log);
    tw_buf_done(&t->text);
    free(t);
    return 0;
}

static struct till *start(struct tenant *t, size_t i, bool resumes, uint64_t since)
{
    static const struct gw_hello hello;
    static const struct gw_identity who;
    struct till *till = &t->tills[i];

    tw_buf_clear(&till->heard);
    till->close_code = 0;
    till->room = UINT64_MAX;
    till->session = gw_dialect_open(&t->dialects, &gw_orderweb, &hello, &who);
    gw_session_start(till->session, &t->all,
                     &(struct gw_session_options){ .dialect = &gw_orderweb,
                                                   .transport = &till->transport,
                                                   .who = &who,
                                                   .resumes = resumes,
                                                   .since = since });
    return till;
}

struct till *connect_till(struct tenant *t, size_t i)
{
    return start(t, i, false, 0);
}

struct till *join_live(struct tenant *t, size_t i)
{
    struct till *till = start(t, i, false, 0);

    gw_hub_join(&t->hub, till->session);
    turn(t, 0);
    return till;
}

struct till *join_since(struct tenant *t, size_t i, uint64_t since)
{
    struct till *till = start(t, i, true, since);

    gw_hub_join(&t->hub, till->session);
    turn(t, 0);
    return till;
}

void turn(struct tenant *t, uint64_t later_ms)
{
    t->all.now_ms += later_ms;
    gw_hub_fan_out(&t->hub);
}

void say(struct tenant *t, struct till *till, const char *json)
{
    gw_session_text(till->session, tw_slice_of(json));
    turn(t, 0);
}

enum gw_admit arrive_large(struct tenant *t, uint64_t seq, size_t extra)
{
    struct tw_event ev = event_of(&t->text, seq, extra);
    enum gw_admit admitted = gw_stream_arrive(&t->hub.stream, &ev);

    turn(t, 0);
    return admitted;
}

enum gw_admit arrive(struct tenant *t, uint64_t seq)
{
    return arrive_large(t, seq, 0);
}

void arrive_all(struct tenant *t, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_int_equal(arrive(t, seq), GW_ADMIT_NOW);
}

void gap_answer(struct tenant *t, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        struct tw_event ev = event_of(&t->text, seq, 0);

        (void)gw_stream_read(&t->hub.stream, &ev);
    }
    gw_hub_log_end(&t->hub);
    turn(t, 0);
}

void gap_read(struct tenant *t, uint64_t first, uint64_t last)
{
    gw_hub_log_read(&t->hub);
    gap_answer(t, first, last);
}
