/* minipos_staff.h - the staff of a restaurant's MiniPOS tablets, whose list a tablet asks for.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/util/slice.h"

struct gw_session;

/* A tablet has said UPDATE_USERS or USER_SYNC (`type`) in this message, with this data: keep
 * what it changes, or answer the list that it asks for. True: whether others hear of it is seen
 * to here, when it is known that it changes anything. A tablet that is opened for the first
 * time adds staff of the page's own, whom this restaurant may have deleted. Its staff is kept
 * only where the restaurant wants that (tenants.staff_secrets) and there is a key for it
 * (TILLWIRE_STAFF_KEY). */
bool gw_minipos_staff(struct gw_session *s, struct tw_slice type, struct tw_slice data,
                      struct tw_slice whole);

/* Send a tablet the list that is kept, if there is one: behind what it has said before. */
void gw_minipos_staff_show(struct gw_session *s);
