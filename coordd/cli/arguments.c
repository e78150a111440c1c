#include "arguments.h"
#include "values.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every option has a number for getopt: one of these, or the bit of enum cli_option above BIT. */
enum {
    OPTION_HELP = 256,
    OPTION_ENDPOINTS,
    OPTION_CACERT,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_TIMEOUT,
    OPTION_NAMESPACE,
    BIT = 1 << 28,
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"endpoints", required_argument, NULL, OPTION_ENDPOINTS},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"namespace", required_argument, NULL, OPTION_NAMESPACE},
    {"parents", no_argument, NULL, BIT + CLI_PARENTS},
    {"sequential", no_argument, NULL, BIT + CLI_SEQUENTIAL},
    {"if-absent", no_argument, NULL, BIT + CLI_IF_ABSENT},
    {"recursive", no_argument, NULL, BIT + CLI_RECURSIVE},
    {"version", required_argument, NULL, BIT + CLI_VERSION},
    {"level", required_argument, NULL, BIT + CLI_LEVEL},
    {"output", required_argument, NULL, BIT + CLI_OUTPUT},
    {"ephemeral", no_argument, NULL, BIT + CLI_EPHEMERAL},
    {"container", no_argument, NULL, BIT + CLI_CONTAINER},
    {"ttl", required_argument, NULL, BIT + CLI_TTL},
    {"from", required_argument, NULL, BIT + CLI_FROM},
    {"values", no_argument, NULL, BIT + CLI_VALUES},
    {"count", required_argument, NULL, BIT + CLI_COUNT},
    {"limit", required_argument, NULL, BIT + CLI_LIMIT},
    {"create", no_argument, NULL, BIT + CLI_CREATE},
    {"steps", no_argument, NULL, BIT + CLI_STEPS},
    {"wait", required_argument, NULL, BIT + CLI_WAIT},
    {"sessions", required_argument, NULL, BIT + CLI_SESSIONS},
    {"outstanding", required_argument, NULL, BIT + CLI_OUTSTANDING},
    {"bytes", required_argument, NULL, BIT + CLI_BYTES},
    {"reads", required_argument, NULL, BIT + CLI_READS},
    {"seconds", required_argument, NULL, BIT + CLI_SECONDS},
    {"id", required_argument, NULL, BIT + CLI_ID},
    {"data", required_argument, NULL, BIT + CLI_DATA},
    {"meta", required_argument, NULL, BIT + CLI_META},
    {NULL, 0, NULL, 0},
};

static int option_of_letter(int letter)
{
    switch (letter) {
    case 'h':
        return OPTION_HELP;
    case 'o':
        return BIT + CLI_OUTPUT;
    case 'r':
    case 'R':
        return BIT + CLI_RECURSIVE;
    default:
        return letter;
    }
}

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

static bool take_timeout(struct cli_arguments *to, const char *text)
{
    uint64_t ms = 0;
    if (!cli_duration_parse(text, COORD_TIMEOUT_MAX_MS, &ms)) {
        return false;
    }
    to->timeout_ms = (uint32_t)ms;
    return true;
}

static bool take_version(struct cli_arguments *to, const char *text)
{
    uint64_t version = 0;
    if (!cli_number_parse(text, INT64_MAX, &version)) {
        return false;
    }
    to->version = (int64_t)version;
    return true;
}

static const struct {
    const char *name;
    enum coord_level level;
} levels[] = {{"linearizable", COORD_LINEARIZABLE}, {"session", COORD_SESSION}};

static bool take_level(struct cli_arguments *to, const char *text)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(levels); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            to->level = levels[i].level;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    enum cli_output output;
} outputs[] = {{"table", CLI_TABLE}, {"plain", CLI_PLAIN}, {"json", CLI_JSON}};

static bool take_output(struct cli_arguments *to, const char *text)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(outputs); i++) {
        if (strcmp(text, outputs[i].name) == 0) {
            to->output = outputs[i].output;
            return true;
        }
    }
    return false;
}

static bool take_ttl(struct cli_arguments *to, const char *text)
{
    return (cli_number_parse(text, INT64_MAX, &to->ttl_ms) && to->ttl_ms > 0) ||
           cli_duration_parse(text, CLI_DURATION_MAX_MS, &to->ttl_ms);
}

