/* fake_gateway.c - the parts of a gateway, put together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/fake_gateway.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/domain/publish.h"
#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"
#include "gateway/shared_state/cloudsync.h"
#include "gateway/shared_state/minipos.h"
#include "gateway/websocket/frame.h"
#include "test/unit/support/net.h"
#include "test/unit/support/stream_events.h"

#define BYTES ((size_t)1024 * 1024)

static struct client *client_of(const struct gw_transport *t)
{
    return tw_container_of((uintptr_t)t, struct client, transport);
}

static bool is_writable(const struct gw_transport *t)
{
    return !client_of(t)->is_full;
}

static void send_frame(struct gw_transport *t, struct gw_frame *f)
{
    struct client *c = client_of(t);

    assert_int_equal(c->close_code, 0);
    put_without_now(&c->heard, gw_frame_payload(f));
    tw_buf_char(&c->heard, '\n');
}

static void close_transport(struct gw_transport *t, unsigned code, const char *reason)
{
    struct client *c = client_of(t);

    assert_int_equal(c->close_code, 0);
    assert_true(strlen(reason) > 0);
    c->close_code = code;
}

static void begin(struct gw_transport *t)
{
    client_of(t)->begun++;
}

static const struct gw_transport_ops transport_ops = {
    .is_writable = is_writable, .send = send_frame, .close = close_transport, .begin = begin
};

static void on_control(struct gw_hubs *hubs, char *at, size_t len)
{
    struct gateway *g = tw_container_of(hubs, struct gateway, hubs);

    tw_buf_append(&g->control, tw_slice_from(at, len));
    tw_buf_char(&g->control, '\n');
}

static void on_device(struct gw_shared_state *all, struct gw_device *d, bool has_left)
{
    struct gateway *g = tw_container_of(all, struct gateway, shared_state);

    g->device_changes++;
    if (g->on_device != NULL)
        g->on_device(d, has_left);
}

static void start_hubs(struct gateway *g)
{
    int r = gw_hubs_start(&g->hubs, &(struct gw_hubs_options){ .loop = g->loop,
                                                               .pool = &g->pool,
                                                               .publisher = &g->publisher,
                                                               .sessions = &g->sessions,
                                                               .control = on_control,
                                                               .redis_url = "redis://nowhere",
                                                               .backlog_bytes = BYTES,
                                                               .events_bytes = 16 * BYTES });

    assert_int_equal(r, 0);
    fake_link_goes_up(&g->hubs.subscriber);
    assert_commands(&g->hubs.subscriber, "SUBSCRIBE tw:control\n");
}

int open_gateway(void **state)
{
    struct gateway *g = tw_new(struct gateway);

    g->loop = net_loop_new();
    g->control.max = BYTES;
    fake_pool_start(&g->pool, g->loop);
    fake_link_init(&g->publisher);
    tw_operations_start(&g->operations,
                        &(struct tw_operations_options){
                            .loop = g->loop, .pool = &g->pool, .publisher = &g->publisher });
    gw_shared_state_start(&g->shared_state,
                          &(struct gw_shared_state_options){ .operations = &g->operations,
                                                             .staff_key = "",
                                                             .changed = on_device });
    g->tills.operations = &g->operations;
    g->dialects = gw_all_dialects(&g->tills, &g->shared_state, NULL);
    g->log.is_stopped = true;
    gw_sessions_start(&g->sessions, &(struct gw_sessions_options){ .dialects = &g->dialects,
                                                                   .log = &g->log,
                                                                   .queue_bytes = BYTES,
                                                                   .message_bytes = BYTES });
    start_hubs(g);
    for (size_t i = 0; i < CLIENTS; i++)
        g->clients[i] =
            (struct client){ .transport = { &transport_ops }, .heard = { .max = BYTES } };
    *state = g;
    return 0;
}

void leave_gateway(struct client *c)
{
    if (c->session != NULL)
        gw_session_free(c->session, 0, NULL);
    c->session = NULL;
}

int close_gateway(void **state)
{
    struct gateway *g = *state;

    for (size_t i = 0; i < CLIENTS; i++) {
        leave_gateway(&g->clients[i]);
        tw_buf_done(&g->clients[i].heard);
    }
    gw_hubs_stop(&g->hubs);
    while (fake_pool_count(&g->pool) > 0)
        fake_pool_fail(&g->pool, -1, "");
    gw_hubs_done(&g->hubs);
    tw_operations_done(&g->operations);
    gw_shared_state_done(&g->shared_state);
    gw_sessions_done(&g->sessions);
    gw_sync_log_done(&g->log);
    fake_link_done(&g->publisher);
    tw_buf_done(&g->text);
    tw_buf_done(&g->control);
    net_loop_free(g->loop);
    free(g);
    return 0;
}

void end_turn(struct gateway *g)
{
    struct tw_list *link;

    while ((link = tw_list_shift(&g->loop->later)) != NULL) {
        struct tw_later *l = tw_container_of(link, struct tw_later, link);

        l->run(l);
    }
}

void come_to(struct gateway *g, struct tw_deadline *d)
{
    assert_true(tw_deadline_is_set(d));
    tw_after_cancel(g->loop, d);
    d->expired(d);
    end_turn(g);
}

struct client *admit(struct gateway *g, size_t i, const struct gw_dialect *dialect,
                     const struct gw_hello *hello, const struct gw_identity *who)
{
    struct client *c = &g->clients[i];

    assert_null(c->session);
    c->is_full = false;
    c->close_code = 0;
    tw_buf_clear(&c->heard);
    c->session = gw_dialect_open(&g->dialects, dialect, hello, who);
    gw_session_start(c->session, &g->sessions,
                     &(struct gw_session_options){ .dialect = dialect,
                                                   .transport = &c->transport,
                                                   .who = who,
                                                   .device = tw_slice_of(hello->device),
                                                   .resumes = hello->resumes,
                                                   .since = hello->since });
    gw_hubs_join(&g->hubs, &who->tenant, c->session);
    end_turn(g);
    return c;
}

void answer_head(struct gateway *g, const char *head, const char *oldest)
{
    end_turn(g);
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.heads("));
    fake_pool_row(&g->pool, "1", head, oldest);
    end_turn(g);
}

void begin_stream(struct gateway *g, const char *head, const char *oldest)
{
    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    answer_head(g, head, oldest);
}

/* With a key whose hash is all `a`. */
static struct client *connect_client(struct gateway *g, size_t i,
                                     const struct gw_dialect *dialect,
                                     const struct gw_hello *hello)
{
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct client *c;

    memset(principal.key_hash, 'a', sizeof(principal.key_hash));
    c = admit(g, i, dialect, hello, &who);
    if (!c->session->is_greeted)
        begin_stream(g, "16", "1");
    return c;
}

