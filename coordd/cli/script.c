#include "script.h"
#include "acl.h"
#include "arguments.h"
#include "values.h"
#include "words.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

CD_PRINTF(2, 3)
static bool wrong(char message[CLI_SCRIPT_MESSAGE_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, CLI_SCRIPT_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Compares ---- */

static const struct {
    const char *name;
    enum coord_compared compared;
    bool orders; /* less and greater have a meaning too */
} compared[] = {
    {"version", COORD_IF_VERSION, true},   {"cversion", COORD_IF_CVERSION, true},
    {"aversion", COORD_IF_AVERSION, true}, {"czxid", COORD_IF_CZXID, true},
    {"mzxid", COORD_IF_MZXID, true},       {"pzxid", COORD_IF_PZXID, true},
    {"owner", COORD_IF_OWNER, false},      {"num_children", COORD_IF_NUM_CHILDREN, true}};

static bool take_relation(const char *word, bool orders, enum coord_relation *ret_relation,
                          char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    static const struct {
        const char *name;
        enum coord_relation relation;
    } relations[] = {
        {"==", COORD_EQUAL}, {"!=", COORD_NOT_EQUAL}, {"<", COORD_LESS}, {">", COORD_GREATER}};
    for (size_t i = 0; i < (orders ? CD_ARRAY_COUNT(relations) : 2); i++) {
        if (strcmp(word, relations[i].name) == 0) {
            *ret_relation = relations[i].relation;
            return true;
        }
    }
    return wrong(message, "%.60s: it is ==%s", word, orders ? ", !=, < or >" : " or !=");
}

static bool add_compare_of_number(struct coord_txn *txn, char *const *word, size_t index,
                                  char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    enum coord_relation relation = COORD_EQUAL;
    uint64_t value = 0;
    if (!take_relation(word[2], compared[index].orders, &relation, message)) {
        return false;
    }
    if (!cli_number_parse(word[3], UINT64_MAX, &value)) {
        return wrong(message, "%.60s: give a number", word[3]);
    }
    coord_txn_compare(txn, word[1], compared[index].compared, relation, value);
    return true;
}

/* Those about more than a number of the node: value and held. */
static bool add_compare_of_more(struct coord_txn *txn, char *const *word,
                                char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    enum coord_relation relation = COORD_EQUAL;
    uint64_t fence = 0;
    bool held = strcmp(word[0], "held") == 0;
    if (!held && strcmp(word[0], "value") != 0) {
        return wrong(message,
                     "%.60s: a compare begins with exists, missing, value, held, owner, version, "
                     "cversion, aversion, czxid, mzxid, pzxid or num_children; operations stand "
                     "behind a line \"then\"",
                     word[0]);
    }
    if (!take_relation(word[2], false, &relation, message)) {
        return false;
    }
    if (!held) {
        coord_txn_compare_data(txn, word[1], relation, word[3], strlen(word[3]));
        return true;
    }
    if (!cli_number_parse(word[3], UINT64_MAX, &fence)) {
        return wrong(message, "%.60s: give a fence, the czxid of the node", word[3]);
    }
    coord_txn_compare_held(txn, word[1], relation, fence, 1, NULL, 0);
    return true;
}

static bool add_compare(struct coord_txn *txn, const struct cli_words *words,
                        char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    char *const *word = words->word + 1;
    bool exists = strcmp(word[0], "exists") == 0;
    if (exists || strcmp(word[0], "missing") == 0) {
        if (words->count != 2) {
            return wrong(message, "%s takes a path", word[0]);
        }
        coord_txn_compare(txn, word[1], COORD_IF_EXISTS, COORD_EQUAL, exists ? 1 : 0);
        return true;
    }
    if (words->count != 4) {
        return wrong(message, "a compare is \"exists PATH\", \"missing PATH\" or \"WHAT PATH "
                              "RELATION VALUE\"; operations stand behind a line \"then\"");
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(compared); i++) {
        if (strcmp(word[0], compared[i].name) == 0) {
            return add_compare_of_number(txn, word, i, message);
        }
    }
    return add_compare_of_more(txn, word, message);
}

/* ---- Operations: as the commands of the same names ---- */

/* In the order of enum cli_script_op. */
static const struct cli_command operations[] = {
    [CLI_OP_CREATE] = {.name = "create",
                       .operands = "PATH [DATA]",
                       .takes =
                           CLI_PARENTS | CLI_SEQUENTIAL | CLI_IF_ABSENT | CLI_CONTAINER | CLI_TTL,
                       .operands_min = 1,
                       .operands_max = 2},
    [CLI_OP_SET] = {.name = "set",
                    .operands = "PATH DATA",
                    .takes = CLI_VERSION,
                    .operands_min = 2,
                    .operands_max = 2},
    [CLI_OP_RM] = {.name = "rm",
                   .operands = "PATH",
                   .takes = CLI_RECURSIVE | CLI_VERSION,
                   .operands_min = 1,
                   .operands_max = 1},
    [CLI_OP_INCR] = {.name = "incr",
                     .operands = "PATH [DELTA]",
                     .takes = CLI_CREATE | CLI_VERSION,
                     .operands_min = 1,
                     .operands_max = 2},
    [CLI_OP_CHECK] = {.name = "check",
                      .operands = "PATH",
                      .takes = CLI_VERSION,
                      .operands_min = 1,
                      .operands_max = 1},
    [CLI_OP_GET] = {.name = "get", .operands = "PATH", .operands_min = 1, .operands_max = 1},
    [CLI_OP_EXISTS] = {.name = "exists", .operands = "PATH", .operands_min = 1, .operands_max = 1},
    [CLI_OP_LS] = {.name = "ls", .operands = "PATH", .operands_min = 1, .operands_max = 1},
    [CLI_OP_ACL] = {.name = "acl",
                    .operands = "PATH ENTRY...|inherit|none",
                    .takes = CLI_VERSION,
                    .operands_min = 2,
                    .operands_max = CLI_OPERANDS_ANY},
    {.name = NULL},
};

const char *cli_script_op_name(enum cli_script_op op)
{
    return operations[op].name;
}

static void add_create(struct coord_txn *txn, enum coord_branch branch,
                       const struct cli_arguments *line, const char *data)
{
    uint32_t flags = (cli_has(line, CLI_PARENTS) ? COORD_CREATE_PARENTS : 0u) |
                     (cli_has(line, CLI_SEQUENTIAL) ? COORD_CREATE_SEQUENTIAL : 0u) |
                     (cli_has(line, CLI_IF_ABSENT) ? COORD_CREATE_IF_ABSENT : 0u) |
                     (cli_has(line, CLI_CONTAINER) ? COORD_CREATE_CONTAINER : 0u);
    coord_txn_add_create_with(txn, branch, line->operands[0], data, strlen(data), flags,
                              line->ttl_ms, NULL);
}

static bool add_incr(struct coord_txn *txn, enum coord_branch branch,
                     const struct cli_arguments *line, char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    int64_t delta = 1;
    if (line->operands_count > 1 && !cli_signed_parse(line->operands[1], &delta)) {
        return wrong(message, "%.60s: give a number; a negative one goes behind --",
                     line->operands[1]);
    }
    coord_txn_add_increment(txn, branch, line->operands[0], delta, line->version,
                            cli_has(line, CLI_CREATE) ? COORD_INCREMENT_CREATE : 0u);
    return true;
}

static bool add_acl(struct coord_txn *txn, enum coord_branch branch,
                    const struct cli_arguments *line, char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    struct coord_acl *acl = NULL;
    if (!cli_acl_build(line->operands + 1, line->operands_count - 1, &acl, message,
                       CLI_SCRIPT_MESSAGE_BYTES)) {
        return false;
    }
    coord_txn_add_set_acl(txn, branch, line->operands[0], acl, line->version);
    coord_acl_free(acl);
    return true;
}

static bool add_operation(struct coord_txn *txn, enum coord_branch branch,
                          const struct cli_arguments *line, enum cli_script_op op,
                          char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    const char *path = line->operands[0];
    const char *data = line->operands_count > 1 ? line->operands[1] : "";
    switch (op) {
    case CLI_OP_CREATE:
        add_create(txn, branch, line, data);
        break;
    case CLI_OP_SET:
        coord_txn_add_set(txn, branch, path, data, strlen(data), line->version);
        break;
    case CLI_OP_RM:
        coord_txn_add_delete(txn, branch, path, line->version,
                             cli_has(line, CLI_RECURSIVE) ? COORD_DELETE_RECURSIVE : 0u);
        break;
    case CLI_OP_INCR:
        return add_incr(txn, branch, line, message);
    case CLI_OP_CHECK:
        coord_txn_add_check(txn, branch, path, line->version);
        break;
    case CLI_OP_GET:
        coord_txn_add_get(txn, branch, path);
        break;
    case CLI_OP_EXISTS:
        coord_txn_add_exists(txn, branch, path);
        break;
    case CLI_OP_LS:
        coord_txn_add_children(txn, branch, path, 0, 0);
        break;
    case CLI_OP_ACL:
        return add_acl(txn, branch, line, message);
    }
    return true;
}

/* ---- Lines ---- */

static bool remember(struct cli_script *script, const char *text, enum cli_script_op op,
                     char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    size_t *count = &script->counts[script->section];
    struct cli_script_line **lines = &script->lines[script->section];
    if (*count == CLI_SCRIPT_LINES_MAX) {
        return wrong(message, "more than %d of them", (int)CLI_SCRIPT_LINES_MAX);
    }
    if ((*count & (*count - 1)) == 0) { /* full at 0 and at each power of two */
        *lines = cd_realloc(*lines, (*count == 0 ? 1 : *count * 2) * sizeof(**lines));
    }
    (*lines)[*count] = (struct cli_script_line){.text = cd_strdup(text), .op = op};
    ++*count;
    return true;
}

static bool add_section(struct cli_script *script, enum cli_section section,
                        char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    if (script->section + 1 != section) {
        return wrong(message, "\"then\" comes once, and after it \"else\" at most once");
    }
    script->section = section;
    return true;
}

static bool add_words(struct cli_script *script, const struct cli_words *words, const char *text,
                      char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    if (words->count == 0 || words->word[1][0] == '#') {
        return true;
    }
    if (words->count == 1 && strcmp(words->word[1], "then") == 0) {
        return add_section(script, CLI_SECTION_THEN, message);
    }
    if (words->count == 1 && strcmp(words->word[1], "else") == 0) {
        return add_section(script, CLI_SECTION_ELSE, message);
    }
    if (script->section == CLI_SECTION_IF) {
        return add_compare(script->txn, words, message) &&
               remember(script, text, CLI_OP_CHECK, message);
    }
    struct cli_arguments line;
    char why[CLI_MESSAGE_BYTES];
    if (!cli_words_parse(words->count + 1, words->word, operations, &line, why)) {
        return wrong(message, "%s", why);
    }
    enum cli_script_op op = (enum cli_script_op)(line.command - operations);
    enum coord_branch branch = script->section == CLI_SECTION_THEN ? COORD_THEN : COORD_ELSE;
    return add_operation(script->txn, branch, &line, op, message) &&
           remember(script, text, op, message);
}

bool cli_script_init(struct cli_script *script)
{
    *script = (struct cli_script){.txn = coord_txn_create()};
    return script->txn != NULL;
}

void cli_script_release(struct cli_script *script)
{
    for (int section = CLI_SECTION_IF; section <= CLI_SECTION_ELSE; section++) {
        for (size_t i = 0; i < script->counts[section]; i++) {
            cd_free(script->lines[section][i].text);
        }
        cd_free(script->lines[section]);
    }
    coord_txn_free(script->txn);
}

bool cli_script_add(struct cli_script *script, const char *line,
                    char message[CLI_SCRIPT_MESSAGE_BYTES])
{
    struct cli_words words;
    bool fine = cli_words_split(&words, line, false, message, CLI_SCRIPT_MESSAGE_BYTES) &&
                add_words(script, &words, line, message);
    cli_words_release(&words);
    return fine;
}
