#include "commands.h"
#include "say.h"

#include "base/buf.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Commands on nodes. Operand 0 is the path, operand 1 the data. */

enum {
    /* Of standard input; a cluster takes less and says how much. */
    INPUT_BYTES_MAX = 32 << 20,
    INPUT_BYTES_STEP = 64 << 10,
    /* All names of one list. */
    NAMES_BYTES_MAX = 1 << 30,
    /* A list that changed between two of its pages is begun again that often. */
    LIST_TRIES_MAX = 5,
};

static int failed(const struct cli_arguments *arguments, const struct coord_error *error)
{
    return cli_say_failure(arguments->command->name, arguments->operands[0], error);
}

static bool has(const struct cli_arguments *arguments, enum cli_option option)
{
    return (arguments->given & (unsigned)option) != 0;
}

/* Freed with coord_call_options_free; NULL means all defaults, which is what no memory gives. */
static struct coord_call_options *read_options(const struct cli_arguments *arguments)
{
    struct coord_call_options *call = coord_call_options_create();
    if (call != NULL) {
        coord_call_options_set_level(call, arguments->level);
    }
    return call;
}

/* ---- Data ---- */

/* Operand 1, or standard input for "-". Returns an exit code. */
static int read_data(const struct cli_arguments *arguments, struct cd_buf *data)
{
    const char *operand = arguments->operands_count > 1 ? arguments->operands[1] : "";
    if (strcmp(operand, "-") != 0) {
        cd_buf_put(data, operand, strlen(operand));
        return CLI_DONE;
    }
    uint8_t *chunk = cd_malloc(INPUT_BYTES_STEP);
    size_t count = 0;
    while (!data->overflowed && (count = fread(chunk, 1, INPUT_BYTES_STEP, stdin)) > 0) {
        cd_buf_put(data, chunk, count);
    }
    cd_free(chunk);
    if (ferror(stdin) != 0) {
        return cli_say(CLI_USAGE, "cannot read standard input: %s", strerror(errno));
    }
    if (data->overflowed) {
        return cli_say(CLI_REFUSED, "standard input has more than %d bytes; no node holds that",
                       (int)INPUT_BYTES_MAX);
    }
    return CLI_DONE;
}

int cli_create(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct cd_buf data;
    uint32_t flags = (has(arguments, CLI_PARENTS) ? COORD_CREATE_PARENTS : 0u) |
                     (has(arguments, CLI_SEQUENTIAL) ? COORD_CREATE_SEQUENTIAL : 0u) |
                     (has(arguments, CLI_IF_ABSENT) ? COORD_CREATE_IF_ABSENT : 0u);
    cd_buf_init(&data, INPUT_BYTES_MAX);
    int code = read_data(arguments, &data);
    if (code == CLI_DONE && coord_create(client, arguments->operands[0], data.data, data.bytes,
                                         flags, NULL, &result, &error) != COORD_OK) {
        code = failed(arguments, &error);
    }
    cd_buf_release(&data);
    if (code == CLI_DONE && has(arguments, CLI_SEQUENTIAL)) {
        (void)printf("%s\n", coord_result_path(result));
    }
    coord_result_free(result);
    return code;
}

int cli_set(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct cd_buf data;
    cd_buf_init(&data, INPUT_BYTES_MAX);
    int code = read_data(arguments, &data);
    if (code == CLI_DONE && coord_set(client, arguments->operands[0], data.data, data.bytes,
                                      arguments->version, NULL, NULL, &error) != COORD_OK) {
        code = failed(arguments, &error);
    }
    cd_buf_release(&data);
    return code;
}

