/* handshakes.c - a queue, and buckets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/handshakes.h"

#include "common/util/base.h"

#define AT(field) TW_METRIC_AT(struct tw_handshakes, field)

static const struct tw_metric_row metric_rows[] = {
    { "tls_handshakes_total", "result=\"done\"",
      "TLS handshakes with clients. Those that were refused came from an address that had "
      "begun "
      "too many.",
      AT(done) },
    { "tls_handshakes_total", "result=\"failed\"", NULL, AT(failed) },
    { "tls_handshakes_total", "result=\"refused\"", NULL, AT(refused) },
};

const struct tw_metric_table tw_handshakes_metrics = { .rows = metric_rows,
                                                       .count = TW_COUNT(metric_rows) };

void tw_handshakes_start(struct tw_handshakes *all, struct tw_loop *loop)
{
    all->loop = loop;
    tw_list_init(&all->waiting);
    tw_buckets_start(&all->addresses, TW_HANDSHAKE_ADDRESSES, TW_HANDSHAKES_A_SECOND,
                     TW_HANDSHAKES_AT_ONCE);
}

void tw_handshakes_stop(struct tw_handshakes *all)
{
    tw_buckets_done(&all->addresses);
}

/* A customer has a whole network of IPv6 addresses: its first four groups of digits. */
static struct tw_slice network_of(struct tw_slice address)
{
    struct tw_slice rest = address, group;

    for (int i = 0; i < 4; i++)
        if (!tw_slice_split(&rest, ':', &group))
            return address;
    return rest.len == 0 ? address : tw_slice_from(address.at, address.len - rest.len);
}

bool tw_handshakes_allows(struct tw_handshakes *all, struct tw_slice text)
{
    if (tw_buckets_take(&all->addresses, network_of(text), all->loop->now_ms))
        return true;
    all->refused.value++;
    return false;
}

/* The loop runs a note that comes back four times, and then what else has happened. */
static void on_turn(struct tw_later *l)
{
    struct tw_handshakes *all = tw_container_of(l, struct tw_handshakes, turn);
    struct tw_list *link = tw_list_shift(&all->waiting);

    if (link == NULL)
        return;
    if (!tw_list_empty(&all->waiting))
        tw_later(all->loop, &all->turn, on_turn);
    tw_container_of(link, struct tw_handshake, link)
        ->run(tw_container_of(link, struct tw_handshake, link));
}

void tw_handshakes_wait(struct tw_handshakes *all, struct tw_handshake *h)
{
    if (tw_list_linked(&h->link))
        return;
    tw_list_append(&all->waiting, &h->link);
    tw_later(all->loop, &all->turn, on_turn);
}

void tw_handshakes_leave(struct tw_handshake *h)
{
    tw_list_remove(&h->link);
}
