#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_HELP = 256,
    OPTION_ENDPOINTS,
    OPTION_CACERT,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_TIMEOUT,
    OPTION_PARENTS,
    OPTION_SEQUENTIAL,
    OPTION_IF_ABSENT,
    OPTION_RECURSIVE,
    OPTION_VERSION,
    OPTION_LEVEL,
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"endpoints", required_argument, NULL, OPTION_ENDPOINTS},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"parents", no_argument, NULL, OPTION_PARENTS},
    {"sequential", no_argument, NULL, OPTION_SEQUENTIAL},
    {"if-absent", no_argument, NULL, OPTION_IF_ABSENT},
    {"recursive", no_argument, NULL, OPTION_RECURSIVE},
    {"version", required_argument, NULL, OPTION_VERSION},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"output", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

CD_PRINTF(2, 3)
static bool wrong(char message[CLI_MESSAGE_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, CLI_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Values ---- */

/* Thousandths of `text` up to its unit, at most `limit`; false if it is no such number. */
static bool parse_thousandths(const char **text, uint64_t limit, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;
    int decimals = -1; /* none begun */
    bool digits = false;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && decimals < 0 && digits); at++) {
        if (*at == '.') {
            decimals = 0;
            continue;
        }
        digits = true;
        value = value * 10 + (uint64_t)(*at - '0');
        decimals += decimals >= 0 ? 1 : 0;
        if (decimals > 3 || value > limit) {
            return false;
        }
    }
    for (int i = decimals > 0 ? decimals : 0; i < 3; i++) {
        value *= 10;
    }
    *text = at;
    *ret_value = value;
    return digits && decimals != 0;
}

bool cli_duration_parse(const char *text, uint32_t *ret_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t thousandths = 0;
    if (!parse_thousandths(&text, (uint64_t)COORD_TIMEOUT_MAX_MS * 1000, &thousandths)) {
        return false;
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(units); i++) {
        uint64_t ms = thousandths * units[i].ms / 1000;
        if (strcmp(text, units[i].name) == 0 && ms >= 1 && ms <= COORD_TIMEOUT_MAX_MS) {
            *ret_ms = (uint32_t)ms;
            return true;
        }
    }
    return false;
}

static bool parse_version(const char *text, int64_t *ret_version)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool fine = errno == 0 && end != text && *end == '\0' && *text >= '0' && *text <= '9';
    if (fine) {
        *ret_version = value;
    }
    return fine;
}

static bool take_level(struct cli_arguments *to, const char *text)
{
    if (strcmp(text, "linearizable") == 0) {
        to->level = COORD_LINEARIZABLE;
    } else if (strcmp(text, "session") == 0) {
        to->level = COORD_SESSION;
    } else {
        return false;
    }
    return true;
}

static bool take_output(struct cli_arguments *to, const char *text)
{
    if (strcmp(text, "plain") == 0) {
        to->output = CLI_PLAIN;
    } else if (strcmp(text, "table") == 0) {
        to->output = CLI_TABLE;
    } else {
        return false;
    }
    return true;
}

/* ---- Options ---- */

/* The options that every command takes; false for another one. */
static bool take_common(struct cli_arguments *to, int option, const char *value)
{
    switch (option) {
    case OPTION_HELP:
        to->help = true;
        return true;
    case OPTION_ENDPOINTS:
        to->endpoints = value;
        return true;
    case OPTION_CACERT:
        to->ca_file = value;
        return true;
    case OPTION_CERT:
        to->cert_file = value;
        return true;
    case OPTION_KEY:
        to->key_file = value;
        return true;
    default:
        return false;
    }
}

static bool take_value(struct cli_arguments *to, int option, const char *value,
                       char message[CLI_MESSAGE_BYTES])
{
    switch (option) {
    case OPTION_TIMEOUT:
        return cli_duration_parse(value, &to->timeout_ms) ||
               wrong(message,
                     "--timeout %.60s: give a number and its unit, such as 500ms, 2s or 1m", value);
    case OPTION_VERSION:
        to->given |= CLI_VERSION;
        return parse_version(value, &to->version) ||
               wrong(message, "--version %.60s: give the node's version, a number from 0 on",
                     value);
    case OPTION_LEVEL:
        to->given |= CLI_LEVEL;
        return take_level(to, value) ||
               wrong(message, "--level %.60s: it is linearizable or session", value);
    default: /* 'o' */
        to->given |= CLI_OUTPUT;
        return take_output(to, value) || wrong(message, "-o %.60s: it is table or plain", value);
    }
}

