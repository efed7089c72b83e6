/* certificates.h - the certificates of test/support/certificates, made once for a test program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/tls.h"

/* The path of one of its files: "server.pem". Lent until the end of the program. */
const char *certificate_path(const char *name);

/* A server with one certificate ("server"), and a client that trusts one authority ("ca"). */
struct tw_tls_context *certificate_server(const char *name);
struct tw_tls_context *certificate_client(const char *authority);
