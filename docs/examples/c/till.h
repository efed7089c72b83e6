/* till.h - what the three files of this till need of each other.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* line.c: connects where prepare() says, and calls heard() for each message, one after the other. When one of them says false,
 * or the connection breaks, it begins again, later each time and not at the same moment as all other tills. Never returns. */
void till_run(bool (*prepare)(char *path, size_t size), bool (*heard)(const cJSON *message));

/* request.c: where and who, `http://host:port`; false when it is no such address. */
bool till_server(const char *url, const char *key);
/* A GET, or with a body a POST. The caller deletes the answer; NULL when there was none that counts. */
cJSON *till_ask(const char *path, const char *body);
/* Sends a request with these headers; the socket, when all of `wanted` came back in the answer's head; else -1. */
int till_upgrade(const char *path, const char *headers, const char *wanted);

const char *till_text(const cJSON *object, const char *name); /* "" when it is none */
double till_number(const cJSON *object, const char *name);    /* -1 when it is none */
void till_quit(const char *why);
