/* router.h - a request's method and path to a row of the routes, parameters as slices.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/routes.h"
#include "common/util/buf.h"

#define API_PATH_PARAMS 3

struct api_param {
    struct tw_slice name;  /* of the pattern, without braces */
    struct tw_slice value; /* of the path, still percent-encoded */
};

struct api_match {
    const struct api_route *route; /* null: see `allow` */
    struct api_param params[API_PATH_PARAMS];
    size_t param_count;
    struct tw_slice key;    /* of a path's prefix /k/<key>, still encoded; empty without */
    enum api_manner manner; /* of what is at this path, also when the method does not fit */
    /* When there is no route: the methods that the path takes, "GET, HEAD, OPTIONS", for 405
     * and OPTIONS. Empty: nothing is at this path at all. */
    char allow[64];
};

/* Fills `out`; its slices point into `path` and into the table. HEAD matches GET. A prefix
 * /k/<key> is cut off first; only rows of API_DEVICE may have it. */
void api_route_find(enum tw_http_method method, struct tw_slice path, struct api_match *out);

/* How long the body of a request with this head may be. */
size_t api_route_body_bytes(const struct tw_http_request *req);

/* A parameter's raw value; an empty slice when the pattern has none of that name. */
struct tw_slice api_match_param(const struct api_match *m, const char *name);
