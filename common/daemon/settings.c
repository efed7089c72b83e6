/* settings.c - the table of settings; it drives reading, checking, --help and the reference.
 *
 * A text setting NAME may also come from a file, as NAME_FILE=/path, or be a credential of
 * systemd's whose name it has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/daemon/credentials.h"
#include "common/daemon/settings_values.h"
#include "common/net/tls.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/line_file.h"

#define PREFIX "TILLWIRE_"
#define ALL (TW_GATEWAY | TW_API | TW_BRIDGE)
#define OWN_NAME "<host>-1" /* the host's name up to its first dot; the units count further */

struct tw_setting {
    const char *name; /* without the prefix */
    unsigned programs;
    enum { TEXT, NUMBER } type;
    size_t offset;
    const char *fallback; /* the default, as text */
    uint64_t least, most; /* NUMBER: bounds; TEXT: length; 0 too if the default is empty */
    bool is_secret;       /* may hold a password */
    const char *choices;  /* TEXT: comma separated; null for any */
    const char *about;
};

#define AT(member) offsetof(struct tw_settings, member)

static const struct tw_setting table[] = {
    { "INSTANCE", ALL, TEXT, AT(instance), OWN_NAME, 1, 63, false, NULL,
      "Name of this instance among those of its kind on all hosts: letters and digits, with - "
      "between them. Of a gateway: what the ids of its Socket.IO sessions begin with, so that "
      "nginx finds it." },
    { "LISTEN", TW_GATEWAY | TW_API, TEXT, AT(listen), "127.0.0.1:9101", 1, 512, false, NULL,
      "Addresses that this process listens on: host:port or unix:/path, for nginx; with tls: "
      "before it for clients themselves (TILLWIRE_TLS_CERTIFICATE). Separated by commas." },
    { "TLS_CERTIFICATE", TW_GATEWAY | TW_API, TEXT, AT(tls_certificate), "", 1, 2048, false,
      NULL,
      "PEM file with the certificate for addresses with tls:, and its chain. Several, "
      "separated "
      "by commas: a client gets the one for the name that it asks for. Read again on SIGHUP." },
    { "TLS_KEY", TW_GATEWAY | TW_API, TEXT, AT(tls_key), "", 1, 2048, false, NULL,
      "PEM file with its private key, RSA or ECDSA on P-256; as many as certificates, in the "
      "same order." },
    { "OPS_LISTEN", ALL, TEXT, AT(ops_listen), "", 0, 512, false, NULL,
      "Private address for /healthz, /readyz and /metrics; empty: none." },
    { "DATABASE_URL", ALL, TEXT, AT(database_url), "postgresql://127.0.0.1:5432/tillwire", 1,
      1024, true, NULL,
      "PostgreSQL, as a libpq connection URI; with several hosts, the one that takes writes is "
      "used." },
    { "DATABASE_CONNECTIONS", TW_GATEWAY | TW_API, NUMBER, AT(database_connections), "8", 2, 64,
      false, NULL, "Connections to PostgreSQL." },
    { "DATABASE_QUEUE", TW_GATEWAY | TW_API, NUMBER, AT(database_queue), "2000", 10, 100000,
      false, NULL,
      "Statements that may wait for a connection, with 256 MiB of parameters; half of that of "
      "one tenant. Further ones are refused with 503." },
    { "REDIS_URL", ALL, TEXT, AT(redis_url), "redis://127.0.0.1:6379", 1, 1024, true, NULL,
      "Redis: redis://[user:password@]host[:port] or unix:///path, Sentinel's "
      "redis+sentinel://h1,h2,h3/master, or a cluster's redis+cluster://h1,h2,h3; with rediss "
      "instead of redis they speak TLS. none: there is no Redis, and gateways look into the "
      "log "
      "twice a second instead." },
    { "LOG_LEVEL", ALL, TEXT, AT(log_level), "info", 1, 8, false, "error,warn,info,debug",
      "Lines below this level are not written." },
    { "LOG_FORMAT", ALL, TEXT, AT(log_format), "text", 1, 8, false, "text,json",
      "key=value lines, or one JSON object per line." },
    { "DRAIN_MS", ALL, NUMBER, AT(drain_ms), "10000", 0, 600000, false, NULL,
      "How long connections may take to end after SIGTERM." },
    { "HTTP_CONNECTIONS", TW_GATEWAY | TW_API, NUMBER, AT(http_connections), "10000", 10,
      1000000, false, NULL,
      "Maximum number of open HTTP connections; further ones are closed at once." },
    { "RATE_PER_SECOND", TW_API, NUMBER, AT(rate_per_second), "500", 1, 100000, false, NULL,
      "Requests per second that one API key may make, at all apis together." },
    { "RATE_BURST", TW_API, NUMBER, AT(rate_burst), "2000", 1, 1000000, false, NULL,
      "Requests that one API key may make at once." },
    { "TENANT_RATE_PER_SECOND", TW_API, NUMBER, AT(tenant_rate_per_second), "2000", 1, 100000,
      false, NULL,
      "The same for all requests of a restaurant, unless it has a rate of its own "
      "(tillctl tenant set --rate)." },
    { "TENANT_RATE_BURST", TW_API, NUMBER, AT(tenant_rate_burst), "8000", 1, 1000000, false,
      NULL, "Requests that a restaurant may make at once, likewise." },
    { "MAX_SESSIONS", TW_GATEWAY, NUMBER, AT(max_sessions), "100000", 1, 10000000, false, NULL,
      "Maximum number of WebSocket sessions; further ones are refused with 503." },
    { "HANDSHAKES_PER_SECOND", TW_GATEWAY, NUMBER, AT(handshakes_per_second), "2000", 1,
      1000000, false, NULL,
      "New WebSocket, Socket.IO and event stream clients of this process in a second, "
      "and twice as many at once; further ones are refused with 503 and a Retry-After "
      "of 1 to 5 seconds." },
    { "MESSAGE_BYTES", TW_GATEWAY, NUMBER, AT(message_bytes), "65536", 1024, 1048576, false,
      NULL, "Longest message that a client may send; a longer one closes with 1009." },
    { "DEVICE_MESSAGE_BYTES", TW_GATEWAY, NUMBER, AT(device_message_bytes), "4194304", 65536,
      16777216, false, NULL,
      "The same for MiniPOS tablets and cloud sync devices that were admitted, which send "
      "pictures; a longer one is skipped and answered with an error." },
    { "QUEUE_BYTES", TW_GATEWAY, NUMBER, AT(queue_bytes), "1048576", 65536, 67108864, false,
      NULL,
      "Bytes that may wait for one client that does not read; beyond that it is closed with "
      "1013." },
    { "BACKLOG_BYTES", TW_GATEWAY, NUMBER, AT(backlog_bytes), "2097152", 65536, 268435456,
      false, NULL, "Recent events kept in memory for each tenant that is connected." },
    { "EVENTS_BYTES", TW_GATEWAY, NUMBER, AT(events_bytes), "268435456", 33554432, 17179869184,
      false, NULL,
      "The same for all tenants together; beyond it events are read from the log again." },
    { "PING_MS", TW_GATEWAY, NUMBER, AT(ping_ms), "25000", 100, 3600000, false, NULL,
      "How long a connection may be silent before it is pinged." },
    { "PONG_MS", TW_GATEWAY, NUMBER, AT(pong_ms), "10000", 100, 3600000, false, NULL,
      "How long a ping may stay unanswered before the connection is closed." },
    { "AUTH_CACHE_MS", TW_GATEWAY, NUMBER, AT(auth_cache_ms), "900000", 0, 86400000, false,
      NULL, "How long a key that was valid can still open sockets while PostgreSQL is away." },
    { "JWT_SECRET", TW_GATEWAY | TW_API, TEXT, AT(jwt_secret), "", 16, 1024, true, NULL,
      "Secret of JSON Web Tokens with HS256, 16 bytes or more; empty: none are accepted." },
    { "JWT_PUBLIC_KEY_FILE", TW_GATEWAY | TW_API, TEXT, AT(jwt_public_key_file), "", 1, 1024,
      false, NULL,
      "PEM file with the issuer's public key, read at start: RSA from 2048 bits for RS256, "
      "P-256 for ES256; empty: none are accepted." },
    { "ALLOWED_ORIGINS", TW_GATEWAY | TW_API, TEXT, AT(allowed_origins), "*", 1, 4096, false,
      NULL,
      "Origins of browser pages that may open sockets and use REST, separated by commas; *: "
      "any. A page of the host that it connects to may always open one." },
    { "JWT_RESTAURANT", TW_GATEWAY | TW_API, TEXT, AT(jwt_restaurant), "claim", 1, 8, false,
      "claim,named",
      "claim: a token names its restaurant itself. named: one that names none may be used for "
      "the "
      "restaurant that its client names (X-Restaurant-ID, or restaurant_id in a socket's "
      "address), "
      "if it is signed with that restaurant's own secret." },
    { "JWT_AUDIENCE", TW_GATEWAY | TW_API, TEXT, AT(jwt_audience), "", 1, 512, false, NULL,
      "What a token's aud must name; empty: not checked." },
    { "STAFF_KEY", TW_GATEWAY, TEXT, AT(staff_key), "", 64, 129, true, NULL,
      "Key that the staff of MiniPOS tablets is sealed with (openssl rand -hex 32), for "
      "restaurants whose staff_secrets is seal; the same for all gateways. A second one after "
      "a comma only opens what it has sealed. Empty: no staff is kept." },
};

