/* help.c - see help.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/help.h"

#include <stdio.h>
#include <string.h>

#include "deploy/tillctl/command_line.h"

static const char *text_of(const char *text)
{
    return text == NULL ? "" : text;
}

static void print_option(const struct tillctl_option *o, const char *mark)
{
    printf("    --%-12s %-15s %s%s\n", o->name, text_of(o->value), o->about, mark);
}

static void print_options(const struct tillctl_thing *thing,
                          const struct tillctl_command *command)
{
    const char *rest = command->options;
    struct command_item item;

    while (command_item_next(&rest, &item))
        print_option(command_option(thing, item.name), item.mark == '!' ? " (needed)" : "");
}

static void print_usage(const struct tillctl_thing *thing,
                        const struct tillctl_command *command, int width)
{
    char usage[128];

    (void)snprintf(usage, sizeof(usage), "%s%s%s", command_name(thing, command),
                   command->words == NULL ? "" : " ", text_of(command->words));
    printf("  %-*s  %s\n", width, usage, command->about);
}

static int width_of(const struct tillctl_thing *thing)
{
    size_t widest = 0;

    for (size_t i = 0; i < thing->command_count; i++) {
        const struct tillctl_command *c = &thing->commands[i];
        size_t width = strlen(command_name(thing, c)) + 1 + strlen(text_of(c->words));

        widest = width > widest ? width : widest;
    }
    return (int)widest;
}

static void print_common(void)
{
    puts("\nAll take:");
    for (size_t i = 0; i < TILLCTL_COMMON_OPTIONS; i++)
        print_option(&tillctl_common_options[i], "");
}

void help_all(const struct tillctl_thing *const *things, size_t count)
{
    int width = 0;

    for (size_t t = 0; t < count; t++)
        width = width_of(things[t]) > width ? width_of(things[t]) : width;
    puts("usage: tillctl THING VERB [WORDS] [OPTIONS]");
    for (size_t t = 0; t < count; t++) {
        printf("\n%s: %s\n", things[t]->name, things[t]->about);
        for (size_t i = 0; i < things[t]->command_count; i++)
            print_usage(things[t], &things[t]->commands[i], width);
    }
    print_common();
    puts("\ntillctl THING --help and tillctl THING VERB --help show the options of each.\n"
         "A FILE may be -, the standard input: so no secret is on a command line.\n"
         "Exit: 0 done, 1 refused, 64 wrong usage, 69 a database cannot be reached.");
}

void help_thing(const struct tillctl_thing *thing)
{
    printf("%s: %s\n", thing->name, thing->about);
    for (size_t i = 0; i < thing->command_count; i++) {
        puts("");
        print_usage(thing, &thing->commands[i], 0);
        print_options(thing, &thing->commands[i]);
    }
    print_common();
}

void help_command(const struct tillctl_thing *thing, const struct tillctl_command *command)
{
    print_usage(thing, command, 0);
    print_options(thing, command);
    print_common();
}

void help_list(const struct tillctl_thing *const *things, size_t count)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < things[t]->command_count; i++) {
            const struct tillctl_command *c = &things[t]->commands[i];
            const char *rest = c->options;
            struct command_item item;

            printf("%s%s%s%s%s", things[t]->name, c->verb[0] == '\0' ? "" : " ", c->verb,
                   c->words == NULL ? "" : " ", text_of(c->words));
            while (command_item_next(&rest, &item)) {
                const struct tillctl_option *o = command_option(things[t], item.name);

                printf(" --%s%s", o->name, o->value == NULL ? "" : "=");
            }
            puts(" --database= --json --only=");
        }
}

/* In man(7) a minus is \-, and a line may not begin with a dot or an apostrophe: none does. */
static void put_manual(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '-' || *text == '\\')
            printf("\\%s", *text == '-' ? "-" : "e");
        else
            putchar(*text);
}

static void manual_option(const struct tillctl_option *o, bool must)
{
    (void)fputs(".TP\n.B \\-\\-", stdout);
    put_manual(o->name);
    if (o->value != NULL) {
        (void)fputs(" \\fI", stdout);
        put_manual(o->value);
        (void)fputs("\\fR", stdout);
    }
    putchar('\n');
    put_manual(o->about);
    puts(must ? " (needed)" : "");
}

static void manual_command(const struct tillctl_thing *thing, const struct tillctl_command *c)
{
    const char *rest = c->options;
    struct command_item item;

    (void)fputs(".TP\n.B ", stdout);
    put_manual(command_name(thing, c));
    if (c->words != NULL) {
        (void)fputs(" \\fI", stdout);
        put_manual(c->words);
        (void)fputs("\\fR", stdout);
    }
    putchar('\n');
    put_manual(c->about);
    puts(".");
    if (c->options == NULL)
        return;
    puts(".RS");
    while (command_item_next(&rest, &item))
        manual_option(command_option(thing, item.name), item.mark == '!');
    puts(".RE");
}

void help_manual(const struct tillctl_thing *const *things, size_t count)
{
    for (size_t t = 0; t < count; t++) {
        printf(".SS %s: ", things[t]->name);
        put_manual(things[t]->about);
        putchar('\n');
        for (size_t i = 0; i < things[t]->command_count; i++)
            manual_command(things[t], &things[t]->commands[i]);
    }
    puts(".SS Options of all commands");
    for (size_t i = 0; i < TILLCTL_COMMON_OPTIONS; i++)
        manual_option(&tillctl_common_options[i], false);
}
