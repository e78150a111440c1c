#include "acl.h"
#include "commands.h"
#include "json.h"
#include "say.h"
#include "text.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* acl get and acl set. */

bool cli_acl_build(char *const *words, int count, struct coord_acl **ret_acl, char *message,
                   size_t message_bytes)
{
    if (count == 1 && strcmp(words[0], "inherit") == 0) {
        *ret_acl = NULL;
        return true;
    }
    struct coord_acl *acl = coord_acl_create();
    bool nobody = count == 1 && strcmp(words[0], "none") == 0;
    if (acl == NULL) {
        (void)snprintf(message, message_bytes, "no memory");
        return false;
    }
    for (int i = 0; i < count && !nobody; i++) {
        struct cli_acl_entry entry;
        if (!cli_acl_entry_parse(words[i], &entry)) {
            (void)snprintf(message, message_bytes,
                           "%.60s: an entry is SCHEME:ID:PERMISSIONS, such as cn:client:rwcda, or "
                           "anyone:r; or say inherit, or none",
                           words[i]);
            coord_acl_free(acl);
            return false;
        }
        coord_acl_add(acl, entry.permissions, entry.scheme, entry.id);
    }
    *ret_acl = acl;
    return true;
}

int cli_acl_set(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_acl *acl = NULL;
    char message[CLI_MESSAGE_BYTES];
    if (!cli_acl_build(arguments->operands + 1, arguments->operands_count - 1, &acl, message,
                       sizeof(message))) {
        return cli_say(CLI_USAGE, "acl set %s: %s", arguments->operands[0], message);
    }
    int code = CLI_DONE;
    if (coord_set_acl(client, arguments->operands[0], acl, arguments->version, NULL, &result,
                      &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    } else if (arguments->output == CLI_JSON) {
        cli_json_print(cli_json_result(CLI_OP_ACL, result));
    }
    coord_result_free(result);
    coord_acl_free(acl);
    return code;
}

/* ---- get ---- */

static void print_json(const struct coord_result *result)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < coord_result_acl_count(result); i++) {
        const struct coord_acl_entry *entry = coord_result_acl_entry(result, i);
        json_t *object = json_object();
        (void)json_object_set_new(object, "permissions", cli_json_number(entry->permissions));
        (void)json_object_set_new(object, "scheme", cli_json_text(entry->scheme));
        (void)json_object_set_new(object, "id", cli_json_text(entry->id));
        (void)json_array_append_new(entries, object);
    }
    json_t *acl = json_object();
    (void)json_object_set_new(acl, "entries", entries);
    json_t *all = json_object();
    (void)json_object_set_new(all, "acl", acl);
    (void)json_object_set_new(all, "origin_path", cli_json_text(coord_result_acl_origin(result)));
    (void)json_object_set_new(all, "stat", cli_json_stat(coord_result_stat(result)));
    cli_json_print(all);
}

static void print_plain(const struct coord_result *result)
{
    (void)printf("origin = %s\n", coord_result_acl_origin(result));
    (void)printf("aversion = %" PRId64 "\n", coord_result_stat(result)->aversion);
    for (size_t i = 0; i < coord_result_acl_count(result); i++) {
        const struct coord_acl_entry *entry = coord_result_acl_entry(result, i);
        char permissions[CLI_PERMISSIONS_BYTES];
        cli_permissions_format(entry->permissions, permissions);
        (void)printf("entry = %s%s%s:%s\n", entry->scheme, entry->id[0] != '\0' ? ":" : "",
                     entry->id, permissions);
    }
}

int cli_acl_get(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_call_options *call = cli_read_options(arguments);
    int code = CLI_DONE;
    if (coord_get_acl(client, arguments->operands[0], call, &result, &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    } else if (arguments->output == CLI_JSON) {
        print_json(result);
    } else {
        print_plain(result);
    }
    coord_result_free(result);
    coord_call_options_free(call);
    return code;
}
