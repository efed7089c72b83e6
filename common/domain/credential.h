/* credential.h - where a request may carry its key or token, for all of our listeners.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_message.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

/* The places, in the order in which they are read. Headers come first: an address gets into
 * logs, and a browser sends its cookies unasked. */
enum tw_credential_place {
    TW_CREDENTIAL_HEADER = 1,  /* X-API-Key */
    TW_CREDENTIAL_BEARER = 2,  /* Authorization: Bearer */
    TW_CREDENTIAL_PATH = 4,    /* /k/<key>/ in front of the path */
    TW_CREDENTIAL_QUERY = 8,   /* apiKey, api_key or token, in this order */
    TW_CREDENTIAL_COOKIE = 16, /* tillwire_key, where the page may use it: see cors.h */
    TW_CREDENTIAL_TICKET = 32  /* ticket, in the query; it goes before the cookie */
};

#define TW_CREDENTIAL_HEADERS (TW_CREDENTIAL_HEADER | TW_CREDENTIAL_BEARER)
/* A ticket opens a socket, and nothing else. */
#define TW_CREDENTIAL_SOCKET (TW_CREDENTIAL_ANYWHERE | TW_CREDENTIAL_TICKET)
#define TW_CREDENTIAL_ANYWHERE                                                                 \
    (TW_CREDENTIAL_HEADERS | TW_CREDENTIAL_PATH | TW_CREDENTIAL_QUERY | TW_CREDENTIAL_COOKIE)

enum tw_credential {
    TW_CREDENTIAL_NONE,
    TW_CREDENTIAL_FOUND,
    TW_CREDENTIAL_CONFLICTING, /* X-API-Key and Bearer say different things */
    TW_CREDENTIAL_MALFORMED,   /* in the path or the query, with a broken escape */
    TW_CREDENTIAL_NO_TICKET,   /* what stands there as a ticket is none */
    TW_CREDENTIAL_TOO_LONG     /* for `out`: longer than any that exists */
};

/* Cut /k/<key> off the front of `*path`, for clients of which only the URL can be set. The key
 * as it is written (percent-encoded), lent; empty, and the path unchanged, without one. */
struct tw_slice tw_credential_cut(struct tw_slice *path);

/* `text` without what comes along when people copy a key: blanks, line ends, quotes and a byte
 * order mark around it. Lent from `text`. */
struct tw_slice tw_credential_clean(struct tw_slice text);

/* Whether it is shaped like one of our keys: pos_ or plat_, and 64 hexadecimal digits. */
bool tw_credential_is_key(struct tw_slice text);

/* Whether it is shaped like a ticket: tkt_, and 64 hexadecimal digits. */
bool tw_credential_is_ticket(struct tw_slice text);

/* The credential of the first of `places` that has one, cleaned, onto `out`: empty before, with
 * a limit; empty afterwards with every answer but FOUND. `path_key` is what tw_credential_cut
 * gave, `origins` the setting (cors.h). Later places are not looked at, so what they contain
 * does not matter. */
enum tw_credential tw_credential_read(const struct tw_http_request *req, unsigned places,
                                      struct tw_slice path_key, struct tw_slice origins,
                                      struct tw_buf *out);

/* A credential that somebody wrote as in a header, or pasted: without `Bearer ` and the blanks
 * around it. Lent. */
struct tw_slice tw_credential_bare(struct tw_slice text);

/* The code of the refusal (refusal.h) that an answer calls for; null for NONE and FOUND. */
const char *tw_credential_refusal(enum tw_credential answer);
