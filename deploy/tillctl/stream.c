/* stream.c - the restaurants' streams of events: how far they reach, and raising them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "by", "NUMBER", "how far; 1000000, more than any restaurant has lost" },
};

static const struct tillctl_command commands[] = {
    { .verb = "heads",
      .words = "[SLUG]",
      .about = "the last seq of each, and the oldest that is kept",
      .sql =
          "select t.slug, s.head, s.oldest, (select count(*) from pos.outbox o where "
          "o.tenant_id"
          " = s.tenant_id) as waiting, (select pos.utc(e.at) from pos.event e where "
          "e.tenant_id ="
          " s.tenant_id order by e.seq desc limit 1) as \"last event\" from pos.stream s join"
          " dinedesk_main.tenants t on t.id = s.tenant_id where :slug::text is null or t.slug "
          "= :slug"
          " order by t.slug",
      .answer = TILLCTL_TABLE },
    { .verb = "bump",
      .words = "[SLUG]",
      .options = "by",
      .about =
          "after a restore, before clients return: raise them, so that no seq means two things",
      .sql = "select * from pos.stream_bump(:slug, coalesce(:by, '1000000')::bigint)",
      .answer = TILLCTL_TABLE },
};

const struct tillctl_thing tillctl_stream = {
    .name = "stream",
    .about = "the restaurants' streams of events",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