static bool take_option(struct cli_arguments *to, int option, const char *value, const char *word,
                        char message[CLI_MESSAGE_BYTES])
{
    switch (option) {
    case OPTION_PARENTS:
        to->given |= CLI_PARENTS;
        return true;
    case OPTION_SEQUENTIAL:
        to->given |= CLI_SEQUENTIAL;
        return true;
    case OPTION_IF_ABSENT:
        to->given |= CLI_IF_ABSENT;
        return true;
    case OPTION_RECURSIVE:
        to->given |= CLI_RECURSIVE;
        return true;
    case ':':
        return wrong(message, "%.60s: its value is missing", word);
    case '?':
        return wrong(message, "%.60s: no such option; data that begins with - goes behind --",
                     word);
    default:
        return take_common(to, option, value) || take_value(to, option, value, message);
    }
}

static const char *option_name(unsigned option)
{
    switch (option) {
    case CLI_PARENTS:
        return "--parents";
    case CLI_SEQUENTIAL:
        return "--sequential";
    case CLI_IF_ABSENT:
        return "--if-absent";
    case CLI_RECURSIVE:
        return "--recursive";
    case CLI_VERSION:
        return "--version";
    case CLI_LEVEL:
        return "--level";
    default:
        return "--output";
    }
}

/* ---- The whole ---- */

static const struct cli_command *find_command(const struct cli_command *commands, const char *name)
{
    for (; commands->name != NULL; commands++) {
        if (strcmp(commands->name, name) == 0) {
            return commands;
        }
    }
    return NULL;
}

static bool take_command(struct cli_arguments *to, const struct cli_command *commands,
                         const char *name, char message[CLI_MESSAGE_BYTES])
{
    if (name == NULL) {
        return to->help || wrong(message, "no command is given");
    }
    to->command = find_command(commands, name);
    if (to->command == NULL) {
        return wrong(message, "%.60s: no such command", name);
    }
    for (unsigned option = 1; option <= CLI_OUTPUT; option *= 2) {
        if ((to->given & ~to->command->takes & option) != 0) {
            return wrong(message, "%s has no meaning for %s", option_name(option), name);
        }
    }
    return true;
}

static bool take_operands(struct cli_arguments *to, char *const *operands, int count,
                          char message[CLI_MESSAGE_BYTES])
{
    const struct cli_command *command = to->command;
    if (command == NULL || to->help) {
        return true;
    }
    if (count < command->operands_min || count > command->operands_max) {
        return wrong(message, "%s takes %s%s%s, and was given %d operand%s", command->name,
                     command->operands[0] != '\0' ? "\"" : "no operand", command->operands,
                     command->operands[0] != '\0' ? "\"" : "", count, count == 1 ? "" : "s");
    }
    for (int i = 0; i < count; i++) {
        to->operands[i] = operands[i];
    }
    to->operands_count = count;
    return true;
}

static bool need(const char **value, const char *option, const char *variable,
                 char *(*environment)(const char *name), char message[CLI_MESSAGE_BYTES])
{
    if (*value != NULL && **value == '\0') {
        return wrong(message, "%s: it is empty", option);
    }
    if (*value == NULL) {
        *value = environment(variable);
    }
    return (*value != NULL && **value != '\0') ||
           wrong(message, "%s is missing: give it, or set %s", option, variable);
}

static bool take_environment(struct cli_arguments *to, char *(*environment)(const char *name),
                             char message[CLI_MESSAGE_BYTES])
{
    return to->help ||
           (need(&to->endpoints, "--endpoints", "COORD_ENDPOINTS", environment, message) &&
            need(&to->ca_file, "--cacert", "COORD_CACERT", environment, message) &&
            need(&to->cert_file, "--cert", "COORD_CERT", environment, message) &&
            need(&to->key_file, "--key", "COORD_KEY", environment, message));
}

bool cli_arguments_parse(int argc, char *const *argv, const struct cli_command *commands,
                         char *(*environment)(const char *name),
                         struct cli_arguments *ret_arguments, char message[CLI_MESSAGE_BYTES])
{
    struct cli_arguments arguments = {
        .timeout_ms = CLI_TIMEOUT_DEFAULT_MS,
        .version = COORD_ANY_VERSION,
        .level = COORD_LINEARIZABLE,
    };
    int option = 0;
    optind = 0; /* GNU: begin anew, so that it may be called twice */
    while ((option = getopt_long(argc, argv, ":ho:", long_options, NULL)) != -1) {
        const char *word = optind > 0 ? argv[optind - 1] : "";
        option = option == 'h' ? OPTION_HELP : option;
        if (!take_option(&arguments, option, optarg, word, message)) {
            return false;
        }
    }
    const char *name = optind < argc ? argv[optind] : NULL;
    if (!take_command(&arguments, commands, name, message) ||
        !take_operands(&arguments, argv + optind + 1, argc - optind - 1, message) ||
        !take_environment(&arguments, environment, message)) {
        return false;
    }
    *ret_arguments = arguments;
    return true;
}
