/* revocation.h - news about keys and tenants: whose sessions must end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "gateway/admission/key_auth.h"
#include "gateway/stream/session.h"

/* Read a message of the control channel (rewritten in place) and act on it; a malformed one is
 * logged and ignored. */
void gw_revocation_read(struct gw_sessions *sessions, struct gw_key_auth *auth, char *at,
                        size_t len);

/* This key (a UUID) ends at that moment of the wall clock: its sessions are closed then, and
 * it is no longer remembered. */
void gw_revocation_set_expiry(struct gw_sessions *sessions, struct gw_key_auth *auth,
                              struct tw_slice key_id, int64_t expires_ms);

/* Close sessions without a key of tenants that are not among `allowed`: slugs, separated by
 * blanks. */
void gw_revocation_keyless(struct gw_sessions *sessions, struct tw_slice allowed);

/* Close sessions whose key has expired by now. */
void gw_revocation_expire(struct gw_sessions *sessions);
