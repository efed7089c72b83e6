/* deadline.c - a hashed timing wheel (Varghese and Lauck, 1987): a limit hangs in the slot of
 * its tick; one that lies more than a turn ahead is passed over until its turn comes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/deadline.h"

void tw_deadlines_init(struct tw_deadlines *w, uint64_t now_ms)
{
    for (size_t i = 0; i < TW_DEADLINE_SLOTS; i++)
        tw_list_init(&w->slots[i]);
    w->tick = now_ms / TW_DEADLINE_TICK_MS;
    w->count = 0;
}

void tw_deadline_set(struct tw_deadlines *w, struct tw_deadline *d, uint64_t at_ms,
                     tw_deadline_cb expired)
{
    uint64_t tick = at_ms / TW_DEADLINE_TICK_MS + 1; /* rounded up: never early */

    tw_deadline_clear(w, d);
    if (tick <= w->tick)
        tick = w->tick + 1;
    d->at_ms = tick * TW_DEADLINE_TICK_MS;
    d->expired = expired;
    tw_list_append(&w->slots[tick % TW_DEADLINE_SLOTS], &d->link);
    w->count++;
}

void tw_deadline_clear(struct tw_deadlines *w, struct tw_deadline *d)
{
    if (!tw_list_linked(&d->link))
        return;
    tw_list_remove(&d->link);
    w->count--;
}

bool tw_deadline_is_set(const struct tw_deadline *d)
{
    return tw_list_linked(&d->link);
}

/* One slot's due limits are first moved aside, so that a callback may set and clear any. */
static void run_slot(struct tw_deadlines *w, struct tw_list *slot, uint64_t now_ms)
{
    struct tw_list due, *link;

    tw_list_init(&due);
    tw_list_each(slot, one)
    {
        struct tw_deadline *d =
            (struct tw_deadline *)(void *)one; /* link is its first member */

        if (d->at_ms <= now_ms) {
            tw_list_remove(one);
            tw_list_append(&due, one);
        }
    }
    while ((link = tw_list_shift(&due)) != NULL) {
        struct tw_deadline *d = (struct tw_deadline *)(void *)link;

        w->count--;
        d->expired(d);
    }
}

void tw_deadlines_run(struct tw_deadlines *w, uint64_t now_ms)
{
    uint64_t until = now_ms / TW_DEADLINE_TICK_MS;

    if (until > w->tick + TW_DEADLINE_SLOTS) /* after a long pause one turn sees every slot */
        w->tick = until - TW_DEADLINE_SLOTS;
    while (w->tick < until) { /* a callback may have turned it further (tw_after) */
        w->tick++;
        run_slot(w, &w->slots[w->tick % TW_DEADLINE_SLOTS], now_ms);
    }
}
