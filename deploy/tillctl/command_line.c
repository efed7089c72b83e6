/* command_line.c - see command_line.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/json_scan.h"
#include "deploy/tillctl/file.h"

const struct tillctl_option tillctl_common_options[TILLCTL_COMMON_OPTIONS] = {
    { "database", "URL", "which database; TILLWIRE_DATABASE_URL, or what libpq finds" },
    { "json", NULL, "answer as JSON" },
    { "only", "COLUMN", "answer with the values of one column, and nothing else" },
};

bool command_item_next(const char **rest, struct command_item *item)
{
    const char *at = *rest == NULL ? "" : *rest + strspn(*rest, " ");

    *item = (struct command_item){ .mark = '\0' };
    if (*at == '\0')
        return false;
    if (*at == '[')
        item->mark = *at++;
    item->name = tw_slice_from(at, strcspn(at, " !]"));
    at += item->name.len;
    if (*at == '!')
        item->mark = *at;
    *rest = *at == '\0' ? at : at + 1;
    return true;
}

static size_t place_of(const struct tillctl_thing *thing, struct tw_slice name)
{
    size_t i = 0;

    while (i < thing->option_count && !tw_slice_is(name, thing->options[i].name))
        i++;
    return i;
}

const struct tillctl_option *command_option(const struct tillctl_thing *thing,
                                            struct tw_slice name)
{
    size_t place = place_of(thing, name);

    TW_ASSERT(place < thing->option_count && place < TILLCTL_MAX_OPTIONS);
    return &thing->options[place];
}

const char *command_name(const struct tillctl_thing *thing,
                         const struct tillctl_command *command)
{
    static char name[64];

    (void)snprintf(name, sizeof(name), "tillctl %s%s%s", thing->name,
                   command == NULL || command->verb[0] == '\0' ? "" : " ",
                   command == NULL ? "" : command->verb);
    return name;
}

const char *tillctl_value(const struct tillctl_args *args, const char *name)
{
    struct command_item item;
    const char *rest = args->command->words;

    for (size_t i = 0; command_item_next(&rest, &item); i++)
        if (tw_slice_is_nocase(item.name, name))
            return args->words[i];
    rest = args->command->options;
    while (command_item_next(&rest, &item))
        if (tw_slice_is(item.name, name))
            return args->options[command_option(args->thing, item.name) - args->thing->options];
    tw_bug(__FILE__, __LINE__, name); /* the row names a value that its command does not take */
}

static int wrong(const struct tillctl_args *args, const char *what, const char *word)
{
    (void)fprintf(stderr, "tillctl: %s%s%s; %s --help shows what it takes\n", what,
                  word[0] == '\0' ? "" : " ", word, command_name(args->thing, args->command));
    return TILLCTL_BAD_USAGE;
}

/* --- Files ------------------------------------------------------------------------------- */

static bool is_json_file(const struct tillctl_option *o)
{
    return o->value != NULL && strcmp(o->value, "JSON-FILE") == 0;
}

static bool is_file(const struct tillctl_option *o)
{
    return is_json_file(o) || (o->value != NULL && strcmp(o->value, "FILE") == 0);
}

/* In place. */
static bool scan(const char *path, char *text)
{
    struct tw_json_fault fault;
    size_t len = strlen(text);

    if (tw_json_scan(text, &len, &tw_json_narrow, &fault) > 0) {
        text[len] = '\0';
        return true;
    }
    (void)fprintf(stderr, "tillctl: %s: this is no good JSON: %s, at byte %zu\n", path,
                  fault.why, fault.at + 1);
    return false;
}

/* After all words are known to be right, so that nothing is read in vain. */
static int read_files(struct tillctl_args *args)
{
    for (size_t i = 0; i < args->thing->option_count; i++) {
        if (args->options[i] == NULL || !is_file(&args->thing->options[i]))
            continue;
        args->files[i] = file_read(args->options[i]);
        if (args->files[i] == NULL ||
            (is_json_file(&args->thing->options[i]) && !scan(args->options[i], args->files[i])))
            return TILLCTL_BAD_USAGE;
        args->options[i] = args->files[i];
    }
    return TILLCTL_DONE;
}

void command_line_done(struct tillctl_args *args)
{
    for (size_t i = 0; i < TILLCTL_MAX_OPTIONS; i++)
        free(args->files[i]);
}