static char **text_of(struct tw_settings *s, const struct tw_setting *row)
{
    return (char **)(void *)((char *)s + row->offset);
}

static uint64_t *number_of(struct tw_settings *s, const struct tw_setting *row)
{
    return (uint64_t *)(void *)((char *)s + row->offset);
}

static void complain(struct tw_buf *problems, const struct tw_setting *row, const char *what)
{
    tw_buf_text(problems, PREFIX);
    tw_buf_text(problems, row->name);
    tw_buf_text(problems, ": ");
    tw_buf_text(problems, what);
    tw_buf_char(problems, '\n');
}

static bool is_choice(const struct tw_setting *row, struct tw_slice value)
{
    struct tw_slice rest = tw_slice_of(row->choices), one;

    if (row->choices == NULL)
        return true;
    while (tw_slice_split(&rest, ',', &one))
        if (tw_slice_eq(one, value))
            return true;
    return false;
}

static bool is_sound(const struct tw_setting *row, struct tw_slice value,
                     struct tw_buf *problems)
{
    struct tw_buf why = { .max = 2048 };
    char *text = tw_copy_text(value.at, value.len);
    bool ok = tw_setting_check(row->name, text, &why);

    if (!ok) {
        tw_buf_char(&why, '\0');
        complain(problems, row, why.failed ? "cannot be used" : why.at);
    }
    tw_buf_done(&why);
    free(text);
    return ok;
}

