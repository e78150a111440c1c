#include "commands.h"
#include "input.h"
#include "json.h"
#include "say.h"
#include "script.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* txn: a script of lines, carried out as one transaction, and what came of each operation. */

/* ---- The script ---- */

static int add_line(struct cli_script *script, const char *line, size_t number)
{
    char message[CLI_SCRIPT_MESSAGE_BYTES];
    if (cli_script_add(script, line, message)) {
        return CLI_DONE;
    }
    return cli_say(CLI_USAGE, "txn, line %zu: %s", number, message);
}

static int add_lines(struct cli_script *script, char *text)
{
    int code = CLI_DONE;
    size_t number = 1;
    while (code == CLI_DONE && text != NULL) {
        char *end = strchr(text, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        code = add_line(script, text, number++);
        text = end != NULL ? end + 1 : NULL;
    }
    return code;
}

static int read_script(const struct cli_arguments *arguments, struct cli_script *script)
{
    int code = CLI_DONE;
    if (arguments->operands_count > 0) {
        for (int i = 0; i < arguments->operands_count && code == CLI_DONE; i++) {
            code = add_line(script, arguments->operands[i], (size_t)i + 1);
        }
    } else {
        struct cd_buf input;
        cd_buf_init(&input, CLI_INPUT_BYTES_MAX);
        code = cli_read_input(&input);
        if (code == CLI_DONE && input.bytes > 0 && memchr(input.data, '\0', input.bytes) != NULL) {
            code = cli_say(CLI_USAGE, "txn: standard input is no text: it has a NUL");
        }
        if (code == CLI_DONE) {
            cd_buf_put(&input, "", 1);
            code = add_lines(script, (char *)input.data);
        }
        cd_buf_release(&input);
    }
    if (code == CLI_DONE && script->section == CLI_SECTION_IF) {
        code = cli_say(CLI_USAGE, "txn: there is no line \"then\"");
    }
    return code;
}

/* ---- What came of it ---- */

static void print_names(const struct coord_result *result)
{
    for (size_t i = 0; i < coord_result_children_count(result); i++) {
        const char *name = coord_result_child_name(result, i);
        (void)putchar(' ');
        cli_print_data(name, strlen(name));
    }
    if (coord_result_more(result)) {
        (void)fputs(" ...", stdout);
    }
}

static void print_operation(enum cli_script_op op, const struct coord_result *result)
{
    size_t bytes = 0;
    const void *data = NULL;
    (void)fputs(cli_script_op_name(op), stdout);
    switch (op) {
    case CLI_OP_CREATE:
        (void)printf(" %s", coord_result_path(result));
        break;
    case CLI_OP_SET:
    case CLI_OP_CHECK:
        (void)printf(" version %" PRId64, coord_result_stat(result)->version);
        break;
    case CLI_OP_ACL:
        (void)printf(" aversion %" PRId64, coord_result_stat(result)->aversion);
        break;
    case CLI_OP_RM:
        (void)printf(" %" PRId64, coord_result_deleted(result));
        break;
    case CLI_OP_INCR:
        (void)printf(" %" PRId64, coord_result_value(result));
        break;
    case CLI_OP_GET:
        data = coord_result_data(result, &bytes);
        (void)putchar(' ');
        cli_print_data(data, bytes);
        break;
    case CLI_OP_EXISTS:
        (void)fputs(coord_result_exists(result) ? " yes" : " no", stdout);
        break;
    case CLI_OP_LS:
        print_names(result);
        break;
    }
    (void)putchar('\n');
}

/* The names of TxnOpResult in proto/. */
static const char *field_of(enum cli_script_op op)
{
    switch (op) {
    case CLI_OP_RM:
        return "delete";
    case CLI_OP_INCR:
        return "increment";
    case CLI_OP_LS:
        return "children";
    case CLI_OP_ACL:
        return "set_acl";
    case CLI_OP_CREATE:
    case CLI_OP_SET:
    case CLI_OP_CHECK:
    case CLI_OP_GET:
    case CLI_OP_EXISTS:
        break;
    }
    return cli_script_op_name(op);
}

static json_t *json_of_operation(enum cli_script_op op, const struct coord_result *result)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, field_of(op), cli_json_result(op, result));
    return object;
}

static void print_result(const struct cli_arguments *arguments, const struct cli_script *script,
                         const struct coord_result *result)
{
    bool succeeded = coord_result_succeeded(result);
    enum cli_section branch = succeeded ? CLI_SECTION_THEN : CLI_SECTION_ELSE;
    size_t count = coord_result_results_count(result);
    json_t *results = json_array();
    if (arguments->output != CLI_JSON) {
        (void)printf("%s\n", succeeded ? "then" : "else");
    }
    CD_ASSERT(count <= script->counts[branch]);
    for (size_t i = 0; i < count; i++) {
        enum cli_script_op op = script->lines[branch][i].op;
        if (arguments->output == CLI_JSON) {
            (void)json_array_append_new(results, json_of_operation(op, coord_result_at(result, i)));
        } else {
            print_operation(op, coord_result_at(result, i));
        }
    }
    if (arguments->output == CLI_JSON) {
        json_t *object = json_object();
        (void)json_object_set_new(object, "succeeded", json_boolean(succeeded));
        (void)json_object_set_new(object, "results", json_incref(results));
        cli_json_print(object);
    }
    json_decref(results);
}

/* The line that is to blame, if the answer says which one. */
static const char *line_of(const struct cli_script *script, const struct coord_error *error)
{
    enum cli_section section =
        error->code == COORD_COMPARE_FAILED ? CLI_SECTION_IF : CLI_SECTION_THEN;
    /* The answer does not say which branch was carried out. */
    bool known = error->code == COORD_COMPARE_FAILED || script->counts[CLI_SECTION_ELSE] == 0;
    return known && error->failed_index < script->counts[section]
               ? script->lines[section][error->failed_index].text
               : NULL;
}

int cli_txn(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct cli_script script;
    int code = cli_script_init(&script) ? read_script(arguments, &script)
                                        : cli_say(CLI_REFUSED, "no memory");
    if (code == CLI_DONE) {
        if (coord_txn_run(client, script.txn, NULL, &result, &error) == COORD_OK) {
            print_result(arguments, &script, result);
        } else {
            code = cli_say_failure("txn", line_of(&script, &error), &error);
        }
    }
    coord_result_free(result);
    cli_script_release(&script);
    return code;
}
