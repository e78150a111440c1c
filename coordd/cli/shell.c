#include "commands.h"
#include "complete.h"
#include "connect.h"
#include "edit.h"
#include "input.h"
#include "interrupt.h"
#include "say.h"
#include "text.h"
#include "words.h"

#include "base/buf.h"
#include "base/memory.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * shell: commands line by line, in this process and with one client, so that only the first one
 * waits for a connection. A command that needs a session, or names another cluster, has a client of
 * its own, which ends with it.
 */

enum {
    LINE_BYTES_MAX = 4 << 20,
    /* For what is asked besides: whether the cluster answers, and the children of a path. */
    PATIENCE_MS = 500,
};

struct shell {
    struct coord_client *client; /* borrowed; without a session */
    const struct cli_arguments *arguments;
    struct cli_command *commands; /* owned: the shell's own, and all others */
    char *folder;                 /* owned: what a path without a slash at its front begins with */
    bool answers;                 /* the cluster did when it was last asked */
    bool ends;
    struct cd_buf prompt;
};

/* ---- Paths ---- */

/* Appends the names of `path`; "." says nothing, ".." takes one back. */
static void walk(struct cd_buf *to, const char *path)
{
    while (*path != '\0') {
        path += strspn(path, "/");
        size_t bytes = strcspn(path, "/");
        if (bytes == 2 && strncmp(path, "..", 2) == 0) {
            while (to->bytes > 0 && to->data[--to->bytes] != '/') {
            }
        } else if (bytes > 0 && !(bytes == 1 && *path == '.')) {
            cd_buf_put(to, "/", 1);
            cd_buf_put(to, path, bytes);
        }
        path += bytes;
    }
}

/* What a word means as a path: from the root on, or from where the shell is. Freed with cd_free. */
static char *path_of(const struct shell *shell, const char *word)
{
    struct cd_buf path;
    cd_buf_init(&path, 2 * LINE_BYTES_MAX);
    if (word[0] != '/') {
        walk(&path, shell->folder);
    }
    walk(&path, word);
    if (path.bytes == 0) {
        cd_buf_put(&path, "/", 1);
    }
    cd_buf_put(&path, "", 1);
    return (char *)path.data; /* given away */
}

/* ---- The shell's own commands ---- */

static struct coord_call_options *patience(uint32_t timeout_ms)
{
    struct coord_call_options *call = coord_call_options_create();
    if (call != NULL) {
        coord_call_options_set_timeout_ms(call, timeout_ms);
        coord_call_options_set_level(call, COORD_SESSION);
    }
    return call;
}

