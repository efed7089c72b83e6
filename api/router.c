/* router.c - matching paths, segment by segment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <stdio.h>

#include "common/domain/credential.h"
#include "common/net/http_message.h"

/* A parameter takes exactly one segment, never an empty one. */
static bool match_path(const char *pattern, struct tw_slice path, struct api_match *m)
{
    struct tw_slice pattern_rest = tw_slice_of(pattern), path_rest = path, want, have;

    m->param_count = 0;
    while (tw_slice_split(&pattern_rest, '/', &want)) {
        if (!tw_slice_split(&path_rest, '/', &have))
            return false;
        if (want.len > 2 && want.at[0] == '{') {
            if (have.len == 0)
                return false;
            m->params[m->param_count++] =
                (struct api_param){ tw_slice_from(want.at + 1, want.len - 2), have };
        } else if (!tw_slice_eq(want, have)) {
            return false;
        }
    }
    return path_rest.at == NULL;
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
    struct api_match m = { .key = tw_credential_cut(&path) }, found = { 0 };

    path = tw_http_address(path);
    if (method == TW_HEAD)
        method = TW_GET;
    for (size_t i = 0; i < api_route_count; i++) {
        if (m.key.len > 0 && api_routes[i].manner != API_DEVICE)
            continue;
        if (!match_path(api_routes[i].pattern, path, &m))
            continue;
        if (m.allow[0] == '\0')
            m.manner = api_routes[i].manner;
        add_allow(&m, api_routes[i].method);
        if (api_routes[i].method == method && found.route == NULL) {
            found = m;
            found.route = &api_routes[i];
        }
    }
    if (m.allow[0] != '\0') {
        size_t n = strlen(m.allow);

        (void)snprintf(m.allow + n, sizeof(m.allow) - n, ", OPTIONS");
    }
    *out = found;
    out->manner = m.manner;
    memcpy(out->allow, m.allow, sizeof(out->allow));
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