static bool set_text(struct tw_settings *s, const struct tw_setting *row, struct tw_slice value,
                     struct tw_buf *problems)
{
    bool may_be_empty = row->fallback[0] == '\0';

    if (value.len > row->most) {
        complain(problems, row, "is too long");
        return false;
    }
    if (value.len < row->least && !(value.len == 0 && may_be_empty)) {
        complain(problems, row, value.len == 0 ? "must not be empty" : "is too short");
        return false;
    }
    if (!is_choice(row, value)) {
        complain(problems, row, row->choices);
        return false;
    }
    if (!is_sound(row, value, problems))
        return false;
    free(*text_of(s, row));
    *text_of(s, row) = tw_copy_text(value.at, value.len);
    return true;
}

static bool set_number(struct tw_settings *s, const struct tw_setting *row,
                       struct tw_slice value, struct tw_buf *problems)
{
    char text[96];
    uint64_t number;

    if (!tw_slice_u64(value, &number) || number < row->least || number > row->most) {
        (void)snprintf(text, sizeof(text), "must be a whole number from %llu to %llu",
                       (unsigned long long)row->least, (unsigned long long)row->most);
        complain(problems, row, text);
        return false;
    }
    *number_of(s, row) = number;
    return true;
}

static bool set(struct tw_settings *s, const struct tw_setting *row, struct tw_slice value,
                struct tw_buf *problems)
{
    return row->type == TEXT ? set_text(s, row, value, problems)
                             : set_number(s, row, value, problems);
}

