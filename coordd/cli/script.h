#ifndef COORD_CLI_SCRIPT_H
#define COORD_CLI_SCRIPT_H

#include "base/assert.h"
#include "coord/client.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A transaction as lines of text, one after another: compares, the line "then", operations, and if
 * wanted the line "else" and other operations. What a line may say is in the help of
 * `coordctl txn`; its words are those of words.h. Empty lines and those that begin with "#" say
 * nothing.
 */

/* In one section. A cluster takes fewer and says how many. */
enum { CLI_SCRIPT_LINES_MAX = 10000 };

enum cli_script_op {
    CLI_OP_CREATE,
    CLI_OP_SET,
    CLI_OP_RM,
    CLI_OP_INCR,
    CLI_OP_CHECK,
    CLI_OP_GET,
    CLI_OP_EXISTS,
    CLI_OP_LS,
    CLI_OP_ACL,
};

/* "create": the word that begins its line, and names its result. */
const char *cli_script_op_name(enum cli_script_op op);

enum cli_section { CLI_SECTION_IF, CLI_SECTION_THEN, CLI_SECTION_ELSE };

/* One line of one section. */
struct cli_script_line {
    char *text;            /* owned */
    enum cli_script_op op; /* of CLI_SECTION_THEN and CLI_SECTION_ELSE */
};

struct cli_script {
    struct coord_txn *txn; /* owned */
    enum cli_section section;
    struct cli_script_line *lines[CLI_SECTION_ELSE + 1]; /* owned */
    size_t counts[CLI_SECTION_ELSE + 1];
};

#define CLI_SCRIPT_MESSAGE_BYTES 320

/* Empty; released with cli_script_release also after false (no memory). */
CD_MUST_USE bool cli_script_init(struct cli_script *script);
void cli_script_release(struct cli_script *script);

/* Takes one line, without its end. On false `message` says what is wrong with it. */
CD_MUST_USE bool cli_script_add(struct cli_script *script, const char *line,
                                char message[CLI_SCRIPT_MESSAGE_BYTES]);

#endif
