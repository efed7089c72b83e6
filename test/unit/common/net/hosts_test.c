/* hosts_test.c - PostgreSQL and Redis by names that move, on several hosts, of which some are
 * away or take no writes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/pg_conn.h"
#include "common/net/pg_dial.h"
#include "common/net/redis.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/caught_log.h"
#include "test/unit/support/check.h"
#include "test/unit/support/fake_names.h"
#include "test/unit/support/fake_postgres.h"
#include "test/unit/support/fake_redis.h"
#include "test/unit/support/pg_owner.h"

struct fixture {
    struct tw_loop *loop;
    struct fake_postgres pg, standby;
    struct fake_redis redis;
    struct tw_pg_conn *conn;
    struct tw_redis link;
    struct tw_pg_call call;
    struct pg_owner owner;
    int answered, err;
    char url[256], sqlstate[8], path[64];
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    caught_log_begin();
    f->loop = net_loop_new();
    fake_names_begin();
    fake_postgres_start(&f->pg, f->loop, 0);
    fake_postgres_start(&f->standby, f->loop, 0);
    f->standby.is_standby = true;
    fake_redis_start(&f->redis, f->loop, 0);
    (void)snprintf(f->path, sizeof(f->path), "/tmp/tillwire-hosts-test.%d", (int)getpid());
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_pg_conn_close(f->conn);
    tw_redis_stop(&f->link);
    fake_postgres_stop(&f->pg);
    fake_postgres_stop(&f->standby);
    fake_redis_stop(&f->redis);
    (void)unlink(f->path);
    net_loop_free(f->loop);
    fake_names_end();
    free(f);
    caught_log_end();
    return 0;
}

/* To PostgreSQL; `form` has a place for the port of the primary, and one for the standby's. */
static void start(struct fixture *f, const char *form)
{
    struct tw_slice rest = tw_slice_of(form), part;
    struct tw_buf url = { .max = sizeof(f->url) - 1 };

    while (tw_slice_split(&rest, '%', &part)) {
        tw_buf_append(&url, part);
        if (tw_slice_starts(rest, TW_LIT("primary")))
            tw_buf_u64(&url, (uint64_t)f->pg.host.port);
        else if (tw_slice_starts(rest, TW_LIT("standby")))
            tw_buf_u64(&url, (uint64_t)f->standby.host.port);
        else
            break;
        rest = tw_slice_skip(rest, 7);
    }
    memcpy(f->url, url.at, url.len);
    tw_buf_done(&url);
    f->conn = tw_pg_conn_new(f->loop,
                             &(struct tw_pg_conn_options){ .url = f->url, .program = "test" },
                             &pg_owner_events, &f->owner);
}

static void on_done(struct tw_pg_call *call, const struct tw_pg_result *r)
{
    struct fixture *f = tw_container_of(call, struct fixture, call);

    f->answered++;
    f->err = tw_pg_error(r);
    (void)snprintf(f->sqlstate, sizeof(f->sqlstate), "%s", tw_pg_sqlstate(r));
}

static void ask(struct fixture *f, const char *sql)
{
    f->call = (struct tw_pg_call){ .sql = sql, .done = on_done };
    tw_pg_conn_send(f->conn, &f->call);
}

static void the_next_address_of_a_name_is_tried(void **state)
{
    struct fixture *f = *state;

    fake_names_set("db.example", "127.0.0.2 127.0.0.1"); /* nobody listens on the first */
    start(f, "postgresql://u@db.example:%primary/db");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->owner.downs, 0);
}

static void a_name_that_moves_is_followed(void **state)
{
    struct fixture *f = *state;

    fake_names_set("db.example", "127.0.0.2");
    start(f, "postgresql://u@db.example:%primary/db");
    await(f->loop, f->owner.downs == 1);
    assert_non_null(strstr(f->owner.why, "refused"));
    fake_names_set("db.example", "127.0.0.1");
    await(f->loop, f->owner.ups == 1);
}

