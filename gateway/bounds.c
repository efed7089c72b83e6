/* bounds.c - the table of a gateway's bounds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/bounds.h"

#include "gateway/admission/first_message.h"
#include "gateway/admission/handshake.h"
#include "gateway/admission/key_auth.h"
#include "gateway/restaurant_os/screen.h"
#include "gateway/shared_state/device.h"
#include "gateway/shared_state/relay.h"
#include "gateway/shared_state/snapshots.h"
#include "gateway/socketio/eio.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/cursor.h"
#include "gateway/stream/deliveries.h"
#include "gateway/stream/reports.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/ws.h"

const struct tw_bound gw_bounds[] = {
    /* Who is not let in yet. */
    { "process", "WebSockets that have not said who they are: a tenth of all, and",
      GW_STRANGERS, TW_BOUND_COUNT, NULL, "503 `OVERLOADED`", "ws_strangers" },
    { "process", "Engine.IO sockets like that: a tenth of all, and", GW_EIO_STRANGERS,
      TW_BOUND_COUNT, NULL, "503 `OVERLOADED`", "eio_strangers" },
    { "process", "new clients in a second", 0, TW_BOUND_PER_SECOND, "HANDSHAKES_PER_SECOND",
      "503 `OVERLOADED`, with a `Retry-After` of 1 to 5 seconds", "arrivals_refused_total" },
    { "client", "what it sends before it is let in", GW_STRANGER_BYTES, TW_BOUND_BYTES, NULL,
      "closed with 1008", "ws_handshakes_total" },
    { "client", "what has been read of it and waits for its turn", GW_EARLY_BYTES,
      TW_BOUND_BYTES, NULL, "no more is read until then", "ws_turns_full_total" },
    { "process", "sessions", 0, TW_BOUND_COUNT, "MAX_SESSIONS", "503 `OVERLOADED`",
      "ws_sessions" },
    { "process", "keys that are remembered", GW_KEYS_KNOWN, TW_BOUND_COUNT, NULL,
      "the one not used for longest is forgotten", "auth_total" },
    { "process", "ways to ask with one of them", GW_WAYS_OF_A_KEY, TW_BOUND_COUNT, NULL,
      "the oldest is forgotten", "auth_total" },
    /* What clients send. */
    { "client",
      "work in a turn of the loop: bytes of its messages, unpacked, and 64 for each frame",
      GW_TURN_WORK, TW_BOUND_BYTES, NULL, "read in the next turn, after the others",
      "ws_turns_full_total" },
    { "client", "this work, in a second", GW_WORK_PER_SECOND, TW_BOUND_BYTES, NULL,
      "not read for a moment", "ws_rests_total" },
    { "client", "of it at once", GW_WORK_AT_ONCE, TW_BOUND_BYTES, NULL, "the same",
      "ws_rests_total" },
    { "client", "a message", 0, TW_BOUND_BYTES, "MESSAGE_BYTES", "closed with 1009",
      "ws_closes_total" },
    { "client", "a message of a MiniPOS tablet or cloud sync device", 0, TW_BOUND_BYTES,
      "DEVICE_MESSAGE_BYTES", "skipped, and answered `MESSAGE_TOO_LARGE`", NULL },
    { "client", "fragments of a message", GW_FRAGMENTS, TW_BOUND_COUNT, NULL,
      "closed with 1008", "ws_closes_total" },
    { "process",
      "messages over `TILLWIRE_MESSAGE_BYTES` that have begun to arrive: of the longest",
      GW_LARGE_MESSAGES, TW_BOUND_COUNT, NULL, "closed with 1013", "ws_held_bytes" },
    { "process", "bodies of requests", GW_BODIES_BYTES, TW_BOUND_BYTES, NULL,
      "503 `OVERLOADED`", "http_body_bytes" },
    { "client", "requests of a kitchen screen", GW_SCREEN_REQUESTS_A_SECOND,
      TW_BOUND_PER_SECOND, NULL, "`RATE_LIMIT`", "sio_requests_total" },
    { "client", "of these under way or waiting", GW_SCREEN_REQUESTS, TW_BOUND_COUNT, NULL,
      "`RATE_LIMIT`", "sio_requests_total" },
    { "client", "changes of a device that wait for PostgreSQL", GW_DEVICE_CHANGES,
      TW_BOUND_COUNT, NULL, "it is not read until they are fewer", NULL },
    { "client", "their bytes", GW_DEVICE_CHANGE_BYTES, TW_BOUND_BYTES, NULL, "the same", NULL },
    { "client", "of these, when more had been read already", GW_DEVICE_ALL_CHANGES,
      TW_BOUND_COUNT, NULL, "`RATE_LIMIT`", "device_refusals_total" },
    { "client", "messages that a device has passed on to others", GW_RELAYS_PER_SECOND,
      TW_BOUND_PER_SECOND, NULL, "`RATE_LIMIT`", "device_refusals_total" },
    { "client", "of these at once", GW_RELAYS_AT_ONCE, TW_BOUND_COUNT, NULL, "`RATE_LIMIT`",
      "device_refusals_total" },
    { "client", "such a message", GW_RELAY_BYTES, TW_BOUND_BYTES, NULL, "`MESSAGE_TOO_LARGE`",
      "device_refusals_total" },
    /* What is sent to them. */
    { "client", "what it does not read", 0, TW_BOUND_BYTES, "QUEUE_BYTES", "closed with 1013",
      "ws_slow_consumers_total" },
    { "client", "what the kernel holds for it unsent", GW_UNSENT_BYTES, TW_BOUND_BYTES, NULL,
      "the rest waits here", NULL },
    { "restaurant", "events in memory", GW_BACKLOG_EVENTS, TW_BOUND_COUNT, NULL,
      "the oldest are read from the log", "catch_up_reads_total" },
    { "restaurant", "their bytes", 0, TW_BOUND_BYTES, "BACKLOG_BYTES", "the same",
      "catch_up_reads_total" },
    { "process", "of all restaurants", 0, TW_BOUND_BYTES, "EVENTS_BYTES", "the same",
      "events_kept_bytes" },
    { "restaurant", "events that came before their turn", GW_MAX_HELD, TW_BOUND_COUNT, NULL,
      "read from the log", "log_reads_total" },
    { "restaurant", "their bytes", GW_HELD_BYTES, TW_BOUND_BYTES, NULL, "the same",
      "log_reads_total" },
    { "process", "snapshots that are kept", GW_SNAPSHOT_BYTES, TW_BOUND_BYTES, NULL,
      "the one not used for longest is read again", "states_kept_bytes" },
    /* What the console is shown. */
    { "process", "events of orders whose deliveries are noted in a second", GW_NOTED_EVENTS,
      TW_BOUND_COUNT, NULL, "the others are counted", "deliveries_noted_total" },
    { "process", "devices of such an event that are named", GW_NOTED_DEVICES, TW_BOUND_COUNT,
      NULL, "the others are counted", "deliveries_unnamed_total" },
    { "process", "of all such events, in a second", GW_NOTED_RECORDS, TW_BOUND_COUNT, NULL,
      "the others are counted", "deliveries_unnamed_total" },
    { "process", "restaurants that a console looks at", GW_WATCHED, TW_BOUND_COUNT, NULL,
      "the others are shown as the log has them", "console_watched" },
    { "restaurant", "sessions that are reported while a console looks", GW_REPORTED_SESSIONS,
      TW_BOUND_COUNT, NULL, "the others are counted", NULL },
    { 0 },
};
