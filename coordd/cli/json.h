#ifndef COORD_CLI_JSON_H
#define COORD_CLI_JSON_H

#include "coord/client.h"
#include "script.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Output as JSON: fields named as in proto/, values of enums as there without their prefix, one
 * object a line. Objects are given away by whoever passes them on, as jansson's "_new" functions
 * have it. No memory ends the process. Thread: main.
 */

/* Before everything else. */
void cli_json_init(void);

/* A number; above INT64_MAX, which JSON readers do not hold, its decimal digits as a string. */
json_t *cli_json_number(uint64_t value);

/* Text of which it is not known whether it is UTF-8; what is not comes as base64. */
json_t *cli_json_text(const char *text);

/* Null for NULL. */
json_t *cli_json_stat(const struct coord_node_stat *stat);

/* As text in the field `name` if it is UTF-8, else as base64 in the field `name`64. */
void cli_json_put_data(json_t *object, const char *name, const void *data, size_t bytes);

/* The upper-case names of proto/: "EPHEMERAL", "CREATED". */
const char *cli_json_node_kind(enum coord_node_kind kind);
const char *cli_json_event_kind(enum coord_event_kind kind);

/* What came of an operation, alone or in a transaction: the fields of its result in proto/. */
json_t *cli_json_result(enum cli_script_op op, const struct coord_result *result);

/*
 * One line on stdout. Takes `value`. For cli_finish_output to look at.
 */
void cli_json_print(json_t *value);

/* As cli_json_print, without the line's end. */
void cli_json_print_part(json_t *value);

#endif
