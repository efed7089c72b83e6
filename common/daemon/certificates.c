/* certificates.c - new files in place of old ones, or a line that says why not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/certificates.h"

#include <stdio.h>

#include "common/net/tls.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/log.h"

#define AT(field) TW_METRIC_AT(struct tw_certificates, field)

static const struct tw_metric_row metric_rows[] = {
    { "tls_certificate_expires_seconds", NULL,
      "When the first of the certificates ends, in seconds since 1970; 0: there is none.",
      AT(expires) },
};

const struct tw_metric_table tw_certificates_metrics = { .rows = metric_rows,
                                                         .count = TW_COUNT(metric_rows) };

static void note_end(struct tw_certificates *c, const struct tw_tls_context *tls)
{
    int64_t seconds = tw_tls_context_expires(tls);

    c->expires.value = seconds < 0 ? 0 : (uint64_t)seconds;
}

void tw_certificates_start(struct tw_certificates *c, const struct tw_settings *settings,
                           struct tw_listener *listener)
{
    if (settings->tls == NULL)
        return;
    c->settings = settings;
    c->listener = listener;
    note_end(c, settings->tls);
}

void tw_certificates_reload(struct tw_certificates *c)
{
    struct tw_buf why = { .max = 2048 };
    struct tw_tls_context *tls;

    if (c->listener == NULL)
        return;
    tls = tw_settings_tls(c->settings, &why);
    c->problem[0] = '\0';
    if (tls == NULL) {
        (void)snprintf(c->problem, sizeof(c->problem), "not renewed: %.*s", (int)why.len,
                       why.len == 0 ? "" : why.at);
        tw_log_error("tls.not_renewed", tw_slc("why", tw_buf_view(&why)));
    } else {
        tw_listener_set_tls(c->listener, tls);
        note_end(c, tls);
        tw_log_info("tls.renewed", tw_u64("expires", c->expires.value));
        tw_tls_context_drop(tls);
    }
    tw_buf_done(&why);
}

const char *tw_certificates_problem(const struct tw_certificates *c)
{
    if (c->problem[0] != '\0')
        return c->problem;
    if (c->listener != NULL && c->expires.value * 1000 < (uint64_t)tw_wall_ms())
        return "it has ended";
    return NULL;
}