static void a_name_that_is_not_there_is_said(void **state)
{
    struct fixture *f = *state;

    start(f, "postgresql://u@nowhere.example/db");
    await(f->loop, f->owner.downs == 2); /* it goes on trying */
    assert_non_null(strstr(f->owner.why, "nowhere.example: "));
    fake_names_hang("nowhere.example");
    await(f->loop, f->owner.downs == 3);
    assert_non_null(strstr(f->owner.why, "nowhere.example: "));
    fake_names_let_go();
    await(f->loop, tw_list_empty(&f->loop->lookups));
}

static void a_dead_host_does_not_keep_from_the_next(void **state)
{
    struct fixture *f = *state;

    f->standby.is_silent = true; /* it takes connections, and says nothing */
    start(f, "postgresql://u@127.0.0.1:%standby,127.0.0.1:%primary/db");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->standby.host.accepted, 1);
    assert_int_equal(f->owner.downs, 0);
}

static void a_standby_is_passed_over(void **state)
{
    struct fixture *f = *state;

    start(f, "postgresql://u@127.0.0.1:%standby,127.0.0.1:%primary/db");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(f->pg.host.count, 1);
    assert_int_equal(f->standby.host.accepted, 1);
}

static void a_standby_for_ever_is_said(void **state)
{
    struct fixture *f = *state;

    start(f, "postgresql://u@127.0.0.1:%standby/db");
    await(f->loop, f->owner.downs == 2);
    assert_non_null(strstr(f->owner.why, "read-only"));
    f->standby.is_standby = false; /* it is promoted */
    await(f->loop, f->owner.ups == 1);
}

static void who_asks_for_any_server_gets_a_standby(void **state)
{
    struct fixture *f = *state;

    start(f, "postgresql://u@127.0.0.1:%standby/db?target_session_attrs=any");
    await(f->loop, f->owner.ups == 1);
}

static void a_server_that_takes_no_writes_any_more_is_left(void **state)
{
    struct fixture *f = *state;

    start(f, "host=127.0.0.1,127.0.0.1 port=%primary,%standby user=u");
    await(f->loop, f->owner.ups == 1);
    f->pg.fails_as = "25006";
    f->pg.is_standby = true;
    f->standby.is_standby = false; /* the failover */
    ask(f, "rows 1");
    await(f->loop, f->owner.ups == 2);
    assert_int_equal(f->answered, 1);
    assert_int_equal(f->err, TW_EQUERY);
    assert_string_equal(f->sqlstate, "25006");
    assert_string_equal(f->owner.why, "PostgreSQL has become read-only");
    assert_int_equal(f->standby.host.count, 1);
    assert_int_equal(f->pg.host.accepted, 2); /* it was asked first again */
}

static void hostaddr_is_used_as_it_is(void **state)
{
    struct fixture *f = *state;

    start(f, "host=db.example hostaddr=127.0.0.1 port=%primary user=u");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(fake_names_asked("db.example"), 0);
}

static void it_may_be_closed_while_a_name_is_looked_up(void **state)
{
    struct fixture *f = *state;

    fake_names_set("db.example", "127.0.0.1");
    fake_names_hang("db.example");
    start(f, "postgresql://u@db.example:%primary/db");
    await(f->loop, fake_names_asked("db.example") == 1);
    tw_pg_conn_close(f->conn);
    f->conn = NULL;
    fake_names_let_go();
    await(f->loop, tw_list_empty(&f->loop->lookups));
    assert_int_equal(f->owner.ups + f->owner.downs, 0);
    assert_int_equal(f->pg.host.accepted, 0);
}

