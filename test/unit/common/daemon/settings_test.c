/* settings_test.c - the environment as settings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/settings.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

#define VARIABLES 16

struct fixture {
    char *environment[VARIABLES + 1];
    size_t count;
    struct tw_settings settings;
    struct tw_buf problems;
    char path[64]; /* of a file for _FILE */
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);
    int fd;

    memcpy(f->path, "/tmp/settings_test.XXXXXX", 26);
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    (void)close(fd);
    f->problems.max = 10000;
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    tw_settings_done(&f->settings);
    tw_buf_done(&f->problems);
    for (size_t i = 0; i < f->count; i++)
        free(f->environment[i]);
    (void)unlink(f->path);
    free(f);
    return 0;
}

static void say(struct fixture *f, const char *variable)
{
    assert_true(f->count < VARIABLES);
    f->environment[f->count++] = tw_copy_text(variable, strlen(variable));
}

static int read_as(struct fixture *f, enum tw_program program)
{
    int r;

    tw_settings_done(&f->settings);
    tw_buf_clear(&f->problems);
    r = tw_settings_read(program, f->environment, &f->settings, &f->problems);
    tw_buf_char(&f->problems, '\0');
    return r;
}

/* Reading this variable alone; its complaint must have `complaint` in it (null: none is due).
 */
static void check_variable(struct fixture *f, enum tw_program program, const char *variable,
                           const char *complaint)
{
    int r;

    while (f->count > 0) {
        free(f->environment[--f->count]);
        f->environment[f->count] = NULL;
    }
    say(f, variable);
    r = read_as(f, program);
    assert_row(r == (complaint == NULL ? 0 : TW_ECONFIG), variable);
    if (complaint == NULL)
        assert_row(f->problems.len == 1, variable);
    else if (strstr(f->problems.at, complaint) == NULL)
        fail_msg("%s: %s", variable, f->problems.at);
}

/* The host's short name, and that this is its first instance. */
static const char *own_name(void)
{
    static char name[80];
    char host[65] = "";

    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    (void)snprintf(name, sizeof(name), "%.*s-1", (int)strcspn(host, "."), host);
    return name;
}

static void without_an_environment_there_are_defaults(void **state)
{
    struct fixture *f = *state;

    say(f, "HOME=/root");
    say(f, "TILLWIRELESS=1"); /* not one of ours */
    assert_int_equal(read_as(f, TW_GATEWAY), 0);
    assert_string_equal(f->settings.instance, own_name());
    assert_string_equal(f->settings.listen, "127.0.0.1:9101");
    assert_string_equal(f->settings.ops_listen, "");
    assert_string_equal(f->settings.log_level, "info");
    assert_int_equal(f->settings.drain_ms, 10000);
    assert_int_equal(f->settings.message_bytes, 65536);
    assert_int_equal(f->settings.queue_bytes, 1048576);
    assert_int_equal(f->settings.ping_ms, 25000);
    assert_int_equal(f->settings.pong_ms, 10000);
}

static void what_the_environment_says_counts(void **state)
{
    struct fixture *f = *state;

    say(f, "TILLWIRE_INSTANCE=g1");
    say(f, "TILLWIRE_LISTEN=127.0.0.1:1,unix:/run/x=y");
    say(f, "TILLWIRE_DRAIN_MS=0");
    say(f, "TILLWIRE_OPS_LISTEN=");
    say(f, "TILLWIRE_DATABASE_URL=postgresql://u:p@127.0.0.1/db?sslmode=disable");
    assert_int_equal(read_as(f, TW_API), 0);
    assert_string_equal(f->settings.instance, "g1");
    assert_string_equal(f->settings.listen, "127.0.0.1:1,unix:/run/x=y");
    assert_int_equal(f->settings.drain_ms, 0);
    assert_string_equal(f->settings.ops_listen, "");
    assert_string_equal(f->settings.database_url,
                        "postgresql://u:p@127.0.0.1/db?sslmode=disable");
}

#define KEY "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789ABCDEF"

