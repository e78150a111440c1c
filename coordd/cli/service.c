#include "commands.h"
#include "keep.h"
#include "roster.h"
#include "say.h"
#include "text.h"
#include "values.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* The service registry: being an instance, and which ones there are. */

/* ---- Registering ---- */

/* "host:port" or "[::1]:port"; the address is the caller's, to be freed with cd_free. */
static bool parse_address(const char *text, char **ret_address, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[' && colon != NULL && colon > text + 2 && colon[-1] == ']';
    uint64_t port = 0;
    if (colon == NULL || colon == text || !cli_number_parse(colon + 1, UINT16_MAX, &port) ||
        port == 0 || (!bracketed && memchr(text, ':', (size_t)(colon - text)) != NULL)) {
        return false;
    }
    const char *from = bracketed ? text + 1 : text;
    *ret_address = cd_strndup(from, (size_t)(colon - from) - (bracketed ? 1 : 0));
    *ret_port = (uint16_t)port;
    return true;
}

/* "key=value" pairs as the library takes them. */
struct pairs {
    struct coord_pair pairs[CLI_METADATA_MAX];
    char *keys[CLI_METADATA_MAX]; /* owned */
    size_t count;
};

static void split_pairs(struct pairs *pairs, const struct cli_arguments *arguments)
{
    for (size_t i = 0; i < arguments->metadata_count; i++) {
        const char *text = arguments->metadata[i];
        const char *equals = strchr(text, '='); /* is there: arguments.c has looked */
        pairs->keys[i] = cd_strndup(text, (size_t)(equals - text));
        pairs->pairs[i] = (struct coord_pair){.key = pairs->keys[i], .value = equals + 1};
    }
    pairs->count = arguments->metadata_count;
}

int cli_service_register(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_presence *presence = NULL;
    struct pairs pairs = {.count = 0};
    char *address = NULL;
    uint16_t port = 0;
    if (!parse_address(arguments->operands[1], &address, &port)) {
        return cli_say(CLI_USAGE,
                       "%s: give the instance's address as host:port, or [::1]:port for IPv6",
                       arguments->operands[1]);
    }
    split_pairs(&pairs, arguments);
    enum coord_code code = coord_service_register(
        client, arguments->operands[0], cli_has(arguments, CLI_ID) ? arguments->id : NULL, address,
        port, pairs.pairs, pairs.count, &presence, &error);
    for (size_t i = 0; i < pairs.count; i++) {
        cd_free(pairs.keys[i]);
    }
    cd_free(address);
    if (code != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    return cli_keep(presence, arguments,
                    arguments->operands_count > 2 ? &arguments->operands[2] : NULL);
}

/* ---- Which there are ---- */

static void print_instance(const json_t *one)
{
    const char *address = json_string_value(json_object_get(one, "address"));
    bool brackets = strchr(address, ':') != NULL;
    const char *key = NULL;
    json_t *value = NULL;
    (void)printf(" %s%s%s:%d", brackets ? "[" : "", address, brackets ? "]" : "",
                 (int)json_integer_value(json_object_get(one, "port")));
    json_object_foreach(json_object_get(one, "metadata"), key, value)
    {
        (void)putchar(' ');
        cli_print_data(key, strlen(key));
        (void)putchar('=');
        cli_print_data(json_string_value(value), json_string_length(value));
    }
}

static json_t *instance_json(const struct coord_instance *instance)
{
    json_t *one = json_object();
    json_t *metadata = json_object();
    for (size_t i = 0; i < instance->metadata_count; i++) {
        (void)json_object_set_new(metadata, instance->metadata[i].key,
                                  cli_json_text(instance->metadata[i].value));
    }
    (void)json_object_set_new(one, "name", cli_json_text(instance->name));
    (void)json_object_set_new(one, "id", cli_json_text(instance->id));
    (void)json_object_set_new(one, "address", cli_json_text(instance->address));
    (void)json_object_set_new(one, "port", json_integer(instance->port));
    (void)json_object_set_new(one, "metadata", metadata);
    return one;
}

static enum coord_code next(void *source, uint32_t wait_ms, uint64_t *zxid, json_t **ret_roster,
                            struct coord_error *error)
{
    struct coord_discovery *discovery = source;
    struct coord_instances *instances = NULL;
    enum coord_code code = coord_discovery_wait(discovery, wait_ms, zxid, error);
    if (code == COORD_OK) {
        code = coord_discovery_list(discovery, &instances, error);
    }
    if (code != COORD_OK) {
        return code;
    }
    *ret_roster = json_object();
    for (size_t i = 0; i < coord_instances_count(instances); i++) {
        const struct coord_instance *instance = coord_instances_at(instances, i);
        (void)json_object_set_new(*ret_roster, instance->id, instance_json(instance));
    }
    if (coord_instances_malformed(instances) != 0) {
        (void)cli_say(CLI_REFUSED, "%zu more are no instances: their data are not as SPEC.md says",
                      coord_instances_malformed(instances));
    }
    coord_instances_free(instances);
    return COORD_OK;
}

static int follow(struct coord_client *client, const struct cli_arguments *arguments,
                  int (*print)(const struct cli_roster *roster))
{
    struct coord_error error;
    struct coord_discovery *discovery = NULL;
    if (coord_discovery_create(client, arguments->operands[0], &discovery, &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    const struct cli_roster roster = {.arguments = arguments,
                                      .name_field = "id",
                                      .print_rest = print_instance,
                                      .next = next,
                                      .source = discovery};
    int code = print(&roster);
    coord_discovery_close(discovery);
    return code;
}

int cli_service_watch(struct coord_client *client, const struct cli_arguments *arguments)
{
    return follow(client, arguments, cli_roster_watch);
}

/* Without a name the services' own: the children of COORD_SERVICES_PATH. */
int cli_service_list(struct coord_client *client, const struct cli_arguments *arguments)
{
    if (arguments->operands_count != 0) {
        return follow(client, arguments, cli_roster_list);
    }
    static char path[] = COORD_SERVICES_PATH;
    static char *const operands[] = {path, NULL};
    struct cli_arguments all = *arguments;
    struct coord_error error;
    struct coord_result *result = NULL;
    all.operands = operands;
    all.operands_count = 1;
    if (coord_exists(client, path, NULL, &result, &error) != COORD_OK) {
        return cli_failed(&all, &error);
    }
    bool none = !coord_result_exists(result); /* as long as nothing was registered */
    coord_result_free(result);
    return none ? CLI_DONE : cli_ls(client, &all);
}