static bool take_wait(struct cli_arguments *to, const char *text)
{
    uint64_t ms = 0;
    bool taken = strcmp(text, "0") == 0 || cli_duration_parse(text, COORD_TIMEOUT_MAX_MS, &ms);
    to->wait_ms = (uint32_t)ms;
    return taken;
}

/* One of the numbers of `bench`. */
static bool take_load(struct cli_arguments *to, unsigned option, const char *text,
                      char message[CLI_MESSAGE_BYTES])
{
    const struct {
        unsigned option;
        const char *name;
        uint32_t min, max;
        uint32_t *number;
    } numbers[] = {
        {CLI_SESSIONS, "sessions", 1, CLI_SESSIONS_MAX, &to->load.sessions},
        {CLI_OUTSTANDING, "outstanding", 1, CLI_OUTSTANDING_MAX, &to->load.outstanding},
        {CLI_BYTES, "bytes", 0, CLI_BYTES_MAX, &to->load.bytes},
        {CLI_READS, "reads", 0, 100, &to->load.reads},
        {CLI_SECONDS, "seconds", 1, CLI_SECONDS_MAX, &to->load.seconds},
    };
    uint64_t value = 0;
    for (size_t i = 0; i < CD_ARRAY_COUNT(numbers); i++) {
        if (numbers[i].option != option) {
            continue;
        }
        if (!cli_number_parse(text, numbers[i].max, &value) || value < numbers[i].min) {
            return wrong(message, "--%s %.60s: give a number from %" PRIu32 " to %" PRIu32,
                         numbers[i].name, text, numbers[i].min, numbers[i].max);
        }
        *numbers[i].number = (uint32_t)value;
    }
    return true;
}

static bool take_metadata(struct cli_arguments *to, const char *text,
                          char message[CLI_MESSAGE_BYTES])
{
    if (strchr(text, '=') == NULL || text[0] == '=') {
        return wrong(message, "--meta %.60s: give KEY=VALUE", text);
    }
    if (to->metadata_count == CLI_METADATA_MAX) {
        return wrong(message, "--meta: an instance has at most %d of them", CLI_METADATA_MAX);
    }
    to->metadata[to->metadata_count++] = text;
    return true;
}

static bool take_value(struct cli_arguments *to, unsigned option, const char *value,
                       char message[CLI_MESSAGE_BYTES])
{
    switch (option) {
    case CLI_VERSION:
        return take_version(to, value) ||
               wrong(message, "--version %.60s: give the node's version, a number from 0 on",
                     value);
    case CLI_LEVEL:
        return take_level(to, value) ||
               wrong(message, "--level %.60s: it is linearizable or session", value);
    case CLI_OUTPUT:
        return take_output(to, value) ||
               wrong(message, "-o %.60s: it is table, plain or json", value);
    case CLI_TTL:
        return take_ttl(to, value) ||
               wrong(message, "--ttl %.60s: give milliseconds, or a number and its unit", value);
    case CLI_WAIT:
        return take_wait(to, value) ||
               wrong(message, "--wait %.60s: give 0, or a number and its unit, such as 30s", value);
    case CLI_FROM:
        return (cli_number_parse(value, UINT64_MAX, &to->from_zxid) && to->from_zxid > 0) ||
               wrong(message, "--from %.60s: give a zxid, such as 0x1000000000001", value);
    case CLI_COUNT:
        return (cli_number_parse(value, UINT64_MAX, &to->count) && to->count > 0) ||
               wrong(message, "--count %.60s: give a number from 1 on", value);
    case CLI_LIMIT:
        return (cli_number_parse(value, UINT64_MAX, &to->limit) && to->limit > 0) ||
               wrong(message, "--limit %.60s: give a number from 1 on", value);
    case CLI_ID:
        to->id = value;
        return *value != '\0' || wrong(message, "--id: it is empty");
    case CLI_DATA:
        to->data = value;
        return true;
    case CLI_META:
        return take_metadata(to, value, message);
    default: /* another number, or no value at all */
        return take_load(to, option, value, message);
    }
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
    case OPTION_NAMESPACE:
        to->name_space = value;
        return true;
    default:
        return false;
    }
}