static void a_postgresql_url_is_read_or_refused(void **state)
{
    static const struct {
        const char *url, *problem; /* null: it is good */
    } rows[] = {
        { "postgresql://127.0.0.1:5432/tillwire", NULL },
        { "postgresql:///tillwire", NULL },
        { "postgres://u:secret@db-1.example,db-2.example:5433/x?sslmode=verify-full", NULL },
        { "postgresql://[::1]:5432/x", NULL },
        { "postgresql://%2Frun%2Fpostgresql/x", NULL },
        { "host=/run/postgresql dbname=x", NULL },
        { "host=a,b port=5432,5433 dbname=x", NULL },
        { "host=a,b port=5432 dbname=x", NULL },
        { "hostaddr=127.0.0.1 dbname=x", NULL },
        { "postgresql://u:secret@[::1/x", "not a PostgreSQL URI" },
        { "mysql://u:secret@a/x", "not a PostgreSQL URI" },
        { "postgresql://a/x?no_such=secret", "not a PostgreSQL URI" },
        { "postgresql://u:secret@a:54x/x", "a port is a number" },
        { "postgresql://a:0/x", "a port is a number" },
        { "postgresql://a:70000/x", "a port is a number" },
        { "host=a,b port=1,2,3", "not as many" },
        { "host=a,b hostaddr=127.0.0.1", "not as many" },
        { "host=a hostaddr=b", "not a host" },
        { "host=a,,b", "not a host" },
        { "host='a b'", "not a host: \"a b\"" },
        { "host=a,b,c,d,e,f,g,h,i", "more than eight hosts" },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf problem = { .max = 1000 };
        bool is_good = tw_pg_url_check(rows[i].url, &problem);

        assert_row(is_good == (rows[i].problem == NULL), rows[i].url);
        tw_buf_char(&problem, '\0');
        if (!is_good)
            assert_row(strstr(problem.at, rows[i].problem) != NULL, rows[i].url);
        assert_row(strstr(problem.at, "secret") == NULL, rows[i].url);
        tw_buf_done(&problem);
    }
}

/* As whoever rotates a password does it: a new file takes the place of the old one. */
static void write_url(struct fixture *f, const char *before, int port, const char *after)
{
    char other[80];
    FILE *file;

    (void)snprintf(other, sizeof(other), "%s.new", f->path);
    file = fopen(other, "w");
    assert_non_null(file);
    (void)fprintf(file, "%s%d%s", before, port, after);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(other, f->path), 0);
}

static void a_url_in_a_file_is_read_again(void **state)
{
    struct fixture *f = *state;

    write_url(f, "postgresql://u@127.0.0.1:", f->standby.host.port, "/db\n");
    f->conn = tw_pg_conn_new(f->loop,
                             &(struct tw_pg_conn_options){ .url = "postgresql://nobody@/",
                                                           .url_file = f->path,
                                                           .program = "test" },
                             &pg_owner_events, &f->owner);
    await(f->loop, f->owner.downs == 1);
    assert_non_null(strstr(f->owner.why, "read-only"));
    write_url(f, "postgresql://u@127.0.0.1:", f->pg.host.port, "/db\n");
    await(f->loop, f->owner.ups == 1);
    assert_int_equal(unlink(f->path), 0); /* what it said is known still */
    host_drop_all(&f->pg.host);
    fake_postgres_forget(&f->pg);
    await(f->loop, f->owner.ups == 2);
    assert_int_equal(caught_log_count("event=url.file"), 1);
}

static void start_redis(struct fixture *f, const char *host)
{
    (void)snprintf(f->url, sizeof(f->url), "redis://%s:%d", host, f->redis.host.port);
    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = f->url,
                                                                          .name = "test" }),
                     0);
}

static void redis_is_found_by_the_next_address_of_its_name(void **state)
{
    struct fixture *f = *state;

    fake_names_set("redis.example", "127.0.0.2 127.0.0.1");
    start_redis(f, "redis.example");
    await(f->loop, tw_redis_is_up(&f->link));
}

