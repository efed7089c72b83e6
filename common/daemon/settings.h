/* settings.h - the settings of all three processes: environment variables and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/log.h"

struct tw_public_key;  /* crypto.h */
struct tw_tls_context; /* tls.h */

enum tw_program { TW_GATEWAY = 1, TW_API = 2, TW_BRIDGE = 4 };

struct tw_settings {
    char *instance;
    char *listen, *ops_listen;
    char *database_url, *redis_url;
    char *database_url_file, *redis_url_file; /* where they stand; null: nowhere */
    char *log_level, *log_format;
    uint64_t database_connections, database_queue;
    uint64_t drain_ms;
    uint64_t http_connections;
    uint64_t rate_per_second, rate_burst, tenant_rate_per_second, tenant_rate_burst;
    uint64_t handshakes_per_second;
    uint64_t max_sessions, message_bytes, device_message_bytes, queue_bytes, backlog_bytes,
        events_bytes;
    uint64_t ping_ms, pong_ms;
    uint64_t auth_cache_ms;
    char *allowed_origins;
    char *jwt_secret, *jwt_public_key_file, *jwt_audience; /* each empty: none */
    char *jwt_restaurant;
    char *staff_key;                      /* hex; two with a comma between them; empty: none */
    struct tw_public_key *jwt_public_key; /* what the file holds; null: none */
    char *tls_certificate, *tls_key;      /* files; empty: none */
    struct tw_tls_context *tls;           /* what they held at the start; null: none */
};

struct tw_setting; /* a row of the table */

/* Read the environment, the credentials of systemd's (credentials.h), which count more, and the
 * files that these name, into `out` (gives: tw_settings_done).
 * Every name that begins with TILLWIRE_ must be a row and hold a good value; rows of other
 * programs are taken and left alone. 0, or TW_ECONFIG with one line for each mistake in
 * `problems`. */
int tw_settings_read(enum tw_program program, char *const *environment, struct tw_settings *out,
                     struct tw_buf *problems);
void tw_settings_done(struct tw_settings *s);

/* What the certificates' files hold now. Gives: tw_tls_context_drop. Null, and why. */
struct tw_tls_context *tw_settings_tls(const struct tw_settings *s, struct tw_buf *problem);

/* The effective settings, one NAME=value a line; secrets, and passwords in URLs, as ***. */
void tw_settings_print(enum tw_program program, const struct tw_settings *s,
                       struct tw_buf *out);

/* The table for people: for --help one line a setting; as Markdown for docs/config.md. */
void tw_settings_help(enum tw_program program, struct tw_buf *out);
void tw_settings_reference(struct tw_buf *out);
