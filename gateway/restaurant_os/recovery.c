/* recovery.c - a client's record in Redis: which rooms it was in, so that any gateway can
 * continue where another one was killed. The event log says what it has missed.
 *
 * A record alone opens nothing: the credential is checked again, and the record counts only for
 * the restaurant that the credential is for. Without Redis a client is not recovered, and
 * fetches the state. A client that was recovered writes the next turn of its record: a gateway
 * that notices late that its client has gone does not overwrite where that client is now.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/restaurant_os/client.h"

/* KEYS: the record; ARGV: its turn, its text. */
#define SAVE                                                                                   \
    "local old = redis.call('get', KEYS[1]) "                                                  \
    "local turn = old and tonumber(string.match(old, '\"turn\":(%d+)')) "                      \
    "if not turn or turn <= tonumber(ARGV[1]) then "                                           \
    "redis.call('set', KEYS[1], ARGV[2], 'ex', 120) end"
#define REFRESH_MS 45000 /* well within it, so that a killed gateway leaves a fresh record */
#define RECORD_BYTES 512
#define NAME_BYTES (8 + 36 + GW_PID) /* with the end of the text */
#define STORE_TRIES 20
#define STORE_PAUSE_MS 50
#define ALL_STATIONS (GW_KITCHEN | GW_EXPO | GW_BAR | GW_POS)

/* "tw:s:{<tenant id>}:<pid>": all of a tenant's keys are in one slot of a cluster. */
static struct tw_slice record_name(const struct gw_sio_client *c, char out[NAME_BYTES])
{
    int n = snprintf(out, NAME_BYTES, "tw:s:{%s}:%s", c->screen.identity.tenant.id, c->pid);

    TW_ASSERT(n > 0 && n < NAME_BYTES);
    return tw_slice_from(out, (size_t)n);
}

/* --- Written ---------------------------------------------------------------------------------
 */

static void on_refresh(struct tw_deadline *d)
{
    gw_recovery_save(tw_container_of(d, struct gw_sio_client, refresh));
}

void gw_recovery_save(struct gw_sio_client *c)
{
    struct tw_buf record = { .max = RECORD_BYTES }, turn = { .max = 20 };
    char name[NAME_BYTES];

    if (!c->is_admitted || c->pid[0] == '\0')
        return;
    tw_buf_u64(&turn, c->turn);
    tw_buf_char(&record, '{');
    tw_json_member(&record, "tenant", tw_slice_of(c->screen.identity.tenant.id));
    tw_json_member(&record, "sid", tw_slice_of(c->sid));
    tw_json_member_raw(&record, "joined", c->screen.has_joined ? TW_LIT("1") : TW_LIT("0"));
    tw_json_member_u64(&record, "stations", c->screen.stations);
    tw_json_member_raw(&record, "turn", tw_buf_view(&turn));
    tw_buf_char(&record, '}');
    (void)tw_redis_tell(c->screen.all->options.store,
                        (const struct tw_slice[]){ TW_LIT("EVAL"), TW_LIT(SAVE), TW_LIT("1"),
                                                   record_name(c, name), tw_buf_view(&turn),
                                                   tw_buf_view(&record) },
                        6);
    tw_buf_done(&record);
    tw_buf_done(&turn);
    tw_after(c->screen.all->options.loop, &c->refresh, REFRESH_MS, on_refresh);
}

void gw_recovery_forget(struct gw_sio_client *c)
{
    char name[NAME_BYTES];

    if (c->pid[0] != '\0')
        (void)tw_redis_tell(c->screen.all->options.store,
                            (const struct tw_slice[]){ TW_LIT("DEL"), record_name(c, name) },
                            2);
}

void gw_recovery_new_pid(char out[GW_PID])
{
    tw_random_id(out, GW_PID);
}

/* --- Read ------------------------------------------------------------------------------------
 */

