/* bridge_site.c - the connections, and their callbacks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/broker-bridge/support/bridge_site.h"

#include <stdio.h>

#include "test/unit/support/caught_log.h"

static void on_up(struct tw_pg_conn *c, void *owner)
{
    struct bridge_site *s = owner;

    s->set_active(s, c);
}

static void on_down(struct tw_pg_conn *c, void *owner, const char *why)
{
    struct bridge_site *s = owner;

    (void)c;
    (void)why;
    s->set_active(s, NULL);
}

static void on_idle(struct tw_pg_conn *c, void *owner)
{
    (void)c;
    (void)owner;
}

static void on_notify(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload)
{
    struct bridge_site *s = owner;

    (void)c;
    (void)channel;
    (void)payload;
    if (s->notified != NULL)
        s->notified(s);
}

static const struct tw_pg_conn_events events = { on_up, on_down, on_idle, on_notify };

void bridge_site_open(struct bridge_site *s)
{
    caught_log_begin();
    s->loop = net_loop_new();
    s->pg.holds = true;
    fake_postgres_start(&s->pg, s->loop, 0);
    fake_redis_start(&s->redis, s->loop, 0);
    (void)snprintf(s->url, sizeof(s->url), "postgresql://u@127.0.0.1:%d/db", s->pg.host.port);
    (void)snprintf(s->redis_url, sizeof(s->redis_url), "redis://127.0.0.1:%d",
                   s->redis.host.port);
    assert_int_equal(
        tw_redis_start(&s->publisher, &(struct tw_redis_options){ .loop = s->loop,
                                                                  .url = s->redis_url,
                                                                  .name = "publisher" }),
        0);
    await(s->loop, tw_redis_is_up(&s->publisher));
}

void bridge_site_connect(struct bridge_site *s)
{
    s->conn = tw_pg_conn_new(
        s->loop, &(struct tw_pg_conn_options){ .url = s->url, .program = "tillwire-bridge" },
        &events, s);
}

void bridge_site_close(struct bridge_site *s)
{
    tw_pg_conn_close(s->conn);
    tw_redis_stop(&s->publisher);
    fake_postgres_stop(&s->pg);
    fake_redis_stop(&s->redis);
    net_loop_free(s->loop);
    caught_log_end();
}

void bridge_site_answer(struct bridge_site *s, const char *sql, const char *says,
                        const char *fails_as)
{
    await(s->loop, fake_postgres_find(&s->pg, sql) >= 0);
    s->pg.says = says;
    s->pg.has_no_row = says == NULL;
    s->pg.fails_as = fails_as;
    fake_postgres_release_at(&s->pg, fake_postgres_find(&s->pg, sql));
    s->pg.fails_as = NULL;
}
