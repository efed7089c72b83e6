/* minipos_staff.c - what tablets say of their staff, sealed on its way to PostgreSQL and opened
 * on its way back (schema: shared_state/staff).
 *
 * Staff logs in on the tablet itself, so a list without its secrets would lock everybody out:
 * a list that cannot be opened whole is not sent, and neither is an empty one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/minipos_staff.h"

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"
#include "gateway/dialect/shape.h"
#include "gateway/shared_state/device.h"
#include "gateway/shared_state/minipos_events.h"
#include "gateway/stream/hubs.h"

#define ID_BYTES 128
#define LIST_BYTES ((size_t)48 * 1024 * 1024) /* 500 people of 64 kB, and their quotes */

/* --- What a tablet says ----------------------------------------------------------------------
 */

/* The text of an id, which may be written as a number. */
static void read_id(struct tw_buf *out, struct tw_slice raw)
{
    if (!tw_json_string(out, raw))
        tw_buf_append(out, raw);
}

/* A person as it is kept: {id, sealed}. */
static void put_person(struct tw_buf *out, const struct gw_device *d, struct tw_slice user,
                       bool is_sealed)
{
    struct tw_buf id = { .max = ID_BYTES };
    struct tw_slice raw;

    if (tw_json_get(user, "id", &raw))
        read_id(&id, raw);
    tw_buf_char(out, '{');
    tw_json_member(out, "id", tw_buf_view(&id));
    if (is_sealed) {
        tw_json_member_raw(out, "sealed", TW_LIT("\""));
        gw_staff_seal(&d->all->staff_keys, gw_session_tenant(&d->session)->id, tw_buf_view(&id),
                      user, out);
        tw_buf_char(out, '"');
    }
    tw_buf_char(out, '}');
    tw_buf_done(&id);
}

static void pass_on(struct gw_device *d, struct tw_slice whole)
{
    struct gw_session *s = &d->session;

    if (whole.len > 0)
        gw_hubs_relay(s->stream, s->dialect->name, d->connection, whole);
}

static bool is_true(struct tw_slice body, const char *name)
{
    struct tw_slice raw;

    return tw_json_get(body, name, &raw) && tw_slice_is(raw, "true");
}

/* The command's note is the message, when others are to hear of it. */
static void on_kept(struct gw_commands *q, const struct gw_command *c,
                    const struct tw_outcome *outcome)
{
    struct gw_device *d = gw_device_of_commands(q);
    struct tw_slice error, code = { NULL, 0 };

    if (outcome->refusal == NULL && outcome->status < 300) {
        if (!is_true(outcome->body, "kept") || is_true(outcome->body, "changed"))
            pass_on(d, tw_buf_view(&c->note));
        return;
    }
    pass_on(d, tw_buf_view(&c->note));
    if (tw_json_get(outcome->body, "error", &error))
        (void)tw_json_get_text(error, "code", &code);
    tw_log_warn(
        "staff.not_kept", tw_str("tenant", gw_session_tenant(&d->session)->slug),
        tw_slc("code", outcome->refusal != NULL ? tw_slice_of(outcome->refusal) : code));
}

/* `users` is a list, or one person; `whole` is the message that others are to hear of then. */
static void keep(struct gw_device *d, const char *action, struct tw_slice users, bool is_sealed,
                 struct tw_slice whole)
{
    struct tw_buf body = { .max = 2 * users.len + 65536 };
    struct tw_slice one;
    const char *before = "";

    tw_buf_char(&body, '{');
    tw_json_member(&body, "action", tw_slice_of(action));
    tw_json_member_raw(&body, "users", TW_LIT("["));
    if (users.len > 0 && users.at[0] == '{')
        put_person(&body, d, users, is_sealed);
    while (tw_json_element(&users, &one)) {
        tw_buf_text(&body, before);
        put_person(&body, d, one, is_sealed);
        before = ",";
    }
    tw_buf_text(&body, "]}");
    if (body.failed ||
        !gw_device_operate(d, "staff_change", true, tw_buf_view(&body), whole, on_kept))
        tw_log_warn("staff.not_kept", tw_str("tenant", gw_session_tenant(&d->session)->slug),
                    tw_str("code", "RATE_LIMIT"));
    tw_buf_done(&body);
}

