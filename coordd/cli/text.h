#ifndef COORD_CLI_TEXT_H
#define COORD_CLI_TEXT_H

#include "arguments.h"

#include <stddef.h>
#include <stdint.h>

/* Output for people, and the parts that several commands share. Thread: main. */

/* "persistent", "created". */
const char *cli_node_kind_name(enum coord_node_kind kind);
const char *cli_event_kind_name(enum coord_event_kind kind);

/* The lines "name = value" of `coordctl stat`. */
void cli_print_stat(const struct coord_node_stat *stat);

/* Data as part of a line: in quotes and escaped as in JSON, or "base64:" and what that makes of it.
 */
void cli_print_data(const void *data, size_t bytes);

/* The bytes as they are. */
void cli_print_bytes(const void *data, size_t bytes);

/* The last of them was no end of a line; asked by a shell, whose prompt begins a line. */
bool cli_line_is_open(void);

/* cli_say_failure about the first operand. */
int cli_failed(const struct cli_arguments *arguments, const struct coord_error *error);

/* With the level that was asked for. Freed with coord_call_options_free; NULL means all defaults,
 * which is what no memory gives. */
struct coord_call_options *cli_read_options(const struct cli_arguments *arguments);

#endif
