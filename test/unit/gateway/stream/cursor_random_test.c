/* cursor_random_test.c - the cursor in a world where everything goes wrong, a million times.
 *
 * A model log grows by commits. Their messages get lost, come twice, late and in any order;
 * somebody publishes events that never were; readings of the log and of its head take their
 * time, and see what was committed when they ran; the process is restarted. Whatever happens:
 * what is handed out is the log from the head on, each event once and in order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/stream/cursor.h"
#include "test/unit/support/check.h"

#define STEPS 2000000
#define READ_ROWS 20
#define MAX_IN_FLIGHT 64

/* A question to the database: it is asked, then it runs, then its answer comes. */
struct question {
    bool is_asked, has_run;
    uint64_t at;   /* the cursor when it was asked */
    uint64_t seen; /* the head when it ran */
};

struct world {
    struct dice dice;
    struct gw_cursor c;
    uint64_t head;                     /* of the log */
    uint64_t handed;                   /* the last one that was handed out */
    uint64_t in_flight[MAX_IN_FLIGHT]; /* messages on their way */
    size_t in_flight_count;
    struct question reading, heads, begin;
    bool is_forging; /* events that never were */
    uint64_t early, read_rows, rejected, restarts;
};

static bool chance(struct world *w, uint64_t one_in)
{
    return dice_roll(&w->dice, one_in) == 0;
}

static struct tw_slice text_of(char text[32], char kind, uint64_t seq)
{
    return tw_slice_from(text,
                         (size_t)snprintf(text, 32, "%c%llu", kind, (unsigned long long)seq));
}

static void hand_out(struct world *w, uint64_t seq)
{
    if (seq != w->handed + 1 || seq > w->head)
        fail_msg("%llu was handed out behind %llu, the head being %llu",
                 (unsigned long long)seq, (unsigned long long)w->handed,
                 (unsigned long long)w->head);
    w->handed = seq;
}

static void release(struct world *w)
{
    char want[32], *raw;
    uint64_t seq;
    size_t len;

    while (gw_cursor_release(&w->c, &seq, &raw, &len)) {
        hand_out(w, seq);
        assert_true(tw_slice_eq(tw_slice_from(raw, len), text_of(want, 'R', seq)));
        free(raw);
    }
}

static void arrive(struct world *w, char kind, uint64_t seq)
{
    char text[32];
    enum gw_admit admitted = gw_cursor_arrive(&w->c, seq, text_of(text, kind, seq));

    w->early += admitted == GW_ADMIT_EARLY ? 1 : 0;
    if (admitted != GW_ADMIT_NOW)
        return;
    assert_int_equal(kind, 'R');
    hand_out(w, seq);
    release(w);
}

static void send_off(struct world *w, uint64_t seq)
{
    if (w->in_flight_count < MAX_IN_FLIGHT)
        w->in_flight[w->in_flight_count++] = seq;
}

/* Most messages come through; in bad times most get lost. */
static void commit(struct world *w)
{
    uint64_t lost_one_in = w->head % 5000 < 500 ? 2 : 50;

    w->head++;
    if (chance(w, lost_one_in))
        return;
    send_off(w, w->head);
    if (chance(w, 20))
        send_off(w, w->head);
}

/* The oldest one, or sometimes any. */
static void bring(struct world *w)
{
    size_t i = chance(w, 4) ? (size_t)dice_roll(&w->dice, w->in_flight_count) : 0;
    uint64_t seq = w->in_flight[i];

    w->in_flight_count--;
    memmove(&w->in_flight[i], &w->in_flight[i + 1],
            (w->in_flight_count - i) * sizeof(w->in_flight[0]));
    arrive(w, 'R', seq);
}

static void forge(struct world *w)
{
    uint64_t ahead = chance(w, 10) ? UINT64_MAX - w->head - 2 : 100000;

    arrive(w, 'F', w->head + 1 + ahead + dice_roll(&w->dice, 2));
}

/* True when the answer is there. */
static bool moves_on(struct world *w, struct question *q)
{
    if (!q->is_asked)
        return false;
    if (!q->has_run && chance(w, 3)) {
        q->has_run = true;
        q->seen = w->head;
    } else if (q->has_run && chance(w, 3)) {
        q->is_asked = q->has_run = false;
        return true;
    }
    return false;
}

static void ask(struct question *q, uint64_t at)
{
    *q = (struct question){ .is_asked = true, .at = at };
}

static void read_log(struct world *w)
{
    struct question *q = &w->reading;
    uint64_t rows = 0;

    if (!q->is_asked && gw_cursor_has_gap(&w->c) && chance(w, 5)) {
        gw_cursor_log_read(&w->c);
        ask(q, w->c.at);
    }
    if (!moves_on(w, q))
        return;
    for (uint64_t seq = q->at + 1; seq <= q->seen && rows < READ_ROWS; seq++, rows++) {
        w->read_rows++;
        if (gw_cursor_read(&w->c, seq) == GW_ADMIT_NOW) {
            hand_out(w, seq);
            release(w);
        }
    }
    if (rows < READ_ROWS)
        gw_cursor_log_end(&w->c);
}