struct client *connect_tablet(struct gateway *g, size_t i)
{
    static const struct gw_hello hello;

    return connect_client(g, i, &gw_minipos, &hello);
}

struct client *connect_device(struct gateway *g, size_t i, const char *name,
                              const char *restaurant)
{
    struct gw_hello hello = { .scope = "pos" };

    memcpy(hello.device, name, strlen(name));
    memcpy(hello.restaurant, restaurant, strlen(restaurant));
    return connect_client(g, i, &gw_cloudsync, &hello);
}

struct client *connect_orderweb(struct gateway *g, size_t i, bool resumes, uint64_t since)
{
    struct gw_principal principal = { .has_key = true };
    struct gw_identity who = { .tenant = kitchen, .principal = &principal };
    struct gw_hello hello = { .scope = "pos", .resumes = resumes, .since = since };

    return admit(g, i, &gw_orderweb, &hello, &who);
}

void tell(struct gateway *g, struct client *c, const char *json)
{
    gw_session_text(c->session, tw_slice_of(json));
    end_turn(g);
}

void publish(struct gateway *g, uint64_t seq, const char *type, const char *origin,
             const char *data)
{
    struct tw_event ev = event_with(&g->text, seq, type, origin, data);
    struct tw_buf message = { .max = BYTES };

    tw_event_wrap(&message, tw_slice_of(KITCHEN_ID), ev.raw);
    fake_link_push(&g->hubs.subscriber, KITCHEN_CHANNEL, tw_buf_view(&message));
    tw_buf_done(&message);
    end_turn(g);
}

#define ORDER "{\"orderId\":1,\"orderSource\":\"online\"}"

void publish_order(struct gateway *g, uint64_t seq)
{
    publish(g, seq, "order.created", "{\"kind\":\"api\"}", ORDER);
}

#define LOG_ROWS 64

#define COLUMNS 5 /* n, seq, event, more, oldest */

void answer_log(struct gateway *g, uint64_t oldest, uint64_t first, uint64_t last,
                bool has_more)
{
    const char *cells[(LOG_ROWS + 1) * COLUMNS] = { NULL };
    struct tw_buf texts[LOG_ROWS] = { 0 };
    char seqs[LOG_ROWS + 1][24];
    size_t n = 0;

    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.events_pieces("));
    for (uint64_t seq = first; seq <= last; seq++, n++) {
        assert_true(n < LOG_ROWS);
        (void)event_with(&texts[n], seq, "order.created", "{\"kind\":\"api\"}", ORDER);
        tw_buf_char(&texts[n], '\0');
        (void)snprintf(seqs[n], sizeof(seqs[n]), "%llu", (unsigned long long)seq);
        cells[n * COLUMNS] = "1";
        cells[n * COLUMNS + 1] = seqs[n];
        cells[n * COLUMNS + 2] = texts[n].at;
        cells[n * COLUMNS + 3] = has_more ? "t" : "f";
    }
    (void)snprintf(seqs[n], sizeof(seqs[n]), "%llu", (unsigned long long)oldest);
    cells[n * COLUMNS] = "1";
    cells[n * COLUMNS + 4] = seqs[n];
    fake_pool_answer(&g->pool, cells, n + 1, COLUMNS);
    end_turn(g);
    for (size_t i = 0; i < n; i++)
        tw_buf_done(&texts[i]);
}

void check_seqs(struct client *c, const char *want, const char *file, int line)
{
    struct tw_slice rest = tw_buf_view(&c->heard), one;
    struct tw_buf heard = { .max = BYTES };

    while (tw_slice_split(&rest, '\n', &one))
        if (one.len > 0)
            heard_add(&heard, one);
    check_slice(tw_buf_view(&heard), want, file, line);
    tw_buf_clear(&c->heard);
    tw_buf_done(&heard);
}

void check_heard(struct client *c, const char *want, const char *file, int line)
{
    check_slice(tw_buf_view(&c->heard), want, file, line);
    tw_buf_clear(&c->heard);
}
