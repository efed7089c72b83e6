/* close.c - the reasons, in the words that clients see.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/close.h"

const struct gw_closes gw_closes = {
    .slow = { GW_CLOSE_TRY_AGAIN, "reading too slowly; connect again" },
    .going_away = { GW_CLOSE_GOING_AWAY, "this server goes away; connect again" },
    .shut_down = { GW_CLOSE_GOING_AWAY, "shut down" },
    .by_client = { GW_CLOSE_NONE, "closed by the client" },
    .lost = { GW_CLOSE_NONE, "the connection was lost" },
    .silent = { GW_CLOSE_NONE, "left a ping unanswered" },
    .broke_frame = { GW_CLOSE_NONE, "broke RFC 6455" },
    .flood = { GW_CLOSE_POLICY, "too many control frames or fragments" },
    .full = { GW_CLOSE_TRY_AGAIN,
              "too many large messages arrive at once; connect again and send it once more" },

    .broke_eio = { GW_CLOSE_NONE, "broke the Engine.IO protocol" },
    .poll_cut = { GW_CLOSE_NONE, "the poll was cut" },
    .polled_twice = { GW_CLOSE_NONE, "polled twice at once" },
    .big_poll = { GW_CLOSE_TOO_BIG, "an event is too large for polling" },
    .bad_upgrade = { GW_CLOSE_NORMAL, "an upgrade is 2probe, 3probe, 5" },
    .late_upgrade = { GW_CLOSE_NORMAL, "the upgrade took too long" },
    .second_upgrade = { GW_CLOSE_NORMAL, "there is a WebSocket already" },

    .broke_sio = { GW_CLOSE_NORMAL, "broke the Socket.IO protocol" },
    .no_namespace = { GW_CLOSE_POLICY, "no namespace was connected in time" },
    .left = { GW_CLOSE_NONE, "left by the client" },
    .refused = { GW_CLOSE_NONE, "refused" },

    .text_only = { GW_CLOSE_UNSUPPORTED, "only text messages are understood here" },
    .not_ready = { GW_CLOSE_TRY_AGAIN,
                   "the restaurant's events cannot be read right now; connect again" },
    .lags = { GW_CLOSE_TRY_AGAIN, "reading too slowly; connect again and resume" },
    .too_late = { GW_CLOSE_TRY_AGAIN, "what was missed is no longer kept; connect again and "
                                      "fetch the state" },
    .state_unread = { GW_CLOSE_TRY_AGAIN,
                      "a change cannot be read right now; connect again and fetch the state" },
    .stream_back = { GW_CLOSE_TRY_AGAIN,
                     "the stream went back; connect again and fetch the state" },
    .moved = { GW_CLOSE_NONE, "joined another restaurant" },

    .no_credential = { GW_CLOSE_POLICY, "the first message must have an api_key or a token" },
    .late_credential = { GW_CLOSE_POLICY, "the first message, with an api_key or a token, did "
                                          "not come in time" },
    .early_flood = { GW_CLOSE_POLICY, "too much said before the credential was checked" },
    .bad_credential = { GW_CLOSE_POLICY, "the key or token is not good here" },
    .cannot_check = { GW_CLOSE_TRY_AGAIN, "credentials cannot be checked right now" },
    .key_revoked = { GW_CLOSE_POLICY, "the API key was revoked" },
    .key_expired = { GW_CLOSE_POLICY, "the API key is good no longer" },
    .keyless_off = { GW_CLOSE_POLICY, "devices without a key are not let in any more" },
    .tenant_moving = { GW_CLOSE_GOING_AWAY,
                       "the restaurant moves to other servers; connect again" },
    .tenant_suspended = { GW_CLOSE_POLICY, "the tenant was suspended" },
    .kicked = { GW_CLOSE_GOING_AWAY, "an operator closed this connection; connect again" },
    .made_up = { GW_CLOSE_TRY_AGAIN, "the sandbox was asked to close this connection" },
};
