#include "text.h"
#include "json.h"
#include "say.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *cli_node_kind_name(enum coord_node_kind kind)
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

const char *cli_event_kind_name(enum coord_event_kind kind)
{
    switch (kind) {
    case COORD_EVENT_CREATED:
        return "created";
    case COORD_EVENT_DELETED:
        return "deleted";
    case COORD_EVENT_CHANGED:
        return "changed";
    case COORD_EVENT_ACL_CHANGED:
        return "acl_changed";
    }
    return "unknown";
}

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

void cli_print_stat(const struct coord_node_stat *stat)
{
    (void)printf("czxid = 0x%" PRIx64 "\n", stat->czxid);
    print_time("ctime", stat->ctime_ms);
    (void)printf("mzxid = 0x%" PRIx64 "\n", stat->mzxid);
    print_time("mtime", stat->mtime_ms);
    (void)printf("pzxid = 0x%" PRIx64 "\n", stat->pzxid);
    (void)printf("azxid = 0x%" PRIx64 "\n", stat->azxid);
    (void)printf("version = %" PRId64 "\n", stat->version);
    (void)printf("cversion = %" PRId64 "\n", stat->cversion);
    (void)printf("aversion = %" PRId64 "\n", stat->aversion);
    (void)printf("ephemeral_owner = 0x%" PRIx64 "\n", stat->ephemeral_owner);
    (void)printf("data_length = %" PRId64 "\n", stat->data_length);
    (void)printf("num_children = %" PRId64 "\n", stat->num_children);
    (void)printf("kind = %s\n", cli_node_kind_name(stat->kind));
    if (stat->kind == COORD_NODE_TTL) {
        (void)printf("ttl_ms = %" PRIu64 "\n", stat->ttl_ms);
    }
}

void cli_print_data(const void *data, size_t bytes)
{
    json_t *object = json_object();
    cli_json_put_data(object, "data", data, bytes);
    json_t *text = json_object_get(object, "data");
    if (text != NULL) {
        cli_json_print_part(json_incref(text));
    } else {
        (void)printf("base64:%s", json_string_value(json_object_get(object, "data64")));
    }
    json_decref(object);
}

static bool line_is_open;

void cli_print_bytes(const void *data, size_t bytes)
{
    (void)fwrite(data, 1, bytes, stdout); /* cli_finish_output looks whether it worked */
    line_is_open = bytes > 0 && ((const char *)data)[bytes - 1] != '\n';
}

bool cli_line_is_open(void)
{
    bool open = line_is_open;
    line_is_open = false;
    return open;
}

int cli_failed(const struct cli_arguments *arguments, const struct coord_error *error)
{
    return cli_say_failure(arguments->command->name,
                           arguments->operands_count > 0 ? arguments->operands[0] : NULL, error);
}

struct coord_call_options *cli_read_options(const struct cli_arguments *arguments)
{
    struct coord_call_options *call = coord_call_options_create();
    if (call != NULL) {
        coord_call_options_set_level(call, arguments->level);
    }
    return call;
}
