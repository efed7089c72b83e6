/* fake_postgres.c - PostgreSQL's frontend/backend protocol 3.0, from the backend's side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/fake_postgres.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define SSL_REQUEST 80877103
#define OID_TEXT 25

static void put_u32(struct tw_buf *out, uint32_t value)
{
    uint32_t bytes = htonl(value);

    tw_buf_append(out, tw_slice_from((const char *)&bytes, 4));
}

static void put_u16(struct tw_buf *out, unsigned value)
{
    tw_buf_char(out, (char)(value >> 8));
    tw_buf_char(out, (char)(value & 255));
}

static void put_text(struct tw_buf *out, const char *text)
{
    tw_buf_append(out, tw_slice_from(text, strlen(text) + 1));
}

/* A message: its type, its length, its body. */
static void put_message(struct tw_buf *out, char type, struct tw_slice body)
{
    tw_buf_char(out, type);
    put_u32(out, (uint32_t)body.len + 4);
    tw_buf_append(out, body);
}

static void put_error(struct tw_buf *out, const char *sqlstate)
{
    struct tw_buf body = { .max = 1000 };

    put_text(&body, "SERROR");
    put_text(&body, "VERROR");
    tw_buf_char(&body, 'C');
    put_text(&body, sqlstate);
    put_text(&body, "Mit was refused");
    tw_buf_char(&body, '\0');
    put_message(out, 'E', tw_buf_view(&body));
    tw_buf_done(&body);
}

static void put_ready(struct tw_buf *out)
{
    put_message(out, 'Z', TW_LIT("I"));
}

/* How many columns a text with tabs between them has. */
static unsigned columns_of(struct tw_slice text)
{
    unsigned n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\t' ? 1 : 0;
    return n;
}

static void put_description(struct tw_buf *out, unsigned columns)
{
    struct tw_buf body = { .max = 1000 };

    put_u16(&body, columns);
    for (; columns > 0; columns--) {
        put_text(&body, "column");
        put_u32(&body, 0);
        put_u16(&body, 0);
        put_u32(&body, OID_TEXT);
        put_u16(&body, 0xffff); /* of any length */
        put_u32(&body, 0xffffffff);
        put_u16(&body, 0);
    }
    put_message(out, 'T', tw_buf_view(&body));
    tw_buf_done(&body);
}

static void put_row(struct tw_buf *out, struct tw_slice value)
{
    struct tw_buf body = { .max = 8 * 1048576 };

    put_u16(&body, 1);
    put_u32(&body, value.at == NULL ? 0xffffffff : (uint32_t)value.len);
    tw_buf_append(&body, value);
    put_message(out, 'D', tw_buf_view(&body));
    tw_buf_done(&body);
}

static struct tw_slice said_by(const struct fake_postgres *p)
{
    return tw_slice_of(p->says == NULL ? "ok" : p->says);
}

static void put_columns(struct tw_buf *out, struct tw_slice text)
{
    struct tw_buf body = { .max = 8 * 1048576 };
    struct tw_slice column;

    put_u16(&body, columns_of(text));
    while (tw_slice_split(&text, '\t', &column)) {
        put_u32(&body, (uint32_t)column.len);
        tw_buf_append(&body, column);
    }
    put_message(out, 'D', tw_buf_view(&body));
    tw_buf_done(&body);
}

static void put_rows(struct tw_buf *out, const struct fake_postgres *p,
                     const struct fake_statement *s)
{
    uint64_t rows = 0;
    char text[24];

    if (tw_slice_starts(tw_slice_of(s->sql), TW_LIT("rows "))) {
        assert_true(tw_slice_u64(tw_slice_of(s->sql + 5), &rows));
        for (uint64_t i = 1; i <= rows; i++) {
            (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)i);
            put_row(out, tw_slice_of(text));
        }
    } else if (strcmp(s->sql, "null") == 0 || (strcmp(s->sql, "echo") == 0 && s->is_null)) {
        put_row(out, TW_EMPTY);
    } else if (strcmp(s->sql, "echo") == 0) {
        put_row(out, s->echo.len > 0 ? tw_buf_view(&s->echo) : TW_LIT(""));
    } else if (!p->has_no_row) {
        put_columns(out, said_by(p));
    }
}

static void answer(const struct fake_postgres *p, const struct fake_statement *s)
{
    struct tw_buf out = { .max = 16 * 1048576 };

    if (s->is_parsed && s->fails == NULL)
        put_message(&out, '1', TW_LIT(""));
    if (s->fails != NULL || p->fails_as != NULL) {
        put_error(&out, s->fails != NULL ? s->fails : p->fails_as);
    } else if (strncmp(s->sql, "fail ", 5) == 0) {
        put_error(&out, s->sql + 5);
    } else {
        put_message(&out, '2', TW_LIT("")); /* bound */
        put_description(&out, columns_of(said_by(p)));
        put_rows(&out, p, s);
        put_message(&out, 'C', TW_LIT("SELECT 1\0"));
    }
    put_ready(&out);
    end_send(s->e, tw_buf_view(&out));
    tw_buf_done(&out);
}

