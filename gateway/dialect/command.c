/* command.c - the queue. The first command is under way; when its client leaves, it loses its
 * queue and ends by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/command.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"

void gw_commands_init(struct gw_commands *q, struct tw_operations *operations)
{
    q->operations = operations;
    tw_list_init(&q->list);
}

static void command_free(struct gw_command *c)
{
    tw_buf_done(&c->context);
    tw_buf_done(&c->body);
    tw_buf_done(&c->note);
    free(c);
}

struct gw_command *gw_command_new(const char *operation, bool writes, size_t bytes,
                                  gw_command_cb answered)
{
    struct gw_command *c = tw_new(struct gw_command);

    c->operation.name = operation;
    c->operation.writes = writes;
    c->context.max = c->body.max = c->note.max = bytes;
    c->answered = answered;
    tw_random_uuid(c->request_id);
    return c;
}

static void start_first(struct gw_commands *q);

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct gw_command *c = tw_container_of(op, struct gw_command, operation);
    struct gw_commands *q = c->queue;

    if (q != NULL) {
        tw_list_remove(&c->link);
        q->count--;
        c->answered(q, c, outcome); /* only notes what it sends: the queue stays */
        start_first(q);
    }
    command_free(c);
}

static void start_first(struct gw_commands *q)
{
    struct gw_command *c;

    if (tw_list_empty(&q->list))
        return;
    c = tw_container_of(q->list.next, struct gw_command, link);
    c->operation.all = q->operations;
    c->operation.context = tw_buf_view(&c->context);
    c->operation.body = tw_buf_view(&c->body);
    c->operation.request_id = c->request_id;
    c->operation.done = on_done;
    tw_operation_start(&c->operation);
}

bool gw_commands_add(struct gw_commands *q, struct gw_command *c)
{
    if (q->count >= GW_COMMANDS || c->context.failed || c->body.failed) {
        command_free(c);
        return false;
    }
    c->queue = q;
    tw_list_append(&q->list, &c->link);
    q->count++;
    if (q->count == 1)
        start_first(q);
    return true;
}

void gw_commands_leave(struct gw_commands *q)
{
    struct tw_list waiting, *link;

    if (q->operations == NULL)
        return;
    link = tw_list_shift(&q->list);
    if (link != NULL) /* under way: it ends by itself */
        tw_container_of(link, struct gw_command, link)->queue = NULL;
    tw_list_init(&waiting);
    tw_list_move_all(&waiting, &q->list);
    tw_list_each(&waiting, each) command_free(tw_container_of(each, struct gw_command, link));
    q->count = 0;
}