int cli_get(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = read_options(arguments);
    int code = CLI_DONE;
    if (coord_get(client, arguments->operands[0], call, &result, &error) == COORD_OK) {
        size_t bytes = 0;
        const void *data = coord_result_data(result, &bytes);
        (void)fwrite(data, 1, bytes, stdout); /* cli_finish_output looks whether it worked */
    } else {
        code = failed(arguments, &error);
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}

int cli_rm(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    uint32_t flags = has(arguments, CLI_RECURSIVE) ? COORD_DELETE_RECURSIVE : 0u;
    if (coord_delete(client, arguments->operands[0], arguments->version, flags, NULL, NULL,
                     &error) != COORD_OK) {
        return failed(arguments, &error);
    }
    return CLI_DONE;
}

/* ---- Lists ---- */

static void put_names(struct cd_buf *names, const struct coord_result *page)
{
    for (size_t i = 0; i < coord_result_children_count(page); i++) {
        const char *name = coord_result_child_name(page, i);
        cd_buf_put(names, name, strlen(name));
        cd_buf_put(names, "\n", 1);
    }
}

/* All pages, which show one state of the node; COORD_CURSOR_EXPIRED if it changed meanwhile. */
static enum coord_code list(struct coord_client *client, const char *path,
                            const struct coord_call_options *call, struct cd_buf *names,
                            struct coord_error *error)
{
    struct coord_result *page = NULL;
    enum coord_code code = coord_children(client, path, 0, 0, NULL, call, &page, error);
    while (code == COORD_OK) {
        struct coord_result *next = NULL;
        put_names(names, page);
        if (!coord_result_more(page)) {
            break;
        }
        code = coord_children(client, path, 0, 0, page, call, &next, error);
        if (code == COORD_OK) {
            coord_result_free(page);
            page = next;
        }
    }
    coord_result_free(page);
    return code;
}

int cli_ls(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_call_options *call = read_options(arguments);
    struct cd_buf names;
    cd_buf_init(&names, NAMES_BYTES_MAX);
    enum coord_code code = COORD_CURSOR_EXPIRED;
    for (int i = 0; i < LIST_TRIES_MAX && code == COORD_CURSOR_EXPIRED; i++) {
        cd_buf_clear(&names);
        code = list(client, arguments->operands[0], call, &names, &error);
    }
    int exit_code = CLI_DONE;
    if (code != COORD_OK) {
        exit_code = failed(arguments, &error);
    } else if (names.overflowed) {
        exit_code = cli_say(CLI_REFUSED, "ls %s: the names have more than %d bytes",
                            arguments->operands[0], (int)NAMES_BYTES_MAX);
    } else if (names.bytes > 0) {
        (void)fwrite(names.data, 1, names.bytes, stdout); /* see cli_get */
    }
    cd_buf_release(&names);
    coord_call_options_free(call);
    return exit_code;
}

/* ---- Stat ---- */

static void print_time(const char *name, int64_t time_ms)
{
    char text[64];
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (time_ms < 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        (void)printf("%s = %" PRId64 " ms\n", name, time_ms);
    } else {
        (void)printf("%s = %s.%03dZ\n", name, text, (int)(time_ms % 1000));
    }
}

static const char *kind_name(enum coord_node_kind kind)
{
    switch (kind) {
    case COORD_NODE_PERSISTENT:
        return "persistent";
    case COORD_NODE_EPHEMERAL:
        return "ephemeral";
    case COORD_NODE_CONTAINER:
        return "container";
    case COORD_NODE_TTL:
        return "ttl";
    }
    return "unknown";
}

static void print_stat(const struct coord_node_stat *stat)
{
    (void)printf("czxid = 0x%" PRIx64 "\n", stat->czxid);
    print_time("ctime", stat->ctime_ms);
    (void)printf("mzxid = 0x%" PRIx64 "\n", stat->mzxid);
    print_time("mtime", stat->mtime_ms);
    (void)printf("pzxid = 0x%" PRIx64 "\n", stat->pzxid);
    (void)printf("version = %" PRId64 "\n", stat->version);
    (void)printf("cversion = %" PRId64 "\n", stat->cversion);
    (void)printf("aversion = %" PRId64 "\n", stat->aversion);
    (void)printf("ephemeral_owner = 0x%" PRIx64 "\n", stat->ephemeral_owner);
    (void)printf("data_length = %" PRId64 "\n", stat->data_length);
    (void)printf("num_children = %" PRId64 "\n", stat->num_children);
    (void)printf("kind = %s\n", kind_name(stat->kind));
}

int cli_stat(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = read_options(arguments);
    int code = CLI_DONE;
    if (coord_stat(client, arguments->operands[0], call, &result, &error) == COORD_OK) {
        print_stat(coord_result_stat(result));
    } else {
        code = failed(arguments, &error);
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}