/* --- Words and options ------------------------------------------------------------------- */

/* `--name value` or `--name=value`: how many words that is; 0: it is not right. */
static int take(const struct tillctl_option *o, char **word, const char **value)
{
    size_t len = strcspn(word[0], "=");

    if (o->value == NULL) {
        *value = "";
        return word[0][len] == '\0' ? 1 : 0;
    }
    *value = word[0][len] == '=' ? &word[0][len + 1] : word[1];
    return *value == NULL ? 0 : word[0][len] == '=' ? 1 : 2;
}

static int read_common(struct tillctl_args *args, struct tw_slice name, char **word)
{
    const char *json = NULL;
    const char **const values[TILLCTL_COMMON_OPTIONS] = { &args->database, &json, &args->only };
    int used = 0;

    for (size_t i = 0; i < TILLCTL_COMMON_OPTIONS; i++)
        if (tw_slice_is(name, tillctl_common_options[i].name))
            used = take(&tillctl_common_options[i], word, values[i]);
    args->json = args->json || json != NULL;
    return used;
}

static int read_option(struct tillctl_args *args, char **word)
{
    struct tw_slice name = tw_slice_from(&word[0][2], strcspn(&word[0][2], "="));
    const char *rest = args->command->options;
    struct command_item item;

    while (command_item_next(&rest, &item)) {
        const struct tillctl_option *o = command_option(args->thing, item.name);

        if (tw_slice_eq(item.name, name))
            return take(o, word, &args->options[o - args->thing->options]);
    }
    return read_common(args, name, word);
}

static size_t most_words(const struct tillctl_command *command)
{
    const char *rest = command->words;
    struct command_item item;
    size_t count = 0;

    while (command_item_next(&rest, &item))
        count++;
    TW_ASSERT(count <= TILLCTL_MAX_WORDS);
    return count;
}

/* "give --country (GB) and --currency (GBP)". */
static int demand_options(const struct tillctl_args *args)
{
    const char *rest = args->command->options;
    struct tw_buf text = { .max = 1024 };
    struct command_item item;
    int exit = TILLCTL_DONE;

    while (command_item_next(&rest, &item)) {
        const struct tillctl_option *o = command_option(args->thing, item.name);

        if (item.mark != '!' || args->options[o - args->thing->options] != NULL)
            continue;
        tw_buf_text(&text, text.len == 0 ? "give --" : " and --");
        tw_buf_text(&text, o->name);
        tw_buf_text(&text, " (");
        tw_buf_text(&text, o->value == NULL ? o->about : o->value);
        tw_buf_char(&text, ')');
    }
    if (text.len > 0) {
        tw_buf_char(&text, '\0');
        TW_ASSERT(!text.failed);
        exit = wrong(args, text.at, "");
    }
    tw_buf_done(&text);
    return exit;
}

static int demand_words(const struct tillctl_args *args, size_t count)
{
    const char *rest = args->command->words;
    struct command_item item;

    for (size_t i = 0; command_item_next(&rest, &item); i++)
        if (i >= count && item.mark != '[') {
            char name[32];

            (void)snprintf(name, sizeof(name), "%.*s", (int)item.name.len, item.name.at);
            return wrong(args, "what is missing is", name);
        }
    return demand_options(args);
}

int command_line_read(struct tillctl_args *args, char **word)
{
    size_t count = 0, most = most_words(args->command);
    bool has_options = true; /* until -- */
    const char *fault = NULL;
    int used, exit;

    for (; *word != NULL; word += used) {
        used = 1;
        if (has_options && strcmp(*word, "--") == 0)
            has_options = false;
        else if (has_options && strncmp(*word, "--", 2) == 0)
            used = read_option(args, word);
        else if (count < most)
            args->words[count++] = *word;
        else
            return wrong(args, "there is a word too many:", *word);
        if (used == 0)
            return wrong(args,
                         "this command has no such option, or it lacks its value:", *word);
    }
    exit = demand_words(args, count);
    if (exit == TILLCTL_DONE)
        exit = read_files(args);
    if (exit == TILLCTL_DONE && args->command->check != NULL)
        fault = args->command->check(args);
    return fault != NULL ? wrong(args, fault, "") : exit;
}
