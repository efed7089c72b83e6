/* close.h - why we end a connection: the close codes, and every reason that we give.
 *
 * A reason is a row of gw_closes. It goes into the close frame (RFC 6455 section 5.5.1), into
 * the sync log and into other logs, so its text is part of what clients see.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RFC 6455 section 7.4.1, and 1013 of the registry that its section 11.7 began. */
enum gw_close_code {
    GW_CLOSE_NONE = 0, /* the peer is not told, or has gone */
    GW_CLOSE_NORMAL = 1000,
    GW_CLOSE_GOING_AWAY = 1001,
    GW_CLOSE_PROTOCOL = 1002,
    GW_CLOSE_UNSUPPORTED = 1003, /* a type of data that is not taken here */
    GW_CLOSE_NO_CODE = 1005,     /* the peer gave none; never sent */
    GW_CLOSE_INVALID_TEXT = 1007,
    GW_CLOSE_POLICY = 1008,
    GW_CLOSE_TOO_BIG = 1009,
    GW_CLOSE_TRY_AGAIN = 1013
};

/* Passed by value. The reason is static: at most 123 bytes, or it would be cut off. */
struct gw_close {
    unsigned code; /* an enum gw_close_code */
    const char *reason;
};

/* Every reason there is, by its name: gw_closes.slow. */
struct gw_closes {
    /* A connection, whatever is said over it. */
    struct gw_close slow;        /* more waits for it than may */
    struct gw_close going_away;  /* this process drains */
    struct gw_close shut_down;   /* this process ends now */
    struct gw_close by_client;   /* the client has closed it */
    struct gw_close lost;        /* it broke */
    struct gw_close silent;      /* no pong in time, here and in Engine.IO */
    struct gw_close broke_frame; /* what came is no valid WebSocket frame */
    struct gw_close flood;       /* of control frames, or of fragments */
    struct gw_close full;        /* too much of half-received messages is held for all */

    /* Engine.IO. */
    struct gw_close broke_eio;      /* a packet that it must not send */
    struct gw_close poll_cut;       /* the connection of the held GET broke */
    struct gw_close polled_twice;   /* a GET while another one is held */
    struct gw_close big_poll;       /* one packet exceeds a poll's answer */
    struct gw_close bad_upgrade;    /* something else than 2probe and 5 */
    struct gw_close late_upgrade;   /* no 5 in time */
    struct gw_close second_upgrade; /* it has a WebSocket, or one probes */

    /* Socket.IO. */
    struct gw_close broke_sio;    /* a packet that it must not send */
    struct gw_close no_namespace; /* no CONNECT in time */
    struct gw_close left;         /* DISCONNECT by the client */
    struct gw_close refused;      /* CONNECT_ERROR by us */

    /* Sessions and the stream. */
    struct gw_close text_only;    /* a binary message */
    struct gw_close not_ready;    /* its stream cannot be read for too long */
    struct gw_close lags;         /* it reads too slowly to stay in the stream */
    struct gw_close too_late;     /* the log has dropped what it was to hear */
    struct gw_close state_unread; /* what stands for an event cannot be read */
    struct gw_close stream_back;  /* the log has restarted at an earlier seq */
    struct gw_close moved;        /* it goes on in another restaurant's stream */

    /* Admission. */
    struct gw_close no_credential;    /* none in the first message */
    struct gw_close late_credential;  /* no first message in time */
    struct gw_close early_flood;      /* too much before the check ended */
    struct gw_close bad_credential;   /* of the first message */
    struct gw_close cannot_check;     /* the database does not answer */
    struct gw_close key_revoked;      /* control message key.revoked */
    struct gw_close key_expired;      /* key.expires, or a token's end */
    struct gw_close keyless_off;      /* control message keyless.off */
    struct gw_close tenant_moving;    /* control messages tenant.leaving, frozen, left */
    struct gw_close tenant_suspended; /* control message tenant.suspended */
    struct gw_close kicked;           /* control message device.kick */
    struct gw_close made_up;          /* device.fault, which has a code of its own */
};

extern const struct gw_closes gw_closes;
