#ifndef COORD_CLI_ARGUMENTS_H
#define COORD_CLI_ARGUMENTS_H

#include "base/assert.h"
#include "coord/client.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The command line and the environment as one struct. Nothing is read, dialled or printed here.
 * Thread: main.
 */

#define CLI_TIMEOUT_DEFAULT_MS 10000u
#define CLI_OPERANDS_ANY       INT_MAX /* for operands_max */

/* Options that belong to some commands only, as bits; `takes` of a command is their sum. */
enum cli_option {
    CLI_PARENTS = 1 << 0,
    CLI_SEQUENTIAL = 1 << 1,
    CLI_IF_ABSENT = 1 << 2,
    CLI_RECURSIVE = 1 << 3,
    CLI_VERSION = 1 << 4,
    CLI_LEVEL = 1 << 5,
    CLI_OUTPUT = 1 << 6, /* taken where `outputs` is not 0 */
    CLI_EPHEMERAL = 1 << 7,
    CLI_CONTAINER = 1 << 8,
    CLI_TTL = 1 << 9,
    CLI_FROM = 1 << 10,
    CLI_VALUES = 1 << 11,
    CLI_COUNT = 1 << 12,
    CLI_LIMIT = 1 << 13,
    CLI_CREATE = 1 << 14,
    CLI_WAIT = 1 << 15,
    CLI_SESSIONS = 1 << 16,
    CLI_OUTSTANDING = 1 << 17,
    CLI_BYTES = 1 << 18,
    CLI_READS = 1 << 19,
    CLI_SECONDS = 1 << 20,
    CLI_ID = 1 << 21,
    CLI_DATA = 1 << 22,
    CLI_META = 1 << 23,
    CLI_STEPS = 1 << 24,
    CLI_OPTION_LAST = CLI_STEPS,
};

/* Bits, so that a command can say which of them it knows. */
enum cli_output { CLI_TABLE = 1, CLI_PLAIN = 2, CLI_JSON = 4 };

struct cli_arguments;

/* One command; the table of all is in commands.c. */
struct cli_command {
    const char *name;     /* one word, or two with a space between them: "acl get" */
    const char *operands; /* "PATH [DATA|-]" */
    const char *summary;  /* one line */
    const char *help;     /* what else there is to say, with an example */
    unsigned takes;       /* of enum cli_option */
    unsigned outputs;     /* of enum cli_output: what it can print; 0: one form alone */
    int operands_min, operands_max;
    bool session;      /* its client has one in any case */
    bool offline;      /* it needs no cluster: no client is made, `run` gets NULL */
    bool many_clients; /* it makes more of them */
    /* Does it and returns the exit code. */
    int (*run)(struct coord_client *client, const struct cli_arguments *arguments);
};

/* What `bench` asks of the cluster. */
struct cli_load {
    uint32_t sessions, outstanding; /* requests under way in each session */
    uint32_t bytes;                 /* of a value */
    uint32_t reads;                 /* of 100 requests */
    uint32_t seconds;
};
#define CLI_LOAD_DEFAULT                                                                           \
    {                                                                                              \
        .sessions = 10, .outstanding = 16, .bytes = 100, .reads = 0, .seconds = 10                 \
    }
#define CLI_SESSIONS_MAX    10000u
#define CLI_OUTSTANDING_MAX 1024u /* as many writes of a session may be unanswered */
#define CLI_BYTES_MAX       (1u << 20)
#define CLI_SECONDS_MAX     3600u

#define CLI_METADATA_MAX 64 /* COORD_METADATA_MAX */

/* Texts are borrowed from argv and the environment. */
struct cli_arguments {
    const struct cli_command *command; /* NULL: help is set and is about all */
    bool help;
    const char *endpoints, *ca_file, *cert_file, *key_file;
    const char *name_space; /* the node that stands for the root; NULL: none */
    uint32_t timeout_ms;
    unsigned given;  /* of enum cli_option */
    int64_t version; /* or COORD_ANY_VERSION */
    enum coord_level level;
    enum cli_output output; /* CLI_TABLE where the command has one and none is named, else PLAIN */
    uint64_t ttl_ms;        /* 0 unless CLI_TTL */
    uint64_t from_zxid;     /* likewise */
    uint64_t count;         /* likewise */
    uint64_t limit;         /* likewise */
    uint32_t wait_ms;       /* likewise */
    struct cli_load load;
    const char *id, *data;                  /* NULL unless CLI_ID, CLI_DATA */
    const char *metadata[CLI_METADATA_MAX]; /* KEY=VALUE each */
    size_t metadata_count;
    char *const *operands;
    int operands_count;
};

#define CLI_MESSAGE_BYTES 256

/* Whether an option that belongs to some commands only was given. */
static inline bool cli_has(const struct cli_arguments *arguments, enum cli_option option)
{
    return (arguments->given & (unsigned)option) != 0;
}

/*
 * `commands` ends with a row without a name. `environment` is getenv, but for tests. The words of
 * `argv` may be put into another order. On false `message` says what was wrong with the call and
 * what would be right.
 */
CD_MUST_USE bool cli_arguments_parse(int argc, char *const *argv,
                                     const struct cli_command *commands,
                                     char *(*environment)(const char *name),
                                     struct cli_arguments *ret_arguments,
                                     char message[CLI_MESSAGE_BYTES]);

/*
 * A line of `coordctl shell`: where the cluster is, who asks, and how long it may take are as in
 * `shell`, if the words say nothing else.
 */
CD_MUST_USE bool cli_line_parse(int argc, char *const *argv, const struct cli_command *commands,
                                const struct cli_arguments *shell,
                                struct cli_arguments *ret_arguments,
                                char message[CLI_MESSAGE_BYTES]);

/*
 * The words alone, without what the environment has to give, and without the options of every
 * command: a line of a transaction. argv[0] is passed over.
 */
CD_MUST_USE bool cli_words_parse(int argc, char *const *argv, const struct cli_command *commands,
                                 struct cli_arguments *ret_arguments,
                                 char message[CLI_MESSAGE_BYTES]);

/* ---- What there is, for completion ---- */

struct cli_option_name {
    const char *name; /* without its "--" */
    bool takes_value;
};

/* One after the other: those of every command (NULL: those alone), then those of `command`. False
 * past the last. */
CD_MUST_USE bool cli_option_at(const struct cli_command *command, size_t index,
                               struct cli_option_name *ret_option);

/* What may stand behind an option of the command that takes one of a few names; NULL past the last,
 * and for an option that takes another value. */
const char *cli_value_at(const struct cli_command *command, const char *option, size_t index);

#endif
