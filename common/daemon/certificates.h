/* certificates.h - the certificates of a process that speaks TLS: renewed on SIGHUP, and
 * watched for their end.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/daemon/settings.h"
#include "common/net/listener.h"
#include "common/util/metrics.h"

/* Embedded in the daemon; zero until it starts. */
struct tw_certificates {
    const struct tw_settings *settings;
    struct tw_listener *listener; /* null: there are none */
    struct tw_metric expires;
    char problem[256]; /* that the files could not be read last time; empty: they could */
};

extern const struct tw_metric_table tw_certificates_metrics;

/* Both are kept. The listener has those of the settings. */
void tw_certificates_start(struct tw_certificates *c, const struct tw_settings *settings,
                           struct tw_listener *listener);

/* Read the files again. Who is connected stays; if they cannot be used, so do the old ones. */
void tw_certificates_reload(struct tw_certificates *c);

/* What an operator should know, lent; null: all is well, or there are none. */
const char *tw_certificates_problem(const struct tw_certificates *c);
