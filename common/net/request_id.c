/* request_id.c - taking a request's id over, or making one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/request_id.h"

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
