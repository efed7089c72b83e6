/* token.c - a token (JWT, RFC 7519) to try something out with, signed with HS256 like those of
 * a restaurant's own server. The secret is the restaurant's own, from the database, or the one
 * of all gateways and apis, from their environment: never from the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/json_write.h"
#include "common/util/jwt.h"
#include "deploy/tillctl/file.h"
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "subject", "TEXT", "whom it names; tillctl" },
    { "role", "TEXT", "what that is in the restaurant: manager, kitchen, ..." },
    { "scopes", "LIST", "what it permits: orders:read,orders:write; all that its role may" },
    { "audience", "TEXT", "what it is for; TILLWIRE_JWT_AUDIENCE" },
    { "expires", "SPAN", "how long it is good, a day at most; \"1 hour\"" },
};

/* The secret of all restaurants, as gateways and apis are given it; the caller frees it. Null:
 * there is none, or it cannot be read. */
static char *common_secret(void)
{
    const char *text = getenv("TILLWIRE_JWT_SECRET");
    const char *path = getenv("TILLWIRE_JWT_SECRET_FILE");

    if (text != NULL && text[0] != '\0')
        return tw_copy_text(text, strlen(text));
    return path == NULL || path[0] == '\0' ? NULL : file_read(path);
}

static void sign(struct tw_buf *token, const char *claims, const char *secret)
{
    uint8_t signature[TW_SHA256_BYTES];

    tw_base64url(token, TW_LIT("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    tw_buf_char(token, '.');
    tw_base64url(token, tw_slice_of(claims));
    tw_hmac_sha256(tw_slice_of(secret), tw_buf_view(token), signature);
    tw_buf_char(token, '.');
    tw_base64url(token, tw_slice_from((const char *)signature, sizeof(signature)));
}

static int show(const struct tillctl_args *args, const struct rows *r, const char *secret)
{
    struct tw_buf token = { .max = TW_JWT_BYTES }, json = { .max = (size_t)2 * TW_JWT_BYTES };

    sign(&token, rows_text(r, 0, 0), secret);
    if (token.failed) {
        (void)fputs("tillctl: that is too long for a token\n", stderr);
        tw_buf_done(&token);
        return TILLCTL_REFUSED;
    }
    if (args->json && args->only == NULL) {
        tw_buf_char(&json, '{');
        tw_json_member(&json, "token", tw_buf_view(&token));
        tw_json_member(&json, "expires_at", tw_slice_of(rows_text(r, 0, 2)));
        tw_buf_char(&json, '}');
    } else {
        tw_buf_append(&json, tw_buf_view(&token));
    }
    tw_buf_char(&json, '\n');
    TW_ASSERT(!json.failed);
    (void)fwrite(json.at, 1, json.len, stdout);
    tw_buf_done(&token);
    tw_buf_done(&json);
    return TILLCTL_DONE;
}

static int make(const struct tillctl_args *args, const struct rows *r)
{
    const char *own = rows_text(r, 0, 1);
    char *common = own[0] != '\0' ? NULL : common_secret();
    const char *secret = own[0] != '\0' ? own : common;
    int exit = TILLCTL_REFUSED;

    if (secret == NULL)
        (void)fputs("tillctl: it has no secret of its own (tillctl tenant set --token-secret), "
                    "and neither TILLWIRE_JWT_SECRET nor TILLWIRE_JWT_SECRET_FILE is set\n",
                    stderr);
    else if (strlen(secret) < TW_JWT_SECRET_BYTES)
        (void)fputs("tillctl: gateways take no secret as short as this one\n", stderr);
    else
        exit = show(args, r, secret);
    free(common);
    return exit;
}

static int token(const struct tillctl_args *args)
{
    const char *audience = tillctl_value(args, "audience");
    const char *const values[] = {
        tillctl_value(args, "slug"),
        tillctl_value(args, "subject"),
        tillctl_value(args, "role"),
        tillctl_value(args, "scopes"),
        tillctl_value(args, "expires"),
        audience != NULL ? audience : getenv("TILLWIRE_JWT_AUDIENCE"),
    };
    struct database *d = tillctl_open(args);
    struct rows *r;
    int exit = TILLCTL_REFUSED;

    if (d == NULL)
        return TILLCTL_UNREACHABLE;
    r = database_ask_texts(
        d,
        "select claims, secret, pos.utc(expires_at) from pos.operator_token($1, $2, $3, $4,"
        " nullif($6, ''), $5)",
        TW_COUNT(values), values);
    if (r != NULL)
        exit = make(args, r);
    else if (database_is_lost(d))
        exit = TILLCTL_UNREACHABLE;
    rows_done(r);
    database_close(d);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .words = "SLUG",
      .options = "subject role scopes audience expires",
      .about = "a token to try something out with",
      .run = token },
};

const struct tillctl_thing tillctl_token = {
    .name = "token",
    .about = "signed tokens (JWT)",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
