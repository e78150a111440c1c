#include "commands.h"
#include "hold.h"
#include "input.h"
#include "json.h"
#include "say.h"
#include "text.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Commands on one node. Operand 0 is the path, operand 1 the data. */

/* ---- Data ---- */

/* Operand 1, or standard input for "-". Returns an exit code. */
static int read_data(const struct cli_arguments *arguments, struct cd_buf *data)
{
    const char *operand = arguments->operands_count > 1 ? arguments->operands[1] : "";
    if (strcmp(operand, "-") == 0) {
        return cli_read_input(data);
    }
    cd_buf_put(data, operand, strlen(operand));
    return CLI_DONE;
}

/* ---- create ---- */

static uint32_t create_flags(const struct cli_arguments *arguments)
{
    static const struct {
        enum cli_option option;
        uint32_t flag;
    } flags[] = {{CLI_PARENTS, COORD_CREATE_PARENTS},
                 {CLI_SEQUENTIAL, COORD_CREATE_SEQUENTIAL},
                 {CLI_IF_ABSENT, COORD_CREATE_IF_ABSENT},
                 {CLI_EPHEMERAL, COORD_CREATE_EPHEMERAL},
                 {CLI_CONTAINER, COORD_CREATE_CONTAINER}};
    uint32_t sum = 0;
    for (size_t i = 0; i < CD_ARRAY_COUNT(flags); i++) {
        sum |= cli_has(arguments, flags[i].option) ? flags[i].flag : 0u;
    }
    return sum;
}

/* An ephemeral node is there as long as this process: whoever reads its path may count on it. */
static int hold(struct coord_client *client, const struct cli_arguments *arguments,
                const struct cli_hold *hold, const struct coord_result *result)
{
    bool from_input = arguments->operands_count > 1 && strcmp(arguments->operands[1], "-") == 0;
    uint64_t session = coord_result_stat(result)->ephemeral_owner;
    int code = cli_finish_output();
    if (code == CLI_DONE) {
        (void)cli_say(CLI_DONE, "%s lives as long as session 0x%" PRIx64 ", which ends with %s",
                      coord_result_path(result), session,
                      from_input ? "Ctrl-C" : "Ctrl-C or the end of standard input");
        code = cli_hold_until_told(hold, client, session, !from_input && !cli_input_is_kept());
    }
    struct coord_error error;
    if (code == CLI_DONE && coord_session_close(client, NULL, &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    }
    return code;
}

static int create_and_print(struct coord_client *client, const struct cli_arguments *arguments,
                            const struct cd_buf *data, struct coord_result **ret_result)
{
    struct coord_error error;
    if (coord_create_with(client, arguments->operands[0], data->data, data->bytes,
                          create_flags(arguments), arguments->ttl_ms, NULL, NULL, ret_result,
                          &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    if (arguments->output == CLI_JSON) {
        cli_json_print(cli_json_result(CLI_OP_CREATE, *ret_result));
    } else if (cli_has(arguments, CLI_SEQUENTIAL) || cli_has(arguments, CLI_EPHEMERAL)) {
        (void)printf("%s\n", coord_result_path(*ret_result));
    }
    return CLI_DONE;
}

int cli_create(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_result *result = NULL;
    struct cli_hold session = CLI_HOLD_NONE;
    struct cd_buf data;
    cd_buf_init(&data, CLI_INPUT_BYTES_MAX);
    int code = read_data(arguments, &data);
    if (code == CLI_DONE && cli_has(arguments, CLI_EPHEMERAL)) {
        code =
            cli_hold_begin(&session); /* before there is anything that Ctrl-C would leave behind */
    }
    if (code == CLI_DONE) {
        code = create_and_print(client, arguments, &data, &result);
    }
    cd_buf_release(&data);
    if (code == CLI_DONE && cli_has(arguments, CLI_EPHEMERAL)) {
        code = hold(client, arguments, &session, result);
    }
    cli_hold_end(&session);
    coord_result_free(result);
    return code;
}

/* ---- set, incr, rm ---- */

int cli_set(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct cd_buf data;
    cd_buf_init(&data, CLI_INPUT_BYTES_MAX);
    int code = read_data(arguments, &data);
    if (code == CLI_DONE && coord_set(client, arguments->operands[0], data.data, data.bytes,
                                      arguments->version, NULL, &result, &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    }
    if (code == CLI_DONE && arguments->output == CLI_JSON) {
        cli_json_print(cli_json_result(CLI_OP_SET, result));
    }
    coord_result_free(result);
    cd_buf_release(&data);
    return code;
}

int cli_incr(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    int64_t delta = 1;
    if (arguments->operands_count > 1 && !cli_signed_parse(arguments->operands[1], &delta)) {
        return cli_say(CLI_USAGE, "incr %s: give a number; a negative one goes behind --",
                       arguments->operands[1]);
    }
    if (coord_increment(client, arguments->operands[0], delta, arguments->version,
                        cli_has(arguments, CLI_CREATE) ? COORD_INCREMENT_CREATE : 0u, NULL, &result,
                        &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    if (arguments->output == CLI_JSON) {
        cli_json_print(cli_json_result(CLI_OP_INCR, result));
    } else {
        (void)printf("%" PRId64 "\n", coord_result_value(result));
    }
    coord_result_free(result);
    return CLI_DONE;
}

int cli_rm(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    uint32_t flags = cli_has(arguments, CLI_RECURSIVE) ? COORD_DELETE_RECURSIVE : 0u;
    if (cli_has(arguments, CLI_STEPS)) {
        return cli_rm_in_steps(client, arguments);
    }
    if (coord_delete(client, arguments->operands[0], arguments->version, flags, NULL, &result,
                     &error) == COORD_OK) {
        if (arguments->output == CLI_JSON) {
            cli_json_print(cli_json_result(CLI_OP_RM, result));
        }
        coord_result_free(result);
        return CLI_DONE;
    }
    int code = cli_failed(arguments, &error);
    if (error.code == COORD_TOO_MANY && flags != 0) {
        (void)cli_say(CLI_REFUSED, "nothing was deleted; with --steps it is done in several steps, "
                                   "each of which is atomic by itself");
    }
    return code;
}

/* ---- get, stat, count ---- */

static void print_get(const struct cli_arguments *arguments, const struct coord_result *result)
{
    size_t bytes = 0;
    const void *data = coord_result_data(result, &bytes);
    if (arguments->output == CLI_JSON) {
        cli_json_print(cli_json_result(CLI_OP_GET, result));
    } else {
        cli_print_bytes(data, bytes);
    }
}

int cli_get(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = cli_read_options(arguments);
    int code = CLI_DONE;
    if (coord_get(client, arguments->operands[0], call, &result, &error) == COORD_OK) {
        print_get(arguments, result);
    } else {
        code = cli_failed(arguments, &error);
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}

int cli_stat(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = cli_read_options(arguments);
    int code = CLI_DONE;
    if (coord_stat(client, arguments->operands[0], call, &result, &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    } else if (arguments->output == CLI_JSON) {
        cli_json_print(cli_json_stat(coord_result_stat(result)));
    } else {
        cli_print_stat(coord_result_stat(result));
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}

int cli_count(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = cli_read_options(arguments);
    int code = CLI_DONE;
    if (coord_count(client, arguments->operands[0], call, &result, &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    } else if (arguments->output == CLI_JSON) {
        cli_json_print(json_pack("{sI}", "count", (json_int_t)coord_result_count(result)));
    } else {
        (void)printf("%" PRId64 "\n", coord_result_count(result));
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}
