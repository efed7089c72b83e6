/* stream_owner.h - whoever owns a stream in a test: it notes what it hears.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/stream.h"
#include "common/util/buf.h"

struct stream_owner {
    struct tw_stream_owner owner;
    struct tw_stream *stream; /* null: it is not there yet, or no more */
    struct tw_buf heard;
    size_t rests_at; /* it reads no more when it has heard so much; 0: it goes on */
    int reads, ends, writes, closes, end_err, write_err;
    bool closes_at_read;
};

void stream_owner_init(struct stream_owner *o, size_t most); /* bytes that it may hear */

/* It takes a stream that was accepted, and reads. */
void stream_owner_take(struct stream_owner *o, struct tw_stream *stream);

void stream_owner_close(struct stream_owner *o); /* its stream, if there is one */
void stream_owner_done(struct stream_owner *o);  /* when that is closed */
