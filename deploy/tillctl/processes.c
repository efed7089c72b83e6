/* processes.c - see processes.h. A process that is in trouble may not answer, so nothing here
 * waits for long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/json.h"
#include "common/util/json_write.h"
#include "deploy/tillctl/ops_get.h"

#define BODY_BYTES ((size_t)2 << 20)

/* One to nine of each kind, as deploy/systemd starts them. */
static const unsigned first_ports[] = { 9111, 9131, 9141 };
#define OF_A_KIND 9

/* --- What it says ------------------------------------------------------------------------- */

/* The next line of /metrics that begins with `name`, without it. */
static bool metric_next(struct tw_slice *rest, const char *name, struct tw_slice *line)
{
    while (rest->len > 0 && tw_slice_split(rest, '\n', line))
        if (tw_slice_starts(*line, tw_slice_of(name))) {
            *line = tw_slice_skip(*line, strlen(name));
            return true;
        }
    return false;
}

/* The sum over its labels; those that are asked for are whole numbers. False: it has none. */
static bool metric_sum(struct tw_slice text, const char *name, uint64_t *sum)
{
    struct tw_slice line;
    bool is_there = false;
    uint64_t value;

    while (metric_next(&text, name, &line)) {
        size_t at = line.len;

        is_there = true;
        while (at > 0 && line.at[at - 1] != ' ')
            at--;
        if (tw_slice_u64(tw_slice_skip(line, at), &value))
            *sum += value;
    }
    return is_there;
}

static void take_metrics(struct process *p, struct tw_slice text)
{
    static const char label[] = "version=\"";
    struct tw_slice line;
    const char *version;
    uint64_t none = 0;

    if (metric_sum(text, "tillwire_ws_sessions{", &p->sessions))
        p->kind = "gateway";
    else if (metric_sum(text, "tillwire_bridge_active ", &p->is_active))
        p->kind = "bridge";
    else if (metric_sum(text, "tillwire_http_received_total", &none))
        p->kind = "api";
    if (!metric_next(&text, "tillwire_build_info{", &line))
        return;
    version = memmem(line.at, line.len, label, sizeof(label) - 1);
    if (version != NULL) {
        version += sizeof(label) - 1;
        (void)snprintf(p->version, sizeof(p->version), "%.*s", (int)strcspn(version, "\""),
                       version);
    }
}

/* Sentences, which a process has written: they are shown in one line. */
static void add_reasons(struct process *p, const struct tw_json *list)
{
    for (const struct tw_json *e = tw_json_first(list); e != NULL; e = tw_json_next(e)) {
        struct tw_slice text = { "", 0 };
        size_t len = strlen(p->why);

        if (tw_json_text_of(e, &text))
            (void)snprintf(&p->why[len], sizeof(p->why) - len, "%s%.*s", len == 0 ? "" : "; ",
                           (int)text.len, text.at);
    }
}

static void take_readiness(struct process *p, int status, struct tw_slice body)
{
    struct tw_json *root = tw_json_parse(body);
    const struct tw_json *degraded = tw_json_at(root, "degraded");

    add_reasons(p, tw_json_at(root, "missing"));
    add_reasons(p, degraded);
    p->status = status != 200                     ? "not ready"
                : tw_json_first(degraded) != NULL ? "degraded"
                                                  : "ready";
    tw_json_free(root);
}

/* False: nobody is there. */
static bool ask(struct process *p)
{
    struct tw_buf body = { .max = BODY_BYTES };
    const char *why = "";
    int status = ops_get(p->address, "/readyz", &body, &why);

    p->kind = "";
    p->status = "no answer";
    if (status == 0) {
        (void)snprintf(p->why, sizeof(p->why), "%s", why);
        tw_buf_done(&body);
        return false;
    }
    take_readiness(p, status, tw_buf_view(&body));
    if (ops_get(p->address, "/metrics", &body, &why) == 200)
        take_metrics(p, tw_buf_view(&body));
    tw_buf_done(&body);
    return true;
}

/* --- Which ones --------------------------------------------------------------------------- */

static void look_here(struct processes *p)
{
    for (size_t i = 0; i < TW_COUNT(first_ports) * OF_A_KIND; i++) {
        struct process *one = &p->all[p->count];

        *one = (struct process){ .kind = "" };
        (void)snprintf(one->address, sizeof(one->address), "127.0.0.1:%u",
                       first_ports[i / OF_A_KIND] + (unsigned)(i % OF_A_KIND));
        if (ask(one))
            p->count++;
    }
}

bool processes_look(struct processes *p, const char *addresses)
{
    struct tw_slice rest, part;

    p->count = 0;
    if (addresses == NULL)
        addresses = getenv("TILLWIRE_OPS_ADDRS");
    if (addresses == NULL || addresses[0] == '\0') {
        look_here(p);
        return true;
    }
    rest = tw_slice_of(addresses);
    while (rest.len > 0 && tw_slice_split(&rest, ',', &part)) {
        part = tw_slice_trim(part);
        if (part.len == 0)
            continue;
        if (p->count == PROCESSES_MAX || part.len >= sizeof(p->all[0].address)) {
            (void)fprintf(stderr,
                          "tillctl: these addresses are more than %d, or one is too long\n",
                          PROCESSES_MAX);
            return false;
        }
        p->all[p->count] = (struct process){ .kind = "" };
        memcpy(p->all[p->count].address, part.at, part.len);
        (void)ask(&p->all[p->count]);
        p->count++;
    }
    return true;
}

void processes_json(const struct processes *p, struct tw_buf *out)
{
    tw_buf_char(out, '[');
    for (size_t i = 0; i < p->count; i++) {
        const struct process *one = &p->all[i];

        tw_buf_text(out, i == 0 ? "{" : ",{");
        tw_json_member(out, "kind", tw_slice_of(one->kind));
        tw_json_member(out, "address", tw_slice_of(one->address));
        tw_json_member(out, "status", tw_slice_of(one->status));
        tw_json_member(out, "version", tw_slice_of(one->version));
        if (strcmp(one->kind, "gateway") == 0)
            tw_json_member_u64(out, "sessions", one->sessions);
        if (strcmp(one->kind, "bridge") == 0)
            tw_json_member_raw(out, "active", tw_slice_of(one->is_active ? "true" : "false"));
        tw_json_member(out, "why", tw_slice_of(one->why));
        tw_buf_char(out, '}');
    }
    tw_buf_char(out, ']');
}
