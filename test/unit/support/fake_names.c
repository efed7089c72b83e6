/* fake_names.c - a small table, which the resolver's threads read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/fake_names.h"

#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/slice.h"
#include "test/unit/support/check.h"

#define NAMES 8

static struct {
    uv_mutex_t lock;
    uv_cond_t freed;
    tw_lookup_resolver before;
    bool hangs;
    char hanging[64];
    struct {
        char host[64], addresses[128];
        int asked;
    } names[NAMES];
} all;

/* Under the lock; a free row for a name that is not there. */
static size_t row_of(const char *host)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (all.names[i].host[0] == '\0')
            (void)snprintf(all.names[i].host, sizeof(all.names[i].host), "%s", host);
        if (strcmp(all.names[i].host, host) == 0)
            return i;
    }
    TW_ASSERT(false); /* a test needs more names */
    return 0;
}

static void put_address(struct tw_slice text, struct tw_addresses *out)
{
    char one[64];
    void *to = &out->at[out->count++];

    (void)snprintf(one, sizeof(one), "%.*s", (int)text.len, text.at);
    TW_ASSERT(uv_ip4_addr(one, 0, to) == 0 || uv_ip6_addr(one, 0, to) == 0);
}

static int resolve(const char *host, struct tw_addresses *out)
{
    struct tw_slice rest, one;
    size_t i;

    uv_mutex_lock(&all.lock);
    i = row_of(host);
    all.names[i].asked++;
    while (all.hangs && strcmp(all.hanging, host) == 0)
        uv_cond_wait(&all.freed, &all.lock);
    rest = tw_slice_of(all.names[i].addresses);
    while (rest.len > 0 && tw_slice_split(&rest, ' ', &one))
        put_address(one, out);
    uv_mutex_unlock(&all.lock);
    return out->count > 0 ? 0 : UV_EAI_NONAME;
}

void fake_names_begin(void)
{
    memset(&all, 0, sizeof(all));
    assert_int_equal(uv_mutex_init(&all.lock), 0);
    assert_int_equal(uv_cond_init(&all.freed), 0);
    all.before = tw_lookup_use(resolve);
}

void fake_names_end(void)
{
    (void)tw_lookup_use(all.before);
    uv_cond_destroy(&all.freed);
    uv_mutex_destroy(&all.lock);
}

void fake_names_set(const char *host, const char *addresses)
{
    size_t i;

    uv_mutex_lock(&all.lock);
    i = row_of(host);
    (void)snprintf(all.names[i].addresses, sizeof(all.names[i].addresses), "%s", addresses);
    uv_mutex_unlock(&all.lock);
}

void fake_names_hang(const char *host)
{
    uv_mutex_lock(&all.lock);
    all.hangs = true;
    (void)snprintf(all.hanging, sizeof(all.hanging), "%s", host);
    uv_mutex_unlock(&all.lock);
}

void fake_names_let_go(void)
{
    uv_mutex_lock(&all.lock);
    all.hangs = false;
    uv_cond_broadcast(&all.freed);
    uv_mutex_unlock(&all.lock);
}

int fake_names_asked(const char *host)
{
    int asked;

    uv_mutex_lock(&all.lock);
    asked = all.names[row_of(host)].asked;
    uv_mutex_unlock(&all.lock);
    return asked;
}
