/* events.h - the events of OrderWeb's tills, for WebSockets and event streams.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/domain/event.h"
#include "common/util/buf.h"
#include "gateway/dialect/dialect.h"

/* Whatever an event has; SQL writers have no limit. */
#define GW_ORDERWEB_FRAME_BYTES ((size_t)64 * 1024 * 1024)

/* Who is shown an event; the curious ones ask for what no document names, and others have
 * acknowledged an order: on this connection, or as a device that the event names. */
enum { GW_NO_TILL, GW_CURIOUS_TILLS, GW_ACKING_TILLS, GW_EACH_TILL };
unsigned gw_orderweb_audience(const struct tw_event *ev);
enum gw_hearing gw_orderweb_hearing(unsigned audience, bool hears_all);

/* Its type on the wire; null when it has none. */
const char *gw_orderweb_type(const struct tw_event *ev);

/* The members of its message, for an event that has a type. */
void gw_orderweb_write(struct tw_buf *out, const struct gw_tenant *tenant,
                       const struct tw_event *ev);

/* The member `order` of an order's event, as OrderWeb's own event stream has it. */
void gw_orderweb_write_order(struct tw_buf *out, const struct tw_event *ev);