static bool take_option(struct cli_arguments *to, int option, const char *value, const char *word,
                        char message[CLI_MESSAGE_BYTES])
{
    if (option == ':') {
        return wrong(message, "%.60s: its value is missing", word);
    }
    if (option == '?') {
        return wrong(message, "%.60s: no such option; data that begins with - goes behind --",
                     word);
    }
    if (take_common(to, option, value)) {
        return true;
    }
    if (option == OPTION_TIMEOUT) {
        return take_timeout(to, value) ||
               wrong(message,
                     "--timeout %.60s: give a number and its unit, such as 500ms, 2s or 1m", value);
    }
    to->given |= (unsigned)option - BIT;
    return take_value(to, (unsigned)option - BIT, value, message);
}

static unsigned bits_of(const struct cli_command *command)
{
    if (command == NULL) {
        return 0;
    }
    return command->takes | (command->outputs != 0 ? CLI_OUTPUT : 0u);
}

/* Of a bit; what is not there is never asked for. */
static const char *option_name(unsigned bit)
{
    const struct option *option = long_options;
    while (option->val != (int)(BIT + bit)) {
        CD_ASSERT(option->name != NULL);
        option++;
    }
    return option->name;
}

/* ---- The whole ---- */

/* How many of the words are the command's name, or 0. */
static int words_of(const char *name, char *const *words, int count)
{
    const char *space = strchr(name, ' ');
    if (space == NULL) {
        return count >= 1 && strcmp(words[0], name) == 0 ? 1 : 0;
    }
    size_t bytes = (size_t)(space - name);
    bool same = count >= 2 && strncmp(words[0], name, bytes) == 0 && words[0][bytes] == '\0' &&
                strcmp(words[1], space + 1) == 0;
    return same ? 2 : 0;
}

/* "acl": the first of two words, and how it goes on. */
static bool wrong_name(const struct cli_command *commands, const char *name,
                       char message[CLI_MESSAGE_BYTES])
{
    char known[64] = "";
    size_t bytes = strlen(name);
    size_t used = 0;
    for (; commands->name != NULL; commands++) {
        if (strncmp(commands->name, name, bytes) == 0 && commands->name[bytes] == ' ' &&
            used < sizeof(known)) {
            int more = snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? " or " : "",
                                commands->name + bytes + 1);
            used += more > 0 ? (size_t)more : 0;
        }
    }
    return used > 0 ? wrong(message, "%.60s: goes on with %s", name, known)
                    : wrong(message, "%.60s: no such command", name);
}

