/* stream_owner.c - counting, and keeping what was heard.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/stream_owner.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static struct stream_owner *owner_of(struct tw_stream_owner *o)
{
    return tw_container_of(o, struct stream_owner, owner);
}

static void on_read(struct tw_stream_owner *base, struct tw_slice bytes)
{
    struct stream_owner *o = owner_of(base);

    assert_true(o->rests_at == 0 || o->heard.len < o->rests_at); /* it said so */
    o->reads++;
    tw_buf_append(&o->heard, bytes);
    if (o->closes_at_read)
        tw_stream_close(o->stream);
    else if (o->rests_at != 0 && o->heard.len >= o->rests_at)
        tw_stream_want_read(o->stream, false);
}

static void on_end(struct tw_stream_owner *base, int err)
{
    owner_of(base)->ends++;
    owner_of(base)->end_err = err;
}

static void on_written(struct tw_stream_owner *base, int err)
{
    owner_of(base)->writes++;
    owner_of(base)->write_err = err;
}

static void on_closed(struct tw_stream_owner *base)
{
    owner_of(base)->closes++;
    owner_of(base)->stream = NULL;
}

void stream_owner_init(struct stream_owner *o, size_t most)
{
    static const struct tw_stream_events events = { on_read, on_end, on_written, on_closed };

    *o = (struct stream_owner){ .owner.events = &events, .heard.max = most };
}

void stream_owner_take(struct stream_owner *o, struct tw_stream *stream)
{
    assert_non_null(stream);
    o->stream = stream;
    tw_stream_set_owner(stream, &o->owner);
    tw_stream_want_read(stream, true);
}

void stream_owner_close(struct stream_owner *o)
{
    if (o->stream != NULL)
        tw_stream_close(o->stream);
}

void stream_owner_done(struct stream_owner *o)
{
    tw_buf_done(&o->heard);
}
