/*
 * config_watcher NAME: a program that follows a value of its configuration.
 *
 * Shows a cached node: the value is at hand at any time without a call, and what it shows follows
 * the tree. The node need not exist. Values between two looks may be missed, never the last one.
 *
 *   . .dev/env; config_watcher anna &
 *   coordctl create --parents /config/rate 100; coordctl set /config/rate 200
 */

#include "example.h"

#include <inttypes.h>
#include <stdio.h>

#define NODE "/config/rate"

static void say_value(struct coord_cache *cache, const char *name)
{
    struct coord_view *view = NULL;
    enum coord_code code = coord_cache_get(cache, NODE, &view, NULL);
    if (code == COORD_OK) {
        const struct coord_cached *node = coord_view_at(view, 0);
        example_say("%s: " NODE " is %s (version %" PRId64 ")", name, (const char *)node->data,
                    node->stat->version);
    } else if (code == COORD_NO_NODE) {
        example_say("%s: " NODE " is not there", name);
    }
    coord_view_free(view);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: config_watcher NAME\n");
        return 2;
    }
    struct coord_client *client = example_connect();
    struct coord_cache *cache = NULL;
    struct coord_error error;
    uint64_t zxid = 0;
    example_catch_signals(true);
    enum coord_code code = coord_cache_create(client, NODE, COORD_WATCH_NODE, &cache, &error);
    while ((code == COORD_OK || code == COORD_TIMEOUT) && !example_stopped()) {
        code = coord_cache_wait(cache, EXAMPLE_LOOK_MS, &zxid, &error);
        if (code == COORD_OK) {
            say_value(cache, argv[1]);
        }
    }
    coord_cache_close(cache);
    coord_client_close(client);
    return example_stopped() ? 0 : example_failed(argv[1], &error);
}