static const struct {
    const char *variable;
    const char *complaint; /* null: a good one */
} bounds[] = {
    { "TILLWIRE_DRAIN_MS=0", NULL },
    { "TILLWIRE_DRAIN_MS=600000", NULL },
    { "TILLWIRE_DRAIN_MS=600001", "from 0 to 600000" },
    { "TILLWIRE_DRAIN_MS=-1", "from 0 to 600000" },
    { "TILLWIRE_DRAIN_MS=", "whole number" },
    { "TILLWIRE_DRAIN_MS=1s", "whole number" },
    { "TILLWIRE_DRAIN_MS= 1", "whole number" },
    { "TILLWIRE_DRAIN_MS=1.5", "whole number" },
    { "TILLWIRE_DRAIN_MS=99999999999999999999", "whole number" },
    { "TILLWIRE_DATABASE_CONNECTIONS=2", NULL },
    { "TILLWIRE_DATABASE_CONNECTIONS=64", NULL },
    { "TILLWIRE_DATABASE_CONNECTIONS=1", "from 2 to 64" },
    { "TILLWIRE_DATABASE_CONNECTIONS=65", "from 2 to 64" },
    { "TILLWIRE_MESSAGE_BYTES=1023", "from 1024 to 1048576" },
    { "TILLWIRE_MESSAGE_BYTES=1048577", "from 1024 to 1048576" },
    { "TILLWIRE_LOG_LEVEL=debug", NULL },
    { "TILLWIRE_LOG_LEVEL=loud", "error,warn,info,debug" },
    { "TILLWIRE_LOG_LEVEL=INFO", "error,warn,info,debug" },
    { "TILLWIRE_LOG_LEVEL=o,warn", "error,warn,info,debug" },
    { "TILLWIRE_LOG_LEVEL=", "must not be empty" },
    { "TILLWIRE_LOG_FORMAT=json", NULL },
    { "TILLWIRE_LOG_FORMAT=xml", "text,json" },
    { "TILLWIRE_INSTANCE=", "must not be empty" },
    { "TILLWIRE_INSTANCE=abcdefghijklmnopqrstuvwxyz1234567890abcdefghijklmnopqrstuvwxyz1",
      NULL },
    { "TILLWIRE_INSTANCE=abcdefghijklmnopqrstuvwxyz1234567890abcdefghijklmnopqrstuvwxyz12",
      "too long" },
    { "TILLWIRE_INSTANCE=app-1-2", NULL },
    { "TILLWIRE_INSTANCE=-app", "letters and digits" },
    { "TILLWIRE_INSTANCE=app-", "letters and digits" },
    { "TILLWIRE_INSTANCE=app.1", "letters and digits" },
    { "TILLWIRE_LISTEN=", "must not be empty" },
    { "TILLWIRE_JWT_SECRET=", NULL },
    { "TILLWIRE_JWT_SECRET=0123456789abcdef", NULL },
    { "TILLWIRE_JWT_SECRET=0123456789abcde", "TILLWIRE_JWT_SECRET: is too short" },
    { "TILLWIRE_JWT_AUDIENCE=", NULL },
    { "TILLWIRE_JWT_AUDIENCE=https://tills.example/", NULL },
    { "TILLWIRE_JWT_PUBLIC_KEY_FILE=", NULL },
    { "TILLWIRE_JWT_PUBLIC_KEY=x", "TILLWIRE_JWT_PUBLIC_KEY: unknown" },
    { "TILLWIRE_STAFF_KEY=", NULL },
    { "TILLWIRE_STAFF_KEY=" KEY, NULL },
    { "TILLWIRE_STAFF_KEY=" KEY "," KEY, NULL },
    { "TILLWIRE_STAFF_KEY=" KEY ",", "64 hex digits" },
    { "TILLWIRE_STAFF_KEY=" KEY "," KEY "," KEY, "too long" },
    { "TILLWIRE_STAFF_KEY=0123456789abcdef", "too short" },
    { "TILLWIRE_STAFF_KEY=" KEY "0", "64 hex digits" },
    { "TILLWIRE_NO_SUCH=1", "TILLWIRE_NO_SUCH: unknown" },
    { "TILLWIRE_=1", "TILLWIRE_: unknown" },
    { "TILLWIRE_listen=127.0.0.1:1", "TILLWIRE_listen: unknown" },
    { "TILLWIRE_LISTEN_=127.0.0.1:1", "TILLWIRE_LISTEN_: unknown" },
    { "TILLWIRE_LISTE=127.0.0.1:1", "TILLWIRE_LISTE: unknown" },
    { "TILLWIRE_DRAIN_MS_FILE=/dev/null", "TILLWIRE_DRAIN_MS_FILE: unknown" },
    { "TILLWIRE_FILE=/dev/null", "TILLWIRE_FILE: unknown" },
    { "TILLWIRE__FILE=/dev/null", "TILLWIRE__FILE: unknown" },
};

