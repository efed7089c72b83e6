/* backlog.c - a ring of entries, sorted by seq, limited in bytes for itself and for all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/backlog.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/util/base.h"

#define MUCH_BYTES ((uint64_t)16 * 1024 * 1024)

void gw_memory_init(struct gw_memory *m, uint64_t max_bytes)
{
    *m = (struct gw_memory){ .max_bytes = max_bytes };
    tw_list_init(&m->backlogs);
}

bool gw_memory_return(struct gw_memory *m)
{
    if (m->most_bytes < MUCH_BYTES || m->bytes.value > m->most_bytes / 2)
        return false;
    m->most_bytes = m->bytes.value;
    (void)malloc_trim(0);
    return true;
}

static struct gw_entry *at(const struct gw_backlog *b, size_t i)
{
    return b->ring[(b->first + i) % b->cap];
}

static size_t weight(const struct gw_entry *e)
{
    size_t n = sizeof(*e) + e->event.raw.len;

    for (size_t i = 0; i < GW_MAX_DIALECTS; i++)
        n += e->rendered[i].bytes;
    for (const struct gw_variant *v = e->variants; v != NULL; v = v->next)
        n += v->batch.bytes;
    return n;
}

static void take_bytes(struct gw_backlog *b, size_t n)
{
    b->bytes += n;
    b->memory->bytes.value += n;
    if (b->memory->bytes.value > b->memory->most_bytes)
        b->memory->most_bytes = b->memory->bytes.value;
}

static void give_bytes(struct gw_backlog *b, size_t n)
{
    b->bytes -= n;
    b->memory->bytes.value -= n;
}

static void entry_free(struct gw_entry *e)
{
    struct gw_variant *v;

    for (size_t i = 0; i < GW_MAX_DIALECTS; i++)
        gw_batch_done(&e->rendered[i]);
    while ((v = e->variants) != NULL) {
        e->variants = v->next;
        gw_batch_done(&v->batch);
        free(v);
    }
    free(e);
}

static void drop_oldest(struct gw_backlog *b)
{
    struct gw_entry *e = at(b, 0);

    b->gone = e->event.seq;
    give_bytes(b, weight(e));
    b->first = (b->first + 1) % b->cap;
    b->count--;
    entry_free(e);
}

static void drop_newest(struct gw_backlog *b)
{
    struct gw_entry *e = at(b, b->count - 1);

    b->end = e->event.seq - 1;
    give_bytes(b, weight(e));
    b->count--;
    entry_free(e);
}

/* One that has a single event is left alone until it gets another one. Of a page the first
 * event stays, the next that a session needs: else it would be read again and again, and never
 * reach anybody. */
static void evict(struct gw_memory *m)
{
    while (m->bytes.value > m->max_bytes && !tw_list_empty(&m->backlogs)) {
        struct gw_backlog *b = tw_container_of(m->backlogs.next, struct gw_backlog, in_memory);

        if (b->count <= 1) {
            tw_list_remove(&b->in_memory);
            continue;
        }
        m->evicted.value++;
        if (b->end != 0)
            drop_newest(b);
        else
            drop_oldest(b);
    }
}

/* It has got an event. */
static void grown(struct gw_backlog *b)
{
    tw_list_remove(&b->in_memory);
    tw_list_append(&b->memory->backlogs, &b->in_memory);
    evict(b->memory);
}

/* One entry always stays: the event that is being delivered. */
static void trim(struct gw_backlog *b)
{
    while (b->count > 1 && (b->bytes > b->max_bytes || b->count > GW_BACKLOG_EVENTS))
        drop_oldest(b);
}

static void grow(struct gw_backlog *b)
{
    uint32_t cap = b->cap == 0 ? 16 : b->cap * 2;
    struct gw_entry **ring = tw_alloc(cap, sizeof(struct gw_entry *));

    for (size_t i = 0; i < b->count; i++)
        ring[i] = at(b, i);
    free(b->ring);
    b->ring = ring;
    b->cap = cap;
    b->first = 0;
}

/* Frames are compressed while they are sent, behind our back. What is counted late is counted
 * at the next asking or event; what is never asked for again is less than its plain frame. */
static void weigh_newest(struct gw_backlog *b)
{
    struct gw_entry *e = b->count == 0 ? NULL : at(b, b->count - 1);

    if (e == NULL)
        return;
    for (size_t i = 0; i < GW_MAX_DIALECTS; i++)
        take_bytes(b, gw_batch_weigh(&e->rendered[i]));
    for (struct gw_variant *v = e->variants; v != NULL; v = v->next)
        take_bytes(b, gw_batch_weigh(&v->batch));
}

/* The same slice, in the copy. */
static struct tw_slice moved(struct tw_slice s, struct tw_slice from, const char *to)
{
    return tw_slice_from(to + (s.at - from.at), s.len);
}

static struct gw_entry *entry_new(const struct tw_event *ev)
{
    struct gw_entry *e = tw_alloc_bytes(sizeof(*e) + ev->raw.len);

