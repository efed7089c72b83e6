/* tenant_move.c - one restaurant to another cell: its sockets leave, its writes stop, its rows
 * are copied, its route is switched, and it goes on there
 * (schema/functions/cells/tenant_move.sql).
 *
 * Each step is committed in the databases before the next, and looks at what it finds; so after
 * a kill, a power cut or a lost connection the same command goes on, or --abandon goes back.
 * Whoever is at it holds a lock in both databases, by the very sessions that make the steps: so
 * nobody can go back here while somebody may still activate there. What cannot be taken back is
 * one statement: that the restaurant is active in the other cell. Before it, here is the only
 * place that may become active again.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/buf.h"
#include "common/util/json_write.h"
#include "deploy/tillctl/tenant.h"

/* From the news that sockets must go until nothing more is accepted from them: longer than it
 * takes a gateway that has missed the news to ask (gateway/admission/revocation_poll.c). */
#define GRACE_SECONDS 6
#define LOOK_MS 50
#define LOCK_MS 2000
#define WAIT_SECONDS 30
#define NUMBER_AT_ONCE "1000"

struct move {
    const struct tillctl_args *args;
    const char *slug;
    struct database *here, *there;
    char id[64];
    char cells[2][16];
    uint64_t tables, rows, bytes;
    uint64_t wait_seconds;  /* for transactions that are under way */
    uint64_t grace_seconds; /* for sockets to go */
    bool may_be_led_there;  /* the route */
    uint64_t stopped_ms;    /* when the sockets were told, by the clock that never goes back */
};

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL); /* shorter is fine: what is waited for is looked at */
}

static void say(const struct move *m, const char *text)
{
    if (m->args->json)
        return;
    printf("%s: %s\n", m->slug, text);
    (void)fflush(stdout);
}

static int refused(const struct move *m, const char *why)
{
    (void)fprintf(stderr, "tillctl: %s: %s\n", m->slug, why);
    return TILLCTL_REFUSED;
}

/* A function of cells/tenant_move.sql, which takes the slug. */
static bool turn_there(struct move *m, const char *sql)
{
    const char *const slug[] = { m->slug, NULL };

    return database_do(m->there, sql, slug);
}

/* The same with the cell where it moves to. */
static bool turn_here(struct move *m, const char *sql)
{
    const char *const params[] = { m->slug, m->cells[1], NULL };

    return database_do(m->here, sql, params);
}

static int try_lock(struct database *d, const struct move *m)
{
    const char *const slug[] = { m->slug, NULL };
    struct rows *r = database_ask(
        d, "select pg_try_advisory_lock(hashtextextended('tenant move ' || $1, 7214460006))",
        slug);
    int is_held = r == NULL ? -1 : rows_text(r, 0, 0)[0] == 't';

    rows_done(r);
    return is_held;
}

/* For as long as this session lives. That of one that has just ended may live for a moment
 * longer. */
static bool lock(struct database *d, const struct move *m)
{
    uint64_t began = now_ms();
    int is_held;

    while ((is_held = try_lock(d, m)) == 0 && now_ms() - began < LOCK_MS)
        pause_ms(LOOK_MS);
    if (is_held == 0)
        (void)fprintf(stderr, "tillctl: %s: another tillctl is at it\n", m->slug);
    return is_held == 1;
}

/* --- What there is ---------------------------------------------------------------------------
 */

/* The restaurant's state in a database, "" for none there; false when it cannot be asked. */
static bool read_state(struct database *d, struct move *m, char *status, size_t size)
{
    const char *const slug[] = { m->slug, NULL };
    struct rows *r = database_ask(
        d, "select id::text, status from dinedesk_main.tenants where slug = $1", slug);

    status[0] = '\0';
    if (r == NULL)
        return false;
    if (rows_count(r) == 1) {
        (void)snprintf(status, size, "%s", rows_text(r, 0, 1));
        if (m->id[0] == '\0')
            (void)snprintf(m->id, sizeof(m->id), "%s", rows_text(r, 0, 0));
        else if (strcmp(m->id, rows_text(r, 0, 0)) != 0)
            (void)snprintf(status, size, "%s", "another");
    }
    rows_done(r);
    return true;
}

struct cell {
    char number[16], schema[64], keeps[512];
};

/* Which cell it is; what its functions are and do; and for how long it keeps what. (by_sql has
 * its owner's name in it.) */