/* Values whose files are read again while the process runs (fresh_url.h). */
static const struct {
    const char *setting;
    size_t path;
} kept_paths[] = { { "DATABASE_URL", AT(database_url_file) },
                   { "REDIS_URL", AT(redis_url_file) } };

static char **path_at(struct tw_settings *s, size_t i)
{
    return (char **)(void *)((char *)s + kept_paths[i].path);
}

/* The first line of a file, as the value. */
static bool set_from_file(struct tw_settings *s, const struct tw_setting *row, const char *path,
                          struct tw_buf *problems)
{
    char line[8192]; /* longer than any value may be */

    if (!tw_line_of_file(path, line, sizeof(line))) {
        complain(problems, row, "its file cannot be read or is empty");
        return false;
    }
    for (size_t i = 0; i < TW_COUNT(kept_paths); i++) {
        if (strcmp(kept_paths[i].setting, row->name) != 0)
            continue;
        free(*path_at(s, i));
        *path_at(s, i) = tw_copy_text(path, strlen(path));
    }
    return set(s, row, tw_slice_of(line), problems);
}

static const struct tw_setting *row_named(struct tw_slice name, bool *is_file)
{
    for (size_t i = 0; i < TW_COUNT(table); i++) {
        struct tw_slice row = tw_slice_of(table[i].name);

        *is_file =
            name.len == row.len + 5 && tw_slice_is(tw_slice_skip(name, row.len), "_FILE");
        if (tw_slice_eq(name, row) ||
            (*is_file && table[i].type == TEXT && tw_slice_starts(name, row)))
            return &table[i];
    }
    return NULL;
}

static bool read_variable(enum tw_program program, const char *variable, struct tw_settings *s,
                          struct tw_buf *problems)
{
    struct tw_slice rest = tw_slice_of(variable + sizeof(PREFIX) - 1), name;
    const struct tw_setting *row;
    bool is_file = false;

    if (!tw_slice_split(&rest, '=', &name) || rest.at == NULL)
        return true; /* no variable */
    row = row_named(name, &is_file);
    if (row == NULL) {
        tw_buf_text(problems, PREFIX);
        tw_buf_append(problems, name);
        tw_buf_text(problems, ": unknown setting; --help lists those there are\n");
        return false;
    }
    if ((row->programs & program) == 0)
        return true;
    return is_file ? set_from_file(s, row, rest.at, problems) : set(s, row, rest, problems);
}

/* TW_EDOWN: nothing can be read there. */
static int key_of_file(const char *path, struct tw_public_key **out)
{
    char pem[16384]; /* an RSA key of 8192 bits takes 1500 bytes */
    FILE *f = fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(pem, 1, sizeof(pem), f);

    if (f != NULL)
        (void)fclose(f);
    if (n == 0)
        return TW_EDOWN;
    return tw_public_key_read(tw_slice_from(pem, n), out);
}

/* Here, so that a wrong file stops the start and --check-config, not the first client. */
static bool read_key_file(struct tw_settings *s, struct tw_buf *problems)
{
    int r;

    if (s->jwt_public_key_file[0] == '\0')
        return true;
    r = key_of_file(s->jwt_public_key_file, &s->jwt_public_key);
    if (r == 0)
        return true;
    tw_buf_text(problems, PREFIX "JWT_PUBLIC_KEY_FILE: ");
    tw_buf_text(problems, s->jwt_public_key_file);
    tw_buf_text(problems, r == TW_ECONFIG
                              ? ": no public key as PEM, RSA from 2048 bits or P-256\n"
                              : ": cannot be read or is empty\n");
    return false;
}

