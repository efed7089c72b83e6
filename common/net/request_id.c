/* request_id.c - taking a request's id over, or making one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/request_id.h"

#include <string.h>

#include "common/net/http_message.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"

static bool is_id_char(char c)
{
    return (c >= '0' && c <= '9') || (tw_ascii_lower(c) >= 'a' && tw_ascii_lower(c) <= 'z') ||
           c == '.' || c == '_' || c == '-';
}

void tw_request_id(const struct tw_http_request *req, char out[TW_REQUEST_ID])
{
    struct tw_slice given = tw_http_header(req, "x-request-id");
    uint8_t random[12];
    size_t n = 0;

    while (n < given.len && is_id_char(given.at[n]))
        n++;
    if (n > 0 && n == given.len && n < TW_REQUEST_ID) {
        memcpy(out, given.at, n);
        out[n] = '\0';
        return;
    }
    tw_random(random, sizeof(random));
    tw_hex(random, sizeof(random), out);
    out[2 * sizeof(random)] = '\0';
}

#define TRACE 55 /* bytes of a traceparent */

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_zeros(const char *at, size_t len)
{
    while (len > 0 && at[len - 1] == '0')
        len--;
    return len == 0;
}

struct tw_slice tw_request_trace(const struct tw_http_request *req)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    struct tw_slice given = tw_http_header(req, "traceparent");

    if (given.len < TRACE)
        return TW_EMPTY;
    for (size_t i = 0; i < TRACE; i++)
        if (form[i] == 'x' ? !is_lower_hex(given.at[i]) : given.at[i] != form[i])
            return TW_EMPTY;
    if (memcmp(given.at, "ff", 2) == 0 || is_zeros(given.at + 3, 32) ||
        is_zeros(given.at + 36, 16))
        return TW_EMPTY;
    if (given.len > TRACE && (given.at[TRACE] != '-' || memcmp(given.at, "00", 2) == 0))
        return TW_EMPTY;
    return tw_slice_from(given.at, TRACE);
}