/* --- The list --------------------------------------------------------------------------------
 */

/* Append a person of the list; false when nothing opens it. */
static bool put_opened(struct tw_buf *out, const struct gw_device *d, struct tw_slice person)
{
    struct tw_buf id = { .max = ID_BYTES };
    struct tw_slice raw, sealed;
    bool ok = tw_json_get(person, "id", &raw) && tw_json_get_text(person, "sealed", &sealed);

    if (ok) {
        read_id(&id, raw);
        ok = gw_staff_open(&d->all->staff_keys, gw_session_tenant(&d->session)->id,
                           tw_buf_view(&id), sealed, out);
    }
    tw_buf_done(&id);
    return ok;
}

static bool put_list(struct tw_buf *out, const struct gw_device *d, struct tw_slice users)
{
    struct tw_slice one;
    const char *before = "";

    while (tw_json_element(&users, &one)) {
        tw_buf_text(out, before);
        if (!put_opened(out, d, one))
            return false;
        before = ",";
    }
    return true;
}

static void on_list(struct gw_commands *q, const struct gw_command *c,
                    const struct tw_outcome *outcome)
{
    struct gw_device *d = gw_device_of_commands(q);
    struct tw_buf out = { .max = LIST_BYTES };
    struct tw_slice users;

    (void)c;
    if (outcome->refusal != NULL || outcome->status >= 300 ||
        !tw_json_get(outcome->body, "users", &users) || tw_slice_is(users, "[]"))
        return;
    gw_minipos_open(&out, "USER_SYNC");
    tw_buf_text(&out, "{\"action\":\"users_response\",\"users\":[");
    if (put_list(&out, d, users)) {
        tw_buf_text(&out, "]}");
        gw_minipos_close(&out, TW_LIT("server"), 0);
        gw_session_send(&d->session, tw_buf_view(&out));
    } else {
        tw_log_warn("staff.sealed", tw_str("tenant", gw_session_tenant(&d->session)->slug),
                    tw_str("reason", "no key of TILLWIRE_STAFF_KEY opens it"));
    }
    tw_buf_done(&out);
}

void gw_minipos_staff_show(struct gw_session *s)
{
    struct gw_device *d = gw_device_of(s);

    if (d->all->staff_keys.count > 0)
        (void)gw_device_operate(d, "staff_list", false, TW_LIT("{}"), TW_EMPTY, on_list);
}

bool gw_minipos_staff(struct gw_session *s, struct tw_slice type, struct tw_slice data,
                      struct tw_slice whole)
{
    static const char *const changes[] = { "add", "update", "delete" };
    struct gw_device *d = gw_device_of(s);
    struct tw_slice action, users;

    if (d->all->staff_keys.count == 0 || !tw_json_get_text(data, "action", &action))
        return false;
    if (tw_slice_is(type, "UPDATE_USERS")) {
        for (size_t i = 0; i < TW_COUNT(changes); i++)
            if (tw_slice_is(action, changes[i]) && tw_json_get(data, "data", &users) &&
                users.at[0] == '{') {
                keep(d, changes[i], users, !tw_slice_is(action, "delete"), whole);
                return true;
            }
    } else if (tw_slice_is(action, "broadcast_users")) {
        if (tw_json_get(data, "users", &users) && users.at[0] == '[')
            keep(d, "replace", users, true, TW_EMPTY);
    } else if (tw_slice_is(action, "request_users")) {
        gw_minipos_staff_show(s);
        return true; /* nobody else has an answer */
    }
    return false;
}