void fake_postgres_release_at(struct fake_postgres *p, int i)
{
    struct fake_statement s = p->pending[i];

    p->pending_count--;
    memmove(&p->pending[i], &p->pending[i + 1],
            (p->pending_count - (size_t)i + 1) * sizeof(p->pending[0])); /* and the next */
    answer(p, &s);
    tw_buf_done(&s.echo);
}

void fake_postgres_release(struct fake_postgres *p, size_t n)
{
    for (; n > 0 && p->pending_count > 0; n--)
        fake_postgres_release_at(p, 0);
}

/* A reader of one message. */
static uint32_t take_u32(struct tw_slice *body)
{
    uint32_t bytes;

    assert_true(body->len >= 4);
    memcpy(&bytes, body->at, 4);
    *body = tw_slice_skip(*body, 4);
    return ntohl(bytes);
}

static unsigned take_u16(struct tw_slice *body)
{
    unsigned value;

    assert_true(body->len >= 2);
    value = (unsigned)(unsigned char)body->at[0] << 8 | (unsigned char)body->at[1];
    *body = tw_slice_skip(*body, 2);
    return value;
}

static struct tw_slice take_text(struct tw_slice *body)
{
    struct tw_slice text;

    assert_true(tw_slice_split(body, '\0', &text));
    return text;
}

static struct fake_prepared *find_prepared(struct fake_postgres *p, const struct end *e,
                                           struct tw_slice name)
{
    for (size_t i = 0; i < p->prepared_count; i++)
        if (p->prepared[i].e == e && tw_slice_is(name, p->prepared[i].name))
            return &p->prepared[i];
    return NULL;
}

static void read_parse(struct fake_postgres *p, struct fake_statement *s, struct tw_slice body)
{
    struct tw_slice name = take_text(&body), sql = take_text(&body);
    struct fake_prepared *known = &p->prepared[p->prepared_count];

    assert_true(sql.len < sizeof(s->sql) && name.len < sizeof(known->name));
    memcpy(s->sql, sql.at, sql.len);
    s->is_parsed = true;
    p->parsed++;
    if (name.len > 0 && (p->clashes || find_prepared(p, s->e, name) != NULL)) {
        s->fails = "42P05";
    } else if (strcmp(s->sql, "fail 42601") == 0) {
        s->fails = "42601"; /* a syntax error is one before it is executed */
    } else if (name.len > 0 && !p->forgets) {
        assert_true(p->prepared_count++ < FAKE_PREPARED - 1);
        *known = (struct fake_prepared){ .e = s->e };
        memcpy(known->name, name.at, name.len);
        memcpy(known->sql, sql.at, sql.len);
    }
    p->type_count = (int)take_u16(&body);
    assert_in_range(p->type_count, 0, 4);
    for (int i = 0; i < p->type_count; i++)
        p->types[i] = take_u32(&body);
}

static void read_bind(struct fake_postgres *p, struct fake_statement *s, struct tw_slice body)
{
    struct tw_slice name;
    uint32_t len;

    (void)take_text(&body);
    name = take_text(&body);
    if (name.len > 0 && !s->is_parsed) {
        const struct fake_prepared *known = find_prepared(p, s->e, name);

        if (known == NULL)
            s->fails = "26000";
        else
            memcpy(s->sql, known->sql, sizeof(s->sql));
    }
    for (unsigned n = take_u16(&body); n > 0; n--)
        assert_int_equal(take_u16(&body), 1); /* all are binary */
    if (take_u16(&body) == 0)
        return;
    len = take_u32(&body);
    s->is_null = len == 0xffffffff;
    s->echo.max = 8 * 1048576;
    if (!s->is_null)
        tw_buf_append(&s->echo, tw_slice_from(body.at, len));
}

/* Which process it is, whether it takes no writes, and whether it is a standby; pg_conn asks
 * for the first alone. */
static bool answers_who(struct fake_postgres *p, struct fake_statement *s)
{
    struct tw_buf row = { .max = 100 }, out = { .max = 1000 };
    bool is_read_only = p->is_standby || p->is_read_only;
    unsigned columns = strstr(s->sql, "transaction_read_only") != NULL ? 3 : 1;

    if (!tw_slice_starts(tw_slice_of(s->sql), TW_LIT("select pg_catalog.pg_backend_pid()")))
        return false;
    p->asked++;
    p->parsed -= s->is_parsed ? 1 : 0;
    if (p->is_paused)
        return true;
    put_message(&out, '1', TW_LIT(""));
    if (p->asked_fails_as != NULL) {
        put_error(&out, p->asked_fails_as);
    } else {
        tw_buf_u64(&row, (uint64_t)p->backend + (p->has_one_server ? 0 : s->e->number));
        if (columns == 3)
            tw_buf_text(&row, is_read_only ? "\ton" : "\toff");
        if (columns == 3)
            tw_buf_text(&row, p->is_standby ? "\tt" : "\tf");
        put_message(&out, '2', TW_LIT(""));
        put_description(&out, columns);
        put_columns(&out, tw_buf_view(&row));
        put_message(&out, 'C', TW_LIT("SELECT 1\0"));
    }
    put_ready(&out);
    end_send(s->e, tw_buf_view(&out));
    tw_buf_done(&row);
    tw_buf_done(&out);
    return true;
}