static void redis_is_followed_when_its_name_moves(void **state)
{
    struct fixture *f = *state;

    fake_names_set("redis.example", "127.0.0.1");
    start_redis(f, "redis.example");
    await(f->loop, tw_redis_is_up(&f->link));
    fake_names_set("redis.example", "127.0.0.2");
    host_drop_all(&f->redis.host);
    await(f->loop, !tw_redis_is_up(&f->link));
    await(f->loop, fake_names_asked("redis.example") >= 2);
    fake_names_set("redis.example", "127.0.0.1");
    await(f->loop, tw_redis_is_up(&f->link));
    assert_int_equal(f->link.counts.connects.value, 2);
}

static void where_there_is_no_redis_none_is_missed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = "none",
                                                                          .name = "test" }),
                     0);
    assert_true(tw_redis_is_none(&f->link));
    net_idle(f->loop, 50);
    assert_false(tw_redis_is_up(&f->link));
    assert_int_equal(tw_redis_publish(&f->link, TW_LIT("a"), TW_LIT("b")), TW_EDOWN);
    assert_int_equal(f->link.counts.dropped.value, 0);
    assert_int_equal(caught_log_count("event=redis"), 0);
}

static void a_password_of_redis_that_changes_needs_no_restart(void **state)
{
    struct fixture *f = *state;

    f->redis.auth = "new";
    write_url(f, "redis://:old@127.0.0.1:", f->redis.host.port, "");
    assert_int_equal(
        tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                             .url = "redis://:old@127.0.0.1",
                                                             .url_file = f->path,
                                                             .name = "test" }),
        0);
    await(f->loop, f->redis.host.accepted >= 2); /* it is refused */
    assert_false(tw_redis_is_up(&f->link));
    write_url(f, "nonsense ", 1, "");
    await(f->loop, f->link.link.route.host_count == 0); /* and goes on trying */
    write_url(f, "redis://:new@127.0.0.1:", f->redis.host.port, "\r\n");
    await(f->loop, tw_redis_is_up(&f->link));
}

static void a_name_of_redis_that_is_not_there_is_said_once(void **state)
{
    struct fixture *f = *state;

    start_redis(f, "nowhere.example");
    await(f->loop, fake_names_asked("nowhere.example") >= 3);
    assert_int_equal(caught_log_count("event=redis.down link=test"), 1);
    assert_int_equal(caught_log_count("why=\"nowhere.example: "), 1);
}

struct redis_url {
    const char *url;
    bool is_good;
    const char *user, *password, *hosts, *master;
};

