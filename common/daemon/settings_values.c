/* settings_values.c - the settings whose values have a form of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/settings_values.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/listener.h"
#include "common/net/pg_dial.h"
#include "common/net/redis_url.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"

static bool is_letter_or_digit(char c)
{
    c = tw_ascii_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool check_name(const char *value, struct tw_buf *problem)
{
    size_t n = strlen(value);

    for (size_t i = 0; i < n; i++) {
        bool is_between = i > 0 && i + 1 < n;

        if (!is_letter_or_digit(value[i]) && !(is_between && value[i] == '-')) {
            tw_buf_text(problem, "must be letters and digits, with - between them");
            return false;
        }
    }
    return true;
}

void tw_setting_name_host(char *out, size_t size)
{
    char name[HOST_NAME_MAX + 1] = "";
    size_t n;

    if (gethostname(name, sizeof(name) - 1) != 0)
        name[0] = '\0';
    n = strcspn(name, ".");
    for (size_t i = 0; i < n; i++)
        name[i] = is_letter_or_digit(name[i]) ? name[i] : '-';
    if (n > size - sizeof("-1"))
        n = size - sizeof("-1");
    (void)snprintf(out, size, "%.*s-1", (int)n, name);
    if (n == 0 || out[0] == '-')
        (void)snprintf(out, size, "host-1");
}

/* One secret key, or the one from now on and the one until now. */
static bool check_keys(const char *value, struct tw_buf *problem)
{
    struct tw_slice rest = tw_slice_of(value), one;
    uint8_t key[TW_SEAL_KEY_BYTES];
    size_t count = 0;

    while (value[0] != '\0' && tw_slice_split(&rest, ',', &one))
        if (count++ == 2 || !tw_hex_decode(one, key, sizeof(key))) {
            tw_buf_text(problem,
                        "must be one or two keys of 64 hex digits, separated by a comma");
            return false;
        }
    return true;
}

/* Addresses to listen on, with commas between them. */
static bool check_list(const char *value, bool may_have_tls, struct tw_buf *problem)
{
    struct tw_slice rest = tw_slice_of(value), one;
    struct tw_address address;
    bool has_tls;

    while (rest.len > 0 && tw_slice_split(&rest, ',', &one)) {
        if (tw_listener_address(tw_slice_trim(one), &address, &has_tls) == 0 &&
            (may_have_tls || !has_tls))
            continue;
        tw_buf_text(problem, "not an address: \"");
        tw_buf_append(problem, one);
        tw_buf_text(problem, "\"; it is host:port with a number or localhost as host, :port "
                             "or unix:/path");
        tw_buf_text(problem, may_have_tls ? "; tls: before the first two" : "");
        return false;
    }
    return true;
}

static bool check_addresses(const char *value, struct tw_buf *problem)
{
    return check_list(value, true, problem);
}

static bool check_ops_addresses(const char *value, struct tw_buf *problem)
{
    return check_list(value, false, problem);
}

static const struct {
    const char *setting;
    bool (*check)(const char *value, struct tw_buf *problem);
} checks[] = {
    { "INSTANCE", check_name },
    { "LISTEN", check_addresses },
    { "OPS_LISTEN", check_ops_addresses },
    { "DATABASE_URL", tw_pg_url_check },
    { "REDIS_URL", tw_redis_url_check },
    { "STAFF_KEY", check_keys },
};

bool tw_setting_check(const char *name, const char *value, struct tw_buf *problem)
{
    for (size_t i = 0; i < TW_COUNT(checks); i++)
        if (strcmp(checks[i].setting, name) == 0)
            return checks[i].check(value, problem);
    return true;
}
