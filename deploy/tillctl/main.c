/* main.c - tillctl: what an operator does with a Tillwire, by its thing and its verb.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/tillctl/command_line.h"
#include "deploy/tillctl/help.h"
#include "deploy/tillctl/statement.h"
#include "deploy/tillctl/things.h"

static const struct tillctl_thing *const things[] = {
    /* Of restaurants. */
    &tillctl_tenant,
    &tillctl_key,
    &tillctl_token,
    &tillctl_ticket,
    &tillctl_device,
    &tillctl_replay,
    &tillctl_order,
    &tillctl_card,
    &tillctl_loyalty,
    &tillctl_customer,
    &tillctl_import,
    &tillctl_export,
    &tillctl_audit,
    &tillctl_setting,

    /* Of the system. */
    &tillctl_status,
    &tillctl_doctor,
    &tillctl_tail,
    &tillctl_stream,
    &tillctl_ledger,
    &tillctl_migrate,
    &tillctl_backup,
    &tillctl_nginx,
    &tillctl_config,
    &tillctl_cell,
};

struct database *tillctl_open(const struct tillctl_args *args)
{
    return database_open(args->database != NULL ? args->database
                                                : getenv("TILLWIRE_DATABASE_URL"),
                         args->database != NULL, "database");
}

static int bad_usage(const char *what, const char *word, const struct tillctl_thing *thing)
{
    (void)fprintf(stderr, "tillctl: %s%s%s; tillctl%s%s --help shows what there is\n", what,
                  word[0] == '\0' ? "" : " ", word, thing == NULL ? "" : " ",
                  thing == NULL ? "" : thing->name);
    return TILLCTL_BAD_USAGE;
}

static const struct tillctl_thing *find_thing(const char *name)
{
    for (size_t i = 0; i < TW_COUNT(things); i++)
        if (strcmp(things[i]->name, name) == 0)
            return things[i];
    return NULL;
}

static const struct tillctl_command *find_command(const struct tillctl_thing *thing,
                                                  const char *verb)
{
    for (size_t i = 0; i < thing->command_count; i++)
        if (strcmp(thing->commands[i].verb, verb) == 0)
            return &thing->commands[i];
    return NULL;
}

static bool wants_help(char **word)
{
    for (; *word != NULL && strcmp(*word, "--") != 0; word++)
        if (strcmp(*word, "--help") == 0)
            return true;
    return false;
}

static int run(const struct tillctl_thing *thing, const struct tillctl_command *command,
               char **word)
{
    struct tillctl_args args = { .thing = thing, .command = command };
    int exit;

    if (wants_help(word)) {
        help_command(thing, command);
        return TILLCTL_DONE;
    }
    args.rest = word;
    exit = command->takes_all ? TILLCTL_DONE : command_line_read(&args, word);
    if (exit == TILLCTL_DONE)
        exit = command->run != NULL ? command->run(&args) : statement_run(&args);
    command_line_done(&args);
    return exit;
}

static int run_thing(const struct tillctl_thing *thing, char **word)
{
    const struct tillctl_command *command = *word == NULL ? NULL : find_command(thing, *word);

    if (command != NULL)
        return run(thing, command, word + 1);
    if (*word != NULL && strcmp(*word, "--help") == 0) {
        help_thing(thing);
        return TILLCTL_DONE;
    }
    command = find_command(thing, "");
    if (command != NULL)
        return run(thing, command, word);
    return *word == NULL ? bad_usage("there is no such command:", thing->name, thing)
                         : bad_usage("there is no such command:", *word, thing);
}

/* What asks for no command. */
static bool answer_about(const char *word)
{
    if (strcmp(word, "--version") == 0)
        puts("tillctl " TILLWIRE_VERSION);
    else if (strcmp(word, "--help") == 0)
        help_all(things, TW_COUNT(things));
    else if (strcmp(word, "--list-commands") == 0)
        help_list(things, TW_COUNT(things));
    else if (strcmp(word, "--print-manual") == 0)
        help_manual(things, TW_COUNT(things));
    else
        return false;
    return true;
}

/* What was to be shown may be a new key: a full disk is no success. */
static int close_output(int exit)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return exit;
    perror("tillctl: the answer could not be written");
    return exit == TILLCTL_DONE ? TILLCTL_REFUSED : exit;
}

int main(int argc, char **argv)
{
    const struct tillctl_thing *thing;

    if (argc < 2)
        return bad_usage("say what to do", "", NULL);
    if (answer_about(argv[1]))
        return close_output(TILLCTL_DONE);
    thing = find_thing(argv[1]);
    if (thing == NULL)
        return bad_usage("there is no such command:", argv[1], NULL);
    return close_output(run_thing(thing, &argv[2]));
}