static const struct redis_url redis_urls[] = {
    { "redis://127.0.0.1:6379", true, NULL, NULL, NULL, NULL },
    { "redis://127.0.0.1:6379/", true, NULL, NULL, NULL, NULL },
    { "redis://localhost:6379", true, NULL, NULL, NULL, NULL },
    { "redis://[::1]:6379", true, NULL, NULL, NULL, NULL },
    { "redis://:p@127.0.0.1:6379", true, NULL, "p", NULL, NULL },
    { "redis://u:p@127.0.0.1:6379", true, "u", "p", NULL, NULL },
    { "redis://u:p%40%3A@127.0.0.1:6379", true, "u", "p@:", NULL, NULL },
    { "redis://u:p:q@127.0.0.1:6379", true, "u", "p:q", NULL, NULL },
    { "redis://u:p@q@127.0.0.1:6379", true, "u", "p@q", NULL, NULL },
    { "unix:///run/redis.sock", true, NULL, NULL, NULL, NULL },
    { "", false, NULL, NULL, NULL, NULL },
    { "redis://", false, NULL, NULL, NULL, NULL },
    { "redis://127.0.0.1", true, NULL, NULL, NULL, NULL },
    { "redis://[::1]", true, NULL, NULL, NULL, NULL },
    { "redis://redis-1.example:6379", true, NULL, NULL, NULL, NULL },
    { "redis://u:p@redis_1", true, "u", "p", NULL, NULL },
    { "redis://redis example:6379", false, NULL, NULL, NULL, NULL },
    { "redis://redis.example:6379/0/1", false, NULL, NULL, NULL, NULL },
    { "redis://redis.example:", false, NULL, NULL, NULL, NULL },
    { "redis://:6379", false, NULL, NULL, NULL, NULL },
    { "redis://::1:6379", false, NULL, NULL, NULL, NULL },
    { "redis://[::1", false, NULL, NULL, NULL, NULL },
    { "redis://[::1]6379", false, NULL, NULL, NULL, NULL },
    { "redis://127.0.0.1:0", false, NULL, NULL, NULL, NULL },
    { "unix://run/redis.sock", false, NULL, NULL, NULL, NULL },
    { "unix://redis", false, NULL, NULL, NULL, NULL },
    { "redis://127.0.0.1:99999", false, NULL, NULL, NULL, NULL },
    { "redis://u:p%@127.0.0.1:6379", false, NULL, NULL, NULL, NULL },
    { "redis://u:p%00@127.0.0.1:6379", false, NULL, NULL, NULL, NULL },
    { "tls://127.0.0.1:6379", false, NULL, NULL, NULL, NULL },
    { "http://127.0.0.1:6379", false, NULL, NULL, NULL, NULL },
    { "127.0.0.1:6379", false, NULL, NULL, NULL, NULL },
    { "unix://", false, NULL, NULL, NULL, NULL },
    { "redis://a,b", false, NULL, NULL, NULL, NULL },
    { "none", true, NULL, NULL, "", NULL },
    { "redis+cluster://a", true, NULL, NULL, "a:6379", NULL },
    { "redis+cluster://a,b:7000,[::1]:7001,10.0.0.7", true, NULL, NULL,
      "a:6379 b:7000 ::1:7001 10.0.0.7:6379", NULL },
    { "redis+cluster://u:p%2C%2F@a,b/", true, "u", "p,/", "a:6379 b:6379", NULL },
    { "redis+cluster://a,b,c,d,e,f,g,h", true, NULL, NULL,
      "a:6379 b:6379 c:6379 d:6379 e:6379 f:6379 g:6379 h:6379", NULL },
    { "redis+cluster://a,b,c,d,e,f,g,h,i", false, NULL, NULL, NULL, NULL },
    { "redis+cluster://a,,b", false, NULL, NULL, NULL, NULL },
    { "redis+cluster://a,b/0", false, NULL, NULL, NULL, NULL },
    { "redis+cluster://", false, NULL, NULL, NULL, NULL },
    { "redis+cluster:///run/redis.sock", false, NULL, NULL, NULL, NULL },
    { "redis+sentinel://a,b:5000/main", true, NULL, NULL, "a:26379 b:5000", "main" },
    { "redis+sentinel://:p@a/my-master_1.x", true, NULL, "p", "a:26379", "my-master_1.x" },
    { "redis+sentinel://a,b", false, NULL, NULL, NULL, NULL },
    { "redis+sentinel://a/", false, NULL, NULL, NULL, NULL },
    { "redis+sentinel:///main", false, NULL, NULL, NULL, NULL },
    { "redis+sentinel://a/main/0", false, NULL, NULL, NULL, NULL },
    { "redis+sentinel://a/ma%69n", false, NULL, NULL, NULL, NULL },
};

/* Whose files are not looked at here. */
static const struct redis_url redis_tls_urls[] = {
    { "rediss://u:p@redis.example?sslrootcert=/ca.pem", true, "u", "p", "redis.example:6379",
      NULL },
    { "rediss://:p@[::1]:6380/?sslrootcert=/ca.pem&sslcert=/a&sslkey=/b", true, NULL, "p",
      "::1:6380", NULL },
    { "rediss+sentinel://a,b/main?sslrootcert=/ca.pem", true, NULL, NULL, "a:26379 b:26379",
      "main" },
    { "rediss+cluster://a,b", true, NULL, NULL, "a:6379 b:6379", NULL },
    { "rediss://redis.example?sslcert=/a", false, NULL, NULL, NULL, NULL },
    { "rediss://redis.example?sslmode=disable", false, NULL, NULL, NULL, NULL },
    { "rediss://?sslrootcert=/ca.pem", false, NULL, NULL, NULL, NULL },
    { "redis://redis.example?sslrootcert=/ca.pem", false, NULL, NULL, NULL, NULL },
};

