/* authenticate.h - a credential to the identity behind it. The one authentication of the
 * gateway: for handshakes, for first messages, and for Socket.IO's CONNECT.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/token.h"
#include "gateway/admission/key_auth.h"
#include "gateway/admission/ticket_auth.h"
#include "gateway/dialect/dialect.h"
#include "gateway/dialect/principal.h"

/* Embedded in the process's state; both kept. */
struct gw_authenticator {
    struct gw_key_auth *keys;
    struct tw_tokens *tokens;
};

/* How an authentication ended; lent during the call. */
struct gw_authenticated {
    const struct gw_identity *who; /* null: refused */
    const char *refusal;           /* then a row's code of refusal.h */
    int status;                    /* with a body: what pos.authenticate answered, else 0 */
    struct tw_slice body;
};

struct gw_authentication;
struct gw_token_question;
/* Exactly once, never before gw_authenticate has returned. */
typedef void (*gw_authenticated_cb)(struct gw_authentication *a,
                                    const struct gw_authenticated *result);

/* Embedded in the struct that waits for it, and kept until the answer. Zeroed but for the
 * first group; slices there must live until gw_authenticate has returned. */
struct gw_authentication {
    struct gw_authenticator *all;
    gw_authenticated_cb answered;
    unsigned policy;            /* of enum gw_policy: which credentials are taken */
    const char *scope;          /* what a key must be allowed */
    const char *request_id;     /* kept */
    struct tw_slice tenant;     /* that the client named, decoded; empty: none */
    struct tw_slice header;     /* X-Tenant-ID; empty: none */
    struct tw_slice address;    /* of the client; empty: not known */
    struct tw_slice restaurant; /* a further one that a token must grant; empty: its own */

    struct gw_principal principal;
    struct gw_key_auth_query key;
    struct gw_token_question *token; /* null: it is no token; the check of one is large */
    struct gw_ticket_query *ticket;  /* null: it is none */
};

void gw_authenticate(struct gw_authentication *a, struct tw_slice credential);

/* Release the memory, after the answer. Fine on a zeroed one. */
void gw_authentication_done(struct gw_authentication *a);
