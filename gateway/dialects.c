/* dialects.c - one row for each dialect. A new one is a folder, and a row here.
 *
 * Handshakes are offered to the rows in this order: from the most particular address to the
 * most general one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialects.h"

#include "gateway/orderweb/orderweb.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/shared_state/cloudsync.h"
#include "gateway/shared_state/minipos.h"

struct gw_dialects gw_all_dialects(struct gw_tills *tills, struct gw_shared_state *shared_state,
                                   struct gw_restaurant_os *restaurant_os)
{
    struct gw_dialects all = {
        .rows = {
            { &gw_orderweb, tills },
            { &gw_stream_orders, NULL },
            { &gw_restaurant_os_dialect, NULL },
            { &gw_restaurant_os_ws, restaurant_os },
            { &gw_cloudsync, shared_state },
            { &gw_minipos, shared_state },
        },
    };

    while (all.count < GW_MAX_DIALECTS && all.rows[all.count].dialect != NULL)
        all.count++;
    return all;
}
