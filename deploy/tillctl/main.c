/* main.c - tillctl: what an operator does with a Tillwire, by its two words.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"
#include "deploy/tillctl/command.h"

static const struct {
    const char *name, *value, *about;
} options[TILLCTL_OPTIONS] = {
    [TILLCTL_DATABASE] = { "--database", "URL",
                           "which database; TILLWIRE_DATABASE_URL, or what libpq finds" },
    [TILLCTL_JSON] = { "--json", NULL, "answer as JSON" },
    [TILLCTL_NAME] = { "--name", "TEXT", "what people call the restaurant; its slug" },
    [TILLCTL_COUNTRY] = { "--country", "GB", "what a phone number without + is of" },
    [TILLCTL_CURRENCY] = { "--currency", "GBP", "of its prices" },
    [TILLCTL_TIMEZONE] = { "--timezone", "Europe/London", "when its day begins; UTC" },
    [TILLCTL_TO] = { "--to", "URL",
                     "the database of the other cell; TILLWIRE_TO_DATABASE_URL" },
    [TILLCTL_SWITCH] = { "--switch", "COMMAND", "leads the restaurant to the other cell" },
    [TILLCTL_WAIT] = { "--wait", "SECONDS", "for transactions that are under way; 30" },
    [TILLCTL_GRACE] = { "--grace", "SECONDS", "for its sockets to go; 6" },
    [TILLCTL_ABANDON] = { "--abandon", NULL, "of a move that was broken off: stay here" },
};

#define OF(option) (1U << (option))
#define FOR_MOVE                                                                               \
    (OF(TILLCTL_TO) | OF(TILLCTL_SWITCH) | OF(TILLCTL_WAIT) | OF(TILLCTL_GRACE) |              \
     OF(TILLCTL_ABANDON))
#define FOR_ADD                                                                                \
    (OF(TILLCTL_NAME) | OF(TILLCTL_COUNTRY) | OF(TILLCTL_CURRENCY) | OF(TILLCTL_TIMEZONE))

static const struct command {
    const char *thing, *verb, *words, *about;
    int (*run)(const struct tillctl_args *args);
    size_t word_count;
    unsigned takes;
} commands[] = {
    { "doctor", "", "", "look at the database, and say what to do about it", doctor, 0, 0 },
    { "tenant", "list", "", "all restaurants", tenant_list, 0, 0 },
    { "tenant", "show", "SLUG", "one of them", tenant_show, 1, 0 },
    { "tenant", "add", "SLUG", "a new one", tenant_add, 1, FOR_ADD },
    { "tenant", "suspend", "SLUG", "refuse its keys and tokens, and close its sockets",
      tenant_suspend, 1, 0 },
    { "tenant", "resume", "SLUG", "let it in again", tenant_resume, 1, 0 },
    { "tenant", "move", "SLUG", "to another cell, with all that it has", tenant_move, 1,
      FOR_MOVE },
    { "tenant", "forget", "SLUG", "remove the rows of one that has moved away", tenant_forget,
      1, 0 },
    { "cell", "set", "NUMBER", "give a new database its number among several", cell_set, 1, 0 },
};

static void print_options(unsigned which)
{
    for (size_t i = 0; i < TILLCTL_OPTIONS; i++)
        if ((which & OF(i)) != 0)
            printf("  %-11s %-14s %s\n", options[i].name,
                   options[i].value == NULL ? "" : options[i].value, options[i].about);
}

static int help(void)
{
    puts("usage: tillctl THING VERB [WORDS] [OPTIONS]\n");
    for (size_t i = 0; i < TW_COUNT(commands); i++)
        printf("  tillctl %-6s %-7s %-6s  %s\n", commands[i].thing, commands[i].verb,
               commands[i].words, commands[i].about);
    puts("\nAll take:");
    print_options(OF(TILLCTL_DATABASE) | OF(TILLCTL_JSON));
    puts("\ntenant add:");
    print_options(FOR_ADD);
    puts("\ntenant move:");
    print_options(FOR_MOVE);
    puts("\nExit: 0 done, 1 refused, 64 wrong usage, 69 a database cannot be reached.");
    return TILLCTL_DONE;
}

static int bad_usage(const char *what, const char *word)
{
    (void)fprintf(stderr, "tillctl: %s%s%s; tillctl --help shows what there is\n", what,
                  word[0] == '\0' ? "" : " ", word);
    return TILLCTL_BAD_USAGE;
}

/* `--name value` or `--name=value`; how many words that was, 0: it is none of `takes`. */
static int read_option(struct tillctl_args *args, unsigned takes, char **word)
{
    size_t len = strcspn(word[0], "=");

    for (size_t i = 0; i < TILLCTL_OPTIONS; i++) {
        if ((takes & OF(i)) == 0 || strlen(options[i].name) != len ||
            strncmp(options[i].name, word[0], len) != 0)
            continue;
        if (options[i].value == NULL) {
            args->options[i] = "";
            return word[0][len] == '\0' ? 1 : 0;
        }
        args->options[i] = word[0][len] == '=' ? &word[0][len + 1] : word[1];
        return args->options[i] == NULL ? 0 : word[0][len] == '=' ? 1 : 2;
    }
    return 0;
}

static int run(const struct command *c, char **word)
{
    struct tillctl_args args = { 0 };
    unsigned takes = c->takes | OF(TILLCTL_DATABASE) | OF(TILLCTL_JSON);
    size_t count = 0;
    int used;

    for (; *word != NULL; word += used) {
        used = 1;
        if (strncmp(*word, "--", 2) == 0)
            used = read_option(&args, takes, word);
        else if (count < c->word_count)
            args.words[count++] = *word;
        else
            return bad_usage("there is a word too many:", *word);
        if (used == 0)
            return bad_usage("this command has no such option, or it lacks its value:", *word);
    }
    if (count < c->word_count)
        return bad_usage("what is missing is", c->words);
    return c->run(&args);
}

struct database *tillctl_open(const struct tillctl_args *args)
{
    const char *url = args->options[TILLCTL_DATABASE];

    return database_open(url != NULL ? url : getenv("TILLWIRE_DATABASE_URL"), url != NULL,
                         "database");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("tillctl " TILLWIRE_VERSION) < 0;
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return argc < 2 ? bad_usage("say what to do", "") : help();
    for (size_t i = 0; i < TW_COUNT(commands); i++) {
        if (strcmp(argv[1], commands[i].thing) != 0)
            continue;
        if (commands[i].verb[0] == '\0')
            return run(&commands[i], &argv[2]);
        if (argc > 2 && strcmp(argv[2], commands[i].verb) == 0)
            return run(&commands[i], &argv[3]);
    }
    return bad_usage("there is no such command:", argv[1]);
}
