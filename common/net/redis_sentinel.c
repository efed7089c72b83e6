/* redis_sentinel.c - asking Sentinels, and moving the master's link.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_sentinel.h"

#include <stdio.h>

#include "common/util/base.h"
#include "common/util/log.h"

#define POLL_MS 500
#define IN_VAIN 4 /* polls; then another Sentinel may know better */

static void on_poll(struct tw_deadline *d);

static void note_problem(struct tw_redis_sentinel *s, const char *problem)
{
    if (problem[0] != '\0' && strcmp(problem, s->problem) != 0)
        tw_log_warn("redis.sentinel", tw_str("link", s->name), tw_str("why", problem));
    if (problem[0] == '\0' && s->problem[0] != '\0')
        tw_log_info("redis.sentinel", tw_str("link", s->name), tw_str("state", "answers"));
    (void)snprintf(s->problem, sizeof(s->problem), "%s", problem);
}

/* Whatever this one said, another one is asked next: see on_down. */
static void ask_another(struct tw_redis_sentinel *s)
{
    s->in_vain = 0;
    tw_redis_link_break(&s->watcher);
}

static bool read_master(const struct tw_redis_value *value, struct tw_redis_host *out)
{
    struct tw_slice name, port_text;
    struct tw_route route = { .host_count = 0 };
    uint64_t port;

    if (value->count != 2)
        return false;
    name = tw_redis_element(value, 0);
    port_text = tw_redis_element(value, 1);
    if (!tw_slice_u64(port_text, &port) || port > 65535 || name.len >= sizeof(out->name) ||
        tw_route_add(&route, name, NULL, (int)port) != 0)
        return false;
    memcpy(out->name, name.at, name.len);
    out->name[name.len] = '\0';
    out->port = (int)port;
    return true;
}

static void take_master(struct tw_redis_sentinel *s, const struct tw_redis_host *master)
{
    if (s->master.port == master->port && strcmp(s->master.name, master->name) == 0)
        return;
    tw_log_info("redis.master", tw_str("link", s->name), tw_str("host", master->name),
                tw_u64("port", (uint64_t)master->port));
    s->master = *master;
    s->in_vain = 0;
    tw_redis_link_renew(s->master_link, "the master is another one");
}

static void on_master(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct tw_redis_sentinel *s = tw_container_of(ask, struct tw_redis_sentinel, ask);
    struct tw_redis_host master;
    char problem[256] = "";

    if (read_master(value, &master)) {
        note_problem(s, "");
        take_master(s, &master);
        return;
    }
    if (value->refusal.len > 0)
        (void)snprintf(problem, sizeof(problem), "Sentinel refuses to say: %.*s",
                       value->refusal.len > 150 ? 150 : (int)value->refusal.len,
                       value->refusal.at);
    else if (value->is_there)
        (void)snprintf(problem, sizeof(problem), "what Sentinel says is no address");
    else if (s->watcher.is_up)
        (void)snprintf(problem, sizeof(problem), "Sentinel knows no master \"%s\"",
                       s->source->url.master);
    if (problem[0] == '\0')
        return; /* it broke; the next one is asked when the link is up again */
    note_problem(s, problem);
    s->is_useless = true; /* until the next poll: so Sentinels are asked one by one, slowly */
}

static void ask_for_master(struct tw_redis_sentinel *s)
{
    struct tw_slice words[] = { TW_LIT("SENTINEL"), TW_LIT("get-master-addr-by-name"),
                                tw_slice_of(s->source->url.master) };

    s->is_useless = false;
    s->ask.answered = on_master;
    tw_redis_forget(&s->ask); /* the one before, if it was not answered in time */
    (void)tw_redis_link_ask(&s->watcher, &s->ask, words, TW_COUNT(words)); /* or with the next
                                                                              poll */
    tw_after(s->loop, &s->poll, POLL_MS, on_poll);
}

static void on_poll(struct tw_deadline *d)
{
    struct tw_redis_sentinel *s = tw_container_of(d, struct tw_redis_sentinel, poll);

    if (s->is_useless || (!s->master_link->is_up && ++s->in_vain > IN_VAIN))
        ask_another(s);
    else
        ask_for_master(s);
}

static void on_up(struct tw_redis_link *l)
{
    ask_for_master(tw_container_of(l, struct tw_redis_sentinel, watcher));
}

static void on_down(struct tw_redis_link *l)
{
    struct tw_redis_sentinel *s = tw_container_of(l, struct tw_redis_sentinel, watcher);

    tw_after_cancel(s->loop, &s->poll);
    s->first++;
}

static const struct tw_redis_link_events watcher_events = { .on_up = on_up,
                                                            .on_down = on_down };

static void find_sentinels(struct tw_redis_link *l, struct tw_route *route)
{
    const struct tw_redis_sentinel *s = tw_container_of(l, struct tw_redis_sentinel, watcher);
    const struct tw_redis_url *url = &s->source->url;

    for (size_t i = 0; i < url->host_count; i++) {
        const struct tw_redis_host *h = &url->hosts[(s->first + i) % url->host_count];

        (void)tw_route_add(route, tw_slice_of(h->name), NULL, h->port); /* as in the URL */
    }
}

void tw_redis_sentinel_start(struct tw_redis_sentinel *s,
                             const struct tw_redis_sentinel_options *options)
{
    s->loop = options->loop;
    s->source = options->source;
    s->master_link = options->master_link;
    s->name = options->name;
    (void)snprintf(s->watcher_name, sizeof(s->watcher_name), "%.32s sentinel", options->name);
    tw_redis_link_start(&s->watcher, &(struct tw_redis_link_options){ .loop = options->loop,
                                                                      .source = options->source,
                                                                      .counts = options->counts,
                                                                      .name = s->watcher_name,
                                                                      .events = &watcher_events,
                                                                      .peer = TW_REDIS_WATCHER,
                                                                      .takes_any = true,
                                                                      .find = find_sentinels });
}

void tw_redis_sentinel_stop(struct tw_redis_sentinel *s)
{
    if (s->loop == NULL)
        return;
    tw_after_cancel(s->loop, &s->poll);
    tw_redis_link_stop(&s->watcher);
}

void tw_redis_sentinel_find(const struct tw_redis_sentinel *s, struct tw_route *route)
{
    if (s->master.port != 0)
        (void)tw_route_add(route, tw_slice_of(s->master.name), NULL,
                           s->master.port); /* see read_master */
}

const char *tw_redis_sentinel_problem(const struct tw_redis_sentinel *s)
{
    if (s->problem[0] != '\0')
        return s->problem;
    return s->watcher.is_up || !s->watcher.has_failed ? "" : s->watcher.why;
}
