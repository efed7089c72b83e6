/* key.c - API keys (schema/functions/operators/key_shown.sql). The database has only their
 * SHA-256: a key is shown once, when it is made.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "label", "TEXT", "whose key it is, for people: \"till at the counter\"" },
    { "scopes", "pos,platform",
      "what it is for: pos, a till; platform, a shop; console, who looks there; "
      "console:write, who acts there; pos" },
    { "expires", "TIME", "when it ends: 2030-12-31, or \"90 days\"; never" },
    { "profile", "NAME", "in which words and types its client is answered; default" },
    { "device", "NAME",
      "the device whose own it is: it can be shut out alone, and is known by that name" },
    { "overlap", "SPAN", "for how long the old key is good as well; \"1 day\"" },
    { "all", NULL, "those that are good no longer, too" },
};

#define COLUMNS                                                                                \
    "s.id, s.hint, s.tenant, s.label, s.scopes, s.profile, s.state, s.created_at,"             \
    " s.expires_at, s.revoked_at"
#define ONE "select " COLUMNS " from pos.key_shown(null, true, :id) s"
/* The new one, and what it is: the second function waits for what the first one gives. */
#define NEW(call)                                                                              \
    "select n.key, " COLUMNS " from " call " n, pos.key_shown(null, true, n.id::text) s"

static const struct tillctl_command commands[] = {
    { .verb = "list",
      .words = "[SLUG]",
      .options = "all",
      .about = "the keys of a restaurant, or of all",
      .sql = "select tenant, id, hint, label, scopes, profile, state, expires_at"
             " from pos.key_shown(:slug, :all is not null)",
      .answer = TILLCTL_TABLE },
    { .verb = "show",
      .words = "ID",
      .about = "one of them",
      .sql = ONE,
      .answer = TILLCTL_RECORD,
      .missing = "there is no key with this id: tillctl key list shows them" },
    { .verb = "add",
      .words = "SLUG",
      .options = "label! scopes expires profile device",
      .about = "a new one; it is shown only this once",
      .sql = NEW("pos.key_add(:slug, :scopes, :label, :expires, :profile, :device)"),
      .answer = TILLCTL_RECORD },
    { .verb = "rotate",
      .words = "ID",
      .options = "overlap",
      .about = "a successor, shown only this once; both are good for a while",
      .sql = NEW("pos.key_renew(:id, :overlap)"),
      .answer = TILLCTL_RECORD },
    { .verb = "revoke",
      .words = "ID",
      .about = "it is good no longer, and its sockets close within a second",
      .change = "select pos.key_end(:id)",
      .sql = ONE,
      .answer = TILLCTL_RECORD },
    { .verb = "profile",
      .words = "ID NAME",
      .about = "in which words and types its client is answered from now on",
      .change = "select pos.key_dress(:id, :name)",
      .sql = ONE,
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_key = {
    .name = "key",
    .about = "what tills and shops prove themselves with",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
