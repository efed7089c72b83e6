/* redis_url.c - reading the URLs of Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_url.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"

#define PORT 6379
#define SENTINEL_PORT 26379
#define MASTER_BYTES 128

static const struct scheme {
    const char *start;
    enum tw_redis_kind kind;
    bool is_tls; /* of all connections */
    int port;    /* when none is given */
} schemes[] = {
    { "redis://", TW_REDIS_ONE, false, PORT },
    { "redis+sentinel://", TW_REDIS_SENTINEL, false, SENTINEL_PORT },
    { "redis+cluster://", TW_REDIS_CLUSTER, false, PORT },
    { "rediss://", TW_REDIS_ONE, true, PORT },
    { "rediss+sentinel://", TW_REDIS_SENTINEL, true, SENTINEL_PORT },
    { "rediss+cluster://", TW_REDIS_CLUSTER, true, PORT },
};

/* `user:password@` in front of the hosts, percent-encoded; either may be empty. */
static bool read_credentials(struct tw_redis_url *u, struct tw_slice *rest)
{
    const char *at = rest->len == 0 ? NULL : memrchr(rest->at, '@', rest->len);
    struct tw_slice both, user;
    struct tw_buf text = { .max = 512 };
    bool ok = true;

    if (at == NULL)
        return true;
    both = tw_slice_from(rest->at, (size_t)(at - rest->at));
    *rest = tw_slice_skip(*rest, both.len + 1);
    if (!tw_slice_split(&both, ':', &user))
        return false;
    ok = tw_percent_decode(&text, user, false);
    if (ok && text.len > 0)
        u->user = tw_copy_text(text.at, text.len);
    tw_buf_clear(&text);
    ok = ok && tw_percent_decode(&text, both, false);
    if (ok)
        u->password = tw_copy_text(text.at, text.len);
    tw_buf_done(&text);
    return ok;
}

/* "host:port", "[::1]:port", and both without a port. */
static bool split_host(struct tw_slice text, struct tw_slice *host, struct tw_slice *port)
{
    const char *end =
        text.len > 0 ? memrchr(text.at, text.at[0] == '[' ? ']' : ':', text.len) : NULL;
    size_t bracket = text.len > 0 && text.at[0] == '[' ? 1 : 0;
    struct tw_slice rest;

    *port = TW_EMPTY;
    *host = text;
    if (end == NULL)
        return bracket == 0;
    *host = tw_slice_from(text.at + bracket, (size_t)(end - text.at) - bracket);
    rest = tw_slice_skip(text, (size_t)(end - text.at) + bracket);
    if (bracket == 0 && memchr(host->at, ':', host->len) != NULL)
        return false;
    if (rest.len == 0)
        return bracket == 1;
    *port = tw_slice_skip(rest, 1);
    return rest.at[0] == ':' && port->len > 0;
}

/* What can be no host is refused by the route that would try it. */
static bool add_host(struct tw_redis_url *u, struct tw_slice host, int port)
{
    struct tw_route route = { .host_count = 0 };
    struct tw_redis_host *h = &u->hosts[u->host_count];

    if (u->host_count == TW_ROUTE_HOSTS || tw_route_add(&route, host, NULL, port) != 0)
        return false;
    memcpy(h->name, host.at, host.len);
    h->name[host.len] = '\0';
    h->port = port;
    u->host_count++;
    return true;
}

static bool read_hosts(struct tw_redis_url *u, struct tw_slice list, int fallback)
{
    struct tw_slice one, host, port;

    while (tw_slice_split(&list, ',', &one)) {
        uint64_t number = (uint64_t)fallback;

        if (!split_host(one, &host, &port) || host.len == 0 || host.at[0] == '/' ||
            (port.len > 0 && (!tw_slice_u64(port, &number) || number > 65535)) ||
            !add_host(u, host, (int)number))
            return false;
    }
    return u->host_count == 1 || (u->host_count > 1 && u->kind != TW_REDIS_ONE);
}

/* "/name" behind the hosts; it is whatever Sentinel's configuration may call a master. */
static bool read_master(struct tw_redis_url *u, struct tw_slice *rest)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    const char *at = rest->len > 0 ? memchr(rest->at, '/', rest->len) : NULL;
    struct tw_slice name;

    if (at == NULL)
        return false;
    name = tw_slice_skip(*rest, (size_t)(at - rest->at) + 1);
    rest->len -= name.len + 1;
    if (name.len == 0 || name.len > MASTER_BYTES)
        return false;
    u->master = tw_copy_text(name.at, name.len);
    return u->master[strspn(u->master, allowed)] == '\0';
}

