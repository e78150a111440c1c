#include "commands.h"
#include "interrupt.h"
#include "json.h"
#include "progress.h"
#include "say.h"
#include "text.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * rm -r --steps: a tree of more nodes than the cluster deletes in one step (R25). Each step is
 * atomic, all of them together are not. Of a node that is too large the children go first, as many
 * at once as one step takes.
 */

enum {
    /* Of one node at a time; in one transaction if that is not too much. */
    CHILDREN_MAX = 1000,
    /* Longer than any that a cluster takes. */
    PATH_BYTES_MAX = 1 << 20,
};

struct steps {
    struct coord_client *client;
    const struct cli_arguments *arguments;
    int64_t deleted;
    bool interrupted;
};

static enum coord_code delete_in_steps(struct steps *steps, const char *path,
                                       struct coord_error *error);

static void count(struct steps *steps, int64_t deleted)
{
    steps->deleted += deleted;
    cli_progress_show("rm %.40s: %" PRId64 " nodes deleted", steps->arguments->operands[0],
                      steps->deleted);
}

/* Of the child, into a buffer with a NUL at its end. */
static const char *child_path(struct cd_buf *to, const char *path, const char *name)
{
    cd_buf_clear(to);
    cd_buf_printf(to, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
    cd_buf_put(to, "", 1);
    return to->overflowed ? "" : (const char *)to->data; /* which is refused */
}

static enum coord_code delete_one(struct steps *steps, const char *path, struct coord_error *error)
{
    struct coord_result *result = NULL;
    enum coord_code code =
        coord_delete(steps->client, path, COORD_ANY_VERSION,
                     COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT, NULL, &result, error);
    if (code == COORD_OK) {
        count(steps, coord_result_deleted(result));
    }
    coord_result_free(result);
    return code;
}

/* All of a page in one step. */
static enum coord_code delete_page(struct steps *steps, const char *path,
                                   const struct coord_result *page, struct coord_error *error)
{
    struct cd_buf child;
    struct coord_result *result = NULL;
    struct coord_txn *txn = coord_txn_create();
    size_t children = coord_result_children_count(page);
    int64_t deleted = 0;
    if (txn == NULL) {
        *error = (struct coord_error){.code = COORD_NO_MEMORY, .message = "no memory"};
        return COORD_NO_MEMORY;
    }
    cd_buf_init(&child, PATH_BYTES_MAX);
    for (size_t i = 0; i < children; i++) {
        coord_txn_add_delete(txn, COORD_THEN,
                             child_path(&child, path, coord_result_child_name(page, i)),
                             COORD_ANY_VERSION, COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT);
    }
    enum coord_code code = coord_txn_run(steps->client, txn, NULL, &result, error);
    for (size_t i = 0; code == COORD_OK && i < coord_result_results_count(result); i++) {
        deleted += coord_result_deleted(coord_result_at(result, i));
    }
    count(steps, deleted);
    coord_result_free(result);
    coord_txn_free(txn);
    cd_buf_release(&child);
    return code;
}

/* A page that is too much for one step: one child after the other. */
static enum coord_code delete_children(struct steps *steps, const char *path,
                                       const struct coord_result *page, struct coord_error *error)
{
    struct cd_buf child;
    enum coord_code code = COORD_OK;
    cd_buf_init(&child, PATH_BYTES_MAX);
    for (size_t i = 0; code == COORD_OK && i < coord_result_children_count(page); i++) {
        const char *name = coord_result_child_name(page, i);
        code = delete_in_steps(steps, child_path(&child, path, name), error);
    }
    cd_buf_release(&child);
    return code;
}

/* As deep as the tree is, which the longest path bounds. */
static enum coord_code delete_in_steps(struct steps *steps, const char *path,
                                       struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    while (!steps->interrupted && (code = delete_one(steps, path, error)) == COORD_TOO_MANY) {
        struct coord_result *page = NULL;
        code = coord_children(steps->client, path, 0, CHILDREN_MAX, NULL, NULL, &page, error);
        if (code == COORD_OK) {
            code = delete_page(steps, path, page, error);
        }
        if (code == COORD_TOO_MANY || code == COORD_TOO_LARGE) {
            code = delete_children(steps, path, page, error);
        }
        coord_result_free(page);
        steps->interrupted = cli_interrupted();
        if (code != COORD_OK) {
            break;
        }
    }
    return code;
}

int cli_rm_in_steps(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct steps steps = {.client = client, .arguments = arguments};
    struct coord_error error;
    if (!cli_has(arguments, CLI_RECURSIVE) || cli_has(arguments, CLI_VERSION)) {
        return cli_say(CLI_USAGE, "rm: --steps goes with -r, and without --version");
    }
    int code = CLI_DONE;
    if (delete_in_steps(&steps, arguments->operands[0], &error) != COORD_OK) {
        code = cli_failed(arguments, &error);
    } else if (steps.interrupted) {
        code = cli_say(CLI_REFUSED, "rm %s: interrupted", arguments->operands[0]);
    } else if (steps.deleted == 0) {
        code = cli_say(CLI_REFUSED, "rm %s: the node does not exist (NO_NODE)",
                       arguments->operands[0]);
    }
    cli_progress_wipe();
    if (code != CLI_DONE && steps.deleted > 0) {
        (void)cli_say(CLI_DONE, "rm %s: %" PRId64 " nodes were deleted before",
                      arguments->operands[0], steps.deleted);
    }
    if (code == CLI_DONE && arguments->output == CLI_JSON) {
        cli_json_print(json_pack("{sI}", "deleted", (json_int_t)steps.deleted));
    }
    return code;
}
