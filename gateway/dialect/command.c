/* command.c - the queue. The first command is under way; when its client leaves, it loses its
 * queue and ends by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/command.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/crypto.h"

#define PAUSE_MS 1000

void gw_commands_init(struct gw_commands *q, struct tw_operations *operations, size_t max_count)
{
    q->operations = operations;
    q->max_count = max_count;
    tw_list_init(&q->list);
}

static void command_free(struct gw_command *c)
{
    tw_buf_done(&c->context);
    tw_buf_done(&c->body);
    tw_buf_done(&c->note);
    if (c->release != NULL)
        c->release(c);
    else
        free(c);
}

void gw_command_init(struct gw_command *c, const char *operation, bool writes, size_t bytes,
                     gw_command_cb answered)
{
    c->operation.name = operation;
    c->operation.writes = writes;
    c->context.max = c->body.max = c->note.max = bytes;
    c->answered = answered;
    tw_random_uuid(c->request_id);
}

struct gw_command *gw_command_new(const char *operation, bool writes, size_t bytes,
                                  gw_command_cb answered)
{
    struct gw_command *c = tw_new(struct gw_command);

    gw_command_init(c, operation, writes, bytes, answered);
    return c;
}

static bool begin(struct gw_command *c)
{
    if (c->begin != NULL)
        return c->begin(c);
    gw_command_operate(c, c->queue->operations);
    return false;
}

/* The command under way has ended: it is out of its queue now. */
static void leave_queue(struct gw_commands *q)
{
    q->bytes -= q->under_way->body.len;
    q->under_way = NULL;
    q->count--;
}

static void begin_next(struct gw_commands *q)
{
    struct tw_list *link;

    while (q->under_way == NULL && (link = tw_list_shift(&q->list)) != NULL) {
        struct gw_command *c = tw_container_of(link, struct gw_command, link);

        q->under_way = c;
        if (begin(c)) {
            leave_queue(q);
            command_free(c);
        }
    }
}

static void go_on(struct gw_commands *q)
{
    if (q == NULL)
        return;
    begin_next(q);
    if (q->is_alone && q->count == 0)
        free(q);
}

void gw_command_end(struct gw_command *c)
{
    struct gw_commands *q = c->queue;

    if (q != NULL)
        leave_queue(q);
    command_free(c);
    go_on(q);
}

/* One that is too much for the database is not tried for ever. */
static bool may_be_tried_again(struct gw_command *c, const struct tw_outcome *outcome)
{
    return c->keeps_trying && c->queue != NULL && !c->queue->is_alone &&
           tw_outcome_is_for_now(outcome) &&
           (strcmp(outcome->refusal, "BUSY") != 0 || c->tries++ < GW_COMMAND_BUSY_TRIES);
}

static void on_pause(struct tw_deadline *d)
{
    struct gw_command *c = tw_container_of(d, struct gw_command, pause);
    struct tw_operations *operations = c->operation.all;

    c->operation =
        (struct tw_operation){ .name = c->operation.name, .writes = c->operation.writes };
    gw_command_operate(c, operations);
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct gw_command *c = tw_container_of(op, struct gw_command, operation);
    struct gw_commands *q = c->queue;

    if (may_be_tried_again(c, outcome)) {
        tw_after(op->all->options.loop, &c->pause, PAUSE_MS, on_pause);
        return;
    }
    if (q != NULL) {
        leave_queue(q);
        if (!q->is_alone)
            c->answered(q, c, outcome); /* only notes what it sends: the queue stays */
    }
    command_free(c);
    go_on(q);
}

void gw_command_operate(struct gw_command *c, struct tw_operations *operations)
{
    c->operation.all = operations;
    c->operation.context = tw_buf_view(&c->context);
    c->operation.body = tw_buf_view(&c->body);
    c->operation.request_id = c->request_id;
    c->operation.done = on_done;
    tw_operation_start(&c->operation);
}

bool gw_commands_add(struct gw_commands *q, struct gw_command *c)
{
    if (q->count >= q->max_count || c->context.failed || c->body.failed) {
        command_free(c);
        return false;
    }
    c->queue = q;
    tw_list_append(&q->list, &c->link);
    q->count++;
    q->bytes += c->body.len;
    begin_next(q);
    return true;
}

void gw_commands_leave(struct gw_commands *q)
{
    struct tw_list *link;

    if (q->operations == NULL)
        return;
    if (q->under_way != NULL)
        q->under_way->queue = NULL;
    q->under_way = NULL;
    while ((link = tw_list_shift(&q->list)) != NULL)
        command_free(tw_container_of(link, struct gw_command, link));
    q->count = q->bytes = 0;
}

void gw_commands_outlive(struct gw_commands *q)
{
    struct gw_commands *own;

    if (q->operations == NULL || q->count == 0)
        return;
    own = tw_new(struct gw_commands);
    gw_commands_init(own, q->operations, q->max_count);
    own->is_alone = true;
    own->under_way = q->under_way;
    own->count = q->count;
    own->bytes = q->bytes;
    if (own->under_way != NULL)
        own->under_way->queue = own;
    tw_list_move_all(&own->list, &q->list);
    tw_list_each(&own->list, link) tw_container_of(link, struct gw_command, link)->queue = own;
    q->under_way = NULL;
    q->count = q->bytes = 0;
}