static bool take_command(struct cli_arguments *to, const struct cli_command *commands,
                         char *const *words, int count, int *ret_words,
                         char message[CLI_MESSAGE_BYTES])
{
    *ret_words = 0;
    if (count == 0) {
        return to->help || wrong(message, "no command is given");
    }
    for (const struct cli_command *each = commands; each->name != NULL && *ret_words == 0; each++) {
        *ret_words = words_of(each->name, words, count);
        to->command = each;
    }
    if (*ret_words == 0) {
        return wrong_name(commands, words[0], message);
    }
    unsigned takes = bits_of(to->command);
    for (unsigned bit = 1; bit <= CLI_OPTION_LAST; bit *= 2) {
        if ((to->given & ~takes & bit) != 0) {
            return wrong(message, "--%s has no meaning for %s", option_name(bit),
                         to->command->name);
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
    to->operands = operands;
    to->operands_count = count;
    return true;
}

/* What the command can print, and what it prints if nothing is said. */
static bool settle_output(struct cli_arguments *to, char message[CLI_MESSAGE_BYTES])
{
    if (to->command == NULL) {
        return true;
    }
    if (!cli_has(to, CLI_OUTPUT)) {
        to->output = (to->command->outputs & CLI_TABLE) != 0 ? CLI_TABLE : CLI_PLAIN;
        return true;
    }
    if ((to->command->outputs & (unsigned)to->output) != 0) {
        return true;
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(outputs); i++) {
        if (outputs[i].output == to->output) {
            return wrong(message, "%s has no output as %s", to->command->name, outputs[i].name);
        }
    }
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
    if (to->name_space == NULL) {
        to->name_space = environment("COORD_NAMESPACE");
    }
    return to->help || to->command->offline ||
           (need(&to->endpoints, "--endpoints", "COORD_ENDPOINTS", environment, message) &&
            need(&to->ca_file, "--cacert", "COORD_CACERT", environment, message) &&
            need(&to->cert_file, "--cert", "COORD_CERT", environment, message) &&
            need(&to->key_file, "--key", "COORD_KEY", environment, message));
}

static bool parse(int argc, char *const *argv, const char *letters, const struct option *options,
                  const struct cli_command *commands, struct cli_arguments *to,
                  char message[CLI_MESSAGE_BYTES])
{
    int option = 0;
    optind = 0; /* GNU: begin anew, so that it may be called again */
    while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const char *word = optind > 0 ? argv[optind - 1] : "";
        if (!take_option(to, option_of_letter(option), optarg, word, message)) {
            return false;
        }
    }
    int named = 0;
    return take_command(to, commands, argv + optind, argc - optind, &named, message) &&
           settle_output(to, message) &&
           take_operands(to, argv + optind + named, argc - optind - named, message);
}

static const struct cli_arguments defaults = {
    .timeout_ms = CLI_TIMEOUT_DEFAULT_MS,
    .version = COORD_ANY_VERSION,
    .level = COORD_LINEARIZABLE,
    .output = CLI_PLAIN,
    .load = CLI_LOAD_DEFAULT,
};

bool cli_arguments_parse(int argc, char *const *argv, const struct cli_command *commands,
                         char *(*environment)(const char *name),
                         struct cli_arguments *ret_arguments, char message[CLI_MESSAGE_BYTES])
{
    struct cli_arguments arguments = defaults;
    if (!parse(argc, argv, ":ho:rR", long_options, commands, &arguments, message) ||
        !take_environment(&arguments, environment, message)) {
        return false;
    }
    *ret_arguments = arguments;
    return true;
}

bool cli_line_parse(int argc, char *const *argv, const struct cli_command *commands,
                    const struct cli_arguments *shell, struct cli_arguments *ret_arguments,
                    char message[CLI_MESSAGE_BYTES])
{
    struct cli_arguments arguments = defaults;
    arguments.endpoints = shell->endpoints;
    arguments.ca_file = shell->ca_file;
    arguments.cert_file = shell->cert_file;
    arguments.key_file = shell->key_file;
    arguments.name_space = shell->name_space;
    arguments.timeout_ms = shell->timeout_ms;
    if (!parse(argc, argv, ":ho:rR", long_options, commands, &arguments, message)) {
        return false;
    }
    *ret_arguments = arguments;
    return true;
}

bool cli_words_parse(int argc, char *const *argv, const struct cli_command *commands,
                     struct cli_arguments *ret_arguments, char message[CLI_MESSAGE_BYTES])
{
    struct cli_arguments arguments = defaults;
    const struct option *own = long_options;
    while (own->val != BIT + CLI_PARENTS) {
        own++; /* --help, where the cluster is, and --timeout come first */
    }
    if (!parse(argc, argv, ":rR", own, commands, &arguments, message)) {
        return false;
    }
    *ret_arguments = arguments;
    return true;
}

/* ---- What there is ---- */

bool cli_option_at(const struct cli_command *command, size_t index,
                   struct cli_option_name *ret_option)
{
    unsigned bits = bits_of(command);
    for (const struct option *each = long_options; each->name != NULL; each++) {
        bool taken = each->val < BIT || ((unsigned)(each->val - BIT) & bits) != 0;
        if (taken && index-- == 0) {
            ret_option->name = each->name;
            ret_option->takes_value = each->has_arg == required_argument;
            return true;
        }
    }
    return false;
}

const char *cli_value_at(const struct cli_command *command, const char *option, size_t index)
{
    unsigned bits = bits_of(command);
    if (strcmp(option, "level") == 0 && (bits & CLI_LEVEL) != 0) {
        return index < CD_ARRAY_COUNT(levels) ? levels[index].name : NULL;
    }
    if (strcmp(option, "output") != 0 || (bits & CLI_OUTPUT) == 0) {
        return NULL;
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(outputs); i++) {
        if ((command->outputs & (unsigned)outputs[i].output) != 0 && index-- == 0) {
            return outputs[i].name;
        }
    }
    return NULL;
}
