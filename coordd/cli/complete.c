#include "complete.h"
#include "words.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- Candidates ---- */

void cli_candidates_add(struct cli_candidates *to, const char *beginning, const char *word)
{
    if (strncmp(word, beginning, strlen(beginning)) != 0) {
        return;
    }
    if (to->count == CLI_CANDIDATES_MAX) {
        to->more = true;
        return;
    }
    to->word[to->count++] = cd_strdup(word);
}

void cli_candidates_release(struct cli_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        cd_free(candidates->word[i]);
    }
    candidates->count = 0;
}

/* ---- The line ---- */

/* Words that are whole, and what is begun. */
struct typed {
    struct cli_words before;
    const char *word;                  /* begun; borrowed; without an opening quote */
    const struct cli_command *command; /* NULL: none is named yet */
    int operands;                      /* behind its name */
    const char *option; /* that waits for its value, without its "--"; NULL: none does */
    bool bare;          /* behind "--": no options any more */
};

static size_t start_of_last_word(const char *line)
{
    size_t start = 0;
    char quote = '\0';
    for (size_t i = 0; line[i] != '\0'; i++) {
        char c = line[i];
        if (quote != '\0') {
            i += quote == '"' && c == '\\' && line[i + 1] != '\0' ? 1 : 0;
            quote = c == quote ? '\0' : quote;
        } else if (c == ' ' || c == '\t') {
            start = i + 1;
        } else if (i == start && (c == '"' || c == '\'')) {
            quote = c;
        }
    }
    return start;
}

/* The words of a command's name that stand there already: "acl" of "acl get" is 1. */
static int words_in_common(const char *name, char *const *words, int count)
{
    const char *space = strchr(name, ' ');
    size_t first = space != NULL ? (size_t)(space - name) : strlen(name);
    if (count == 0 || strlen(words[0]) != first || strncmp(words[0], name, first) != 0) {
        return 0;
    }
    return space != NULL && count > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 1;
}

static int words_of_name(const struct cli_command *command)
{
    return strchr(command->name, ' ') != NULL ? 2 : 1;
}

/* Options may stand anywhere, so the name is what is left without them. */
static bool option_of(const struct cli_command *command, const char *word,
                      struct cli_option_name *ret_option)
{
    const char *name = strcmp(word, "-o") == 0 ? "--output" : word;
    for (size_t i = 0; cli_option_at(command, i, ret_option); i++) {
        if (strncmp(name, "--", 2) == 0 && strcmp(name + 2, ret_option->name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct cli_command *find_command(const struct cli_command *commands,
                                              char *const *names, int count)
{
    for (const struct cli_command *each = commands; each->name != NULL; each++) {
        if (words_in_common(each->name, names, count) == words_of_name(each)) {
            return each;
        }
    }
    return NULL;
}

/* Sorts the words before into the name, options and operands. */
static void look_at(struct typed *typed, const struct cli_command *commands, char *names[2],
                    int *ret_names)
{
    int names_count = 0;
    for (int i = 1; i <= typed->before.count; i++) {
        char *word = typed->before.word[i];
        struct cli_option_name option;
        if (typed->option != NULL) {
            typed->option = NULL;
        } else if (!typed->bare && strcmp(word, "--") == 0) {
            typed->bare = true;
        } else if (!typed->bare && word[0] == '-' && word[1] != '\0') {
            bool known = option_of(typed->command, word, &option);
            typed->option = known && option.takes_value ? option.name : NULL;
        } else if (typed->command != NULL) {
            typed->operands++;
        } else if (names_count < 2) {
            names[names_count++] = word;
            typed->command = find_command(commands, names, names_count);
        }
    }
    *ret_names = names_count;
}

/* ---- What fits ---- */

static void add_names(const struct typed *typed, const struct cli_command *commands,
                      char *const *names, int count, struct cli_candidates *to)
{
    char name[32] = "";
    for (const struct cli_command *each = commands; each->name != NULL; each++) {
        const char *space = strchr(each->name, ' ');
        if (count > 0 && (space == NULL || words_in_common(each->name, names, count) != 1)) {
            continue;
        }
        size_t bytes = space != NULL ? (size_t)(space - each->name) : strlen(each->name);
        (void)snprintf(name, sizeof(name), "%.*s", (int)bytes, each->name);
        const char *next = count > 0 ? space + 1 : name;
        if (to->count == 0 || strcmp(to->word[to->count - 1], next) != 0) { /* "acl" once */
            cli_candidates_add(to, typed->word, next);
        }
    }
}

static void add_options(const struct typed *typed, struct cli_candidates *to)
{
    struct cli_option_name option;
    char word[40];
    for (size_t i = 0; cli_option_at(typed->command, i, &option); i++) {
        (void)snprintf(word, sizeof(word), "--%s", option.name);
        cli_candidates_add(to, typed->word, word);
    }
}

static void add_values(const struct typed *typed, struct cli_candidates *to)
{
    const char *value = NULL;
    for (size_t i = 0; (value = cli_value_at(typed->command, typed->option, i)) != NULL; i++) {
        cli_candidates_add(to, typed->word, value);
    }
}

bool cli_takes_path(const struct cli_command *command)
{
    return strncmp(command->operands, "PATH", 4) == 0 ||
           strncmp(command->operands, "[PATH", 5) == 0;
}

static void add_children(const struct typed *typed, cli_children_fn children, void *context,
                         struct cli_candidates *to)
{
    const char *slash = strrchr(typed->word, '/');
    size_t bytes = slash != NULL ? (size_t)(slash - typed->word) + 1 : 0;
    char *folder = cd_strdup(typed->word);
    folder[bytes] = '\0';
    children(context, folder, typed->word, to);
    cd_free(folder);
}

static void add_all(const struct typed *typed, const struct cli_command *commands,
                    char *const *names, int count, cli_children_fn children, void *context,
                    struct cli_candidates *to)
{
    if (typed->option != NULL) {
        add_values(typed, to);
    } else if (typed->word[0] == '-' && !typed->bare) {
        add_options(typed, to);
    } else if (typed->command == NULL) {
        add_names(typed, commands, names, count, to);
    } else if (typed->operands == 0 && cli_takes_path(typed->command)) {
        add_children(typed, children, context, to);
    }
}

void cli_complete(const char *line, const struct cli_command *commands, cli_children_fn children,
                  void *context, struct cli_candidates *ret_candidates)
{
    size_t start = start_of_last_word(line);
    struct typed typed = {.word = line + start};
    char message[CLI_MESSAGE_BYTES];
    char *names[2] = {NULL, NULL};
    int names_count = 0;
    memset(ret_candidates, 0, sizeof(*ret_candidates));
    ret_candidates->replace = strlen(line + start);
    typed.word += typed.word[0] == '"' || typed.word[0] == '\'' ? 1 : 0;
    char *before = cd_strdup(line);
    before[start] = '\0';
    bool fine = cli_words_split(&typed.before, before, true, message, sizeof(message)) &&
                strpbrk(typed.word, "\\\"") == NULL; /* escapes are not guessed at */
    if (fine) {
        look_at(&typed, commands, names, &names_count);
        add_all(&typed, commands, names, names_count, children, context, ret_candidates);
    }
    cli_words_release(&typed.before);
    cd_free(before);
}
