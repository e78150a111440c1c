#ifndef COORD_CLI_ARGUMENTS_H
#define COORD_CLI_ARGUMENTS_H

#include "base/assert.h"
#include "coord/client.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The command line and the environment as one struct. Nothing is read, dialled or printed here.
 * Thread: main.
 */

#define CLI_TIMEOUT_DEFAULT_MS 10000u
#define CLI_OPERANDS_MAX       2

/* Options that belong to some commands only, as bits; `takes` of a command is their sum. */
enum cli_option {
    CLI_PARENTS = 1,
    CLI_SEQUENTIAL = 2,
    CLI_IF_ABSENT = 4,
    CLI_RECURSIVE = 8,
    CLI_VERSION = 16,
    CLI_LEVEL = 32,
    CLI_OUTPUT = 64,
};

enum cli_output { CLI_TABLE, CLI_PLAIN };

struct cli_arguments;

/* One command; the table of all is in commands.c. */
struct cli_command {
    const char *name;
    const char *operands; /* "PATH [DATA|-]" */
    const char *summary;  /* one line */
    const char *help;     /* what else there is to say, with an example */
    unsigned takes;       /* of enum cli_option */
    int operands_min, operands_max;
    /* Does it and returns the exit code. */
    int (*run)(struct coord_client *client, const struct cli_arguments *arguments);
};

/* Texts are borrowed from argv and the environment. */
struct cli_arguments {
    const struct cli_command *command; /* NULL: help is set and is about all */
    bool help;
    const char *endpoints, *ca_file, *cert_file, *key_file;
    uint32_t timeout_ms;
    unsigned given;  /* of enum cli_option: PARENTS, SEQUENTIAL, IF_ABSENT, RECURSIVE */
    int64_t version; /* or COORD_ANY_VERSION */
    enum coord_level level;
    enum cli_output output;
    const char *operands[CLI_OPERANDS_MAX];
    int operands_count;
};

#define CLI_MESSAGE_BYTES 256

/*
 * `commands` ends with a row without a name. `environment` is getenv, but for tests. On false
 * `message` says what was wrong with the call and what would be right.
 */
CD_MUST_USE bool cli_arguments_parse(int argc, char *const *argv,
                                     const struct cli_command *commands,
                                     char *(*environment)(const char *name),
                                     struct cli_arguments *ret_arguments,
                                     char message[CLI_MESSAGE_BYTES]);

/*
 * "500ms", "2s", "1.5s", "1m": a number with at most three decimals and its unit, from 1 ms to
 * COORD_TIMEOUT_MAX_MS. False otherwise.
 */
CD_MUST_USE bool cli_duration_parse(const char *text, uint32_t *ret_ms);

#endif