/* Cuts "?sslrootcert=..." off. */
static bool read_query(struct tw_redis_url *u, struct tw_slice *rest)
{
    const char *at = rest->len == 0 ? NULL : memrchr(rest->at, '?', rest->len);
    size_t len;

    if (at == NULL)
        return true;
    len = (size_t)(at - rest->at);
    if (tw_tls_client_read(&u->tls, tw_slice_skip(*rest, len + 1)) != 0)
        return false;
    rest->len = len;
    return true;
}

static bool read_with_scheme(struct tw_redis_url *u, const struct scheme *scheme,
                             struct tw_slice rest)
{
    u->kind = scheme->kind;
    u->is_tls = scheme->is_tls;
    if ((u->is_tls && !read_query(u, &rest)) || !read_credentials(u, &rest))
        return false;
    if (u->kind == TW_REDIS_SENTINEL) {
        if (!read_master(u, &rest))
            return false;
    } else if (rest.len > 0 && rest.at[rest.len - 1] == '/') {
        rest.len--;
    }
    return read_hosts(u, rest, scheme->port);
}

static bool read_url(struct tw_redis_url *u, struct tw_slice text)
{
    if (tw_slice_is(text, "none"))
        return true;
    if (tw_slice_starts(text, TW_LIT("unix:///"))) {
        u->kind = TW_REDIS_ONE;
        return add_host(u, tw_slice_skip(text, 7), PORT);
    }
    for (size_t i = 0; i < TW_COUNT(schemes); i++) {
        struct tw_slice start = tw_slice_of(schemes[i].start);

        if (tw_slice_starts(text, start))
            return read_with_scheme(u, &schemes[i], tw_slice_skip(text, start.len));
    }
    return false;
}

int tw_redis_url_read(struct tw_redis_url *out, struct tw_slice text)
{
    *out = (struct tw_redis_url){ .kind = TW_REDIS_NONE };
    if (read_url(out, text))
        return 0;
    tw_redis_url_done(out);
    return TW_ECONFIG;
}

void tw_redis_url_done(struct tw_redis_url *u)
{
    free(u->user);
    free(u->password);
    free(u->master);
    tw_tls_client_done(&u->tls);
    *u = (struct tw_redis_url){ .kind = TW_REDIS_NONE };
}

bool tw_redis_url_check(const char *url, struct tw_buf *problem)
{
    struct tw_redis_url read;
    bool ok = tw_redis_url_read(&read, tw_slice_of(url)) == 0;

    if (!ok)
        tw_buf_text(
            problem,
            "is redis://[user:password@]host[:port], with %-escapes in user and "
            "password, redis+sentinel://[user:password@]host[:port],…/master, "
            "redis+cluster://[user:password@]host[:port],… (up to eight hosts), each with "
            "rediss for TLS (and ?sslrootcert=/path&sslcert=/path&sslkey=/path), "
            "unix:///path or none");
    else if (read.is_tls)
        ok = tw_tls_client_context(&read.tls, problem) != NULL;
    tw_redis_url_done(&read);
    return ok;
}

int tw_redis_source_start(struct tw_redis_source *s, const char *text, const char *file)
{
    s->fresh = (struct tw_fresh_url){ .text = text, .file = file };
    return tw_redis_url_read(&s->url, tw_slice_of(text));
}

bool tw_redis_source_again(struct tw_redis_source *s)
{
    struct tw_redis_url next;

    if (s->fresh.file == NULL || s->fresh.file[0] == '\0')
        return true;
    if (tw_redis_url_read(&next, tw_slice_of(tw_fresh_url(&s->fresh))) != 0)
        return false;
    if (next.kind != s->url.kind || next.is_tls != s->url.is_tls) {
        tw_redis_url_done(&next);
        return false;
    }
    tw_tls_client_inherit(&next.tls, &s->url.tls);
    tw_redis_url_done(&s->url);
    s->url = next;
    return true;
}

void tw_redis_source_done(struct tw_redis_source *s)
{
    tw_redis_url_done(&s->url);
    tw_fresh_url_done(&s->fresh);
}
