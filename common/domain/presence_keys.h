/* presence_keys.h - where Redis keeps who is connected. Gateways write it, the api adds it up.
 *
 *     tw:p:all            hash: gateway to {"until":1767636000000,"minipos":3,"cloudsync":2}
 *     tw:p:{<tenant id>}  hash: gateway to
 * {"until":…,"minipos":1,"devices":[{"device_id":"pos_1",
 *                                           "user_id":null,"connected_at":"2026-01-05T…Z"}, …]}
 *     tw:p:tenants        sorted set: each tenant that has cloud sync devices, by its `until`
 *
 * All keys of a tenant are in the slot of its id (the braces), so they lie together in a
 * cluster. A gateway is named by its instance. `minipos` and `cloudsync` are numbers of
 * sessions. A record counts until its time (unix ms): after that, its gateway may be gone.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/slice.h"

#define TW_PRESENCE_ALL "tw:p:all"
#define TW_PRESENCE_TENANTS "tw:p:tenants"

#define TW_PRESENCE_UNTIL "until"
#define TW_PRESENCE_MINIPOS "minipos"
#define TW_PRESENCE_CLOUDSYNC "cloudsync"
#define TW_PRESENCE_DEVICES "devices"

#define TW_PRESENCE_KEY_BYTES 43 /* "tw:p:{}" with a UUID in it */

/* The key of one tenant's hash; `tenant` is a UUID's text. */
struct tw_slice tw_presence_key(struct tw_slice tenant, char out[TW_PRESENCE_KEY_BYTES]);
