/* tail.c - the events as they happen, a line each (schema/functions/operators/events_tail.sql).
 *
 * It asks again and again: operations do not notify, since PostgreSQL would let them commit one
 * after the other then.
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deploy/tillctl/things.h"

#define PAUSE_MS 250
#define PIECE "500" /* rows in a statement; those with much data end sooner */

static const struct tillctl_option options[] = {
    { "tenant", "SLUG", "of this restaurant; all" },
    { "type", "TEXT", "types that begin so: order., gift_card.updated; all" },
    { "since", "SEQ|TIME", "behind a seq (with --tenant), or from a moment on; from now on" },
    { "data", NULL, "what is in them, too: names and phones of customers" },
    { "until-now", NULL, "end when there is no more" },
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
    (void)number;
    is_stopped = 1;
}

/* Ctrl-C is how it ends, and no failure. A reader that goes ends it as it ends any program. */
static void end_by_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static bool is_seq(const char *since)
{
    return since != NULL && since[0] != '\0' && strspn(since, "0123456789") == strlen(since);
}

static const char *check(const struct tillctl_args *args)
{
    if (is_seq(tillctl_value(args, "since")) && tillctl_value(args, "tenant") == NULL)
        return "each restaurant counts for itself: give --tenant with a seq";
    return NULL;
}

static bool begin(struct database *d, const struct tillctl_args *args)
{
    const char *since = tillctl_value(args, "since");
    const char *const values[] = { tillctl_value(args, "tenant"), is_seq(since) ? since : NULL,
                                   is_seq(since) ? NULL : since };
    struct rows *r = database_ask_with(d, "select pos.events_tail_begin($1, $2::bigint, $3)",
                                       TW_COUNT(values), values);

    rows_done(r);
    return r != NULL;
}

#define TAIL                                                                                   \
    " from pos.events_tail($1, $2, $3::int, $4::boolean) e order by e.at, e.restaurant, e.seq"

static const char as_json[] = "select row_to_json(t), t.seq from (select pos.utc(e.at) as at, "
                              "e.restaurant, e.seq, e.type, e.subject,"
                              " e.origin, e.data" TAIL ") t";

static const char as_lines[] =
    "select concat_ws(' ', pos.utc(e.at), e.restaurant, e.seq, e.type, nullif(e.subject, ''),"
    " 'from ' || (e.origin ->> 'kind'), 'device=' || (e.origin ->> 'device'),"
    " 'req=' || (e.origin ->> 'requestId'), 'trace=' || (e.origin ->> 'trace'), e.data::text), "
    "e.seq" TAIL;

enum piece { PIECE_FAILED, PIECE_ALL, PIECE_CUT };

/* The second column is empty in the row that says that there may be more, which comes last. */
static enum piece show_rows(const struct rows *r)
{
    enum piece piece = PIECE_ALL;

    for (size_t i = 0; i < rows_count(r); i++)
        if (rows_text(r, i, 1)[0] == '\0')
            piece = PIECE_CUT;
        else
            puts(rows_text(r, i, 0));
    return fflush(stdout) == 0 ? piece : PIECE_FAILED;
}

static enum piece show_piece(struct database *d, const struct tillctl_args *args)
{
    const char *const values[] = { tillctl_value(args, "tenant"), tillctl_value(args, "type"),
                                   PIECE, tillctl_value(args, "data") == NULL ? "f" : "t" };
    struct rows *r =
        database_ask_with(d, args->json ? as_json : as_lines, TW_COUNT(values), values);
    enum piece piece = r == NULL ? PIECE_FAILED : show_rows(r);

    rows_done(r);
    return piece;
}

static int follow(struct database *d, const struct tillctl_args *args)
{
    const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
    enum piece piece = PIECE_CUT;

    if (!begin(d, args))
        return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
    while (!is_stopped && piece != PIECE_FAILED) {
        piece = show_piece(d, args);
        if (piece == PIECE_ALL && tillctl_value(args, "until-now") != NULL)
            break;
        if (piece == PIECE_ALL)
            (void)nanosleep(&pause, NULL);
    }
    if (piece != PIECE_FAILED)
        return TILLCTL_DONE;
    return database_is_lost(d) ? TILLCTL_UNREACHABLE : TILLCTL_REFUSED;
}

static int tail(const struct tillctl_args *args)
{
    struct database *d;
    int exit;

    end_by_signals();
    d = tillctl_open(args);
    exit = d == NULL ? TILLCTL_UNREACHABLE : follow(d, args);
    database_close(d);
    return exit;
}

static const struct tillctl_command commands[] = {
    { .verb = "",
      .options = "tenant type since data until-now",
      .about = "show events as they happen, a line each, until Ctrl-C",
      .check = check,
      .run = tail },
};

const struct tillctl_thing tillctl_tail = {
    .name = "tail",
    .about = "the events as they happen",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