static void check_text(const char *have, const char *want, const char *row)
{
    assert_row((have == NULL) == (want == NULL), row);
    if (want != NULL)
        assert_row(strcmp(have, want) == 0, row);
}

static void check_hosts(const struct tw_redis_url *url, const char *want, const char *row)
{
    struct tw_buf text = { .max = 4096 };

    for (size_t i = 0; i < url->host_count; i++) {
        tw_buf_text(&text, i > 0 ? " " : "");
        tw_buf_text(&text, url->hosts[i].name);
        tw_buf_char(&text, ':');
        tw_buf_u64(&text, (uint64_t)url->hosts[i].port);
    }
    assert_row(tw_slice_is(tw_buf_view(&text), want), row);
    tw_buf_done(&text);
}

static void check_reading(const struct redis_url *row)
{
    struct tw_redis_url url;

    assert_row(tw_redis_url_read(&url, tw_slice_of(row->url)) ==
                   (row->is_good ? 0 : TW_ECONFIG),
               row->url);
    check_text(url.user, row->user, row->url);
    check_text(url.password, row->password, row->url);
    check_text(url.master, row->master, row->url);
    if (row->hosts != NULL)
        check_hosts(&url, row->hosts, row->url);
    tw_redis_url_done(&url);
}

static void a_redis_url_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(redis_urls); i++) {
        const char *row = redis_urls[i].url;
        struct tw_buf problem = { .max = 1000 };

        assert_row(tw_redis_url_check(row, &problem) == redis_urls[i].is_good, row);
        assert_row((problem.len == 0) == redis_urls[i].is_good, row);
        tw_buf_done(&problem);
        check_reading(&redis_urls[i]);
    }
    for (size_t i = 0; i < TW_COUNT(redis_tls_urls); i++)
        check_reading(&redis_tls_urls[i]);
}

static void a_redis_with_a_url_that_cannot_be_does_not_start(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tw_redis_start(&f->link, &(struct tw_redis_options){ .loop = f->loop,
                                                                          .url = "redis://",
                                                                          .name = "test" }),
                     TW_ECONFIG);
    tw_redis_stop(&f->link);
}

#define HOSTS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTS_TEST(the_next_address_of_a_name_is_tried),
        HOSTS_TEST(a_name_that_moves_is_followed),
        HOSTS_TEST(a_name_that_is_not_there_is_said),
        HOSTS_TEST(a_dead_host_does_not_keep_from_the_next),
        HOSTS_TEST(a_standby_is_passed_over),
        HOSTS_TEST(a_standby_for_ever_is_said),
        HOSTS_TEST(who_asks_for_any_server_gets_a_standby),
        HOSTS_TEST(a_server_that_takes_no_writes_any_more_is_left),
        HOSTS_TEST(hostaddr_is_used_as_it_is),
        HOSTS_TEST(it_may_be_closed_while_a_name_is_looked_up),
        HOSTS_TEST(a_postgresql_url_is_read_or_refused),
        HOSTS_TEST(a_url_in_a_file_is_read_again),
        HOSTS_TEST(redis_is_found_by_the_next_address_of_its_name),
        HOSTS_TEST(redis_is_followed_when_its_name_moves),
        HOSTS_TEST(where_there_is_no_redis_none_is_missed),
        HOSTS_TEST(a_password_of_redis_that_changes_needs_no_restart),
        HOSTS_TEST(a_name_of_redis_that_is_not_there_is_said_once),
        HOSTS_TEST(a_redis_url_is_read_or_refused),
        HOSTS_TEST(a_redis_with_a_url_that_cannot_be_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
