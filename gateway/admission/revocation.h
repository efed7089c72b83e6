/* revocation.h - news about keys and tenants: whose sessions must end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/domain/token.h"
#include "common/util/map.h"
#include "gateway/admission/key_auth.h"
#include "gateway/stream/reports.h"
#include "gateway/stream/session.h"

/* What a revocation concerns; all are kept. Embedded in the process's state. */
struct gw_revocation {
    struct gw_sessions *sessions;
    struct gw_key_auth *auth;
    struct tw_tokens *tokens;
    struct gw_reports *reports; /* null: none are made */
};

/* Read a message of the control channel (rewritten in place) and act on it; a malformed one is
 * logged and ignored. */
void gw_revocation_read(struct gw_revocation *r, char *at, size_t len);

/* This key (a UUID) ends at that moment of the wall clock (0: never): its sessions are closed
 * then, and if that is news, it is no longer remembered. */
void gw_revocation_set_expiry(struct gw_revocation *r, struct tw_slice key_id,
                              int64_t expires_ms);

/* This tenant (a UUID) is suspended: its sessions that came with a token are closed. Those with
 * keys are closed by the end of their keys. */
void gw_revocation_end_tokens(struct gw_revocation *r, struct tw_slice tenant_id);

/* These tenants (by UUID) move to another cell, or have: their sessions, if any are here, are
 * closed. */
void gw_revocation_move(struct gw_revocation *r, const struct tw_map *tenants);

/* Close sessions without a key of tenants that are not among `allowed`: slugs, separated by
 * blanks. */
void gw_revocation_keyless(struct gw_revocation *r, struct tw_slice allowed);

/* Close sessions whose key or token has expired by now. */
void gw_revocation_expire(struct gw_revocation *r);

/* For gw_faults_options.over: what device.fault has begun is over. */
void gw_revocation_undisturb(struct gw_session *s);
