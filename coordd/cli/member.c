#include "commands.h"
#include "keep.h"
#include "roster.h"
#include "say.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Groups: who is in one, and being in it. */

int cli_member_join(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_presence *presence = NULL;
    char host[256] = "";
    (void)gethostname(host, sizeof(host) - 1);
    const char *data = cli_has(arguments, CLI_DATA) ? arguments->data : host;
    if (coord_group_join(client, arguments->operands[0], arguments->operands[1], data, strlen(data),
                         &presence, &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    return cli_keep(presence, arguments,
                    arguments->operands_count > 2 ? &arguments->operands[2] : NULL);
}

/* ---- Who is in it ---- */

static void print_data(const json_t *one)
{
    const json_t *data = json_object_get(one, "data");
    (void)putchar(' ');
    if (data != NULL) {
        cli_print_data(json_string_value(data), json_string_length(data));
    } else {
        (void)printf("base64:%s", json_string_value(json_object_get(one, "data64")));
    }
}

struct group {
    struct coord_cache *cache;
    const char *path;
};

static enum coord_code next(void *source, uint32_t wait_ms, uint64_t *zxid, json_t **ret_roster,
                            struct coord_error *error)
{
    const struct group *group = source;
    struct coord_view *view = NULL;
    enum coord_code code = coord_cache_wait(group->cache, wait_ms, zxid, error);
    if (code == COORD_OK) {
        code = coord_cache_children(group->cache, group->path, &view, error);
    }
    if (code != COORD_OK) {
        return code;
    }
    *ret_roster = json_object();
    for (size_t i = 0; i < coord_view_count(view); i++) {
        const struct coord_cached *member = coord_view_at(view, i);
        const char *name = strrchr(member->path, '/') + 1;
        json_t *one = json_object();
        (void)json_object_set_new(one, "member", cli_json_text(name));
        cli_json_put_data(one, "data", member->data, member->data_bytes);
        (void)json_object_set_new(one, "session", cli_json_number(member->stat->ephemeral_owner));
        (void)json_object_set_new(*ret_roster, name, one);
    }
    coord_view_free(view);
    return COORD_OK;
}

static int follow(struct coord_client *client, const struct cli_arguments *arguments,
                  int (*print)(const struct cli_roster *roster))
{
    struct coord_error error;
    struct group group = {.path = arguments->operands[0]};
    const struct cli_roster roster = {.arguments = arguments,
                                      .name_field = "member",
                                      .print_rest = print_data,
                                      .next = next,
                                      .source = &group};
    if (coord_cache_create(client, group.path, COORD_WATCH_CHILDREN, &group.cache, &error) !=
        COORD_OK) {
        return cli_failed(arguments, &error);
    }
    int code = print(&roster);
    coord_cache_close(group.cache);
    return code;
}

int cli_member_list(struct coord_client *client, const struct cli_arguments *arguments)
{
    return follow(client, arguments, cli_roster_list);
}

int cli_member_watch(struct coord_client *client, const struct cli_arguments *arguments)
{
    return follow(client, arguments, cli_roster_watch);
}
