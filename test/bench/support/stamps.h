/* stamps.h - when each event reached each client: kept in memory, written at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "test/bench/support/clients.h"

/* Notes the seq of the message that the client has just heard, and the wall clock's time. For
 * `heard` of struct clients. */
void stamps_take(const struct clients *all, const struct client *c);

/* A line for each: the tenant's name, the seq, and the time in microseconds since 1970. */
void stamps_write(const struct clients *all, const char *file);
