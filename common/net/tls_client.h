/* tls_client.h - whom a client trusts and who it says it is: files, which are read again when
 * they have changed, so that a certificate can be renewed without a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/net/tls.h"

#define TW_TLS_CLIENT_FILES 3

/* Embedded in who connects; zero is "those of the system, and nobody". */
struct tw_tls_client {
    struct tw_tls_client_options files; /* its own */
    struct tw_tls_context *context;     /* of what they held when they were read */
    struct tw_file_stamp {
        int64_t changed_ns, bytes;
        uint64_t inode;
    } seen[TW_TLS_CLIENT_FILES];
};

/* Read the part of a URL behind its question mark, in libpq's words: sslrootcert, sslcert,
 * sslkey, each =/path. Empty is fine. 0, or TW_ECONFIG. */
int tw_tls_client_read(struct tw_tls_client *c, struct tw_slice query);

/* What a connection that begins now uses; lent. Files that cannot be used are said in
 * `problem`, and what they held before is used; null when there is nothing of it. */
struct tw_tls_context *tw_tls_client_context(struct tw_tls_client *c, struct tw_buf *problem);

/* Take what `old` has read, when it is of the same files. */
void tw_tls_client_inherit(struct tw_tls_client *c, struct tw_tls_client *old);

void tw_tls_client_done(struct tw_tls_client *c); /* zero again */