/* As hubs.c does: the answer is as old as the question. */
static void compare_heads(struct world *w)
{
    struct question *q = &w->heads;

    if (!q->is_asked && w->c.is_known && chance(w, 30))
        ask(q, w->c.at);
    if (!moves_on(w, q) || (q->seen >= q->at && q->seen <= w->c.at))
        return;
    assert_false(gw_cursor_saw_head(&w->c, q->seen));
}

static void restart(struct world *w)
{
    w->restarts++;
    w->rejected += w->c.rejected;
    gw_cursor_done(&w->c);
    w->reading = w->heads = w->begin = (struct question){ 0 };
    w->in_flight_count = chance(w, 2) ? 0 : w->in_flight_count;
}

/* Subscribed first, the head read after that: what is committed in between is held. */
static void start_up(struct world *w)
{
    if (w->c.is_known)
        return;
    if (!w->begin.is_asked)
        ask(&w->begin, 0);
    if (!moves_on(w, &w->begin))
        return;
    gw_cursor_begin(&w->c, w->begin.seen);
    w->handed = w->begin.seen;
    release(w);
}

static void check_held(const struct gw_cursor *c)
{
    size_t bytes = 0;

    for (size_t i = 0; i < c->held_count; i++) {
        bytes += c->held[i].len;
        assert_true(i == 0 || c->held[i - 1].seq < c->held[i].seq);
    }
    assert_int_equal(bytes, c->held_bytes);
    assert_true(c->held_count <= GW_MAX_HELD);
}

static void admitted(struct world *w)
{
    start_up(w);
    read_log(w);
    compare_heads(w);
    if (w->is_forging && chance(w, 200))
        forge(w);
    if (w->c.is_known)
        assert_int_equal(w->c.at, w->handed);
}

/* Nothing new is committed and nothing is on its way: all that there is must come out. */
static void come_to_rest(struct world *w)
{
    bool was_forging = w->is_forging;

    w->is_forging = false;
    w->in_flight_count = 0;
    for (int i = 0; i < 1000000 && !(w->handed == w->head && !gw_cursor_has_gap(&w->c)); i++)
        admitted(w);
    assert_int_equal(w->handed, w->head);
    assert_int_equal(w->c.held_count, 0);
    w->is_forging = was_forging;
}

static void live(struct world *w, uint64_t steps)
{
    for (uint64_t i = 1; i <= steps; i++) {
        if (chance(w, 3))
            commit(w);
        if (w->in_flight_count > 0 && !chance(w, 3))
            bring(w);
        admitted(w);
        if (chance(w, 20000))
            restart(w);
        if (i % 1000 == 0)
            check_held(&w->c);
        if (i % 100000 == 0)
            come_to_rest(w);
    }
    come_to_rest(w);
    w->rejected += w->c.rejected;
}

static void each_event_is_handed_out_once_and_in_order(void **state)
{
    struct world w = { .dice = dice_new() };

    (void)state;
    live(&w, STEPS);
    assert_true(w.head > STEPS / 4 && w.restarts > 10); /* or this has tested nothing */
    assert_true(w.early > 10000 && w.read_rows > 10000);
    assert_int_equal(w.rejected, 0);
    gw_cursor_done(&w.c);
}

static void events_that_never_were_are_never_handed_out(void **state)
{
    struct world w = { .dice = dice_new(), .is_forging = true };

    (void)state;
    live(&w, STEPS);
    assert_true(w.rejected > 1000);
    gw_cursor_done(&w.c);
}

/* A storm of messages in the wrong order, more than may be held, and readings far between. */
static void events_beyond_the_limit_of_held_ones_are_read_later(void **state)
{
    struct world w = { .dice = dice_new() };

    (void)state;
    gw_cursor_begin(&w.c, 0);
    for (int round = 0; round < 100; round++) {
        uint64_t first = w.head + 1;

        w.head += 3000;
        for (uint64_t seq = w.head; seq > first; seq--) /* the first one is lost */
            arrive(&w, 'R', seq);
        check_held(&w.c);
        assert_int_equal(w.handed, first - 1);
        while (gw_cursor_has_gap(&w.c))
            read_log(&w);
        if (w.handed < w.head) /* nobody knows of it but reconciliation */
            assert_false(gw_cursor_saw_head(&w.c, w.head));
        come_to_rest(&w);
    }
    gw_cursor_done(&w.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_handed_out_once_and_in_order),
        cmocka_unit_test(events_that_never_were_are_never_handed_out),
        cmocka_unit_test(events_beyond_the_limit_of_held_ones_are_read_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