static bool read_cell(struct database *d, struct cell *c)
{
    struct rows *r = database_ask(
        d,
        "select s.cell, md5((select string_agg(m.number || m.sha256, ' ' order by m.number) "
        "from pos.migration m)"
        " || (select string_agg(p.proname || md5(p.prosrc), ' ' order by "
        "p.oid::regprocedure::text) from pg_proc p"
        "      where p.pronamespace = 'pos'::regnamespace and p.proname <> 'by_sql')),"
        " (to_jsonb(s) - 'cell')::text from pos.setting s",
        NULL);

    if (r == NULL)
        return false;
    (void)snprintf(c->number, sizeof(c->number), "%s", rows_text(r, 0, 0));
    (void)snprintf(c->schema, sizeof(c->schema), "%s", rows_text(r, 0, 1));
    (void)snprintf(c->keeps, sizeof(c->keeps), "%s", rows_text(r, 0, 2));
    rows_done(r);
    return true;
}

/* `goes`: rows are about to be copied. */
static int check_cells(struct move *m, bool goes)
{
    struct cell here = { { 0 }, { 0 }, { 0 } }, there = here;

    if (!read_cell(m->here, &here) || !read_cell(m->there, &there))
        return TILLCTL_REFUSED;
    memcpy(m->cells[0], here.number, sizeof(m->cells[0]));
    memcpy(m->cells[1], there.number, sizeof(m->cells[1]));
    if (strcmp(here.number, there.number) == 0)
        return refused(
            m, "both databases say that they are the same cell: give the new one its number, "
               "before its first restaurant, with tillctl cell set");
    if (goes && strcmp(here.schema, there.schema) != 0)
        return refused(
            m,
            "the two cells have different schemas: bring both to the same release (migrate)");
    if (goes && strcmp(here.keeps, there.keeps) != 0)
        return refused(m, "the two cells do not keep everything for as long: make pos.setting "
                          "the same in both, but for cell");
    return TILLCTL_DONE;
}

/* --- Steps -----------------------------------------------------------------------------------
 */

/* Those transactions of `ids` that are still under way; the first of them in `who`. */
static int64_t still_there(struct database *d, const char *ids, char *who, size_t size)
{
    const char *const params[] = { ids, NULL };
    struct rows *r = database_ask(
        d, "select who from pos.transactions_now() where id = any($1::text[])", params);
    int64_t count = r == NULL ? -1 : (int64_t)rows_count(r);

    if (count > 0)
        (void)snprintf(who, size, "%s", rows_text(r, 0, 0));
    rows_done(r);
    return count;
}

/* Whoever began before the restaurant was frozen may not have seen it. */
static bool await_writers(struct move *m)
{
    uint64_t began = now_ms();
    char who[256] = "";
    struct rows *r =
        database_ask(m->here, "select array_agg(id)::text from pos.transactions_now()", NULL);
    int64_t count = r == NULL ? -1 : 1;

    while (r != NULL && (count = still_there(
                             m->here, rows_text(r, 0, 0)[0] == '\0' ? "{}" : rows_text(r, 0, 0),
                             who, sizeof(who))) > 0) {
        if (now_ms() - began > m->wait_seconds * 1000) {
            (void)fprintf(stderr,
                          "tillctl: %s: a transaction is under way for %" PRIu64
                          " s, which may write for it: "
                          "%s; end it, or wait longer with --wait\n",
                          m->slug, (now_ms() - began) / 1000, who);
            break;
        }
        pause_ms(LOOK_MS);
    }
    rows_done(r);
    return count == 0;
}

/* What plain SQL has committed has no seq yet: it gets it here, so that it is the same there.
 */
static bool number_outbox(struct move *m)
{
    const char *const id[] = { m->id, NULL };
    uint64_t began = now_ms();
    bool waits = true;

    while (waits) {
        struct rows *r;

        if (!database_do(m->here, "select pos.outbox_number($1::uuid, " NUMBER_AT_ONCE ")",
                         id) ||
            (r = database_ask(m->here, "select pos.outbox_waits($1::uuid)", id)) == NULL)
            return false;
        waits = rows_text(r, 0, 0)[0] == 't';
        rows_done(r);
        if (waits && now_ms() - began > m->wait_seconds * 1000) {
            (void)fprintf(
                stderr,
                "tillctl: %s: events of SQL writers still wait for their numbers; see "
                "what the bridge logs, or wait longer with --wait\n",
                m->slug);
            return false;
        }
        if (waits)
            pause_ms(1); /* the bridge may be at it */
    }
    return true;
}

