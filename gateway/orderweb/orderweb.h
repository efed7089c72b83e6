/* orderweb.h - OrderWeb tills: docs/protocols/orderweb.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"

extern const struct gw_dialect gw_orderweb; /* WebSockets; its family: acks.h */

extern const struct gw_dialect gw_stream_orders; /* event streams */ /* has no family */
