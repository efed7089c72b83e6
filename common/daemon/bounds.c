/* bounds.c - the bounds that processes have in common, and the table of all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/bounds.h"

#include <string.h>

#include "common/domain/strangers.h"
#include "common/domain/token.h"
#include "common/net/handshakes.h"
#include "common/net/http_conn.h"
#include "common/net/pg_pool.h"
#include "common/net/redis.h"

static const struct tw_bound common[] = {
    { "process", "open HTTP connections", 0, TW_BOUND_COUNT, "HTTP_CONNECTIONS",
      "closed at once", "http_rejects_total" },
    { "client", "headers of a request", TW_HTTP_HEADERS, TW_BOUND_COUNT, NULL,
      "431 `HEADERS_TOO_LARGE`", "http_rejects_total" },
    { "client", "what follows a request that is being answered", TW_HTTP_PIPELINE_BYTES,
      TW_BOUND_BYTES, NULL, "not read until it is answered", NULL },
    { "client", "an answer", TW_HTTP_ANSWER_BYTES, TW_BOUND_BYTES, NULL,
      "500 `ANSWER_TOO_LARGE`", NULL },
    { "client", "a body that counts for no sum", TW_HTTP_SMALL_BODY_BYTES, TW_BOUND_BYTES, NULL,
      "counts for the sum of all bodies", "http_body_bytes" },
    { "address", "TLS handshakes", TW_HANDSHAKES_A_SECOND, TW_BOUND_PER_SECOND, NULL,
      "closed at once", "tls_handshakes_total" },
    { "address", "of these at once", TW_HANDSHAKES_AT_ONCE, TW_BOUND_COUNT, NULL, "the same",
      "tls_handshakes_total" },
    { "address", "keys that nobody knows, from one address", TW_STRANGER_KEYS_A_SECOND,
      TW_BOUND_PER_SECOND, NULL, "429 `RATE_LIMITED`, without asking PostgreSQL",
      "strangers_total" },
    { "address", "of these at once", TW_STRANGER_KEYS_AT_ONCE, TW_BOUND_COUNT, NULL, "the same",
      "strangers_total" },
    { "process", "refused keys and addresses that are remembered", TW_STRANGERS_KNOWN,
      TW_BOUND_COUNT, NULL, "the one not used for longest is forgotten", NULL },
    { "process", "tokens' restaurants that are remembered", TW_TOKENS_KNOWN, TW_BOUND_COUNT,
      NULL, "the one not used for longest is forgotten", NULL },
    { "process", "statements that wait for PostgreSQL", 0, TW_BOUND_COUNT, "DATABASE_QUEUE",
      "503 `OVERLOADED`", "pg_refused_total" },
    { "process", "bytes of their parameters", TW_PG_QUEUE_BYTES, TW_BOUND_BYTES, NULL,
      "503 `OVERLOADED`", "pg_refused_total" },
    { "restaurant", "of both, one restaurant's", 0, TW_BOUND_COUNT, "DATABASE_QUEUE",
      "half of it, then 503 `OVERLOADED`", "pg_refused_total" },
    { "process", "keys and short reads, each, that wait to share a statement", 0,
      TW_BOUND_COUNT, "DATABASE_QUEUE",
      "503 `OVERLOADED`; short reads of one restaurant at half of it", "pg_questions" },
    { "process", "statements on one connection to PostgreSQL", TW_PG_DEPTH, TW_BOUND_COUNT,
      NULL, "they wait", "pg_queue" },
    { "process", "what Redis has not taken", TW_REDIS_OUT_BYTES, TW_BOUND_BYTES, NULL,
      "dropped; gateways read the log", "redis_dropped_total" },
    { "process", "what a Redis Cluster has not answered", TW_REDIS_OUT_BYTES, TW_BOUND_BYTES,
      NULL, "dropped; gateways read the log", "redis_dropped_total" },
    { "process", "channels that one of its nodes is asked for at once", TW_REDIS_ASKED,
      TW_BOUND_COUNT, NULL, "they wait; gateways read the log", NULL },
    { "process", "masters that it may have", TW_REDIS_NODES, TW_BOUND_COUNT, NULL,
      "it is not used; gateways read the log", NULL },
    { 0 },
};

struct search {
    const char *name;
    bool is_found;
};

static void compare(const struct tw_metric_series *s, void *arg)
{
    struct search *search = arg;

    search->is_found = search->is_found || strcmp(s->name, search->name) == 0;
}

static bool has_metric(const struct tw_metrics *metrics, const char *name)
{
    struct search search = { .name = name };

    tw_metrics_each(metrics, compare, &search);
    return search.is_found;
}

static void put_amount(const struct tw_bound *b, struct tw_buf *out)
{
    static const uint64_t kib = 1024, mib = (uint64_t)1024 * 1024;

    if (b->most == 0) {
        tw_buf_text(out, "`TILLWIRE_");
        tw_buf_text(out, b->setting);
        tw_buf_char(out, '`');
        return;
    }
    if (b->unit == TW_BOUND_BYTES && b->most % mib == 0) {
        tw_buf_u64(out, b->most / mib);
        tw_buf_text(out, " MiB");
    } else if (b->unit == TW_BOUND_BYTES && b->most % kib == 0) {
        tw_buf_u64(out, b->most / kib);
        tw_buf_text(out, " KiB");
    } else {
        tw_buf_u64(out, b->most);
        tw_buf_text(out, b->unit == TW_BOUND_BYTES        ? " bytes"
                         : b->unit == TW_BOUND_PER_SECOND ? " a second"
                                                          : "");
    }
}

static bool put_rows(const struct tw_bound *rows, const struct tw_metrics *metrics,
                     struct tw_buf *out)
{
    for (size_t i = 0; rows[i].of != NULL; i++) {
        if (rows[i].metric != NULL && !has_metric(metrics, rows[i].metric))
            return false;
        tw_buf_text(out, "| ");
        tw_buf_text(out, rows[i].of);
        tw_buf_text(out, " | ");
        tw_buf_text(out, rows[i].what);
        tw_buf_text(out, " | ");
        put_amount(&rows[i], out);
        tw_buf_text(out, " | ");
        tw_buf_text(out, rows[i].beyond);
        tw_buf_text(out, " |");
        if (rows[i].metric != NULL) {
            tw_buf_text(out, " `tillwire_");
            tw_buf_text(out, rows[i].metric);
            tw_buf_char(out, '`');
        }
        tw_buf_text(out, " |\n");
    }
    return true;
}

bool tw_bounds_reference(const struct tw_bound *rows, bool is_server,
                         const struct tw_metrics *metrics, struct tw_buf *out)
{
    tw_buf_text(out, "| of one | what | at most | beyond | metric |\n| --- | --- | --- | --- | "
                     "--- |\n");
    return put_rows(rows, metrics, out) && (!is_server || put_rows(common, metrics, out));
}