/* Both cells count the rows, and sum their texts up. */
static bool is_same(struct move *m, const char *table, const char *sums)
{
    struct rows *a = database_ask(m->here, sums, NULL);
    struct rows *b = database_ask(m->there, sums, NULL);
    bool same = a != NULL && b != NULL && strcmp(rows_text(a, 0, 0), rows_text(b, 0, 0)) == 0 &&
                strcmp(rows_text(a, 0, 1), rows_text(b, 0, 1)) == 0;

    if (same)
        m->rows += (uint64_t)rows_int(a, 0, 0);
    else if (a != NULL && b != NULL)
        (void)fprintf(stderr,
                      "tillctl: %s: %s is not the same in both cells after it was copied\n",
                      m->slug, table);
    rows_done(a);
    rows_done(b);
    return same;
}

static bool copy_tables(struct move *m)
{
    const char *const id[] = { m->id, NULL };
    struct rows *plan = database_ask(
        m->here, "select name, reads, writes, sums from pos.tenant_copy($1::uuid)", id);
    bool good = plan != NULL;

    for (size_t i = 0; good && i < rows_count(plan); i++) {
        good = database_copy(m->here, rows_text(plan, i, 1), m->there, rows_text(plan, i, 2),
                             &m->bytes) &&
               is_same(m, rows_text(plan, i, 0), rows_text(plan, i, 3));
        m->tables += good;
    }
    rows_done(plan);
    return good;
}

static bool land(struct move *m)
{
    const char *const id[] = { m->id, NULL };
    struct rows *r =
        database_ask(m->here, "select last, is_given from pos.tenant_number($1::uuid)", id);
    bool good = false;

    if (r != NULL) {
        const char *const params[] = { m->id, rows_text(r, 0, 0), rows_text(r, 0, 1), NULL };

        good = database_do(m->there,
                           "select pos.tenant_land($1::uuid, $2::bigint, $3::boolean)", params);
    }
    rows_done(r);
    return good;
}

/* In one transaction there, of one moment here. */
static bool copy(struct move *m)
{
    bool good = database_do(m->here, "begin isolation level repeatable read read only", NULL) &&
                database_do(m->there, "begin isolation level repeatable read", NULL) &&
                database_do(m->there, "set local tillwire.writer = 'move'", NULL) &&
                copy_tables(m) && land(m);

    good = database_do(m->there, good ? "commit" : "rollback", NULL) && good;
    return database_do(m->here, "commit", NULL) && good;
}