static bool has_tls_address(const char *addresses)
{
    struct tw_slice rest = tw_slice_of(addresses), one;

    while (rest.len > 0 && tw_slice_split(&rest, ',', &one))
        if (tw_slice_starts(tw_slice_trim(one), TW_LIT("tls:")))
            return true;
    return false;
}

struct tw_tls_context *tw_settings_tls(const struct tw_settings *s, struct tw_buf *problem)
{
    struct tw_tls_server_options options = { .certificates = s->tls_certificate,
                                             .keys = s->tls_key };

    return tw_tls_server_new(&options, problem);
}

/* As above. */
static bool read_certificates(struct tw_settings *s, struct tw_buf *problems)
{
    struct tw_buf why = { .max = 2048 };

    if (s->tls_certificate[0] == '\0' && s->tls_key[0] == '\0') {
        if (!has_tls_address(s->listen))
            return true;
        tw_buf_text(problems, PREFIX "LISTEN: an address with tls: needs " PREFIX
                                     "TLS_CERTIFICATE and " PREFIX "TLS_KEY\n");
        return false;
    }
    s->tls = tw_settings_tls(s, &why);
    if (s->tls == NULL) {
        tw_buf_text(problems, PREFIX "TLS_CERTIFICATE: ");
        tw_buf_append(problems, tw_buf_view(&why));
        tw_buf_char(problems, '\n');
    }
    tw_buf_done(&why);
    return s->tls != NULL;
}

struct reading {
    enum tw_program program;
    struct tw_settings *settings;
    struct tw_buf *problems;
};

static bool read_credential(const char *variable, void *arg)
{
    struct reading *r = arg;

    return read_variable(r->program, variable, r->settings, r->problems);
}

int tw_settings_read(enum tw_program program, char *const *environment, struct tw_settings *out,
                     struct tw_buf *problems)
{
    struct reading reading = { program, out, problems };
    char *const *variables = environment;
    char own_name[64];
    int r = 0;

    *out = (struct tw_settings){ 0 };
    tw_setting_name_host(own_name, sizeof(own_name));
    for (size_t i = 0; i < TW_COUNT(table); i++)
        (void)set(out, &table[i],
                  tw_slice_of(strcmp(table[i].fallback, OWN_NAME) == 0 ? own_name
                                                                       : table[i].fallback),
                  problems);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, PREFIX, sizeof(PREFIX) - 1) == 0 &&
            !read_variable(program, *environment, out, problems))
            r = TW_ECONFIG;
    if (!tw_credentials_each(variables, PREFIX, read_credential, &reading, problems))
        r = TW_ECONFIG;
    if (!read_key_file(out, problems))
        r = TW_ECONFIG;
    return read_certificates(out, problems) ? r : TW_ECONFIG;
}

void tw_settings_done(struct tw_settings *s)
{
    for (size_t i = 0; i < TW_COUNT(table); i++)
        if (table[i].type == TEXT)
            free(*text_of(s, &table[i]));
    for (size_t i = 0; i < TW_COUNT(kept_paths); i++)
        free(*path_at(s, i));
    tw_public_key_free(s->jwt_public_key);
    tw_tls_context_drop(s->tls);
    *s = (struct tw_settings){ 0 };
}

/* The end of `name` in `text`, where its value begins; null when it is not there. */
static const char *find_word(struct tw_slice text, const char *name)
{
    const char *at = text.len == 0 ? NULL : memmem(text.at, text.len, name, strlen(name));

    return at == NULL ? NULL : at + strlen(name);
}

/* A URL without its password, whether that stands in front of the host or behind a question
 * mark; of anything else only that it is there. */
