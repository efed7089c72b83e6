/* fake_screens.c - Restaurant OS on a gateway of the test.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/fake_screens.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_view.h"
#include "gateway/socketio/eio_packet.h"
#include "gateway/websocket/frame.h"

#define BYTES ((size_t)1024 * 1024)

static struct screen *screen_of(const struct gw_transport *t)
{
    return tw_container_of((uintptr_t)t, struct screen, transport);
}

static bool is_writable(const struct gw_transport *t)
{
    (void)t;
    return true;
}

static void take_text(struct tw_slice json, const char *name, char *out, size_t size)
{
    struct tw_slice raw, text;

    if (!tw_json_get(json, name, &raw))
        return;
    assert_true(tw_json_plain(raw, &text) && text.len == size - 1);
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
}

static void send_frame(struct gw_transport *t, struct gw_frame *f)
{
    struct screen *one = screen_of(t);
    struct tw_slice packet = gw_frame_payload(f);

    assert_int_equal(one->close_code, 0);
    if (tw_slice_starts(packet, TW_LIT("40{"))) {
        take_text(tw_slice_skip(packet, 2), "sid", one->sid, sizeof(one->sid));
        take_text(tw_slice_skip(packet, 2), "pid", one->pid, sizeof(one->pid));
        packet.len = 2;
    }
    tw_buf_append(&one->heard, packet);
    tw_buf_char(&one->heard, '\n');
}

static void close_transport(struct gw_transport *t, unsigned code, const char *reason)
{
    (void)reason;
    screen_of(t)->close_code = code;
    screen_of(t)->eio = NULL; /* it is freed after this call */
}

static const struct gw_transport_ops transport_ops = { .is_writable = is_writable,
                                                       .send = send_frame,
                                                       .close = close_transport };

static void start_restaurant_os(struct screens *s)
{
    struct gateway *g = s->gateway;

    gw_restaurant_os_start(&s->all, &(struct gw_restaurant_os_options){
                                        .loop = g->loop,
                                        .authenticator = &s->authenticator,
                                        .hubs = &g->hubs,
                                        .sessions = &g->sessions,
                                        .operations = &g->operations,
                                        .store = &s->store,
                                        .connect_ms = 10000,
                                        .engine = { .loop = g->loop,
                                                    .interval_ms = 25000,
                                                    .timeout_ms = 20000,
                                                    .max_payload = BYTES,
                                                    .queue_bytes = BYTES,
                                                    .max_sockets = SCREENS },
                                    });
}

int open_screens(void **state)
{
    struct screens *s = tw_new(struct screens);
    void *gateway;

    (void)open_gateway(&gateway);
    s->gateway = gateway;
    gw_key_auth_start(&s->keys, &(struct gw_key_auth_options){ .pool = &s->gateway->pool,
                                                               .cache_ms = 60000 });
    tw_tokens_start(&s->tokens,
                    &(struct tw_tokens_options){ .pool = &s->gateway->pool,
                                                 .keys = { .secret = TW_LIT(TOKEN_SECRET) } });
    s->authenticator = (struct gw_authenticator){ &s->keys, &s->tokens };
    fake_link_init(&s->store);
    s->gateway->dialects =
        gw_all_dialects(&s->gateway->tills, &s->gateway->shared_state, &s->all);
    start_restaurant_os(s);
    for (size_t i = 0; i < SCREENS; i++)
        s->screens[i] =
            (struct screen){ .transport = { &transport_ops }, .heard = { .max = BYTES } };
    *state = s;
    return 0;
}

void cut_off(struct screens *s, struct screen *one)
{
    if (one->eio != NULL)
        gw_eio_close(one->eio, gw_closes.lost);
    end_turn(s->gateway);
    free(one->ws);
    one->ws = NULL;
}

int close_screens(void **state)
{
    struct screens *s = *state;
    void *gateway = s->gateway;

    for (size_t i = 0; i < SCREENS; i++) {
        cut_off(s, &s->screens[i]);
        tw_buf_done(&s->screens[i].heard);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        leave_gateway(&s->gateway->clients[i]);
    while (fake_pool_count(&s->gateway->pool) > 0)
        fake_pool_fail(&s->gateway->pool, -1, "");
    while (!tw_list_empty(&s->store.link.asks))
        fake_link_answer(&s->store, NULL);
    gw_restaurant_os_done(&s->all);
    gw_key_auth_done(&s->keys);
    tw_tokens_done(&s->tokens);
    fake_link_done(&s->store);
    free(s);
    return close_gateway(&gateway);
}

struct screen *open_screen(struct screens *s, size_t i)
{
    struct screen *one = &s->screens[i];

    assert_null(one->ws);
    tw_buf_clear(&one->heard);
    one->close_code = 0;
    one->eio = gw_eio_socket_new(&s->all.sio.engine, &s->request);
    one->ws = tw_new(struct gw_eio_ws);
    one->ws->transport = &one->transport;
    one->ws->socket = one->eio;
    one->ws->loop = s->gateway->loop;
    one->eio->ws = one->ws;
    gw_eio_socket_begin(one->eio, &gw_eio_websocket);
    return one;
}

void emit(struct screens *s, struct screen *one, const char *packet)
{
    struct gw_eio_packet p = { .type = GW_EIO_MESSAGE, .data = tw_slice_of(packet) };

    assert_non_null(one->eio);
    (void)gw_eio_socket_take(one->eio, &p);
    end_turn(s->gateway);
}

void find_kitchen(struct screens *s)
{
    assert_non_null(strstr(fake_pool_sql(&s->gateway->pool), "pos.token_tenant("));
    fake_pool_row(&s->gateway->pool, KITCHEN_ID, "kitchen", "Kitchen", "active", NULL, NULL);
    end_turn(s->gateway);
}

struct screen *connect_screen(struct screens *s, size_t i, const char *token)
{
    struct screen *one = open_screen(s, i);
    struct tw_buf packet = { .max = 1000 };

    tw_buf_text(&packet, "0{\"token\":\"");
    tw_buf_text(&packet, token);
    tw_buf_append(&packet, tw_slice_from("\"}", 3));
    emit(s, one, packet.at);
    find_kitchen(s);
    if (tw_slice_is(tw_buf_view(&one->heard), ""))
        begin_stream(s->gateway, "16", "1");
    assert_true(
        tw_slice_starts(tw_buf_view(&one->heard),
                        TW_LIT("40\n42[\"connection:status\",{\"state\":\"connected\"},\"")));
    tw_buf_clear(&one->heard);
    tw_buf_done(&packet);
    return one;
}

struct screen *join_screen(struct screens *s, size_t i)
{
    struct screen *one = connect_screen(s, i, KITCHEN_TOKEN);

    emit(s, one, "2[\"join:restaurant\",\"kitchen\"]");
    assert_packets(one, "");
    return one;
}

void check_packets(struct screen *one, const char *want, const char *file, int line)
{
    check_slice(tw_buf_view(&one->heard), want, file, line);
    tw_buf_clear(&one->heard);
}