    memset(e, 0, sizeof(*e));
    memcpy(e->text, ev->raw.at, ev->raw.len);
    e->event = (struct tw_event){
        .seq = ev->seq,
        .type = moved(ev->type, ev->raw, e->text),
        .at = moved(ev->at, ev->raw, e->text),
        .origin = moved(ev->origin, ev->raw, e->text),
        .data = moved(ev->data, ev->raw, e->text),
        .raw = tw_slice_from(e->text, ev->raw.len),
    };
    e->is_order = tw_slice_starts(ev->type, TW_LIT("order."));
    return e;
}

void gw_backlog_add(struct gw_backlog *b, const struct tw_event *ev)
{
    struct gw_entry *e = entry_new(ev);

    weigh_newest(b);
    e->offset = b->total;
    b->total += (int64_t)ev->raw.len;
    if (b->count == b->cap)
        grow(b);
    b->ring[(b->first + b->count) % b->cap] = e;
    b->count++;
    take_bytes(b, weight(e));
    trim(b);
    grown(b);
}

bool gw_backlog_prepend(struct gw_backlog *b, const struct tw_event *ev)
{
    struct gw_entry *e;
    size_t size = sizeof(*e) + ev->raw.len;

    if (b->count >= GW_BACKLOG_EVENTS || b->bytes + size > b->max_bytes ||
        b->memory->bytes.value + size > b->memory->max_bytes)
        return false;
    e = entry_new(ev);
    e->offset = (b->count == 0 ? b->total : at(b, 0)->offset) - (int64_t)ev->raw.len;
    if (b->count == b->cap)
        grow(b);
    b->first = (b->first + b->cap - 1) % b->cap;
    b->ring[b->first] = e;
    b->count++;
    take_bytes(b, weight(e));
    b->gone = ev->seq - 1;
    grown(b);
    return true;
}

struct gw_entry *gw_backlog_from(const struct gw_backlog *b, uint64_t seq)
{
    size_t low = 0, high = b->count;

    if (b->count == 0 || at(b, b->count - 1)->event.seq < seq)
        return NULL;
    if (at(b, b->count - 1)->event.seq == seq) /* what live sessions ask for */
        return at(b, b->count - 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (at(b, middle)->event.seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return at(b, low);
}

unsigned gw_backlog_audience(struct gw_entry *e, size_t index, const struct gw_dialect *d)
{
    if (!e->has_audience[index]) {
        e->has_audience[index] = true;
        e->audience[index] = d->audience == NULL ? 0 : d->audience(&e->event);
    }
    return e->audience[index];
}

const struct gw_batch *gw_backlog_render(struct gw_backlog *b, struct gw_entry *e, size_t index,
                                         const struct gw_dialect *d,
                                         const struct gw_tenant *tenant, uint64_t *renderings)
{
    if (!e->is_rendered[index]) {
        e->is_rendered[index] = true;
        d->render(tenant, &e->event, &e->rendered[index]);
        take_bytes(b, e->rendered[index].bytes);
        *renderings += e->rendered[index].count;
    } else {
        take_bytes(b, gw_batch_weigh(&e->rendered[index]));
    }
    return &e->rendered[index];
}

const struct gw_batch *gw_backlog_variant(struct gw_backlog *b, struct gw_entry *e,
                                          size_t index, const char *name)
{
    for (struct gw_variant *v = e->variants; v != NULL; v = v->next)
        if (v->index == index && strcmp(v->name, name) == 0) {
            take_bytes(b, gw_batch_weigh(&v->batch));
            return &v->batch;
        }
    return NULL;
}

const struct gw_batch *gw_backlog_keep_variant(struct gw_backlog *b, struct gw_entry *e,
                                               size_t index, const char *name,
                                               struct gw_batch *batch)
{
    size_t n = strlen(name) + 1, count = 0;
    struct gw_variant *v;

    for (v = e->variants; v != NULL; v = v->next)
        count++;
    if (count >= GW_MAX_VARIANTS)
        return NULL;
    v = tw_alloc(1, sizeof(*v) + n);
    v->index = index;
    memcpy(v->name, name, n);
    v->batch = *batch;
    *batch = (struct gw_batch){ 0 };
    v->next = e->variants;
    e->variants = v;
    take_bytes(b, v->batch.bytes);
    return &v->batch;
}

void gw_backlog_restart(struct gw_backlog *b, uint64_t seq)
{
    while (b->count > 0)
        drop_oldest(b);
    tw_list_remove(&b->in_memory);
    free(b->ring);
    b->ring = NULL;
    b->cap = b->first = 0;
    b->gone = seq;
    b->end = 0;
}

void gw_backlog_done(struct gw_backlog *b)
{
    gw_backlog_restart(b, 0);
    *b = (struct gw_backlog){ .memory = b->memory, .max_bytes = b->max_bytes };
}