static void an_invalid_value_is_reported_with_its_name_and_bounds(void **state)
{
    for (size_t i = 0; i < TW_COUNT(bounds); i++)
        check_variable(*state, TW_GATEWAY, bounds[i].variable, bounds[i].complaint);
}

static void an_instance_s_name_is_letters_and_digits(void **state)
{
    check_variable(*state, TW_GATEWAY, "TILLWIRE_INSTANCE=g1 \"x\"", "letters and digits");
}

static void every_mistake_has_its_line_and_the_defaults_stay(void **state)
{
    struct fixture *f = *state;
    struct tw_slice rest, line;
    int lines = 0;

    say(f, "TILLWIRE_DRAIN_MS=x");
    say(f, "TILLWIRE_NO_SUCH=1");
    say(f, "TILLWIRE_LOG_LEVEL=loud");
    say(f, "TILLWIRE_PING_MS=5000");
    assert_int_equal(read_as(f, TW_GATEWAY), TW_ECONFIG);
    rest = tw_slice_from(f->problems.at, f->problems.len - 2);
    while (tw_slice_split(&rest, '\n', &line)) {
        assert_true(tw_slice_starts(line, TW_LIT("TILLWIRE_")));
        lines++;
    }
    assert_int_equal(lines, 3);
    assert_int_equal(f->settings.drain_ms, 10000);
    assert_int_equal(f->settings.ping_ms, 5000);
}

static void a_setting_of_another_program_is_ignored(void **state)
{
    /* one environment file serves all; the gateway's values are the gateway's business */
    check_variable(*state, TW_BRIDGE, "TILLWIRE_PING_MS=nonsense", NULL);
    check_variable(*state, TW_API, "TILLWIRE_MAX_SESSIONS=0", NULL);
    check_variable(*state, TW_GATEWAY, "TILLWIRE_RATE_BURST=0", NULL);
    check_variable(*state, TW_BRIDGE, "TILLWIRE_NO_SUCH=1", "unknown");
}

static void write_file(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void a_text_may_come_from_a_file(void **state)
{
    struct fixture *f = *state;
    char variable[128];

    (void)snprintf(variable, sizeof(variable), "TILLWIRE_DATABASE_URL_FILE=%s", f->path);
    write_file(f, "postgresql://u:secret@127.0.0.1/db\nsecond line\n");
    check_variable(f, TW_API, variable, NULL);
    assert_string_equal(f->settings.database_url, "postgresql://u:secret@127.0.0.1/db");
    assert_string_equal(f->settings.database_url_file, f->path); /* it is read again later */
    write_file(f, "host=without-an-end.example");
    check_variable(f, TW_API, variable, NULL);
    assert_string_equal(f->settings.database_url, "host=without-an-end.example");
    write_file(f, "host=from-windows.example\r\n");
    check_variable(f, TW_API, variable, NULL);
    assert_string_equal(f->settings.database_url, "host=from-windows.example");
    write_file(f, "");
    check_variable(f, TW_API, variable,
                   "TILLWIRE_DATABASE_URL: its file cannot be read or is empty");
    write_file(f, "\n");
    check_variable(f, TW_API, variable, "TILLWIRE_DATABASE_URL: must not be empty");
    check_variable(f, TW_API, "TILLWIRE_DATABASE_URL_FILE=/no/such/file", "cannot be read");
    check_variable(f, TW_API, "TILLWIRE_DATABASE_URL_FILE=", "cannot be read");
}

static void a_file_s_value_over_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    char variable[128];
    static char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    write_file(f, text);
    (void)snprintf(variable, sizeof(variable), "TILLWIRE_REDIS_URL_FILE=%s", f->path);
    check_variable(f, TW_API, variable, "too long");
}

