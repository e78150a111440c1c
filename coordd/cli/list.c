#include "commands.h"
#include "interrupt.h"
#include "json.h"
#include "progress.h"
#include "say.h"
#include "text.h"

#include "base/buf.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * ls and tree. All pages show one state (R25); a list that was not read in time is begun again, so
 * nothing is printed before the end is there.
 */

enum {
    /* All lines of one list. */
    LIST_BYTES_MAX = 1 << 30,
    /* A list that changed too much between two of its pages is begun again that often. */
    LIST_TRIES_MAX = 5,
};

struct listing {
    struct coord_client *client;
    const struct cli_arguments *arguments;
    const struct coord_call_options *call;
    bool children; /* of the node alone, or the node and all below it */
    uint64_t left; /* lines that may still come */
    bool more;     /* than the limit allows */
    struct cd_buf lines;
};

/* ---- Lines ---- */

static void put_json(struct cd_buf *lines, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    CD_ASSERT(text != NULL);
    cd_buf_printf(lines, "%s\n", text);
    json_decref(object);
    cd_free(text);
}

static void put_child(struct listing *listing, const struct coord_result *page, size_t index)
{
    const char *name = coord_result_child_name(page, index);
    if (listing->arguments->output == CLI_JSON) {
        json_t *object = json_object();
        (void)json_object_set_new(object, "name", cli_json_text(name));
        (void)json_object_set_new(object, "stat",
                                  cli_json_stat(coord_result_child_stat(page, index)));
        put_json(&listing->lines, object);
    } else {
        cd_buf_printf(&listing->lines, "%s\n", name);
    }
}

/* How deep a path lies: 0 for the root. */
static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (const char *at = path; *at != '\0' && strcmp(path, "/") != 0; at++) {
        depth += *at == '/' ? 1 : 0;
    }
    return depth;
}

/* The node asked for by its path, all others by their names, two spaces further in. */
static void put_branch(struct listing *listing, const char *path)
{
    const char *top = listing->arguments->operands[0];
    size_t depth = depth_of(path) - depth_of(top);
    const char *name = depth == 0 ? path : strrchr(path, '/') + 1;
    for (size_t i = 0; i < depth; i++) {
        cd_buf_put(&listing->lines, "  ", 2);
    }
    cd_buf_printf(&listing->lines, "%s\n", name);
}

static void put_node(struct listing *listing, const struct coord_result *page, size_t index)
{
    const char *path = coord_result_node_path(page, index);
    if (listing->arguments->output == CLI_JSON) {
        json_t *object = json_object();
        (void)json_object_set_new(object, "path", cli_json_text(path));
        (void)json_object_set_new(object, "stat",
                                  cli_json_stat(coord_result_node_stat(page, index)));
        put_json(&listing->lines, object);
    } else if (cli_has(listing->arguments, CLI_RECURSIVE)) {
        cd_buf_printf(&listing->lines, "%s\n", path);
    } else {
        put_branch(listing, path);
    }
}

static void put_page(struct listing *listing, const struct coord_result *page)
{
    size_t count =
        listing->children ? coord_result_children_count(page) : coord_result_nodes_count(page);
    size_t taken = count < listing->left ? count : (size_t)listing->left;
    for (size_t i = 0; i < taken; i++) {
        if (listing->children) {
            put_child(listing, page, i);
        } else {
            put_node(listing, page, i);
        }
    }
    listing->left -= taken;
    listing->more = taken < count || (listing->left == 0 && coord_result_more(page));
}

/* ---- Pages ---- */

static enum coord_code read_page(const struct listing *listing, const struct coord_result *previous,
                                 struct coord_result **ret_page, struct coord_error *error)
{
    const char *path = listing->arguments->operands[0];
    bool stat = listing->arguments->output == CLI_JSON;
    if (listing->children) {
        return coord_children(listing->client, path, stat ? COORD_CHILDREN_WITH_STAT : 0u, 0,
                              previous, listing->call, ret_page, error);
    }
    return coord_list(listing->client, path, stat ? COORD_LIST_WITH_STAT : 0u, 0, 0, previous,
                      listing->call, ret_page, error);
}

static enum coord_code read_all(struct listing *listing, struct coord_error *error)
{
    struct coord_result *page = NULL;
    cd_buf_clear(&listing->lines);
    listing->more = false;
    uint64_t limit =
        cli_has(listing->arguments, CLI_LIMIT) ? listing->arguments->limit : UINT64_MAX;
    listing->left = limit;
    enum coord_code code = read_page(listing, NULL, &page, error);
    while (code == COORD_OK && !cli_interrupted()) {
        struct coord_result *next = NULL;
        put_page(listing, page);
        if (!coord_result_more(page) || listing->left == 0 || listing->lines.overflowed) {
            break;
        }
        cli_progress_show("%s %.40s: %" PRIu64 " lines", listing->arguments->command->name,
                          listing->arguments->operands[0], limit - listing->left);
        code = read_page(listing, page, &next, error);
        if (code == COORD_OK) {
            coord_result_free(page);
            page = next;
        }
    }
    coord_result_free(page);
    return code;
}

static int print_list(struct coord_client *client, const struct cli_arguments *arguments,
                      bool children)
{
    struct coord_error error;
    struct coord_call_options *call = cli_read_options(arguments);
    struct listing listing = {
        .client = client, .arguments = arguments, .call = call, .children = children};
    cd_buf_init(&listing.lines, LIST_BYTES_MAX);
    enum coord_code code = COORD_CURSOR_EXPIRED;
    for (int i = 0; i < LIST_TRIES_MAX && code == COORD_CURSOR_EXPIRED; i++) {
        code = read_all(&listing, &error);
    }
    int exit_code = CLI_DONE;
    cli_progress_wipe();
    if (code != COORD_OK) {
        exit_code = cli_failed(arguments, &error);
    } else if (cli_interrupted()) {
        exit_code = cli_say(CLI_REFUSED, "%s %s: interrupted", arguments->command->name,
                            arguments->operands[0]);
    } else if (listing.lines.overflowed) {
        exit_code = cli_say(CLI_REFUSED, "%s %s: the list has more than %d bytes",
                            arguments->command->name, arguments->operands[0], (int)LIST_BYTES_MAX);
    } else if (listing.lines.bytes > 0) {
        (void)fwrite(listing.lines.data, 1, listing.lines.bytes, stdout); /* see cli_get */
    }
    if (exit_code == CLI_DONE && listing.more) {
        (void)cli_say(CLI_DONE, "%s %s: there is more", arguments->command->name,
                      arguments->operands[0]);
    }
    cd_buf_release(&listing.lines);
    coord_call_options_free(call);
    return exit_code;
}

int cli_ls(struct coord_client *client, const struct cli_arguments *arguments)
{
    return print_list(client, arguments, !cli_has(arguments, CLI_RECURSIVE));
}

int cli_tree(struct coord_client *client, const struct cli_arguments *arguments)
{
    return print_list(client, arguments, false);
}
