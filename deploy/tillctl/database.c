/* database.c - see database.h. The door to libpq of this program, which may block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/database.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "deploy/tillctl/person.h"

/* Of PostgreSQL's own types, in every database (pg_type.dat). */
#define BOOL_OID 16
#define TEXT_OID 25

struct database {
    PGconn *pg;
    const char *name;
};

/* libpq's messages end with a line feed, and may have several lines. */
static void complain(const struct database *d, const char *message)
{
    (void)fprintf(stderr, "tillctl: %s: %.*s\n", d->name, (int)strcspn(message, "\n"), message);
}

static bool has_password(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool has = false;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        has = has || (strcmp(o->keyword, "password") == 0 && o->val != NULL);
    PQconninfoFree(options);
    return has;
}

/* Sums are over texts, so both sides write them alike; what a trigger notices is not news. */
static const char settings[] =
    "set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex';"
    " set extra_float_digits = 1; set client_min_messages = warning;"
    " set search_path = pos, public; set lock_timeout = '10s'";

/* What the audit calls whoever does something (migrations/0032_person.sql). */
static bool set_person(struct database *d)
{
    char name[128];
    const char *const params[] = { name, NULL };

    person_name(name, sizeof(name));
    return database_do(d, "select set_config('tillwire.person', $1, false)", params);
}

struct database *database_open(const char *url, bool is_shown, const char *name)
{
    /* A host that is gone without a word is noticed within ten seconds; the URL may say
     * otherwise. */
    const char *const keys[] = { "application_name", "connect_timeout",
                                 "keepalives_idle",  "keepalives_interval",
                                 "keepalives_count", "tcp_user_timeout",
                                 "dbname",           NULL };
    const char *const values[] = {
        "tillctl", "10", "5", "2", "3", "10000", url == NULL ? "" : url, NULL
    };
    struct database *d = tw_new(struct database);

    d->name = name;
    if (is_shown && has_password(url)) {
        complain(d, "its address holds a password, which every user of this machine can read: "
                    "leave it out, and put it into a file that PGPASSFILE names");
        free(d);
        return NULL;
    }
    d->pg = PQconnectdbParams(keys, values, 1);
    if (PQstatus(d->pg) == CONNECTION_OK && database_do(d, settings, NULL) && set_person(d))
        return d;
    if (PQstatus(d->pg) != CONNECTION_OK)
        complain(d, PQerrorMessage(d->pg));
    database_close(d);
    return NULL;
}

void database_close(struct database *d)
{
    if (d == NULL)
        return;
    PQfinish(d->pg);
    free(d);
}

bool database_is_lost(const struct database *d)
{
    return PQstatus(d->pg) != CONNECTION_OK;
}

static const PGresult *pg_of(const struct rows *r)
{
    return (const PGresult *)r;
}

static bool is_good(ExecStatusType status)
{
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static bool is_state(const PGresult *result, const char *state)
{
    const char *its = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return its != NULL && strcmp(its, state) == 0;
}

/* What PostgreSQL says, and what it advises. A refusal of our own functions (pos.refuse) has
 * its HTTP status and its code where advice is. */
static void complain_of(const struct database *d, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

    if (message != NULL && hint != NULL && is_state(result, "TWREF")) {
        const char *code = strchr(hint, ' ');

        (void)fprintf(stderr, "tillctl: %s: %s\n", code == NULL ? hint : code + 1, message);
        return;
    }
    complain(d, message == NULL ? PQerrorMessage(d->pg) : message);
    if (hint != NULL)
        (void)fprintf(stderr, "  %s\n", hint);
}

static struct rows *ask(struct database *d, const char *sql, size_t count, const Oid *types,
                        const char *const *values)
{
    PGresult *result = count == 0
                           ? PQexec(d->pg, sql)
                           : PQexecParams(d->pg, sql, (int)count, types, values, NULL, NULL, 0);

    if (is_good(PQresultStatus(result)))
        return (struct rows *)result;
    complain_of(d, result);
    PQclear(result);
    return NULL;
}

struct rows *database_ask_with(struct database *d, const char *sql, size_t count,
                               const char *const *values)
{
    return ask(d, sql, count, NULL, values);
}

struct rows *database_ask_texts(struct database *d, const char *sql, size_t count,
                                const char *const *values)
{
    Oid types[DATABASE_MAX_TEXTS];

    TW_ASSERT(count <= TW_COUNT(types));
    for (size_t i = 0; i < count; i++)
        types[i] = TEXT_OID;
    return ask(d, sql, count, types, values);
}

struct rows *database_ask(struct database *d, const char *sql, const char *const *params)
{
    size_t count = 0;

    while (params != NULL && params[count] != NULL)
        count++;
    return ask(d, sql, count, NULL, params);
}

void rows_done(struct rows *r)
{
    PQclear((PGresult *)r);
}

size_t rows_count(const struct rows *r)
{
    return (size_t)PQntuples(pg_of(r));
}

const char *rows_text(const struct rows *r, size_t row, int column)
{
    return PQgetvalue(pg_of(r), (int)row, column);
}

const char *rows_shown(const struct rows *r, size_t row, int column)
{
    const char *text = rows_text(r, row, column);

    if (PQftype(pg_of(r), column) != BOOL_OID || text[0] == '\0')
        return text;
    return text[0] == 't' ? "yes" : "no";
}

int64_t rows_int(const struct rows *r, size_t row, int column)
{
    return strtoll(rows_text(r, row, column), NULL, 10);
}

int rows_columns(const struct rows *r)
{
    return PQnfields(pg_of(r));
}

const char *rows_column(const struct rows *r, int column)
{
    return PQfname(pg_of(r), column);
}

bool database_do(struct database *d, const char *sql, const char *const *params)
{
    struct rows *r = database_ask(d, sql, params);

    rows_done(r);
    return r != NULL;
}

/* --- Copying ---------------------------------------------------------------------------------
 */

static bool begin_copy(struct database *d, const char *sql, ExecStatusType wanted)
{
    PGresult *result = PQexec(d->pg, sql);
    bool is_begun = PQresultStatus(result) == wanted;

    if (!is_begun)
        complain_of(d, result);
    PQclear(result);
    return is_begun;
}

static bool end_copy(struct database *d)
{
    bool is_done = true;
    PGresult *result;

    while ((result = PQgetResult(d->pg)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            if (is_done)
                complain_of(d, result);
            is_done = false;
            if (database_is_lost(d)) { /* it would never end */
                PQclear(result);
                break;
            }
        }
        PQclear(result);
    }
    return is_done;
}

bool database_copy(struct database *from, const char *reads, struct database *to,
                   const char *writes, uint64_t *bytes)
{
    bool is_put = true;
    char *row;
    int len;

    if (!begin_copy(from, reads, PGRES_COPY_OUT) || !begin_copy(to, writes, PGRES_COPY_IN))
        return false;
    while ((len = PQgetCopyData(from->pg, &row, 0)) > 0) {
        is_put = is_put && PQputCopyData(to->pg, row, len) == 1;
        *bytes += (uint64_t)len;
        PQfreemem(row);
    }
    if (PQputCopyEnd(to->pg, len == -1 ? NULL : "the other database has not sent all") != 1)
        is_put = false;
    is_put = end_copy(from) && is_put; /* both are ended, whatever the other one says */
    return end_copy(to) && is_put && len == -1;
}