/* Runs it in a shell and waits for it; whether it ended with 0. */
static bool run_command(const char *command)
{
    char shell[] = "sh", option[] = "-c";
    char *text = strdup(command);
    char *const words[] = { shell, option, text, NULL };
    int status = -1;
    pid_t child;
    bool is_running =
        text != NULL && posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) == 0;

    while (is_running && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            break;
    free(text);
    return is_running && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The operator's own command, with the restaurant and the number of its cell in its
 * environment, and without the databases' addresses, which may have passwords. */
static bool switch_route(struct move *m, const char *cell)
{
    const char *command = tillctl_value(m->args, "switch");

    (void)fflush(stdout);
    if (command != NULL && setenv("TILLWIRE_TENANT", m->slug, 1) == 0 &&
        setenv("TILLWIRE_CELL", cell, 1) == 0 && unsetenv("TILLWIRE_DATABASE_URL") == 0 &&
        unsetenv("TILLWIRE_TO_DATABASE_URL") == 0 && run_command(command))
        return true;
    (void)fprintf(stderr,
                  "tillctl: %s: the route was not switched to cell %s: the command of --switch "
                  "has failed\n",
                  m->slug, cell);
    return false;
}

/* --- Ways ------------------------------------------------------------------------------------
 */

/* Back to where it was: nothing has been written there that was not copied. What is left there
 * is removed by the next move, if it cannot be now. */
static int go_back(struct move *m)
{
    char there[32];

    if (database_is_lost(m->here) || database_is_lost(m->there) ||
        !read_state(m->there, m, there, sizeof(there)) ||
        (there[0] != '\0' && strcmp(there, "arriving") != 0) ||
        !turn_here(m, "select pos.tenant_stay($1, $2::int)")) {
        (void)fprintf(
            stderr,
            "tillctl: %s: it is refused in both cells now (503). When both databases can be "
            "reached, give "
            "the same command again, or with --abandon.\n",
            m->slug);
        return TILLCTL_UNREACHABLE;
    }
    if (there[0] != '\0')
        (void)turn_there(m, "select pos.tenant_forget($1)");
    if (m->may_be_led_there && !switch_route(m, m->cells[0]))
        return refused(
            m, "it stays where it was, but its route may lead to the other cell: lead it back");
    return refused(m, "it stays where it was, and is served again");
}

static int finish(struct move *m)
{
    struct tw_buf json = { .max = 4096 };
    uint64_t ms = now_ms() - m->stopped_ms;

    if (!turn_here(m, "select pos.tenant_left($1, $2::int)")) {
        (void)fprintf(stderr,
                      "tillctl: %s: it is active in its new cell; give the command again to "
                      "close it here\n",
                      m->slug);
        return TILLCTL_UNREACHABLE;
    }
    if (!m->args->json && m->tables == 0) {
        printf("%s: active in cell %s, since an earlier try\n", m->slug, m->cells[1]);
        return TILLCTL_DONE;
    }
    if (!m->args->json) {
        printf("%s: active in cell %s: %" PRIu64 " tables, %" PRIu64 " rows, %" PRIu64
               " bytes; %" PRIu64 ".%" PRIu64 " s without it\n",
               m->slug, m->cells[1], m->tables, m->rows, m->bytes, ms / 1000, ms % 1000 / 100);
        return TILLCTL_DONE;
    }
    tw_buf_char(&json, '{');
    tw_json_member(&json, "tenant", tw_slice_of(m->slug));
    tw_json_member(&json, "from", tw_slice_of(m->cells[0]));
    tw_json_member(&json, "to", tw_slice_of(m->cells[1]));
    tw_json_member_u64(&json, "tables", m->tables);
    tw_json_member_u64(&json, "rows", m->rows);
    tw_json_member_u64(&json, "bytes", m->bytes);
    tw_json_member_u64(&json, "ms", ms);
    tw_buf_text(&json, "}\n");
    (void)fwrite(json.at, 1, json.len, stdout);
    tw_buf_done(&json);
    return TILLCTL_DONE;
}

static int activate(struct move *m)
{
    if (turn_there(m, "select pos.tenant_arrived($1)"))
        return finish(m);
    if (!database_is_lost(m->there))
        return go_back(m);
    (void)fprintf(stderr,
                  "tillctl: %s: whether it is active in its new cell is not known: give the "
                  "command again\n",
                  m->slug);
    return TILLCTL_UNREACHABLE;
}

/* From here on it is refused until it is there, or back. */
static int go_frozen(struct move *m)
{
    if (!await_writers(m) || !number_outbox(m))
        return go_back(m);
    say(m, "frozen: requests are answered 503, to be sent again");
    if (!copy(m))
        return go_back(m);
    say(m, "copied, and the same in both cells");
    m->may_be_led_there = true; /* also by a command that has failed in its middle */
    if (!switch_route(m, m->cells[1]))
        return go_back(m);
    return activate(m);
}

static int go(struct move *m, const char *here, const char *there)
{
    int exit = check_cells(m, true);

    if (exit != TILLCTL_DONE)
        return exit;
    if (strcmp(there, "arriving") == 0 && !turn_there(m, "select pos.tenant_forget($1)"))
        return TILLCTL_UNREACHABLE;
    m->stopped_ms = now_ms();
    if (strcmp(here, "frozen") == 0) /* and for this cell? */
        return turn_here(m, "select pos.tenant_freeze($1, $2::int)") ? go_frozen(m)
                                                                     : TILLCTL_REFUSED;
    if (!await_writers(m)) /* a report that takes long is noticed while nobody waits for it */
        return TILLCTL_REFUSED;
    m->stopped_ms = now_ms();
    if (!turn_here(m, "select pos.tenant_leave($1, $2::int)"))
        return TILLCTL_REFUSED;
    say(m, "its sockets are told to connect again, and find nobody for a while");
    pause_ms((long)m->grace_seconds * 1000);
    return turn_here(m, "select pos.tenant_freeze($1, $2::int)") ? go_frozen(m) : go_back(m);
}

/* Why it cannot begin; null: it can. */
static const char *obstacle(const char *here, const char *there)
{
    static const struct {
        const char *state, *why;
    } rows[] = {
        { "", "there is no such restaurant here" },
        { "left", "it has left for another cell; tillctl tenant forget removes what is left of "
                  "it here" },
        { "suspended", "it is suspended: tillctl tenant resume, and move it then" },
        { "arriving", "it is about to arrive here: finish that move first" },
    };

    for (size_t i = 0; i < TW_COUNT(rows); i++)
        if (strcmp(here, rows[i].state) == 0)
            return rows[i].why;
    if (there[0] == '\0' || strcmp(there, "arriving") == 0)
        return NULL;
    if (strcmp(there, "another") == 0)
        return "the other cell has another restaurant of this name";
    if (strcmp(there, "left") == 0)
        return "the other cell has rows of it from when it left: tillctl tenant forget there, "
               "first";
    return "the other cell has this restaurant too";
}

static int choose(struct move *m)
{
    bool abandons = tillctl_value(m->args, "abandon") != NULL;
    bool is_frozen, has_arrived;
    const char *why;
    char here[32], there[32];

    if (!lock(m->here, m) || !lock(m->there, m))
        return TILLCTL_REFUSED;
    if (!read_state(m->here, m, here, sizeof(here)) ||
        !read_state(m->there, m, there, sizeof(there)))
        return TILLCTL_UNREACHABLE;
    m->stopped_ms = now_ms();
    is_frozen = strcmp(here, "frozen") == 0;
    has_arrived =
        there[0] != '\0' && strcmp(there, "arriving") != 0 && strcmp(there, "another") != 0;
    if (is_frozen && has_arrived && !abandons)
        return finish(m);
    if (abandons && is_frozen && has_arrived)
        return refused(
            m, "it has arrived in its new cell: there is no way back but to move it again");
    if (abandons && !is_frozen && strcmp(here, "leaving") != 0)
        return refused(m, "no move of it is under way");
    m->may_be_led_there = abandons && tillctl_value(m->args, "switch") != NULL;
    if (abandons)
        return go_back(m) == TILLCTL_REFUSED ? TILLCTL_DONE : TILLCTL_UNREACHABLE;
    why = obstacle(here, there);
    return why != NULL ? refused(m, why) : go(m, here, there);
}

static bool read_seconds(const char *text, uint64_t otherwise, uint64_t *seconds)
{
    *seconds = otherwise;
    return text == NULL || (tw_slice_u64(tw_slice_of(text), seconds) && *seconds <= 86400);
}

int tenant_move(const struct tillctl_args *args)
{
    const char *to = tillctl_value(args, "to");
    struct move m = { .args = args, .slug = args->words[0] };
    int exit = TILLCTL_UNREACHABLE;

    if (to == NULL && getenv("TILLWIRE_TO_DATABASE_URL") == NULL) {
        (void)fputs("tillctl: give --to, the database of the other cell\n", stderr);
        return TILLCTL_BAD_USAGE;
    }
    if (!read_seconds(tillctl_value(args, "wait"), WAIT_SECONDS, &m.wait_seconds) ||
        !read_seconds(tillctl_value(args, "grace"), GRACE_SECONDS, &m.grace_seconds)) {
        (void)fputs("tillctl: --wait and --grace take whole seconds, up to a day\n", stderr);
        return TILLCTL_BAD_USAGE;
    }
    if (tillctl_value(args, "switch") == NULL && tillctl_value(args, "abandon") == NULL) {
        (void)fputs(
            "tillctl: give --switch, the command that leads the restaurant to the other cell "
            "(docs/cells.md)\n",
            stderr);
        return TILLCTL_BAD_USAGE;
    }
    m.here = tillctl_open(args);
    if (m.here != NULL)
        m.there = database_open(to != NULL ? to : getenv("TILLWIRE_TO_DATABASE_URL"),
                                to != NULL, "the other cell");
    if (m.there != NULL && (exit = check_cells(&m, false)) == TILLCTL_DONE)
        exit = choose(&m);
    database_close(m.here);
    database_close(m.there);
    return exit;
}
