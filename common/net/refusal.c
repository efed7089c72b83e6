/* refusal.c - the refusals that the C side itself speaks; business refusals come from SQL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/refusal.h"

#include <string.h>

#include "common/util/base.h"
#include "common/util/json_write.h"

static const struct tw_refusal table[] = {
    { "INTERNAL", 500,
      "Something failed on our side and was logged. Try again; if it stays, report the "
      "requestId." },
    { "ANSWER_TOO_LARGE", 500,
      "The answer is over 64 MiB. Ask for less at a time: most lists take a limit." },
    { "BAD_REQUEST", 400,
      "The HTTP request is malformed or could be read in two ways (RFC 9112); send it as your "
      "HTTP library makes it." },
    { "TLS_REQUIRED", 403,
      "Only TLS is spoken here: use https:// or wss://. Nothing was done." },
    { "DUPLICATE_HEADER", 400,
      "A header that decides about this request was sent twice; send it once." },
    { "HTTP_VERSION", 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here." },
    { "EXPECTATION_FAILED", 417, "The only expectation known here is 100-continue." },
    { "URI_TOO_LONG", 414, "The request's address is over 4096 bytes." },
    { "HEADERS_TOO_LARGE", 431, "The request's headers are over 16 KiB or more than 100." },
    { "BODY_TOO_LARGE", 413,
      "The body is over 1 MiB (a batch, and POST /api/sync: 8 MiB); send less at a time." },
    { "REQUEST_TIMEOUT", 408,
      "The request was not complete in time; send it again on a new connection." },
    { "INVALID_ENCODING", 400,
      "The address has a broken %-escape, a NUL or text that is not UTF-8." },
    { "INVALID_JSON", 400, "The body must be one JSON object (RFC 8259) in UTF-8." },
    { "DUPLICATE_FIELD", 400, "A field is given twice in the body; give it once." },
    { "UNSUPPORTED_MEDIA_TYPE", 415,
      "Send the body as JSON, with Content-Type: application/json." },
    { "NOT_FOUND", 404, "There is nothing at this address; compare it with docs/rest.md." },
    { "METHOD_NOT_ALLOWED", 405,
      "This address does not take this method; the Allow header lists those it takes." },
    { "MISSING_TENANT", 400, "Name the tenant: ?tenant=<slug>." },
    { "INVALID_TENANT", 400,
      "A tenant's name is made of the letters a to z, digits, hyphens and underscores." },
    { "INVALID_HEADER", 400,
      "X-Tenant-ID, X-Device-Id and Idempotency-Key take up to 200 printable characters." },
    { "UNAUTHORIZED", 401,
      "The API key is missing, unknown, expired or revoked. Send a valid one as "
      "X-API-Key or as Authorization: Bearer." },
    { "AUTH_FAILED", 401,
      "The token or API key is missing, wrong or expired. Get a new one and connect again." },
    { "INVALID_TICKET", 401,
      "This ticket is unknown, used or expired: each opens one socket, within 30 seconds. Ask "
      "for a new one (POST /api/{tenant}/ws-ticket) and connect again." },
    { "RESTAURANT_REQUIRED", 403,
      "The token names no restaurant: it has no restaurant_id. Add it to the token; or, for a "
      "token that is signed with the restaurant's own secret, name the restaurant in the "
      "header X-Restaurant-ID or as restaurant_id, and let TILLWIRE_JWT_RESTAURANT=named "
      "allow that." },
    { "INVALID_RESTAURANT", 403,
      "There is no such restaurant. Check the token's restaurant_id." },
    { "PERMISSION_DENIED", 403,
      "The token or key does not allow this, or is for another restaurant." },
    { "ORIGIN_NOT_ALLOWED", 403,
      "Pages of this origin may open no sockets here. Ask the operator to name it in "
      "TILLWIRE_ALLOWED_ORIGINS." },
    { "TENANT_SUSPENDED", 403, "This restaurant is suspended. Ask who operates it." },
    { "TENANT_MOVING", 503,
      "This restaurant moves to other servers; nothing was done. Try again in a moment." },
    { "RATE_LIMITED", 429,
      "Too many requests with this key; nothing was done. Wait as long as Retry-After says." },
    { "BUSY", 503,
      "Somebody else holds this record right now, or it took too long; nothing was done. "
      "Try again." },
    { "UNAVAILABLE", 503,
      "The database cannot be reached right now; nothing was done. Try again." },
    { "OVERLOADED", 503, "There is too much to do right now; nothing was done. Try again." },
    { "OUTCOME_UNKNOWN", 500,
      "The connection to the database broke in the middle. Send the request again with the "
      "same Idempotency-Key to learn the outcome." },
    { "DRAINING", 503, "This instance is going away; connect again." },
    { "UPGRADE_REQUIRED", 426, "This address speaks WebSocket, version 13." },
    { "INVALID_SINCE", 400,
      "since is the last seq that you have seen: a whole number from 0 on, in digits." },
    { "MISSING_DEVICE", 400, "Name both device_id and restaurant_id in the address's query." },
    { "BAD_HANDSHAKE", 400, "The WebSocket handshake is malformed (RFC 6455 section 4.2.1)." },
};

const struct tw_refusal *tw_refusal_of(const char *code)
{
    for (size_t i = 0; i < TW_COUNT(table); i++)
        if (strcmp(table[i].code, code) == 0)
            return &table[i];
    return &table[0];
}

void tw_refusal_help(struct tw_buf *out, struct tw_slice code)
{
    tw_json_member_raw(out, "help", TW_LIT("\"/docs/errors#"));
    tw_buf_append(out, code);
    tw_buf_char(out, '"');
}

void tw_refusal_body(struct tw_buf *out, const struct tw_refusal *refusal,
                     struct tw_slice message, struct tw_slice request_id)
{
    if (message.len == 0)
        message = tw_slice_of(refusal->message);
    tw_buf_text(out, "{\"success\":false,\"error\":{");
    tw_json_member(out, "code", tw_slice_of(refusal->code));
    tw_json_member(out, "message", message);
    tw_refusal_help(out, tw_slice_of(refusal->code));
    tw_buf_char(out, '}');
    tw_json_member(out, "message", message);
    if (request_id.len > 0)
        tw_json_member(out, "requestId", request_id);
    tw_buf_char(out, '}');
}

void tw_refusal_head(struct tw_http_response *res, int status)
{
    tw_refusal_head_later(res, status, TW_LIT("1"));
}

void tw_refusal_head_later(struct tw_http_response *res, int status, struct tw_slice seconds)
{
    res->status = status;
    res->content_type = "application/json";
    if (status == 401) /* RFC 9110 section 11.6.1 */
        tw_http_add(res, "WWW-Authenticate", TW_LIT("Bearer realm=\"tillwire\""));
    if (status == 429 || status == 503)
        tw_http_add(res, "Retry-After", seconds);
}