static bool read_text(struct tw_slice auth, const char *name, struct tw_buf *out)
{
    struct tw_slice raw;

    return tw_json_get(auth, name, &raw) && tw_json_string(out, raw) && !out->failed &&
           out->len > 0;
}

void gw_recovery_read_auth(struct gw_sio_client *c, struct tw_slice auth)
{
    struct tw_buf pid = { .max = 64 }, offset = { .max = 32 };

    c->wants_recovery = read_text(auth, "pid", &pid) && pid.len == GW_PID - 1 &&
                        read_text(auth, "offset", &offset) &&
                        tw_slice_u64(tw_buf_view(&offset), &c->offset);
    if (c->wants_recovery)
        memcpy(c->pid, pid.at, GW_PID - 1);
    tw_buf_done(&pid);
    tw_buf_done(&offset);
}

static bool number_member(struct tw_slice json, const char *name, uint64_t *out)
{
    struct tw_slice raw;

    return tw_json_get(json, name, &raw) && tw_json_u64(raw, out);
}

/* True when the record is a valid one of this client's restaurant. */
static bool take_record(struct gw_sio_client *c, struct tw_slice json)
{
    uint64_t joined = 0, stations = 0, turn = 0;
    struct tw_slice tenant, sid;

    if (!tw_json_get_text(json, "tenant", &tenant) ||
        !tw_slice_is(tenant, c->screen.identity.tenant.id) ||
        !tw_json_get_text(json, "sid", &sid) || sid.len != GW_SIO_SID - 1 ||
        !number_member(json, "joined", &joined) ||
        !number_member(json, "stations", &stations) || !number_member(json, "turn", &turn))
        return false;
    memcpy(c->sid, sid.at, sid.len);
    c->screen.has_joined = joined == 1;
    c->screen.stations = (unsigned)stations & ALL_STATIONS;
    c->turn = turn + 1;
    return true;
}

static void read_record(struct gw_sio_client *c, struct tw_slice text)
{
    struct tw_buf copy = { .max = RECORD_BYTES };
    struct tw_json_fault fault;
    size_t len = text.len;

    tw_buf_append(&copy, text);
    c->wants_recovery = !copy.failed &&
                        tw_json_scan(copy.at, &len, &tw_json_narrow, &fault) == '{' &&
                        take_record(c, tw_slice_from(copy.at, len));
    tw_buf_done(&copy);
}

/* As a new client: the pid that it gave is not its own. */
static void open_new(struct gw_sio_client *c)
{
    c->wants_recovery = false;
    c->pid[0] = '\0';
    gw_client_open_session(c);
}

static void on_record(struct tw_redis_ask *ask, const struct tw_redis_value *value)
{
    struct gw_sio_client *c = tw_container_of(ask, struct gw_sio_client, ask);

    if (c->socket != NULL) {
        read_record(c, value->is_there ? value->text : TW_LIT(""));
        if (c->wants_recovery)
            gw_client_open_session(c);
        else
            open_new(c);
    }
    gw_client_release(c);
}

static void on_store(struct tw_deadline *d)
{
    gw_recovery_admit(tw_container_of(d, struct gw_sio_client, refresh));
}

void gw_recovery_admit(struct gw_sio_client *c)
{
    struct tw_redis *store = c->screen.all->options.store;
    char name[NAME_BYTES];

    if (!c->wants_recovery) {
        open_new(c);
        return;
    }
    /* Clients may reach a process that has just started before it has reached Redis. */
    if (!tw_redis_serves(store, record_name(c, name)) && !tw_redis_is_none(store) &&
        c->patience++ < STORE_TRIES) {
        tw_after(c->screen.all->options.loop, &c->refresh, STORE_PAUSE_MS, on_store);
        return;
    }
    c->ask.answered = on_record;
    if (tw_redis_ask(store, &c->ask,
                     (const struct tw_slice[]){ TW_LIT("GET"), record_name(c, name) }, 2) == 0)
        c->busy++;
    else
        open_new(c);
}
