/* router.c - matching paths, segment by segment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <stdio.h>

#include "common/domain/credential.h"
#include "common/net/http_message.h"
#include "common/util/base.h"

#define SEGMENTS 8 /* more than any row has */
#define ROWS 128

struct segments {
    struct tw_slice at[SEGMENTS];
    size_t count; /* SEGMENTS + 1: it has more */
};

/* Of each row, cut once: every request is compared with all rows. */
static struct segments patterns[ROWS];

static void cut(struct tw_slice path, struct segments *out)
{
    struct tw_slice segment;

    out->count = 0;
    while (tw_slice_split(&path, '/', &segment)) {
        if (out->count < SEGMENTS)
            out->at[out->count] = segment;
        if (out->count++ == SEGMENTS)
            return;
    }
}

static void cut_patterns(void)
{
    if (patterns[0].count > 0)
        return;
    TW_ASSERT(api_route_count <= ROWS);
    for (size_t i = 0; i < api_route_count; i++) {
        cut(tw_slice_of(api_routes[i].pattern), &patterns[i]);
        TW_ASSERT(patterns[i].count <= SEGMENTS);
    }
}

static bool is_param(struct tw_slice segment)
{
    return segment.len > 2 && segment.at[0] == '{';
}

/* A parameter takes exactly one segment, never an empty one. */
static bool match_path(const struct segments *pattern, const struct segments *path)
{
    if (pattern->count != path->count)
        return false;
    for (size_t i = pattern->count; i-- > 0;) { /* what tells rows apart comes last */
        struct tw_slice want = pattern->at[i], have = path->at[i];

        if (is_param(want) ? have.len == 0 : !tw_slice_eq(want, have))
            return false;
    }
    return true;
}

static void take_params(const struct segments *pattern, const struct segments *path,
                        struct api_match *m)
{
    for (size_t i = 0; i < pattern->count; i++) {
        struct tw_slice want = pattern->at[i];

        if (is_param(want))
            m->params[m->param_count++] =
                (struct api_param){ tw_slice_from(want.at + 1, want.len - 2), path->at[i] };
    }
}

static void add_allow(struct api_match *m, enum tw_http_method method)
{
    size_t n = strlen(m->allow);

    if (strstr(m->allow, tw_http_method_name(method)) !=
        NULL) /* two rows match: a word, an id */
        return;
    (void)snprintf(m->allow + n, sizeof(m->allow) - n, "%s%s%s", n > 0 ? ", " : "",
                   tw_http_method_name(method), method == TW_GET ? ", HEAD" : "");
}

void api_route_find(enum tw_http_method method, struct tw_slice path, struct api_match *out)
{
    struct segments segments;
    size_t matched[ROWS], count = 0;

    cut_patterns();
    *out = (struct api_match){ .key = tw_credential_cut(&path) };
    cut(tw_http_address(path), &segments);
    if (method == TW_HEAD)
        method = TW_GET;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];

        if (!match_path(&patterns[i], &segments) ||
            (out->key.len > 0 && route->manner != API_DEVICE))
            continue;
        if (count == 0)
            out->manner = route->manner;
        if (route->method == method) {
            out->route = route;
            take_params(&patterns[i], &segments, out);
            return;
        }
        matched[count++] = i;
    }
    for (size_t i = 0; i < count; i++)
        add_allow(out, api_routes[matched[i]].method);
    if (count > 0) {
        size_t n = strlen(out->allow);

        (void)snprintf(out->allow + n, sizeof(out->allow) - n, ", OPTIONS");
    }
}

size_t api_route_body_bytes(const struct tw_http_request *req)
{
    struct api_match m;

    if (tw_slice_is(req->target, "*"))
        return API_BODY_BYTES;
    api_route_find(req->method, req->path, &m);
    return m.route != NULL && m.route->body != NULL ? m.route->body->bytes : API_BODY_BYTES;
}

struct tw_slice api_match_param(const struct api_match *m, const char *name)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (tw_slice_is(m->params[i].name, name))
            return m->params[i].value;
    return TW_EMPTY;
}
