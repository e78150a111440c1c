/*
 * group_member NAME: one member of a group, who knows the others.
 *
 * Shows membership: who joins, leaves or crashes is seen by all. Each member has a presence in the
 * directory of the group, and follows that directory with a cache of its children.
 *
 *   . .dev/env; group_member anna & group_member bert &
 */

#include "example.h"

#include <stdio.h>
#include <string.h>

#define GROUP "/packers"

enum { LIST_BYTES = 512 };

static void say_members(struct coord_cache *cache, const char *name)
{
    struct coord_view *view = NULL;
    char list[LIST_BYTES] = "";
    if (coord_cache_children(cache, GROUP, &view, NULL) != COORD_OK) {
        return; /* not known yet */
    }
    for (size_t i = 0; i < coord_view_count(view); i++) {
        const char *member = strrchr(coord_view_at(view, i)->path, '/') + 1;
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof(list) - used, " %s", member);
    }
    example_say("%s: sees%s", name, list);
    coord_view_free(view);
}

/* Until Ctrl-C. */
static enum coord_code follow(struct coord_cache *cache, const char *name,
                              struct coord_error *error)
{
    enum coord_code code = COORD_OK;
    uint64_t zxid = 0;
    while ((code == COORD_OK || code == COORD_TIMEOUT) && !example_stopped()) {
        code = coord_cache_wait(cache, EXAMPLE_LOOK_MS, &zxid, error);
        if (code == COORD_OK) {
            say_members(cache, name);
        }
    }
    return example_stopped() ? COORD_OK : code;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: group_member NAME\n");
        return 2;
    }
    struct coord_client *client = example_connect();
    struct coord_presence *presence = NULL;
    struct coord_cache *cache = NULL;
    struct coord_error error;
    example_catch_signals(true);
    enum coord_code code = coord_group_join(client, GROUP, argv[1], NULL, 0, &presence, &error);
    if (code == COORD_OK) {
        code = coord_cache_create(client, GROUP, COORD_WATCH_CHILDREN, &cache, &error);
    }
    if (code == COORD_OK) {
        code = follow(cache, argv[1], &error);
    }
    coord_cache_close(cache);
    example_say("%s: leaves", argv[1]);
    (void)coord_presence_close(presence, NULL);
    coord_client_close(client);
    return code == COORD_OK ? 0 : example_failed(argv[1], &error);
}