/* A statement's messages go into the one that is being filled, behind those that are pending.
 */
static void take_message(struct fake_postgres *p, struct end *e, char type,
                         struct tw_slice body)
{
    struct fake_statement *s = &p->pending[p->pending_count];

    if (type == 'X')
        return; /* goodbye */
    assert_true(p->pending_count < FAKE_PENDING - 1);
    if (s->e == NULL)
        s->e = e;
    if (type == 'P') {
        read_parse(p, s, body);
    } else if (type == 'B') {
        read_bind(p, s, body);
    } else if (type == 'S' && answers_who(p, s)) {
        tw_buf_done(&s->echo);
        *s = (struct fake_statement){ 0 };
    } else if (type == 'S') {
        p->received++;
        p->pending_count++;
        p->pending[p->pending_count] = (struct fake_statement){ 0 };
        if (!p->holds)
            fake_postgres_release(p, p->pending_count);
    } else {
        assert_true(type == 'D' || type == 'E');
    }
}

/* What it would take to cancel: the process, and a secret. */
static void put_key(struct tw_buf *out, const struct end *e)
{
    struct tw_buf body = { .max = 8 };

    put_u32(&body, (uint32_t)e->number);
    put_u32(&body, 1);
    put_message(out, 'K', tw_buf_view(&body));
    tw_buf_done(&body);
}

static void welcome(struct fake_postgres *p, struct end *e, struct tw_slice body)
{
    struct tw_buf out = { .max = 1000 };

    if (take_u32(&body) == SSL_REQUEST) {
        end_say(e, "N");
        return;
    }
    if (p->refuses_as != NULL) {
        put_error(&out, p->refuses_as);
    } else {
        e->is_known = true;
        put_message(&out, 'R', TW_LIT("\0\0\0\0"));
        put_message(&out, 'S', TW_LIT("server_version\00015.18\0"));
        put_message(&out, 'S', TW_LIT("default_transaction_read_only\0off\0"));
        put_message(&out, 'S',
                    p->is_standby || p->was_standby ? TW_LIT("in_hot_standby\0on\0")
                                                    : TW_LIT("in_hot_standby\0off\0"));
        put_key(&out, e);
        put_ready(&out);
    }
    end_send(e, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void on_heard(struct end *e)
{
    struct fake_postgres *p = tw_container_of(e->host, struct fake_postgres, host);

    while (!p->is_silent) {
        size_t head = e->is_known ? 5 : 4; /* the first message has no type */
        struct tw_slice length = tw_slice_skip(tw_buf_view(&e->heard), head - 4);
        size_t n;

        if (e->heard.len < head)
            return;
        n = take_u32(&length);
        if (e->heard.len < head - 4 + n)
            return;
        if (e->is_known)
            take_message(p, e, e->heard.at[0], tw_slice_from(e->heard.at + 5, n - 4));
        else
            welcome(p, e, tw_slice_from(e->heard.at + 4, n - 4));
        tw_buf_drop(&e->heard, head - 4 + n);
    }
}

void fake_postgres_start(struct fake_postgres *p, struct tw_loop *loop, int port)
{
    p->host.on_heard = on_heard;
    host_start(&p->host, loop, port);
}

void fake_postgres_forget(struct fake_postgres *p)
{
    for (size_t i = 0; i <= p->pending_count; i++)
        tw_buf_done(&p->pending[i].echo);
    p->pending_count = p->prepared_count = 0;
    p->pending[0] = (struct fake_statement){ 0 };
}

void fake_postgres_stop(struct fake_postgres *p)
{
    fake_postgres_forget(p);
    host_stop(&p->host);
}

int fake_postgres_find(const struct fake_postgres *p, const char *sql)
{
    for (size_t i = 0; i < p->pending_count; i++)
        if (strcmp(p->pending[i].sql, sql) == 0)
            return (int)i;
    return -1;
}

int fake_postgres_beside(const struct fake_postgres *p, int i)
{
    int n = 0;

    for (size_t k = 0; k < p->pending_count; k++)
        n += p->pending[k].e == p->pending[i].e ? 1 : 0;
    return n;
}

void fake_postgres_notify(struct fake_postgres *p, const char *channel, const char *payload)
{
    struct tw_buf body = { .max = 10000 }, out = { .max = 10000 };

    put_u32(&body, 17);
    put_text(&body, channel);
    put_text(&body, payload);
    put_message(&out, 'A', tw_buf_view(&body));
    for (size_t i = 0; i < p->host.count; i++)
        end_send(p->host.ends[i], tw_buf_view(&out));
    tw_buf_done(&body);
    tw_buf_done(&out);
}
