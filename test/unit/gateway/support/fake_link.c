/* fake_link.c - a link's buffer as its diary.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/fake_link.h"

#include <stdlib.h>

#include "common/domain/event.h"
#include "common/util/base.h"
#include "common/util/err.h"

#define DIARY_BYTES ((size_t)16 * 1024 * 1024)

void fake_link_init(struct tw_redis *l)
{
    *l = (struct tw_redis){ .kind = TW_REDIS_ONE,
                            .link = { .is_up = true, .out = { .max = DIARY_BYTES } } };
    tw_list_init(&l->link.asks);
}

void fake_link_done(struct tw_redis *l)
{
    assert_true(tw_list_empty(&l->link.asks));
    tw_buf_done(&l->link.out);
}

int tw_redis_start(struct tw_redis *l, const struct tw_redis_options *options)
{
    fake_link_init(l);
    l->link.is_up = false;
    l->loop = options->loop;
    l->name = options->name;
    l->events = options->events;
    return 0;
}

void tw_redis_stop(struct tw_redis *l)
{
    l->is_stopped = true;
    l->link.is_up = false;
    fake_link_done(l);
}

bool tw_redis_is_none(const struct tw_redis *l)
{
    return l->kind == TW_REDIS_NONE;
}

bool tw_redis_is_up(const struct tw_redis *l)
{
    return l->link.is_up;
}

bool tw_redis_serves(const struct tw_redis *l, struct tw_slice name)
{
    (void)name;
    return l->link.is_up && !l->cluster.nodes.is_doubted;
}

void fake_link_loses(struct tw_redis *l, const char *channel, bool is_served)
{
    l->cluster.nodes.is_doubted = !is_served;
    l->events->on_lost(l, tw_slice_of(channel));
}

void fake_link_goes_up(struct tw_redis *l)
{
    l->link.is_up = true;
    if (l->events != NULL)
        l->events->on_up(l);
}

void fake_link_goes_down(struct tw_redis *l)
{
    l->link.is_up = false;
    while (!tw_list_empty(&l->link.asks))
        fake_link_answer(l, NULL);
    if (l->events != NULL)
        l->events->on_down(l);
}

static int note(struct tw_redis *l, const struct tw_slice *words, size_t n)
{
    TW_ASSERT(n <= TW_REDIS_WORDS); /* as the real one does */
    if (!l->link.is_up)
        return TW_EDOWN;
    for (size_t i = 0; i < n; i++) {
        tw_buf_text(&l->link.out, i > 0 ? " " : "");
        tw_buf_append(&l->link.out, words[i]);
    }
    tw_buf_char(&l->link.out, '\n');
    return 0;
}

int tw_redis_tell(struct tw_redis *l, const struct tw_slice *words, size_t n)
{
    return note(l, words, n);
}

int tw_redis_ask(struct tw_redis *l, struct tw_redis_ask *ask, const struct tw_slice *words,
                 size_t n)
{
    int r = note(l, words, n);

    if (r == 0)
        tw_list_append(&l->link.asks, &ask->link);
    return r;
}

int tw_redis_publish(struct tw_redis *l, struct tw_slice channel, struct tw_slice message)
{
    return note(l, (const struct tw_slice[]){ TW_LIT("PUBLISH"), channel, message }, 3);
}

int tw_redis_subscribe(struct tw_redis *l, struct tw_slice channel)
{
    return note(l, (const struct tw_slice[]){ TW_LIT("SUBSCRIBE"), channel }, 2);
}

int tw_redis_unsubscribe(struct tw_redis *l, struct tw_slice channel)
{
    return note(l, (const struct tw_slice[]){ TW_LIT("UNSUBSCRIBE"), channel }, 2);
}

void check_commands(struct tw_redis *l, const char *want, const char *file, int line)
{
    check_slice(tw_buf_view(&l->link.out), want, file, line);
    tw_buf_clear(&l->link.out);
}

void fake_link_confirm(struct tw_redis *l, const char *channel)
{
    l->events->on_subscribed(l, tw_slice_of(channel));
}

void fake_link_push(struct tw_redis *l, const char *channel, struct tw_slice message)
{
    char *copy = exact_copy(message);

    l->events->on_message(l, tw_slice_of(channel), copy, message.len);
    free(copy);
}

void fake_link_answer(struct tw_redis *l, const char *text)
{
    struct tw_redis_value value = { .is_there = text != NULL, .text = tw_slice_of(text) };
    struct tw_list *link = tw_list_shift(&l->link.asks);
    struct tw_redis_ask *ask;

    assert_non_null(link);
    ask = tw_container_of(link, struct tw_redis_ask, link);
    ask->answered(ask, &value);
}