/* As LoadCredential= puts it there. */
static void put_credential(const char *folder, const char *name, const char *text)
{
    char path[160];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_credential_with_a_setting_s_name_is_its_value(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/settings_test_folder.XXXXXX", variable[128], path[160];
    static const char *const names[] = { "TILLWIRE_DATABASE_URL", "TILLWIRE_STAFF_KEY",
                                         "TILLWIRE_DATBASE_URL", "else" };

    assert_non_null(mkdtemp(folder));
    (void)snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder);
    put_credential(folder, "TILLWIRE_DATABASE_URL", "postgresql://u:secret@127.0.0.1/db\n");
    put_credential(folder, "TILLWIRE_STAFF_KEY", "wrong, but a gateway's\n");
    put_credential(folder, "else", "of nobody's concern\n");
    say(f, "TILLWIRE_DATABASE_URL=postgresql://127.0.0.1/sample");
    say(f, variable);
    assert_int_equal(read_as(f, TW_API), 0);
    assert_string_equal(f->settings.database_url, "postgresql://u:secret@127.0.0.1/db");
    (void)snprintf(path, sizeof(path), "%s/TILLWIRE_DATABASE_URL", folder);
    assert_string_equal(f->settings.database_url_file, path);
    assert_int_equal(read_as(f, TW_GATEWAY), TW_ECONFIG);
    assert_non_null(strstr(f->problems.at, "TILLWIRE_STAFF_KEY: is too short"));
    put_credential(folder, "TILLWIRE_DATBASE_URL", "mistyped\n");
    assert_int_equal(read_as(f, TW_API), TW_ECONFIG);
    assert_non_null(strstr(f->problems.at, "TILLWIRE_DATBASE_URL_FILE: unknown setting"));
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void credentials_that_cannot_be_read_are_a_mistake(void **state)
{
    check_variable(*state, TW_API, "CREDENTIALS_DIRECTORY=/no/such/folder",
                   "/no/such/folder: this folder cannot be read");
}

static void a_public_key_is_read_from_its_file(void **state)
{
    /* the key of RFC 7515 appendix A.3 */
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
        "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
        "-----END PUBLIC KEY-----\n";
    struct fixture *f = *state;
    char variable[128], complaint[192];

    (void)snprintf(variable, sizeof(variable), "TILLWIRE_JWT_PUBLIC_KEY_FILE=%s", f->path);
    write_file(f, pem);
    check_variable(f, TW_GATEWAY, variable, NULL);
    assert_string_equal(f->settings.jwt_public_key_file, f->path);
    assert_non_null(f->settings.jwt_public_key);
    assert_int_equal(tw_public_key_kind(f->settings.jwt_public_key), TW_KEY_P256);
    check_variable(f, TW_API, variable, NULL);
    assert_non_null(f->settings.jwt_public_key);

    (void)snprintf(complaint, sizeof(complaint),
                   "TILLWIRE_JWT_PUBLIC_KEY_FILE: %s: no public key", f->path);
    write_file(f, "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n");
    check_variable(f, TW_GATEWAY, variable, complaint);
    assert_null(f->settings.jwt_public_key);
    write_file(f, "a secret by mistake\n");
    check_variable(f, TW_API, variable, complaint);
    check_variable(f, TW_BRIDGE, variable, NULL); /* it has no clients */
    assert_null(f->settings.jwt_public_key);
    write_file(f, "");
    check_variable(f, TW_GATEWAY, variable, "cannot be read or is empty");
    check_variable(f, TW_GATEWAY, "TILLWIRE_JWT_PUBLIC_KEY_FILE=/no/such/file",
                   "TILLWIRE_JWT_PUBLIC_KEY_FILE: /no/such/file: cannot be read");
    check_variable(f, TW_GATEWAY, "TILLWIRE_JWT_PUBLIC_KEY_FILE=/", "cannot be read");
    check_variable(f, TW_GATEWAY, "HOME=/", NULL);
    assert_null(f->settings.jwt_public_key);
}

static void a_secret_may_come_from_a_file(void **state)
{
    struct fixture *f = *state;
    char variable[128];

    (void)snprintf(variable, sizeof(variable), "TILLWIRE_JWT_SECRET_FILE=%s", f->path);
    write_file(f, "a secret of enough bytes\n");
    check_variable(f, TW_GATEWAY, variable, NULL);
    assert_string_equal(f->settings.jwt_secret, "a secret of enough bytes");
    write_file(f, "too short\n");
    check_variable(f, TW_GATEWAY, variable, "TILLWIRE_JWT_SECRET: is too short");
}

static void passwords_in_urls_are_printed_as_stars(void **state)
{
    static const struct {
        const char *given, *printed;
    } rows[] = {
        { "DATABASE_URL=postgresql://", "postgresql://" },
        { "DATABASE_URL=postgresql://db.example/x", "postgresql://db.example/x" },
        { "DATABASE_URL=postgresql://u@db.example/x", "postgresql://u@db.example/x" },
        { "DATABASE_URL=postgresql://u:hunter2@a,b:5433/x?sslmode=verify-full",
          "postgresql://u:***@a,b:5433/x?sslmode=verify-full" },
        { "DATABASE_URL=postgresql://:hunter2@a/x", "postgresql://:***@a/x" },
        { "DATABASE_URL=postgresql://u:hunter2%40b@a/x", "postgresql://u:***@a/x" },
        { "DATABASE_URL=postgresql://u@a/x?sslmode=require&password=hunter2",
          "postgresql://u@a/x?sslmode=require&password=***" },
        { "DATABASE_URL=postgresql://a/x?sslpassword=hunter2&sslmode=require",
          "postgresql://a/x?sslpassword=***" },
        { "DATABASE_URL=postgresql://u:hunter2?@a/x", "postgresql://***" },
        { "DATABASE_URL=postgresql://a/x?password=hunter2@b", "postgresql://***" },
        { "DATABASE_URL=host=a password=hunter2", "***" },
        { "REDIS_URL=none", "none" },
        { "REDIS_URL=redis://redis.example", "redis://redis.example" },
        { "REDIS_URL=redis://:hunter2@redis.example:6380", "redis://:***@redis.example:6380" },
        { "REDIS_URL=redis://u:hun:ter2@a", "redis://u:***@a" },
        { "REDIS_URL=unix:///run/redis.sock", "unix:///run/redis.sock" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_buf out = { .max = 10000 };
        char variable[256], wanted[256];
        const char *equals = strchr(rows[i].given, '=');

        (void)snprintf(variable, sizeof(variable), "TILLWIRE_%s", rows[i].given);
        check_variable(f, TW_BRIDGE, variable, NULL);
        tw_settings_print(TW_BRIDGE, &f->settings, &out);
        tw_buf_char(&out, '\0');
        (void)snprintf(wanted, sizeof(wanted), "TILLWIRE_%.*s=%s\n",
                       (int)(equals - rows[i].given), rows[i].given, rows[i].printed);
        assert_row(strstr(out.at, wanted) != NULL, rows[i].given);
        tw_buf_done(&out);
    }
}

static void secrets_are_printed_as_stars(void **state)
{
    struct fixture *f = *state;
    struct tw_buf out = { .max = 10000 };

    say(f, "TILLWIRE_DATABASE_URL=postgresql://u:hunter2@127.0.0.1/db");
    say(f, "TILLWIRE_REDIS_URL=redis://u:hunter2@127.0.0.1:6379");
    say(f, "TILLWIRE_DRAIN_MS=17");
    assert_int_equal(read_as(f, TW_BRIDGE), 0);
    tw_settings_print(TW_BRIDGE, &f->settings, &out);
    tw_buf_char(&out, '\0');
    assert_null(strstr(out.at, "hunter2"));
    assert_non_null(strstr(out.at, "TILLWIRE_DATABASE_URL=postgresql://u:***@127.0.0.1/db\n"));
    assert_non_null(strstr(out.at, "TILLWIRE_REDIS_URL=redis://u:***@127.0.0.1:6379\n"));
    assert_non_null(strstr(out.at, "TILLWIRE_DRAIN_MS=17\n"));
    assert_null(strstr(out.at, "TILLWIRE_LISTEN=")); /* the bridge has none */
    tw_buf_clear(&out);
    tw_settings_print(TW_GATEWAY, &f->settings, &out);
    tw_buf_char(&out, '\0');
    assert_non_null(strstr(out.at, "TILLWIRE_JWT_SECRET=\n")); /* there is none to hide */
    tw_buf_done(&out);
}

/* What is printed can be read again, but for the secrets. */
static void what_is_printed_is_an_environment(void **state)
{
    struct fixture *f = *state;
    struct tw_buf out = { .max = 10000 };
    struct tw_slice rest, line;

    assert_int_equal(read_as(f, TW_GATEWAY), 0);
    tw_settings_print(TW_GATEWAY, &f->settings, &out);
    rest = tw_slice_from(out.at, out.len - 1);
    while (tw_slice_split(&rest, '\n', &line)) {
        char *variable = tw_copy_text(line.at, line.len);

        check_variable(f, TW_GATEWAY, variable, NULL);
        free(variable);
    }
    tw_buf_done(&out);
}

static struct tw_buf reference(void)
{
    struct tw_buf out = { .max = 100000 };

    tw_settings_reference(&out);
    assert_false(out.failed);
    tw_buf_char(&out, '\0');
    return out;
}

static void help_and_reference_have_every_setting(void **state)
{
    static const enum tw_program programs[] = { TW_GATEWAY, TW_API, TW_BRIDGE };
    struct fixture *f = *state;
    struct tw_buf all = reference();

    for (size_t i = 0; i < TW_COUNT(programs); i++) {
        struct tw_buf printed = { .max = 10000 }, help = { .max = 10000 };
        struct tw_slice rest, line, name;

        assert_int_equal(read_as(f, programs[i]), 0);
        tw_settings_print(programs[i], &f->settings, &printed);
        tw_settings_help(programs[i], &help);
        rest = tw_slice_from(printed.at, printed.len - 1);
        while (tw_slice_split(&rest, '\n', &line)) {
            assert_true(tw_slice_split(&line, '=', &name));
            assert_non_null(memmem(all.at, all.len, name.at, name.len));
            assert_non_null(memmem(help.at, help.len, name.at, name.len));
        }
        tw_buf_done(&printed);
        tw_buf_done(&help);
    }
    tw_buf_done(&all);
}

static struct tw_buf file_text(const char *path)
{
    struct tw_buf text = { .max = 1048576 };
    FILE *file = fopen(path, "r");
    int c;

    if (file == NULL)
        fail_msg("%s cannot be read; run this from the project's root", path);
    while ((c = getc(file)) != EOF)
        tw_buf_char(&text, (char)c);
    (void)fclose(file);
    tw_buf_char(&text, '\0');
    return text;
}

static void the_page_about_settings_is_the_table(void **state)
{
    struct tw_buf all = reference(), page = file_text("docs/config.md");

    (void)state;
    assert_non_null(strstr(page.at, all.at));
    tw_buf_done(&all);
    tw_buf_done(&page);
}

/* Also those that are commented out: they are there to be used. */
static void the_sample_files_name_settings_that_exist(void **state)
{
    struct fixture *f = *state;
    DIR *folder = opendir("deploy/env");
    struct dirent *entry;
    int names = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        struct tw_buf text;
        struct tw_slice rest, line;

        if (strstr(entry->d_name, ".env") == NULL)
            continue;
        (void)snprintf(path, sizeof(path), "deploy/env/%s", entry->d_name);
        text = file_text(path);
        rest = tw_slice_from(text.at, text.len - 1);
        while (tw_slice_split(&rest, '\n', &line)) {
            char *variable;

            if (tw_slice_starts(line, TW_LIT("#")))
                line = tw_slice_skip(line, 1);
            if (!tw_slice_starts(line, TW_LIT("TILLWIRE_")))
                continue;
            variable = tw_copy_text(line.at, line.len);
            if (strstr(variable, "_FILE=") == NULL) {
                check_variable(f, TW_GATEWAY, variable, NULL);
                check_variable(f, TW_API, variable, NULL);
                check_variable(f, TW_BRIDGE, variable, NULL);
                names++;
            }
            free(variable);
        }
        tw_buf_done(&text);
    }
    (void)closedir(folder);
    assert_true(names > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_an_environment_there_are_defaults, begin, end),
        cmocka_unit_test_setup_teardown(what_the_environment_says_counts, begin, end),
        cmocka_unit_test_setup_teardown(an_invalid_value_is_reported_with_its_name_and_bounds,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_instance_s_name_is_letters_and_digits, begin, end),
        cmocka_unit_test_setup_teardown(every_mistake_has_its_line_and_the_defaults_stay, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_setting_of_another_program_is_ignored, begin, end),
        cmocka_unit_test_setup_teardown(a_text_may_come_from_a_file, begin, end),
        cmocka_unit_test_setup_teardown(a_file_s_value_over_the_limit_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_credential_with_a_setting_s_name_is_its_value, begin,
                                        end),
        cmocka_unit_test_setup_teardown(credentials_that_cannot_be_read_are_a_mistake, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_public_key_is_read_from_its_file, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_may_come_from_a_file, begin, end),
        cmocka_unit_test_setup_teardown(passwords_in_urls_are_printed_as_stars, begin, end),
        cmocka_unit_test_setup_teardown(secrets_are_printed_as_stars, begin, end),
        cmocka_unit_test_setup_teardown(what_is_printed_is_an_environment, begin, end),
        cmocka_unit_test_setup_teardown(help_and_reference_have_every_setting, begin, end),
        cmocka_unit_test_setup_teardown(the_page_about_settings_is_the_table, begin, end),
        cmocka_unit_test_setup_teardown(the_sample_files_name_settings_that_exist, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