static int change_folder(struct shell *shell, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    const char *path = arguments->operands_count > 0 ? arguments->operands[0] : "/";
    if (coord_stat(shell->client, path, NULL, &result, &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    coord_result_free(result);
    cd_free(shell->folder);
    shell->folder = cd_strdup(path);
    return CLI_DONE;
}

static int print_help(const struct shell *shell, const struct cli_arguments *arguments)
{
    char name[64] = "";
    if (arguments->operands_count == 0) {
        cli_print_help_of_shell(shell->commands);
        return CLI_DONE;
    }
    bool two = arguments->operands_count > 1;
    (void)snprintf(name, sizeof(name), "%s%s%s", arguments->operands[0], two ? " " : "",
                   two ? arguments->operands[1] : "");
    for (const struct cli_command *each = shell->commands; each->name != NULL; each++) {
        if (strcmp(each->name, name) == 0) {
            cli_print_help(each);
            return CLI_DONE;
        }
    }
    return cli_say(CLI_USAGE, "help %s: no such command; `help` lists them", name);
}

enum own { OWN_HELP, OWN_CD, OWN_PWD, OWN_EXIT, OWN_COUNT };

static const struct cli_command own_commands[OWN_COUNT] = {
    [OWN_HELP] = {.name = "help",
                  .operands = "[COMMAND]",
                  .summary = "what there is, or more about one command",
                  .help = "\nexample: help acl get\n",
                  .operands_max = 2},
    [OWN_CD] = {.name = "cd",
                .operands = "[PATH]",
                .summary = "paths without a slash at their front begin here; none: at /",
                .help = "\nexample: cd /config\n",
                .operands_max = 1},
    [OWN_PWD] = {.name = "pwd",
                 .operands = "",
                 .summary = "print where that is",
                 .help = "\nexample: pwd\n"},
    [OWN_EXIT] = {.name = "exit",
                  .operands = "",
                  .summary = "end the shell, as Ctrl-D does",
                  .help = "\nexample: exit\n"},
};

static int run_own(struct shell *shell, const struct cli_arguments *arguments)
{
    switch ((enum own)(arguments->command - shell->commands)) {
    case OWN_HELP:
        return print_help(shell, arguments);
    case OWN_CD:
        return change_folder(shell, arguments);
    case OWN_PWD:
        (void)printf("%s\n", shell->folder);
        return CLI_DONE;
    case OWN_EXIT:
        shell->ends = true;
        return CLI_DONE;
    case OWN_COUNT:
        break;
    }
    return CLI_DONE;
}

/* But this one: a shell in a shell would read the same input. */
static struct cli_command *all_commands(void)
{
    size_t count = 0;
    size_t others = 0;
    while (cli_commands[others].name != NULL) {
        others++;
    }
    struct cli_command *all = cd_calloc(OWN_COUNT + others + 1, sizeof(*all));
    memcpy(all, own_commands, sizeof(own_commands));
    count = OWN_COUNT;
    for (size_t i = 0; i < others; i++) {
        if (cli_commands[i].run != cli_shell) {
            all[count++] = cli_commands[i];
        }
    }
    return all;
}

/* ---- One line ---- */

/* The client of the shell is another's, or has not what the command needs. */
static bool needs_own_client(const struct shell *shell, const struct cli_arguments *line)
{
    const struct cli_arguments *shells = shell->arguments;
    return line->command->session || cli_has(line, CLI_EPHEMERAL) ||
           line->endpoints != shells->endpoints || line->ca_file != shells->ca_file ||
           line->cert_file != shells->cert_file || line->key_file != shells->key_file ||
           line->name_space != shells->name_space || line->timeout_ms != shells->timeout_ms;
}

static int run_alone(const struct cli_arguments *line)
{
    struct coord_error error;
    struct coord_client *client = NULL;
    bool session = line->command->session || cli_has(line, CLI_EPHEMERAL);
    if (cli_connect(line, session, &client, &error) != COORD_OK) {
        return cli_say(error.code == COORD_NO_MEMORY ? CLI_REFUSED : CLI_USAGE, "%s",
                       error.message);
    }
    int code = line->command->run(client, line);
    coord_client_close(client);
    return code;
}

static int run_command(struct shell *shell, struct cli_arguments *line)
{
    int code = CLI_DONE;
    if (line->help) {
        if (line->command != NULL) {
            cli_print_help(line->command);
        } else {
            cli_print_help_of_shell(shell->commands);
        }
    } else if (line->command->run == NULL) {
        code = run_own(shell, line);
    } else if (line->command->offline) {
        code = line->command->run(NULL, line);
    } else if (needs_own_client(shell, line)) {
        code = run_alone(line);
    } else {
        code = line->command->run(shell->client, line);
        shell->answers = code != CLI_UNREACHABLE;
    }
    return code;
}

/* With its first operand as a path, if it is one. */
static int run_with_path(struct shell *shell, struct cli_arguments *line)
{
    char **operands = cd_calloc((size_t)line->operands_count + 1, sizeof(*operands));
    char *path = NULL;
    for (int i = 0; i < line->operands_count; i++) {
        operands[i] = line->operands[i]; /* the NULL behind the last stays */
    }
    if (line->operands_count > 0 && cli_takes_path(line->command)) {
        path = path_of(shell, operands[0]);
        operands[0] = path;
    }
    line->operands = operands;
    int code = run_command(shell, line);
    cd_free(path);
    cd_free(operands);
    return code;
}

/* Returns the exit code that it would have had by itself. */
static int run_line(struct shell *shell, const char *text)
{
    struct cli_words words;
    struct cli_arguments line;
    char message[CLI_MESSAGE_BYTES];
    int code = CLI_DONE;
    if (!cli_words_split(&words, text, true, message, sizeof(message))) {
        code = cli_say(CLI_USAGE, "%s", message);
    } else if (words.count > 0 && words.word[1][0] != '#') {
        code = cli_line_parse(words.count + 1, words.word, shell->commands, shell->arguments, &line,
                              message)
                   ? run_with_path(shell, &line)
                   : cli_say(CLI_USAGE, "%s\nType `help` for what there is.", message);
    }
    cli_words_release(&words);
    int written = cli_finish_output();
    return code != CLI_DONE ? code : written;
}

/* ---- At a terminal ---- */

static const char *write_prompt(void *context)
{
    struct shell *shell = context;
    const char *name_space = shell->arguments->name_space;
    cd_buf_clear(&shell->prompt);
    cd_buf_printf(&shell->prompt, "coord%s %s%s%s> ", shell->answers ? "" : " (no answer)",
                  name_space != NULL ? name_space : "", name_space != NULL ? ":" : "",
                  shell->folder);
    cd_buf_put(&shell->prompt, "", 1);
    return shell->prompt.overflowed ? "> " : (const char *)shell->prompt.data;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A slash behind a name that has children itself. */
static void add_page(const struct coord_result *page, const char *folder, const char *beginning,
                     struct cli_candidates *to)
{
    for (size_t i = 0; i < coord_result_children_count(page); i++) {
        struct cd_buf word;
        const struct coord_node_stat *stat = coord_result_child_stat(page, i);
        cd_buf_init(&word, LINE_BYTES_MAX);
        cd_buf_printf(&word, "%s%s%s", folder, coord_result_child_name(page, i),
                      stat != NULL && stat->num_children > 0 ? "/" : "");
        cd_buf_put(&word, "", 1);
        if (!word.overflowed) {
            cli_candidates_add(to, beginning, (const char *)word.data);
        }
        cd_buf_release(&word);
    }
}

/* Whoever waits for a Tab waits PATIENCE_MS at most. */
static void add_children(void *context, const char *folder, const char *beginning,
                         struct cli_candidates *to)
{
    struct shell *shell = context;
    struct coord_error error;
    struct coord_result *page = NULL;
    uint64_t deadline = now_ms() + PATIENCE_MS;
    char *path = path_of(shell, folder);
    bool more = true;
    while (more && !to->more && now_ms() < deadline) {
        struct coord_result *next = NULL;
        struct coord_call_options *call = patience((uint32_t)(deadline - now_ms()));
        enum coord_code code = coord_children(shell->client, path, COORD_CHILDREN_WITH_STAT, 0,
                                              page, call, &next, &error);
        coord_call_options_free(call);
        coord_result_free(page);
        page = next;
        more = code == COORD_OK && coord_result_more(page);
        if (code == COORD_OK) {
            add_page(page, folder, beginning, to);
        }
    }
    to->more |= more;
    coord_result_free(page);
    cd_free(path);
}

static void complete(void *context, const char *line, struct cli_candidates *ret_candidates)
{
    struct shell *shell = context;
    cli_complete(line, shell->commands, add_children, shell, ret_candidates);
}

static void look_whether_it_answers(struct shell *shell)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = patience(PATIENCE_MS);
    (void)coord_stat(shell->client, "/", call, &result, &error);
    shell->answers = cli_exit_of(result != NULL ? COORD_OK : error.code) != CLI_UNREACHABLE;
    coord_result_free(result);
    coord_call_options_free(call);
}

static int talk(struct shell *shell)
{
    const struct cli_edit_owner owner = {
        .context = shell, .prompt = write_prompt, .complete = complete};
    (void)setlocale(LC_CTYPE, ""); /* libedit counts characters */
    struct cli_edit *edit = cli_edit_open(&owner);
    if (edit == NULL) {
        return cli_say(CLI_USAGE, "shell: this terminal cannot be used; give lines on a pipe");
    }
    cli_interrupt_ignore();
    look_whether_it_answers(shell);
    while (!shell->ends) {
        const char *line = cli_edit_read(edit);
        if (line == NULL) {
            break;
        }
        cli_interrupt_catch();
        (void)run_line(shell, line);
        cli_interrupt_ignore();
        if (cli_line_is_open()) {
            (void)putchar('\n');
        }
        clearerr(stdin); /* Ctrl-D ended the data of that line, no more */
    }
    cli_edit_close(edit);
    return CLI_DONE;
}

/* ---- Without one ---- */

/* The next line into an empty buffer, with a NUL for its end; false at the end of the input. */
static bool read_line(struct cd_buf *line)
{
    int c = getchar();
    bool any = c != EOF;
    while (c != EOF && c != '\n') {
        char byte = (char)c;
        cd_buf_put(line, &byte, 1);
        c = getchar();
    }
    cd_buf_put(line, "", 1);
    return any;
}

static int run_script(struct shell *shell)
{
    struct cd_buf line;
    int last = CLI_DONE;
    cd_buf_init(&line, LINE_BYTES_MAX);
    cli_input_keep();
    while (!shell->ends && read_line(&line)) {
        int code = line.overflowed
                       ? cli_say(CLI_USAGE, "shell: a line has more than %d bytes", LINE_BYTES_MAX)
                       : run_line(shell, (const char *)line.data);
        last = code != CLI_DONE ? code : last;
        cd_buf_clear(&line);
    }
    cd_buf_release(&line);
    return last;
}

int cli_shell(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct shell shell = {.client = client,
                          .arguments = arguments,
                          .commands = all_commands(),
                          .folder = cd_strdup("/"),
                          .answers = true};
    cd_buf_init(&shell.prompt, LINE_BYTES_MAX);
    bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    int code = terminal ? talk(&shell) : run_script(&shell);
    cd_buf_release(&shell.prompt);
    cd_free(shell.folder);
    cd_free(shell.commands);
    return code;
}
