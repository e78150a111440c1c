#include "json.h"

#include "base/assert.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cli_json_init(void)
{
    json_set_alloc_funcs(cd_malloc, cd_free); /* never NULL, so that nothing below can fail */
}

json_t *cli_json_number(uint64_t value)
{
    char digits[24];
    if (value <= INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    return json_string(digits);
}

/* RFC 4648, section 4. Freed with cd_free. */
static char *base64(const uint8_t *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = cd_malloc((bytes + 2) / 3 * 4 + 1);
    char *to = text;
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)data[i + 2] : 0;
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[bits & 63] : '=';
    }
    *to = '\0';
    return text;
}

static json_t *encoded(const void *data, size_t bytes)
{
    char *text = base64(data, bytes);
    json_t *value = json_string(text);
    cd_free(text);
    return value;
}

json_t *cli_json_text(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : encoded(text, strlen(text));
}

void cli_json_put_data(json_t *object, const char *name, const void *data, size_t bytes)
{
    char with_suffix[32];
    json_t *value = json_stringn(bytes > 0 ? data : "", bytes);
    if (value == NULL) {
        (void)snprintf(with_suffix, sizeof(with_suffix), "%s64", name);
        name = with_suffix;
        value = encoded(data, bytes);
    }
    (void)json_object_set_new(object, name, value);
}

const char *cli_json_node_kind(enum coord_node_kind kind)
{
    switch (kind) {
    case COORD_NODE_PERSISTENT:
        return "PERSISTENT";
    case COORD_NODE_EPHEMERAL:
        return "EPHEMERAL";
    case COORD_NODE_CONTAINER:
        return "CONTAINER";
    case COORD_NODE_TTL:
        return "TTL";
    }
    return "UNRECOGNIZED";
}

const char *cli_json_event_kind(enum coord_event_kind kind)
{
    switch (kind) {
    case COORD_EVENT_CREATED:
        return "CREATED";
    case COORD_EVENT_DELETED:
        return "DELETED";
    case COORD_EVENT_CHANGED:
        return "CHANGED";
    case COORD_EVENT_ACL_CHANGED:
        return "ACL_CHANGED";
    }
    return "UNRECOGNIZED";
}

json_t *cli_json_stat(const struct coord_node_stat *stat)
{
    if (stat == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    (void)json_object_set_new(object, "czxid", cli_json_number(stat->czxid));
    (void)json_object_set_new(object, "mzxid", cli_json_number(stat->mzxid));
    (void)json_object_set_new(object, "pzxid", cli_json_number(stat->pzxid));
    (void)json_object_set_new(object, "ctime_ms", json_integer(stat->ctime_ms));
    (void)json_object_set_new(object, "mtime_ms", json_integer(stat->mtime_ms));
    (void)json_object_set_new(object, "version", json_integer(stat->version));
    (void)json_object_set_new(object, "cversion", json_integer(stat->cversion));
    (void)json_object_set_new(object, "aversion", json_integer(stat->aversion));
    (void)json_object_set_new(object, "ephemeral_owner", cli_json_number(stat->ephemeral_owner));
    (void)json_object_set_new(object, "data_length", json_integer(stat->data_length));
    (void)json_object_set_new(object, "num_children", json_integer(stat->num_children));
    (void)json_object_set_new(object, "azxid", cli_json_number(stat->azxid));
    (void)json_object_set_new(object, "kind", json_string(cli_json_node_kind(stat->kind)));
    (void)json_object_set_new(object, "ttl_ms", cli_json_number(stat->ttl_ms));
    return object;
}

static void put_fields(json_t *object, enum cli_script_op op, const struct coord_result *result)
{
    size_t bytes = 0;
    const void *data = NULL;
    json_t *children = NULL;
    switch (op) {
    case CLI_OP_CREATE:
        (void)json_object_set_new(object, "path", cli_json_text(coord_result_path(result)));
        (void)json_object_set_new(object, "created", json_boolean(coord_result_created(result)));
        break;
    case CLI_OP_RM:
        (void)json_object_set_new(object, "deleted", json_integer(coord_result_deleted(result)));
        break;
    case CLI_OP_INCR:
        (void)json_object_set_new(object, "value", json_integer(coord_result_value(result)));
        break;
    case CLI_OP_GET:
        data = coord_result_data(result, &bytes);
        cli_json_put_data(object, "data", data, bytes);
        break;
    case CLI_OP_EXISTS:
        (void)json_object_set_new(object, "exists", json_boolean(coord_result_exists(result)));
        break;
    case CLI_OP_LS:
        children = json_array();
        for (size_t i = 0; i < coord_result_children_count(result); i++) {
            json_t *child = json_object();
            (void)json_object_set_new(child, "name",
                                      cli_json_text(coord_result_child_name(result, i)));
            (void)json_array_append_new(children, child);
        }
        (void)json_object_set_new(object, "children", children);
        break;
    case CLI_OP_SET:
    case CLI_OP_CHECK:
    case CLI_OP_ACL:
        break;
    }
}

json_t *cli_json_result(enum cli_script_op op, const struct coord_result *result)
{
    json_t *object = json_object();
    put_fields(object, op, result);
    if (coord_result_stat(result) != NULL) {
        (void)json_object_set_new(object, "stat", cli_json_stat(coord_result_stat(result)));
    }
    return object;
}

void cli_json_print_part(json_t *value)
{
    CD_ASSERT(value != NULL);
    /* Its failure is stdout's, which keeps it for cli_finish_output. */
    (void)json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(value);
}

void cli_json_print(json_t *value)
{
    cli_json_print_part(value);
    (void)putchar('\n');
}
