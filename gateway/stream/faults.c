/* faults.c - a list of those who are disturbed, each with one time limit: when it may go on, or
 * when it is over. The list is short, and only who is on it looks there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/faults.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"

struct gw_fault {
    struct tw_list link;
    struct gw_faults *all;
    struct gw_session *session;
    struct gw_fault_wish left; /* of events, how many more */
    uint64_t silent_until_ms, until_ms;
    struct tw_deadline wake;
};

void gw_faults_start(struct gw_faults *f, const struct gw_faults_options *options)
{
    f->options = *options;
    f->count = 0;
    tw_list_init(&f->list);
}

static struct gw_fault *fault_of(const struct gw_faults *f, const struct gw_session *s)
{
    tw_list_each(&f->list, link)
    {
        struct gw_fault *one = tw_container_of(link, struct gw_fault, link);

        if (one->session == s)
            return one;
    }
    return NULL;
}

static struct gw_fault *own_fault(const struct gw_faults *f, const struct gw_session *s)
{
    struct gw_fault *one = fault_of(f, s);

    TW_ASSERT(one != NULL); /* or it would not be disturbed */
    return one;
}

static void free_fault(struct gw_fault *one)
{
    struct gw_faults *f = one->all;

    tw_after_cancel(f->options.loop, &one->wake);
    tw_list_remove(&one->link);
    f->count--;
    f->options.over(one->session);
    free(one);
}

void gw_faults_end(struct gw_faults *f, const struct gw_session *s)
{
    free_fault(own_fault(f, s));
}

void gw_faults_stop(struct gw_faults *f)
{
    tw_list_each(&f->list, link) free_fault(tw_container_of(link, struct gw_fault, link));
}

static void on_wake(struct tw_deadline *d);

/* Look again then, and when it is over. */
static void wake_after(struct gw_fault *one, uint64_t ms)
{
    struct tw_loop *loop = one->all->options.loop;
    uint64_t left_ms = one->until_ms > loop->now_ms ? one->until_ms - loop->now_ms : 0;

    tw_after(loop, &one->wake, ms < left_ms ? ms : left_ms, on_wake);
}

static void on_wake(struct tw_deadline *d)
{
    struct gw_fault *one = tw_container_of(d, struct gw_fault, wake);
    struct gw_faults *f = one->all;
    struct gw_session *s = one->session;

    if (f->options.loop->now_ms >= one->until_ms)
        free_fault(one);
    else
        wake_after(one, GW_FAULT_MS);
    f->options.wake(s, f->options.loop->now_ms); /* what still has to wait says for how long */
}

bool gw_faults_disturb(struct gw_faults *f, struct gw_session *s,
                       const struct gw_fault_wish *wish)
{
    struct gw_fault *one = fault_of(f, s);

    if (one == NULL && f->count == GW_FAULTS)
        return false;
    if (one == NULL) {
        one = tw_new(struct gw_fault);
        one->all = f;
        one->session = s;
        tw_list_append(&f->list, &one->link);
        f->count++;
    }
    one->left = *wish;
    one->until_ms = f->options.loop->now_ms + GW_FAULT_MS;
    one->silent_until_ms = f->options.loop->now_ms + wish->silent_ms;
    wake_after(one, 0); /* an earlier one may have held something */
    return true;
}

bool gw_faults_is_silent(struct gw_faults *f, const struct gw_session *s)
{
    struct gw_fault *one = own_fault(f, s);
    uint64_t now_ms = f->options.loop->now_ms;

    if (now_ms >= one->silent_until_ms)
        return false;
    wake_after(one, one->silent_until_ms - now_ms);
    return true;
}

bool gw_faults_hold(struct gw_faults *f, const struct gw_session *s, struct tw_slice at)
{
    struct gw_fault *one = own_fault(f, s);
    int64_t at_ms, wait_ms;

    if (one->left.delay_ms == 0 || !tw_time_read(at, &at_ms))
        return false;
    wait_ms = at_ms + (int64_t)one->left.delay_ms - tw_wall_ms();
    if (wait_ms <= 0)
        return false;
    /* No longer than was asked for, should the database's clock be ahead of ours. */
    wake_after(one,
               (uint64_t)wait_ms < one->left.delay_ms ? (uint64_t)wait_ms : one->left.delay_ms);
    return true;
}

bool gw_faults_drop(struct gw_faults *f, const struct gw_session *s)
{
    struct gw_fault *one = own_fault(f, s);

    return one->left.drop > 0 && one->left.drop-- > 0;
}

bool gw_faults_repeat(struct gw_faults *f, const struct gw_session *s)
{
    struct gw_fault *one = own_fault(f, s);

    return one->left.duplicate > 0 && one->left.duplicate-- > 0;
}