static void put_masked(struct tw_buf *out, struct tw_slice value)
{
    const char *host = find_word(value, "://"), *at, *colon, *word;
    struct tw_slice rest;

    if (value.len == 0)
        return;
    if (host == NULL) {
        tw_buf_text(out, tw_slice_is(value, "none") ? "none" : "***");
        return;
    }
    tw_buf_append(out, tw_slice_from(value.at, (size_t)(host - value.at)));
    rest = tw_slice_skip(value, (size_t)(host - value.at));
    at = rest.len == 0 ? NULL : memrchr(rest.at, '@', rest.len);
    if (at != NULL && memchr(rest.at, '?', (size_t)(at - rest.at)) != NULL) {
        tw_buf_text(out, "***"); /* the password may be on either side */
        return;
    }
    if (at != NULL) {
        colon = memchr(rest.at, ':', (size_t)(at - rest.at));
        tw_buf_append(out,
                      tw_slice_from(rest.at, (size_t)((colon == NULL ? at : colon) - rest.at)));
        tw_buf_text(out, colon == NULL ? "" : ":***");
        rest = tw_slice_skip(rest, (size_t)(at - rest.at));
    }
    word = find_word(rest, "password="); /* also sslpassword */
    tw_buf_append(out, word == NULL ? rest : tw_slice_from(rest.at, (size_t)(word - rest.at)));
    tw_buf_text(out, word == NULL ? "" : "***");
}

void tw_settings_print(enum tw_program program, const struct tw_settings *s, struct tw_buf *out)
{
    struct tw_settings copy = *s; /* texts stay shared; only read */

    for (size_t i = 0; i < TW_COUNT(table); i++) {
        if ((table[i].programs & program) == 0)
            continue;
        tw_buf_text(out, PREFIX);
        tw_buf_text(out, table[i].name);
        tw_buf_char(out, '=');
        if (table[i].is_secret)
            put_masked(out, tw_slice_of(*text_of(&copy, &table[i])));
        else if (table[i].type == TEXT)
            tw_buf_text(out, *text_of(&copy, &table[i]));
        else
            tw_buf_u64(out, *number_of(&copy, &table[i]));
        tw_buf_char(out, '\n');
    }
}

void tw_settings_help(enum tw_program program, struct tw_buf *out)
{
    for (size_t i = 0; i < TW_COUNT(table); i++) {
        if ((table[i].programs & program) == 0)
            continue;
        tw_buf_text(out, "  " PREFIX);
        tw_buf_text(out, table[i].name);
        tw_buf_text(out, " (");
        tw_buf_text(out, table[i].fallback[0] == '\0' ? "empty" : table[i].fallback);
        tw_buf_text(out, ")\n      ");
        tw_buf_text(out, table[i].about);
        tw_buf_char(out, '\n');
    }
}

static void put_programs(struct tw_buf *out, unsigned programs)
{
    static const char *const names[] = { "gateway", "api", "bridge" };
    const char *comma = "";

    for (unsigned i = 0; i < TW_COUNT(names); i++) {
        if ((programs & 1u << i) == 0)
            continue;
        tw_buf_text(out, comma);
        tw_buf_text(out, names[i]);
        comma = ", ";
    }
}

void tw_settings_reference(struct tw_buf *out)
{
    tw_buf_text(out, "| setting | of | default | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < TW_COUNT(table); i++) {
        tw_buf_text(out, "| `" PREFIX);
        tw_buf_text(out, table[i].name);
        tw_buf_text(out, "` | ");
        put_programs(out, table[i].programs);
        tw_buf_text(out, " | ");
        if (table[i].fallback[0] != '\0') {
            tw_buf_char(out, '`');
            tw_buf_text(out, table[i].fallback);
            tw_buf_char(out, '`');
        }
        tw_buf_text(out, " | ");
        tw_buf_text(out, table[i].about);
        if (table[i].choices != NULL) {
            tw_buf_text(out, " One of: ");
            tw_buf_text(out, table[i].choices);
            tw_buf_char(out, '.');
        } else if (table[i].type == NUMBER) {
            tw_buf_text(out, " From ");
            tw_buf_u64(out, table[i].least);
            tw_buf_text(out, " to ");
            tw_buf_u64(out, table[i].most);
            tw_buf_char(out, '.');
        }
        tw_buf_text(out, " |\n");
    }
}
